//! What each party has of something that all share, and no more than its part: so nobody leaves nothing to others.

use crate::middleware::caller::Party;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The shares of one thing, in units of it.
#[derive(Debug)]
pub(crate) struct Shares {
    /// Units that one party may have.
    most: usize,
    /// What each party has that has anything.
    taken: Mutex<HashMap<Party, usize>>,
}

/// What one party has taken for one purpose. Given back on drop.
#[derive(Debug)]
pub(crate) struct Share {
    shares: Arc<Shares>,
    party: Party,
    units: usize,
}

/// A party has as much as it may have.
#[derive(Debug)]
pub(crate) struct TooMuch;

impl Shares {
    /// Of `units` one party may have three quarters, or `least` if that is more.
    pub(crate) fn of(units: usize, least: usize) -> Arc<Self> {
        Arc::new(Self { most: (units - units / 4).max(least), taken: Mutex::default() })
    }

    /// Nothing, to be grown.
    pub(crate) fn none(self: &Arc<Self>, party: Party) -> Share {
        Share { shares: Arc::clone(self), party, units: 0 }
    }

    /// Whole after a panic as well: it is changed in one step.
    fn lock(&self) -> MutexGuard<'_, HashMap<Party, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    /// Units that were taken.
    pub(crate) const fn units(&self) -> usize {
        self.units
    }

    /// Takes `units` more, or none.
    pub(crate) fn grow(&mut self, units: usize) -> Result<(), TooMuch> {
        let mut taken = self.shares.lock();
        let has = taken.get(&self.party).copied().unwrap_or_default();
        let would_have = has.saturating_add(units);
        if would_have > self.shares.most {
            return Err(TooMuch);
        }
        if units > 0 {
            taken.insert(self.party.clone(), would_have);
            self.units += units;
        }
        Ok(())
    }

    /// Takes `units` more whatever the party has: it gets nothing else before it has given back what is over.
    pub(crate) fn owe(&mut self, units: usize) {
        let mut taken = self.shares.lock();
        let has = taken.entry(self.party.clone()).or_default();
        *has = has.saturating_add(units);
        self.units = self.units.saturating_add(units);
    }

    /// Gives back `units`, or what there is.
    pub(crate) fn shrink(&mut self, units: usize) {
        let units = units.min(self.units);
        let mut taken = self.shares.lock();
        self.units -= units;
        if let Some(has) = taken.get_mut(&self.party) {
            *has = has.saturating_sub(units);
            if *has == 0 {
                taken.remove(&self.party);
            }
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        // Most answers take nothing, and need not wait for the lock of those that do.
        if self.units > 0 {
            self.shrink(self.units);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_party_has_three_quarters_at_most_and_nothing_is_kept_of_who_has_nothing() {
        let shares = Shares::of(8, 1);
        let (mut one, mut more) = (shares.none(Party::from("one")), shares.none(Party::from("one")));
        assert!(one.grow(4).is_ok() && more.grow(2).is_ok() && more.grow(1).is_err());
        assert!(shares.none(Party::from("other")).grow(6).is_ok());
        one.shrink(1);
        assert!(more.grow(1).is_ok());
        let mut owed = shares.none(Party::from("one"));
        owed.owe(9);
        assert!(more.grow(1).is_err());
        drop(owed);
        drop((one, more));
        assert!(shares.lock().is_empty());
    }

    #[test]
    fn of_little_a_party_may_have_what_one_needs() {
        for (units, least, most) in [(1, 1, 1), (2, 1, 2), (4, 1, 3), (4, 4, 4)] {
            let shares = Shares::of(units, least);
            assert!(shares.none(Party::default()).grow(most).is_ok());
            assert!(shares.none(Party::default()).grow(most + 1).is_err());
        }
    }
}
