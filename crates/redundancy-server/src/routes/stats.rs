//! `GET /api/v1/stats`: what has been done since the start, and what is being done.

use crate::app::{App, Here};
use crate::envelope::Envelope;
use crate::request::NoParameters;
use redundancy_engine::cpu_pool::PoolStats;
use redundancy_engine::webhook::store::QueueStats;
use redundancy_engine::{OperationStats, Stats};
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;

/// How long a count waits for the store.
const STORE_TIMEOUT: Duration = Duration::from_secs(1);

/// What has been done since the start, and what is being done.
#[derive(Serialize, ToSchema)]
pub(crate) struct StatsData {
    /// When the service started, in milliseconds since the Unix epoch.
    #[schema(example = 1_767_323_045_678_u64)]
    started_at_ms: u64,
    uptime_seconds: f64,
    /// By kind of analysis.
    operations: Vec<OperationData>,
    workers: Workers,
    /// How many documents the index has; `null` when the store does not answer.
    documents: Option<IndexData>,
    /// What is in the store of events and deliveries; `null` when it does not answer.
    webhooks: Option<QueueData>,
}

/// Documents of the index.
#[derive(Serialize, ToSchema)]
struct IndexData {
    /// In all collections.
    indexed: u64,
    /// By collection, those that have any.
    collections: Vec<CollectionData>,
}

/// A collection.
#[derive(Serialize, ToSchema)]
struct CollectionData {
    #[schema(example = "default")]
    collection: String,
    documents: u64,
}

/// Deliveries in the store. Those that have ended count from the beginning of the store.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub(crate) struct QueueData {
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
    /// How long the delivery has waited that has waited longest; 0 when none waits.
    oldest_pending_seconds: f64,
}

/// What one kind of analysis has done since the start.
#[derive(Serialize, ToSchema)]
struct OperationData {
    #[schema(example = "analyze", value_type = String)]
    operation: &'static str,
    /// Analyses that were done to the end, also those whose caller gave up meanwhile.
    completed: u64,
    /// Analyses that were not: refused for want of room, given up before they began, or ended by a defect.
    failed: u64,
    /// Bytes of text in the completed ones.
    bytes: u64,
    /// Time that cores were busy with the completed ones.
    busy_seconds: f64,
    /// Completed analyses per second of uptime.
    per_second: f64,
}

/// How full the pool for analyses is.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct Workers {
    /// Analyses that can run at the same time.
    total: usize,
    /// Analyses that run now.
    running: usize,
    /// Analyses that wait for a worker.
    waiting: usize,
    /// Analyses that may wait; one more is answered 503.
    waiting_limit: usize,
}

/// What has been done since the start
#[utoipa::path(
    get,
    path = "/api/v1/stats",
    tag = "Monitoring",
    responses((status = 200, description = "Counts and rates since the start", body = Envelope<StatsData>)),
)]
pub(crate) async fn stats(Here(app): Here, _: NoParameters) -> Envelope<StatsData> {
    let webhooks = QueueData::of(&app).await;
    let documents = IndexData::of(&app).await;
    Envelope::ok(StatsData::new(&app.engine().stats(), documents, webhooks))
}

impl IndexData {
    /// Asks the store, for a short time. `None` when it does not answer.
    async fn of(app: &App) -> Option<Self> {
        let counts = tokio::time::timeout(STORE_TIMEOUT, app.engine().document_counts()).await.ok()?.ok()?;
        let indexed = counts.iter().map(|(_, documents)| documents).sum();
        let collections = counts
            .into_iter()
            .map(|(collection, documents)| CollectionData { collection: collection.to_string(), documents });
        Some(Self { indexed, collections: collections.collect() })
    }
}

impl QueueData {
    /// Asks the store, for a short time. `None` when it does not answer.
    pub(super) async fn of(app: &App) -> Option<Self> {
        let asked = tokio::time::timeout(STORE_TIMEOUT, app.webhooks().stats()).await;
        let QueueStats { total, oldest_pending_at, .. } = asked.ok()?.ok()?;
        let waited = oldest_pending_at.map(|since| app.clock().now().since(since));
        Some(Self {
            queue_size: total.pending + total.in_flight,
            in_flight: total.in_flight,
            dead_letters: total.dead_letters,
            delivered: total.delivered,
            failed: total.failed,
            retried: total.retried,
            oldest_pending_seconds: waited.unwrap_or_default().as_secs_f64(),
        })
    }
}

impl StatsData {
    fn new(stats: &Stats, documents: Option<IndexData>, webhooks: Option<QueueData>) -> Self {
        let uptime_seconds = stats.uptime.as_secs_f64();
        Self {
            started_at_ms: stats.started_at.as_millis(),
            uptime_seconds,
            operations: stats
                .operations
                .iter()
                .map(|operation| OperationData::new(operation, uptime_seconds))
                .collect(),
            workers: Workers::from(&stats.pool),
            documents,
            webhooks,
        }
    }
}

impl OperationData {
    fn new(stats: &OperationStats, uptime_seconds: f64) -> Self {
        Self {
            operation: stats.operation.as_str(),
            completed: stats.completed,
            failed: stats.failed,
            bytes: stats.bytes,
            busy_seconds: stats.busy.as_secs_f64(),
            per_second: if uptime_seconds > 0.0 { stats.completed as f64 / uptime_seconds } else { 0.0 },
        }
    }
}

impl From<&PoolStats> for Workers {
    fn from(pool: &PoolStats) -> Self {
        Self { total: pool.workers, running: pool.running, waiting: pool.waiting, waiting_limit: pool.queue }
    }
}
