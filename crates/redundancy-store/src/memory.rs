//! A store in the memory of the process: for tests, and for running without any set-up. It forgets everything when the
//! process ends, and the oldest finished analyses when it is full.

use async_trait::async_trait;
use redundancy_engine::{AnalysisId, AnalysisState, AnalysisStore, StoreError, StoredAnalysis};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many bytes of text the kept analyses are about, unless the caller says otherwise. For ordinary text the findings take
/// a fraction of that; for the worst text they take a few times as much.
pub const DEFAULT_CAPACITY_BYTES: usize = 32 << 20;
/// What an analysis of the shortest text counts for: more than the room that its record takes.
const MIN_WEIGHT_BYTES: usize = 4096;

/// Keeps a bounded number of analyses in memory.
#[derive(Debug)]
pub struct MemoryStore {
    capacity_bytes: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// Ids sort by time, so the first is the oldest.
    analyses: BTreeMap<AnalysisId, StoredAnalysis>,
    /// The sum of their weights.
    bytes: usize,
}

impl MemoryStore {
    /// An empty store for analyses of up to `capacity_bytes` of text together. Texts below 4 KiB count as 4 KiB.
    #[must_use]
    pub fn new(capacity_bytes: usize) -> Self {
        Self { capacity_bytes, kept: Mutex::default() }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Nothing under the lock calls anything that could panic halfway.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new(DEFAULT_CAPACITY_BYTES)
    }
}

#[async_trait]
impl AnalysisStore for MemoryStore {
    async fn put(&self, analysis: StoredAnalysis) -> Result<(), StoreError> {
        let mut kept = self.kept();
        if !kept.analyses.contains_key(&analysis.id) {
            kept.make_room(weight(&analysis), self.capacity_bytes)?;
            kept.bytes += weight(&analysis);
        }
        kept.analyses.insert(analysis.id, analysis);
        Ok(())
    }

    async fn get(&self, id: AnalysisId) -> Result<Option<StoredAnalysis>, StoreError> {
        Ok(self.kept().analyses.get(&id).cloned())
    }
}

impl Kept {
    /// Forgets the oldest finished analyses until `bytes` more fit. What is not finished was accepted and is never forgotten.
    fn make_room(&mut self, bytes: usize, capacity_bytes: usize) -> Result<(), StoreError> {
        while self.bytes.saturating_add(bytes) > capacity_bytes {
            let is_finished = |analysis: &&StoredAnalysis| !matches!(analysis.state, AnalysisState::Pending);
            let Some(oldest) = self.analyses.values().find(is_finished) else {
                let waiting = self.analyses.len();
                return Err(StoreError::Unavailable(format!(
                    "{waiting} analyses wait to be done, and no more fit"
                )));
            };
            let (id, weight) = (oldest.id, weight(oldest));
            self.analyses.remove(&id);
            self.bytes -= weight;
        }
        Ok(())
    }
}

/// How much of the capacity an analysis takes.
fn weight(analysis: &StoredAnalysis) -> usize {
    analysis.bytes.max(MIN_WEIGHT_BYTES)
}
