//! The use cases.

use crate::batch::BatchStore;
use crate::catalog::Catalog;
use crate::cpu_pool::{CpuPool, CpuPoolConfig, Place};
use crate::error::EngineError;
use crate::ids::AnalysisId;
use crate::ports::{AnalysisState, AnalysisStore, DocumentFormat, FindingFormat, StoreKind, StoredAnalysis};
use crate::requests::{Caller, Finding, Identified, Operation, Request, Work};
use crate::stats::{Counted, Counters, Stats};
use redundancy_detect::TextTooLong;
use redundancy_webhook::clock::{Clock, IdSource, Timestamp};
use redundancy_webhook::event::{Event, EventType, NewEvent};
use redundancy_webhook::ids::EventId;
use redundancy_webhook::store::{Audience, Publication, StoreError};
use redundancy_webhook::trace::{TARGET, Tracer};
use serde_json::value::RawValue;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::task::TaskTracker;
use tracing::{Instrument as _, Span, field};

/// How often a result is offered to a store at least.
const LEAST_TRIES: u32 = 3;
/// How long to wait before a result is offered again to a store that refuses it: the first time, and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How often the store is told that the work on an analysis goes on.
const SAY_EVERY: Duration = Duration::from_secs(10);
/// Findings that take more as JSON are not sent to receivers whole: a text of a MiB can have findings of many.
const MAX_EVENT_DATA_BYTES: usize = 256 * 1024;

/// How the engine works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineConfig {
    /// How much work it takes at once.
    pub cpu: CpuPoolConfig,
}

/// The use cases over their ports. Built once, shared behind an [`Arc`].
pub struct Engine {
    pub(crate) ports: EnginePorts,
    /// Engines of one process can share it.
    pub(crate) pool: Arc<CpuPool>,
    /// Analyses that were accepted for later.
    submitted: TaskTracker,
    pub(crate) counters: Arc<Counters>,
    started: (Timestamp, Duration),
}

/// What the engine needs.
#[derive(Clone)]
pub struct EnginePorts {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Random numbers.
    pub ids: Arc<dyn IdSource>,
    /// Where results are kept, and events published.
    pub store: Arc<dyn AnalysisStore>,
    /// How findings are written.
    pub format: Arc<dyn FindingFormat>,
    /// Where documents are kept and found.
    pub catalog: Arc<dyn Catalog>,
    /// How documents are written.
    pub documents: Arc<dyn DocumentFormat>,
    /// Where batches are kept.
    pub batches: Arc<dyn BatchStore>,
    /// Ties analyses of batches to the traces of their callers.
    pub tracer: Arc<dyn Tracer>,
}

impl Engine {
    /// An engine over the given ports.
    #[must_use]
    pub fn new(config: EngineConfig, ports: EnginePorts) -> Self {
        Self::sharing(Arc::new(CpuPool::new(config.cpu, Arc::clone(&ports.clock))), ports)
    }

    /// An engine over the given ports that works on a pool which others work on too. When one of them drains, the pool takes no more
    /// from any.
    #[must_use]
    pub fn sharing(pool: Arc<CpuPool>, ports: EnginePorts) -> Self {
        let started = (ports.clock.now(), ports.clock.monotonic());
        Self { ports, pool, submitted: TaskTracker::new(), counters: Arc::default(), started }
    }

    /// Does the work and gives what was found. If somebody wants to hear of it, the event is in the store when this returns.
    pub async fn answer<W: Work>(
        &self,
        work: W,
        caller: Caller,
    ) -> Result<Identified<W::Finding>, EngineError> {
        let analysis_id = self.new_id();
        let kind = event_type(work.operation());
        let kind = kind.filter(|kind| self.ports.store.is_wanted(kind));
        let span = span(&work);
        let counted = self.counters.begin(work.operation());
        let place = self.pool.reserve_for(work.bytes())?;
        let Some(kind) = kind else {
            let finding = self.perform(place, counted, work, |finding| finding).instrument(span).await?;
            return Ok(Identified { analysis_id, finding });
        };
        let format = Arc::clone(&self.ports.format);
        let with_data = move |finding: W::Finding| {
            let data = event_data(&*format, analysis_id, &finding.clone().into());
            (finding, data)
        };
        let (finding, data) = self.perform(place, counted, work, with_data).instrument(span).await?;
        let publication = self.publication(analysis_id, kind, data, caller);
        self.ports.store.finish(None, Some(publication)).await?;
        Ok(Identified { analysis_id, finding })
    }

    /// Accepts work for later: when this returns, the analysis is in the store and a place in the pool is its own.
    ///
    /// What comes of it is put into the store first, together with the event that tells of it, and `ended` is called after
    /// that. A store that is away is asked again and again, with growing pauses, and three times in all once the engine drains.
    /// When it still refuses then, or when it says that it holds something unreadable, the result is lost, `ended` alone learns what came of it, and the analysis remains pending in the store, or fails there when nobody says any more that it goes on.
    pub async fn submit(
        self: &Arc<Self>,
        request: Request,
        caller: Caller,
        ended: impl FnOnce(&AnalysisState) + Send + 'static,
    ) -> Result<AnalysisId, EngineError> {
        // Held from before the place is taken, so that a drain that comes between waits for this too.
        let undone = self.submitted.token();
        let counted = self.counters.begin(request.operation());
        let place = self.pool.reserve_for_later()?;
        let accepted = StoredAnalysis {
            id: self.new_id(),
            operation: request.operation(),
            created_at: self.ports.clock.now(),
            bytes: request.bytes(),
            state: AnalysisState::Pending,
        };
        let id = accepted.id;
        self.ports.store.put(accepted.clone()).await?;
        // Here, where its parent is known.
        let span = span(&request);
        let engine = Arc::clone(self);
        let working = async move {
            let format = Arc::clone(&engine.ports.format);
            let write =
                move |finding: Finding| (format.whole(id, &finding), event_data(&*format, id, &finding));
            let kind = event_type(request.operation());
            let found = engine.perform(place, counted, request, write).instrument(span).await;
            let (state, publication) = match found {
                Ok((whole, data)) => {
                    let kind = kind.filter(|kind| engine.ports.store.is_wanted(kind));
                    let publication = kind.map(|kind| engine.publication(id, kind, data, caller));
                    (AnalysisState::Completed(whole.into()), publication)
                }
                Err(error) => (AnalysisState::Failed(error.to_string()), None),
            };
            let analysis = StoredAnalysis { state, ..accepted };
            engine.finish(&analysis, publication).await;
            ended(&analysis.state);
        };
        let store = Arc::clone(&self.ports.store);
        self.submitted.spawn(async move {
            tokio::select! {
                biased;
                () = working => {}
                () = say_that_it_goes_on(&*store, id) => {}
            }
        });
        drop(undone);
        Ok(id)
    }

    /// Puts a result into the store, for as long as that takes: once the engine is told to end, three times in all. A store that
    /// says that it cannot read what it holds is asked once.
    async fn finish(&self, analysis: &StoredAnalysis, publication: Option<Publication>) {
        let mut pause = FIRST_PAUSE;
        for tries in 1.. {
            let finished = self.ports.store.finish(Some(analysis.clone()), publication.clone()).await;
            let is_ending = self.submitted.is_closed();
            match finished {
                Ok(()) => return,
                // Asked again it would say the same, for ever.
                Err(error @ StoreError::Unreadable(_)) => {
                    tracing::error!(%error, analysis = %analysis.id, "a result cannot be stored and is lost");
                    return;
                }
                Err(error) if is_ending && tries >= LEAST_TRIES => {
                    tracing::error!(%error, analysis = %analysis.id, "a result could not be stored and is lost");
                    return;
                }
                Err(_) => {}
            }
            if !is_ending {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }

    fn publication(
        &self,
        id: AnalysisId,
        kind: EventType,
        data: Box<RawValue>,
        caller: Caller,
    ) -> Publication {
        let new = NewEvent { kind, data, caller };
        let now = self.ports.clock.now();
        let event_id = EventId::new_in_slot(id.slot(), now, &*self.ports.ids);
        let event = Event::with_id(event_id, now, new);
        Publication { event, audience: Audience::Subscribers, idempotency: None, keep_unwanted: false }
    }

    /// What became of an analysis that was accepted for later; `None` when it is not known (any more).
    pub async fn result(&self, id: AnalysisId) -> Result<Option<StoredAnalysis>, EngineError> {
        Ok(self.ports.store.get(id).await?)
    }

    /// What kind of store analyses are kept in.
    #[must_use]
    pub fn store_kind(&self) -> StoreKind {
        self.ports.store.kind()
    }

    /// What has been done since the start, and what is being done.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let (started_at, started) = self.started;
        Stats {
            started_at,
            uptime: self.ports.clock.monotonic().saturating_sub(started),
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
        AnalysisId::new(&*self.ports.clock, &*self.ports.ids)
    }

    /// Does `work` on the pool, and there also what makes `then` of the finding. It is counted there, because the caller may have
    /// given up when it ends.
    async fn perform<W: Work, T: Send + 'static>(
        &self,
        place: Place,
        counted: Counted,
        work: W,
        then: impl FnOnce(W::Finding) -> T + Send + 'static,
    ) -> Result<T, EngineError> {
        let clock = Arc::clone(&self.ports.clock);
        let timed = move || {
            let began = clock.monotonic();
            let finding = work.perform()?;
            counted.completed(work.bytes(), clock.monotonic().saturating_sub(began));
            Ok::<_, TextTooLong>(then(finding))
        };
        let result = self.pool.run(place, timed).await.map_err(EngineError::from).and_then(|done| Ok(done?));
        if let Err(error) = &result {
            record_failure(&Span::current(), error);
        }
        result
    }
}

/// Tells the store again and again that the work on an analysis goes on. Never ends.
async fn say_that_it_goes_on(store: &dyn AnalysisStore, id: AnalysisId) {
    loop {
        tokio::time::sleep(SAY_EVERY).await;
        if let Err(error) = store.goes_on(id).await {
            tracing::debug!(%error, analysis = %id, "it could not be told that the work goes on");
        }
    }
}

/// The span of an analysis, for those who export traces: from the place in the pool to the finding.
pub(crate) fn span(work: &impl Work) -> Span {
    tracing::info_span!(
        target: TARGET,
        "analysis",
        operation = work.operation().as_str(),
        bytes = i64::try_from(work.bytes()).unwrap_or(i64::MAX),
        otel.status_code = field::Empty,
        error.type = field::Empty,
    )
}

/// Says in the span of an analysis why it found nothing.
pub(crate) fn record_failure(span: &Span, error: &EngineError) {
    span.record("otel.status_code", "error");
    span.record("error.type", error.kind());
}

/// The type of the event that tells of a result.
fn event_type(operation: Operation) -> Option<EventType> {
    operation.event_type().parse().ok()
}

/// What the event about a finding says: all of it, or only what sums it up where that would be too much for a receiver.
fn event_data(format: &dyn FindingFormat, id: AnalysisId, finding: &Finding) -> Box<RawValue> {
    let whole = format.whole(id, finding);
    let data = if whole.len() <= MAX_EVENT_DATA_BYTES { whole } else { format.summary(id, finding) };
    RawValue::from_string(data).unwrap_or_default()
}
