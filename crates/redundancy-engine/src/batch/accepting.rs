//! Takes the items of a new batch as they arrive, and accepts it when all are there.

use super::{Batch, BatchOperation, BatchState};
use crate::engine::Engine;
use crate::error::EngineError;
use crate::ids::BatchId;
use crate::requests::Caller;
use redundancy_webhook::store::StoreError;
use std::sync::Arc;

/// Items of a batch at most.
pub const MAX_BATCH_ITEMS: u64 = 1_000_000;
/// Bytes of all items of a batch at most.
pub const MAX_BATCH_BYTES: u64 = 1 << 30;
/// Items that are given to the store at once at most, and their bytes about.
const MAX_PART_ITEMS: usize = 512;
const MAX_PART_BYTES: usize = 1 << 20;

/// Why a batch was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// It has no items.
    #[error("a batch must have at least one item")]
    Empty,
    /// It has too many items.
    #[error("a batch has at most {MAX_BATCH_ITEMS} items")]
    TooManyItems,
    /// Its items are too long together.
    #[error("the items of a batch have at most {MAX_BATCH_BYTES} bytes together")]
    TooManyBytes,
    /// It could not be kept.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<StoreError> for BatchError {
    fn from(error: StoreError) -> Self {
        Self::Engine(error.into())
    }
}

/// A batch whose items are still arriving. No more than a part of them is in memory. One that will not be accepted is to be
/// [abandoned](NewBatch::abandon); when it is only dropped the store deletes its items later.
pub struct NewBatch<'e> {
    engine: &'e Engine,
    id: BatchId,
    operation: BatchOperation,
    caller: Caller,
    /// Items that have arrived, and their bytes.
    total: u64,
    total_bytes: u64,
    /// Those that the store does not have yet.
    part: Vec<Arc<[u8]>>,
    part_bytes: usize,
}

impl Engine {
    /// A batch without items, to be filled and accepted.
    #[must_use]
    pub fn new_batch(&self, operation: BatchOperation, caller: Caller) -> NewBatch<'_> {
        let id = BatchId::new(&*self.ports.clock, &*self.ports.ids);
        NewBatch {
            engine: self,
            id,
            operation,
            caller,
            total: 0,
            total_bytes: 0,
            part: Vec::new(),
            part_bytes: 0,
        }
    }
}

impl NewBatch<'_> {
    /// Adds an item behind those that are there.
    pub async fn add(&mut self, item: Arc<[u8]>) -> Result<(), BatchError> {
        self.total += 1;
        self.total_bytes = self.total_bytes.saturating_add(item.len() as u64);
        if self.total > MAX_BATCH_ITEMS {
            return Err(BatchError::TooManyItems);
        }
        if self.total_bytes > MAX_BATCH_BYTES {
            return Err(BatchError::TooManyBytes);
        }
        self.part_bytes += item.len();
        self.part.push(item);
        if self.part.len() >= MAX_PART_ITEMS || self.part_bytes >= MAX_PART_BYTES {
            self.hand_over().await?;
        }
        Ok(())
    }

    /// Accepts the batch: when this returns `Ok` it is in the store, and will be done.
    pub async fn accept(mut self) -> Result<Batch, BatchError> {
        if self.total == 0 {
            return Err(BatchError::Empty);
        }
        if self.engine.pool.is_closed() {
            return Err(EngineError::ShuttingDown.into());
        }
        self.hand_over().await?;
        let batch = Batch {
            id: self.id,
            operation: self.operation,
            state: BatchState::Queued,
            total: self.total,
            done: 0,
            failed: 0,
            created_at: self.engine.ports.clock.now(),
            started_at: None,
            finished_at: None,
            error: None,
            caller: self.caller,
        };
        self.engine.ports.batches.accept(batch.clone()).await?;
        Ok(batch)
    }

    /// Forgets what has arrived, as far as the store can be reached.
    pub async fn abandon(self) {
        if self.total > self.part.len() as u64
            && let Err(error) = self.engine.ports.batches.abandon(self.id).await
        {
            tracing::debug!(%error, batch = %self.id, "items are left behind for a while");
        }
    }

    async fn hand_over(&mut self) -> Result<(), StoreError> {
        let part = std::mem::take(&mut self.part);
        self.part_bytes = 0;
        if part.is_empty() {
            return Ok(());
        }
        let first = self.total - part.len() as u64;
        self.engine.ports.batches.add_items(self.id, first, part).await
    }
}
