//! What goes between a dispatcher and its store.

use super::Publication;
use crate::breaker::BreakerConfig;
use crate::clock::Timestamp;
use crate::delivery::{Attempt, Delivery};
use crate::endpoint::{DisabledReason, Endpoint};
use crate::event::Event;
use crate::guard::ReplicaId;
use crate::ids::{DeliveryId, EndpointId};
use std::collections::HashMap;
use std::sync::Arc;

/// A wish for deliveries.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'c> {
    /// Who makes them.
    pub replica: ReplicaId,
    /// So many at most.
    pub limit: usize,
    /// How many of each endpoint at most.
    pub room: &'c Room,
    /// When breakers open and close.
    pub breaker: BreakerConfig,
    /// The time now.
    pub now: Timestamp,
    /// When the leases end, unless they are extended.
    pub until: Timestamp,
}

/// How many more deliveries of each endpoint a dispatcher wants to have under way: so few of one that answers slowly that it
/// cannot take all the places.
#[derive(Debug, Clone, Default)]
pub struct Room {
    /// For endpoints that are not among the exceptions.
    pub usual: u32,
    /// For these endpoints.
    pub exceptions: HashMap<EndpointId, u32>,
}

/// Deliveries to be made now.
#[derive(Debug, Clone, Default)]
pub struct Claimed {
    /// The deliveries.
    pub deliveries: Vec<ClaimedDelivery>,
    /// When it makes sense to claim again, should nothing arrive and nothing end before: `None` when nothing waits for a time.
    pub next_at: Option<Timestamp>,
}

/// A delivery to be made now.
#[derive(Debug, Clone)]
pub struct ClaimedDelivery {
    /// The delivery.
    pub delivery: Delivery,
    /// What is delivered.
    pub event: Arc<Event>,
    /// To whom.
    pub endpoint: Arc<Endpoint>,
    /// Since when the endpoint has done nothing but fail.
    pub failing_since: Option<Timestamp>,
    /// The right to make it.
    pub lease: Lease,
}

/// A right to make a delivery, for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Which delivery.
    pub delivery: DeliveryId,
    /// To which endpoint.
    pub endpoint: EndpointId,
    /// Who has the right.
    pub replica: ReplicaId,
    /// Tells this right from an earlier one to the same delivery.
    pub token: u64,
}

/// An attempt that ended.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// The right under which it was made.
    pub lease: Lease,
    /// The attempt.
    pub attempt: Attempt,
    /// What becomes of the delivery.
    pub transition: Transition,
    /// When breakers open and close.
    pub breaker: BreakerConfig,
    /// Its endpoint is to be disabled, if it is.
    pub disables: Option<Disabling>,
    /// Events that follow from it; they are in the slot of the delivery.
    pub follow_ups: Vec<Publication>,
    /// The time now.
    pub now: Timestamp,
}

/// An endpoint that is to be disabled by what it answered: if it is still the one that was called. One that was changed since,
/// or is another one under the same id, stays as it is.
#[derive(Debug, Clone)]
pub struct Disabling {
    /// Why.
    pub reason: DisabledReason,
    /// When the endpoint was registered that was called.
    pub created_at: Timestamp,
    /// Its revision then.
    pub revision: u64,
    /// The event that tells of it, in the slot of the delivery. It is published only by the one settlement that disables the
    /// endpoint, with it in one step where the store can.
    pub news: Option<Publication>,
}

/// What became of a settlement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It changed nothing.
    Refused,
    /// It was taken.
    Taken,
    /// It was taken, and was the one that disabled its endpoint. A store that writes outcomes later may find then that the endpoint
    /// was changed in the meantime, and leave it as it is.
    Disabled,
}

/// What becomes of a delivery after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// It is done.
    Succeed,
    /// It waits for its next attempt.
    RetryAt(Timestamp),
    /// It is given up.
    Exhaust,
}

impl Disabling {
    /// Whether `known`, as it is now, is the endpoint that is meant, and still active.
    #[must_use]
    pub fn is_meant(&self, known: &Endpoint) -> bool {
        known.is_active && known.created_at == self.created_at && known.revision == self.revision
    }
}

impl Settled {
    /// Whether it was taken.
    #[must_use]
    pub const fn is_taken(self) -> bool {
        !matches!(self, Self::Refused)
    }
}

impl Room {
    /// How many more deliveries to `endpoint` are wanted.
    #[must_use]
    pub fn of(&self, endpoint: &EndpointId) -> u32 {
        self.exceptions.get(endpoint).copied().unwrap_or(self.usual)
    }
}
