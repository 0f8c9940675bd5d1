//! Batches: many items of one operation, accepted together and done one after the other.
//!
//! Items arrive in parts and are only kept ([`NewBatch`]); from its acceptance on the batch goes on by itself, also after a
//! restart, until every item has its result or somebody cancels it. Whoever calls [`Engine::run_batches`] takes a chunk of items
//! of the batch whose turn it is, does them on the pool, and settles them: results, progress and, at the end, the event are
//! written in one step. Items are bytes here; [`ItemFormat`] knows what they mean. An item that cannot be done has an error for
//! its result and is not the end of the batch.

mod absent;
mod accepting;
mod items;
mod running;
mod store;

use crate::engine::Engine;
use crate::error::EngineError;
use crate::ids::{AnalysisId, BatchId};
use crate::index::{Added, NewText};
use crate::requests::{Caller, Finding, Operation, Request};
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::store::{Page, PageRequest};
use std::sync::Arc;
use std::time::Duration;

pub use absent::NoBatches;
pub use accepting::{BatchError, MAX_BATCH_BYTES, MAX_BATCH_ITEMS, NewBatch};
pub use store::{
    BatchEnd, BatchStore, Cancelled, Chunk, ChunkClaim, ChunkLease, ChunkSettlement, ItemResult,
};

/// What is done with each item of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BatchOperation {
    /// See [`Operation::Analyze`].
    Analyze,
    /// See [`Operation::Similarity`].
    Similarity,
    /// See [`Operation::Quality`].
    Quality,
    /// It is put into the index.
    Index,
}

impl BatchOperation {
    /// All of them, in a fixed order.
    pub const ALL: [Self; 4] = [Self::Analyze, Self::Similarity, Self::Quality, Self::Index];

    /// The name used by callers, in stores and in events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Analyze => Operation::Analyze.as_str(),
            Self::Similarity => Operation::Similarity.as_str(),
            Self::Quality => Operation::Quality.as_str(),
            Self::Index => "index",
        }
    }

    /// The operation of that name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.as_str() == name)
    }
}

/// How far a batch got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BatchState {
    /// Accepted; none of its items was begun.
    Queued,
    /// Its items are being done.
    Running,
    /// Every item has its result.
    Completed,
    /// It could not go on.
    Failed,
    /// Somebody wanted it to end.
    Cancelled,
}

impl BatchState {
    /// All of them, in a fixed order.
    pub const ALL: [Self; 5] = [Self::Queued, Self::Running, Self::Completed, Self::Failed, Self::Cancelled];

    /// The name used by callers and in stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Whether nothing will change any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// A batch, apart from its items and their results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Its id.
    pub id: BatchId,
    /// What is done with each item.
    pub operation: BatchOperation,
    /// How far it got.
    pub state: BatchState,
    /// How many items it has.
    pub total: u64,
    /// How many of them have a result. Items are done in their order, so this is also the number of the next one, from 0.
    pub done: u64,
    /// For how many of those the result is an error.
    pub failed: u64,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When its first items were begun.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Why it could not go on.
    pub error: Option<String>,
    /// Who asked for it, for those who hear of its end.
    pub caller: Caller,
}

impl Batch {
    /// How long the rest will take, if it goes on as it did since it was begun. Nothing when it is finished; `None` while no item
    /// is done, and of a batch that ended before its last item.
    #[must_use]
    pub fn remaining(&self, now: Timestamp) -> Option<Duration> {
        match self.state {
            BatchState::Completed => Some(Duration::ZERO),
            BatchState::Failed | BatchState::Cancelled => None,
            BatchState::Queued | BatchState::Running => {
                let elapsed = u128::from(now.as_millis().saturating_sub(self.started_at?.as_millis()));
                let left = u128::from(self.total.saturating_sub(self.done));
                let millis = (elapsed * left).checked_div(u128::from(self.done))?;
                Some(Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX)))
            }
        }
    }
}

/// What an item asks for.
pub enum ItemTask {
    /// An analysis.
    Analysis(Request),
    /// That a text be put into the index. Without an id it gets one from the batch and its number, so that it can be put twice
    /// without being there twice.
    Index(NewText),
}

/// Knows what the bytes of items mean, and writes results, as JSON on one line. It is called on the threads of the pool.
pub trait ItemFormat: Send + Sync {
    /// What an item asks for, or else the result that says what is wrong with it. `index` is its number in the batch, from 0.
    fn read(&self, batch: &Batch, index: u64, item: &[u8]) -> Result<ItemTask, String>;

    /// The result of an analysis that took so long.
    fn found(&self, index: u64, id: AnalysisId, finding: Finding, took: Duration) -> String;

    /// The result of a text that was put into the index.
    fn added(&self, index: u64, added: Added) -> String;

    /// The result of an item that could not be done.
    fn refused(&self, batch: &Batch, index: u64, error: EngineError) -> String;

    /// What the event says that tells of the end of `batch`.
    fn ended(&self, batch: &Batch) -> String;
}

impl Engine {
    /// How far a batch got; `None` when it is not known (any more).
    pub async fn batch(&self, id: BatchId) -> Result<Option<Batch>, EngineError> {
        Ok(self.ports.batches.batch(id).await?)
    }

    /// Batches, the youngest first.
    pub async fn batches(&self, page: PageRequest<BatchId>) -> Result<Page<Batch, BatchId>, EngineError> {
        Ok(self.ports.batches.batches(page).await?)
    }

    /// The results of a batch from the one of item `from` on: as many as there are, but no more than `limit`, and no more than fit
    /// into about `max_bytes`, at least one. Empty behind the last one.
    pub async fn batch_results(
        &self,
        id: BatchId,
        from: u64,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<Arc<str>>, EngineError> {
        Ok(self.ports.batches.results(id, from, limit, max_bytes).await?)
    }

    /// Ends a batch before its time. Results that are there stay; of items that are being done there will be none.
    pub async fn cancel_batch(&self, id: BatchId) -> Result<Cancelled, EngineError> {
        Ok(self.ports.batches.cancel(id, self.ports.clock.now()).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_remains_goes_by_the_time_that_was_taken() {
        let at = Timestamp::from_millis;
        let mut batch = Batch {
            id: BatchId::from_number(1),
            operation: BatchOperation::Quality,
            state: BatchState::Queued,
            total: 10,
            done: 0,
            failed: 0,
            created_at: at(0),
            started_at: None,
            finished_at: None,
            error: None,
            caller: Caller::default(),
        };
        assert_eq!(batch.remaining(at(1000)), None);
        (batch.state, batch.started_at) = (BatchState::Running, Some(at(1000)));
        assert_eq!(batch.remaining(at(2000)), None);
        batch.done = 4;
        assert_eq!(batch.remaining(at(3000)), Some(Duration::from_secs(3)));
        // A clock that was put back is no reason to panic.
        assert_eq!(batch.remaining(at(0)), Some(Duration::ZERO));
        batch.state = BatchState::Completed;
        assert_eq!(batch.remaining(at(3000)), Some(Duration::ZERO));
        batch.state = BatchState::Cancelled;
        assert_eq!(batch.remaining(at(3000)), None);
    }

    #[test]
    fn names_lead_back_to_what_they_name() {
        for operation in BatchOperation::ALL {
            assert_eq!(BatchOperation::of_name(operation.as_str()), Some(operation));
        }
        for state in BatchState::ALL {
            assert_eq!(BatchState::of_name(state.as_str()), Some(state));
        }
        assert_eq!((BatchOperation::of_name("x"), BatchState::of_name("")), (None, None));
    }
}
