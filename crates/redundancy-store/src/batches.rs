//! What the stores of batches have in common.

use redundancy_engine::StoreError;
use std::time::Duration;

/// How long items wait for their batch to be accepted.
pub(crate) const KEEP_UNACCEPTED: Duration = Duration::from_hours(1);

/// Why items or a batch cannot follow those that came before.
pub(crate) fn forgotten() -> StoreError {
    StoreError::Unavailable("items of the batch were forgotten".to_owned())
}

/// Room for parts of no more than so many bytes together, and for one in any case.
pub(crate) struct Room {
    max_bytes: usize,
    taken: Option<usize>,
}

impl Room {
    pub(crate) const fn of(max_bytes: usize) -> Self {
        Self { max_bytes, taken: None }
    }

    /// Takes one more part, if there is room for it.
    pub(crate) fn takes(&mut self, bytes: usize) -> bool {
        let taken = self.taken.unwrap_or_default().saturating_add(bytes);
        let fits = self.taken.is_none() || taken <= self.max_bytes;
        self.taken = Some(taken);
        fits
    }
}
