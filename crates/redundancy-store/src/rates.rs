//! How often callers ask, counted in memory: for one process, and for what goes on while Redis is away.

use async_trait::async_trait;
use redundancy_engine::access::{Decision, Quota, RateLimiter};
use redundancy_engine::{Clock, StoreError};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Callers that are remembered before those are forgotten whose quota is whole again.
const MANY: usize = 10_000;
/// Callers that are remembered at most. More than these at the same time share one quota of each kind.
const MOST: usize = 200_000;

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
        let rest = is_full.then(|| name_of_rest(quota));
        let caller = rest.as_deref().unwrap_or(caller);
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

/// By what name those are counted that there is no room for: one for each quota, because what one gave says nothing under another. No
/// caller has such a name.
fn name_of_rest(quota: Quota) -> String {
    format!("{} in {:?}", quota.requests, quota.window)
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

#[cfg(test)]
mod tests {
    use super::*;
    use redundancy_engine::Timestamp;
    use std::time::Duration;

    struct Stopped;

    impl Clock for Stopped {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(0)
        }

        fn monotonic(&self) -> Duration {
            Duration::ZERO
        }
    }

    #[test]
    fn callers_that_there_is_no_room_for_share_one_quota_of_each_kind() {
        let rates = LocalRates::new(Arc::new(Stopped));
        let daily = Quota { requests: 100, window: Duration::from_hours(24) };
        let once = Quota { requests: 1, window: Duration::from_mins(1) };
        for caller in 0..MOST {
            rates.take_now(&caller.to_string(), daily, 1);
        }
        // Whoever is refused is told of it, which is counted too.
        let allowed = (0..500).filter(|late| {
            let is_allowed = rates.take_now(&format!("late {late}"), daily, 1).is_allowed;
            rates.take_now(&format!("told:late {late}"), once, 1);
            is_allowed
        });
        assert_eq!(allowed.count(), 100);
    }
}
