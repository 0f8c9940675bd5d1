//! Keeps calls apart whose cost hardly grows with what they carry: while there is much to do, the next one waits for a moment in
//! which more comes together. On an idle store nothing waits.

use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, sleep_until};

/// How long that moment is: a fraction of what calls take then.
const GATHER_FOR: Duration = Duration::from_millis(2);

/// Calls of one kind, one after the other.
pub(super) struct Gathering(Mutex<Option<Instant>>);

/// One call. The next one begins when this is dropped, or a moment later.
pub(super) struct Turn<'g>(MutexGuard<'g, Option<Instant>>);

impl Gathering {
    pub(super) const fn new() -> Self {
        Self(Mutex::const_new(None))
    }

    /// Waits for the turn.
    pub(super) async fn turn(&self) -> Turn<'_> {
        let mut not_before = self.0.lock().await;
        if let Some(not_before) = not_before.take() {
            sleep_until(not_before).await;
        }
        Turn(not_before)
    }
}

impl Turn<'_> {
    /// Ends it; there is more to do if `is_busy`.
    pub(super) fn end(mut self, is_busy: bool) {
        *self.0 = is_busy.then(|| Instant::now() + GATHER_FOR);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_what_follows_a_busy_call_waits() {
        let gathering = Gathering::new();
        for (was_busy, waits) in [(false, false), (true, false), (true, true), (false, true), (false, false)]
        {
            let began = Instant::now();
            let turn = gathering.turn().await;
            assert_eq!(!began.elapsed().is_zero(), waits);
            turn.end(was_busy);
        }
        // Nor what comes later anyway.
        gathering.turn().await.end(true);
        tokio::time::advance(GATHER_FOR).await;
        let began = Instant::now();
        gathering.turn().await.end(false);
        assert!(began.elapsed().is_zero());
    }
}
