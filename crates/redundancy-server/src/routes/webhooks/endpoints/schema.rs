//! What the `OpenAPI` document says of bodies that describe endpoints. They are read in `body.rs`.

use super::shown::SignatureName;
use crate::wire::values::{DelayMs, EndpointName, EventChoice, HeaderFields, ReceiverUrl, Secret};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// An endpoint to be registered.
// Serialised nowhere: the derive is there for `deny_unknown_fields`, which the OpenAPI document takes over.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewEndpointBody {
    /// Its id; made when left out.
    #[schema(value_type = Option<EndpointName>)]
    id: Option<String>,
    /// Where it is: an absolute `http` or `https` URL. User and password in it become Basic auth.
    #[schema(value_type = ReceiverUrl)]
    url: String,
    /// Which events it gets: names, beginnings such as `analysis.*`, or `*` for all.
    #[schema(value_type = Vec<EventChoice>, min_items = 1, max_items = 100)]
    events: Vec<String>,
    /// What its deliveries are signed with: `whsec_` and 16 to 256 bytes in base64, or such a number of bytes as they are. Made
    /// when left out.
    #[schema(value_type = Option<Secret>)]
    secret: Option<String>,
    /// What people call it.
    #[schema(max_length = 1000, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$")]
    description: Option<String>,
    /// Headers that its requests carry beside those of the service, at most 32.
    #[schema(value_type = Option<HeaderFields>)]
    headers: Option<BTreeMap<String, String>>,
    /// Time for one attempt.
    #[schema(minimum = 100, maximum = 60000, default = 30000)]
    timeout_ms: Option<u64>,
    /// When failed deliveries are tried again.
    retry: Option<RetryBody>,
    /// How many deliveries it gets in which time; any number when left out.
    rate_limit: Option<RateLimitBody>,
    /// Deliveries under way at the same time.
    #[schema(minimum = 1, maximum = 1000, default = 32)]
    max_in_flight: Option<u32>,
    /// Whether it gets anything.
    #[schema(default = true)]
    is_active: Option<bool>,
    /// How its deliveries are signed.
    #[schema(default = "v1")]
    signature: Option<SignatureName>,
    /// Whatever you want to keep with it: at most 16 KiB of JSON.
    #[schema(value_type = Option<Object>)]
    metadata: Option<()>,
}

/// What is to be changed of an endpoint.
// Serialised nowhere: the derive is there for `deny_unknown_fields`, which the OpenAPI document takes over.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndpointChange {
    /// Where it is.
    #[schema(value_type = ReceiverUrl, required = false)]
    url: Option<String>,
    /// Which events it gets.
    #[schema(value_type = Vec<EventChoice>, required = false, min_items = 1, max_items = 100)]
    events: Option<Vec<String>>,
    /// What people call it.
    #[schema(max_length = 1000, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$")]
    description: Option<String>,
    /// Headers that its requests carry beside those of the service, at most 32.
    #[schema(value_type = Option<HeaderFields>)]
    headers: Option<BTreeMap<String, String>>,
    /// Time for one attempt.
    #[schema(minimum = 100, maximum = 60000)]
    timeout_ms: Option<u64>,
    /// When failed deliveries are tried again.
    retry: Option<RetryBody>,
    /// How many deliveries it gets in which time.
    rate_limit: Option<RateLimitBody>,
    /// Deliveries under way at the same time.
    #[schema(minimum = 1, maximum = 1000)]
    max_in_flight: Option<u32>,
    /// Whether it gets anything.
    #[schema(value_type = bool, required = false)]
    is_active: Option<bool>,
    /// How its deliveries are signed.
    #[schema(value_type = SignatureName, required = false)]
    signature: Option<SignatureName>,
    /// Whatever you want to keep with it: at most 16 KiB of JSON.
    #[schema(value_type = Option<Object>)]
    metadata: Option<()>,
}

/// When failed deliveries are tried again.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RetryBody {
    /// Attempts in all, the first one included.
    #[schema(minimum = 1, maximum = 100, default = 8)]
    max_attempts: Option<u32>,
    /// Between the first failure and the second attempt.
    #[schema(minimum = 0, maximum = 604_800_000, default = 5000)]
    initial_delay_ms: Option<u64>,
    /// What each further delay is multiplied with.
    #[schema(minimum = 1.0, maximum = 100.0, default = 4.0)]
    multiplier: Option<f64>,
    /// No delay is longer, one that the receiver asks for by `Retry-After` included.
    #[schema(minimum = 0, maximum = 604_800_000, default = 36_000_000)]
    max_delay_ms: Option<u64>,
    /// By which share of itself a delay may be shorter or longer at random.
    #[schema(minimum = 0.0, maximum = 1.0, default = 0.2)]
    jitter: Option<f64>,
    /// The delays themselves, instead of a geometric series; after the last one it repeats.
    #[schema(value_type = Option<Vec<DelayMs>>, min_items = 1, max_items = 100)]
    schedule_ms: Option<Vec<u64>>,
}

/// How many deliveries in which time.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RateLimitBody {
    /// How many.
    #[schema(minimum = 1, maximum = 1_000_000)]
    requests: u32,
    /// In any so many seconds.
    #[schema(minimum = 1, maximum = 86_400)]
    per_seconds: u32,
}
