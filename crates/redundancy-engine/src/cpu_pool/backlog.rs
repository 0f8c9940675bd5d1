//! How long a job would wait, told by how long those before it did.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Waiting that is worth it: a caller that would wait longer is told so at once and can go elsewhere. With it those that are let in are
/// answered about as fast under any load as under a high one.
const LONGEST_WAIT: Duration = Duration::from_millis(100);
/// What is assumed of a KiB before anything was done: 30 µs.
const FIRST_PACE_NANOS: u64 = 30_000;
/// The weight of what was assumed before against what was just seen, one more being the whole.
const MEMORY: u64 = 7;

/// The texts of all jobs that wait or run.
#[derive(Debug)]
pub(super) struct Backlog {
    bytes: AtomicU64,
    /// Nanoseconds from the admission of a job to its end for each KiB that was there with it: a moving average. Whatever else keeps the workers
    /// busy is in it.
    pace: AtomicU64,
}

/// The text of one job in the backlog, until it is dropped.
#[derive(Debug)]
pub(super) struct Waiting {
    backlog: Arc<Backlog>,
    bytes: u64,
    /// All bytes that were there with it when it came.
    with_it: u64,
    since: Duration,
}

impl Default for Backlog {
    fn default() -> Self {
        Self { bytes: AtomicU64::new(0), pace: AtomicU64::new(FIRST_PACE_NANOS) }
    }
}

impl Backlog {
    /// Lets in a job over so many `bytes`, unless it would have to wait for too long. One that finds nobody there, or a worker
    /// that has nothing to do, is let in.
    pub(super) fn admit(self: &Arc<Self>, bytes: usize, is_idle: bool, now: Duration) -> Option<Waiting> {
        let bytes = bytes as u64;
        let before = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        let waiting = Waiting { backlog: Arc::clone(self), bytes, with_it: before + bytes, since: now };
        let wait = Duration::from_nanos(kib(before).saturating_mul(self.pace.load(Ordering::Relaxed)));
        (before == 0 || is_idle || wait <= LONGEST_WAIT).then_some(waiting)
    }
}

impl Waiting {
    /// Takes note of how long it took, to its end at `now`.
    pub(super) fn ended(&self, now: Duration) {
        let took = u64::try_from(now.saturating_sub(self.since).as_nanos()).unwrap_or(u64::MAX);
        let seen = took / kib(self.with_it);
        let pace = &self.backlog.pace;
        // Two that end at the same time may forget one of them.
        let before = pace.load(Ordering::Relaxed);
        pace.store((before.saturating_mul(MEMORY).saturating_add(seen)) / (MEMORY + 1), Ordering::Relaxed);
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.backlog.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Never 0.
fn kib(bytes: u64) -> u64 {
    bytes.div_ceil(1024).max(1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests stop at the first surprise")]

    use super::*;

    const TEXT: usize = 200 * 1024;

    /// Jobs come at five times the rate at which one worker does them, one after the other in 10 ms each. How long those that are let in take.
    fn overloaded(jobs: u64) -> Vec<Duration> {
        let backlog = Arc::<Backlog>::default();
        let mut queue = std::collections::VecDeque::new();
        let mut took = Vec::new();
        let mut free_at = Duration::ZERO;
        for job in 0..jobs {
            let now = Duration::from_millis(2) * u32::try_from(job).unwrap();
            while let Some((_, ends)) = queue.front().filter(|(_, ends): &&(Waiting, Duration)| *ends <= now)
            {
                let ends = *ends;
                let (waiting, _) = queue.pop_front().unwrap();
                waiting.ended(ends);
                took.push(ends.saturating_sub(waiting.since));
            }
            if let Some(waiting) = backlog.admit(TEXT, false, now) {
                free_at = free_at.max(now) + Duration::from_millis(10);
                queue.push_back((waiting, free_at));
            }
        }
        took
    }

    #[test]
    fn under_overload_those_let_in_wait_no_longer_than_is_worth_it_and_nobody_idles() {
        let took = overloaded(5_000);
        // Ten seconds, of which each is good for a hundred jobs.
        assert!((950..=1_000).contains(&took.len()), "{} jobs", took.len());
        let later = &took[100..];
        let longest = later.iter().max().unwrap();
        assert!(*longest <= Duration::from_millis(135), "{longest:?}");
    }

    #[test]
    fn a_job_that_finds_nobody_there_is_let_in_however_slow_others_were() {
        let backlog = Arc::<Backlog>::default();
        let slow = backlog.admit(1, false, Duration::ZERO).unwrap();
        slow.ended(Duration::from_secs(1_000));
        assert!(backlog.admit(1, false, Duration::ZERO).is_none(), "one is there still");
        drop(slow);
        assert!(backlog.admit(usize::MAX / 4, false, Duration::ZERO).is_some());
    }

    #[test]
    fn a_job_for_which_a_worker_is_idle_does_not_wait_for_others() {
        let backlog = Arc::<Backlog>::default();
        let _large = backlog.admit(64 << 20, true, Duration::ZERO).unwrap();
        assert!(backlog.admit(1, false, Duration::ZERO).is_none());
        assert!(backlog.admit(1, true, Duration::ZERO).is_some());
    }

    #[test]
    fn what_is_refused_or_given_up_leaves_nothing_behind() {
        let backlog = Arc::<Backlog>::default();
        let first = backlog.admit(64 << 20, false, Duration::ZERO).unwrap();
        assert!(backlog.admit(1, false, Duration::ZERO).is_none());
        drop(first);
        assert_eq!(backlog.bytes.load(Ordering::Relaxed), 0);
    }
}
