//! Whose turn it is, and what it gets.

use super::{Leased, Schedule};
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::delivery::DeliveryState;
use redundancy_webhook::endpoint::Endpoint;
use redundancy_webhook::guard::Limits;
use redundancy_webhook::ids::{DeliveryId, EndpointId};
use redundancy_webhook::store::{Claim, Lease, Room};
use std::sync::Arc;

/// A delivery that was handed out.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    pub(crate) lease: Lease,
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) failing_since: Option<Timestamp>,
}

/// What a claim gave.
#[derive(Debug, Default)]
pub(crate) struct Taking {
    pub(crate) taken: Vec<Taken>,
    pub(crate) next_at: Option<Timestamp>,
    /// Lanes that are running empty while the store has more for them.
    pub(crate) hungry: Vec<EndpointId>,
    /// Deliveries whose lease is over, and whose endpoint is gone: they are cancelled now.
    pub(crate) cancelled: Vec<Lease>,
}

impl Schedule {
    /// Hands out what is due: lanes in turn, each an equal share of what is left to give. Costs nothing for lanes whose turn has
    /// not come, and little for those that have no room.
    pub(crate) fn claim(&mut self, claim: &Claim<'_>) -> Taking {
        let mut taking = Taking { cancelled: self.end_leases(claim.now), ..Taking::default() };
        self.unpark(claim.room);
        let mut visited = Vec::new();
        while taking.taken.len() < claim.limit {
            let turns = self.due_turns(claim.limit - taking.taken.len(), claim.now);
            if turns.is_empty() {
                break;
            }
            // A second round gives what some lanes could not use to those that have more.
            for _ in 0..2 {
                let mut lanes_left = turns.len();
                for id in &turns {
                    let left = claim.limit.saturating_sub(taking.taken.len());
                    let share = left.div_ceil(lanes_left.max(1));
                    lanes_left -= 1;
                    self.take(id, share, claim, &mut taking);
                }
            }
            visited.extend(turns);
        }
        for id in visited {
            self.line_up_after(&id, claim);
        }
        let next_turn = self.turns.first().map(|(at, _, _)| *at);
        let next_end = self.ends.first().map(|(until, _)| *until);
        taking.next_at = next_turn.into_iter().chain(next_end).min();
        taking
    }

    /// Takes up to `limit` lanes whose turn has come, in their order.
    fn due_turns(&mut self, limit: usize, now: Timestamp) -> Vec<EndpointId> {
        let mut turns = Vec::new();
        while turns.len() < limit
            && self.turns.first().is_some_and(|(at, _, _)| *at <= now)
            && let Some((_, _, id)) = self.turns.pop_first()
        {
            if let Some(lane) = self.lanes.get_mut(&id) {
                lane.turn = None;
            }
            turns.push(id);
        }
        turns
    }

    /// Gives the lanes their turn for which there is room again.
    fn unpark(&mut self, room: &Room) {
        let roomy: Vec<_> = self.parked.extract_if(.., |id| room.of(id) > 0).collect();
        for id in roomy {
            self.line_up(&id);
        }
    }

    /// Takes up to `share` deliveries out of one lane.
    fn take(&mut self, id: &EndpointId, share: usize, claim: &Claim<'_>, taking: &mut Taking) {
        let Some(lane) = self.lanes.get_mut(id) else { return };
        if lane.wants_more() {
            taking.hungry.push(id.clone());
        }
        let due = lane.waiting.iter().take(share).take_while(|(due, _)| *due <= claim.now).count();
        let room = claim.room.of(id).saturating_sub(lane.taken_now);
        let wanted = u32::try_from(due).unwrap_or(u32::MAX).min(room);
        if wanted == 0 || !lane.endpoint.is_active {
            return;
        }
        let limits = limits(&lane.endpoint, claim);
        let admission = lane.guard.admit(claim.replica, &limits, wanted, claim.now, claim.until);
        lane.retry_at = admission.retry_at;
        lane.taken_now += admission.granted;
        if admission.granted > 0 {
            lane.served_at = claim.now;
        }
        for _ in 0..admission.granted {
            let Some((due, delivery)) = lane.waiting.pop_first() else { break };
            self.next_token += 1;
            let lease =
                Lease { delivery, endpoint: id.clone(), replica: claim.replica, token: self.next_token };
            let leased = Leased {
                lease: lease.clone(),
                since: claim.now,
                until: claim.until,
                due,
                is_settling: false,
                is_in_vain: false,
                is_orphan: false,
            };
            self.leases.insert(delivery, leased);
            self.ends.insert((claim.until, delivery));
            lane.counts.moved(Some(DeliveryState::Pending), Some(DeliveryState::InFlight));
            let (endpoint, failing_since) = (Arc::clone(&lane.endpoint), lane.guard.failing_since);
            taking.taken.push(Taken { lease, endpoint, failing_since });
        }
        if lane.wants_more() {
            taking.hungry.push(id.clone());
        }
    }

    /// Ends leases whose time is over: their deliveries wait again, from when they were due. Gives those that are cancelled
    /// because their endpoint is gone.
    fn end_leases(&mut self, now: Timestamp) -> Vec<Lease> {
        let mut cancelled = Vec::new();
        while let Some(&(until, id)) = self.ends.first()
            && until <= now
        {
            self.ends.pop_first();
            self.free_place(id);
            cancelled.extend(self.wait_again(id));
        }
        cancelled
    }

    /// Puts a delivery back among those that wait; gives its lease if it is cancelled instead.
    fn wait_again(&mut self, id: DeliveryId) -> Option<Lease> {
        let leased = self.leases.remove(&id)?;
        let endpoint = &leased.lease.endpoint;
        let to = if leased.is_orphan { DeliveryState::Cancelled } else { DeliveryState::Pending };
        self.counts_mut(endpoint, leased.is_orphan).moved(Some(DeliveryState::InFlight), Some(to));
        if leased.is_orphan {
            return Some(leased.lease);
        }
        self.add(endpoint, leased.due, id);
        None
    }

    /// Puts deliveries back that were taken and could not be handed out, as if they had not been taken.
    pub(crate) fn put_back(&mut self, taken: &[Taken]) {
        for Taken { lease, .. } in taken {
            if let Some(is_orphan) = self.begin_settling(lease, Timestamp::default()) {
                if !is_orphan {
                    self.give_back_place(lease);
                }
                self.wait_again(lease.delivery);
            }
        }
    }

    /// Forgets a delivery that was taken and of which there is no record, or one that says that it is finished.
    pub(crate) fn discard(&mut self, lease: &Lease) {
        if let Some(is_orphan) = self.begin_settling(lease, Timestamp::default()) {
            if !is_orphan {
                self.give_back_place(lease);
            }
            self.settled(lease.delivery, lease.token);
            self.counts_mut(&lease.endpoint, is_orphan).moved(Some(DeliveryState::InFlight), None);
        }
    }

    /// Gives a lane its turn when its first delivery is due and its guard may let it out.
    pub(super) fn line_up(&mut self, id: &EndpointId) {
        let Some(lane) = self.lanes.get(id) else { return };
        let at = lane.next_at();
        self.set_turn(id, at);
    }

    /// The same after a claim: a lane that had its chance and could take no more has its next turn when something ends, when its
    /// guard said, or when there is room.
    fn line_up_after(&mut self, id: &EndpointId, claim: &Claim<'_>) {
        let Some(lane) = self.lanes.get_mut(id) else { return };
        let has_no_room = claim.room.of(id) <= lane.taken_now;
        lane.taken_now = 0;
        let at = match lane.next_at() {
            Some(at) if at <= claim.now && has_no_room => {
                self.parked.insert(id.clone());
                None
            }
            // Its turn comes when the guard says, or before, when a delivery ends.
            Some(at) if at <= claim.now => {
                let admission = lane.would_admit(&limits(&lane.endpoint, claim), claim);
                if admission.granted > 0 { Some(at) } else { admission.retry_at }
            }
            at => at,
        };
        self.set_turn(id, at);
    }

    fn set_turn(&mut self, id: &EndpointId, at: Option<Timestamp>) {
        let Some(lane) = self.lanes.get_mut(id) else { return };
        match (&lane.turn, at) {
            (Some((known, _)), Some(at)) if *known == at => return,
            (None, None) => return,
            _ => {}
        }
        if let Some((known, number)) = lane.turn.take() {
            self.turns.remove(&(known, number, id.clone()));
        }
        if let Some(at) = at {
            self.next_turn += 1;
            lane.turn = Some((at, self.next_turn));
            self.turns.insert((at, self.next_turn, id.clone()));
        }
    }
}

/// What an endpoint may be sent.
fn limits(endpoint: &Endpoint, claim: &Claim<'_>) -> Limits {
    Limits { breaker: claim.breaker, rate: endpoint.rate_limit, max_in_flight: endpoint.max_in_flight }
}
