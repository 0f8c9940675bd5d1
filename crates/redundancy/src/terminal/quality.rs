//! How well a text reads, for a person at a terminal.

use std::io::{self, Write};

use anstyle::Style;
use redundancy_engine::detect::Quality;
use redundancy_engine::detect::quality::{QualityRating, Suggestion};

use super::analysis::{and_more, language, score, title};
use super::excerpt::{Limits, excerpt, printable};
use super::flow::Piece;
use super::screen::Screen;
use super::style::{self, FAINT, FAIR, GOOD, PLAIN, POOR, STRONG};
use crate::figures::{self, count};
use crate::input::Document;

/// How much of the place that a suggestion speaks of is shown.
const PLACE: Limits = Limits { context: 30, hit: 200 };

/// Prints `quality`, whose spans count bytes of the text of `document`, with the first `top` suggestions.
pub fn print<W: Write>(
    screen: &mut Screen<W>,
    document: &Document,
    quality: &Quality,
    top: usize,
) -> io::Result<()> {
    let facts = [
        count(quality.counts.words, "word"),
        count(quality.counts.sentences, "sentence"),
        language(&quality.language),
    ];
    title(screen, &document.name, &facts)?;
    screen.blank()?;
    let rating = format!("{} ({:.1} of 100)", quality.rating.as_str(), quality.readability_score);
    score(screen, "readability", quality.readability_score / 100.0, of_rating(quality.rating), &rating)?;
    let redundancy = quality.redundancy_score;
    let colour = style::of_redundancy(redundancy);
    score(screen, "redundancy", redundancy, colour, "of the words repeat what stood before")?;
    metrics(screen, quality)?;
    suggestions(screen, document, &quality.suggestions, top)
}

const fn of_rating(rating: QualityRating) -> Style {
    match rating {
        QualityRating::Excellent | QualityRating::Good => GOOD,
        QualityRating::Fair => FAIR,
        QualityRating::NeedsImprovement => POOR,
    }
}

fn metrics<W: Write>(screen: &mut Screen<W>, quality: &Quality) -> io::Result<()> {
    screen.heading("Metrics", "")?;
    for (name, value) in figures::metrics(quality) {
        screen.line(&[
            Piece::new(FAINT, format!("      {name:<22}")),
            Piece::new(STRONG, format!("{value:>8}")),
        ])?;
    }
    Ok(())
}

fn suggestions<W: Write>(
    screen: &mut Screen<W>,
    document: &Document,
    suggestions: &[Suggestion],
    top: usize,
) -> io::Result<()> {
    let counted = if suggestions.is_empty() { "none" } else { "" };
    screen.heading("Suggestions", counted)?;
    for (number, suggestion) in suggestions.iter().take(top).enumerate() {
        let lead = Piece::new(FAINT, format!("{:>4}  ", number + 1));
        screen.paragraph(&[lead], &[Piece::new(PLAIN, printable(&suggestion.message))])?;
        if let Some(span) = suggestion.span {
            let lead = Piece::new(
                FAINT,
                format!("{:>12}  ", format!("line {}", document.lines.number_at(span.start))),
            );
            let highlighted = screen.highlighted(&excerpt(&document.text, span, PLACE));
            screen.paragraph(&[lead], &highlighted)?;
        }
    }
    and_more(screen, suggestions.len(), top)
}
