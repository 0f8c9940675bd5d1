//! A share as a bar.

use anstyle::Style;

use super::flow::Piece;
use super::style;

const BAR_COLUMNS: usize = 20;
/// Eighths of a column, from one to seven.
const EIGHTHS: [&str; 7] = ["▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// A share from 0 to 1 as a bar.
pub(super) fn bar(share: f64, colour: Style) -> [Piece; 2] {
    let eighths = eighths(share);
    let mut filled = "█".repeat(eighths / 8);
    filled.push_str(
        (eighths % 8).checked_sub(1).and_then(|part| EIGHTHS.get(part)).copied().unwrap_or_default(),
    );
    let empty = BAR_COLUMNS - eighths.div_ceil(8);
    [Piece::new(colour, filled), Piece::new(style::FAINT, "·".repeat(empty))]
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the share is clamped to 0 to 1 first"
)]
fn eighths(share: f64) -> usize {
    ((share.clamp(0.0, 1.0) * (BAR_COLUMNS * 8) as f64).round() as usize).min(BAR_COLUMNS * 8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::flow::line_width;

    #[test]
    fn a_bar_has_the_same_width_whatever_it_shows() {
        for share in [0.0, 0.001, 0.5, 0.337, 0.999, 1.0, -1.0, 2.0, f64::NAN] {
            assert_eq!(line_width(&bar(share, style::GOOD)), BAR_COLUMNS, "{share}");
        }
    }
}
