//! Times for people: the date in UTC, and how long ago or ahead that is.

use redundancy_engine::{Clock, Timestamp};
use time::OffsetDateTime;
use time::format_description::FormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use super::excerpt::printable;

const DATE: &[FormatItem<'_>] = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]Z");

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Shows times as they are at one moment.
#[derive(Debug, Clone, Copy)]
pub struct When {
    now: OffsetDateTime,
}

impl When {
    /// As they are now.
    #[must_use]
    pub fn now(clock: &impl Clock) -> Self {
        Self { now: date_of(clock.now()) }
    }

    /// The moment itself.
    #[must_use]
    pub const fn date(self) -> OffsetDateTime {
        self.now
    }

    /// The time `text`, in the form of RFC 3339: `2026-01-02 03:04:05Z (3 min ago)`. What is no time is shown as it is.
    #[must_use]
    pub fn shown(self, text: &str) -> String {
        let Ok(at) = OffsetDateTime::parse(text, &Rfc3339) else { return printable(text) };
        let date = at.checked_to_offset(time::UtcOffset::UTC).and_then(|at| at.format(DATE).ok());
        format!("{} ({})", date.unwrap_or_default(), self.relative(at))
    }

    /// The time `text`, or a dash in the place of none.
    #[must_use]
    pub fn shown_or_dash(self, text: Option<&str>) -> String {
        text.map_or_else(|| "-".to_owned(), |text| self.shown(text))
    }

    fn relative(self, at: OffsetDateTime) -> String {
        let seconds = (self.now - at).whole_seconds();
        let size = span(seconds.unsigned_abs());
        match seconds {
            0 => "now".to_owned(),
            1.. => format!("{size} ago"),
            _ => format!("in {size}"),
        }
    }
}

/// A time in its largest unit, rounded.
#[must_use]
pub fn span(seconds: u64) -> String {
    let rounded = |unit: u64| seconds.saturating_add(unit / 2) / unit;
    if seconds < MINUTE {
        format!("{seconds} s")
    } else if rounded(MINUTE) < 60 {
        format!("{} min", rounded(MINUTE))
    } else if rounded(HOUR) < 48 {
        format!("{} h", rounded(HOUR))
    } else {
        format!("{} days", rounded(DAY))
    }
}

/// A time in milliseconds, in the unit that makes it easiest to read.
#[must_use]
pub fn duration(millis: f64) -> String {
    match millis {
        millis if millis < 9.95 => format!("{millis:.1} ms"),
        millis if millis < 999.5 => format!("{millis:.0} ms"),
        millis => format!("{:.1} s", millis / 1000.0),
    }
}

fn date_of(at: Timestamp) -> OffsetDateTime {
    let millis = i128::from(at.as_millis());
    OffsetDateTime::from_unix_timestamp_nanos(millis * 1_000_000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_shown_in_utc_and_as_a_distance() {
        let when = When { now: OffsetDateTime::parse("2026-01-02T03:04:05Z", &Rfc3339).unwrap() };
        for (text, shown) in [
            ("2026-01-02T03:01:05.678Z", "2026-01-02 03:01:05Z (3 min ago)"),
            ("2026-01-02T04:04:05+01:00", "2026-01-02 03:04:05Z (now)"),
            ("2026-01-02T05:04:05Z", "2026-01-02 05:04:05Z (in 2 h)"),
            ("2025-12-02T03:04:05Z", "2025-12-02 03:04:05Z (31 days ago)"),
            ("soon\u{1b}", "soon\u{fffd}"),
        ] {
            assert_eq!(when.shown(text), shown);
        }
    }

    #[test]
    fn a_span_is_rounded_and_never_shown_as_sixty_of_a_unit() {
        let spans = [
            (59, "59 s"),
            (89, "1 min"),
            (3569, "59 min"),
            (3570, "1 h"),
            (7199, "2 h"),
            (200_000, "2 days"),
        ];
        for (seconds, shown) in spans {
            assert_eq!(span(seconds), shown);
        }
    }

    #[test]
    fn a_duration_is_shown_in_its_unit() {
        assert_eq!(
            [0.42, 9.97, 431.0, 999.7, 30_000.0].map(duration),
            ["0.4 ms", "10 ms", "431 ms", "1.0 s", "30.0 s"]
        );
    }
}
