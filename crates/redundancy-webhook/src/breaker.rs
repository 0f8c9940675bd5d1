//! The circuit breaker of an endpoint: after failures in a row it lets the receiver rest, then tries a few deliveries before
//! it goes on. Pure: the caller brings the time.
//!
//! The states are those of Nygard, "Release It!" (2nd edition, 2018), chapter 5.

use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// When a breaker opens and closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerConfig {
    /// Failures in a row that open it, at least 1.
    pub failure_threshold: u32,
    /// How long it stays open before deliveries are tried.
    pub open_for: Duration,
    /// Successes in a row that close it, and how many deliveries are tried at the same time until then, at least 1.
    pub probes: u32,
}

/// Whether an endpoint gets deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum BreakerState {
    /// It does.
    Closed,
    /// It does not, until then.
    Open {
        /// When deliveries are tried.
        until: Timestamp,
    },
    /// A few are tried.
    HalfOpen {
        /// How many of them succeeded so far.
        successes: u32,
    },
}

/// The breaker of one endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    /// Whether deliveries go out.
    #[serde(flatten)]
    pub state: BreakerState,
    /// Since when it is in this state.
    pub since: Timestamp,
    /// Failures in a row.
    pub failures: u32,
    /// When it last opened. What began before says nothing of how the receiver is since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<Timestamp>,
}

impl Default for BreakerConfig {
    /// Opens after 5 failures in a row, tries again after 60 s, closes after 2 successes.
    fn default() -> Self {
        Self { failure_threshold: 5, open_for: Duration::from_mins(1), probes: 2 }
    }
}

impl Breaker {
    /// A closed breaker.
    #[must_use]
    pub const fn new(now: Timestamp) -> Self {
        Self { state: BreakerState::Closed, since: now, failures: 0, opened_at: None }
    }

    /// As it is at `now`: half-open when it has been open for long enough, whether or not there was anything to try since.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        match self.state {
            BreakerState::Open { until } if until <= now => {
                Self { state: BreakerState::HalfOpen { successes: 0 }, since: until, ..self }
            }
            BreakerState::Closed | BreakerState::Open { .. } | BreakerState::HalfOpen { .. } => self,
        }
    }

    /// How many deliveries may be under way at the same time: `None` for any number. Half-opens when it is time.
    pub fn admit(&mut self, config: &BreakerConfig, now: Timestamp) -> Option<u32> {
        *self = self.at(now);
        match self.state {
            BreakerState::Closed => None,
            BreakerState::Open { .. } => Some(0),
            BreakerState::HalfOpen { .. } => Some(config.probes.max(1)),
        }
    }

    /// When deliveries are tried again, while there are none.
    #[must_use]
    pub const fn open_until(&self) -> Option<Timestamp> {
        match self.state {
            BreakerState::Open { until } => Some(until),
            BreakerState::Closed | BreakerState::HalfOpen { .. } => None,
        }
    }

    /// Takes notice of an attempt that ended at `now`. One that began before the breaker last opened changes nothing: it is no
    /// try of an endpoint that has rested, whenever it ends.
    pub fn record(&mut self, is_success: bool, began_at: Timestamp, config: &BreakerConfig, now: Timestamp) {
        if self.opened_at.is_some_and(|opened_at| began_at < opened_at) {
            return;
        }
        if is_success {
            self.failures = 0;
        } else {
            self.failures = self.failures.saturating_add(1);
        }
        let open = BreakerState::Open { until: now.plus(config.open_for) };
        match (self.state, is_success) {
            (BreakerState::Closed, false) if self.failures >= config.failure_threshold.max(1) => {
                self.open(open, now);
            }
            (BreakerState::HalfOpen { .. }, false) => self.open(open, now),
            (BreakerState::HalfOpen { successes }, true) => {
                if successes + 1 >= config.probes.max(1) {
                    self.enter(BreakerState::Closed, now);
                } else {
                    self.state = BreakerState::HalfOpen { successes: successes + 1 };
                }
            }
            // What began in the moment in which it opened changes nothing either.
            (BreakerState::Closed | BreakerState::Open { .. }, _) => {}
        }
    }

    fn open(&mut self, open: BreakerState, now: Timestamp) {
        self.enter(open, now);
        self.opened_at = Some(now);
    }

    fn enter(&mut self, state: BreakerState, now: Timestamp) {
        (self.state, self.since) = (state, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: BreakerConfig =
        BreakerConfig { failure_threshold: 3, open_for: Duration::from_mins(1), probes: 2 };

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn opened() -> Breaker {
        let mut breaker = Breaker::new(at(0));
        for _ in 0..3 {
            breaker.record(false, at(1), &CONFIG, at(1));
        }
        breaker
    }

    #[test]
    fn it_opens_after_failures_in_a_row_only() {
        let mut breaker = Breaker::new(at(0));
        for is_success in [false, false, true, false, false] {
            breaker.record(is_success, at(1), &CONFIG, at(1));
            assert_eq!(breaker.admit(&CONFIG, at(1)), None);
        }
        breaker.record(false, at(2), &CONFIG, at(2));
        assert_eq!(breaker.admit(&CONFIG, at(2)), Some(0));
        assert_eq!((breaker.open_until(), breaker.failures), (Some(at(62)), 3));
    }

    #[test]
    fn after_its_time_it_tries_a_few_and_closes_when_they_succeed() {
        let mut breaker = opened();
        assert_eq!(breaker.admit(&CONFIG, at(60)), Some(0));
        assert_eq!(breaker.admit(&CONFIG, at(61)), Some(2));
        breaker.record(true, at(61), &CONFIG, at(62));
        assert_eq!(breaker.admit(&CONFIG, at(62)), Some(2));
        breaker.record(true, at(61), &CONFIG, at(63));
        assert_eq!((breaker.admit(&CONFIG, at(63)), breaker.failures), (None, 0));
    }

    #[test]
    fn a_failed_try_opens_it_for_another_time() {
        let mut breaker = opened();
        assert_eq!(breaker.admit(&CONFIG, at(61)), Some(2));
        breaker.record(true, at(61), &CONFIG, at(62));
        breaker.record(false, at(61), &CONFIG, at(62));
        assert_eq!(breaker.open_until(), Some(at(122)));
    }

    #[test]
    fn what_was_under_way_when_it_opened_does_not_prolong_the_rest() {
        let mut breaker = opened();
        breaker.record(false, at(0), &CONFIG, at(30));
        breaker.record(true, at(0), &CONFIG, at(30));
        assert_eq!((breaker.open_until(), breaker.failures), (Some(at(61)), 3));
    }

    #[test]
    fn it_is_half_open_when_it_has_rested_though_nothing_is_tried() {
        let breaker = opened();
        let half_open = BreakerState::HalfOpen { successes: 0 };
        assert_eq!((breaker.at(at(60)), breaker.at(at(61)).state), (breaker, half_open));
        assert_eq!((breaker.at(at(3600)).since, breaker.at(at(3600)).failures), (at(61), breaker.failures));
    }

    #[test]
    fn what_began_before_it_opened_is_no_probe() {
        let mut breaker = opened();
        assert_eq!(breaker.admit(&CONFIG, at(61)), Some(2));
        breaker.record(false, at(0), &CONFIG, at(62));
        breaker.record(true, at(0), &CONFIG, at(62));
        assert_eq!(breaker.state, BreakerState::HalfOpen { successes: 0 });
        for _ in 0..2 {
            breaker.record(true, at(61), &CONFIG, at(63));
        }
        assert_eq!(breaker.state, BreakerState::Closed);
        // Nor does it open a breaker that has closed meanwhile.
        for _ in 0..3 {
            breaker.record(false, at(0), &CONFIG, at(64));
        }
        assert_eq!((breaker.state, breaker.failures), (BreakerState::Closed, 0));
    }
}
