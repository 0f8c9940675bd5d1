//! The use cases.

use crate::cpu_pool::{CpuPool, CpuPoolConfig, Place};
use crate::error::EngineError;
use crate::ids::AnalysisId;
use crate::ports::{AnalysisState, AnalysisStore, StoreKind, StoredAnalysis};
use crate::requests::{Identified, Request, Work};
use crate::stats::{Counted, Counters, Stats};
use redundancy_detect::TextTooLong;
use redundancy_webhook::clock::{Clock, IdSource, Timestamp};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::task::TaskTracker;

/// How often the result of accepted work is offered to a store that refuses it.
const RESULT_PUTS: usize = 3;

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
    counters: Arc<Counters>,
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
        Self { clock, ids, store, pool, submitted: TaskTracker::new(), counters: Arc::default(), started }
    }

    /// Does the work and gives what was found.
    pub async fn answer<W: Work>(&self, work: W) -> Result<Identified<W::Finding>, EngineError> {
        let (place, counted) = self.reserve(&work)?;
        let finding = self.perform(place, counted, work).await?;
        Ok(Identified { analysis_id: self.new_id(), finding })
    }

    /// Accepts work for later: when this returns, the analysis is in the store and a place in the pool is its own.
    ///
    /// What comes of it is put into the store first, and `ended` is called after that. A store that refuses it is asked three
    /// times, one right after the other. If it stays away the result is lost: the analysis remains pending in the store, and
    /// `ended` alone learns what came of it.
    pub async fn submit(
        self: &Arc<Self>,
        request: Request,
        ended: impl FnOnce(&AnalysisState) + Send + 'static,
    ) -> Result<AnalysisId, EngineError> {
        // Held from before the place is taken, so that a drain that comes between waits for this too.
        let undone = self.submitted.token();
        let (place, counted) = self.reserve(&request)?;
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
            let state = match engine.perform(place, counted, request).await {
                Ok(finding) => AnalysisState::Completed(Arc::new(finding)),
                Err(error) => AnalysisState::Failed(error.to_string()),
            };
            let analysis = StoredAnalysis { state, ..accepted };
            for _ in 0..RESULT_PUTS {
                if engine.store.put(analysis.clone()).await.is_ok() {
                    break;
                }
            }
            ended(&analysis.state);
        });
        drop(undone);
        Ok(id)
    }

    /// What became of an analysis that was accepted for later; `None` when it is not known (any more).
    pub async fn result(&self, id: AnalysisId) -> Result<Option<StoredAnalysis>, EngineError> {
        Ok(self.store.get(id).await?)
    }

    /// What kind of store analyses are kept in.
    #[must_use]
    pub fn store_kind(&self) -> StoreKind {
        self.store.kind()
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

    /// Takes no new work from now on and waits until all that was accepted is done. The caller sets the deadline.
    pub async fn drain(&self) {
        self.pool.close();
        self.submitted.close();
        self.submitted.wait().await;
        self.pool.drain().await;
    }

    fn new_id(&self) -> AnalysisId {
        AnalysisId::new(&*self.clock, &*self.ids)
    }

    /// Takes a place for `work`. From here on it counts, also when there is no place.
    fn reserve(&self, work: &impl Work) -> Result<(Place, Counted), EngineError> {
        let counted = self.counters.begin(work.operation());
        Ok((self.pool.reserve()?, counted))
    }

    /// Does `work` on the pool. It is counted there, because the caller may have given up when it ends.
    async fn perform<W: Work>(
        &self,
        place: Place,
        counted: Counted,
        work: W,
    ) -> Result<W::Finding, EngineError> {
        let clock = Arc::clone(&self.clock);
        let timed = move || {
            let began = clock.monotonic();
            let finding = work.perform()?;
            counted.completed(work.bytes(), clock.monotonic().saturating_sub(began));
            Ok::<_, TextTooLong>(finding)
        };
        Ok(self.pool.run(place, timed).await??)
    }
}
