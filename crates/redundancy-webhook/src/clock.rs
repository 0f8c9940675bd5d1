//! What delivery needs from the world beside a store and a network: the time, and random numbers. Adapters implement these.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A point in time, in milliseconds since the Unix epoch (UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The point `millis` milliseconds after the Unix epoch.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the Unix epoch.
    #[must_use]
    pub const fn as_seconds(self) -> u64 {
        self.0 / 1000
    }

    /// The point `duration` later; the end of time when there is no such point.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
    }

    /// The point `duration` earlier; the epoch when there is no such point.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
    }

    /// How long ago `earlier` was; zero when it was not earlier.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// Reads a date and time by RFC 3339, such as `2026-01-02T03:04:05.678Z`. What is finer than a millisecond is cut off;
    /// `None` also for times before 1970.
    #[must_use]
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        u64::try_from(moment.unix_timestamp_nanos() / 1_000_000).ok().map(Self)
    }
}

impl fmt::Display for Timestamp {
    /// By RFC 3339, in UTC and with milliseconds: `2026-01-02T03:04:05.678Z`. Times after the year 9999 are shown as its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const END_OF_9999: i64 = 253_402_300_799;
        let seconds = i64::try_from(self.as_seconds()).unwrap_or(END_OF_9999).min(END_OF_9999);
        let moment = OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| fmt::Error)?;
        let (date, (hour, minute, second)) = (moment.date(), moment.to_hms());
        let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
        let millis = self.0 % 1000;
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
    }
}

/// Tells the time. The only source of time in the product.
pub trait Clock: Send + Sync {
    /// The time of day, for people and other machines. It may jump.
    fn now(&self) -> Timestamp;

    /// Time since some fixed moment, for measuring. It never goes backwards.
    fn monotonic(&self) -> Duration;
}

/// Gives random numbers for identifiers, secrets and jitter.
pub trait IdSource: Send + Sync {
    /// 128 bits that nobody can guess.
    fn random_128(&self) -> u128;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_time_is_shown_by_rfc_3339_with_milliseconds() {
        assert_eq!(Timestamp::from_millis(1_767_323_045_678).to_string(), "2026-01-02T03:04:05.678Z");
        assert_eq!(Timestamp::from_millis(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert!(Timestamp::from_millis(u64::MAX).to_string().starts_with("9999-12-31T23:59:59."));
    }

    #[test]
    fn other_offsets_are_read_and_what_is_no_time_is_not() {
        let moment = Timestamp::from_millis(1_767_323_045_678);
        assert_eq!(Timestamp::from_rfc3339("2026-01-02T04:04:05.678901+01:00"), Some(moment));
        for text in ["", "2026-01-02", "1969-12-31T23:59:59Z", "yesterday", "2026-13-02T03:04:05Z"] {
            assert_eq!(Timestamp::from_rfc3339(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_time_reads_back_from_what_it_shows(millis in 0u64..253_402_300_799_999) {
            let moment = Timestamp::from_millis(millis);
            prop_assert_eq!(Timestamp::from_rfc3339(&moment.to_string()), Some(moment));
        }
    }
}
