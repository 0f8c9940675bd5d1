//! Does the items of a chunk on the pool.

use super::{Batch, Chunk, ItemFormat, ItemResult, ItemTask};
use crate::document::DocumentId;
use crate::engine::{self, Engine};
use crate::error::EngineError;
use crate::ids::AnalysisId;
use crate::index::NewText;
use crate::requests::{Request, Work};
use futures_util::stream::{self, StreamExt};
use redundancy_webhook::trace::Tracer;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::Span;

/// Texts that are put into the index together: they share a commit, and nothing is interrupted in between.
const MAX_GROUP: usize = 64;
/// How long a batch goes on before it is the turn of the next: so much is done again after a crash, at most and about.
const TURN: Duration = Duration::from_millis(500);

/// What came of a chunk.
pub(super) struct Outcome {
    /// The results of its first items.
    pub(super) results: Vec<ItemResult>,
    /// Why the others have none, if that is not because the service ends.
    pub(super) obstacle: Option<EngineError>,
}

/// An item after its turn on the pool.
enum Step {
    Done(ItemResult),
    /// It is yet to be put into the index.
    Text(NewText),
}

impl Engine {
    /// Does the items of `chunk`, in their order, until the turn is over, `stop` is cancelled or one of them cannot be done now. Half of
    /// the workers at most are busy with it, so that there is one for whoever waits for an answer; a full pool is waited for.
    pub(super) async fn do_chunk(
        &self,
        chunk: &Chunk,
        format: &Arc<dyn ItemFormat>,
        stop: &CancellationToken,
    ) -> Outcome {
        let at_once = (self.pool.stats().workers / 2).max(1);
        let batch = Arc::new(chunk.batch.clone());
        let clock = &self.ports.clock;
        let over_at = clock.monotonic() + TURN;
        let items = (batch.done..).zip(chunk.items.iter().cloned());
        let mut steps = stream::iter(items)
            .map(|(index, item): (u64, Arc<[u8]>)| {
                let batch = Arc::clone(&batch);
                async move {
                    // The first one always has its turn.
                    let is_over = index > batch.done && clock.monotonic() >= over_at;
                    if is_over || stop.is_cancelled() {
                        return None;
                    }
                    Some(self.do_item(batch, index, item, Arc::clone(format)).await)
                }
            })
            .buffered(at_once);
        let mut outcome = Outcome { results: Vec::with_capacity(chunk.items.len()), obstacle: None };
        let mut group = Vec::new();
        while outcome.obstacle.is_none() {
            match steps.next().await {
                Some(Some(Ok(Step::Text(text)))) => group.push(Ok(text)),
                Some(Some(Ok(Step::Done(result)))) if group.is_empty() => outcome.results.push(result),
                // Behind texts that are yet to be put.
                Some(Some(Ok(Step::Done(result)))) => group.push(Err(result)),
                Some(Some(Err(error))) => {
                    self.put_group(&batch, std::mem::take(&mut group), format, &mut outcome).await;
                    outcome.obstacle.get_or_insert(error);
                }
                None | Some(None) => break,
            }
            if group.len() >= MAX_GROUP {
                self.put_group(&batch, std::mem::take(&mut group), format, &mut outcome).await;
            }
        }
        if outcome.obstacle.is_none() && !stop.is_cancelled() {
            self.put_group(&batch, group, format, &mut outcome).await;
        }
        outcome
    }

    /// Reads an item on the pool, and does it there if it is an analysis.
    async fn do_item(
        &self,
        batch: Arc<Batch>,
        index: u64,
        item: Arc<[u8]>,
        format: Arc<dyn ItemFormat>,
    ) -> Result<Step, EngineError> {
        let place = self.pool.wait_for_place().await?;
        let (clock, counters) = (Arc::clone(&self.ports.clock), Arc::clone(&self.counters));
        let tracer = Arc::clone(&self.ports.tracer);
        let id = AnalysisId::new(&*self.ports.clock, &*self.ports.ids);
        let (of_job, as_asked) = (Arc::clone(&batch), Arc::clone(&format));
        let job = move || {
            let request = match as_asked.read(&of_job, index, &item) {
                Ok(ItemTask::Analysis(request)) => request,
                Ok(ItemTask::Index(text)) => return Step::Text(named(text, &of_job, index)),
                Err(line) => return failed(line),
            };
            let counted = counters.begin(request.operation());
            let span = span_in(&*tracer, &of_job, &request);
            let _entered = span.enter();
            let _watch = PanicIsFailure(&span);
            let began = clock.monotonic();
            match request.perform() {
                Ok(finding) => {
                    let took = clock.monotonic().saturating_sub(began);
                    counted.completed(request.bytes(), took);
                    done(as_asked.found(index, id, finding, took))
                }
                Err(error) => {
                    let error = EngineError::from(error);
                    engine::record_failure(&span, &error);
                    failed(as_asked.refused(&of_job, index, error))
                }
            }
        };
        match self.pool.run(place, job).await.map_err(EngineError::from) {
            Ok(step) => Ok(step),
            // The next item is not to blame, and the same one would do it again.
            Err(error @ EngineError::Panicked) => Ok(failed(format.refused(&batch, index, error))),
            Err(error) => Err(error),
        }
    }

    /// Puts texts into the index. Results that are there already keep their places among them.
    async fn put_group(
        &self,
        batch: &Batch,
        group: Vec<Result<NewText, ItemResult>>,
        format: &Arc<dyn ItemFormat>,
        outcome: &mut Outcome,
    ) {
        if group.is_empty() {
            return;
        }
        let (mut texts, mut known) = (Vec::new(), Vec::new());
        for member in group {
            known.push(member.map(|text| texts.push(text)).err());
        }
        let mut added = self.add_all(texts).await.into_iter();
        for known in known {
            let index = batch.done + outcome.results.len() as u64;
            let result = match known {
                Some(result) => result,
                None => match added.next().unwrap_or(Err(EngineError::Panicked)) {
                    Ok(added) => ItemResult { line: format.added(index, added).into(), is_failed: false },
                    Err(error @ (EngineError::TextTooLong(_) | EngineError::Panicked)) => {
                        ItemResult { line: format.refused(batch, index, error).into(), is_failed: true }
                    }
                    // Not the item's fault: it is put again later, in place of itself should it be there.
                    Err(error) => {
                        outcome.obstacle = Some(error);
                        return;
                    }
                },
            };
            outcome.results.push(result);
        }
    }
}

/// Says in a span that a panic came over its analysis.
struct PanicIsFailure<'s>(&'s Span);

impl Drop for PanicIsFailure<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            engine::record_failure(self.0, &EngineError::Panicked);
        }
    }
}

/// The span of an analysis that is part of `batch`, as a child in the trace of its caller.
fn span_in(tracer: &dyn Tracer, batch: &Batch, request: &Request) -> Span {
    let span = engine::span(request);
    if !span.is_disabled()
        && let Some(parent) = batch.caller.traceparent.as_deref().and_then(|parent| parent.parse().ok())
    {
        tracer.follow(&span, &parent);
    }
    span
}

fn done(line: String) -> Step {
    Step::Done(ItemResult { line: line.into(), is_failed: false })
}

fn failed(line: String) -> Step {
    Step::Done(ItemResult { line: line.into(), is_failed: true })
}

/// The text under an id that is the same whenever this item is done.
fn named(text: NewText, batch: &Batch, index: u64) -> NewText {
    let id = text.id.or_else(|| DocumentId::of_item(batch.id, index));
    NewText { id, ..text }
}
