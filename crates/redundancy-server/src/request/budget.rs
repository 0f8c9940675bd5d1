//! Bounds the memory that the bodies of all requests, and long answers that clients have not taken yet, take together. The cap on a single
//! body is no such bound: a few hundred compressed bytes unpack to the cap, and a client can hold as many of them as it may open connections.
//! One party gets no more than three quarters of it, so that bodies that it holds and does not end leave room for those of others; and an
//! eighth is left to short bodies, so that however many hold long ones, what is asked in few words is answered.

use crate::error::ApiError;
use crate::middleware::caller::Party;
use crate::shares::{Share, Shares};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Unit in which memory is counted, so that budgets beyond 4 GiB can be taken in one piece.
const UNIT_BYTES: usize = 1024;
/// A body up to so many units is a short one: as much as the first growth of any.
const SHORT_UNITS: usize = 64;

/// The memory there is for bodies.
#[derive(Debug)]
pub(crate) struct BodyBudget {
    units: usize,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    free_units: Arc<Semaphore>,
    shares: Arc<Shares>,
    /// Units that only short bodies may take.
    for_short: usize,
    /// Pieces of memory that were refused.
    refused: AtomicU64,
}

/// A [`BodyBudget`] has not that much left.
#[derive(Debug)]
pub(crate) struct NoRoom;

/// What one body has taken of a [`BodyBudget`]. Given back on drop.
#[derive(Debug)]
pub(crate) struct Reserved {
    shared: Arc<Shared>,
    share: Share,
    held: Option<OwnedSemaphorePermit>,
}

impl From<NoRoom> for ApiError {
    /// For the body of a request, whose other bytes are left unread.
    fn from(NoRoom: NoRoom) -> Self {
        Self::no_room_for_body()
    }
}

impl BodyBudget {
    /// A budget of `bytes`, rounded up to whole KiB. A party may have `longest` of them in any case.
    pub(crate) fn new(bytes: usize, longest: usize) -> Self {
        let units = bytes.div_ceil(UNIT_BYTES).min(Semaphore::MAX_PERMITS);
        let longest = longest.div_ceil(UNIT_BYTES);
        let shared = Shared {
            free_units: Arc::new(Semaphore::new(units)),
            shares: Shares::of(units, longest),
            for_short: units.saturating_sub(longest) / 8,
            refused: AtomicU64::new(0),
        };
        Self { units, shared: Arc::new(shared) }
    }

    /// Bytes that bodies may take in all.
    pub(crate) fn limit_bytes(&self) -> usize {
        self.units * UNIT_BYTES
    }

    /// Bytes that bodies take now.
    pub(crate) fn held_bytes(&self) -> usize {
        self.units.saturating_sub(self.shared.free_units.available_permits()) * UNIT_BYTES
    }

    /// How often there was no room.
    pub(crate) fn refused(&self) -> u64 {
        self.shared.refused.load(Ordering::Relaxed)
    }

    /// A reservation of nothing, to be grown.
    pub(crate) fn reserve(&self, party: Party) -> Reserved {
        Reserved { share: self.shared.shares.none(party), shared: Arc::clone(&self.shared), held: None }
    }
}

impl Reserved {
    /// Takes `bytes` more, rounded up to whole KiB. Never waits: requests that each hold a part of what the others need would
    /// wait for one another.
    ///
    /// # Errors
    ///
    /// When the budget, or the party's share of it, has not that much left. What was taken before stays taken.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), NoRoom> {
        let units = bytes.div_ceil(UNIT_BYTES);
        let Some(more) = self.take(units) else {
            self.shared.refused.fetch_add(1, Ordering::Relaxed);
            return Err(NoRoom);
        };
        match &mut self.held {
            Some(held) => held.merge(more),
            None => self.held = Some(more),
        }
        Ok(())
    }

    /// Counts `bytes` to the party's share whatever it has, and takes nothing: for what cannot be refused.
    pub(crate) fn owe(&mut self, bytes: usize) {
        self.share.owe(bytes.div_ceil(UNIT_BYTES));
    }

    /// Takes as much as is missing to `bytes` in all, rounded up to whole KiB.
    ///
    /// # Errors
    ///
    /// As [`Reserved::grow`].
    pub(super) fn grow_to(&mut self, bytes: usize) -> Result<(), NoRoom> {
        match bytes.div_ceil(UNIT_BYTES).saturating_sub(self.share.units()) {
            0 => Ok(()),
            more => self.grow(more * UNIT_BYTES),
        }
    }

    /// Gives back all but `bytes`, rounded up to whole KiB.
    pub(super) fn shrink_to(&mut self, bytes: usize) {
        if let Some(held) = &mut self.held {
            let excess = held.num_permits().saturating_sub(bytes.div_ceil(UNIT_BYTES));
            drop(held.split(excess));
            self.share.shrink(excess);
        }
    }

    fn take(&mut self, units: usize) -> Option<OwnedSemaphorePermit> {
        self.share.grow(units).ok()?;
        let free = &self.shared.free_units;
        let taken =
            u32::try_from(units).ok().and_then(|units| Arc::clone(free).try_acquire_many_owned(units).ok());
        let is_short = self.share.units() <= SHORT_UNITS;
        // Looked at when they are taken: of two that come at the same time, neither takes what is left to short ones.
        let taken = taken.filter(|_| is_short || free.available_permits() >= self.shared.for_short);
        if taken.is_none() {
            self.share.shrink(units);
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_is_given_back() {
        let budget = BodyBudget::new(3 * UNIT_BYTES, 3 * UNIT_BYTES);
        let mut first = budget.reserve(Party::default());
        assert!(first.grow(1).is_ok() && first.grow(UNIT_BYTES).is_ok());
        let mut second = budget.reserve(Party::default());
        assert!(second.grow(UNIT_BYTES + 1).is_err());
        assert_eq!((budget.held_bytes(), budget.limit_bytes()), (2 * UNIT_BYTES, 3 * UNIT_BYTES));
        assert_eq!(budget.refused(), 1);
        first.shrink_to(UNIT_BYTES);
        assert!(second.grow(2 * UNIT_BYTES).is_ok());
        drop((first, second));
        let mut second = budget.reserve(Party::default());
        assert!(second.grow(3 * UNIT_BYTES).is_ok());
        assert!(second.grow(1).is_err());
    }

    #[test]
    fn one_caller_leaves_a_quarter_to_others() {
        let budget = BodyBudget::new(8 * UNIT_BYTES, UNIT_BYTES);
        let [one, other] = ["one", "other"].map(Party::from);
        let mut held: Vec<Reserved> = (0..6).map(|_| budget.reserve(one.clone())).collect();
        assert!(held.iter_mut().all(|body| body.grow(UNIT_BYTES).is_ok()));
        assert!(budget.reserve(one.clone()).grow(1).is_err());
        let mut of_other = budget.reserve(other);
        assert!(of_other.grow(2 * UNIT_BYTES).is_ok() && of_other.grow(1).is_err());
        drop(held);
        assert!(budget.reserve(one).grow(6 * UNIT_BYTES).is_ok());
    }

    #[test]
    fn short_bodies_have_room_however_many_hold_long_ones() {
        let budget = BodyBudget::new(8 * 1024 * UNIT_BYTES, 0);
        let mut long: Vec<Reserved> =
            (0..16).map(|n| budget.reserve(Party::from(n.to_string().as_str()))).collect();
        let held = long.iter_mut().filter_map(|body| body.grow(512 * UNIT_BYTES).ok()).count();
        assert_eq!(held, 14);
        let mut late = budget.reserve(Party::from("late"));
        assert!(late.grow(SHORT_UNITS * UNIT_BYTES).is_ok());
        assert!(late.grow(UNIT_BYTES).is_err());
        assert_eq!(budget.held_bytes(), (14 * 512 + SHORT_UNITS) * UNIT_BYTES);
    }
}
