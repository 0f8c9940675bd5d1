//! `/health`, `/health/live`, `/health/ready` for probes, `/api/v1/health/status` for people.

use super::stats::Workers;
use crate::app::App;
use crate::envelope::{Envelope, json};
use crate::metrics::process;
use crate::request::NoParameters;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use redundancy_engine::cpu_pool::PoolStats;
use serde::Serialize;
use utoipa::ToSchema;

/// The answer to a probe. Without the envelope, which probes do not know.
#[derive(Serialize, ToSchema)]
pub(crate) struct Probe {
    status: PartState,
}

/// The service and its parts.
#[derive(Serialize, ToSchema)]
pub(crate) struct HealthData {
    /// The worst of the parts, or `draining`.
    status: PartState,
    #[schema(example = "0.1.0")]
    version: String,
    uptime_seconds: f64,
    /// How the program runs: `server`, or the name of a function platform.
    #[schema(example = "server")]
    profile: String,
    parts: Parts,
}

/// How a part does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PartState {
    /// As it should.
    Ok,
    /// It works, but turns some requests away.
    Degraded,
    /// It finishes what it has begun and takes no more.
    Draining,
}

/// The parts of the service.
#[derive(Serialize, ToSchema)]
struct Parts {
    store: StoreHealth,
    workers: WorkersHealth,
    memory: MemoryHealth,
}

/// Where analyses that were accepted for later are kept.
#[derive(Serialize, ToSchema)]
struct StoreHealth {
    state: PartState,
    /// `memory`, `embedded` or `redis`.
    #[schema(example = "memory", value_type = String)]
    kind: &'static str,
    /// Whether what it keeps outlives the process.
    durable: bool,
}

/// The pool for analyses; degraded when it is full.
#[derive(Serialize, ToSchema)]
struct WorkersHealth {
    state: PartState,
    #[serde(flatten)]
    workers: Workers,
}

/// The memory of the process.
#[derive(Serialize, ToSchema)]
struct MemoryHealth {
    state: PartState,
    /// Memory in RAM, where the operating system tells it.
    resident_bytes: Option<u64>,
}

impl IntoResponse for Probe {
    fn into_response(self) -> Response {
        let status = match self.status {
            PartState::Ok | PartState::Degraded => StatusCode::OK,
            PartState::Draining => StatusCode::SERVICE_UNAVAILABLE,
        };
        json(status, &self)
    }
}

/// Whether the service is alive
#[utoipa::path(
    get,
    path = "/health",
    tag = "Health",
    responses((status = 200, description = "Alive", body = Probe, example = json!({"status": "ok"}))),
)]
pub(crate) async fn alive() -> Probe {
    Probe { status: PartState::Ok }
}

/// Whether the service is alive
///
/// The same as `/health`, by the name that orchestrators use.
#[utoipa::path(
    get,
    path = "/health/live",
    tag = "Health",
    responses((status = 200, description = "Alive", body = Probe, example = json!({"status": "ok"}))),
)]
pub(crate) async fn live() -> Probe {
    alive().await
}

/// Whether the service should get traffic
#[utoipa::path(
    get,
    path = "/health/ready",
    tag = "Health",
    responses(
        (status = 200, description = "Ready", body = Probe, example = json!({"status": "ok"})),
        (status = 503, description = "Shutting down", body = Probe, example = json!({"status": "draining"})),
    ),
)]
pub(crate) async fn ready(State(app): State<App>) -> Probe {
    Probe { status: traffic_state(&app) }
}

/// How the service and its parts do
#[utoipa::path(
    get,
    path = "/api/v1/health/status",
    tag = "Health",
    responses((status = 200, description = "The service and its parts", body = Envelope<HealthData>)),
)]
pub(crate) async fn status(State(app): State<App>, _: NoParameters) -> Envelope<HealthData> {
    let stats = app.engine().stats();
    let store = app.engine().store_kind();
    let workers = WorkersHealth { state: workers_state(&stats.pool), workers: Workers::from(&stats.pool) };
    let worst = match traffic_state(&app) {
        PartState::Ok => workers.state,
        draining @ (PartState::Degraded | PartState::Draining) => draining,
    };
    Envelope::ok(HealthData {
        status: worst,
        version: app.config().version.clone(),
        uptime_seconds: stats.uptime.as_secs_f64(),
        profile: app.config().profile.clone(),
        parts: Parts {
            store: StoreHealth { state: PartState::Ok, kind: store.name, durable: store.is_durable },
            workers,
            memory: MemoryHealth { state: PartState::Ok, resident_bytes: process::resident_bytes() },
        },
    })
}

fn traffic_state(app: &App) -> PartState {
    if app.readiness().is_ready() { PartState::Ok } else { PartState::Draining }
}

fn workers_state(pool: &PoolStats) -> PartState {
    if pool.waiting < pool.queue || pool.running < pool.workers { PartState::Ok } else { PartState::Degraded }
}
