//! What is redundant inside one text, for a person at a terminal.

use std::io::{self, Write};

use redundancy_engine::detect::Span;
use redundancy_engine::detect::analyze::{Analysis, DuplicateSentence, RepeatedPassage, RepeatedPhrase};
use redundancy_engine::detect::language::DetectedLanguage;

use super::bar::bar;
use super::excerpt::{Limits, excerpt, printable};
use super::flow::Piece;
use super::screen::Screen;
use super::style::{self, FAINT, NEUTRAL, PLAIN, STRONG};
use crate::figures::{count, grouped, percent};
use crate::input::Document;
use crate::lines::Lines;

/// How much of the first occurrence of a passage is shown.
const FIRST: Limits = Limits { context: 60, hit: 480 };
/// How much of the other ones: the passage was shown already.
const OTHER: Limits = Limits { context: 50, hit: 60 };
/// How many occurrences are shown with their context.
const MAX_SHOWN: usize = 4;
/// How many lines are named for the rest.
const MAX_LINES: usize = 12;

/// Prints `analysis`, whose spans count bytes of the text of `document`, with the first `top` findings of each kind.
pub fn print<W: Write>(
    screen: &mut Screen<W>,
    document: &Document,
    analysis: &Analysis,
    top: usize,
) -> io::Result<()> {
    summary(screen, document, analysis)?;
    passages(screen, document, &analysis.repeated_passages, top)?;
    phrases(screen, &analysis.repeated_phrases, top)?;
    sentences(screen, &document.lines, &analysis.duplicate_sentences, top)
}

fn summary<W: Write>(screen: &mut Screen<W>, document: &Document, analysis: &Analysis) -> io::Result<()> {
    let counts = &analysis.counts;
    let facts = [
        count(counts.words, "word"),
        count(counts.unique_words, "unique word"),
        count(counts.sentences, "sentence"),
        count(counts.paragraphs, "paragraph"),
        language(&analysis.language),
    ];
    title(screen, &document.name, &facts)?;
    screen.blank()?;
    let redundancy = analysis.redundancy_score;
    let colour = style::of_redundancy(redundancy);
    score(screen, "redundancy", redundancy, colour, "of the words repeat what stood before")?;
    let lexical = analysis.lexical_redundancy;
    score(screen, "lexical", lexical, NEUTRAL, "of the words stood before, each on its own")?;
    screen.line(&[
        Piece::new(FAINT, format!("{:>14}  ", "compression")),
        Piece::new(STRONG, format!("{:.2}×", analysis.compression_ratio)),
        Piece::new(FAINT, "  smaller with DEFLATE"),
    ])
}

/// The name of a file, and what is known about it.
pub(super) fn title<W: Write>(screen: &mut Screen<W>, name: &str, facts: &[String]) -> io::Result<()> {
    screen.line(&[Piece::new(STRONG, printable(name))])?;
    screen.paragraph(&[Piece::new(PLAIN, "  ")], &[Piece::new(FAINT, facts.join(" · "))])
}

/// A score from 0 to 1 as a bar, with what it means.
pub(super) fn score<W: Write>(
    screen: &mut Screen<W>,
    name: &str,
    share: f64,
    colour: anstyle::Style,
    meaning: &str,
) -> io::Result<()> {
    let [filled, empty] = bar(share, colour);
    screen.line(&[
        Piece::new(FAINT, format!("{name:>14}  ")),
        filled,
        empty,
        Piece::new(STRONG, format!(" {}", percent(share))),
        Piece::new(FAINT, format!("  {meaning}")),
    ])
}

pub(super) fn language(language: &DetectedLanguage) -> String {
    format!("{} ({}% sure)", language.code, (language.confidence * 100.0).floor())
}

fn passages<W: Write>(
    screen: &mut Screen<W>,
    document: &Document,
    passages: &[RepeatedPassage],
    top: usize,
) -> io::Result<()> {
    let occurrences: usize = passages.iter().map(|passage| passage.occurrences.len()).sum();
    let counted = match passages.len() {
        0 => "none".to_owned(),
        number => format!("{} in {}", count(number, "passage"), count(occurrences, "place")),
    };
    screen.heading("Repeated passages", &counted)?;
    for (number, passage) in passages.iter().take(top).enumerate() {
        screen.line(&[
            Piece::new(FAINT, format!("{:>4}  ", number + 1)),
            Piece::new(STRONG, count(passage.words, "word")),
            Piece::new(FAINT, format!(", {}", count(passage.occurrences.len(), "time"))),
        ])?;
        for (number, &span) in passage.occurrences.iter().take(MAX_SHOWN).enumerate() {
            let limits = if number == 0 { FIRST } else { OTHER };
            let lead = Piece::new(
                FAINT,
                format!("{:>12}  ", format!("line {}", document.lines.number_at(span.start))),
            );
            let highlighted = screen.highlighted(&excerpt(&document.text, span, limits));
            screen.paragraph(&[lead], &highlighted)?;
        }
        let rest = passage.occurrences.get(MAX_SHOWN..).unwrap_or_default();
        if !rest.is_empty() {
            let also = format!("also in {}", line_list(&document.lines, rest));
            screen.paragraph(&[Piece::new(PLAIN, " ".repeat(14))], &[Piece::new(FAINT, also)])?;
        }
    }
    and_more(screen, passages.len(), top)
}

fn phrases<W: Write>(screen: &mut Screen<W>, phrases: &[RepeatedPhrase], top: usize) -> io::Result<()> {
    if phrases.is_empty() {
        return Ok(());
    }
    screen.heading("Repeated phrases", "")?;
    for phrase in phrases.iter().take(top) {
        let lead = Piece::new(STRONG, format!("{:>6}×  ", grouped(phrase.count)));
        screen.paragraph(&[lead], &[Piece::new(PLAIN, printable(&phrase.phrase))])?;
    }
    and_more(screen, phrases.len(), top)
}

fn sentences<W: Write>(
    screen: &mut Screen<W>,
    lines: &Lines,
    sentences: &[DuplicateSentence],
    top: usize,
) -> io::Result<()> {
    if sentences.is_empty() {
        return Ok(());
    }
    screen.heading("Duplicate sentences", "")?;
    for sentence in sentences.iter().take(top) {
        let lead = Piece::new(STRONG, format!("{:>6}×  ", grouped(sentence.occurrences.len())));
        let places = format!("  {}", line_list(lines, &sentence.occurrences));
        let text = [Piece::new(PLAIN, printable(&sentence.text)), Piece::new(FAINT, places)];
        screen.paragraph(&[lead], &text)?;
    }
    and_more(screen, sentences.len(), top)
}

/// The lines in which `spans` begin, a line with several of them once: `lines 3, 8 and 12 more`.
fn line_list(lines: &Lines, spans: &[Span]) -> String {
    let mut numbers: Vec<usize> = spans.iter().map(|span| lines.number_at(span.start)).collect();
    numbers.dedup();
    let named: Vec<String> = numbers.iter().take(MAX_LINES).map(ToString::to_string).collect();
    let noun = if numbers.len() == 1 { "line" } else { "lines" };
    match numbers.len().saturating_sub(MAX_LINES) {
        0 => format!("{noun} {}", named.join(", ")),
        more => format!("{noun} {} and {} more", named.join(", "), grouped(more)),
    }
}

/// Says how many of `number` findings were not shown, and how to see them.
pub(super) fn and_more<W: Write>(screen: &mut Screen<W>, number: usize, top: usize) -> io::Result<()> {
    match number.saturating_sub(top) {
        0 => Ok(()),
        more => screen.line(&[Piece::new(
            FAINT,
            format!("      and {} more (--top {number} shows all)", grouped(more)),
        )]),
    }
}
