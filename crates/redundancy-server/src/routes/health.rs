//! `/health`, `/health/live`, `/health/ready` for probes, `/api/v1/health/status` for people.

mod history;

use super::stats::{QueueData, Workers};
use crate::app::App;
use crate::envelope::{Envelope, json};
use crate::identity::IssuerContact;
use crate::metrics::process;
use crate::request::NoParameters;
use crate::span_export::SpanFigures;
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
    /// `degraded` when a part is, but for `traces`, on which nobody who calls depends; or `draining`.
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
    /// It works, but not all of it, or not for everybody.
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
    /// Only where tokens are verified with the public keys of an issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<IssuerHealth>,
    /// Only where spans are exported.
    #[serde(skip_serializing_if = "Option::is_none")]
    traces: Option<TracesHealth>,
}

/// What is said of every part.
#[derive(Serialize, ToSchema)]
struct PartHealth {
    state: PartState,
    /// When it was first seen in this state; it is looked at by scrapes and whoever asks here, the store by probes too.
    #[schema(example = "2026-01-02T03:04:05.678Z")]
    since: String,
    /// How long it took to answer; `null` of an issuer that was not asked yet, and of a collector that has taken nothing yet.
    #[schema(example = 0.3)]
    latency_ms: Option<f64>,
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

/// The issuer of tokens; degraded when it did not give its keys when they were asked for last. Those that are known are used for a day.
#[derive(Serialize, ToSchema)]
struct IssuerHealth {
    #[serde(flatten)]
    part: PartHealth,
    /// Public keys of it that are known and used; they are asked for when the first token comes.
    keys: usize,
    /// How old they are.
    keys_age_seconds: Option<f64>,
}

/// The export of spans; degraded when some could not be sent since the collector took a batch last. Nothing else suffers from it.
#[derive(Serialize, ToSchema)]
struct TracesHealth {
    #[serde(flatten)]
    part: PartHealth,
    /// Spans that the collector took, since the start.
    exported: u64,
    /// Spans that were dropped since the start: those that could not be sent, found no room, or were rejected by the collector.
    dropped: u64,
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
        part: PartHealth::of(&app, Part::Store, state_of(&store), Some(store.latency)),
        kind: store.kind,
        durable: store.is_durable,
        warnings: store.warnings,
    };
    let workers = WorkersHealth {
        part: PartHealth::of(&app, Part::Workers, workers_state(&done.pool), Some(took)),
        workers: Workers::from(&done.pool),
    };
    let (memory, issuer, traces) = (memory_health(&app), issuer_health(&app), traces_health(&app));
    let parts = Parts { store, queue, workers, brokers: BTreeMap::new(), memory, issuer, traces };
    let worst = match traffic_state(&app) {
        PartState::Ok if parts.are_well() => PartState::Ok,
        PartState::Ok | PartState::Degraded => PartState::Degraded,
        PartState::Draining => PartState::Draining,
    };
    Envelope::ok(HealthData {
        status: worst,
        version: app.config().version.clone(),
        uptime_seconds: done.uptime.as_secs_f64(),
        profile: app.config().profile.clone(),
        parts,
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
    let state = state_if(queue.is_none());
    let part = PartHealth::of(app, Part::Queue, state, Some(latency));
    QueueHealth { part, queue: queue.unwrap_or_default() }
}

fn memory_health(app: &App) -> MemoryHealth {
    let (bodies_bytes, bodies_limit_bytes) =
        (app.body_budget().held_bytes(), app.body_budget().limit_bytes());
    let is_short = bodies_limit_bytes.saturating_sub(bodies_bytes) < bodies_limit_bytes / 10;
    let (resident_bytes, took) = measured(app, process::resident_bytes);
    let part = PartHealth::of(app, Part::Memory, state_if(is_short), Some(took));
    MemoryHealth { part, resident_bytes, bodies_bytes, bodies_limit_bytes }
}

/// How the issuer of tokens answers, where one is asked. One that did not is asked again.
pub(crate) fn look_at_issuer(app: &App) -> Option<IssuerContact> {
    let contact = app.access().authentication.issuer()?;
    app.part_history().since(app, Part::Issuer, state_if(contact.is_failing));
    Some(contact)
}

/// How the export of spans goes, where they are exported.
pub(crate) fn look_at_traces(app: &App) -> Option<SpanFigures> {
    let figures = app.config().span_export.as_ref()?.figures();
    app.part_history().since(app, Part::Traces, state_if(figures.lost > 0));
    Some(figures)
}

fn issuer_health(app: &App) -> Option<IssuerHealth> {
    let IssuerContact { is_failing, latency, keys, age } = look_at_issuer(app)?;
    let part = PartHealth::of(app, Part::Issuer, state_if(is_failing), latency);
    Some(IssuerHealth { part, keys, keys_age_seconds: age.map(|age| age.as_secs_f64()) })
}

fn traces_health(app: &App) -> Option<TracesHealth> {
    let SpanFigures { lost, latency, exported, dropped } = look_at_traces(app)?;
    let part = PartHealth::of(app, Part::Traces, state_if(lost > 0), latency);
    Some(TracesHealth { part, exported, dropped })
}

const fn state_if(is_failing: bool) -> PartState {
    if is_failing { PartState::Degraded } else { PartState::Ok }
}

fn state_of(store: &domain::StoreHealth) -> PartState {
    state_if(!store.is_reachable)
}

fn traffic_state(app: &App) -> PartState {
    if app.readiness().is_ready() { PartState::Ok } else { PartState::Draining }
}

fn workers_state(pool: &PoolStats) -> PartState {
    state_if(pool.waiting >= pool.queue && pool.running >= pool.workers)
}

impl Parts {
    fn are_well(&self) -> bool {
        let always = [&self.store.part, &self.queue.part, &self.workers.part, &self.memory.part];
        let issuer = self.issuer.iter().map(|issuer| &issuer.part);
        always.into_iter().chain(issuer).all(|part| part.state == PartState::Ok)
    }
}

impl PartHealth {
    fn of(app: &App, part: Part, state: PartState, latency: Option<Duration>) -> Self {
        let since = app.part_history().since(app, part, state).to_string();
        Self { state, since, latency_ms: latency.map(millis) }
    }
}
