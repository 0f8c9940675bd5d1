//! What a dispatcher has under way, and how much more of each endpoint it wants.
//!
//! An endpoint begins with few places and gets one more with each success, as TCP opens its window (RFC 5681, slow
//! start): one that hangs holds a few places until the time-out, whatever is waiting for it, and the others go on.

use crate::ids::{DeliveryId, EndpointId};
use crate::store::{Lease, Room};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// Places of an endpoint that is not known yet, or that has become slow.
const FIRST_WINDOW: u32 = 4;
/// More places than an endpoint ever needs here: its own cap is kept by the store.
const LARGEST_WINDOW: u32 = 1024;
/// With more endpoints than this, those with nothing under way begin anew the next time: each claim looks at all that are known.
const MAX_KNOWN: usize = 256;
/// An endpoint with an attempt that has taken longer gets no more places than at first, unless it has answered of late.
const SLOW: Duration = Duration::from_secs(1);
/// How long ago that may be.
const ANSWERED: Duration = Duration::from_secs(5);

/// What is under way.
#[derive(Debug, Default)]
pub(super) struct Flights {
    state: Mutex<State>,
    none_left: Notify,
}

#[derive(Debug, Default)]
struct State {
    leases: HashMap<DeliveryId, Lease>,
    endpoints: HashMap<EndpointId, Places>,
}

/// The places of one endpoint.
#[derive(Debug)]
struct Places {
    window: u32,
    /// The token of the lease of each attempt under way, and when it began.
    began: Vec<(u64, Duration)>,
    /// When one last succeeded.
    succeeded: Option<Duration>,
}

impl Flights {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing under the lock can panic halfway.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many attempts are under way.
    pub(super) fn count(&self) -> usize {
        self.state().leases.len()
    }

    /// The leases of all of them.
    pub(super) fn leases(&self) -> Vec<Lease> {
        self.state().leases.values().cloned().collect()
    }

    /// An attempt begins at `now`, on a clock that never goes back.
    pub(super) fn begin(&self, lease: &Lease, now: Duration) {
        let mut state = self.state();
        let places = state.endpoints.entry(lease.endpoint.clone()).or_insert_with(|| Places {
            window: FIRST_WINDOW,
            began: Vec::new(),
            succeeded: None,
        });
        places.began.push((lease.token, now));
        state.leases.insert(lease.delivery, lease.clone());
    }

    /// An attempt has ended and is settled.
    pub(super) fn end(&self, lease: &Lease, is_success: bool, now: Duration) {
        let mut state = self.state();
        // The same delivery may be under way again, under a later lease: a retry can be due before this is known.
        if state.leases.get(&lease.delivery).is_some_and(|known| known.token == lease.token) {
            state.leases.remove(&lease.delivery);
        }
        let is_crowded = state.endpoints.len() > MAX_KNOWN;
        if let Some(places) = state.endpoints.get_mut(&lease.endpoint) {
            places.end(lease.token, is_success, now);
            // What an endpoint is like without an entry need not be kept.
            if places.began.is_empty() && (is_crowded || places.window == FIRST_WINDOW) {
                state.endpoints.remove(&lease.endpoint);
            }
        }
        if state.leases.is_empty() {
            drop(state);
            self.none_left.notify_waiters();
        }
    }

    /// How many more deliveries of each endpoint are wanted at `now`.
    pub(super) fn room(&self, now: Duration) -> Room {
        let state = self.state();
        let exceptions =
            state.endpoints.iter().map(|(endpoint, places)| (endpoint.clone(), places.room(now))).collect();
        Room { usual: FIRST_WINDOW, exceptions }
    }

    /// Waits until nothing is under way.
    pub(super) async fn wait_until_none(&self) {
        loop {
            let mut none_left = std::pin::pin!(self.none_left.notified());
            none_left.as_mut().enable();
            if self.count() == 0 {
                return;
            }
            none_left.await;
        }
    }
}

impl Places {
    fn end(&mut self, token: u64, is_success: bool, now: Duration) {
        let Some(index) = self.began.iter().position(|(known, _)| *known == token) else { return };
        self.began.swap_remove(index);
        if is_success {
            self.window = (self.window + 1).min(LARGEST_WINDOW);
            self.succeeded = Some(now);
        } else {
            self.window = self.window.min(FIRST_WINDOW);
        }
    }

    fn room(&self, now: Duration) -> u32 {
        let under_way = u32::try_from(self.began.len()).unwrap_or(u32::MAX);
        let is_slow = self.began.iter().any(|(_, began)| now.saturating_sub(*began) >= SLOW);
        // One that takes its time and answers is not one that hangs.
        let has_answered = self.succeeded.is_some_and(|when| now.saturating_sub(when) < ANSWERED);
        let window = if is_slow && !has_answered { self.window.min(FIRST_WINDOW) } else { self.window };
        window.saturating_sub(under_way)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::ReplicaId;

    fn lease(number: u128) -> Lease {
        Lease {
            delivery: DeliveryId::from_number(number),
            endpoint: "one".parse().unwrap(),
            replica: ReplicaId(1),
            token: u64::try_from(number).unwrap(),
        }
    }

    fn room(flights: &Flights, seconds: u64) -> u32 {
        flights.room(Duration::from_secs(seconds)).of(&"one".parse().unwrap())
    }

    #[test]
    fn successes_open_the_window_and_a_failure_closes_it() {
        let flights = Flights::default();
        for number in 0..10 {
            flights.begin(&lease(number), Duration::ZERO);
            flights.end(&lease(number), true, Duration::from_millis(10));
        }
        assert_eq!(room(&flights, 0), FIRST_WINDOW + 10);
        flights.begin(&lease(0), Duration::ZERO);
        assert_eq!(room(&flights, 0), FIRST_WINDOW + 9);
        flights.end(&lease(0), false, Duration::from_millis(10));
        assert_eq!(room(&flights, 0), FIRST_WINDOW);
    }

    #[test]
    fn an_attempt_that_hangs_keeps_the_others_few() {
        let flights = Flights::default();
        for number in 0..10 {
            flights.begin(&lease(number), Duration::ZERO);
            flights.end(&lease(number), true, Duration::from_millis(10));
        }
        for number in 0..3 {
            flights.begin(&lease(number), Duration::ZERO);
        }
        // For a while it counts as slow only.
        let rooms = [0, 2, 6].map(|seconds| room(&flights, seconds));
        assert_eq!(rooms, [FIRST_WINDOW + 7, FIRST_WINDOW + 7, 1]);
    }

    #[test]
    fn an_attempt_that_ends_late_leaves_the_next_one_to_the_same_delivery_alone() {
        let flights = Flights::default();
        let again = Lease { token: 99, ..lease(1) };
        flights.begin(&lease(1), Duration::ZERO);
        flights.begin(&again, Duration::ZERO);
        flights.end(&lease(1), true, Duration::ZERO);
        assert_eq!(flights.leases(), std::slice::from_ref(&again));
        // And each gives its place back.
        flights.end(&again, false, Duration::ZERO);
        assert_eq!((flights.count(), room(&flights, 0)), (0, FIRST_WINDOW));
    }

    #[tokio::test]
    async fn waiting_ends_with_the_last_attempt() {
        let flights = Flights::default();
        flights.wait_until_none().await;
        flights.begin(&lease(1), Duration::ZERO);
        let (waited, ()) = tokio::join!(flights.wait_until_none(), async {
            assert_eq!(flights.count(), 1);
            flights.end(&lease(1), true, Duration::ZERO);
        });
        assert_eq!((waited, flights.count()), ((), 0));
    }
}
