//! API keys for a person at a terminal.

use std::io::{self, Write};

use redundancy_engine::Timestamp;
use redundancy_engine::access::{ApiKey, Pepper};

use super::excerpt::printable;
use super::flow::Piece;
use super::screen::Screen;
use super::style::{FAINT, GOOD, PLAIN, STRONG};
use super::table::{self, Column, Kind};
use super::when::When;

const COLUMNS: [Column; 6] = [
    Column { title: "id", kind: Kind::Id },
    Column { title: "name", kind: Kind::Text },
    Column { title: "scope", kind: Kind::Text },
    Column { title: "tenant", kind: Kind::Text },
    Column { title: "state", kind: Kind::Text },
    Column { title: "made", kind: Kind::Text },
];

/// Prints a table of `keys` as they are at `now`, for a service with this `pepper`.
pub fn list<W: Write>(
    screen: &mut Screen<W>,
    width: Option<usize>,
    keys: &[ApiKey],
    pepper: Option<&Pepper>,
    now: Timestamp,
    when: When,
) -> io::Result<()> {
    let rows: Vec<Vec<Piece>> = keys
        .iter()
        .map(|key| {
            let (style, state) = if key.revoked_at.is_some() {
                (FAINT, "revoked")
            } else if !key.is_valid(now) {
                (FAINT, "expired")
            } else if key.digest.needs_other(pepper) {
                (FAINT, "needs its WEBHOOK_SECRET_KEY")
            } else {
                (GOOD, "good")
            };
            vec![
                Piece::new(STRONG, key.id.to_string()),
                Piece::new(PLAIN, printable(&key.name)),
                Piece::new(PLAIN, key.scope.to_string()),
                Piece::new(PLAIN, key.tenant.as_ref().map_or("-", |tenant| tenant.as_str())),
                Piece::new(style, state),
                Piece::new(PLAIN, when.shown(&key.created_at.to_string())),
            ]
        })
        .collect();
    table::print(screen, width, &COLUMNS, &rows)
}
