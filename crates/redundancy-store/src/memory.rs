//! A store in the memory of the process: for tests, and for running without any set-up. It forgets everything when the
//! process ends, and the oldest finished analyses when it is full.

use async_trait::async_trait;
use redundancy_engine::{AnalysisId, AnalysisState, AnalysisStore, StoreError, StoredAnalysis};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many analyses are kept unless the caller says otherwise.
pub const DEFAULT_CAPACITY: usize = 1000;

/// Keeps a bounded number of analyses in memory.
#[derive(Debug)]
pub struct MemoryStore {
    capacity: usize,
    /// Ids sort by time, so the first is the oldest.
    analyses: Mutex<BTreeMap<AnalysisId, StoredAnalysis>>,
}

impl MemoryStore {
    /// An empty store for `capacity` analyses (at least 1).
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), analyses: Mutex::default() }
    }

    fn analyses(&self) -> MutexGuard<'_, BTreeMap<AnalysisId, StoredAnalysis>> {
        // Every change is a single call on the map, so a panic elsewhere leaves nothing half done.
        self.analyses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new(DEFAULT_CAPACITY)
    }
}

#[async_trait]
impl AnalysisStore for MemoryStore {
    async fn put(&self, analysis: StoredAnalysis) -> Result<(), StoreError> {
        let mut kept = self.analyses();
        if kept.len() >= self.capacity && !kept.contains_key(&analysis.id) {
            // What is not finished was accepted and must not be lost; what is finished had its time.
            let is_finished = |analysis: &StoredAnalysis| !matches!(analysis.state, AnalysisState::Pending);
            let oldest = kept.values().find(|analysis| is_finished(analysis)).map(|analysis| analysis.id);
            let Some(oldest) = oldest else {
                let message =
                    format!("{} analyses are waiting to be done, which is all that fits", kept.len());
                return Err(StoreError::Unavailable(message));
            };
            kept.remove(&oldest);
        }
        kept.insert(analysis.id, analysis);
        Ok(())
    }

    async fn get(&self, id: AnalysisId) -> Result<Option<StoredAnalysis>, StoreError> {
        Ok(self.analyses().get(&id).cloned())
    }
}
