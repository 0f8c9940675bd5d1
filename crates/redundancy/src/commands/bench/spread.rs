//! How times are spread: percentiles by the nearest rank.

use std::time::Duration;

/// Times in order.
#[derive(Debug)]
pub(super) struct Spread(Vec<Duration>);

impl FromIterator<Duration> for Spread {
    fn from_iter<I: IntoIterator<Item = Duration>>(times: I) -> Self {
        let mut times: Vec<_> = times.into_iter().collect();
        times.sort_unstable();
        Self(times)
    }
}

impl Spread {
    /// How many times there are.
    pub(super) const fn count(&self) -> usize {
        self.0.len()
    }

    /// The time that `percent` of them do not exceed; `None` if there are none.
    pub(super) fn at(&self, percent: usize) -> Option<Duration> {
        let rank = (self.0.len() * percent).div_ceil(100).max(1);
        self.0.get(rank - 1).copied()
    }

    /// Each time less `due`, and nothing if it was earlier.
    pub(super) fn beyond(self, due: Duration) -> Self {
        Self(self.0.into_iter().map(|time| time.saturating_sub(due)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_occurred() {
        let spread: Spread = (1..=200).rev().map(Duration::from_millis).collect();
        let at = |percent| spread.at(percent).map(|time| time.as_millis());
        assert_eq!([0, 50, 99, 100].map(at), [Some(1), Some(100), Some(198), Some(200)]);
        assert_eq!(Spread::from_iter([]).at(50), None);
        assert_eq!(Spread::from_iter([Duration::from_secs(1)]).at(99), Some(Duration::from_secs(1)));
    }
}
