//! Since when the parts of the service are as they are, as far as anybody has looked.

use super::PartState;
use crate::app::App;
use redundancy_engine::Timestamp;
use std::sync::{Mutex, PoisonError};

/// A part whose state is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Store,
    Queue,
    Workers,
    Memory,
    Issuer,
    Traces,
}

/// The states in which the parts were last seen.
#[derive(Debug, Default)]
pub(crate) struct PartHistory(Mutex<[Option<Seen>; 6]>);

#[derive(Debug, Clone, Copy)]
struct Seen {
    state: PartState,
    since: Timestamp,
}

impl PartHistory {
    /// Takes notice of the state of a part, and tells since when it is in it.
    pub(super) fn since(&self, app: &App, part: Part, state: PartState) -> Timestamp {
        self.noticed(part, state, app.clock().now(), || app.engine().stats().started_at)
    }

    /// Takes notice of the state of the store. While it is away nobody can tell of the queue, which is in it.
    pub(super) fn store_is(&self, app: &App, state: PartState) {
        let (now, started_at) = (app.clock().now(), || app.engine().stats().started_at);
        self.noticed(Part::Store, state, now, started_at);
        if state == PartState::Degraded {
            self.noticed(Part::Queue, state, now, started_at);
        }
    }

    fn noticed(
        &self,
        part: Part,
        state: PartState,
        now: Timestamp,
        started_at: impl FnOnce() -> Timestamp,
    ) -> Timestamp {
        // Nothing under this lock can panic halfway.
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let [store, queue, workers, memory, issuer, traces] = &mut *seen;
        let last = match part {
            Part::Store => store,
            Part::Queue => queue,
            Part::Workers => workers,
            Part::Memory => memory,
            Part::Issuer => issuer,
            Part::Traces => traces,
        };
        let since = match *last {
            Some(last) if last.state == state => last.since,
            // A part that is well at the first look was so from the start, for all that is known.
            None if state == PartState::Ok => started_at(),
            Some(_) | None => now,
        };
        *last = Some(Seen { state, since });
        since
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn a_part_is_in_a_state_since_it_was_first_seen_in_it() {
        let history = PartHistory::default();
        let look = |part, state, now| history.noticed(part, state, at(now), || at(1)).as_millis();
        assert_eq!(look(Part::Store, PartState::Ok, 10), 1);
        assert_eq!(look(Part::Store, PartState::Ok, 20), 1);
        assert_eq!(look(Part::Store, PartState::Degraded, 30), 30);
        assert_eq!(look(Part::Store, PartState::Degraded, 40), 30);
        assert_eq!(look(Part::Queue, PartState::Degraded, 50), 50);
        assert_eq!(look(Part::Store, PartState::Ok, 60), 60);
    }
}
