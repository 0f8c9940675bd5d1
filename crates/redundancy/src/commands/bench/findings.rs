//! What was measured, with what it should be; one table for people, one object for programs.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::spread::Spread;
use crate::cli::bench::Store;
use crate::figures::grouped;
use crate::terminal::flow::Piece;
use crate::terminal::style::{FAINT, GOOD, PLAIN, POOR};
use crate::terminal::table::{Column, Kind};

/// The columns of the table.
pub(super) const COLUMNS: [Column; 4] = [
    Column { title: "part", kind: Kind::Id },
    Column { title: "what", kind: Kind::Text },
    Column { title: "measured", kind: Kind::Number },
    Column { title: "target", kind: Kind::Id },
];

/// The unit of a figure, by which it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Number,
    PerSecond,
    /// Million bytes of text.
    MbPerSecond,
    Millis,
    Mib,
    /// Seconds of a processor for 1,000 of what is counted.
    CpuSeconds,
    Percent,
    Times,
}

/// What a figure should be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Target {
    AtLeast(f64),
    AtMost(f64),
}

/// What one part has measured.
pub(super) struct Findings {
    part: &'static str,
    store: Store,
    rows: Vec<Vec<Piece>>,
    figures: Map<String, Value>,
    missed: Vec<String>,
    is_lossless: bool,
}

impl Findings {
    /// Nothing measured yet.
    pub(super) fn new(part: &'static str, store: Store) -> Self {
        let (rows, missed) = (Vec::new(), Vec::new());
        Self { part, store, rows, figures: Map::new(), missed, is_lossless: true }
    }

    /// One figure without a target. `None` is what could not be measured on this machine.
    pub(super) fn figure(&mut self, name: &str, what: &str, unit: Unit, value: Option<f64>) {
        self.aimed(name, what, unit, value, |_| None);
    }

    /// One figure, and its target if the store has one.
    pub(super) fn aimed(
        &mut self,
        name: &str,
        what: &str,
        unit: Unit,
        value: Option<f64>,
        target: impl Fn(Store) -> Option<Target>,
    ) {
        let target = target(self.store);
        let met = value.zip(target).map(|(value, target)| target.is_met_by(value));
        let style = match met {
            None => PLAIN,
            Some(true) => GOOD,
            Some(false) => POOR,
        };
        let aim = target.map_or_else(String::new, |target| {
            let verdict = match met {
                None => "",
                Some(true) => ", met",
                Some(false) => ", missed",
            };
            format!("{}{verdict}", target.text(unit))
        });
        self.rows.push(vec![
            Piece::new(FAINT, self.part),
            Piece::new(PLAIN, what),
            Piece::new(style, value.map_or_else(|| "-".to_owned(), |value| unit.text(value))),
            Piece::new(FAINT, aim),
        ]);
        self.figures.insert(name.to_owned(), json!(value.map(|value| (value * 1e4).round() / 1e4)));
        if met == Some(false) {
            self.missed.push(format!("{}.{name}", self.part));
        }
    }

    /// How many accepted events never arrived, which must be none.
    pub(super) fn lost(&mut self, number: usize) {
        self.none_of("lost", "accepted and never delivered", number);
    }

    /// A number that must be 0.
    pub(super) fn none_of(&mut self, name: &str, what: &str, number: usize) {
        self.is_lossless &= number == 0;
        self.aimed(name, what, Unit::Number, Some(number as f64), |_| Some(Target::AtMost(0.0)));
    }

    /// Percentiles of times, `name` before each.
    pub(super) fn spread(
        &mut self,
        name: &str,
        what: &str,
        spread: &Spread,
        target: impl Fn(usize) -> Option<Target>,
    ) {
        for (percent, label) in [(50, "p50"), (95, "p95"), (99, "p99"), (100, "max")] {
            let value = spread.at(percent).map(millis);
            let name = format!("{name}_{label}_ms");
            self.aimed(&name, &format!("{what}, {label}"), Unit::Millis, value, |store| {
                target(percent).filter(|_| store != Store::Memory)
            });
        }
    }

    /// The rows of the table.
    pub(super) fn rows(&self) -> &[Vec<Piece>] {
        &self.rows
    }

    /// The name of the part and its figures.
    pub(super) fn entry(&self) -> (String, Value) {
        (self.part.to_owned(), Value::Object(self.figures.clone()))
    }

    /// The names of the figures that are not what they should be.
    pub(super) fn missed(&self) -> &[String] {
        &self.missed
    }

    /// Whether nothing was lost: neither an accepted event nor a document.
    pub(super) const fn is_lossless(&self) -> bool {
        self.is_lossless
    }
}

impl Target {
    fn is_met_by(self, value: f64) -> bool {
        match self {
            Self::AtLeast(least) => value >= least,
            Self::AtMost(most) => value <= most,
        }
    }

    fn text(self, unit: Unit) -> String {
        match self {
            Self::AtLeast(least) => format!(">= {}", unit.text(least)),
            Self::AtMost(0.0) => "0".to_owned(),
            Self::AtMost(most) => format!("<= {}", unit.text(most)),
        }
    }
}

impl Unit {
    fn text(self, value: f64) -> String {
        match self {
            Self::Number => whole(value),
            Self::PerSecond => format!("{}/s", whole(value)),
            Self::MbPerSecond => format!("{value:.1} MB/s"),
            Self::Millis if value >= 1000.0 => format!("{} ms", whole(value)),
            Self::Millis => format!("{value:.1} ms"),
            Self::Mib => format!("{value:.1} MiB"),
            Self::CpuSeconds => format!("{value:.3} s"),
            Self::Percent => format!("{value:.1} %"),
            Self::Times => format!("{value:.2} x"),
        }
    }
}

/// A time in milliseconds.
pub(super) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn whole(value: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is a count, rounded")]
    let number = value.round().max(0.0) as usize;
    grouped(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_that_misses_its_target_is_named() {
        let mut findings = Findings::new("latency", Store::Embedded);
        let at_most = |_| Some(Target::AtMost(5.0));
        findings.aimed("fine", "fine", Unit::Millis, Some(5.0), at_most);
        findings.aimed("slow", "slow", Unit::Millis, Some(5.1), at_most);
        findings.aimed("unknown", "unknown", Unit::Millis, None, at_most);
        assert_eq!(findings.missed(), ["latency.slow"]);
        assert_eq!(findings.entry().1, json!({"fine": 5.0, "slow": 5.1, "unknown": null}));
        let row = |at: usize| findings.rows()[at].iter().map(|piece| piece.text.as_str()).collect::<Vec<_>>();
        assert_eq!(row(1), ["latency", "slow", "5.1 ms", "<= 5.0 ms, missed"]);
        assert_eq!(row(2), ["latency", "unknown", "-", "<= 5.0 ms"]);
    }

    #[test]
    fn one_lost_event_is_a_loss() {
        let mut findings = Findings::new("restart", Store::Embedded);
        findings.lost(0);
        assert!(findings.is_lossless());
        findings.lost(1);
        assert!(!findings.is_lossless());
    }
}
