//! Bars over an axis, drawn as SVG that stands in the page.

use std::fmt::Write as _;

use crate::figures::{count, grouped};
use crate::html::escape::escaped;

/// Size of a plot, and the room for its axes, in units of which about one and a half make a millimetre.
const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 290.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 36.0;
const BOTTOM: f64 = 52.0;
/// Few bars do not become broader than this.
const MAX_BAR_WIDTH: f64 = 64.0;
/// With more bars, not each has a label.
const MAX_LABELS: usize = 12;
/// Width of a digit above a bar; counts that would run into each other are left out.
const DIGIT_WIDTH: f64 = 7.5;
/// How many lines go across at most.
const MAX_TICKS: usize = 4;

/// Counts as bars.
pub(super) struct Plot<'p> {
    pub(super) title: &'p str,
    /// What the axis below says.
    pub(super) across: &'p str,
    /// What is counted.
    pub(super) noun: &'p str,
    pub(super) bars: Vec<Bar>,
}

/// One bar.
pub(super) struct Bar {
    /// What stands below it.
    pub(super) label: String,
    /// What it stands for, in full.
    pub(super) tip: String,
    pub(super) count: usize,
    /// Whether it is of another kind than the others.
    pub(super) is_apart: bool,
    /// Whether the label names the border on its left and not the bar.
    pub(super) is_edge: bool,
}

impl Plot<'_> {
    pub(super) fn html(&self) -> String {
        let most = self.bars.iter().map(|bar| bar.count).max().unwrap_or(0).max(1);
        let step = tick_step(most);
        let top = most.div_ceil(step) * step;
        let floor = HEIGHT - BOTTOM;
        let height = |count: usize| (floor - TOP) * count as f64 / top as f64;
        let mut svg = format!(
            "<figure><figcaption>{}</figcaption>\n<svg class=\"plot\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
             aria-label=\"{}: {}\">\n",
            escaped(self.title),
            escaped(self.title),
            escaped(&self.in_words())
        );
        for tick in (0..=top / step).map(|number| number * step) {
            let y = floor - height(tick);
            let _ = writeln!(
                svg,
                "<line x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\"{}></line>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                WIDTH - RIGHT,
                if tick == 0 { " class=\"axis\"" } else { "" },
                LEFT - 7.0,
                y + 4.0,
                compact(tick)
            );
        }
        self.draw_bars(&mut svg, floor, height);
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\n\
             <text x=\"4\" y=\"14\">{}s</text>\n</svg></figure>",
            f64::midpoint(LEFT, WIDTH - RIGHT),
            HEIGHT - 8.0,
            escaped(self.across),
            escaped(self.noun)
        );
        svg
    }

    fn draw_bars(&self, svg: &mut String, floor: f64, height: impl Fn(usize) -> f64) {
        let room = (WIDTH - RIGHT - LEFT) / self.bars.len().max(1) as f64;
        let every = self.bars.len().div_ceil(MAX_LABELS).max(1);
        let longest = self.bars.iter().map(|bar| compact(bar.count).len()).max().unwrap_or(0);
        let has_counts = longest as f64 * DIGIT_WIDTH < room;
        for (number, bar) in self.bars.iter().enumerate() {
            let left = LEFT + room * number as f64;
            let middle = left + room / 2.0;
            let width = (room * 0.8).min(MAX_BAR_WIDTH);
            // What is there is seen, however little it is.
            let tall = if bar.count == 0 { 0.0 } else { height(bar.count).max(1.5) };
            let _ = writeln!(
                svg,
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{tall:.1}\" rx=\"2\"{}><title>{}: {}</title></rect>",
                middle - width / 2.0,
                floor - tall,
                width,
                if bar.is_apart { " class=\"apart\"" } else { "" },
                escaped(&bar.tip),
                count(bar.count, self.noun)
            );
            if has_counts && bar.count > 0 {
                let _ = writeln!(
                    svg,
                    "<text class=\"count\" x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                    floor - tall - 5.0,
                    compact(bar.count)
                );
            }
            let is_crowded = bar.is_edge && every > 1 && number + every >= self.bars.len();
            if bar.is_apart || (number % every == 0 && !is_crowded) {
                let _ = writeln!(
                    svg,
                    "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                    if bar.is_edge { left } else { middle },
                    floor + 20.0,
                    escaped(&bar.label)
                );
            }
        }
    }

    /// For those who do not see it.
    fn in_words(&self) -> String {
        let bars = self.bars.iter().filter(|bar| bar.count > 0);
        let words: Vec<String> =
            bars.map(|bar| format!("{}: {}", bar.tip, count(bar.count, self.noun))).collect();
        words.join("; ")
    }
}

/// The least of 1, 2, 5, 10, 20 … with which few lines reach up to `most`.
fn tick_step(most: usize) -> usize {
    (0..19)
        .flat_map(|power| {
            [1, 2, 5].map(|factor: usize| factor.saturating_mul(10_usize.saturating_pow(power)))
        })
        .find(|step| most.div_ceil(*step) <= MAX_TICKS)
        .unwrap_or(usize::MAX)
}

/// A count in few characters: `9,800`, `12.3k`, `4.6M`.
fn compact(count: usize) -> String {
    let (unit, name) = match count {
        0..10_000 => return grouped(count),
        10_000..1_000_000 => (1e3, "k"),
        _ => (1e6, "M"),
    };
    let number = format!("{:.1}", count as f64 / unit);
    format!("{}{name}", number.strip_suffix(".0").unwrap_or(&number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_go_across_at_round_numbers_and_reach_the_highest_bar() {
        assert_eq!([1, 4, 5, 9, 41, 100, 161].map(tick_step), [1, 1, 2, 5, 20, 50, 50]);
    }

    #[test]
    fn counts_above_bars_are_short() {
        assert_eq!(
            [0, 9_999, 10_000, 12_345, 4_600_000].map(compact),
            ["0", "9,999", "10k", "12.3k", "4.6M"]
        );
    }
}
