//! `GET /api/v1/webhooks/stats`: how delivery goes, in all and by endpoint.

use crate::app::Here;
use crate::envelope::Envelope;
use crate::error::ApiError;
use crate::request::NoParameters;
use redundancy_engine::webhook::store::{EndpointCounts, LatencyHistogram};
use serde::Serialize;
use utoipa::ToSchema;

/// How delivery goes.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookStatsData {
    #[serde(flatten)]
    total: CountsData,
    /// How long the delivery has waited that has waited longest; `null` when none waits.
    #[schema(example = 0.02)]
    oldest_pending_seconds: Option<f64>,
    /// The same by endpoint.
    by_endpoint: Vec<EndpointStatsData>,
}

/// How delivery to one endpoint goes.
#[derive(Serialize, ToSchema)]
struct EndpointStatsData {
    #[schema(example = "main-webhook")]
    endpoint_id: String,
    #[serde(flatten)]
    counts: CountsData,
}

/// Counts of deliveries. Those of the past begin with the store.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookCounts)]
pub(crate) struct CountsData {
    /// Deliveries that wait or are being made.
    queue_size: u64,
    /// Deliveries that are being made.
    in_flight: u64,
    /// Deliveries that were given up and are not yet requeued or deleted.
    dead_letters: u64,
    /// Deliveries that the receiver took.
    delivered: u64,
    /// Deliveries that were given up.
    failed: u64,
    /// Attempts beyond the first of their delivery.
    retried: u64,
    /// delivered / (delivered + failed); `null` before the first has ended.
    #[schema(example = 0.998)]
    success_rate: Option<f64>,
    latency_ms: LatencyData,
}

/// How long attempts took that succeeded, to within a seventh; `null` before the first has.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookLatency)]
struct LatencyData {
    /// Half of them took no longer.
    p50: Option<f64>,
    /// 95 % of them took no longer.
    p95: Option<f64>,
    /// 99 % of them took no longer.
    p99: Option<f64>,
}

/// How delivery goes
#[utoipa::path(
    get,
    path = "/api/v1/webhooks/stats",
    operation_id = "webhook_stats",
    tag = "Deliveries",
    responses((status = 200, description = "Counts, in all and by endpoint", body = Envelope<WebhookStatsData>)),
)]
pub(crate) async fn stats(Here(app): Here, _: NoParameters) -> Result<Envelope<WebhookStatsData>, ApiError> {
    let stats = app.webhooks().stats().await?;
    let now = app.clock().now();
    let by_endpoint = stats.by_endpoint.into_iter();
    Ok(Envelope::ok(WebhookStatsData {
        total: stats.total.into(),
        oldest_pending_seconds: stats.oldest_pending_at.map(|since| now.since(since).as_secs_f64()),
        by_endpoint: by_endpoint
            .map(|(id, counts)| EndpointStatsData { endpoint_id: id.to_string(), counts: counts.into() })
            .collect(),
    }))
}

impl From<EndpointCounts> for CountsData {
    fn from(counts: EndpointCounts) -> Self {
        Self {
            queue_size: counts.pending + counts.in_flight,
            in_flight: counts.in_flight,
            dead_letters: counts.dead_letters,
            delivered: counts.delivered,
            failed: counts.failed,
            retried: counts.retried,
            success_rate: counts.success_rate(),
            latency_ms: LatencyData::from(&counts.latency),
        }
    }
}

impl From<&LatencyHistogram> for LatencyData {
    fn from(latency: &LatencyHistogram) -> Self {
        // To the microsecond: what stands behind it is no knowledge.
        let of = |rank| latency.percentile_ms(rank).map(|millis| (millis * 1000.0).round() / 1000.0);
        Self { p50: of(0.5), p95: of(0.95), p99: of(0.99) }
    }
}
