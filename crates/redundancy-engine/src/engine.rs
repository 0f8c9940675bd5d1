//! The use cases.

use crate::cpu_pool::{CpuPool, CpuPoolConfig, Place};
use crate::error::EngineError;
use crate::ids::AnalysisId;
use crate::ports::{AnalysisState, AnalysisStore, Clock, IdSource, StoredAnalysis, Timestamp};
use crate::requests::{
    AnalyzeRequest, Comparison, Identified, Operation, QualityRequest, Request, SimilarityRequest, Work,
};
use crate::stats::{Counters, Stats};
use redundancy_detect::{analyze::Analysis, quality::Quality};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::task::TaskTracker;

/// How the engine works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineConfig {
    /// How much work it takes at once.
    pub cpu: CpuPoolConfig,
}

/// The use cases over their ports. Built once, shared behind an [`Arc`].
pub struct Engine {
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    store: Arc<dyn AnalysisStore>,
    pool: CpuPool,
    /// Analyses that were accepted for later.
    submitted: TaskTracker,
    counters: Counters,
    started: (Timestamp, Duration),
}

impl Engine {
    /// An engine over the given ports.
    #[must_use]
    pub fn new(
        config: EngineConfig,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
        store: Arc<dyn AnalysisStore>,
    ) -> Self {
        let started = (clock.now(), clock.monotonic());
        let pool = CpuPool::new(config.cpu);
        Self {
            clock,
            ids,
            store,
            pool,
            submitted: TaskTracker::new(),
            counters: Counters::default(),
            started,
        }
    }

    /// Finds what is redundant inside a text.
    pub async fn analyze(&self, request: AnalyzeRequest) -> Result<Identified<Analysis>, EngineError> {
        self.answer(request).await
    }

    /// Finds what two texts share.
    pub async fn similarity(
        &self,
        request: SimilarityRequest,
    ) -> Result<Identified<Comparison>, EngineError> {
        self.answer(request).await
    }

    /// Judges how readable a text is.
    pub async fn quality(&self, request: QualityRequest) -> Result<Identified<Quality>, EngineError> {
        self.answer(request).await
    }

    /// Accepts work for later: when this returns, the analysis is in the store and a place in the pool is its own. `ended` is
    /// called when there is a result, or none.
    pub async fn submit(
        self: &Arc<Self>,
        request: Request,
        ended: impl FnOnce(&AnalysisState) + Send + 'static,
    ) -> Result<AnalysisId, EngineError> {
        let place = self.reserve(&request)?;
        let accepted = StoredAnalysis {
            id: self.new_id(),
            operation: request.operation(),
            created_at: self.clock.now(),
            bytes: request.bytes(),
            state: AnalysisState::Pending,
        };
        let id = accepted.id;
        self.store.put(accepted.clone()).await?;
        let engine = Arc::clone(self);
        self.submitted.spawn(async move {
            let state = match engine.perform(place, request).await {
                Ok(finding) => AnalysisState::Completed(Arc::new(finding)),
                Err(error) => AnalysisState::Failed(error.to_string()),
            };
            ended(&state);
            // A store that is away now leaves the analysis pending; who asks for it is told so.
            let _ = engine.store.put(StoredAnalysis { state, ..accepted }).await;
        });
        Ok(id)
    }

    /// What became of an analysis that was accepted for later; `None` when it is not known (any more).
    pub async fn result(&self, id: AnalysisId) -> Result<Option<StoredAnalysis>, EngineError> {
        Ok(self.store.get(id).await?)
    }

    /// What has been done since the start, and what is being done.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let (started_at, started) = self.started;
        Stats {
            started_at,
            uptime: self.clock.monotonic().saturating_sub(started),
            operations: self.counters.snapshot(),
            pool: self.pool.stats(),
        }
    }

    /// Takes no new work and waits until all that was accepted is done. The caller sets the deadline.
    pub async fn drain(&self) {
        self.submitted.close();
        self.submitted.wait().await;
        self.pool.drain().await;
    }

    fn new_id(&self) -> AnalysisId {
        AnalysisId::new(&*self.clock, &*self.ids)
    }

    async fn answer<W: Work>(&self, request: W) -> Result<Identified<W::Finding>, EngineError> {
        let place = self.reserve(&request)?;
        let finding = self.perform(place, request).await?;
        Ok(Identified { analysis_id: self.new_id(), finding })
    }

    fn reserve(&self, work: &impl Work) -> Result<Place, EngineError> {
        self.pool.reserve().map_err(|refused| self.failed(work.operation(), refused))
    }

    /// Does `work` on the pool and counts it.
    async fn perform<W: Work>(&self, place: Place, work: W) -> Result<W::Finding, EngineError> {
        let clock = Arc::clone(&self.clock);
        let (operation, bytes) = (work.operation(), work.bytes());
        let timed = move || {
            let began = clock.monotonic();
            let finding = work.perform();
            (finding, clock.monotonic().saturating_sub(began))
        };
        let (finding, busy) =
            self.pool.run(place, timed).await.map_err(|error| self.failed(operation, error))?;
        let finding = finding.map_err(|error| self.failed(operation, error))?;
        self.counters.completed(operation, bytes, busy);
        Ok(finding)
    }

    fn failed(&self, operation: Operation, error: impl Into<EngineError>) -> EngineError {
        self.counters.failed(operation);
        error.into()
    }
}
