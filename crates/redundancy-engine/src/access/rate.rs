//! How often somebody may ask: the generic cell rate algorithm (GCRA, ITU-T I.371, annex A, the "virtual scheduling" form). One number for
//! each caller, the theoretical arrival time of the next request if all came evenly, says all there is to know.

use redundancy_webhook::store::StoreError;
use std::time::Duration;

/// How much is allowed: `requests` in each `window`, in a burst or evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Requests in a window, at least 1.
    pub requests: u64,
    /// How long a window is, more than zero.
    pub window: Duration,
}

/// Whether a request may go on, and how much is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// Whether it may.
    pub is_allowed: bool,
    /// Requests of cost 1 that would be allowed right after it.
    pub remaining: u64,
    /// Until all of the quota is there again.
    pub reset_after: Duration,
    /// Until this request would be allowed; zero if it is.
    pub retry_after: Duration,
}

impl Quota {
    /// How long one request uses up, in nanoseconds.
    fn interval(self) -> u128 {
        (self.window.as_nanos() / u128::from(self.requests.max(1))).max(1)
    }

    /// Decides about a request that counts as `cost` of them, at most as many as the quota has, and comes at `now`. `arrival` is what the
    /// last decision about this caller gave, zero if there is none. Gives the decision and what to remember. Both are times in
    /// nanoseconds on a clock of whoever asks.
    #[must_use]
    pub fn decide(self, arrival: u128, now: u128, cost: u64) -> (Decision, u128) {
        let interval = self.interval();
        let whole = interval * u128::from(self.requests.max(1));
        // A clock that was set back must not shut a caller out for longer than a window.
        let arrival = arrival.clamp(now, now + whole);
        let next = arrival + interval * u128::from(cost.min(self.requests.max(1)));
        let is_allowed = next <= now + whole;
        let kept = if is_allowed { next } else { arrival };
        let used = kept - now;
        let remaining = u64::try_from((whole - used) / interval).unwrap_or(u64::MAX);
        let retry_after = next.saturating_sub(now + whole);
        let decision = Decision {
            is_allowed,
            remaining,
            reset_after: nanoseconds(used),
            retry_after: if is_allowed { Duration::ZERO } else { nanoseconds(retry_after) },
        };
        (decision, kept)
    }
}

/// Counts requests of callers, for all processes that share a store together.
#[async_trait::async_trait]
pub trait RateLimiter: Send + Sync {
    /// Takes `cost` out of what is left of `caller`'s quota, or nothing if that is not enough.
    async fn take(&self, caller: &str, quota: Quota, cost: u64) -> Result<Decision, StoreError>;
}

fn nanoseconds(count: u128) -> Duration {
    Duration::from_nanos(u64::try_from(count).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: u128 = 1_000_000_000;

    fn quota(requests: u64, seconds: u64) -> Quota {
        Quota { requests, window: Duration::from_secs(seconds) }
    }

    #[test]
    fn a_burst_uses_up_the_quota_and_it_comes_back_evenly() {
        let quota = quota(3, 60);
        let (mut arrival, now) = (0, 100 * SECOND);
        for left in [2, 1, 0] {
            let (decision, kept) = quota.decide(arrival, now, 1);
            assert_eq!((decision.is_allowed, decision.remaining), (true, left));
            arrival = kept;
        }
        let (refused, kept) = quota.decide(arrival, now, 1);
        assert_eq!((refused.is_allowed, refused.remaining, kept), (false, 0, arrival));
        assert_eq!(
            (refused.retry_after, refused.reset_after),
            (Duration::from_secs(20), Duration::from_mins(1))
        );
        let (again, _) = quota.decide(arrival, now + 20 * SECOND, 1);
        assert_eq!((again.is_allowed, again.remaining), (true, 0));
    }

    #[test]
    fn a_heavy_request_costs_more_and_one_that_is_heavier_than_all_is_still_possible() {
        let quota = quota(10, 10);
        let (decision, arrival) = quota.decide(0, SECOND, 4);
        assert_eq!((decision.is_allowed, decision.remaining), (true, 6));
        assert!(!quota.decide(arrival, SECOND, 7).0.is_allowed);
        assert!(quota.decide(0, SECOND, 100).0.is_allowed);
    }

    #[test]
    fn a_clock_that_was_set_back_shuts_nobody_out_for_longer_than_a_window() {
        let quota = quota(2, 10);
        let (_, arrival) = quota.decide(0, 1000 * SECOND, 2);
        let (decision, _) = quota.decide(arrival, SECOND, 1);
        assert!(decision.retry_after <= Duration::from_secs(10));
    }

    proptest! {
        #[test]
        fn in_no_window_more_is_let_through_than_twice_the_quota(
            requests in 1u64..20,
            pauses in prop::collection::vec(0u64..3_000, 1..200),
        ) {
            let quota = quota(requests, 10);
            let (mut arrival, mut now, mut allowed) = (0, 1_000 * SECOND, Vec::new());
            for pause in pauses {
                now += u128::from(pause) * 1_000_000;
                let (decision, kept) = quota.decide(arrival, now, 1);
                arrival = kept;
                if decision.is_allowed {
                    allowed.push(now);
                }
            }
            // A burst at the beginning of a window, and what comes back during it.
            let within = |from: u128| allowed.iter().filter(|at| **at >= from && **at < from + 10 * SECOND).count();
            prop_assert!(allowed.iter().all(|from| within(*from) as u64 <= 2 * requests));
        }
    }
}
