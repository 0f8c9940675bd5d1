//! How leases end: with an outcome, given back, or over.

use super::Schedule;
use redundancy_webhook::breaker::BreakerConfig;
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::delivery::DeliveryState;
use redundancy_webhook::endpoint::{DisabledReason, Endpoint};
use redundancy_webhook::guard::Limits;
use redundancy_webhook::ids::{DeliveryId, EndpointId};
use redundancy_webhook::store::{Lease, Settlement, Transition};
use std::sync::Arc;

/// What becomes of a delivery after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) state: DeliveryState,
    pub(crate) due: Option<Timestamp>,
    /// Whether it disabled its endpoint.
    pub(crate) has_disabled: bool,
}

/// A delivery that was given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GivenBack {
    /// It waits again.
    Waits,
    /// Its endpoint is gone.
    Cancelled,
}

impl Schedule {
    /// Takes an attempt that ended into the counts and the guard, and disables its endpoint if need be; gives what becomes of
    /// the delivery. `None` when the lease is over: nothing was changed. From now on the lease cannot end by itself:
    /// [`Schedule::settled`] ends it when the outcome is written. A delivery that waits again is added apart.
    pub(crate) fn settle(&mut self, settlement: &Settlement) -> Option<Outcome> {
        let Settlement { lease, attempt, transition, breaker, disables, now, .. } = settlement;
        let is_orphan = self.begin_settling(lease, *now)?;
        let (state, due) = match transition {
            Transition::Succeed => (DeliveryState::Succeeded, None),
            Transition::RetryAt(_) | Transition::Exhaust if is_orphan => (DeliveryState::Cancelled, None),
            Transition::RetryAt(at) => (DeliveryState::Pending, Some(*at)),
            Transition::Exhaust => (DeliveryState::Exhausted, None),
        };
        let mut has_disabled = false;
        let counts = self.counts_mut(&lease.endpoint, is_orphan);
        counts.moved(Some(DeliveryState::InFlight), Some(state));
        counts.attempted(attempt.number, attempt.is_success(), attempt.duration);
        if !is_orphan && let Some(lane) = self.lanes.get_mut(&lease.endpoint) {
            let limits = limits(&lane.endpoint, *breaker);
            lane.guard.settle(lease.replica, Some(attempt.into()), &limits, *now);
            if let Some(disables) = disables.as_ref().filter(|disables| disables.is_meant(&lane.endpoint)) {
                lane.endpoint = Arc::new(disabled(&lane.endpoint, disables.reason, *now));
                has_disabled = true;
            }
            self.ask_again(&lease.endpoint);
        }
        Some(Outcome { state, due, has_disabled })
    }

    /// Takes a success whose lease is over into counts and guard, for a delivery that is not finished; `due` when it waits. Who
    /// makes it meanwhile makes it in vain.
    pub(crate) fn settle_late(&mut self, settlement: &Settlement, due: Option<Timestamp>) {
        let Settlement { lease, attempt, breaker, now, .. } = settlement;
        let id = lease.delivery;
        if let Some(due) = due {
            self.remove(&lease.endpoint, due, id);
        }
        self.free_place(id);
        let leased = self.leases.remove(&id);
        if let Some(leased) = &leased {
            self.ends.remove(&(leased.until, id));
        }
        let is_orphan = leased.as_ref().is_some_and(|leased| leased.is_orphan);
        let is_made = leased.is_some_and(|leased| !leased.is_settling || leased.is_in_vain);
        let from = if is_made { DeliveryState::InFlight } else { DeliveryState::Pending };
        let counts = self.counts_mut(&lease.endpoint, is_orphan);
        counts.moved(Some(from), Some(DeliveryState::Succeeded));
        counts.attempted(attempt.number, true, attempt.duration);
        if !is_orphan && let Some(lane) = self.lanes.get_mut(&lease.endpoint) {
            // Its place was freed when its lease was over.
            lane.guard.record(attempt.into(), breaker, *now);
            self.ask_again(&lease.endpoint);
        }
    }

    /// A late success is being written for a delivery that is being made: until that is done, the lease under which it is made can
    /// neither end nor be settled.
    pub(crate) fn make_in_vain(&mut self, id: DeliveryId) {
        if let Some(leased) = self.leases.get_mut(&id).filter(|leased| !leased.is_settling) {
            (leased.is_settling, leased.is_in_vain) = (true, true);
            self.ends.remove(&(leased.until, id));
        }
    }

    /// The late success could not be written.
    pub(crate) fn make_again(&mut self, id: DeliveryId) {
        if let Some(leased) = self.leases.get_mut(&id).filter(|leased| leased.is_in_vain) {
            (leased.is_settling, leased.is_in_vain) = (false, false);
            self.ends.insert((leased.until, id));
        }
    }

    /// The lease under which an outcome came cannot end by itself from now on; says whether its endpoint is gone. `None` when
    /// it is over by `now`.
    pub(super) fn begin_settling(&mut self, lease: &Lease, now: Timestamp) -> Option<bool> {
        let leased = self.leases.get_mut(&lease.delivery)?;
        if leased.lease.token != lease.token || leased.is_settling || leased.until <= now {
            return None;
        }
        leased.is_settling = true;
        self.ends.remove(&(leased.until, lease.delivery));
        Some(leased.is_orphan)
    }

    /// The outcome of the attempt with `token` is written, or is before everything that is written from now on.
    pub(crate) fn settled(&mut self, id: DeliveryId, token: u64) {
        if self.leases.get(&id).is_some_and(|leased| leased.is_settling && leased.lease.token == token) {
            self.leases.remove(&id);
        }
    }

    /// Takes back a delivery that was not attempted; `None` when its lease is over. As with an outcome, the lease is ended and
    /// the delivery is added apart.
    pub(crate) fn give_back(&mut self, lease: &Lease, now: Timestamp) -> Option<GivenBack> {
        let is_orphan = self.begin_settling(lease, now)?;
        let (to, given_back) = if is_orphan {
            (DeliveryState::Cancelled, GivenBack::Cancelled)
        } else {
            self.give_back_place(lease);
            (DeliveryState::Pending, GivenBack::Waits)
        };
        self.counts_mut(&lease.endpoint, is_orphan).moved(Some(DeliveryState::InFlight), Some(to));
        Some(given_back)
    }

    /// Extends leases that are not over.
    pub(crate) fn extend(&mut self, leases: &[Lease], now: Timestamp, until: Timestamp) {
        for lease in leases {
            let Some(known) = self.leases.get_mut(&lease.delivery) else { continue };
            if known.lease.token != lease.token || known.is_settling || known.until <= now {
                continue;
            }
            self.ends.remove(&(known.until, lease.delivery));
            known.until = known.until.max(until);
            self.ends.insert((known.until, lease.delivery));
            if !known.is_orphan
                && let Some(lane) = self.lanes.get_mut(&lease.endpoint)
            {
                lane.guard.extend(lease.replica, until);
            }
        }
    }

    /// Whoever is making a delivery does not count as under way any more.
    pub(super) fn free_place(&mut self, id: DeliveryId) {
        let Some(leased) = self.leases.get(&id).filter(|leased| !leased.is_orphan) else { return };
        if leased.is_settling && !leased.is_in_vain {
            return;
        }
        let (endpoint, replica) = (leased.lease.endpoint.clone(), leased.lease.replica);
        if let Some(lane) = self.lanes.get_mut(&endpoint) {
            lane.guard.end(replica);
            self.ask_again(&endpoint);
        }
    }

    /// The same for one that did not begin: it costs no rate either.
    pub(super) fn give_back_place(&mut self, lease: &Lease) {
        if let Some(lane) = self.lanes.get_mut(&lease.endpoint) {
            lane.guard.give_back(lease.replica, 1);
            self.ask_again(&lease.endpoint);
        }
    }

    /// A lane may have its turn again, since its guard has changed.
    fn ask_again(&mut self, id: &EndpointId) {
        if let Some(lane) = self.lanes.get_mut(id) {
            lane.retry_at = lane.guard.breaker.open_until();
            self.line_up(id);
        }
    }
}

/// An endpoint as it is once the system has made it inactive.
pub(crate) fn disabled(endpoint: &Endpoint, reason: DisabledReason, now: Timestamp) -> Endpoint {
    Endpoint {
        is_active: false,
        disabled_reason: Some(reason),
        updated_at: now,
        revision: endpoint.revision + 1,
        ..endpoint.clone()
    }
}

/// Whether `new` may be written in place of `known`: it is the same endpoint, and nobody changed it in between.
pub(crate) fn is_next(known: &Endpoint, new: &Endpoint) -> bool {
    known.created_at == new.created_at && known.revision + 1 == new.revision
}

fn limits(endpoint: &Endpoint, breaker: BreakerConfig) -> Limits {
    Limits { breaker, rate: endpoint.rate_limit, max_in_flight: endpoint.max_in_flight }
}
