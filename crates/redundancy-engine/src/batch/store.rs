//! The port behind which batches are kept. Which batch is next, and that a chunk is worked on by one at a time, is decided by
//! the store; what becomes of an item, and when a batch has ended, by the engine.

use super::{Batch, BatchState};
use crate::ids::BatchId;
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::store::{Page, PageRequest, Publication, StoreError};
use std::sync::Arc;

/// The right to settle the items of a batch, until its time is over and somebody else takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkLease {
    /// Which batch.
    pub batch: BatchId,
    /// Tells it from leases of others. Random.
    pub token: u128,
}

/// Asks for items to do.
#[derive(Debug, Clone, Copy)]
pub struct ChunkClaim {
    /// The token of the lease.
    pub token: u128,
    /// The time.
    pub now: Timestamp,
    /// When the lease ends, unless it is extended.
    pub until: Timestamp,
    /// Items at most.
    pub max_items: usize,
    /// Bytes of items at most; but one item is always given.
    pub max_bytes: usize,
}

/// Items to be done, in their order.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// The batch as it is now, running. The first item is that of number `batch.done`.
    pub batch: Batch,
    /// The items. None when the store has lost them.
    pub items: Vec<Arc<[u8]>>,
    /// The right to settle them.
    pub lease: ChunkLease,
}

/// What came of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemResult {
    /// JSON on one line.
    pub line: Arc<str>,
    /// Whether that says that it could not be done.
    pub is_failed: bool,
}

/// How a batch ends.
#[derive(Debug, Clone)]
pub struct BatchEnd {
    /// [`BatchState::Completed`] or [`BatchState::Failed`].
    pub state: BatchState,
    /// Why it could not go on.
    pub error: Option<String>,
    /// What is told of it.
    pub publication: Option<Publication>,
}

/// What came of a chunk, or of the beginning of it.
#[derive(Debug, Clone)]
pub struct ChunkSettlement {
    /// The right to settle it. It ends with this, and the batch waits for its next turn, unless it has ended.
    pub lease: ChunkLease,
    /// The number of the first item.
    pub first: u64,
    /// The results of the items from there on.
    pub results: Vec<ItemResult>,
    /// The end of the batch.
    pub end: Option<BatchEnd>,
    /// The time.
    pub now: Timestamp,
}

/// What came of the wish to cancel a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cancelled {
    /// It is cancelled, now or since before.
    Done(Batch),
    /// It has ended otherwise.
    TooLate(Batch),
    /// There is none with this id.
    NotFound,
}

/// Keeps batches with their items and results. Those that have ended are deleted when they are as old as events are then; see
/// [`WebhookStore::sweep`](redundancy_webhook::store::WebhookStore::sweep).
#[async_trait::async_trait]
pub trait BatchStore: Send + Sync {
    /// Keeps items of a batch that is yet to be accepted; the first of them has number `first`. Nobody sees them until then. Those
    /// of a batch that is not accepted within an hour may be deleted.
    async fn add_items(&self, id: BatchId, first: u64, items: Vec<Arc<[u8]>>) -> Result<(), StoreError>;

    /// Accepts `batch`, all of whose items have been added. When this returns `Ok` it is durable, with its items.
    async fn accept(&self, batch: Batch) -> Result<(), StoreError>;

    /// Forgets the items of a batch that will not be accepted.
    async fn abandon(&self, id: BatchId) -> Result<(), StoreError>;

    /// Hands out the next items of the batch whose turn it is: the one that has waited longest since it was accepted or settled,
    /// among those that have not ended and that nobody has a lease of. It is running from now on. `None` when there is none.
    async fn take(&self, claim: ChunkClaim) -> Result<Option<Chunk>, StoreError>;

    /// Makes a lease last until `until`. Of one that is lost nothing happens.
    async fn extend(&self, lease: ChunkLease, until: Timestamp) -> Result<(), StoreError>;

    /// Writes results, progress and, if the batch has ended, its end with the event that tells of it: all of it or nothing. Says
    /// `false`, and has done nothing, when the lease was lost or the batch cancelled.
    async fn settle(&self, settlement: ChunkSettlement) -> Result<bool, StoreError>;

    /// Cancels a batch that has not ended.
    async fn cancel(&self, id: BatchId, now: Timestamp) -> Result<Cancelled, StoreError>;

    /// A batch; `None` when there is none, or not any more.
    async fn batch(&self, id: BatchId) -> Result<Option<Batch>, StoreError>;

    /// Batches, the youngest first.
    async fn batches(&self, page: PageRequest<BatchId>) -> Result<Page<Batch, BatchId>, StoreError>;

    /// Results in the order of their items, from that of number `from` on: no more than `limit`, and no more than fit into about
    /// `max_bytes`, but one in any case. Empty when there are none there.
    async fn results(
        &self,
        id: BatchId,
        from: u64,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<Arc<str>>, StoreError>;

    /// Waits until there may be something to take. It may be woken for nothing, and where several processes share a store it
    /// hears only of what was accepted here.
    async fn batch_arrived(&self);
}
