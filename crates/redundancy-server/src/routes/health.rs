//! `/health`, `/health/live`, `/health/ready` for probes, `/api/v1/health/status` for people.

mod history;

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
use std::collections::BTreeMap;
use std::time::Duration;
use utoipa::ToSchema;

use history::Part;
pub(crate) use history::PartHistory;

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
    /// Message brokers that events go to, by name; none are set up.
    brokers: BTreeMap<String, PartHealth>,
    memory: MemoryHealth,
}

/// What is said of every part.
#[derive(Serialize, ToSchema)]
struct PartHealth {
    state: PartState,
    /// When it was first seen in this state; it is looked at by probes, scrapes and whoever asks here.
    #[schema(example = "2026-01-02T03:04:05.678Z")]
    since: String,
    /// How long it took to answer.
    #[schema(example = 0.3)]
    latency_ms: f64,
}

/// Where events, deliveries and analyses are kept; degraded when it does not answer.
#[derive(Serialize, ToSchema)]
struct StoreHealth {
    #[serde(flatten)]
    part: PartHealth,
    /// `memory`, `embedded` or `redis`.
    #[schema(example = "memory", value_type = String)]
    kind: &'static str,
    /// Whether what it keeps outlives the process and a loss of power.
    durable: bool,
    /// What an operator should know.
    warnings: Vec<String>,
}

/// Deliveries of events; degraded when the store cannot tell.
#[derive(Serialize, ToSchema)]
struct QueueHealth {
    #[serde(flatten)]
    part: PartHealth,
    #[serde(flatten)]
    queue: QueueData,
}

/// The pool for analyses; degraded when it is full.
#[derive(Serialize, ToSchema)]
struct WorkersHealth {
    #[serde(flatten)]
    part: PartHealth,
    #[serde(flatten)]
    workers: Workers,
}

/// The memory of the process; degraded when less than a tenth is left of what the bodies of requests may take.
#[derive(Serialize, ToSchema)]
struct MemoryHealth {
    #[serde(flatten)]
    part: PartHealth,
    /// Memory in RAM, where the operating system tells it.
    resident_bytes: Option<u64>,
    /// What the bodies of requests take of it.
    bodies_bytes: usize,
    /// What they may take; a body for which there is no room is answered 503.
    bodies_limit_bytes: usize,
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
        PartState::Ok => state_of(&ask_store(&app).await),
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
    let (done, took) = measured(&app, || app.engine().stats());
    let (store, queue) = tokio::join!(ask_store(&app), queue_health(&app));
    let store = StoreHealth {
        part: PartHealth::of(&app, Part::Store, state_of(&store), store.latency),
        kind: store.kind,
        durable: store.is_durable,
        warnings: store.warnings,
    };
    let workers = WorkersHealth {
        part: PartHealth::of(&app, Part::Workers, workers_state(&done.pool), took),
        workers: Workers::from(&done.pool),
    };
    let memory = memory_health(&app);
    let parts = [&store.part, &queue.part, &workers.part, &memory.part];
    let worst = match traffic_state(&app) {
        PartState::Ok if parts.iter().all(|part| part.state == PartState::Ok) => PartState::Ok,
        PartState::Ok | PartState::Degraded => PartState::Degraded,
        PartState::Draining => PartState::Draining,
    };
    Envelope::ok(HealthData {
        status: worst,
        version: app.config().version.clone(),
        uptime_seconds: done.uptime.as_secs_f64(),
        profile: app.config().profile.clone(),
        parts: Parts { store, queue, workers, brokers: BTreeMap::new(), memory },
    })
}

/// Asks the store how it does, for a short time.
pub(crate) async fn ask_store(app: &App) -> domain::StoreHealth {
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
    // Whoever asks helps to know since when it is so.
    app.part_history().store_is(app, state_of(&health));
    health
}

/// What `ask` gives, and how long it took.
fn measured<T>(app: &App, ask: impl FnOnce() -> T) -> (T, Duration) {
    let began = app.clock().monotonic();
    let answer = ask();
    (answer, app.clock().monotonic().saturating_sub(began))
}

async fn queue_health(app: &App) -> QueueHealth {
    let began = app.clock().monotonic();
    let queue = QueueData::of(app).await;
    let latency = app.clock().monotonic().saturating_sub(began);
    let state = if queue.is_some() { PartState::Ok } else { PartState::Degraded };
    let part = PartHealth::of(app, Part::Queue, state, latency);
    QueueHealth { part, queue: queue.unwrap_or_default() }
}

fn memory_health(app: &App) -> MemoryHealth {
    let (bodies_bytes, bodies_limit_bytes) =
        (app.body_budget().held_bytes(), app.body_budget().limit_bytes());
    let is_short = bodies_limit_bytes.saturating_sub(bodies_bytes) < bodies_limit_bytes / 10;
    let state = if is_short { PartState::Degraded } else { PartState::Ok };
    let (resident_bytes, took) = measured(app, process::resident_bytes);
    let part = PartHealth::of(app, Part::Memory, state, took);
    MemoryHealth { part, resident_bytes, bodies_bytes, bodies_limit_bytes }
}

fn state_of(store: &domain::StoreHealth) -> PartState {
    if store.is_reachable { PartState::Ok } else { PartState::Degraded }
}

fn traffic_state(app: &App) -> PartState {
    if app.readiness().is_ready() { PartState::Ok } else { PartState::Draining }
}

fn workers_state(pool: &PoolStats) -> PartState {
    if pool.waiting < pool.queue || pool.running < pool.workers { PartState::Ok } else { PartState::Degraded }
}

impl PartHealth {
    fn of(app: &App, part: Part, state: PartState, latency: Duration) -> Self {
        let since = app.part_history().since(app, part, state).to_string();
        Self { state, since, latency_ms: millis(latency) }
    }
}
