//! Analyses in memory: a bounded number, the oldest finished ones go first.

use redundancy_engine::{AnalysisId, AnalysisState, StoreError, StoredAnalysis};
use std::collections::{BTreeSet, HashMap};

/// What an analysis of the shortest text counts for: more than the room that its record takes.
const MIN_WEIGHT_BYTES: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct Kept {
    analyses: HashMap<AnalysisId, StoredAnalysis>,
    /// Those of them that may be forgotten. Ids sort by time, so the first is the oldest.
    finished: BTreeSet<AnalysisId>,
    /// The sum of all weights, never above the capacity.
    bytes: usize,
    /// The sum of the weights of those that are not finished.
    pending_bytes: usize,
}

impl Kept {
    /// Keeps `analysis` in place of what is known under its id, and forgets the oldest finished ones until it fits. What is
    /// not finished was accepted and is never forgotten. When it cannot fit nothing changes. Logarithmic for each one forgotten.
    pub(super) fn put(&mut self, analysis: StoredAnalysis, capacity_bytes: usize) -> Result<(), StoreError> {
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
            return Err(StoreError::Full(reason));
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

    pub(super) fn get(&self, id: AnalysisId) -> Option<StoredAnalysis> {
        self.analyses.get(&id).cloned()
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
