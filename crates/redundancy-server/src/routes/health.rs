//! `/health`, `/health/live`, `/health/ready` for probes, `/api/v1/health/status` for people.

use super::stats::{QueueData, Workers};
use crate::app::App;
use crate::envelope::{Envelope, json};
use crate::metrics::process;
use crate::request::NoParameters;
use crate::wire::millis;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use redundancy_engine::StoreKind;
use redundancy_engine::cpu_pool::PoolStats;
use redundancy_engine::webhook::store as domain;
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;

/// How long a question about health waits for the store. Probes give up after few seconds themselves.
const STORE_TIMEOUT: Duration = Duration::from_secs(1);

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
    queue: QueueHealth,
    workers: WorkersHealth,
    memory: MemoryHealth,
}

/// Where events, deliveries and analyses are kept; degraded when it does not answer.
#[derive(Serialize, ToSchema)]
struct StoreHealth {
    state: PartState,
    /// `memory`, `embedded` or `redis`.
    #[schema(example = "memory", value_type = String)]
    kind: &'static str,
    /// Whether what it keeps outlives the process and a loss of power.
    durable: bool,
    /// How long it took to answer.
    #[schema(example = 0.3)]
    latency_ms: f64,
    /// What an operator should know.
    warnings: Vec<String>,
}

/// Deliveries of events; degraded when the store cannot tell.
#[derive(Serialize, ToSchema)]
struct QueueHealth {
    state: PartState,
    #[serde(flatten)]
    queue: QueueData,
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
        (status = 200, description = "Ready; `degraded` when the store is away", body = Probe, example = json!({"status": "ok"})),
        (status = 503, description = "Shutting down", body = Probe, example = json!({"status": "draining"})),
    ),
)]
pub(crate) async fn ready(State(app): State<App>) -> Probe {
    let status = match traffic_state(&app) {
        // Detection works without the store, so that it is better to get traffic than not to.
        PartState::Ok => store_health(&app).await.state,
        draining @ (PartState::Degraded | PartState::Draining) => draining,
    };
    Probe { status }
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
    let (store, queue) = tokio::join!(store_health(&app), QueueData::of(&app));
    let queue_state = if queue.is_some() { PartState::Ok } else { PartState::Degraded };
    let queue = QueueHealth { state: queue_state, queue: queue.unwrap_or_default() };
    let workers = WorkersHealth { state: workers_state(&stats.pool), workers: Workers::from(&stats.pool) };
    let is_well = [store.state, queue.state, workers.state].iter().all(|state| *state == PartState::Ok);
    let worst = match traffic_state(&app) {
        PartState::Ok if is_well => PartState::Ok,
        PartState::Ok | PartState::Degraded => PartState::Degraded,
        PartState::Draining => PartState::Draining,
    };
    Envelope::ok(HealthData {
        status: worst,
        version: app.config().version.clone(),
        uptime_seconds: stats.uptime.as_secs_f64(),
        profile: app.config().profile.clone(),
        parts: Parts {
            store,
            queue,
            workers,
            memory: MemoryHealth { state: PartState::Ok, resident_bytes: process::resident_bytes() },
        },
    })
}

/// Asks the store, for a short time.
async fn store_health(app: &App) -> StoreHealth {
    let (clock, began) = (app.clock(), app.clock().monotonic());
    let answer = tokio::time::timeout(STORE_TIMEOUT, app.webhooks().store_health()).await;
    let health = answer.unwrap_or_else(|_| {
        let StoreKind { name, is_durable } = app.engine().store_kind();
        domain::StoreHealth {
            kind: name,
            is_reachable: false,
            is_durable,
            latency: clock.monotonic().saturating_sub(began),
            warnings: vec!["the store does not answer".to_owned()],
        }
    });
    StoreHealth {
        state: if health.is_reachable { PartState::Ok } else { PartState::Degraded },
        kind: health.kind,
        durable: health.is_durable,
        latency_ms: millis(health.latency),
        warnings: health.warnings,
    }
}

fn traffic_state(app: &App) -> PartState {
    if app.readiness().is_ready() { PartState::Ok } else { PartState::Draining }
}

fn workers_state(pool: &PoolStats) -> PartState {
    if pool.waiting < pool.queue || pool.running < pool.workers { PartState::Ok } else { PartState::Degraded }
}
