//! Parsers of values, with messages that say what would do.

use std::ffi::OsStr;
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use redundancy_engine::access::{MAX_KEY_NAME_CHARS, Scope};
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use crate::client::ServiceAddress;
use crate::client::address::InvalidAddress;

/// More items than anybody lists; a slip of the finger would else read a whole store.
const MAX_COUNT: usize = 1_000_000;
/// More threads than any machine has use for; each takes memory.
const MAX_THREADS: usize = 1024;
const MAX_WAIT_SECONDS: u64 = 86_400;
/// Units of time, in seconds.
const UNITS: [(&str, u32); 4] = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)];

/// A point in time as it may be typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// So long ago.
    Ago(Duration),
    /// Then.
    At(OffsetDateTime),
}

/// So many in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub requests: u32,
    /// In how many seconds.
    pub per_seconds: u64,
}

impl Moment {
    /// The same as a date in UTC, when it is `now`.
    #[must_use]
    pub fn utc(self, now: OffsetDateTime) -> String {
        let at = match self {
            Self::Ago(ago) => now.checked_sub(time::Duration::try_from(ago).unwrap_or(time::Duration::MAX)),
            Self::At(at) => at.checked_to_offset(UtcOffset::UTC),
        };
        at.unwrap_or(OffsetDateTime::UNIX_EPOCH).format(&Rfc3339).unwrap_or_default()
    }
}

/// A number from 0 to 1.
pub(super) fn share(text: &str) -> Result<f64, String> {
    within(0.0..=1.0)(text)
}

/// An amount of memory, from 1 MiB to 1 PiB: `512M`, `2G`, `1GiB`. Units are powers of 1024.
pub(super) fn memory_bytes(text: &str) -> Result<u64, String> {
    let refused = || "must be an amount of memory from 1M up, such as 512M or 2G".to_owned();
    let number = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = text.get(number.len()..).unwrap_or_default().trim().to_ascii_uppercase();
    let shift = match unit.trim_end_matches('B').trim_end_matches('I') {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => return Err(refused()),
    };
    let number: u64 = number.parse().map_err(|_| refused())?;
    number.checked_mul(1 << shift).filter(|bytes| (1 << 20..=1 << 50).contains(bytes)).ok_or_else(refused)
}

/// The largest of the scopes that are named.
pub(super) fn scope(text: &str) -> Result<Scope, String> {
    Scope::largest_of(text).map_err(|_| "must be read, write or admin".to_owned())
}

/// The name of a key.
pub(super) fn name(text: &str) -> Result<String, String> {
    let fits = !text.trim().is_empty() && text.chars().count() <= MAX_KEY_NAME_CHARS;
    if fits { Ok(text.to_owned()) } else { Err(format!("must have 1 to {MAX_KEY_NAME_CHARS} characters")) }
}

/// A threshold for duplicates. Below, everything is like everything.
pub(super) fn threshold(text: &str) -> Result<f64, String> {
    within(0.05..=1.0)(text)
}

/// A number from 0 to 100.
pub(super) fn score(text: &str) -> Result<f64, String> {
    within(0.0..=100.0)(text)
}

/// A language tag (BCP 47): a language of 2 or 3 letters, and subtags, which do not matter here. Gives the language in
/// lower case.
pub(super) fn language(text: &str) -> Result<String, String> {
    let mut subtags = text.split('-');
    let language = subtags.next().unwrap_or_default();
    let is_language =
        matches!(language.len(), 2..=3) && language.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_subtag =
        |tag: &str| matches!(tag.len(), 1..=8) && tag.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_language && subtags.all(is_subtag) {
        return Ok(language.to_ascii_lowercase());
    }
    Err("must be a language tag such as en or es-MX".to_owned())
}

/// A file to write a page to. Only names of pages are taken, because a text named here by mistake would be lost.
pub(super) fn page(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let ending = path.extension().map(OsStr::to_ascii_lowercase);
    if ending.is_some_and(|ending| ending == "html" || ending == "htm") {
        return Ok(path);
    }
    Err("must be the name of a page to write, such as report.html".to_owned())
}

/// An address of a service.
pub(super) fn service_address(text: &str) -> Result<ServiceAddress, String> {
    text.parse().map_err(|error: InvalidAddress| error.to_string())
}

/// How many items, at least 1.
pub(super) fn count(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|count| (1..=MAX_COUNT).contains(count));
    count.ok_or_else(|| format!("must be a whole number from 1 to {MAX_COUNT}"))
}

/// How many threads work.
pub(super) fn threads(text: &str) -> Result<NonZeroUsize, String> {
    let threads = text.parse().ok().filter(|threads: &NonZeroUsize| threads.get() <= MAX_THREADS);
    threads.ok_or_else(|| {
        format!("must be a whole number from 1 to {MAX_THREADS}; more than there are cores is of no use")
    })
}

/// Seconds to wait.
pub(super) fn seconds(text: &str) -> Result<u64, String> {
    let seconds = text.parse().ok().filter(|seconds| (1..=MAX_WAIT_SECONDS).contains(seconds));
    seconds.ok_or_else(|| format!("must be a whole number of seconds from 1 to {MAX_WAIT_SECONDS}"))
}

/// A time such as `90s`, `30m`, `24h` or `7d`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let unit = UNITS.iter().find_map(|(name, seconds)| Some((text.strip_suffix(name)?, *seconds)));
    let seconds = unit.and_then(|(number, seconds)| number.parse::<u32>().ok()?.checked_mul(seconds));
    let seconds = seconds.ok_or("must be a number and a unit, such as 90s, 30m, 24h or 7d")?;
    Ok(Duration::from_secs(seconds.into()))
}

/// A time such as `12h` or `90d`, which is not none at all.
pub(super) fn life(text: &str) -> Result<Duration, String> {
    duration(text)
        .ok()
        .filter(|life| !life.is_zero())
        .ok_or_else(|| "must be a time such as 12h or 90d, at least 1s".to_owned())
}

/// A time ago, or a date with its time.
pub(super) fn moment(text: &str) -> Result<Moment, String> {
    if let Ok(ago) = duration(text) {
        return Ok(Moment::Ago(ago));
    }
    let at = OffsetDateTime::parse(text, &Rfc3339);
    at.map(Moment::At).map_err(|_| {
        "must be a time ago such as 30m, 1h or 2d, or a date such as 2026-01-02T03:04:05Z".to_owned()
    })
}

/// So many in a time, such as `10/1s` or `100/m`.
pub(super) fn rate(text: &str) -> Result<Rate, String> {
    let parsed = text.split_once('/').and_then(|(requests, per)| {
        let per =
            if per.starts_with(|c: char| c.is_ascii_digit()) { per.to_owned() } else { format!("1{per}") };
        let rate = Rate { requests: requests.parse().ok()?, per_seconds: duration(&per).ok()?.as_secs() };
        (rate.requests > 0 && rate.per_seconds > 0).then_some(rate)
    });
    parsed.ok_or_else(|| "must be a number and a time, such as 10/1s or 100/5m".to_owned())
}

/// `Name: value`.
pub(super) fn header(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("must be a name and a value, such as 'X-Tenant: blue'".to_owned()),
    }
}

/// `KEY=VALUE`.
pub(super) fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("must be a setting and its value, such as MAX_CONTENT_BYTES=4MiB".to_owned()),
    }
}

fn within(range: RangeInclusive<f64>) -> impl Fn(&str) -> Result<f64, String> {
    move |text| {
        text.parse()
            .ok()
            .filter(|number| range.contains(number))
            .ok_or_else(|| format!("must be a number from {} to {}", range.start(), range.end()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_of_memory_has_a_unit_of_powers_of_1024() {
        for (text, bytes) in [
            ("2G", 2 << 30),
            ("512M", 512 << 20),
            ("1 GiB", 1 << 30),
            ("1048576", 1 << 20),
            ("2048kb", 2 << 20),
        ] {
            assert_eq!(memory_bytes(text), Ok(bytes), "{text}");
        }
        for text in ["", "G", "-1G", "1", "1.5G", "2X", "99999999T", "1K"] {
            assert!(memory_bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_outside_their_range_are_refused() {
        assert_eq!(share("0.5"), Ok(0.5));
        assert_eq!(score("100"), Ok(100.0));
        for text in ["", "1.01", "-0.1", "NaN", "inf", "half"] {
            assert_eq!(share(text), Err("must be a number from 0 to 1".to_owned()), "{text}");
        }
    }

    #[test]
    fn threads_are_as_many_as_a_machine_can_have() {
        assert_eq!(threads("1024").map(NonZeroUsize::get), Ok(1024));
        for text in ["0", "1025", "100000", "-1", "many", ""] {
            assert!(
                threads(text).unwrap_err().starts_with("must be a whole number from 1 to 1024"),
                "{text}"
            );
        }
    }

    #[test]
    fn a_language_is_told_by_the_first_subtag() {
        assert_eq!(language("ES-419").as_deref(), Ok("es"));
        for text in ["", "e", "english", "en_US", "en-", "ñ"] {
            assert!(language(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_text_is_not_taken_for_a_page_to_write() {
        assert_eq!(page("a/b.HTML"), Ok(PathBuf::from("a/b.HTML")));
        for text in ["a.txt", "html", "-", ""] {
            assert!(page(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_time_has_a_unit() {
        for (text, seconds) in [("0s", 0), ("90s", 90), ("30m", 1800), ("24h", 86_400), ("7d", 604_800)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "s", "1", "-1s", "1.5h", "1 h", "1w", "4294967295d"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_moment_is_a_time_ago_or_a_date() {
        assert_eq!(moment("1h"), Ok(Moment::Ago(Duration::from_hours(1))));
        let date = moment("2026-01-02T04:04:05+01:00").unwrap();
        assert_eq!(date.utc(OffsetDateTime::UNIX_EPOCH), "2026-01-02T03:04:05Z");
        let now = OffsetDateTime::UNIX_EPOCH + Duration::from_hours(2);
        assert_eq!(Moment::Ago(Duration::from_hours(1)).utc(now), "1970-01-01T01:00:00Z");
        for text in ["yesterday", "2026-01-02", "2026-13-02T00:00:00Z"] {
            assert!(moment(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_rate_is_a_number_in_a_time() {
        assert_eq!(rate("10/1s"), Ok(Rate { requests: 10, per_seconds: 1 }));
        assert_eq!(rate("100/m"), Ok(Rate { requests: 100, per_seconds: 60 }));
        for text in ["10", "0/s", "10/0s", "/s", "10/", "x/1s", "10/1s/1s"] {
            assert!(rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_header_has_a_name() {
        assert_eq!(header("X-A:  b: c "), Ok(("X-A".to_owned(), "b: c".to_owned())));
        assert!(header(": b").is_err() && header("X-A").is_err());
    }
}
