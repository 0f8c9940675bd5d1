//! What a store in a folder is opened with by tests that give it every time themselves.

use redundancy_webhook::clock::{Clock, IdSource, Timestamp};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Stores take every time from the call, but for what they measure.
pub(crate) struct NoTime;

impl Clock for NoTime {
    fn now(&self) -> Timestamp {
        Timestamp::default()
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

/// Numbers that are not random and differ.
#[derive(Default)]
pub(crate) struct Counted(AtomicU64);

impl IdSource for Counted {
    fn random_128(&self) -> u128 {
        u128::from(self.0.fetch_add(1, Ordering::Relaxed)) << 64 | 7
    }
}
