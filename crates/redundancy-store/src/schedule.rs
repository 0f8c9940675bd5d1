//! Which deliveries are due, which are being made, and which endpoint is next: in memory, for stores with a single process.
//!
//! Each endpoint has a [`Lane`] with its earliest deliveries. A store whose records are on disk need not hold all of them
//! here: a lane keeps a window, and says when it wants the next part. What a restart forgets is only who was making what, and
//! then nobody is.
//!
//! Not durable and not shared: the store around it writes what has to last.

mod claiming;
mod ending;
mod lane;
#[cfg(test)]
mod tests;

use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::delivery::{Delivery, DeliveryState};
use redundancy_webhook::endpoint::Endpoint;
use redundancy_webhook::event::EventType;
use redundancy_webhook::guard::Guard;
use redundancy_webhook::ids::{DeliveryId, EndpointId};
use redundancy_webhook::store::{EndpointCounts, EndpointRecord, Lease, Page, PageRequest};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;

pub(crate) use claiming::Taken;
pub(crate) use ending::{GivenBack, Outcome, disabled, is_next};
pub(crate) use lane::{Key, Lane, WINDOW};

/// Deliveries that wait, are being made, and the state of their endpoints.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    lanes: BTreeMap<EndpointId, Lane>,
    /// Counts of endpoints that were deleted.
    pub(crate) gone: EndpointCounts,
    /// Lanes that may be claimed from at a time, the one first that has waited longest; the number makes others of the same time
    /// come in turn.
    turns: BTreeSet<(Timestamp, u64, EndpointId)>,
    next_turn: u64,
    /// Lanes of which the last claim had room for no more. Their turn comes with the next claim that has.
    parked: BTreeSet<EndpointId>,
    leases: HashMap<DeliveryId, Leased>,
    /// When leases end.
    ends: BTreeSet<(Timestamp, DeliveryId)>,
    next_token: u64,
    /// How often everything that lanes had asked for was given up. What was asked for before that and comes all the same is
    /// out of date.
    pub(crate) refills_lost: u64,
}

/// A delivery that is being made.
#[derive(Debug, Clone)]
struct Leased {
    lease: Lease,
    since: Timestamp,
    until: Timestamp,
    due: Timestamp,
    /// Its attempt has ended, and the store is writing that down: the lease can neither end nor be taken.
    is_settling: bool,
    /// That is because of a late success of another attempt, and this one is made in vain.
    is_in_vain: bool,
    /// Its endpoint was deleted meanwhile. Another one may have its id by now.
    is_orphan: bool,
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

    /// Has an endpoint's guard forget failures.
    pub(crate) fn forgive(&mut self, id: &EndpointId, now: Timestamp) {
        if let Some(lane) = self.lanes.get_mut(id) {
            lane.guard.reset(now);
            lane.retry_at = None;
            self.line_up(id);
        }
    }

    /// Removes an endpoint with everything that waits for it; gives its lane. What is being made goes on.
    pub(crate) fn remove_endpoint(&mut self, id: &EndpointId) -> Option<Lane> {
        let lane = self.lanes.remove(id)?;
        if let Some((at, number)) = lane.turn {
            self.turns.remove(&(at, number, id.clone()));
        }
        self.parked.remove(id);
        for leased in self.leases.values_mut().filter(|leased| leased.lease.endpoint == *id) {
            leased.is_orphan = true;
        }
        self.gone.add(&EndpointCounts { pending: 0, ..lane.counts.clone() });
        Some(lane)
    }

    pub(crate) fn lane(&self, id: &EndpointId) -> Option<&Lane> {
        self.lanes.get(id)
    }

    /// An endpoint, and how its deliveries go.
    pub(crate) fn record(&self, id: &EndpointId) -> Option<EndpointRecord> {
        self.lanes.get(id).map(Lane::record)
    }

    /// Endpoints, by id.
    pub(crate) fn records(&self, page: &PageRequest<EndpointId>) -> Page<EndpointRecord, EndpointId> {
        let after = page.after.as_ref().map_or(Unbounded, Excluded);
        let mut lanes = self.lanes.range((after, Unbounded)).map(|(_, lane)| lane);
        let items: Vec<_> = lanes.by_ref().take(page.limit).map(Lane::record).collect();
        let next = lanes.next().and_then(|_| items.last().map(|last| last.endpoint.id.clone()));
        Page { items, next }
    }

    /// Whether any endpoint wants events of this type.
    pub(crate) fn is_wanted(&self, kind: &EventType) -> bool {
        self.lanes.values().any(|lane| lane.endpoint.wants(kind))
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
            lane.missed.remove(&(due, id));
            self.line_up(endpoint);
        }
    }

    /// Counts a delivery that left the state `from` for `to`.
    pub(crate) fn moved(
        &mut self,
        endpoint: &EndpointId,
        from: Option<DeliveryState>,
        to: Option<DeliveryState>,
    ) {
        self.counts_mut(endpoint, false).moved(from, to);
    }

    /// The counts of an endpoint; of all that were deleted when it is one of them.
    fn counts_mut(&mut self, endpoint: &EndpointId, is_orphan: bool) -> &mut EndpointCounts {
        match self.lanes.get_mut(endpoint) {
            Some(lane) if !is_orphan => &mut lane.counts,
            _ => &mut self.gone,
        }
    }

    /// Fills a lane with what the store has behind `from`, in order; `is_all` when there is nothing behind that, as far as was
    /// known when the lane had `dropped` so many deliveries.
    pub(crate) fn refill(
        &mut self,
        endpoint: &EndpointId,
        from: Option<Key>,
        keys: &[Key],
        is_all: bool,
        dropped: u64,
    ) {
        let Some(lane) = self.lanes.get_mut(endpoint) else { return };
        lane.is_hungry = false;
        let missed = std::mem::take(&mut lane.missed);
        // When the horizon came closer meanwhile, something between the two would be missing.
        if lane.horizon == from {
            let is_all = is_all && lane.dropped == dropped;
            lane.horizon = if is_all { None } else { keys.last().copied().or(lane.horizon) };
            let (leases, horizon) = (&self.leases, lane.horizon);
            // What is being made or written was read as it was before.
            lane.waiting.extend(keys.iter().filter(|(_, id)| !leases.contains_key(id)));
            // What came while the store read lies within the window now, and may not be in what it brought. It waits, even
            // when the outcome that made it wait is still on its way to the disk.
            lane.waiting.extend(missed.iter().filter(|key| horizon.is_none_or(|horizon| **key <= horizon)));
        }
        self.line_up(endpoint);
    }

    /// Lanes may ask for more again: what they asked for was not brought.
    pub(crate) fn forget_refills(&mut self) {
        self.refills_lost += 1;
        let hungry: Vec<_> =
            self.lanes.iter().filter(|(_, lane)| lane.is_hungry).map(|(id, _)| id.clone()).collect();
        for id in hungry {
            if let Some(lane) = self.lanes.get_mut(&id) {
                lane.is_hungry = false;
                lane.missed.clear();
            }
            self.line_up(&id);
        }
    }

    /// Whether a lane of which nothing is known to wait has asked the store for more.
    pub(crate) fn is_reading(&self) -> bool {
        self.lanes.values().any(|lane| lane.is_hungry && lane.waiting.is_empty() && lane.endpoint.is_active)
    }

    /// Since when `id` is being made; `None` when it is not.
    pub(crate) fn made_since(&self, id: DeliveryId) -> Option<Timestamp> {
        self.leases.get(&id).filter(|leased| !leased.is_settling).map(|leased| leased.since)
    }

    /// Whether the outcome of an attempt at `id` is being written.
    pub(crate) fn is_settling(&self, id: DeliveryId) -> bool {
        self.leases.get(&id).is_some_and(|leased| leased.is_settling)
    }

    /// Everything that is being made, and since when.
    pub(crate) fn being_made(&self) -> impl Iterator<Item = (DeliveryId, Timestamp)> {
        let made = self.leases.iter().filter(|(_, leased)| !leased.is_settling);
        made.map(|(id, leased)| (*id, leased.since))
    }

    /// The counts of all endpoints together.
    pub(crate) fn total(&self) -> EndpointCounts {
        let mut total = self.gone.clone();
        self.lanes.values().for_each(|lane| total.add(&lane.counts));
        total
    }
}

/// A delivery as it is while it is being made, since `since`. Records do not say so: a claim writes nothing.
pub(crate) fn show_being_made(delivery: &mut Delivery, since: Timestamp) {
    (delivery.state, delivery.due_at, delivery.updated_at) = (DeliveryState::InFlight, None, since);
}
