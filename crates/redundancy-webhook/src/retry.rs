//! Whether and when a failed delivery is tried again: a pure decision, made from what happened and the endpoint's policy.
//!
//! Not for whole endpoints that fail: that is the business of [`crate::breaker`].

mod retry_after;

use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

pub use retry_after::retry_after;

/// How long an endpoint may do nothing but fail before it is disabled.
pub const DISABLE_AFTER: Duration = Duration::from_hours(5 * 24);

/// When failed deliveries are tried again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// Attempts in all, the first one included; 1 to 100.
    pub max_attempts: u32,
    /// Between the first failure and the second attempt, in milliseconds.
    pub initial_delay_ms: u64,
    /// What each further delay is multiplied with, at least 1.
    pub multiplier: f64,
    /// No delay is longer, one that the receiver asks for included, in milliseconds.
    pub max_delay_ms: u64,
    /// By which share of itself a delay may be shorter or longer at random, 0 to 1.
    pub jitter: f64,
    /// The delays themselves, in milliseconds, instead of a geometric series; after the last one it repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule_ms: Option<Vec<u64>>,
}

/// What came of an attempt, as far as the decision depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver answered 2xx.
    Success,
    /// It did not, and may say after which time it wants to be asked again.
    Failure {
        /// The status, when there was an answer.
        status: Option<u16>,
        /// What `Retry-After` said.
        retry_after: Option<Duration>,
    },
}

/// What becomes of a delivery after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It is done.
    Done,
    /// It is tried again then.
    RetryAt(Timestamp),
    /// It is given up.
    Exhausted,
    /// It is given up, and its endpoint takes nothing more: the receiver answered 410 Gone.
    DisableEndpoint,
}

impl Default for RetryPolicy {
    /// Eight attempts over about 7.6 hours: 5 s, 20 s, 80 s, 5 min, 21 min, 85 min, 5.7 h, each up to 20 % shorter or longer.
    fn default() -> Self {
        Self {
            max_attempts: 8,
            initial_delay_ms: 5_000,
            multiplier: 4.0,
            max_delay_ms: 36_000_000,
            jitter: 0.2,
            schedule_ms: None,
        }
    }
}

impl RetryPolicy {
    /// The delay after `failures` failures in a row, without jitter.
    #[must_use]
    pub fn delay(&self, failures: u32) -> Duration {
        let past = failures.saturating_sub(1);
        let listed = self.schedule_ms.as_deref().and_then(|schedule| {
            let index = usize::try_from(past).unwrap_or(usize::MAX).min(schedule.len().checked_sub(1)?);
            schedule.get(index).copied()
        });
        let millis = listed.map_or_else(
            || self.initial_delay_ms as f64 * self.multiplier.powi(i32::try_from(past).unwrap_or(i32::MAX)),
            |millis| millis as f64,
        );
        Duration::from_millis(whole(millis.min(self.max_delay_ms as f64)))
    }

    /// What becomes of a delivery whose attempt number `attempts` came out as `outcome`. `jitter` is random, 0 to 1.
    #[must_use]
    pub fn decide(&self, outcome: Outcome, attempts: u32, now: Timestamp, jitter: f64) -> Decision {
        let (status, asked) = match outcome {
            Outcome::Success => return Decision::Done,
            Outcome::Failure { status, retry_after } => (status, retry_after),
        };
        if status == Some(410) {
            return Decision::DisableEndpoint;
        }
        if attempts >= self.max_attempts {
            return Decision::Exhausted;
        }
        let planned = self.jittered(self.delay(attempts), jitter);
        // Only these say that the receiver is there and wants to be asked later (RFC 9110, 10.2.3; RFC 6585, 4).
        let asked = asked.filter(|_| matches!(status, Some(429 | 502 | 503 | 504)));
        let cap = Duration::from_millis(self.max_delay_ms);
        let wait = asked.map_or(planned, |asked| asked.min(cap).max(planned));
        Decision::RetryAt(now.plus(wait))
    }

    fn jittered(&self, delay: Duration, jitter: f64) -> Duration {
        let factor = 1.0 + self.jitter * (2.0 * jitter.clamp(0.0, 1.0) - 1.0);
        Duration::from_millis(whole(delay.as_millis() as f64 * factor))
    }
}

/// The whole number nearest to `millis`, which is not negative.
fn whole(millis: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` ends at the limits of u64"
    )]
    let whole = millis.round() as u64;
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn failed(status: u16, retry_after: Option<u64>) -> Outcome {
        Outcome::Failure { status: Some(status), retry_after: retry_after.map(Duration::from_secs) }
    }

    fn wait(decision: Decision) -> Duration {
        match decision {
            Decision::RetryAt(at) => at.since(NOW),
            other @ (Decision::Done | Decision::Exhausted | Decision::DisableEndpoint) => panic!("{other:?}"),
        }
    }

    #[test]
    fn delays_grow_by_the_multiplier_up_to_the_cap() {
        let policy = RetryPolicy::default();
        let seconds = [5, 20, 80, 320, 1280, 5120, 20480, 36000, 36000];
        for (failures, expected) in (1..).zip(seconds) {
            assert_eq!(policy.delay(failures), Duration::from_secs(expected), "after {failures}");
        }
    }

    #[test]
    fn a_schedule_is_followed_and_its_last_delay_repeats() {
        let policy = RetryPolicy { schedule_ms: Some(vec![10, 20]), ..RetryPolicy::default() };
        let delays = [1, 2, 3].map(|failures| policy.delay(failures).as_millis());
        assert_eq!(delays, [10, 20, 20]);
        let empty = RetryPolicy { schedule_ms: Some(Vec::new()), ..RetryPolicy::default() };
        assert_eq!(empty.delay(1), Duration::from_secs(5));
    }

    #[test]
    fn jitter_moves_a_delay_by_at_most_its_share() {
        let policy = RetryPolicy::default();
        let at = |jitter| wait(policy.decide(failed(500, None), 1, NOW, jitter)).as_millis();
        assert_eq!([at(0.0), at(0.5), at(1.0)], [4000, 5000, 6000]);
    }

    #[test]
    fn retry_after_counts_where_it_means_something_and_is_capped() {
        let policy = RetryPolicy { max_delay_ms: 60_000, ..RetryPolicy::default() };
        for status in [429, 502, 503, 504] {
            let asked = wait(policy.decide(failed(status, Some(30)), 1, NOW, 0.5));
            assert_eq!(asked, Duration::from_secs(30), "{status}");
        }
        assert_eq!(wait(policy.decide(failed(500, Some(30)), 1, NOW, 0.5)), Duration::from_secs(5));
        assert_eq!(wait(policy.decide(failed(503, Some(3600)), 1, NOW, 0.5)), Duration::from_mins(1));
        // An answer that asks for less patience than planned does not shorten the wait.
        assert_eq!(wait(policy.decide(failed(503, Some(0)), 1, NOW, 0.5)), Duration::from_secs(5));
    }

    #[test]
    fn the_last_attempt_exhausts_and_gone_disables() {
        let policy = RetryPolicy { max_attempts: 3, ..RetryPolicy::default() };
        assert_eq!(policy.decide(failed(500, None), 3, NOW, 0.5), Decision::Exhausted);
        assert_eq!(policy.decide(failed(410, None), 1, NOW, 0.5), Decision::DisableEndpoint);
        assert_eq!(policy.decide(Outcome::Success, 3, NOW, 0.5), Decision::Done);
    }

    proptest! {
        #[test]
        fn a_retry_lies_ahead_and_within_the_cap_and_its_jitter(
            attempts in 1u32..200, initial in 0u64..100_000, multiplier in 1.0f64..1e9, cap in 0u64..1_000_000,
            jitter_share in 0.0f64..=1.0, jitter in 0.0f64..=1.0, asked in prop::option::of(0u64..u64::MAX / 2000),
        ) {
            let policy = RetryPolicy {
                max_attempts: 1000, initial_delay_ms: initial, multiplier, max_delay_ms: cap, jitter: jitter_share,
                schedule_ms: None,
            };
            let waited = wait(policy.decide(failed(503, asked), attempts, NOW, jitter)).as_millis() as f64;
            prop_assert!(waited <= cap as f64 * (1.0 + jitter_share) + 1.0);
        }
    }
}
