//! What protects one endpoint from too many deliveries, and the others from it: its breaker, its rate limit and the number of
//! its deliveries under way. Shared by all replicas through the store, and pure: the store reads a guard, calls a method,
//! and writes it back in one step.

use crate::breaker::{Breaker, BreakerConfig};
use crate::clock::Timestamp;
use crate::delivery::Attempt;
use crate::rate_window::{RateLimit, RateWindow};
use serde::{Deserialize, Serialize};

/// The number of a process that delivers, random, so that no two have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReplicaId(pub u64);

/// What an endpoint may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// When its breaker opens and closes.
    pub breaker: BreakerConfig,
    /// How many deliveries in which time.
    pub rate: Option<RateLimit>,
    /// Deliveries under way at the same time, over all replicas.
    pub max_in_flight: u32,
}

/// The state of an endpoint's protection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    /// Whether it gets deliveries.
    pub breaker: Breaker,
    /// What it was sent of late.
    #[serde(default)]
    pub window: RateWindow,
    /// Which replica has how many of its deliveries under way.
    #[serde(default)]
    holders: Vec<Holder>,
    /// Since when it has done nothing but fail.
    #[serde(default)]
    pub failing_since: Option<Timestamp>,
}

/// Deliveries that one replica has under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Holder {
    replica: ReplicaId,
    in_flight: u32,
    /// When they no longer count, unless the replica says before that it is still there.
    until: Timestamp,
}

/// How an attempt ended, as far as guards have to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttemptEnd {
    /// Whether the receiver took the event.
    pub is_success: bool,
    /// When the attempt began.
    pub began_at: Timestamp,
}

/// How many deliveries may go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    /// So many, no more than wanted.
    pub granted: u32,
    /// When it makes sense to ask again, if that was not all and the time is known. An earlier end of a delivery under way is
    /// a reason too.
    pub retry_at: Option<Timestamp>,
}

impl From<&Attempt> for AttemptEnd {
    fn from(attempt: &Attempt) -> Self {
        Self { is_success: attempt.is_success(), began_at: attempt.started_at }
    }
}

impl Guard {
    /// The guard of an endpoint that was never sent anything.
    #[must_use]
    pub const fn new(now: Timestamp) -> Self {
        Self {
            breaker: Breaker::new(now),
            window: RateWindow::EMPTY,
            holders: Vec::new(),
            failing_since: None,
        }
    }

    /// Deliveries under way at `now`, over all replicas.
    #[must_use]
    pub fn in_flight(&self, now: Timestamp) -> u32 {
        let live = self.holders.iter().filter(|holder| holder.until > now);
        live.map(|holder| holder.in_flight).fold(0, u32::saturating_add)
    }

    /// Lets `replica` begin up to `wanted` deliveries; they count as under way until `until` if nobody says more of them.
    pub fn admit(
        &mut self,
        replica: ReplicaId,
        limits: &Limits,
        wanted: u32,
        now: Timestamp,
        until: Timestamp,
    ) -> Admission {
        self.holders.retain(|holder| holder.until > now && holder.in_flight > 0);
        let most = self.breaker.admit(&limits.breaker, now).unwrap_or(u32::MAX).min(limits.max_in_flight);
        let room = most.saturating_sub(self.in_flight(now)).min(wanted);
        let (granted, free_at) = match limits.rate {
            Some(rate) => self.window.admit(rate, room, now),
            None => (room, None),
        };
        if granted > 0 {
            self.hold(replica, granted, until);
        }
        let retry_at = if granted == wanted {
            None
        } else {
            let lost = self.holders.iter().map(|holder| holder.until).min();
            self.breaker.open_until().or(free_at).or(lost)
        };
        Admission { granted, retry_at }
    }

    /// Takes back `unused` deliveries of `replica` that were let through and did not begin.
    pub fn give_back(&mut self, replica: ReplicaId, unused: u32) {
        self.window.give_back(unused);
        self.let_go(replica, unused);
    }

    /// Takes notice that a delivery of `replica` ended, and how; `None` when it ended without an attempt.
    pub fn settle(&mut self, replica: ReplicaId, end: Option<AttemptEnd>, limits: &Limits, now: Timestamp) {
        self.let_go(replica, 1);
        if let Some(end) = end {
            self.record(end, &limits.breaker, now);
        }
    }

    /// Takes notice of how an attempt ended whose place is free already.
    pub fn record(&mut self, end: AttemptEnd, breaker: &BreakerConfig, now: Timestamp) {
        self.breaker.record(end.is_success, end.began_at, breaker, now);
        self.failing_since = if end.is_success { None } else { self.failing_since.or(Some(now)) };
    }

    /// Takes notice that a delivery of `replica` is under way no more, whatever came of it.
    pub fn end(&mut self, replica: ReplicaId) {
        self.let_go(replica, 1);
    }

    /// `replica` is still there: what it has under way counts until `until`.
    pub fn extend(&mut self, replica: ReplicaId, until: Timestamp) {
        if let Some(holder) = self.holders.iter_mut().find(|holder| holder.replica == replica) {
            holder.until = holder.until.max(until);
        }
    }

    /// Forgets failures, as after an endpoint was mended and enabled again. What is under way still counts.
    pub fn reset(&mut self, now: Timestamp) {
        self.breaker = Breaker::new(now);
        self.failing_since = None;
    }

    /// Forgets what was under way: in a store whose only process has ended.
    pub fn forget_in_flight(&mut self) {
        self.holders.clear();
    }

    fn hold(&mut self, replica: ReplicaId, more: u32, until: Timestamp) {
        match self.holders.iter_mut().find(|holder| holder.replica == replica) {
            Some(holder) => {
                holder.in_flight = holder.in_flight.saturating_add(more);
                holder.until = holder.until.max(until);
            }
            None => self.holders.push(Holder { replica, in_flight: more, until }),
        }
    }

    fn let_go(&mut self, replica: ReplicaId, ended: u32) {
        if let Some(holder) = self.holders.iter_mut().find(|holder| holder.replica == replica) {
            holder.in_flight = holder.in_flight.saturating_sub(ended);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const ONE: ReplicaId = ReplicaId(1);
    const TWO: ReplicaId = ReplicaId(2);

    fn limits(max_in_flight: u32) -> Limits {
        Limits { breaker: BreakerConfig::default(), rate: None, max_in_flight }
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn ended(is_success: bool, began_at: Timestamp) -> AttemptEnd {
        AttemptEnd { is_success, began_at }
    }

    #[test]
    fn replicas_share_the_cap_and_a_lost_one_gives_its_part_back() {
        let mut guard = Guard::new(at(0));
        assert_eq!(guard.admit(ONE, &limits(3), 2, at(0), at(6)).granted, 2);
        assert_eq!(
            guard.admit(TWO, &limits(3), 2, at(1), at(7)),
            Admission { granted: 1, retry_at: Some(at(6)) }
        );
        guard.settle(TWO, Some(ended(true, at(1))), &limits(3), at(2));
        assert_eq!(guard.admit(TWO, &limits(3), 5, at(2), at(8)).granted, 1);
        guard.extend(TWO, at(20));
        // The first one was not heard of again.
        assert_eq!(guard.admit(TWO, &limits(3), 5, at(6), at(20)).granted, 2);
        assert_eq!(guard.in_flight(at(6)), 3);
    }

    #[test]
    fn a_half_open_breaker_lets_only_its_probes_out() {
        let mut guard = Guard::new(at(0));
        let limits = limits(10);
        guard.admit(ONE, &limits, 5, at(0), at(6));
        for _ in 0..5 {
            guard.settle(ONE, Some(ended(false, at(0))), &limits, at(1));
        }
        assert_eq!(
            guard.admit(ONE, &limits, 5, at(2), at(8)),
            Admission { granted: 0, retry_at: Some(at(61)) }
        );
        assert_eq!(guard.admit(ONE, &limits, 5, at(61), at(70)).granted, 2);
        assert_eq!(guard.admit(TWO, &limits, 5, at(61), at(70)).granted, 0);
        assert_eq!(guard.failing_since, Some(at(1)));
        guard.settle(ONE, Some(ended(true, at(61))), &limits, at(62));
        assert_eq!(guard.failing_since, None);
    }

    #[test]
    fn what_did_not_begin_costs_neither_rate_nor_place() {
        let rate = Some(RateLimit { requests: 2, per_seconds: 60 });
        let limits = Limits { rate, ..limits(2) };
        let mut guard = Guard::new(at(0));
        assert_eq!(guard.admit(ONE, &limits, 2, at(0), at(6)).granted, 2);
        guard.give_back(ONE, 2);
        assert_eq!(guard.admit(ONE, &limits, 2, at(0), at(6)).granted, 2);
        let denied = guard.admit(ONE, &limits, 1, at(1), at(7));
        assert!(denied.granted == 0 && denied.retry_at.is_some());
    }

    #[test]
    fn a_guard_reads_back_from_its_record() {
        let mut guard = Guard::new(at(0));
        guard.admit(ONE, &limits(3), 2, at(0), at(6));
        guard.settle(ONE, Some(ended(false, at(0))), &limits(3), at(1));
        guard.breaker.state =
            crate::breaker::BreakerState::Open { until: at(0).plus(Duration::from_secs(9)) };
        let record = serde_json::to_string(&guard).unwrap();
        assert_eq!(serde_json::from_str::<Guard>(&record).unwrap(), guard, "{record}");
    }
}
