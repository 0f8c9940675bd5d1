//! Batches in memory: those that have ended are forgotten when there is no room, the oldest first.

use super::MemoryStore;
use crate::batches::{KEEP_UNACCEPTED, Room, forgotten};
use async_trait::async_trait;
use redundancy_engine::batch::{Cancelled, Chunk, ChunkClaim, ChunkLease, ChunkSettlement};
use redundancy_engine::{Batch, BatchId, BatchState, BatchStore, StoreError, Timestamp};
use redundancy_webhook::store::{Page, PageRequest};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// What a batch, an item or a result takes beside its bytes, about.
const RECORD_BYTES: usize = 64;

#[derive(Debug)]
pub(super) struct Batches {
    known: BTreeMap<BatchId, Kept>,
    /// Those that have not ended, in the order in which they come.
    queue: BTreeMap<u64, BatchId>,
    last_turn: u64,
    bytes: usize,
    capacity_bytes: usize,
}

#[derive(Debug, Default)]
struct Kept {
    /// Absent until it is accepted.
    batch: Option<Batch>,
    /// Its place in the queue, unless it has ended.
    turn: Option<u64>,
    /// The first of them is the next to be done.
    items: VecDeque<Arc<[u8]>>,
    results: Vec<Arc<str>>,
    lease: Option<(u128, Timestamp)>,
}

impl Kept {
    fn has_ended(&self) -> bool {
        self.batch.as_ref().is_some_and(|batch| batch.state.is_final())
    }

    fn bytes(&self) -> usize {
        let items = self.items.iter().map(|item| item.len() + RECORD_BYTES);
        items.chain(self.results.iter().map(|line| line.len() + RECORD_BYTES)).sum::<usize>() + RECORD_BYTES
    }
}

impl Batches {
    pub(super) fn new(capacity_bytes: usize) -> Self {
        Self { known: BTreeMap::new(), queue: BTreeMap::new(), last_turn: 0, bytes: 0, capacity_bytes }
    }

    /// Makes room for `more` bytes by forgetting the oldest batches that have ended.
    fn make_room(&mut self, more: usize) -> Result<(), StoreError> {
        while self.bytes + more > self.capacity_bytes {
            let oldest = self.known.iter().find(|(_, kept)| kept.has_ended()).map(|(id, _)| *id);
            let Some(oldest) = oldest else {
                return Err(StoreError::Full("the memory for batches is used up".to_owned()));
            };
            self.forget(oldest);
        }
        self.bytes += more;
        Ok(())
    }

    fn forget(&mut self, id: BatchId) {
        let Some(kept) = self.known.remove(&id) else { return };
        self.bytes = self.bytes.saturating_sub(kept.bytes());
        if let Some(turn) = kept.turn {
            self.queue.remove(&turn);
        }
    }

    fn add_items(&mut self, id: BatchId, first: u64, items: Vec<Arc<[u8]>>) -> Result<(), StoreError> {
        let known = self.known.get(&id).map_or(0, |kept| kept.items.len());
        if known as u64 != first {
            return Err(forgotten());
        }
        let own = if known == 0 { RECORD_BYTES } else { 0 };
        self.make_room(items.iter().map(|item| item.len() + RECORD_BYTES).sum::<usize>() + own)?;
        self.known.entry(id).or_default().items.extend(items);
        Ok(())
    }

    fn accept(&mut self, batch: Batch) -> Result<(), StoreError> {
        let kept = self.known.get_mut(&batch.id).filter(|kept| kept.items.len() as u64 == batch.total);
        let Some(kept) = kept else {
            return Err(forgotten());
        };
        self.last_turn += 1;
        self.queue.insert(self.last_turn, batch.id);
        kept.turn = Some(self.last_turn);
        kept.batch = Some(batch);
        Ok(())
    }

    fn take(&mut self, claim: ChunkClaim) -> Option<Chunk> {
        let is_free = |id: &BatchId| {
            let lease = self.known.get(id).and_then(|kept| kept.lease);
            lease.is_none_or(|(_, until)| until <= claim.now)
        };
        let id = *self.queue.values().find(|id| is_free(id))?;
        let kept = self.known.get_mut(&id)?;
        let batch = kept.batch.as_mut()?;
        batch.state = BatchState::Running;
        batch.started_at.get_or_insert(claim.now);
        kept.lease = Some((claim.token, claim.until));
        let mut room = Room::of(claim.max_bytes);
        let items = kept.items.iter().take(claim.max_items).take_while(|item| room.takes(item.len()));
        let items = items.cloned().collect();
        Some(Chunk { batch: batch.clone(), items, lease: ChunkLease { batch: id, token: claim.token } })
    }

    fn extend(&mut self, lease: ChunkLease, until: Timestamp) {
        let kept = self.known.get_mut(&lease.batch).and_then(|kept| kept.lease.as_mut());
        if let Some((_, ends)) = kept.filter(|(token, _)| *token == lease.token) {
            *ends = until;
        }
    }

    /// Settles a chunk if `tell` agrees to its publication, which is asked last.
    fn settle(
        &mut self,
        settlement: ChunkSettlement,
        tell: impl FnOnce(redundancy_webhook::store::Publication) -> Result<(), StoreError>,
    ) -> Result<bool, StoreError> {
        let ChunkSettlement { lease, first, results, end, now } = settlement;
        let is_held = |kept: &Kept| {
            kept.lease.is_some_and(|(token, _)| token == lease.token)
                && kept.batch.as_ref().is_some_and(|batch| !batch.state.is_final() && batch.done == first)
        };
        if !self.known.get(&lease.batch).is_some_and(is_held) {
            return Ok(false);
        }
        let taken: usize = results.iter().map(|result| result.line.len() + RECORD_BYTES).sum();
        self.make_room(taken)?;
        let (end, publication) = match end {
            Some(end) => (Some((end.state, end.error)), end.publication),
            None => (None, None),
        };
        if let Some(Err(error)) = publication.map(tell) {
            self.bytes = self.bytes.saturating_sub(taken);
            return Err(error);
        }
        self.last_turn += 1;
        let turn = self.last_turn;
        let Some(kept) = self.known.get_mut(&lease.batch) else { return Ok(false) };
        let Some(batch) = kept.batch.as_mut() else { return Ok(false) };
        kept.lease = None;
        batch.done += results.len() as u64;
        batch.failed += results.iter().filter(|result| result.is_failed).count() as u64;
        let mut freed = 0;
        for item in kept.items.drain(..results.len().min(kept.items.len())) {
            freed += item.len() + RECORD_BYTES;
        }
        kept.results.extend(results.into_iter().map(|result| result.line));
        if let Some(before) = kept.turn.take() {
            self.queue.remove(&before);
        }
        if let Some((state, error)) = end {
            (batch.state, batch.error, batch.finished_at) = (state, error, Some(now));
            freed += kept.items.drain(..).map(|item| item.len() + RECORD_BYTES).sum::<usize>();
        } else {
            self.queue.insert(turn, lease.batch);
            kept.turn = Some(turn);
        }
        self.bytes = self.bytes.saturating_sub(freed);
        Ok(true)
    }

    fn cancel(&mut self, id: BatchId, now: Timestamp) -> Cancelled {
        let Some(kept) = self.known.get_mut(&id) else { return Cancelled::NotFound };
        let Some(batch) = kept.batch.as_mut() else { return Cancelled::NotFound };
        match batch.state {
            BatchState::Completed | BatchState::Failed => return Cancelled::TooLate(batch.clone()),
            BatchState::Cancelled => return Cancelled::Done(batch.clone()),
            BatchState::Queued | BatchState::Running => {}
        }
        (batch.state, batch.finished_at) = (BatchState::Cancelled, Some(now));
        kept.lease = None;
        if let Some(turn) = kept.turn.take() {
            self.queue.remove(&turn);
        }
        let freed: usize = kept.items.drain(..).map(|item| item.len() + RECORD_BYTES).sum();
        self.bytes = self.bytes.saturating_sub(freed);
        Cancelled::Done(batch.clone())
    }

    fn list(&self, page: &PageRequest<BatchId>) -> Page<Batch, BatchId> {
        let end = page.after.unwrap_or(BatchId::from_number(u128::MAX));
        let mut found = self.known.range(..end).rev().filter_map(|(_, kept)| kept.batch.as_ref());
        let items: Vec<Batch> = found.by_ref().take(page.limit).cloned().collect();
        let next = found.next().and_then(|_| items.last().map(|last| last.id));
        Page { items, next }
    }

    fn results(&self, id: BatchId, from: u64, limit: usize, max_bytes: usize) -> Vec<Arc<str>> {
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        let kept = self.known.get(&id).and_then(|kept| kept.results.get(from..));
        let mut room = Room::of(max_bytes);
        let lines = kept.unwrap_or_default().iter().take(limit).take_while(|line| room.takes(line.len()));
        lines.cloned().collect()
    }

    /// Deletes up to `limit` batches that have ended and were made before `before`, and those that were not accepted in time.
    pub(super) fn sweep(&mut self, before: Timestamp, now: Timestamp, limit: usize) -> usize {
        let (old, late) = (BatchId::first_at(before), BatchId::first_at(now.minus(KEEP_UNACCEPTED)));
        let is_over = |id: &BatchId, kept: &Kept| match &kept.batch {
            Some(batch) => batch.state.is_final() && *id < old,
            None => *id < late,
        };
        let over = self.known.range(..old.max(late)).filter(|(id, kept)| is_over(id, kept));
        let over: Vec<BatchId> = over.map(|(id, _)| *id).take(limit).collect();
        for id in &over {
            self.forget(*id);
        }
        over.len()
    }
}

#[async_trait]
impl BatchStore for MemoryStore {
    async fn add_items(&self, id: BatchId, first: u64, items: Vec<Arc<[u8]>>) -> Result<(), StoreError> {
        self.batches().add_items(id, first, items)
    }

    async fn accept(&self, batch: Batch) -> Result<(), StoreError> {
        self.batches().accept(batch)?;
        self.batch_work.notify_one();
        Ok(())
    }

    async fn abandon(&self, id: BatchId) -> Result<(), StoreError> {
        let mut batches = self.batches();
        if batches.known.get(&id).is_some_and(|kept| kept.batch.is_none()) {
            batches.forget(id);
        }
        Ok(())
    }

    async fn take(&self, claim: ChunkClaim) -> Result<Option<Chunk>, StoreError> {
        Ok(self.batches().take(claim))
    }

    async fn extend(&self, lease: ChunkLease, until: Timestamp) -> Result<(), StoreError> {
        self.batches().extend(lease, until);
        Ok(())
    }

    async fn settle(&self, settlement: ChunkSettlement) -> Result<bool, StoreError> {
        let (mut batches, mut tables) = (self.batches(), self.tables());
        let settled = batches.settle(settlement, |publication| tables.publish_all(vec![publication]));
        drop((batches, tables));
        self.work.notify_one();
        settled
    }

    async fn cancel(&self, id: BatchId, now: Timestamp) -> Result<Cancelled, StoreError> {
        Ok(self.batches().cancel(id, now))
    }

    async fn batch(&self, id: BatchId) -> Result<Option<Batch>, StoreError> {
        Ok(self.batches().known.get(&id).and_then(|kept| kept.batch.clone()))
    }

    async fn batches(&self, page: PageRequest<BatchId>) -> Result<Page<Batch, BatchId>, StoreError> {
        Ok(self.batches().list(&page))
    }

    async fn results(
        &self,
        id: BatchId,
        from: u64,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<Arc<str>>, StoreError> {
        Ok(self.batches().results(id, from, limit, max_bytes))
    }

    async fn batch_arrived(&self) {
        self.batch_work.notified().await;
    }
}
