//! Work on many deliveries, done bit by bit.

use crate::clock::Timestamp;
use crate::delivery::{DeliveryFilter, DeliveryState};
use crate::event::EventPattern;
use crate::ids::{EndpointId, JobId};

/// Work on many deliveries. Its progress is in the store, so that it goes on after a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// What is to be done.
    pub kind: JobKind,
    /// How far it got.
    pub state: JobState,
    /// Deliveries that were queued by it.
    pub queued: u64,
    /// Events or deliveries that it has looked at.
    pub examined: u64,
    /// The number of the id that it goes on after.
    pub cursor: Option<u128>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it last went on.
    pub updated_at: Timestamp,
    /// Grows by 1 with each change, so that two replicas do not both go on with it.
    pub revision: u64,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobKind {
    /// Events of the past are delivered to an endpoint (again).
    Replay {
        /// To whom.
        endpoint_id: EndpointId,
        /// Events made then or later.
        since: Timestamp,
        /// Events made before then.
        until: Timestamp,
        /// Deliveries in these states. Events that have no delivery to the endpoint are always meant.
        states: Vec<DeliveryState>,
        /// Which types of events.
        events: Vec<EventPattern>,
    },
    /// Dead letters are queued again.
    Requeue {
        /// Which of them.
        filter: DeliveryFilter,
        /// Accepted before then: what dies meanwhile is not meant.
        until: Timestamp,
    },
}

/// How far a job got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// It goes on.
    Running,
    /// It is done.
    Completed,
    /// It cannot be done: its endpoint is gone.
    Failed,
}

impl JobState {
    /// Its name on the wire and in stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Running, Self::Completed, Self::Failed].into_iter().find(|state| state.as_str() == name)
    }
}
