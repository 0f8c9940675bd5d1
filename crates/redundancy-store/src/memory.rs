//! A store in the memory of the process: for tests, and for running without any set-up. It forgets everything when the
//! process ends, and the oldest finished analyses when it is full.

use async_trait::async_trait;
use redundancy_engine::{AnalysisId, AnalysisState, AnalysisStore, StoreError, StoreKind, StoredAnalysis};
use std::collections::{BTreeSet, HashMap};
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
    analyses: HashMap<AnalysisId, StoredAnalysis>,
    /// Those of them that may be forgotten. Ids sort by time, so the first is the oldest.
    finished: BTreeSet<AnalysisId>,
    /// The sum of all weights, never above the capacity.
    bytes: usize,
    /// The sum of the weights of those that are not finished.
    pending_bytes: usize,
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
        self.kept().put(analysis, self.capacity_bytes)
    }

    fn kind(&self) -> StoreKind {
        StoreKind { name: "memory", is_durable: false }
    }

    async fn get(&self, id: AnalysisId) -> Result<Option<StoredAnalysis>, StoreError> {
        Ok(self.kept().analyses.get(&id).cloned())
    }
}

impl Kept {
    /// Keeps `analysis` in place of what is known under its id, and forgets the oldest finished ones until it fits. What is
    /// not finished was accepted and is never forgotten. When it cannot fit nothing changes. Logarithmic for each one forgotten.
    fn put(&mut self, analysis: StoredAnalysis, capacity_bytes: usize) -> Result<(), StoreError> {
        let weight = weight(&analysis);
        let room = capacity_bytes - self.pending_bytes_beside(analysis.id);
        if weight > room {
            let reason = if weight > capacity_bytes {
                format!("the analysis counts for {weight} bytes, and the store takes {capacity_bytes} in all")
            } else {
                let waiting = self.analyses.len() - self.finished.len();
                format!(
                    "the analysis counts for {weight} bytes, and the {waiting} that wait to be done leave {room}"
                )
            };
            return Err(StoreError::Unavailable(reason));
        }
        self.forget(analysis.id);
        while self.bytes > capacity_bytes - weight
            && let Some(&oldest) = self.finished.first()
        {
            self.forget(oldest);
        }
        self.bytes += weight;
        if is_pending(&analysis) {
            self.pending_bytes += weight;
        } else {
            self.finished.insert(analysis.id);
        }
        self.analyses.insert(analysis.id, analysis);
        Ok(())
    }

    /// What unfinished analyses take, apart from the one under `id`.
    fn pending_bytes_beside(&self, id: AnalysisId) -> usize {
        let own = self.analyses.get(&id).filter(|known| is_pending(known)).map_or(0, weight);
        self.pending_bytes - own
    }

    fn forget(&mut self, id: AnalysisId) {
        let was_finished = self.finished.remove(&id);
        let Some(forgotten) = self.analyses.remove(&id) else { return };
        let weight = weight(&forgotten);
        self.bytes -= weight;
        if !was_finished {
            self.pending_bytes -= weight;
        }
    }
}

fn is_pending(analysis: &StoredAnalysis) -> bool {
    matches!(analysis.state, AnalysisState::Pending)
}

/// How much of the capacity an analysis takes.
fn weight(analysis: &StoredAnalysis) -> usize {
    analysis.bytes.max(MIN_WEIGHT_BYTES)
}
