//! The state that every request sees. Built once and handed around; there are no globals, so two servers can run side by
//! side in one process.

use crate::config::ServerConfig;
use crate::error::ApiError;
use crate::metrics::{Metrics, WebhookMetrics};
use crate::request::{self, BodyBudget};
use crate::request::{Origin, Timing};
use crate::routes::analyses::Answer;
use crate::routes::batches::Items;
use redundancy_engine::batch::ItemFormat;
use redundancy_engine::webhook::webhooks::Webhooks;
use redundancy_engine::{AnalysisState, Clock, Engine, IdSource, Identified, Request, Work};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Semaphore;

/// Everything the routes need. Cheap to clone: clones share one state.
#[derive(Clone)]
pub struct App(Arc<State>);

struct State {
    config: ServerConfig,
    engine: Arc<Engine>,
    webhooks: Webhooks,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    metrics: Metrics,
    readiness: Readiness,
    /// One permit for each request under `/api/v1` that is worked on.
    capacity: Arc<Semaphore>,
    body_budget: BodyBudget,
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
    /// The state of one server. `webhook_metrics` shows what the dispatcher does if it is its observer.
    #[must_use]
    pub fn new(
        config: ServerConfig,
        engine: Arc<Engine>,
        webhooks: Webhooks,
        webhook_metrics: WebhookMetrics,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
    ) -> Self {
        let least = request::min_body_budget_bytes(config.max_content_bytes);
        let body_budget = BodyBudget::new(config.max_body_bytes_in_flight.max(least));
        let metrics = Metrics::new(engine.stats().started_at, webhook_metrics);
        let capacity = Arc::new(Semaphore::new(config.max_concurrent_requests.min(Semaphore::MAX_PERMITS)));
        let readiness = Readiness::default();
        Self(Arc::new(State {
            config,
            engine,
            webhooks,
            clock,
            ids,
            metrics,
            readiness,
            capacity,
            body_budget,
        }))
    }

    /// Tells `/health/ready` when the server drains.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        self.0.readiness.clone()
    }

    /// Reads the items of batches as the routes read requests, and writes what became of them:
    /// [`Engine::run_batches`] needs it.
    #[must_use]
    pub fn batch_items(&self) -> Arc<dyn ItemFormat> {
        Arc::new(Items(self.clone()))
    }

    pub(crate) fn config(&self) -> &ServerConfig {
        &self.0.config
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    pub(crate) fn webhooks(&self) -> &Webhooks {
        &self.0.webhooks
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    pub(crate) fn shared_clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.0.clock)
    }

    pub(crate) fn ids(&self) -> &dyn IdSource {
        &*self.0.ids
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    pub(crate) fn capacity(&self) -> &Arc<Semaphore> {
        &self.0.capacity
    }

    pub(crate) fn body_budget(&self) -> &BodyBudget {
        &self.0.body_budget
    }

    /// Answers a request for an analysis with what it found, or with where that will stand. Counts it when it has given a
    /// result.
    pub(crate) async fn answer<W, T>(
        &self,
        work: W,
        timing: Timing,
        origin: Origin,
        user_id: Option<String>,
    ) -> Result<Answer<T>, ApiError>
    where
        W: Work + Into<Request>,
        T: From<Identified<W::Finding>>,
    {
        let caller = origin.caller(user_id);
        let (operation, began) = (work.operation(), self.0.clock.monotonic());
        let app = self.clone();
        let count = move || app.0.metrics.analysis(operation, app.0.clock.monotonic().saturating_sub(began));
        match timing {
            Timing::Now => {
                let found = self.0.engine.answer(work, caller).await?;
                count();
                Ok(Answer::now(found.into()))
            }
            Timing::Later => {
                let ended = move |state: &AnalysisState| {
                    if matches!(state, AnalysisState::Completed(_)) {
                        count();
                    }
                };
                Ok(Answer::later(self.0.engine.submit(work.into(), caller, ended).await?))
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::FindingsAsJson;
    use redundancy_engine::webhook::dispatcher::Ports;
    use redundancy_engine::webhook::webhooks::WebhooksConfig;
    use redundancy_engine::webhook::{FailureReason, transport};
    use redundancy_engine::{CpuPoolConfig, EngineConfig, EnginePorts, NoBatches, Timestamp};
    use redundancy_store::MemoryStore;
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
        };
        let engine = Engine::new(EngineConfig { cpu }, ports);
        App::new(config, Arc::new(engine), webhooks, metrics, clock, ids)
    }
}
