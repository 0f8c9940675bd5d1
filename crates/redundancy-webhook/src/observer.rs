//! Who wants to know of every attempt, as metrics do. Called on the way: what is done here must be quick.

use crate::clock::Timestamp;
use crate::delivery::{Attempt, Delivery};
use crate::endpoint::DisabledReason;
use crate::event::Event;
use crate::ids::EndpointId;
use crate::store::Transition;

/// Takes notice of what a dispatcher does.
pub trait Observer: Send + Sync {
    /// An attempt ended, and this becomes of its delivery.
    fn attempted(&self, seen: &Attempted<'_>);

    /// An endpoint was disabled by its own answers.
    fn disabled(&self, endpoint: &EndpointId, reason: DisabledReason);
}

/// An attempt that ended.
#[derive(Debug, Clone, Copy)]
pub struct Attempted<'a> {
    /// The delivery as it was before.
    pub delivery: &'a Delivery,
    /// What was delivered.
    pub event: &'a Event,
    /// The attempt.
    pub attempt: &'a Attempt,
    /// What becomes of the delivery.
    pub transition: Transition,
    /// When it ended.
    pub ended_at: Timestamp,
}

/// Takes no notice.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoObserver;

impl Observer for NoObserver {
    fn attempted(&self, _: &Attempted<'_>) {}

    fn disabled(&self, _: &EndpointId, _: DisabledReason) {}
}
