//! Which deliveries are due, which are being made, and which endpoint is next: in memory, for stores with a single process.
//!
//! Each endpoint has a [`Lane`] with its earliest deliveries. A store whose records are on disk need not hold all of them
//! here: a lane keeps a window, and says when it wants the next part. What a restart forgets is only who was making what, and
//! then nobody is.
//!
//! Not durable and not shared: the store around it writes what has to last.

mod lane;

use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::endpoint::Endpoint;
use redundancy_webhook::guard::{Guard, Limits};
use redundancy_webhook::ids::{DeliveryId, EndpointId};
use redundancy_webhook::store::{Claim, EndpointCounts, Lease};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

pub(crate) use lane::{Key, Lane};

/// Deliveries that wait, are being made, and the state of their endpoints.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    lanes: BTreeMap<EndpointId, Lane>,
    /// Lanes that may be claimed from at a time, the one first that has waited longest; the number makes others of the same time
    /// come in turn.
    turns: BTreeSet<(Timestamp, u64, EndpointId)>,
    next_turn: u64,
    leases: HashMap<DeliveryId, Leased>,
    /// When leases end.
    ends: BTreeSet<(Timestamp, DeliveryId)>,
    next_token: u64,
}

/// A delivery that is being made.
#[derive(Debug, Clone)]
struct Leased {
    lease: Lease,
    until: Timestamp,
    due: Timestamp,
    /// Its attempt has ended, and the store is writing that down: the lease can neither end nor be taken.
    is_settling: bool,
}

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
}

impl Schedule {
    /// Adds an endpoint, or puts a changed one in place of what it was.
    pub(crate) fn put_endpoint(&mut self, endpoint: Arc<Endpoint>, now: Timestamp) {
        let id = endpoint.id.clone();
        match self.lanes.get_mut(&id) {
            Some(lane) => lane.endpoint = endpoint,
            None => {
                self.lanes.insert(id.clone(), Lane::new(endpoint, Guard::new(now)));
            }
        }
        self.line_up(&id);
    }

    /// Removes an endpoint with everything that waits for it. What is being made goes on.
    pub(crate) fn remove_endpoint(&mut self, id: &EndpointId) -> Option<Lane> {
        let lane = self.lanes.remove(id)?;
        if let Some(turn) = &lane.turn {
            self.turns.remove(&(turn.0, turn.1, id.clone()));
        }
        Some(lane)
    }

    pub(crate) fn lane(&self, id: &EndpointId) -> Option<&Lane> {
        self.lanes.get(id)
    }

    pub(crate) fn lane_mut(&mut self, id: &EndpointId) -> Option<&mut Lane> {
        self.lanes.get_mut(id)
    }

    pub(crate) fn lanes(&self) -> &BTreeMap<EndpointId, Lane> {
        &self.lanes
    }

    /// Adds a delivery that waits until `due`. Without its endpoint nothing happens.
    pub(crate) fn add(&mut self, endpoint: &EndpointId, due: Timestamp, id: DeliveryId) {
        if let Some(lane) = self.lanes.get_mut(endpoint) {
            lane.add((due, id));
            self.line_up(endpoint);
        }
    }

    /// Takes out a delivery that waits.
    pub(crate) fn remove(&mut self, endpoint: &EndpointId, due: Timestamp, id: DeliveryId) {
        if let Some(lane) = self.lanes.get_mut(endpoint) {
            lane.waiting.remove(&(due, id));
            self.line_up(endpoint);
        }
    }

    /// Where a lane's window ends, when the store has more for it.
    pub(crate) fn horizon(&self, endpoint: &EndpointId) -> Option<Key> {
        self.lanes.get(endpoint)?.horizon
    }

    /// Fills a lane with what the store has behind its horizon, in order; `is_all` when there is nothing behind that.
    pub(crate) fn refill(&mut self, endpoint: &EndpointId, keys: &[Key], is_all: bool) {
        let Some(lane) = self.lanes.get_mut(endpoint) else { return };
        lane.horizon = if is_all { None } else { keys.last().copied().or(lane.horizon) };
        lane.is_hungry = false;
        let leases = &self.leases;
        lane.waiting.extend(keys.iter().filter(|(_, id)| !leases.contains_key(id)));
        self.line_up(endpoint);
    }

    /// The lease under which `id` is being made.
    pub(crate) fn lease(&self, id: DeliveryId) -> Option<&Lease> {
        self.leases.get(&id).map(|leased| &leased.lease)
    }

    /// Everything that is being made.
    pub(crate) fn leased(&self) -> impl Iterator<Item = DeliveryId> {
        self.leases.keys().copied()
    }

    /// Hands out what is due: lanes in turn, each an equal share of what is left to give.
    pub(crate) fn claim(&mut self, claim: &Claim<'_>) -> Taking {
        self.end_leases(claim.now);
        let mut taking = Taking::default();
        let mut turns = Vec::new();
        while let Some((at, _, _)) = self.turns.first()
            && *at <= claim.now
            && let Some((_, _, id)) = self.turns.pop_first()
        {
            if let Some(lane) = self.lanes.get_mut(&id) {
                lane.turn = None;
            }
            turns.push(id);
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
        for id in turns {
            self.line_up_after(&id, claim);
        }
        let next_turn = self.turns.first().map(|(at, _, _)| *at);
        let next_end = self.ends.first().map(|(until, _)| *until);
        taking.next_at = next_turn.into_iter().chain(next_end).min();
        taking
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
            let leased = Leased { lease: lease.clone(), until: claim.until, due, is_settling: false };
            self.leases.insert(delivery, leased);
            self.ends.insert((claim.until, delivery));
            lane.counts.pending = lane.counts.pending.saturating_sub(1);
            lane.counts.in_flight += 1;
            let (endpoint, failing_since) = (Arc::clone(&lane.endpoint), lane.guard.failing_since);
            taking.taken.push(Taken { lease, endpoint, failing_since });
        }
        if lane.wants_more() {
            taking.hungry.push(id.clone());
        }
    }

    /// Takes notice that an attempt ended under `lease`; gives when the delivery was due. `None` when the lease is over.
    /// From now on the lease cannot end by itself: [`Schedule::settled`] ends it when the outcome is written.
    pub(crate) fn begin_settling(&mut self, lease: &Lease) -> Option<Timestamp> {
        let leased = self.leases.get_mut(&lease.delivery)?;
        if leased.lease.token != lease.token || leased.is_settling {
            return None;
        }
        leased.is_settling = true;
        self.ends.remove(&(leased.until, lease.delivery));
        Some(leased.due)
    }

    /// The outcome of an attempt is written: what waits is added apart.
    pub(crate) fn settled(&mut self, id: DeliveryId) {
        self.leases.remove(&id);
    }

    /// Records the outcome in the guard of an endpoint, and lets it have its turn again: there is room.
    pub(crate) fn record(&mut self, lease: &Lease, is_success: Option<bool>, breaker: Option<&Limits>, now: Timestamp) {
        let Some(lane) = self.lanes.get_mut(&lease.endpoint) else { return };
        match (is_success, breaker) {
            (Some(is_success), Some(limits)) => lane.guard.settle(lease.replica, Some(is_success), limits, now),
            (_, _) => lane.guard.give_back(lease.replica, 1),
        }
        lane.retry_at = lane.guard.breaker.open_until();
        self.line_up(&lease.endpoint);
    }

    /// Extends leases that are not over.
    pub(crate) fn extend(&mut self, leases: &[Lease], until: Timestamp) {
        for lease in leases {
            let Some(leased) = self.leases.get_mut(&lease.delivery) else { continue };
            if leased.lease.token != lease.token || leased.is_settling {
                continue;
            }
            self.ends.remove(&(leased.until, lease.delivery));
            leased.until = leased.until.max(until);
            self.ends.insert((leased.until, lease.delivery));
            if let Some(lane) = self.lanes.get_mut(&lease.endpoint) {
                lane.guard.extend(lease.replica, until);
            }
        }
    }

    /// Puts a delivery back that was not attempted, if its lease is not over.
    pub(crate) fn release(&mut self, lease: &Lease, now: Timestamp) {
        if self.begin_settling(lease).is_some() {
            self.record(lease, None, None, now);
            self.put_back(lease.delivery);
        }
    }

    /// Ends leases whose time is over: their deliveries wait again, from when they were due.
    fn end_leases(&mut self, now: Timestamp) {
        while let Some(&(until, id)) = self.ends.first()
            && until <= now
        {
            self.ends.pop_first();
            self.forget_holder(id);
            self.put_back(id);
        }
    }

    /// Ends the lease that another one has on a delivery which is finished without it.
    pub(crate) fn end_other(&mut self, id: DeliveryId) {
        self.forget_holder(id);
        if let Some(leased) = self.leases.remove(&id) {
            self.ends.remove(&(leased.until, id));
        }
    }

    /// Whoever was making a delivery does not count as under way any more.
    fn forget_holder(&mut self, id: DeliveryId) {
        if let Some(leased) = self.leases.get(&id)
            && let Some(lane) = self.lanes.get_mut(&leased.lease.endpoint)
        {
            lane.guard.end(leased.lease.replica);
        }
    }

    fn put_back(&mut self, id: DeliveryId) {
        let Some(leased) = self.leases.remove(&id) else { return };
        let endpoint = &leased.lease.endpoint;
        if let Some(lane) = self.lanes.get_mut(endpoint) {
            lane.counts.in_flight = lane.counts.in_flight.saturating_sub(1);
            lane.counts.pending += 1;
        }
        self.add(endpoint, leased.due, id);
    }

    /// Gives a lane its turn when its first delivery is due and its guard may let it out.
    pub(crate) fn line_up(&mut self, id: &EndpointId) {
        let Some(lane) = self.lanes.get_mut(id) else { return };
        let at = lane.next_at();
        self.set_turn(id, at);
    }

    /// The same after a claim: a lane that had its chance and could take no more has its next turn when something ends, or when
    /// its guard said.
    fn line_up_after(&mut self, id: &EndpointId, claim: &Claim<'_>) {
        let Some(lane) = self.lanes.get_mut(id) else { return };
        let is_blocked = claim.room.of(id) <= lane.taken_now;
        lane.taken_now = 0;
        let at = match lane.next_at() {
            // The guard has said no and does not know until when: the end of a delivery gives the next turn.
            Some(at) if at <= claim.now && (is_blocked || lane.is_full(limits(&lane.endpoint, claim), claim.now)) => None,
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
pub(crate) fn limits(endpoint: &Endpoint, claim: &Claim<'_>) -> Limits {
    Limits { breaker: claim.breaker, rate: endpoint.rate_limit, max_in_flight: endpoint.max_in_flight }
}

/// All counts together.
pub(crate) fn total(lanes: &BTreeMap<EndpointId, Lane>, gone: &EndpointCounts) -> EndpointCounts {
    let mut total = gone.clone();
    lanes.values().for_each(|lane| total.add(&lane.counts));
    total
}
