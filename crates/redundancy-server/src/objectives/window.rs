//! Counts what was kept and what was missed, since the start and in a window that moves with the time.
//!
//! Counting touches two atomic numbers. Once an hour what they are is laid aside: the window is what they have gained since the
//! oldest of those that are young enough, so its memory is bounded and its length exact to the hour.

use redundancy_engine::Timestamp;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How far a window reaches back: the hour that goes on, and those before it.
pub(crate) const LENGTH: Duration = Duration::from_hours(30 * 24);
const HOUR_MS: u64 = 60 * 60 * 1000;
const LENGTH_HOURS: u64 = LENGTH.as_secs() / 3600;

/// What was counted, and how much of it missed its objective.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    /// All of it.
    pub(crate) counted: u64,
    /// What was missed of it.
    pub(crate) missed: u64,
}

/// Counts of one objective.
#[derive(Debug, Default)]
pub(crate) struct Window {
    counted: AtomicU64,
    missed: AtomicU64,
    /// The number of the hour that the last of `marks` is of.
    hour: AtomicU64,
    /// What the counts were when something was first counted in an hour, oldest first; of each hour in the window in which
    /// something was.
    marks: Mutex<VecDeque<Mark>>,
}

#[derive(Debug, Clone, Copy)]
struct Mark {
    hour: u64,
    kept: Kept,
}

impl Kept {
    /// The share that was kept, 0 to 1; `None` when nothing was counted.
    pub(crate) fn share(self) -> Option<f64> {
        (self.counted > 0).then(|| 1.0 - self.missed as f64 / self.counted as f64)
    }

    /// The share that is left of what may be missed when `objective` is promised: 1 when nothing was missed, 0 when as much as may
    /// be, less than 0 when more.
    pub(crate) fn budget_left(self, objective: f64) -> f64 {
        self.share().map_or(1.0, |share| 1.0 - (1.0 - share) / (1.0 - objective))
    }
}

impl Window {
    /// Counts something that happened at `now`.
    pub(crate) fn count(&self, is_kept: bool, now: Timestamp) {
        let hour = hour_of(now);
        if self.hour.load(Ordering::Relaxed) < hour {
            self.turn(hour);
        }
        self.counted.fetch_add(1, Ordering::Relaxed);
        if !is_kept {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What was counted since the start.
    pub(crate) fn since_start(&self) -> Kept {
        // In this order, so that nothing is missed that is not counted yet.
        let missed = self.missed.load(Ordering::Relaxed);
        Kept { missed, counted: self.counted.load(Ordering::Relaxed) }
    }

    /// What was counted in the window that ends at `now`.
    pub(crate) fn in_window(&self, now: Timestamp) -> Kept {
        let first = first_hour(hour_of(now));
        let all = self.since_start();
        let marks = self.marks();
        // Between marks, hours passed in which nothing was counted.
        let before = marks.iter().find(|mark| mark.hour >= first).map_or(all, |mark| mark.kept);
        Kept {
            counted: all.counted.saturating_sub(before.counted),
            missed: all.missed.saturating_sub(before.missed),
        }
    }

    /// Begins an hour.
    fn turn(&self, hour: u64) {
        let mut marks = self.marks();
        if self.hour.load(Ordering::Relaxed) >= hour {
            return;
        }
        marks.push_back(Mark { hour, kept: self.since_start() });
        while marks.front().is_some_and(|oldest| oldest.hour < first_hour(hour)) {
            marks.pop_front();
        }
        self.hour.store(hour, Ordering::Relaxed);
    }

    /// Nothing under this lock can panic halfway.
    fn marks(&self) -> MutexGuard<'_, VecDeque<Mark>> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counted from 1: 0 is before all hours.
fn hour_of(now: Timestamp) -> u64 {
    now.as_millis() / HOUR_MS + 1
}

/// The first hour of a window in whose last hour it is `hour`.
fn first_hour(hour: u64) -> u64 {
    (hour + 1).saturating_sub(LENGTH_HOURS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: u64) -> Timestamp {
        Timestamp::from_millis(hour * HOUR_MS + 1)
    }

    #[test]
    fn what_is_older_than_the_window_is_left_out_of_it_and_stays_in_the_whole() {
        let window = Window::default();
        for hour in [1000, 1001, 1002] {
            window.count(hour != 1001, at(hour));
        }
        assert_eq!(window.in_window(at(1002)), Kept { counted: 3, missed: 1 });
        let last = 1001 + LENGTH_HOURS - 1;
        assert_eq!(window.in_window(at(last)), Kept { counted: 2, missed: 1 });
        assert_eq!(window.in_window(at(last + 1)), Kept { counted: 1, missed: 0 });
        assert_eq!(window.in_window(at(last + 2)), Kept::default());
        assert_eq!(window.since_start(), Kept { counted: 3, missed: 1 });
    }

    #[test]
    fn its_memory_is_bounded_and_it_counts_as_a_list_of_everything_would() {
        let window = Window::default();
        let mut all: Vec<(u64, bool)> = Vec::new();
        for step in 0..1500u64 {
            // Hours with much, with little and with nothing.
            let hour = 500 + step * step / 1501;
            let is_kept = step % 7 != 0;
            window.count(is_kept, at(hour));
            all.push((hour, is_kept));
            let within: Vec<bool> = all
                .iter()
                .filter(|(then, _)| then + LENGTH_HOURS > hour)
                .map(|(_, is_kept)| *is_kept)
                .collect();
            let missed = within.iter().filter(|is_kept| !**is_kept).count() as u64;
            assert_eq!(window.in_window(at(hour)), Kept { counted: within.len() as u64, missed });
        }
        assert!(window.marks().len() as u64 <= LENGTH_HOURS);
    }

    #[test]
    fn a_clock_that_is_set_back_loses_nothing() {
        let window = Window::default();
        window.count(true, at(2000));
        window.count(false, at(1999));
        assert_eq!(window.in_window(at(2000)), Kept { counted: 2, missed: 1 });
    }

    #[test]
    fn the_budget_is_whole_at_first_and_overdrawn_when_more_is_missed_than_may_be() {
        let left = |counted, missed| Kept { counted, missed }.budget_left(0.99);
        assert!((left(0, 0) - 1.0).abs() < 1e-9);
        assert!((left(1000, 0) - 1.0).abs() < 1e-9);
        assert!((left(1000, 5) - 0.5).abs() < 1e-9);
        assert!(left(1000, 10).abs() < 1e-9);
        assert!((left(1000, 30) + 2.0).abs() < 1e-9);
        assert_eq!(Kept { counted: 0, missed: 0 }.share(), None);
    }
}
