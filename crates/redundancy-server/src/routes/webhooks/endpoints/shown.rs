//! Endpoints as answers show them: without secrets.

use redundancy_engine::webhook::breaker::{Breaker, BreakerState};
use redundancy_engine::webhook::rate_window::RateLimit;
use redundancy_engine::webhook::retry::RetryPolicy;
use redundancy_engine::webhook::store::{EndpointCounts, EndpointRecord};
use redundancy_engine::webhook::{Scheme, endpoint::DisabledReason};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What stands in the place of something secret.
pub(super) const MASK: &str = "***";

/// An endpoint.
#[derive(Serialize, ToSchema)]
pub(crate) struct EndpointData {
    #[schema(example = "main-webhook")]
    id: String,
    /// Where it is. A password in it is shown as `***`.
    #[schema(example = "https://example.com/hooks")]
    url: String,
    /// Which events it gets.
    #[schema(example = json!(["analysis.completed", "batch.*"]))]
    events: Vec<String>,
    description: Option<String>,
    /// Headers that its requests carry beside those of the service. Any of them may hold a credential, so all values are shown
    /// as `***`.
    #[schema(example = json!({"X-Tenant": "***"}))]
    headers: BTreeMap<String, String>,
    /// Time for one attempt.
    timeout_ms: u64,
    retry: RetryData,
    /// How many deliveries it gets in which time; `null` for any number.
    rate_limit: Option<RateLimitData>,
    /// Deliveries under way at the same time.
    max_in_flight: u32,
    /// Whether it gets anything.
    is_active: bool,
    /// Why the service made it inactive, if it did: `gone` (it answered 410) or `failing` (nothing but failures for days).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, example = "gone")]
    disabled_reason: Option<&'static str>,
    signature: SignatureName,
    /// What receivers verify `v1a` signatures with; only with that signature.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, example = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=")]
    public_key: Option<String>,
    /// Whatever its owner keeps with it.
    #[schema(value_type = Object)]
    metadata: serde_json::Map<String, serde_json::Value>,
    circuit: CircuitData,
    counts: EndpointCountsData,
    /// When it was registered.
    #[schema(example = "2026-01-02T03:04:05.678Z")]
    created_at: String,
    /// When it was last changed.
    #[schema(example = "2026-01-02T03:04:05.678Z")]
    updated_at: String,
}

/// An endpoint that was just registered.
#[derive(Serialize, ToSchema)]
pub(crate) struct RegisteredData {
    #[serde(flatten)]
    endpoint: EndpointData,
    /// What its deliveries are signed with. Keep it: lists do not show it.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    secret: String,
}

/// When failed deliveries are tried again.
#[derive(Serialize, ToSchema)]
#[schema(as = Retry)]
struct RetryData {
    /// Attempts in all, the first one included.
    max_attempts: u32,
    /// Between the first failure and the second attempt.
    initial_delay_ms: u64,
    /// What each further delay is multiplied with.
    multiplier: f64,
    /// No delay is longer.
    max_delay_ms: u64,
    /// By which share of itself a delay may be shorter or longer at random.
    jitter: f64,
    /// The delays themselves, instead of a geometric series; `null` when there is none.
    schedule_ms: Option<Vec<u64>>,
}

/// How many deliveries in which time.
#[derive(Serialize, ToSchema)]
#[schema(as = RateLimit)]
struct RateLimitData {
    requests: u32,
    per_seconds: u32,
}

/// The circuit breaker of an endpoint.
#[derive(Serialize, ToSchema)]
#[schema(as = Circuit)]
struct CircuitData {
    state: CircuitState,
    /// Since when it is in this state.
    #[schema(example = "2026-01-02T03:04:05.678Z")]
    since: String,
    /// Failures in a row.
    failures: u32,
}

/// Whether an endpoint gets deliveries.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum CircuitState {
    /// It does.
    Closed,
    /// It does not: it failed too often in a row. After a while a few are tried.
    Open,
    /// A few are tried.
    HalfOpen,
}

/// Counts of the deliveries to an endpoint.
#[derive(Serialize, ToSchema)]
struct EndpointCountsData {
    /// Deliveries that wait.
    pending: u64,
    /// Deliveries that are being made.
    in_flight: u64,
    /// Deliveries that were given up and are not yet requeued or deleted.
    dead_letters: u64,
    /// Deliveries that the receiver took, ever.
    delivered: u64,
    /// Deliveries that were given up, ever.
    failed: u64,
    /// Attempts beyond the first of their delivery, ever.
    retried: u64,
}

impl RegisteredData {
    pub(super) fn new(record: EndpointRecord, secret: String) -> Self {
        Self { endpoint: record.into(), secret }
    }
}

impl From<EndpointRecord> for EndpointData {
    fn from(EndpointRecord { endpoint, guard, counts }: EndpointRecord) -> Self {
        let public_key = match endpoint.scheme {
            Scheme::V1 => None,
            Scheme::V1a => Some(endpoint.secret.public_key().to_string()),
        };
        Self {
            id: endpoint.id.to_string(),
            url: endpoint.url.to_string(),
            events: endpoint.events.iter().map(ToString::to_string).collect(),
            description: endpoint.description,
            headers: endpoint.headers.into_keys().map(|name| (name, MASK.to_owned())).collect(),
            timeout_ms: u64::try_from(endpoint.timeout.as_millis()).unwrap_or(u64::MAX),
            retry: endpoint.retry.into(),
            rate_limit: endpoint.rate_limit.map(RateLimitData::from),
            max_in_flight: endpoint.max_in_flight,
            is_active: endpoint.is_active,
            disabled_reason: endpoint.disabled_reason.map(DisabledReason::as_str),
            signature: endpoint.scheme.into(),
            public_key,
            metadata: endpoint.metadata,
            circuit: guard.breaker.into(),
            counts: counts.into(),
            created_at: endpoint.created_at.to_string(),
            updated_at: endpoint.updated_at.to_string(),
        }
    }
}

impl From<RetryPolicy> for RetryData {
    fn from(retry: RetryPolicy) -> Self {
        let RetryPolicy { max_attempts, initial_delay_ms, multiplier, max_delay_ms, jitter, schedule_ms } =
            retry;
        Self { max_attempts, initial_delay_ms, multiplier, max_delay_ms, jitter, schedule_ms }
    }
}

impl From<RateLimit> for RateLimitData {
    fn from(RateLimit { requests, per_seconds }: RateLimit) -> Self {
        Self { requests, per_seconds }
    }
}

impl From<Breaker> for CircuitData {
    fn from(breaker: Breaker) -> Self {
        let state = match breaker.state {
            BreakerState::Closed => CircuitState::Closed,
            BreakerState::Open { .. } => CircuitState::Open,
            BreakerState::HalfOpen { .. } => CircuitState::HalfOpen,
        };
        Self { state, since: breaker.since.to_string(), failures: breaker.failures }
    }
}

impl From<EndpointCounts> for EndpointCountsData {
    fn from(counts: EndpointCounts) -> Self {
        let EndpointCounts { pending, in_flight, dead_letters, delivered, failed, retried, latency: _ } =
            counts;
        Self { pending, in_flight, dead_letters, delivered, failed, retried }
    }
}

/// How deliveries are signed.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = SignatureScheme)]
pub(crate) enum SignatureName {
    /// HMAC-SHA256 with the secret.
    V1,
    /// The same, and ed25519, which receivers verify with the public key alone.
    V1a,
}

impl From<Scheme> for SignatureName {
    fn from(scheme: Scheme) -> Self {
        match scheme {
            Scheme::V1 => Self::V1,
            Scheme::V1a => Self::V1a,
        }
    }
}
