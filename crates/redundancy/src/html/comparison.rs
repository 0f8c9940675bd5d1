//! What two texts share: figures, and both texts beside each other with every match in one colour, linked to its twin.

use std::fmt::Write as _;

use redundancy_engine::Comparison;
use redundancy_engine::detect::similarity::Match;

use super::Section;
use super::colour::hue;
use super::escape::escaped;
use super::marks::{Mark, marked};
use super::parts::{Card, Mood, cards, facts, snippet};
use crate::figures::{count, grouped, percent};
use crate::input::Document;

/// A page with more of them takes long to open, and nobody reads that far.
const MAX_MATCHES: usize = 5000;

/// The section about two documents; ids in it begin with `prefix`.
pub(super) fn section(
    prefix: &str,
    (first, second): (&Document, &Document),
    comparison: &Comparison,
) -> Section {
    let similarity = &comparison.similarity;
    let matches = similarity.matches.get(..MAX_MATCHES).unwrap_or(&similarity.matches);
    let mut body = summary(comparison);
    body.push_str("<div class=\"twins\">\n");
    match_list(&mut body, prefix, &similarity.matches, matches.len());
    for (side, document) in [(Side::First, first), (Side::Second, second)] {
        let marks: Vec<Mark> =
            matches.iter().enumerate().map(|(number, found)| mark(prefix, side, number, found)).collect();
        let _ = writeln!(body, "<div class=\"text\">\n<h3>{}</h3>", escaped(&document.name));
        body.push_str(&marked(&document.text, &marks));
        body.push_str("</div>\n");
    }
    body.push_str("</div>\n");
    Section {
        name: format!("{} and {}", first.name, second.name),
        headline: percent(similarity.similarity_score).trim().to_owned(),
        body,
    }
}

#[derive(Clone, Copy)]
enum Side {
    First,
    Second,
}

fn mark(prefix: &str, side: Side, number: usize, found: &Match) -> Mark {
    let shown = number + 1;
    let (first, second) = (format!("{prefix}a{shown}"), format!("{prefix}b{shown}"));
    let (span, id, next, other) = match side {
        Side::First => (found.text1, first, second, "second"),
        Side::Second => (found.text2, second, first, "first"),
    };
    Mark {
        span,
        colour: number,
        id,
        next,
        label: shown.to_string(),
        title: format!("Match {shown} ({}). Go to it in the {other} text.", count(found.words, "word")),
    }
}

fn summary(comparison: &Comparison) -> String {
    let Comparison { similarity, threshold } = comparison;
    let is_similar = comparison.is_similar();
    let verdict = if is_similar { "similar" } else { "not similar" };
    let words: usize = similarity.matches.iter().map(|found| found.words).sum();
    let mut html = facts(&[
        format!("{verdict} by a threshold of {}%", threshold * 100.0),
        count(similarity.matches.len(), "matching passage"),
        count(words, "matching word"),
    ]);
    let card = |name, share, note| Card {
        name,
        figure: percent(share),
        share: Some(share),
        note,
        mood: Mood::Neutral,
    };
    let containment = similarity.containment;
    html.push_str(&cards(&[
        Card {
            mood: if is_similar { Mood::Good } else { Mood::Fair },
            ..card(
                "Similarity",
                similarity.similarity_score,
                "of the words of both are in passages that both have",
            )
        },
        card("First in second", containment.text1_in_text2, "of the first text stands in the second"),
        card("Second in first", containment.text2_in_text1, "of the second text stands in the first"),
        card("Jaccard", similarity.jaccard, "of all runs of five words are in both"),
        card("Cosine", similarity.cosine, "by how often each word is used"),
    ]));
    html
}

fn match_list(html: &mut String, prefix: &str, matches: &[Match], highlighted: usize) {
    let _ = writeln!(html, "<aside>\n<h3>Matching passages <small>{}</small></h3>", grouped(matches.len()));
    if matches.is_empty() {
        html.push_str("<p class=\"none\">The texts share no passage.</p>\n");
    }
    html.push_str("<ol class=\"findings\">\n");
    for (number, found) in matches.iter().take(highlighted).enumerate() {
        let _ = writeln!(
            html,
            "<li style=\"--h:{}\"><a href=\"#{prefix}a{shown}\"><b>{shown}</b><strong>{}</strong> \
             <q dir=\"auto\">{}</q></a></li>",
            hue(number),
            count(found.words, "word"),
            snippet(&found.text),
            shown = number + 1,
        );
    }
    html.push_str("</ol>\n");
    if matches.len() > highlighted {
        let _ = writeln!(html, "<p class=\"none\">The {} longest are shown.</p>", grouped(highlighted));
    }
    html.push_str("</aside>\n");
}
