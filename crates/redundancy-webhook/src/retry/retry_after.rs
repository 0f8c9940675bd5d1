//! The header `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date in any of the three forms of HTTP.

use crate::clock::Timestamp;
use std::time::Duration;
use time::PrimitiveDateTime;
use time::format_description::FormatItem;
use time::macros::format_description;

/// `Sun, 06 Nov 1994 08:49:37 GMT`, the form that is sent today.
const IMF_FIXDATE: &[FormatItem<'_>] =
    format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");
/// `Sun Nov  6 08:49:37 1994`, as `asctime` of C writes it.
const ASCTIME: &[FormatItem<'_>] = format_description!(
    "[weekday repr:short] [month repr:short] [day padding:space] [hour]:[minute]:[second] [year]"
);
/// Longer values are none of the forms.
const MAX_BYTES: usize = 64;

/// How long to wait by the value of `Retry-After` that came at `now`; `None` when it says nothing that can be understood. A
/// date in the past is no wait. Of the obsolete forms of dates, that of RFC 850 is not read: its year has two digits.
#[must_use]
pub fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if value.is_empty() || value.len() > MAX_BYTES {
        return None;
    }
    if value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More seconds than fit are still a wish for a long wait; the policy caps it.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::from(u32::MAX))));
    }
    let date =
        [IMF_FIXDATE, ASCTIME].into_iter().find_map(|form| PrimitiveDateTime::parse(value, form).ok())?;
    let seconds = u64::try_from(date.assume_utc().unix_timestamp()).unwrap_or(0);
    Some(Timestamp::from_millis(seconds.saturating_mul(1000)).since(now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110.
    const EXAMPLE: Timestamp = Timestamp::from_millis(784_111_777_000);

    #[test]
    fn seconds_and_dates_are_understood() {
        let earlier = EXAMPLE.minus(Duration::from_secs(10));
        for (value, expected) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(10)),
            ("Sun Nov  6 08:49:37 1994", Some(10)),
            ("Sun, 06 Nov 1994 08:49:20 GMT", Some(0)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("Sun, 32 Nov 1994 08:49:37 GMT", None),
        ] {
            assert_eq!(retry_after(value, earlier), expected.map(Duration::from_secs), "{value}");
        }
    }

    #[test]
    fn more_seconds_than_fit_are_a_long_wait() {
        assert_eq!(retry_after(&"9".repeat(40), EXAMPLE), Some(Duration::from_secs(u64::from(u32::MAX))));
    }

    proptest! {
        #[test]
        fn nothing_panics(value in "\\PC{0,80}", now in any::<u64>()) {
            let _ = retry_after(&value, Timestamp::from_millis(now));
        }
    }
}
