//! What two texts share, for a person at a terminal: the scores, then each match in both of its contexts.

use std::io::{self, Write};

use redundancy_engine::Comparison;
use redundancy_engine::detect::similarity::Match;

use super::analysis::{and_more, score};
use super::excerpt::{Limits, excerpt, printable};
use super::flow::Piece;
use super::screen::Screen;
use super::style::{FAINT, FAIR, GOOD, NEUTRAL, PLAIN, STRONG};
use crate::figures::count;
use crate::input::Document;

/// How much of a match is shown beside its twin.
const BESIDE: Limits = Limits { context: 40, hit: 300 };
/// How much of it is shown above its twin.
const ABOVE: Limits = Limits { context: 60, hit: 200 };
/// From this width on, the two contexts stand beside each other.
const MIN_COLUMNS_BESIDE: usize = 80;
/// How many common words are named.
const MAX_COMMON_WORDS: usize = 20;

/// Prints the comparison of two documents; its spans count bytes of their texts.
pub fn print<W: Write>(
    screen: &mut Screen<W>,
    documents: (&Document, &Document),
    comparison: &Comparison,
    top: usize,
) -> io::Result<()> {
    let (first, second) = documents;
    let similarity = &comparison.similarity;
    screen.line(&[
        Piece::new(STRONG, printable(&first.name)),
        Piece::new(FAINT, " and "),
        Piece::new(STRONG, printable(&second.name)),
    ])?;
    screen.blank()?;
    scores(screen, comparison)?;
    matches(screen, documents, &similarity.matches, top)?;
    if similarity.common_words.is_empty() {
        return Ok(());
    }
    screen.heading("Common words", "the most frequent first")?;
    let words: Vec<String> =
        similarity.common_words.iter().take(MAX_COMMON_WORDS).map(|word| printable(word)).collect();
    screen.paragraph(&[Piece::new(PLAIN, "      ")], &[Piece::new(PLAIN, words.join(", "))])
}

fn scores<W: Write>(screen: &mut Screen<W>, comparison: &Comparison) -> io::Result<()> {
    let Comparison { similarity, threshold } = comparison;
    let (colour, verdict) = if comparison.is_similar() { (GOOD, "similar") } else { (FAIR, "not similar") };
    let verdict = format!("{verdict} by a threshold of {}%", threshold * 100.0);
    score(screen, "similarity", similarity.similarity_score, colour, &verdict)?;
    for (name, share, meaning) in [
        ("1 in 2", similarity.containment.text1_in_text2, "of the first text stands in the second"),
        ("2 in 1", similarity.containment.text2_in_text1, "of the second text stands in the first"),
        ("jaccard", similarity.jaccard, "of all runs of five words are in both"),
        ("cosine", similarity.cosine, "by how often each word is used"),
    ] {
        score(screen, name, share, NEUTRAL, meaning)?;
    }
    Ok(())
}

fn matches<W: Write>(
    screen: &mut Screen<W>,
    (first, second): (&Document, &Document),
    matches: &[Match],
    top: usize,
) -> io::Result<()> {
    let words: usize = matches.iter().map(|found| found.words).sum();
    let counted = match matches.len() {
        0 => "none".to_owned(),
        number => format!("{} with {}", count(number, "passage"), count(words, "word")),
    };
    screen.heading("Matching passages", &counted)?;
    for (number, found) in matches.iter().take(top).enumerate() {
        let places = format!(
            ", line {} and line {}",
            first.lines.number_at(found.text1.start),
            second.lines.number_at(found.text2.start)
        );
        screen.line(&[
            Piece::new(FAINT, format!("{:>4}  ", number + 1)),
            Piece::new(STRONG, count(found.words, "word")),
            Piece::new(FAINT, places),
        ])?;
        let beside = screen.columns() >= MIN_COLUMNS_BESIDE;
        let limits = if beside { BESIDE } else { ABOVE };
        let left = screen.highlighted(&excerpt(&first.text, found.text1, limits));
        let right = screen.highlighted(&excerpt(&second.text, found.text2, limits));
        if beside {
            screen.side_by_side(6, &left, &right)?;
        } else {
            screen.paragraph(&[Piece::new(FAINT, "    1 │ ")], &left)?;
            screen.paragraph(&[Piece::new(FAINT, "    2 │ ")], &right)?;
        }
    }
    and_more(screen, matches.len(), top)
}
