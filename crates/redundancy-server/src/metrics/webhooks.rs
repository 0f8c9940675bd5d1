//! What is counted of deliveries, and what the store knows of those that wait. The dispatcher tells the former while it works;
//! the latter is asked for when somebody wants to see it.

use crate::app::Workspace;
use crate::objectives::Window;
use futures_util::future::try_join_all;
use prometheus_client::collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use redundancy_engine::webhook::FailureReason;
use redundancy_engine::webhook::breaker::BreakerState;
use redundancy_engine::webhook::endpoint::DisabledReason;
use redundancy_engine::webhook::event::{EventType, types};
use redundancy_engine::webhook::ids::EndpointId;
use redundancy_engine::webhook::observer::{Attempted, Observer};
use redundancy_engine::webhook::store::{PageRequest, Transition};
use redundancy_engine::{Clock, StoreError};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// From a receiver on the same machine to one that is about to be given up.
const SECONDS_BUCKETS: [f64; 13] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0];
/// Event types beyond our own that get a label of their own. Callers make them up, and labels are never forgotten.
const MAX_OWN_TYPES: usize = 100;
/// What the others share.
const OTHER: &str = "other";
/// How old what the store said may be.
const FRESH_FOR: Duration = Duration::from_secs(1);
/// How long a scrape waits for the store.
const STORE_TIMEOUT: Duration = Duration::from_secs(2);
/// Endpoints asked for at once.
const PAGE: usize = 500;
/// Event types that are published from the start, so that their counters are there before the first delivery.
const EXPECTED: [&str; 3] =
    [types::ANALYSIS_COMPLETED, types::SIMILARITY_COMPLETED, types::QUALITY_COMPLETED];
/// What becomes of a delivery after an attempt, as label values.
const STATUSES: [&str; 3] = ["succeeded", "failed", "exhausted"];

/// Counts deliveries for `/metrics`: give it to the dispatcher as its observer, and to the app. Cheap to clone: clones share
/// one state.
#[derive(Debug, Clone)]
pub struct WebhookMetrics(Arc<State>);

#[derive(Debug)]
struct State {
    deliveries: Family<DeliveryLabels, Counter>,
    seconds: Family<TypeLabels, Histogram, fn() -> Histogram>,
    retries: Counter,
    rate_limited: Counter,
    failures: Family<ReasonLabels, Counter>,
    disabled: Family<ReasonLabels, Counter>,
    /// Deliveries that ended by themselves: those that succeeded, and the dead letters among them.
    ended: Arc<Window>,
    /// Event types beyond our own that have a label.
    own_types: Mutex<BTreeSet<EventType>>,
    in_store: Mutex<InStore>,
    /// When the store was last asked, by the monotonic clock. Held while it is: nobody else has to ask meanwhile.
    asked_at: tokio::sync::Mutex<Option<Duration>>,
}

/// What the store said last.
#[derive(Debug, Default)]
struct InStore {
    queue_size: u64,
    dead_letters: u64,
    oldest_pending_seconds: f64,
    active_endpoints: u64,
    inactive_endpoints: u64,
    /// By the id of the endpoint, behind the name of its tenant and a slash if it has one: two tenants can have the same id.
    circuits: Vec<(String, u64)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DeliveryLabels {
    status: &'static str,
    event_type: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TypeLabels {
    event_type: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

/// Writes what the store said last.
#[derive(Debug)]
struct Collector(WebhookMetrics);

impl Default for WebhookMetrics {
    fn default() -> Self {
        let state = State {
            deliveries: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(SECONDS_BUCKETS)),
            retries: Counter::default(),
            rate_limited: Counter::default(),
            failures: Family::default(),
            disabled: Family::default(),
            ended: Arc::default(),
            own_types: Mutex::default(),
            in_store: Mutex::default(),
            asked_at: tokio::sync::Mutex::default(),
        };
        for event_type in EXPECTED.map(str::to_owned) {
            for status in STATUSES {
                drop(
                    state
                        .deliveries
                        .get_or_create(&DeliveryLabels { status, event_type: event_type.clone() }),
                );
            }
            drop(state.seconds.get_or_create(&TypeLabels { event_type }));
        }
        for reason in FailureReason::ALL {
            drop(state.failures.get_or_create(&ReasonLabels { reason: reason.as_str() }));
        }
        for reason in [DisabledReason::Gone, DisabledReason::Failing] {
            drop(state.disabled.get_or_create(&ReasonLabels { reason: reason.as_str() }));
        }
        Self(Arc::new(state))
    }
}

impl WebhookMetrics {
    /// The registry appends `_total` to the names of counters, as `OpenMetrics` asks.
    pub(super) fn register(&self, registry: &mut Registry) {
        let state = &self.0;
        let help = "Attempts to deliver, by what became of the delivery and by event type";
        registry.register("webhook_deliveries", help, state.deliveries.clone());
        let help = "Time from the beginning of an attempt to its end";
        registry.register("webhook_delivery_duration_seconds", help, state.seconds.clone());
        registry.register(
            "webhook_retries",
            "Attempts beyond the first of their delivery",
            state.retries.clone(),
        );
        let help = "Attempts that the receiver answered with 429 Too Many Requests";
        registry.register("webhook_rate_limited", help, state.rate_limited.clone());
        let help = "Attempts that failed, by what kept them from success";
        registry.register("webhook_attempt_failures", help, state.failures.clone());
        let help = "Endpoints that were disabled by their own answers";
        registry.register("webhook_endpoints_disabled", help, state.disabled.clone());
        registry.register_collector(Box::new(Collector(self.clone())));
    }

    /// Counts deliveries that ended by themselves; a dead letter is a miss.
    pub(super) fn ended(&self) -> Arc<Window> {
        Arc::clone(&self.0.ended)
    }

    /// Asks the store for what is shown of it, unless that was done just now. Waits a short time at most; when the store does
    /// not answer, what it said last is shown.
    pub(crate) async fn refresh(&self, workspaces: &[Arc<Workspace>], clock: &dyn Clock) {
        let mut asked_at = self.0.asked_at.lock().await;
        if asked_at.is_some_and(|asked_at| clock.monotonic().saturating_sub(asked_at) < FRESH_FOR) {
            return;
        }
        match tokio::time::timeout(STORE_TIMEOUT, ask_all(workspaces, clock)).await {
            Ok(Ok(in_store)) => *locked(&self.0.in_store) = in_store,
            Ok(Err(error)) => tracing::warn!(%error, "metrics of the store are not up to date"),
            Err(_) => tracing::warn!("metrics of the store are not up to date: it takes too long to answer"),
        }
        *asked_at = Some(clock.monotonic());
    }

    /// The label value for an event type.
    fn label(&self, kind: &EventType) -> String {
        let is_known = types::ALL.iter().any(|(known, _)| *known == kind.as_str());
        if !is_known {
            let mut own = locked(&self.0.own_types);
            if !own.contains(kind) {
                if own.len() >= MAX_OWN_TYPES {
                    return OTHER.to_owned();
                }
                own.insert(kind.clone());
            }
        }
        kind.as_str().to_owned()
    }
}

impl Observer for WebhookMetrics {
    fn attempted(&self, seen: &Attempted<'_>) {
        let status = match seen.transition {
            Transition::Succeed => "succeeded",
            Transition::RetryAt(_) => "failed",
            Transition::Exhaust => "exhausted",
        };
        let event_type = self.label(&seen.event.kind);
        let state = &self.0;
        state.deliveries.get_or_create(&DeliveryLabels { status, event_type: event_type.clone() }).inc();
        state.seconds.get_or_create(&TypeLabels { event_type }).observe(seen.attempt.duration.as_secs_f64());
        if seen.attempt.number > 1 {
            state.retries.inc();
        }
        if seen.attempt.status == Some(429) {
            state.rate_limited.inc();
        }
        if let Some(reason) = seen.attempt.failure {
            state.failures.get_or_create(&ReasonLabels { reason: reason.as_str() }).inc();
        }
        match seen.transition {
            Transition::Succeed => state.ended.count(true, seen.ended_at),
            Transition::Exhaust => state.ended.count(false, seen.ended_at),
            Transition::RetryAt(_) => {}
        }
    }

    fn disabled(&self, _: &EndpointId, reason: DisabledReason) {
        self.0.disabled.get_or_create(&ReasonLabels { reason: reason.as_str() }).inc();
    }
}

impl collector::Collector for Collector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let in_store = locked(&self.0.0.in_store);
        let mut write = |name: &str, help: &str, gauge: &dyn EncodeMetric| {
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
        };
        let help = "Deliveries that wait or are being made.";
        write("webhook_queue_size", help, &ConstGauge::new(in_store.queue_size))?;
        let help = "Deliveries that were given up.";
        write("webhook_dead_letters", help, &ConstGauge::new(in_store.dead_letters))?;
        let help = "How long the delivery has waited that has waited longest.";
        write("webhook_oldest_pending_seconds", help, &ConstGauge::new(in_store.oldest_pending_seconds))?;
        let kind = MetricType::Gauge;
        let help = "Registered endpoints.";
        let mut endpoints = encoder.encode_descriptor("webhook_endpoints", help, None, kind)?;
        for (state, count) in
            [("active", in_store.active_endpoints), ("inactive", in_store.inactive_endpoints)]
        {
            ConstGauge::new(count).encode(endpoints.encode_family(&[("state", state)])?)?;
        }
        let mut circuits = encoder.encode_descriptor(
            "webhook_circuit_breaker_state",
            "Circuit breakers: 0 closed, 1 open, 2 half-open.",
            None,
            MetricType::Gauge,
        )?;
        for (endpoint_id, state) in &in_store.circuits {
            let labels = [("endpoint_id", endpoint_id.as_str())];
            ConstGauge::new(*state).encode(circuits.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

/// Everything that is shown of the stores of all.
async fn ask_all(workspaces: &[Arc<Workspace>], clock: &dyn Clock) -> Result<InStore, StoreError> {
    let asked = workspaces.iter().map(|workspace| ask(workspace, clock));
    let mut sum = InStore::default();
    for one in try_join_all(asked).await? {
        sum.queue_size += one.queue_size;
        sum.dead_letters += one.dead_letters;
        sum.oldest_pending_seconds = sum.oldest_pending_seconds.max(one.oldest_pending_seconds);
        sum.active_endpoints += one.active_endpoints;
        sum.inactive_endpoints += one.inactive_endpoints;
        sum.circuits.extend(one.circuits);
    }
    Ok(sum)
}

/// Everything that is shown of one store.
async fn ask(workspace: &Workspace, clock: &dyn Clock) -> Result<InStore, StoreError> {
    let Workspace { tenant, webhooks, .. } = workspace;
    let label = |id: &EndpointId| match tenant {
        None => id.to_string(),
        Some(tenant) => format!("{tenant}/{id}"),
    };
    let stats = webhooks.stats().await?;
    let (mut circuits, mut active_endpoints) = (Vec::new(), 0);
    let mut after = None;
    loop {
        let page = webhooks.endpoints(PageRequest { after, limit: PAGE }).await?;
        circuits.extend(page.items.into_iter().map(|record| {
            let circuit = match record.guard.breaker.state {
                BreakerState::Closed => 0,
                BreakerState::Open { .. } => 1,
                BreakerState::HalfOpen { .. } => 2,
            };
            active_endpoints += u64::from(record.endpoint.is_active);
            (label(&record.endpoint.id), circuit)
        }));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let oldest = stats.oldest_pending_at.map(|since| clock.now().since(since));
    Ok(InStore {
        queue_size: stats.total.pending + stats.total.in_flight,
        dead_letters: stats.total.dead_letters,
        oldest_pending_seconds: oldest.unwrap_or_default().as_secs_f64(),
        active_endpoints,
        inactive_endpoints: circuits.len() as u64 - active_endpoints,
        circuits,
    })
}

/// Nothing under these locks can panic halfway.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_types_that_callers_make_up_get_a_bounded_number_of_labels() {
        let metrics = WebhookMetrics::default();
        for number in 0..MAX_OWN_TYPES {
            let kind: EventType = format!("own.type_{number}").parse().unwrap();
            assert_eq!(metrics.label(&kind), kind.as_str());
        }
        assert_eq!(metrics.label(&"one.more".parse().unwrap()), OTHER);
        assert_eq!(metrics.label(&"own.type_7".parse().unwrap()), "own.type_7");
        assert_eq!(metrics.label(&types::WEBHOOK_PING.parse().unwrap()), types::WEBHOOK_PING);
    }

    #[test]
    fn every_family_is_there_before_the_first_delivery() {
        let mut registry = Registry::default();
        WebhookMetrics::default().register(&mut registry);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        for line in [
            "webhook_deliveries_total{status=\"exhausted\",event_type=\"analysis.completed\"} 0",
            "webhook_delivery_duration_seconds_count{event_type=\"quality.completed\"} 0",
            "webhook_retries_total 0",
            "webhook_rate_limited_total 0",
            "webhook_queue_size 0",
            "webhook_dead_letters 0",
            "webhook_oldest_pending_seconds 0.0",
            "# TYPE webhook_circuit_breaker_state gauge",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }
}
