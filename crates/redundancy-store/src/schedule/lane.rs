//! The deliveries that wait for one endpoint.

use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::endpoint::Endpoint;
use redundancy_webhook::guard::{Admission, Guard, Limits};
use redundancy_webhook::ids::DeliveryId;
use redundancy_webhook::store::{Claim, EndpointCounts, EndpointRecord};
use std::collections::BTreeSet;
use std::sync::Arc;

/// When a delivery is due, and which it is: the order in which they are made.
pub(crate) type Key = (Timestamp, DeliveryId);

/// Deliveries that a lane holds at most before it leaves the later ones to the store.
pub(crate) const WINDOW: usize = 4096;
/// With fewer than this part of its window a lane asks the store for more.
const LOW_PART: usize = 8;

/// One endpoint and what waits for it.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) guard: Guard,
    pub(crate) counts: EndpointCounts,
    /// The earliest deliveries that wait: all up to the horizon.
    pub(crate) waiting: BTreeSet<Key>,
    /// Behind this key deliveries are in the store only. `None` when all are here.
    pub(crate) horizon: Option<Key>,
    /// Deliveries that were left to the store so far. A part of the store's that was read before the last of them may lack it.
    pub(crate) dropped: u64,
    /// Whether the store is being asked for more.
    pub(crate) is_hungry: bool,
    /// Deliveries left to the store while it was being asked: the part that it brings may lack them.
    pub(crate) missed: BTreeSet<Key>,
    /// How many it holds before it leaves the later ones to the store. `None` when there is nothing to leave them to.
    pub(crate) window: Option<usize>,
    /// When its guard lets something out again, as it last said.
    pub(crate) retry_at: Option<Timestamp>,
    /// When something was last taken: others that have waited longer come first.
    pub(crate) served_at: Timestamp,
    /// Taken in the claim that is going on.
    pub(crate) taken_now: u32,
    /// Its place among the turns.
    pub(crate) turn: Option<(Timestamp, u64)>,
}

impl Lane {
    pub(crate) fn new(endpoint: Arc<Endpoint>, guard: Guard) -> Self {
        Self {
            endpoint,
            guard,
            counts: EndpointCounts::default(),
            waiting: BTreeSet::new(),
            horizon: None,
            dropped: 0,
            is_hungry: false,
            missed: BTreeSet::new(),
            window: None,
            retry_at: None,
            served_at: Timestamp::default(),
            taken_now: 0,
            turn: None,
        }
    }

    /// Its endpoint, and how the deliveries to that go.
    pub(super) fn record(&self) -> EndpointRecord {
        EndpointRecord {
            endpoint: Endpoint::clone(&self.endpoint),
            guard: self.guard.clone(),
            counts: self.counts.clone(),
        }
    }

    pub(super) fn add(&mut self, key: Key) {
        if self.horizon.is_some_and(|horizon| key > horizon) {
            self.drop_key(key);
            return;
        }
        self.waiting.insert(key);
        if self.window.is_some_and(|window| self.waiting.len() > window) {
            if let Some(last) = self.waiting.pop_last() {
                self.drop_key(last);
            }
            self.horizon = self.waiting.last().copied();
        }
    }

    /// Leaves a delivery to the store.
    fn drop_key(&mut self, key: Key) {
        self.dropped += 1;
        if self.is_hungry {
            self.missed.insert(key);
        }
    }

    /// Whether the store should be asked for more, once.
    pub(super) fn wants_more(&mut self) -> bool {
        let low = self.window.unwrap_or(0) / LOW_PART;
        let wants = self.horizon.is_some() && self.waiting.len() < low && !self.is_hungry;
        self.is_hungry |= wants;
        wants
    }

    /// When there may be something to hand out.
    pub(super) fn next_at(&self) -> Option<Timestamp> {
        if !self.endpoint.is_active {
            return None;
        }
        let first = match self.waiting.first() {
            Some((first, _)) => *first,
            // The claim asks the store for more; until that is here there is nothing to hand out.
            None if self.horizon.is_some() && !self.is_hungry => Timestamp::default(),
            None => return None,
        };
        Some(first.max(self.retry_at.unwrap_or_default()).max(self.served_at))
    }

    /// Whether its guard would let one more delivery out, and when it is to be asked again if not.
    pub(super) fn would_admit(&self, limits: &Limits, claim: &Claim<'_>) -> Admission {
        self.guard.clone().admit(claim.replica, limits, 1, claim.now, claim.until)
    }
}
