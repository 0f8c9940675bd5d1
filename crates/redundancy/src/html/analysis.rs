//! What is redundant inside one text: figures, lists, and the text with every repeated passage in its own colour.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use redundancy_engine::detect::analyze::{DuplicateSentence, RepeatedPassage, RepeatedPhrase};
use redundancy_engine::detect::{Analysis, Span};

use super::Section;
use super::colour::hue;
use super::escape::escaped;
use super::marks::{Mark, marked};
use super::parts::{Card, Cover, Mood, cards, facts, snippet};
use crate::figures::{count, grouped, percent};
use crate::input::Document;

/// How many passages and sentences are listed. A page with more takes long to open, and nobody reads that far.
const MAX_FINDINGS: usize = 1000;
/// How many places are highlighted.
const MAX_PLACES: usize = 20_000;
/// Shares of redundant words from which on a text is worth a look, and then a rewrite.
const FAIR_SHARE: f64 = 0.1;
const POOR_SHARE: f64 = 0.3;

/// How a share of redundant words is coloured.
pub(super) fn mood(redundancy: f64) -> Mood {
    match redundancy {
        share if share < FAIR_SHARE => Mood::Good,
        share if share < POOR_SHARE => Mood::Fair,
        _ => Mood::Poor,
    }
}

/// What is highlighted in the text.
struct Highlights {
    marks: Vec<Mark>,
    /// How many of the first passages.
    passages: usize,
    /// Which sentences, by their numbers.
    sentences: BTreeSet<usize>,
}

/// The section about `document`; ids in it begin with `prefix`.
pub(super) fn section(prefix: &str, document: &Document, analysis: &Analysis) -> Section {
    let highlights = Highlights::of(prefix, document, analysis);
    let mut body = summary(analysis);
    body.push_str("<div class=\"reader\">\n<aside>\n");
    passage_list(&mut body, prefix, &analysis.repeated_passages, highlights.passages);
    sentence_list(&mut body, prefix, &analysis.duplicate_sentences, &highlights);
    phrase_list(&mut body, &analysis.repeated_phrases);
    let _ = writeln!(body, "</aside>\n<div class=\"text\" lang=\"{}\">", escaped(&analysis.language.code));
    body.push_str(&marked(&document.text, &highlights.marks));
    body.push_str("</div>\n</div>\n");
    Section {
        name: document.name.clone(),
        headline: percent(analysis.redundancy_score).trim().to_owned(),
        body,
    }
}

impl Highlights {
    fn of(prefix: &str, document: &Document, analysis: &Analysis) -> Self {
        let mut highlights = Self { marks: Vec::new(), passages: 0, sentences: BTreeSet::new() };
        for (number, passage) in analysis.repeated_passages.iter().take(MAX_FINDINGS).enumerate() {
            let shown = number + 1;
            let name = format!("Passage {shown} ({})", count(passage.words, "word"));
            let ids = format!("{prefix}p{shown}");
            if !highlights.add(&passage.occurrences, number, &ids, &shown.to_string(), &name) {
                break;
            }
            highlights.passages = shown;
        }
        let covered = Cover::of(highlights.marks.iter().map(|mark| mark.span).collect());
        for (number, sentence) in analysis.duplicate_sentences.iter().take(MAX_FINDINGS).enumerate() {
            if is_covered(&document.text, sentence, &covered) {
                continue;
            }
            let shown = number + 1;
            let (ids, label) = (format!("{prefix}s{shown}"), format!("S{shown}"));
            let colour = highlights.colour_of_sentence(number);
            if !highlights.add(&sentence.occurrences, colour, &ids, &label, &format!("Sentence {shown}")) {
                break;
            }
            highlights.sentences.insert(number);
        }
        highlights
    }

    /// Adds marks in a ring: each leads to the next, the last to the first. Gives false if there is no room left.
    fn add(&mut self, places: &[Span], colour: usize, ids: &str, label: &str, name: &str) -> bool {
        let room = MAX_PLACES.saturating_sub(self.marks.len());
        let places = places.get(..room).unwrap_or(places);
        let times = places.len();
        self.marks.extend(places.iter().enumerate().map(|(place, &span)| Mark {
            span,
            colour,
            id: format!("{ids}-{}", place + 1),
            next: format!("{ids}-{}", (place + 1) % times + 1),
            label: label.to_owned(),
            title: format!("{name}, {} of {times}. Go to the next.", place + 1),
        }));
        times > 0
    }

    /// The colours of sentences follow those of the passages.
    const fn colour_of_sentence(&self, number: usize) -> usize {
        self.passages + number
    }
}

fn summary(analysis: &Analysis) -> String {
    let counts = &analysis.counts;
    let language = &analysis.language;
    let mut html = facts(&[
        count(counts.words, "word"),
        count(counts.unique_words, "unique word"),
        count(counts.sentences, "sentence"),
        count(counts.paragraphs, "paragraph"),
        count(counts.characters, "character"),
        format!("language {} ({}% sure)", language.code, (language.confidence * 100.0).floor()),
    ]);
    let places: usize = analysis.repeated_passages.iter().map(|passage| passage.occurrences.len()).sum();
    html.push_str(&cards(&[
        Card {
            name: "Redundancy",
            figure: percent(analysis.redundancy_score),
            share: Some(analysis.redundancy_score),
            note: "of the words repeat what stood before and could go",
            mood: mood(analysis.redundancy_score),
        },
        Card {
            name: "Repeated passages",
            figure: grouped(analysis.repeated_passages.len()),
            share: None,
            note: &format!("in {}", count(places, "place")),
            mood: Mood::Neutral,
        },
        Card {
            name: "Duplicate sentences",
            figure: grouped(analysis.duplicate_sentences.len()),
            share: None,
            note: "stand more than once, word for word",
            mood: Mood::Neutral,
        },
        Card {
            name: "Lexical redundancy",
            figure: percent(analysis.lexical_redundancy),
            share: Some(analysis.lexical_redundancy),
            note: "of the words stood before, each on its own",
            mood: Mood::Neutral,
        },
        Card {
            name: "Compression",
            figure: format!("{:.2}×", analysis.compression_ratio),
            share: None,
            note: "smaller with DEFLATE; prose reaches 2 to 3",
            mood: Mood::Neutral,
        },
    ]));
    html
}

/// Whether every occurrence lies in a highlighted passage. A passage ends with its last word, a sentence behind it.
fn is_covered(text: &str, sentence: &DuplicateSentence, covered: &Cover) -> bool {
    sentence.occurrences.iter().all(|&span| {
        let from_first_word = span.slice(text).trim_start_matches(|c: char| !c.is_alphanumeric());
        let words = from_first_word.trim_end_matches(|c: char| !c.is_alphanumeric());
        let start = span.end - from_first_word.len();
        covered.contains(Span::new(start, start + words.len()))
    })
}

fn passage_list(html: &mut String, prefix: &str, passages: &[RepeatedPassage], highlighted: usize) {
    let _ = writeln!(html, "<h3>Repeated passages <small>{}</small></h3>", grouped(passages.len()));
    if passages.is_empty() {
        html.push_str("<p class=\"none\">No passage stands twice.</p>\n");
        return;
    }
    html.push_str("<ol class=\"findings\">\n");
    for (number, passage) in passages.iter().take(highlighted).enumerate() {
        let _ = writeln!(
            html,
            "<li style=\"--h:{}\"><a href=\"#{prefix}p{shown}-1\"><b>{shown}</b><strong>{}, {}</strong> \
             <q dir=\"auto\">{}</q></a></li>",
            hue(number),
            count(passage.words, "word"),
            count(passage.occurrences.len(), "time"),
            snippet(&passage.text),
            shown = number + 1,
        );
    }
    html.push_str("</ol>\n");
    if passages.len() > highlighted {
        let _ = writeln!(html, "<p class=\"none\">The {} longest are shown.</p>", grouped(highlighted));
    }
}

fn sentence_list(html: &mut String, prefix: &str, sentences: &[DuplicateSentence], highlights: &Highlights) {
    if sentences.is_empty() {
        return;
    }
    let _ = writeln!(html, "<h3>Duplicate sentences <small>{}</small></h3>", grouped(sentences.len()));
    html.push_str("<ol class=\"findings\">\n");
    for (number, sentence) in sentences.iter().take(MAX_FINDINGS).enumerate() {
        let times = count(sentence.occurrences.len(), "time");
        let text = snippet(&sentence.text);
        // Sentences inside a repeated passage have no highlight of their own to go to.
        let _ = if highlights.sentences.contains(&number) {
            writeln!(
                html,
                "<li style=\"--h:{}\"><a href=\"#{prefix}s{shown}-1\"><b>S{shown}</b><strong>{times}</strong> \
                 <q dir=\"auto\">{text}</q></a></li>",
                hue(highlights.colour_of_sentence(number)),
                shown = number + 1,
            )
        } else {
            writeln!(html, "<li><div><strong>{times}</strong> <q dir=\"auto\">{text}</q></div></li>")
        };
    }
    html.push_str("</ol>\n");
}

fn phrase_list(html: &mut String, phrases: &[RepeatedPhrase]) {
    if phrases.is_empty() {
        return;
    }
    let _ = writeln!(html, "<h3>Repeated phrases <small>{}</small></h3>", grouped(phrases.len()));
    html.push_str("<ul class=\"phrases\">\n");
    for phrase in phrases {
        let _ = writeln!(
            html,
            "<li><strong>{}×</strong> <span dir=\"auto\">{}</span></li>",
            grouped(phrase.count),
            snippet(&phrase.phrase)
        );
    }
    html.push_str("</ul>\n");
}
