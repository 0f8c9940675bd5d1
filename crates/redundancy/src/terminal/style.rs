//! The colours of the terminal output, each by what it means.

use anstyle::{AnsiColor, Color, Style};

/// What stands out by its weight alone.
pub const STRONG: Style = Style::new().bold();
/// What helps and may be overlooked.
pub const FAINT: Style = Style::new().dimmed();
/// A heading.
pub const HEADING: Style = Style::new().bold().fg_color(Some(Color::Ansi(AnsiColor::Cyan)));
/// The passage that an excerpt is about.
pub const HIT: Style = Style::new()
    .bold()
    .fg_color(Some(Color::Ansi(AnsiColor::Black)))
    .bg_color(Some(Color::Ansi(AnsiColor::Yellow)));
/// As it should be.
pub const GOOD: Style = Style::new().fg_color(Some(Color::Ansi(AnsiColor::Green)));
/// Worth a look.
pub const FAIR: Style = Style::new().fg_color(Some(Color::Ansi(AnsiColor::Yellow)));
/// Not as it should be.
pub const POOR: Style = Style::new().fg_color(Some(Color::Ansi(AnsiColor::Red)));
/// Neither good nor bad.
pub const NEUTRAL: Style = Style::new().fg_color(Some(Color::Ansi(AnsiColor::Blue)));
/// Nothing special.
pub const PLAIN: Style = Style::new();

/// Short texts have no redundancy worth a warning below this share, and are mostly repetition above the other.
const REDUNDANCY_LIMITS: (f64, f64) = (0.1, 0.3);

/// How to show a share of redundant words.
#[must_use]
pub fn of_redundancy(share: f64) -> Style {
    match share {
        share if share < REDUNDANCY_LIMITS.0 => GOOD,
        share if share < REDUNDANCY_LIMITS.1 => FAIR,
        _ => POOR,
    }
}
