//! Deletes what is too old, in small steps, so that deliveries never wait for it.

use super::Inner;
use std::time::Duration;

/// How many deliveries are deleted in one step.
const STEP: usize = 500;
/// Between two steps, so that others get their turn.
const BETWEEN_STEPS: Duration = Duration::from_millis(50);
/// Between the end of a clean-up and the next one.
const BETWEEN_SWEEPS: Duration = Duration::from_mins(1);

impl Inner {
    /// Deletes what is older than the retention, for ever.
    pub(super) async fn sweep_again_and_again(&self) {
        loop {
            let now = self.ports.clock.now();
            let swept = self.ports.store.sweep(now.minus(self.config.retention), now, STEP).await;
            let pause = match swept {
                Ok(deleted) if deleted >= STEP => BETWEEN_STEPS,
                Ok(_) => BETWEEN_SWEEPS,
                Err(error) => {
                    tracing::debug!(%error, "cannot delete what is too old yet");
                    BETWEEN_SWEEPS
                }
            };
            tokio::time::sleep(pause).await;
        }
    }
}
