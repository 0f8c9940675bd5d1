//! Bounds the memory that the bodies of all requests, and long answers that clients have not taken yet, take together. The cap on a single body is no such bound: a few hundred
//! compressed bytes unpack to the cap, and a client can hold as many of them as it may open connections. One caller gets no more than three
//! quarters of it, so that bodies that it holds and does not end leave room for those of others.

use crate::error::ApiError;
use crate::middleware::caller::CallerName;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Unit in which memory is counted, so that budgets beyond 4 GiB can be taken in one piece.
const UNIT_BYTES: usize = 1024;

/// The memory there is for bodies.
#[derive(Debug)]
pub(crate) struct BodyBudget {
    units: usize,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    free_units: Arc<Semaphore>,
    /// Units that one caller may have.
    share: usize,
    /// What each caller has that has anything.
    taken: Mutex<HashMap<CallerName, usize>>,
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
    caller: CallerName,
    held: Option<OwnedSemaphorePermit>,
}

impl From<NoRoom> for ApiError {
    /// For the body of a request, whose other bytes are left unread.
    fn from(NoRoom: NoRoom) -> Self {
        Self::no_room_for_body()
    }
}

impl BodyBudget {
    /// A budget of `bytes`, rounded up to whole KiB. A caller may have `longest` of them in any case.
    pub(crate) fn new(bytes: usize, longest: usize) -> Self {
        let units = bytes.div_ceil(UNIT_BYTES).min(Semaphore::MAX_PERMITS);
        let shared = Shared {
            free_units: Arc::new(Semaphore::new(units)),
            share: (units / 4 * 3).max(longest.div_ceil(UNIT_BYTES)),
            taken: Mutex::default(),
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
    pub(crate) fn reserve(&self, caller: CallerName) -> Reserved {
        Reserved { shared: Arc::clone(&self.shared), caller, held: None }
    }
}

impl Reserved {
    /// Takes `bytes` more, rounded up to whole KiB. Never waits: requests that each hold a part of what the others need would
    /// wait for one another.
    ///
    /// # Errors
    ///
    /// When the budget, or the caller's share of it, has not that much left. What was taken before stays taken.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), NoRoom> {
        let units = u32::try_from(bytes.div_ceil(UNIT_BYTES)).ok();
        let Some(more) = units.and_then(|units| self.shared.take(&self.caller, units)) else {
            self.shared.refused.fetch_add(1, Ordering::Relaxed);
            return Err(NoRoom);
        };
        match &mut self.held {
            Some(held) => held.merge(more),
            None => self.held = Some(more),
        }
        Ok(())
    }

    /// Takes as much as is missing to `bytes` in all, rounded up to whole KiB.
    ///
    /// # Errors
    ///
    /// As [`Reserved::grow`].
    pub(super) fn grow_to(&mut self, bytes: usize) -> Result<(), NoRoom> {
        let held = self.held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        match bytes.div_ceil(UNIT_BYTES).saturating_sub(held) {
            0 => Ok(()),
            more => self.grow(more * UNIT_BYTES),
        }
    }

    /// Gives back all but `bytes`, rounded up to whole KiB.
    pub(super) fn shrink_to(&mut self, bytes: usize) {
        if let Some(held) = &mut self.held {
            let excess = held.num_permits().saturating_sub(bytes.div_ceil(UNIT_BYTES));
            drop(held.split(excess));
            self.shared.give_back(&self.caller, excess);
        }
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        let held = self.held.take().map_or(0, |held| held.num_permits());
        self.shared.give_back(&self.caller, held);
    }
}

impl Shared {
    fn take(&self, caller: &CallerName, units: u32) -> Option<OwnedSemaphorePermit> {
        let mut taken = self.lock();
        let has = taken.get(caller).copied().unwrap_or_default();
        if has + units as usize > self.share {
            return None;
        }
        let more = Arc::clone(&self.free_units).try_acquire_many_owned(units).ok()?;
        taken.insert(caller.clone(), has + units as usize);
        Some(more)
    }

    fn give_back(&self, caller: &CallerName, units: usize) {
        let mut taken = self.lock();
        if let Some(has) = taken.get_mut(caller) {
            *has = has.saturating_sub(units);
            if *has == 0 {
                taken.remove(caller);
            }
        }
    }

    /// Whole after a panic as well: it is changed in one step.
    fn lock(&self) -> MutexGuard<'_, HashMap<CallerName, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_is_given_back() {
        let budget = BodyBudget::new(3 * UNIT_BYTES, 3 * UNIT_BYTES);
        let mut first = budget.reserve(CallerName::default());
        assert!(first.grow(1).is_ok() && first.grow(UNIT_BYTES).is_ok());
        let mut second = budget.reserve(CallerName::default());
        assert!(second.grow(UNIT_BYTES + 1).is_err());
        assert_eq!((budget.held_bytes(), budget.limit_bytes()), (2 * UNIT_BYTES, 3 * UNIT_BYTES));
        assert_eq!(budget.refused(), 1);
        first.shrink_to(UNIT_BYTES);
        assert!(second.grow(2 * UNIT_BYTES).is_ok());
        drop((first, second));
        let mut second = budget.reserve(CallerName::default());
        assert!(second.grow(3 * UNIT_BYTES).is_ok());
        assert!(second.grow(1).is_err());
    }

    #[test]
    fn one_caller_leaves_a_quarter_to_others() {
        let budget = BodyBudget::new(8 * UNIT_BYTES, UNIT_BYTES);
        let [one, other] = ["one", "other"].map(CallerName::from);
        let mut held: Vec<Reserved> = (0..6).map(|_| budget.reserve(one.clone())).collect();
        assert!(held.iter_mut().all(|body| body.grow(UNIT_BYTES).is_ok()));
        assert!(budget.reserve(one.clone()).grow(1).is_err());
        let mut of_other = budget.reserve(other);
        assert!(of_other.grow(2 * UNIT_BYTES).is_ok() && of_other.grow(1).is_err());
        drop(held);
        assert!(budget.reserve(one).grow(6 * UNIT_BYTES).is_ok());
        drop(of_other);
        assert!(budget.shared.lock().is_empty());
    }
}
