//! What happened to each event, and when: written by the driver and the receiver without locks, read at the end.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::spread::Spread;

/// One line for each event. Times are nanoseconds since the start, plus one; 0 is never.
pub(super) struct Ledger {
    started: Instant,
    events: Vec<Times>,
    accepted: AtomicUsize,
    arrived: AtomicUsize,
    repeated: AtomicUsize,
}

/// When which step happened to an event.
#[derive(Default)]
struct Times {
    sent: AtomicU64,
    accepted: AtomicU64,
    arrived: AtomicU64,
    again: AtomicU64,
}

impl Ledger {
    /// A ledger for the events `0..size`.
    pub(super) fn new(size: usize) -> Self {
        let mut events = Vec::new();
        events.resize_with(size, Times::default);
        Self {
            started: Instant::now(),
            events,
            accepted: AtomicUsize::default(),
            arrived: AtomicUsize::default(),
            repeated: AtomicUsize::default(),
        }
    }

    /// How long the ledger has been kept.
    pub(super) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// The event is sent, or should have been, at `when`.
    pub(super) fn sent(&self, event: usize, when: Duration) {
        if let Some(times) = self.events.get(event) {
            times.sent.store(stamp(when), Ordering::Relaxed);
        }
    }

    /// The service has answered that it has the event.
    pub(super) fn accepted(&self, event: usize) {
        if let Some(times) = self.events.get(event) {
            times.accepted.store(stamp(self.now()), Ordering::Relaxed);
            self.accepted.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The event has come to the receiver. Gives whether it is the first time.
    pub(super) fn arrived(&self, event: usize) -> bool {
        let now = stamp(self.now());
        let Some(times) = self.events.get(event) else {
            return false;
        };
        if times.arrived.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            self.arrived.fetch_add(1, Ordering::Relaxed);
            return true;
        }
        let _ = times.again.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
        self.repeated.fetch_add(1, Ordering::Relaxed);
        false
    }

    /// How many events were accepted.
    pub(super) fn count_accepted(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }

    /// How many events have arrived.
    pub(super) fn count_arrived(&self) -> usize {
        self.arrived.load(Ordering::Relaxed)
    }

    /// How often an event has come that was there already.
    pub(super) fn count_repeated(&self) -> usize {
        self.repeated.load(Ordering::Relaxed)
    }

    /// How many of `events` were accepted and have not arrived.
    pub(super) fn missing(&self, events: Range<usize>) -> usize {
        let of = self.events.get(events).unwrap_or_default();
        of.iter().filter(|times| time(&times.accepted).is_some() && time(&times.arrived).is_none()).count()
    }

    /// When the last of `events` was accepted.
    pub(super) fn last_accepted(&self, events: Range<usize>) -> Option<Duration> {
        self.events.get(events)?.iter().filter_map(|times| time(&times.accepted)).max()
    }

    /// When the last of `events` arrived.
    pub(super) fn last_arrived(&self, events: Range<usize>) -> Option<Duration> {
        self.events.get(events)?.iter().filter_map(|times| time(&times.arrived)).max()
    }

    /// When the last one arrived of those that had been accepted before `when`.
    pub(super) fn last_arrived_of_accepted_before(&self, when: Duration) -> Option<Duration> {
        let before = |times: &&Times| time(&times.accepted).is_some_and(|accepted| accepted < when);
        self.events.iter().filter(before).filter_map(|times| time(&times.arrived)).max()
    }

    /// How long events took to arrive, of those that `chosen` says.
    pub(super) fn latencies(&self, chosen: impl Fn(usize) -> bool) -> Spread {
        self.between(|times| &times.sent, |times| &times.arrived, chosen)
    }

    /// How long events took to be accepted.
    pub(super) fn accept_latencies(&self) -> Spread {
        self.between(|times| &times.sent, |times| &times.accepted, |_| true)
    }

    /// How long after its first arrival each event came again.
    pub(super) fn repeats(&self) -> Spread {
        self.between(|times| &times.arrived, |times| &times.again, |_| true)
    }

    fn between(
        &self,
        from: impl Fn(&Times) -> &AtomicU64,
        to: impl Fn(&Times) -> &AtomicU64,
        chosen: impl Fn(usize) -> bool,
    ) -> Spread {
        let chosen = self.events.iter().enumerate().filter(|(event, _)| chosen(*event));
        chosen.filter_map(|(_, times)| Some(time(to(times))?.saturating_sub(time(from(times))?))).collect()
    }
}

fn stamp(when: Duration) -> u64 {
    u64::try_from(when.as_nanos()).unwrap_or(u64::MAX - 1).saturating_add(1)
}

fn time(stamp: &AtomicU64) -> Option<Duration> {
    stamp.load(Ordering::Relaxed).checked_sub(1).map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_accepted_and_never_came_is_missing_and_what_came_twice_is_repeated() {
        let ledger = Ledger::new(3);
        for event in [0, 1] {
            ledger.accepted(event);
        }
        assert!(ledger.arrived(0) && !ledger.arrived(0));
        // It came although nobody was told that it was accepted: no loss.
        assert!(ledger.arrived(2));
        assert_eq!((ledger.missing(0..3), ledger.count_repeated(), ledger.count_arrived()), (1, 1, 2));
        assert_eq!(ledger.repeats().count(), 1);
    }

    #[test]
    fn latency_counts_from_when_an_event_should_have_been_sent() {
        let ledger = Ledger::new(1);
        std::thread::sleep(Duration::from_millis(2));
        ledger.sent(0, Duration::ZERO);
        ledger.arrived(0);
        assert!(ledger.latencies(|_| true).at(100) >= Some(Duration::from_millis(2)));
    }
}
