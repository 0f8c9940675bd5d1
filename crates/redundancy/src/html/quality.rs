//! How well a text reads: figures, metrics, and the text with every place that a suggestion speaks of.

use std::fmt::Write as _;

use redundancy_engine::detect::Quality;
use redundancy_engine::detect::quality::{QualityRating, Suggestion};

use super::Section;
use super::analysis::mood as redundancy_mood;
use super::colour::hue;
use super::escape::escaped;
use super::marks::{Mark, marked};
use super::parts::{Card, Mood, cards, facts};
use crate::figures::{self, count, grouped, percent};
use crate::input::Document;

/// The section about `document`; ids in it begin with `prefix`.
pub(super) fn section(prefix: &str, document: &Document, quality: &Quality) -> Section {
    let marks: Vec<Mark> = quality
        .suggestions
        .iter()
        .enumerate()
        .filter_map(|(number, suggestion)| mark(prefix, number, suggestion))
        .collect();
    let mut body = summary(quality);
    body.push_str("<div class=\"reader\">\n<aside>\n");
    suggestion_list(&mut body, prefix, &quality.suggestions);
    metric_table(&mut body, quality);
    let _ = writeln!(body, "</aside>\n<div class=\"text\" lang=\"{}\">", escaped(&quality.language.code));
    body.push_str(&marked(&document.text, &marks));
    body.push_str("</div>\n</div>\n");
    Section { name: document.name.clone(), headline: format!("{:.0}", quality.readability_score), body }
}

fn mark(prefix: &str, number: usize, suggestion: &Suggestion) -> Option<Mark> {
    let id = format!("{prefix}q{}", number + 1);
    Some(Mark {
        span: suggestion.span?,
        colour: colour(suggestion),
        next: format!("{id}-s"),
        id,
        label: (number + 1).to_string(),
        title: suggestion.message.clone(),
    })
}

/// Suggestions of one kind have one colour.
const fn colour(suggestion: &Suggestion) -> usize {
    suggestion.code as usize
}

fn summary(quality: &Quality) -> String {
    let language = &quality.language;
    let mut html = facts(&[
        count(quality.counts.words, "word"),
        count(quality.counts.sentences, "sentence"),
        format!("language {} ({}% sure)", language.code, (language.confidence * 100.0).floor()),
    ]);
    let mood = match quality.rating {
        QualityRating::Excellent | QualityRating::Good => Mood::Good,
        QualityRating::Fair => Mood::Fair,
        QualityRating::NeedsImprovement => Mood::Poor,
    };
    html.push_str(&cards(&[
        Card {
            name: "Readability",
            figure: format!("{:.0}", quality.readability_score),
            share: Some(quality.readability_score / 100.0),
            note: quality.rating.as_str(),
            mood,
        },
        Card {
            name: "Redundancy",
            figure: percent(quality.redundancy_score),
            share: Some(quality.redundancy_score),
            note: "of the words repeat what stood before",
            mood: redundancy_mood(quality.redundancy_score),
        },
        Card {
            name: "Variety of words",
            figure: format!("{:.0}", quality.lexical_diversity.mtld),
            share: None,
            note: "MTLD; prose lies around 50 to 120",
            mood: Mood::Neutral,
        },
        Card {
            name: "Suggestions",
            figure: grouped(quality.suggestions.len()),
            share: None,
            note: "the most important first",
            mood: Mood::Neutral,
        },
    ]));
    html
}

fn suggestion_list(html: &mut String, prefix: &str, suggestions: &[Suggestion]) {
    let _ = writeln!(html, "<h3>Suggestions <small>{}</small></h3>", grouped(suggestions.len()));
    if suggestions.is_empty() {
        html.push_str("<p class=\"none\">Nothing to suggest.</p>\n");
        return;
    }
    html.push_str("<ol class=\"findings\">\n");
    for (number, suggestion) in suggestions.iter().enumerate() {
        let shown = number + 1;
        let message = escaped(&suggestion.message);
        let id = format!("{prefix}q{shown}");
        let _ = match suggestion.span {
            Some(_) => writeln!(
                html,
                "<li id=\"{id}-s\" style=\"--h:{}\"><a href=\"#{id}\"><b>{shown}</b>{message}</a></li>",
                hue(colour(suggestion))
            ),
            None => writeln!(html, "<li><div>{message}</div></li>"),
        };
    }
    html.push_str("</ol>\n");
}

fn metric_table(html: &mut String, quality: &Quality) {
    html.push_str("<h3>Metrics</h3>\n<table>\n");
    for (name, value) in figures::metrics(quality) {
        let _ =
            writeln!(html, "<tr><th scope=\"row\">{}</th><td>{}</td></tr>", escaped(&name), escaped(&value));
    }
    html.push_str("</table>\n");
}
