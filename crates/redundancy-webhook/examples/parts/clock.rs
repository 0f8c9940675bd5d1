//! The time, for the examples: delivery reads it through a port, so that tests can bring their own.

use redundancy_webhook::clock::{Clock, Timestamp};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The clock of the operating system.
pub(crate) struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// A clock whose measured time begins now.
    pub(crate) fn new() -> Self {
        Self { started: Instant::now() }
    }
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "an example is a program of its own, and this is its clock"
    )]
    fn now(&self) -> Timestamp {
        // A clock set before 1970 counts as 1970.
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}
