//! The state that every request sees. Built once and handed around; there are no globals, so two servers can run side by
//! side in one process.

use crate::config::ServerConfig;
use crate::error::ApiError;
use crate::identity::Access;
use crate::metrics::{Metrics, WebhookMetrics};
use crate::middleware::held_answers::MAKING_AT_ONCE;
use crate::request::{self, BodyBudget};
use crate::request::{Checked, Timing};
use crate::routes::Documentation;
use crate::routes::analyses::Answer;
use crate::routes::batches::Items;
use crate::routes::health::PartHistory;
use crate::shares::Shares;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use redundancy_engine::access::Tenant;
use redundancy_engine::batch::ItemFormat;
use redundancy_engine::webhook::webhooks::Webhooks;
use redundancy_engine::{AnalysisState, Clock, Engine, IdSource, Identified, Request, StoreError, Work};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Everything the routes need, and the part of it that belongs to one tenant. Cheap to clone: clones share one state.
#[derive(Clone)]
pub struct App {
    state: Arc<State>,
    /// What the caller's tenant has; outside requests, what belongs to no tenant.
    here: Arc<Workspace>,
}

struct State {
    config: ServerConfig,
    access: Access,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    metrics: Metrics,
    readiness: Readiness,
    /// One permit for each request under `/api/v1` that is worked on.
    capacity: Arc<Semaphore>,
    /// Who has how many of them.
    places: Arc<Shares>,
    body_budget: BodyBudget,
    /// One permit for each answer that may be long and is put together.
    turns: Semaphore,
    part_history: PartHistory,
    /// Put together when it is first asked for: many a process ends before anybody does.
    documentation: OnceLock<Documentation>,
    /// What goes on to its end also when the client has gone.
    tasks: TaskTracker,
    /// Told to those tasks that wait for something: they are to come to their end.
    draining: CancellationToken,
}

/// What one tenant has, or what belongs to none: nothing leads from one of these to another.
#[derive(Clone)]
pub struct Workspace {
    /// Whose it is.
    pub tenant: Option<Tenant>,
    /// Its documents, batches and analyses.
    pub engine: Arc<Engine>,
    /// Its endpoints, events and deliveries.
    pub webhooks: Webhooks,
}

/// Gives tenants what is theirs.
#[async_trait::async_trait]
pub trait Workspaces: Send + Sync {
    /// What `tenant` has. It is made when it is asked for the first time.
    async fn of(&self, tenant: &Tenant) -> Result<Arc<Workspace>, StoreError>;

    /// What tenants have, of those who are known here.
    fn open(&self) -> Vec<Arc<Workspace>>;
}

/// The app as the caller of a request sees it: the extractor of every route that is about somebody's things.
pub(crate) struct Here(pub(crate) App);

impl FromRequestParts<App> for Here {
    type Rejection = ApiError;

    /// What the middleware has put there that knows the caller. A route without it is put together wrongly, and must not show to
    /// anybody what belongs to others.
    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        parts.extensions.get::<App>().cloned().map(Self).ok_or_else(ApiError::internal)
    }
}

/// Whether the server should get traffic. Clones share one state.
#[derive(Debug, Clone, Default)]
pub struct Readiness {
    draining: Arc<AtomicBool>,
}

impl Readiness {
    /// From now on `/health/ready` answers 503.
    pub fn start_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether new requests are welcome.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.draining.load(Ordering::Relaxed)
    }
}

impl App {
    /// The state of one server. `home` is what belongs to no tenant. `webhook_metrics` shows what the dispatcher does if it is its
    /// observer.
    #[must_use]
    pub fn new(
        config: ServerConfig,
        access: Access,
        home: Workspace,
        webhook_metrics: WebhookMetrics,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
    ) -> Self {
        let least = request::min_body_budget_bytes(config.max_content_bytes);
        let body_budget = BodyBudget::new(config.max_body_bytes_in_flight.max(least), least);
        let metrics = Metrics::new(home.engine.stats().started_at, webhook_metrics);
        let capacity = Arc::new(Semaphore::new(config.max_concurrent_requests.min(Semaphore::MAX_PERMITS)));
        let places = Shares::of(config.max_concurrent_requests, 1);
        let readiness = Readiness::default();
        let state = State {
            config,
            access,
            clock,
            ids,
            metrics,
            readiness,
            capacity,
            places,
            body_budget,
            turns: Semaphore::new(MAKING_AT_ONCE),
            part_history: PartHistory::default(),
            documentation: OnceLock::new(),
            tasks: TaskTracker::new(),
            draining: CancellationToken::new(),
        };
        Self { state: Arc::new(state), here: Arc::new(home) }
    }

    /// The same server, as somebody sees it who has `workspace`.
    #[must_use]
    pub fn within(&self, workspace: Arc<Workspace>) -> Self {
        Self { state: Arc::clone(&self.state), here: workspace }
    }

    /// Tells `/health/ready` when the server drains.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        self.state.readiness.clone()
    }

    /// Reads the items of batches as the routes read requests, and writes what became of them:
    /// [`Engine::run_batches`] needs it.
    #[must_use]
    pub fn batch_items(&self) -> Arc<dyn ItemFormat> {
        Arc::new(Items(self.clone()))
    }

    pub(crate) fn config(&self) -> &ServerConfig {
        &self.state.config
    }

    /// Waits for what clients have not waited for. The caller sets the deadline.
    pub async fn drain(&self) {
        self.state.draining.cancel();
        self.state.tasks.close();
        self.state.tasks.wait().await;
    }

    pub(crate) fn draining(&self) -> &CancellationToken {
        &self.state.draining
    }

    pub(crate) fn tasks(&self) -> &TaskTracker {
        &self.state.tasks
    }

    /// Who may do what.
    pub(crate) fn access(&self) -> &Access {
        &self.state.access
    }

    /// Whose things the caller sees.
    pub(crate) fn tenant(&self) -> Option<&Tenant> {
        self.here.tenant.as_ref()
    }

    /// What belongs to no tenant, and what tenants have, of those who are known here.
    pub(crate) fn workspaces(&self) -> Vec<Arc<Workspace>> {
        let mut all = vec![Arc::clone(&self.here)];
        all.extend(self.state.access.workspaces.open());
        all
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.here.engine
    }

    pub(crate) fn webhooks(&self) -> &Webhooks {
        &self.here.webhooks
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.state.clock
    }

    pub(crate) fn shared_clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.state.clock)
    }

    pub(crate) fn ids(&self) -> &dyn IdSource {
        &*self.state.ids
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.state.metrics
    }

    pub(crate) fn capacity(&self) -> &Arc<Semaphore> {
        &self.state.capacity
    }

    pub(crate) fn places(&self) -> &Arc<Shares> {
        &self.state.places
    }

    /// Requests under `/api/v1` that may be worked on at once.
    pub(crate) fn requests_limit(&self) -> usize {
        self.state.config.max_concurrent_requests.min(Semaphore::MAX_PERMITS)
    }

    /// Since when its parts are as they are.
    pub(crate) fn part_history(&self) -> &PartHistory {
        &self.state.part_history
    }

    /// What the service says of itself.
    pub(crate) fn documentation(&self) -> &Documentation {
        self.state.documentation.get_or_init(|| Documentation::new(&self.state.config))
    }

    pub(crate) fn turns(&self) -> &Semaphore {
        &self.state.turns
    }

    pub(crate) fn body_budget(&self) -> &BodyBudget {
        &self.state.body_budget
    }

    /// Answers a request for an analysis with what it found, or with where that will stand. Counts it when it has given a
    /// result. What its body took is given back when its texts are not needed any more.
    pub(crate) async fn answer<W, T>(
        &self,
        asked: Checked<W>,
        user_id: Option<String>,
    ) -> Result<Answer<T>, ApiError>
    where
        W: Work + Into<Request>,
        T: From<Identified<W::Finding>>,
    {
        let Checked { body: work, timing, origin, reserved } = asked;
        let caller = origin.caller(user_id);
        let (operation, began) = (work.operation(), self.state.clock.monotonic());
        let app = self.clone();
        let count = move || {
            let duration = app.state.clock.monotonic().saturating_sub(began);
            app.state.metrics.detection().analysis(operation, duration);
        };
        match timing {
            Timing::Now => {
                let found = self.here.engine.answer(work, caller).await?;
                drop(reserved);
                count();
                Ok(Answer::now(found.into()))
            }
            Timing::Later => {
                let ended = move |state: &AnalysisState| {
                    drop(reserved);
                    if matches!(state, AnalysisState::Completed(_)) {
                        count();
                    }
                };
                Ok(Answer::later(self.here.engine.submit(work.into(), caller, ended).await?))
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::FindingsAsJson;
    use redundancy_engine::webhook::dispatcher::Ports;
    use redundancy_engine::webhook::trace::NoTracer;
    use redundancy_engine::webhook::webhooks::WebhooksConfig;
    use redundancy_engine::webhook::{FailureReason, transport};
    use redundancy_engine::{CpuPoolConfig, EngineConfig, EnginePorts, NoBatches, Timestamp};
    use redundancy_store::{LocalRates, MemoryAccess, MemoryStore};
    use std::time::Duration;

    struct StoppedClock;

    impl Clock for StoppedClock {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(0)
        }

        fn monotonic(&self) -> Duration {
            Duration::ZERO
        }
    }

    struct OneId;

    impl IdSource for OneId {
        fn random_128(&self) -> u128 {
            1
        }
    }

    /// Reaches nobody.
    struct NoNetwork;

    #[async_trait::async_trait]
    impl transport::Transport for NoNetwork {
        async fn send(
            &self,
            _: transport::OutgoingRequest,
        ) -> Result<transport::ReceiverResponse, FailureReason> {
            Err(FailureReason::Connect)
        }
    }

    /// An app for tests that need one but not its answers. Must be called inside a tokio runtime.
    pub(crate) fn app(config: ServerConfig) -> App {
        let cpu = CpuPoolConfig { workers: 1, queue: 1 };
        let (store, metrics) = (Arc::new(MemoryStore::default()), WebhookMetrics::default());
        let (clock, ids) = (Arc::new(StoppedClock), Arc::new(OneId));
        let ports = Ports {
            store: store.clone(),
            transport: Arc::new(NoNetwork),
            clock: clock.clone(),
            ids: ids.clone(),
            observer: Arc::new(metrics.clone()),
            tracer: Arc::new(NoTracer),
        };
        let webhooks = Webhooks::new(ports, WebhooksConfig::default());
        let ports = EnginePorts {
            clock: clock.clone(),
            ids: ids.clone(),
            store: store.clone(),
            format: Arc::new(FindingsAsJson),
            catalog: store,
            documents: Arc::new(FindingsAsJson),
            batches: Arc::new(NoBatches),
            tracer: Arc::new(NoTracer),
        };
        let engine = Engine::new(EngineConfig { cpu }, ports);
        let home = Workspace { tenant: None, engine: Arc::new(engine), webhooks };
        let access =
            Access::open(Arc::new(MemoryAccess::default()), Arc::new(LocalRates::new(clock.clone())));
        App::new(config, access, home, metrics, clock, ids)
    }
}
