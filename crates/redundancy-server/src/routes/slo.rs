//! `GET /api/v1/slo`: what is promised, what was kept of it, and what may still be missed.

use crate::app::App;
use crate::envelope::Envelope;
use crate::objectives::{LENGTH, Objective, Window};
use crate::request::NoParameters;
use axum::extract::State;
use redundancy_engine::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// What is promised, and what became of it in this process.
#[derive(Serialize, ToSchema)]
#[schema(as = SloData)]
pub(crate) struct ObjectivesData {
    /// How far back events are counted. Those before the start of the process are not known to it.
    #[schema(example = 2_592_000)]
    window_seconds: u64,
    /// When counting began: the start of the process, or of the window.
    #[schema(example = "2026-01-02T03:04:05.678Z")]
    since: String,
    objectives: Vec<ObjectiveData>,
}

/// One thing that is promised.
#[derive(Serialize, ToSchema)]
#[schema(as = Slo)]
pub(crate) struct ObjectiveData {
    /// `api_availability`, `api_latency` or `delivery_success`.
    #[schema(example = "api_availability", value_type = String)]
    name: &'static str,
    /// What counts, and what is good enough.
    #[schema(value_type = String)]
    description: &'static str,
    /// The share that is promised.
    #[schema(example = 0.999, minimum = 0.0, maximum = 1.0)]
    objective: f64,
    /// The share that was kept; `null` when nothing happened yet.
    #[schema(example = 0.9996, minimum = 0.0, maximum = 1.0)]
    current: Option<f64>,
    /// The share that is left of what may be missed: 1 when nothing was missed, 0 when as much as may be, less than 0 when more.
    #[schema(example = 0.6, maximum = 1.0)]
    budget_left: f64,
    /// Requests, or deliveries that ended.
    events: u64,
    /// Those of them that missed the objective.
    missed: u64,
}

/// What is promised, and what was kept of it
///
/// Counted by this process over the last 30 days or since its start. What all replicas together kept, over restarts, is known
/// to Prometheus: the metrics `slo_*` count the same events.
#[utoipa::path(
    get,
    path = "/api/v1/slo",
    operation_id = "slo",
    tag = "Monitoring",
    responses((status = 200, description = "The objectives", body = Envelope<ObjectivesData>)),
)]
pub(crate) async fn slo(State(app): State<App>, _: NoParameters) -> Envelope<ObjectivesData> {
    let (now, started_at) = (app.clock().now(), app.engine().stats().started_at);
    let length_ms = u64::try_from(LENGTH.as_millis()).unwrap_or(u64::MAX);
    let window_began = Timestamp::from_millis(now.as_millis().saturating_sub(length_ms));
    let objectives = app.metrics().objectives();
    Envelope::ok(ObjectivesData {
        window_seconds: LENGTH.as_secs(),
        since: started_at.max(window_began).to_string(),
        objectives: Objective::ALL
            .into_iter()
            .map(|objective| ObjectiveData::new(objective, objectives.of(objective), now))
            .collect(),
    })
}

impl ObjectiveData {
    fn new(objective: Objective, window: &Window, now: Timestamp) -> Self {
        let kept = window.in_window(now);
        Self {
            name: objective.as_str(),
            description: objective.description(),
            objective: objective.share(),
            current: kept.share(),
            budget_left: kept.budget_left(objective.share()),
            events: kept.counted,
            missed: kept.missed,
        }
    }
}
