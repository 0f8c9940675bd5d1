//! Deliveries and their attempts for a person at a terminal.

use std::io::{self, Write};

use anstyle::Style;

use super::excerpt::{printable, printable_lines};
use super::flow::Piece;
use super::screen::Screen;
use super::style::{FAINT, FAIR, GOOD, PLAIN, POOR, STRONG};
use super::table::{self, Column, Kind};
use super::when::{When, duration};
use crate::client::records::{Attempt, Delivery};

const COLUMNS: [Column; 7] = [
    Column { title: "id", kind: Kind::Id },
    Column { title: "event", kind: Kind::Text },
    Column { title: "endpoint", kind: Kind::Text },
    Column { title: "state", kind: Kind::Text },
    Column { title: "attempts", kind: Kind::Number },
    Column { title: "last", kind: Kind::Text },
    Column { title: "accepted", kind: Kind::Text },
];
const ATTEMPT_COLUMNS: [Column; 4] = [
    Column { title: "#", kind: Kind::Number },
    Column { title: "began", kind: Kind::Text },
    Column { title: "took", kind: Kind::Number },
    Column { title: "result", kind: Kind::Text },
];
/// Where values stand behind their names.
const NAMES: usize = 14;
/// How much of an answer is shown.
const MAX_BODY_CHARS: usize = 1000;
const MAX_BODY_LINES: usize = 15;

/// Prints a table of `deliveries`.
pub fn list<W: Write>(
    screen: &mut Screen<W>,
    width: Option<usize>,
    deliveries: &[Delivery],
    when: When,
) -> io::Result<()> {
    let rows: Vec<Vec<Piece>> = deliveries
        .iter()
        .map(|delivery| {
            vec![
                Piece::new(STRONG, printable(&delivery.id)),
                Piece::new(PLAIN, printable(&delivery.event_type)),
                Piece::new(PLAIN, printable(&delivery.endpoint_id)),
                Piece::new(of_state(&delivery.state), state(delivery)),
                Piece::new(PLAIN, delivery.attempt_count.to_string()),
                Piece::new(PLAIN, result(delivery.last_status, delivery.last_failure.as_deref())),
                Piece::new(FAINT, when.shown_or_dash(delivery.created_at.as_deref())),
            ]
        })
        .collect();
    table::print(screen, width, &COLUMNS, &rows)
}

/// Prints a delivery with all its attempts, and the beginning of the last answer.
pub fn show<W: Write>(
    screen: &mut Screen<W>,
    width: Option<usize>,
    delivery: &Delivery,
    when: When,
) -> io::Result<()> {
    screen.line(&[Piece::new(STRONG, printable(&delivery.id))])?;
    let mut field = |name: &str, style: Style, value: String| {
        screen.line(&[Piece::new(FAINT, format!("  {name:<NAMES$}")), Piece::new(style, value)])
    };
    field(
        "event",
        PLAIN,
        format!("{} ({})", printable(&delivery.event_id), printable(&delivery.event_type)),
    )?;
    field("endpoint", PLAIN, printable(&delivery.endpoint_id))?;
    field("state", of_state(&delivery.state), state(delivery))?;
    field("accepted", PLAIN, when.shown_or_dash(delivery.created_at.as_deref()))?;
    if let Some(due) = &delivery.due_at {
        field("next attempt", PLAIN, when.shown(due))?;
    }
    let attempts = delivery.attempts.as_slice();
    screen.heading("Attempts", if attempts.is_empty() { "none so far" } else { "" })?;
    if let Some(last) = attempts.last() {
        let rows: Vec<Vec<Piece>> = attempts.iter().map(|attempt| row(attempt, when)).collect();
        table::print(screen, width, &ATTEMPT_COLUMNS, &rows)?;
        advice(screen, last)?;
        answer(screen, last)?;
    }
    Ok(())
}

/// Prints one attempt: what came of it, what to do about it, and the beginning of the answer.
pub fn attempt<W: Write>(screen: &mut Screen<W>, attempt: &Attempt) -> io::Result<()> {
    let (style, verdict) = if attempt.failure.is_none() {
        (GOOD, "the receiver took it")
    } else {
        (POOR, "the receiver did not take it")
    };
    screen.line(&[
        Piece::new(style, verdict),
        Piece::new(
            PLAIN,
            format!(
                ": {} after {}",
                result(attempt.status, attempt.failure.as_deref()),
                duration(attempt.duration_ms)
            ),
        ),
    ])?;
    advice(screen, attempt)?;
    answer(screen, attempt)
}

fn row(attempt: &Attempt, when: When) -> Vec<Piece> {
    let style = if attempt.failure.is_none() { GOOD } else { POOR };
    vec![
        Piece::new(FAINT, attempt.number.to_string()),
        Piece::new(PLAIN, when.shown_or_dash(attempt.started_at.as_deref())),
        Piece::new(PLAIN, duration(attempt.duration_ms)),
        Piece::new(style, result(attempt.status, attempt.failure.as_deref())),
    ]
}

fn advice<W: Write>(screen: &mut Screen<W>, attempt: &Attempt) -> io::Result<()> {
    let Some(advice) = attempt.failure.as_deref().and_then(|failure| remedy(failure, attempt.status)) else {
        return Ok(());
    };
    screen.paragraph(&[Piece::new(FAINT, "  ")], &[Piece::new(FAIR, advice)])
}

/// The beginning of what the receiver answered.
fn answer<W: Write>(screen: &mut Screen<W>, attempt: &Attempt) -> io::Result<()> {
    let Some(body) = attempt.response_body.as_deref().map(str::trim).filter(|body| !body.is_empty()) else {
        return Ok(());
    };
    screen.heading("Answer", "of the last attempt")?;
    let shown: String = body.chars().take(MAX_BODY_CHARS).collect();
    let mut lines = shown.lines();
    for line in lines.by_ref().take(MAX_BODY_LINES) {
        screen.paragraph(&[Piece::new(PLAIN, "  ")], &[Piece::new(PLAIN, printable_lines(line))])?;
    }
    if shown.len() < body.len() || lines.next().is_some() {
        screen.line(&[Piece::new(FAINT, "  … (--json shows all that is kept)")])?;
    }
    Ok(())
}

fn of_state(state: &str) -> Style {
    match state {
        "succeeded" => GOOD,
        "exhausted" => POOR,
        "pending" | "in_flight" => FAIR,
        _ => FAINT,
    }
}

fn state(delivery: &Delivery) -> String {
    match delivery.state.as_str() {
        "in_flight" => "in flight".to_owned(),
        "exhausted" => "given up".to_owned(),
        state => printable(state),
    }
}

/// What came of an attempt, in a few words.
fn result(status: Option<u16>, failure: Option<&str>) -> String {
    let words = match failure {
        None => return status.map_or_else(|| "-".to_owned(), |status| format!("status {status}")),
        Some("dns") => "no address for the name",
        Some("blocked_address") => "the address may not be called",
        Some("connect") => "no connection",
        Some("tls") => "no secure connection",
        Some("timeout") => "no answer in time",
        Some("status") => "refused",
        Some("body_too_large") => "the answer is too long",
        Some("protocol") => "no whole HTTP answer",
        Some(other) => return printable(other),
    };
    status.map_or_else(|| words.to_owned(), |status| format!("status {status}"))
}

/// What to do about a failed attempt.
fn remedy(failure: &str, status: Option<u16>) -> Option<&'static str> {
    Some(match (failure, status) {
        ("dns", _) => "The name of the host has no address: check the URL of the endpoint.",
        ("blocked_address", _) => {
            "The host has an address that is not public. If the service shall call it, put its network into the \
             setting WEBHOOK_ALLOWED_NETWORKS of the service."
        }
        ("connect", _) => {
            "Nothing takes connections there: see whether the receiver runs, and whether a firewall stands between."
        }
        ("tls", _) => {
            "The connection could not be secured: check the certificate of the receiver and its name."
        }
        ("timeout", _) => {
            "The receiver was too slow: let it answer first and work afterwards, or give it a longer time-out."
        }
        ("body_too_large" | "protocol", _) => {
            "What answers there is no sound HTTP server: check the URL and the port."
        }
        ("status", Some(300..=399)) => "Redirects are not followed: register the address that it points to.",
        ("status", Some(401 | 403)) => {
            "The receiver does not believe it: check its signing secret, its clock, and the headers that it wants."
        }
        ("status", Some(404 | 405)) => {
            "The receiver takes no POST at this path: check the URL of the endpoint."
        }
        ("status", Some(410)) => "The receiver wants nothing more: that disables the endpoint.",
        ("status", Some(429)) => "The receiver gets too much: give the endpoint a rate limit.",
        ("status", Some(400..=499)) => "The receiver does not want this request: its answer may say why.",
        ("status", Some(500..=599)) => "The receiver failed: see its log.",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_has_words_and_a_remedy() {
        for failure in ["dns", "blocked_address", "connect", "tls", "timeout", "body_too_large", "protocol"] {
            assert!(!result(None, Some(failure)).contains('_'), "{failure}");
            assert!(remedy(failure, None).is_some(), "{failure}");
        }
        for status in [301, 400, 401, 404, 410, 429, 500, 503] {
            assert!(remedy("status", Some(status)).is_some(), "{status}");
        }
    }
}
