//! Counts since the start of the program. Each request is counted once, as completed or as failed, whether or not its caller
//! stayed to hear of it.

use crate::cpu_pool::PoolStats;
use crate::requests::Operation;
use redundancy_webhook::clock::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What one kind of analysis has done since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperationStats {
    /// Which kind.
    pub operation: Operation,
    /// Analyses that were done to the end, also those whose caller gave up meanwhile.
    pub completed: u64,
    /// Analyses that were not: refused by the pool or the store, given up before they began, of too long a text, or ended by
    /// a defect.
    pub failed: u64,
    /// Bytes of text in the completed ones.
    pub bytes: u64,
    /// Time that cores were busy with the completed ones.
    pub busy: Duration,
}

/// What the engine has done since the start, and what it is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// When the engine was built.
    pub started_at: Timestamp,
    /// How long ago that was.
    pub uptime: Duration,
    /// Counts for each kind of analysis.
    pub operations: Vec<OperationStats>,
    /// How full the pool is.
    pub pool: PoolStats,
}

/// Counters that many threads add to.
#[derive(Debug, Default)]
pub(crate) struct Counters([OperationCounters; Operation::ALL.len()]);

#[derive(Debug, Default)]
struct OperationCounters {
    completed: AtomicU64,
    failed: AtomicU64,
    bytes: AtomicU64,
    busy_nanos: AtomicU64,
}

/// One request on its way. Unless it is completed it counts as failed when dropped, so that neither a panic nor a caller who
/// gives up is missed.
#[derive(Debug)]
pub(crate) struct Counted {
    counters: Arc<Counters>,
    operation: Operation,
    is_completed: bool,
}

impl Counted {
    /// Counts the request as completed: about `bytes` of text, for `busy` on a core.
    pub(crate) fn completed(mut self, bytes: usize, busy: Duration) {
        self.is_completed = true;
        let counters = self.counters.of(self.operation);
        counters.completed.fetch_add(1, Ordering::Relaxed);
        counters.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        // 2^64 nanoseconds are 584 years.
        counters.busy_nanos.fetch_add(u64::try_from(busy.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if !self.is_completed {
            self.counters.of(self.operation).failed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Counters {
    /// Takes notice of a request.
    pub(crate) fn begin(self: &Arc<Self>, operation: Operation) -> Counted {
        Counted { counters: Arc::clone(self), operation, is_completed: false }
    }

    pub(crate) fn snapshot(&self) -> Vec<OperationStats> {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Operation::ALL
            .into_iter()
            .map(|operation| {
                let counters = self.of(operation);
                OperationStats {
                    operation,
                    completed: read(&counters.completed),
                    failed: read(&counters.failed),
                    bytes: read(&counters.bytes),
                    busy: Duration::from_nanos(read(&counters.busy_nanos)),
                }
            })
            .collect()
    }

    fn of(&self, operation: Operation) -> &OperationCounters {
        let [analyze, similarity, quality] = &self.0;
        match operation {
            Operation::Analyze => analyze,
            Operation::Similarity => similarity,
            Operation::Quality => quality,
        }
    }
}
