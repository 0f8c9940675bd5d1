//! At most so many deliveries in any stretch of time: a sliding window. Pure: the caller brings the time.

use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};

/// Parts that the window is cut into. A place becomes free when its part has left the window: at most a part later than with
/// exact times, and never too early.
const PARTS: u64 = 20;

/// At most `requests` in any `per_seconds` seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateLimit {
    /// How many, at least 1.
    pub requests: u32,
    /// In how many seconds, at least 1.
    pub per_seconds: u32,
}

/// What was let through of late: parts of the window in which something was, oldest first, with how much.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RateWindow(Vec<(u64, u32)>);

impl RateWindow {
    /// Nothing was let through.
    pub const EMPTY: Self = Self(Vec::new());

    /// Lets up to `wanted` through: gives how many, and when there is room for more if that was not all.
    pub fn admit(&mut self, limit: RateLimit, wanted: u32, now: Timestamp) -> (u32, Option<Timestamp>) {
        let part_ms = (u64::from(limit.per_seconds) * 1000 / PARTS).max(1);
        let part = now.as_millis() / part_ms;
        // A part counts until every moment of it lies a whole window back, hence the one more. Parts ahead of the clock are
        // from before it was set back, or from before the limit was changed.
        self.0.retain(|&(used, _)| used <= part && part - used <= PARTS);
        let taken: u32 = self.0.iter().map(|&(_, count)| count).fold(0, u32::saturating_add);
        let granted = wanted.min(limit.requests.saturating_sub(taken));
        if granted > 0 {
            match self.0.last_mut() {
                Some((last, count)) if *last == part => *count += granted,
                _ => self.0.push((part, granted)),
            }
        }
        let free_at =
            self.0.first().map(|&(oldest, _)| Timestamp::from_millis((oldest + PARTS + 1) * part_ms));
        (granted, if granted < wanted { free_at } else { None })
    }

    /// Gives back what was let through and then not used.
    pub fn give_back(&mut self, unused: u32) {
        if let Some((_, count)) = self.0.last_mut() {
            *count = count.saturating_sub(unused);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn a_burst_goes_through_and_the_rest_waits_for_the_window() {
        let limit = RateLimit { requests: 5, per_seconds: 1 };
        let mut window = RateWindow::default();
        assert_eq!(window.admit(limit, 8, at(10_000)), (5, Some(at(11_050))));
        assert_eq!(window.admit(limit, 3, at(11_049)).0, 0);
        assert_eq!(window.admit(limit, 3, at(11_050)), (3, None));
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let limit = RateLimit { requests: 2, per_seconds: 10 };
        let mut window = RateWindow::default();
        assert_eq!(window.admit(limit, 2, at(0)).0, 2);
        window.give_back(1);
        assert_eq!(window.admit(limit, 2, at(1)).0, 1);
    }

    proptest! {
        #[test]
        fn no_stretch_of_the_windows_length_holds_more_than_the_limit(
            requests in 1u32..20, per_seconds in 1u32..5,
            asked in prop::collection::vec((0u64..700, 1u32..6), 1..200),
        ) {
            let limit = RateLimit { requests, per_seconds };
            let (mut window, mut now, mut through) = (RateWindow::default(), 5_000_000u64, Vec::new());
            for (pause, wanted) in asked {
                now += pause;
                let (granted, free_at) = window.admit(limit, wanted, at(now));
                through.extend(std::iter::repeat_n(now, granted as usize));
                prop_assert_eq!(free_at.is_some(), granted < wanted);
                prop_assert!(free_at.is_none_or(|free_at| free_at > at(now)));
            }
            let length = u64::from(per_seconds) * 1000;
            for (index, &first) in through.iter().enumerate() {
                let within = through[index..].iter().take_while(|&&moment| moment < first + length).count();
                prop_assert!(within <= requests as usize);
            }
        }
    }
}
