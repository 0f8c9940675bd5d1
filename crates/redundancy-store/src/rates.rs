//! How often callers ask, counted in memory: for one process, and for what goes on while Redis is away.

use async_trait::async_trait;
use redundancy_engine::access::{Decision, Quota, RateLimiter};
use redundancy_engine::{Clock, StoreError};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Callers that are remembered before those are forgotten whose quota is whole again.
const MANY: usize = 10_000;
/// Callers that are remembered at most. More than these at the same time share what is counted of the last.
const MOST: usize = 200_000;
/// By what name those are counted that there is no room for.
const REST: &str = "";

/// Counts the requests of callers in memory.
pub struct LocalRates {
    clock: Arc<dyn Clock>,
    callers: Mutex<Callers>,
}

struct Callers {
    /// For each caller what [`Quota::decide`] gave.
    arrivals: HashMap<Box<str>, u128>,
    /// So many of them there are before it is worth to look for those that can go.
    sweep_at: usize,
}

impl LocalRates {
    /// Nobody has asked yet.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, callers: Mutex::new(Callers { arrivals: HashMap::new(), sweep_at: MANY }) }
    }

    /// What [`RateLimiter::take`] says, without a store to wait for.
    pub fn take_now(&self, caller: &str, quota: Quota, cost: u64) -> Decision {
        // One later than zero, which stands for never.
        let now = self.clock.monotonic().as_nanos() + 1;
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        callers.sweep(now);
        let is_full = callers.arrivals.len() >= MOST && !callers.arrivals.contains_key(caller);
        let caller = if is_full { REST } else { caller };
        if let Some(arrival) = callers.arrivals.get_mut(caller) {
            let (decision, kept) = quota.decide(*arrival, now, cost);
            *arrival = kept;
            return decision;
        }
        let (decision, kept) = quota.decide(0, now, cost);
        callers.arrivals.insert(caller.into(), kept);
        decision
    }
}

impl Callers {
    /// Forgets those whose quota is whole again, if there are many.
    fn sweep(&mut self, now: u128) {
        if self.arrivals.len() < self.sweep_at {
            return;
        }
        self.arrivals.retain(|_, arrival| *arrival > now);
        self.sweep_at = (self.arrivals.len() * 2).clamp(MANY, MOST);
    }
}

#[async_trait]
impl RateLimiter for LocalRates {
    async fn take(&self, caller: &str, quota: Quota, cost: u64) -> Result<Decision, StoreError> {
        Ok(self.take_now(caller, quota, cost))
    }
}

impl fmt::Debug for LocalRates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalRates").finish_non_exhaustive()
    }
}
