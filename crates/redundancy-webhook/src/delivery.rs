//! One event on its way to one endpoint, and every attempt that was made.

use crate::clock::Timestamp;
use crate::event::EventType;
use crate::failure::FailureReason;
use crate::ids::{DeliveryId, EndpointId, EventId};
use std::fmt;
use std::time::Duration;

/// How far a delivery got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DeliveryState {
    /// It waits for its time, or for its endpoint.
    Pending,
    /// An attempt is being made.
    InFlight,
    /// The receiver took it.
    Succeeded,
    /// It was given up: a dead letter.
    Exhausted,
    /// Somebody did not want it any more, or its endpoint was deleted.
    Cancelled,
}

/// A delivery: one event for one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// What is delivered.
    pub event_id: EventId,
    /// What kind of event that is.
    pub event_type: EventType,
    /// To whom.
    pub endpoint_id: EndpointId,
    /// How far it got.
    pub state: DeliveryState,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it got into its state, or was last attempted.
    pub updated_at: Timestamp,
    /// When the next attempt is due; only of a pending one.
    pub due_at: Option<Timestamp>,
    /// Attempts that were made.
    pub attempts: u32,
    /// Attempts of them that count for the retry policy: those since it was accepted or requeued.
    pub spent: u32,
    /// The status of the last attempt, if it got an answer.
    pub last_status: Option<u16>,
    /// Why the last attempt failed, if it did.
    pub last_failure: Option<FailureReason>,
}

/// One attempt.
#[derive(Clone, PartialEq, Eq)]
pub struct Attempt {
    /// 1 for the first one of its delivery.
    pub number: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// From then to its end.
    pub duration: Duration,
    /// The status of the answer, if there was one.
    pub status: Option<u16>,
    /// Why it failed; `None` when it did not.
    pub failure: Option<FailureReason>,
    /// The headers of the answer.
    pub response_headers: Vec<(String, String)>,
    /// The first 16 KiB of the answer's body, as text; what is no UTF-8 is replaced.
    pub response_body: String,
}

/// Which deliveries are meant: those for which all that is given holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// To this endpoint.
    pub endpoint_id: Option<EndpointId>,
    /// Of this event.
    pub event_id: Option<EventId>,
    /// Of events of this type.
    pub event_type: Option<EventType>,
    /// In this state.
    pub state: Option<DeliveryState>,
    /// Accepted then or later.
    pub since: Option<Timestamp>,
    /// Accepted before then.
    pub until: Option<Timestamp>,
}

impl DeliveryState {
    /// All states.
    pub const ALL: [Self; 5] =
        [Self::Pending, Self::InFlight, Self::Succeeded, Self::Exhausted, Self::Cancelled];

    /// Its name on the wire and in stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InFlight => "in_flight",
            Self::Succeeded => "succeeded",
            Self::Exhausted => "exhausted",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Whether nothing more happens to it by itself.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Exhausted | Self::Cancelled)
    }
}

impl Delivery {
    /// A delivery of the event `event_id` that was accepted at `now` and is due at once.
    #[must_use]
    pub fn new(event_id: EventId, event_type: EventType, endpoint_id: EndpointId, now: Timestamp) -> Self {
        Self {
            id: DeliveryId::of(event_id, &endpoint_id),
            event_id,
            event_type,
            endpoint_id,
            state: DeliveryState::Pending,
            created_at: event_id.made_at(),
            updated_at: now,
            due_at: Some(now),
            attempts: 0,
            spent: 0,
            last_status: None,
            last_failure: None,
        }
    }
}

impl Attempt {
    /// Whether the receiver took the event.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.failure.is_none()
    }
}

impl fmt::Debug for Attempt {
    /// Without the answer: it may quote what was sent, or hold a secret of the receiver.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt")
            .field("number", &self.number)
            .field("status", &self.status)
            .field("failure", &self.failure)
            .finish_non_exhaustive()
    }
}

impl DeliveryFilter {
    /// Whether `delivery` is meant.
    #[must_use]
    pub fn matches(&self, delivery: &Delivery) -> bool {
        self.endpoint_id.as_ref().is_none_or(|id| *id == delivery.endpoint_id)
            && self.event_id.is_none_or(|id| id == delivery.event_id)
            && self.event_type.as_ref().is_none_or(|kind| *kind == delivery.event_type)
            && self.state.is_none_or(|state| state == delivery.state)
            && self.since.is_none_or(|since| delivery.created_at >= since)
            && self.until.is_none_or(|until| delivery.created_at < until)
    }
}
