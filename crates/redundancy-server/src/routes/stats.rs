//! `GET /api/v1/stats`: what has been done since the start, and what is being done.

use crate::app::App;
use crate::envelope::Envelope;
use crate::request::NoParameters;
use axum::extract::State;
use redundancy_engine::cpu_pool::PoolStats;
use redundancy_engine::{OperationStats, Stats};
use serde::Serialize;
use utoipa::ToSchema;

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
pub(crate) async fn stats(State(app): State<App>, _: NoParameters) -> Envelope<StatsData> {
    Envelope::ok(app.engine().stats().into())
}

impl From<Stats> for StatsData {
    fn from(stats: Stats) -> Self {
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
