//! Goes on with batches, a chunk at a time.

use super::items::Outcome;
use super::{Batch, BatchEnd, BatchState, Chunk, ChunkClaim, ChunkLease, ChunkSettlement, ItemFormat};
use crate::engine::Engine;
use crate::error::EngineError;
use crate::ids::BatchId;
use futures_util::future::{Either, join, select};
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::event::{Event, EventType, NewEvent, types};
use redundancy_webhook::ids::EventId;
use redundancy_webhook::store::{Audience, Publication, StoreError};
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Items of a chunk at most, and their bytes about: a fraction of a second of work, so that batches take turns.
const MAX_CHUNK_ITEMS: usize = 256;
const MAX_CHUNK_BYTES: usize = 1 << 20;
/// How long a chunk belongs to whoever took it: so long its batch stands still when that one is killed.
const LEASE_FOR: Duration = Duration::from_secs(8);
/// How often a lease is extended.
const BEAT: Duration = Duration::from_secs(2);
/// How long to wait before looking for work that nobody told of: batches of others that were killed.
const IDLE_FOR: Duration = Duration::from_secs(1);
/// How long to wait when something could not be done: the first time, and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How often a batch is tried at the same item. With the pauses between, about a minute and a half.
const MAX_TRIES: u32 = 15;
/// How often a result is offered to a store that refuses it while the service ends.
const LAST_TRIES: u32 = 3;

/// What a turn came to.
enum Turn {
    /// Something was done.
    Worked,
    /// There is nothing to do.
    Idle,
    /// It failed so often.
    Failed(u32),
}

struct Runner<'e> {
    engine: &'e Engine,
    format: Arc<dyn ItemFormat>,
    stop: CancellationToken,
    /// How often batches could not go on since they last did.
    tries: HashMap<BatchId, u32>,
    /// How often the store could not be asked since it last could.
    refusals: u32,
}

impl Engine {
    /// Does the items of batches, of all that are there and of those to come, until `shutdown` is done. What has begun then is
    /// finished and settled, and the rest is given back for the next who runs this.
    ///
    /// Batches take turns. One batch is done by one runner at a time, whatever their number.
    pub async fn run_batches(&self, format: Arc<dyn ItemFormat>, shutdown: impl Future<Output = ()>) {
        let stop = CancellationToken::new();
        let runner = Runner { engine: self, format, stop: stop.clone(), tries: HashMap::new(), refusals: 0 };
        let stopping = async {
            shutdown.await;
            stop.cancel();
        };
        join(stopping, runner.work()).await;
    }
}

impl Runner<'_> {
    async fn work(mut self) {
        while !self.stop.is_cancelled() {
            let stop = self.stop.clone();
            match self.turn().await {
                Turn::Worked => {}
                Turn::Idle => {
                    let arrived = timeout(IDLE_FOR, self.engine.ports.batches.batch_arrived());
                    let _ = stop.run_until_cancelled(arrived).await;
                }
                Turn::Failed(times) => {
                    let _ = stop.run_until_cancelled(sleep(pause_after(times))).await;
                }
            }
        }
    }

    /// Takes a chunk, does it and settles it.
    async fn turn(&mut self) -> Turn {
        let ports = &self.engine.ports;
        let now = ports.clock.now();
        let claim = ChunkClaim {
            token: ports.ids.random_128(),
            now,
            until: now.plus(LEASE_FOR),
            max_items: MAX_CHUNK_ITEMS,
            max_bytes: MAX_CHUNK_BYTES,
        };
        let chunk = match ports.batches.take(claim).await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => return Turn::Idle,
            Err(error) => {
                self.refusals = self.refusals.saturating_add(1);
                tracing::debug!(%error, "cannot go on with batches yet");
                return Turn::Failed(self.refusals);
            }
        };
        self.refusals = 0;
        let id = chunk.batch.id;
        let outcome = {
            let work = pin!(self.engine.do_chunk(&chunk, &self.format, &self.stop));
            let beat = pin!(self.keep(chunk.lease));
            match select(work, beat).await {
                Either::Left((outcome, _)) => outcome,
                Either::Right(((), work)) => work.await,
            }
        };
        let has_progress = !outcome.results.is_empty();
        let tries = if outcome.obstacle.is_none() || has_progress {
            self.tries.remove(&id);
            0
        } else {
            let tries = self.tries.entry(id).or_default();
            *tries += 1;
            *tries
        };
        let has_obstacle = outcome.obstacle.is_some();
        let settlement = self.settlement(&chunk, outcome, tries);
        if settlement.end.is_some() {
            self.tries.remove(&id);
        }
        self.settle(&chunk.batch, settlement).await;
        if has_obstacle { Turn::Failed(tries.max(1)) } else { Turn::Worked }
    }

    /// Extends a lease again and again.
    async fn keep(&self, lease: ChunkLease) {
        loop {
            sleep(BEAT).await;
            let until = self.engine.ports.clock.now().plus(LEASE_FOR);
            if let Err(error) = self.engine.ports.batches.extend(lease, until).await {
                tracing::debug!(%error, batch = %lease.batch, "a lease could not be extended");
            }
        }
    }

    /// What is to be written about a chunk that was tried so often in vain.
    fn settlement(&self, chunk: &Chunk, outcome: Outcome, tries: u32) -> ChunkSettlement {
        let Outcome { results, obstacle } = outcome;
        let now = self.engine.ports.clock.now();
        let failures = results.iter().filter(|result| result.is_failed).count();
        let batch = Batch {
            done: chunk.batch.done + results.len() as u64,
            failed: chunk.batch.failed + failures as u64,
            ..chunk.batch.clone()
        };
        let reason = if chunk.items.is_empty() && batch.done < batch.total {
            Some("the store has lost items of it".to_owned())
        } else {
            obstacle.filter(|_| tries >= MAX_TRIES).map(|error| reason(&error))
        };
        let has_ended = reason.is_some() || batch.done >= batch.total;
        let end = has_ended.then(|| self.end(batch, reason, now));
        ChunkSettlement { lease: chunk.lease, first: chunk.batch.done, results, end, now }
    }

    /// The end of `batch` as it is now: completed, or failed for a reason.
    fn end(&self, batch: Batch, error: Option<String>, now: Timestamp) -> BatchEnd {
        let (state, kind) = match &error {
            Some(reason) => {
                tracing::error!(batch = %batch.id, reason, "a batch cannot go on");
                (BatchState::Failed, types::BATCH_FAILED)
            }
            None => (BatchState::Completed, types::BATCH_COMPLETED),
        };
        let ended = Batch { state, error: error.clone(), finished_at: Some(now), ..batch };
        BatchEnd { state, error, publication: self.publication(&ended, kind) }
    }

    /// The event that tells of the end of `batch`, if somebody wants it.
    fn publication(&self, batch: &Batch, kind: &str) -> Option<Publication> {
        let ports = &self.engine.ports;
        let kind: EventType = kind.parse().ok().filter(|kind| ports.store.is_wanted(kind))?;
        let data = RawValue::from_string(self.format.ended(batch)).unwrap_or_default();
        let new = NewEvent { kind, data, caller: batch.caller.clone() };
        let now = ports.clock.now();
        let event = Event::with_id(EventId::new_in_slot(batch.id.slot(), now, &*ports.ids), now, new);
        Some(Publication { event, audience: Audience::Subscribers, idempotency: None, keep_unwanted: false })
    }

    /// Writes what came of a chunk of `batch`, for as long as that takes. Once the service ends it is tried a few times: what is not
    /// written is done again. A store that has no room for results again and again is told that the batch has failed.
    async fn settle(&self, batch: &Batch, mut settlement: ChunkSettlement) {
        let id = batch.id;
        for tries in 1.. {
            match self.engine.ports.batches.settle(settlement.clone()).await {
                Ok(true) => return,
                Ok(false) => {
                    tracing::debug!(batch = %id, "results came too late: the batch is cancelled or with another");
                    return;
                }
                Err(error @ StoreError::Unreadable(_)) => {
                    tracing::error!(%error, batch = %id, "results cannot be stored");
                    return;
                }
                Err(error) if self.stop.is_cancelled() && tries >= LAST_TRIES => {
                    tracing::warn!(%error, batch = %id, "results could not be stored and will be made again");
                    return;
                }
                Err(error @ StoreError::Full(_)) if tries == MAX_TRIES => {
                    settlement.results.clear();
                    settlement.end =
                        Some(self.end(batch.clone(), Some(reason(&error.into())), settlement.now));
                }
                Err(_) => {}
            }
            let _ = self.stop.run_until_cancelled(sleep(pause_after(tries))).await;
        }
    }
}

/// What a person is told of an obstacle that does not go away.
fn reason(error: &EngineError) -> String {
    match error {
        EngineError::Store(StoreError::Full(_)) => "the store has no room left".to_owned(),
        EngineError::Store(_) => "the store does not take its items".to_owned(),
        EngineError::Busy { .. }
        | EngineError::TextTooLong(_)
        | EngineError::Panicked
        | EngineError::ShuttingDown => error.to_string(),
    }
}

fn pause_after(times: u32) -> Duration {
    let doublings = times.saturating_sub(1).min(16);
    FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE)
}
