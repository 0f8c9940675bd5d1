//! Endpoints for a person at a terminal.

use std::io::{self, Write};

use anstyle::Style;

use super::excerpt::printable;
use super::flow::Piece;
use super::screen::Screen;
use super::style::{FAINT, FAIR, GOOD, PLAIN, POOR, STRONG};
use super::table::{self, Column, Kind};
use super::when::{When, duration, span};
use crate::client::records::{Counts, Endpoint, Retry};

const COLUMNS: [Column; 7] = [
    Column { title: "id", kind: Kind::Id },
    Column { title: "url", kind: Kind::Text },
    Column { title: "events", kind: Kind::Text },
    Column { title: "state", kind: Kind::Text },
    Column { title: "pending", kind: Kind::Number },
    Column { title: "dead", kind: Kind::Number },
    Column { title: "delivered", kind: Kind::Number },
];
/// Where values stand behind their names.
const NAMES: usize = 14;

/// Prints a table of `endpoints`.
pub fn list<W: Write>(
    screen: &mut Screen<W>,
    width: Option<usize>,
    endpoints: &[Endpoint],
) -> io::Result<()> {
    let rows: Vec<Vec<Piece>> = endpoints
        .iter()
        .map(|endpoint| {
            let (style, state) = state(endpoint);
            let counts = &endpoint.counts;
            let dead = if counts.dead_letters > 0 { POOR } else { PLAIN };
            vec![
                Piece::new(STRONG, printable(&endpoint.id)),
                Piece::new(PLAIN, printable(&endpoint.url)),
                Piece::new(PLAIN, printable(&endpoint.events.join(", "))),
                Piece::new(style, state),
                Piece::new(PLAIN, counts.pending.to_string()),
                Piece::new(dead, counts.dead_letters.to_string()),
                Piece::new(PLAIN, counts.delivered.to_string()),
            ]
        })
        .collect();
    table::print(screen, width, &COLUMNS, &rows)
}

/// Prints everything about one endpoint.
pub fn show<W: Write>(screen: &mut Screen<W>, endpoint: &Endpoint, when: When) -> io::Result<()> {
    screen.line(&[Piece::new(STRONG, printable(&endpoint.id))])?;
    let mut field = |name: &str, style: Style, value: String| {
        let lead = Piece::new(FAINT, format!("  {name:<NAMES$}"));
        screen.paragraph(&[lead], &[Piece::new(style, value)])
    };
    field("url", PLAIN, printable(&endpoint.url))?;
    field("events", PLAIN, printable(&endpoint.events.join(", ")))?;
    if let Some(description) = &endpoint.description {
        field("description", PLAIN, printable(description))?;
    }
    let (style, text) = state(endpoint);
    field("state", style, text)?;
    let circuit = &endpoint.circuit;
    let since = circuit.since.as_deref().map(|since| format!(" since {}", when.shown(since)));
    let failures = match circuit.failures {
        0 => String::new(),
        1 => ", 1 failure".to_owned(),
        failures => format!(", {failures} failures in a row"),
    };
    let circuit =
        format!("{}{}{failures}", printable(&circuit.state.replace('_', "-")), since.unwrap_or_default());
    field("circuit", PLAIN, circuit)?;
    field("deliveries", PLAIN, counts(&endpoint.counts))?;
    field("retry", PLAIN, retry(&endpoint.retry))?;
    field("time-out", PLAIN, duration(endpoint.timeout_ms as f64))?;
    let rate =
        endpoint.rate_limit.as_ref().map(|rate| format!("{} in {}", rate.requests, span(rate.per_seconds)));
    field("rate limit", PLAIN, rate.unwrap_or_else(|| "none".to_owned()))?;
    if let Some(most) = endpoint.max_in_flight {
        field("in flight", PLAIN, format!("{most} at most"))?;
    }
    field("signature", PLAIN, printable(&endpoint.signature))?;
    if let Some(key) = &endpoint.public_key {
        field("public key", PLAIN, printable(key))?;
    }
    for (name, value) in &endpoint.headers {
        field("header", PLAIN, printable(&format!("{name}: {value}")))?;
    }
    field("created", PLAIN, when.shown_or_dash(endpoint.created_at.as_deref()))
}

/// What an endpoint does, in a few words.
fn state(endpoint: &Endpoint) -> (Style, String) {
    if let Some(reason) = &endpoint.disabled_reason {
        return (POOR, format!("disabled: {}", printable(reason)));
    }
    if !endpoint.is_active {
        return (FAINT, "inactive".to_owned());
    }
    match endpoint.circuit.state.as_str() {
        "open" => (POOR, "circuit open".to_owned()),
        "half_open" => (FAIR, "circuit half-open".to_owned()),
        _ => (GOOD, "active".to_owned()),
    }
}

fn counts(counts: &Counts) -> String {
    let Counts { pending, in_flight, dead_letters, delivered, failed } = counts;
    format!(
        "{delivered} delivered, {pending} pending, {in_flight} in flight, {failed} given up ({dead_letters} of them dead \
         letters now)"
    )
}

fn retry(retry: &Retry) -> String {
    let attempts = match retry.max_attempts {
        1 => return "one attempt".to_owned(),
        attempts => format!("{attempts} attempts"),
    };
    let seconds = |millis: u64| duration(millis as f64);
    let varied =
        if retry.jitter > 0.0 { format!(", ±{:.0} %", retry.jitter * 100.0) } else { String::new() };
    if let Some(schedule) = &retry.schedule_ms {
        let delays: Vec<String> = schedule.iter().map(|millis| seconds(*millis)).collect();
        return format!("{attempts}, after {}{varied}", delays.join(", "));
    }
    format!(
        "{attempts}, the second after {}, then each delay {} times as long, at most {}{varied}",
        seconds(retry.initial_delay_ms),
        retry.multiplier,
        span(retry.max_delay_ms / 1000),
    )
}
