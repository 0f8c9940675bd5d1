//! Which documents of an index have something in common with a text, for a person at a terminal.

use std::io::{self, Write};

use redundancy_engine::detect::Span;

use super::analysis::and_more;
use super::excerpt::{Limits, excerpt, printable};
use super::flow::Piece;
use super::screen::Screen;
use super::style::{FAINT, PLAIN, STRONG};
use crate::client::records::{Found, FoundMatch, FoundPassage};
use crate::figures::{count, percent};
use crate::input::Document;

/// How much of a passage is shown.
const PASSAGE: Limits = Limits { context: 40, hit: 240 };

/// Prints what was found for `document`: its spans count bytes of the text. `top` passages of each match are shown.
pub fn print<W: Write>(
    screen: &mut Screen<W>,
    document: &Document,
    found: &Found,
    top: usize,
) -> io::Result<()> {
    let counted = match found.matches.len() {
        0 => "no match".to_owned(),
        1 => "1 match".to_owned(),
        number => format!("{number} matches"),
    };
    screen
        .line(&[Piece::new(STRONG, printable(&document.name)), Piece::new(FAINT, format!("  {counted}"))])?;
    for (number, found) in found.matches.iter().enumerate() {
        screen.blank()?;
        headline(screen, number + 1, found)?;
        for passage in found.passages.iter().take(top) {
            shown(screen, document, passage)?;
        }
        and_more(screen, found.passages.len(), top)?;
    }
    if found.common_fingerprints > 0 {
        screen.blank()?;
        let left_out = "  Some of the text stands in so many documents that it was not searched for.";
        screen.paragraph(&[], &[Piece::new(FAINT, left_out)])?;
    }
    Ok(())
}

fn headline<W: Write>(screen: &mut Screen<W>, number: usize, found: &FoundMatch) -> io::Result<()> {
    let shares = match found.kind.as_str() {
        "exact" => "the same, byte for byte".to_owned(),
        "normalized_exact" => "the same words".to_owned(),
        "contained" => format!("holds {} of the text", percent(found.containment.query_in_document)),
        "contains" => format!("{} of it stands in the text", percent(found.containment.document_in_query)),
        _ => format!("{} alike", percent(found.similarity)),
    };
    let collection = if found.collection == "default" {
        String::new()
    } else {
        format!(" in {}", printable(&found.collection))
    };
    screen.line(&[
        Piece::new(FAINT, format!("{number:>4}  ")),
        Piece::new(STRONG, printable(&found.document_id)),
        Piece::new(FAINT, collection),
        Piece::new(PLAIN, format!("  {shares}")),
    ])
}

fn shown<W: Write>(screen: &mut Screen<W>, document: &Document, passage: &FoundPassage) -> io::Result<()> {
    let Span { start, end } = passage.query;
    // What a service says of a text is believed as far as it fits the text.
    if start > end || document.text.get(start..end).is_none() {
        return Ok(());
    }
    let place = format!("line {}", document.lines.number_at(start));
    screen.line(&[Piece::new(FAINT, format!("      {place}, {}", count(passage.words, "word")))])?;
    let highlighted = screen.highlighted(&excerpt(&document.text, passage.query, PASSAGE));
    screen.paragraph(&[Piece::new(PLAIN, "      ")], &highlighted)
}
