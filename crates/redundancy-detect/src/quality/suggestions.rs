//! What could be better in a text, with the place it speaks of. Plain style only: nothing here parses grammar, so passive
//! voice, agreement and the like are left alone rather than guessed.

mod finding;
mod messages;
mod sentences;
mod whole_text;
mod words;
mod wordy_phrases;

use super::counts::{Counts, WordProfile};
use super::diversity::LexicalDiversity;
use super::primary_subtag;
use crate::repeats::Repeats;
use crate::span::{OffsetMap, Span};
use crate::structure::Structure;
use crate::text::Text;
use finding::Finding;
use messages::Tongue;

pub use finding::SuggestionCode;

/// How many suggestions a text gets at most: more would not be read.
pub const MAX_SUGGESTIONS: usize = 50;
/// How many of one kind, so that a text with many long sentences still hears of its doubled words.
const MAX_OF_ONE_CODE: usize = 10;

/// One thing that could be better.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// What kind of thing.
    pub code: SuggestionCode,
    /// What is so and what to do, for a person: in Spanish for a Spanish text, else in English.
    pub message: String,
    /// Where, in the unit asked for; `None` when the text as a whole is meant.
    pub span: Option<Span>,
}

/// What is known about a text when suggestions are made.
pub(super) struct Evidence<'e> {
    pub(super) text: &'e Text<'e>,
    pub(super) structure: &'e Structure,
    pub(super) profile: &'e WordProfile,
    pub(super) counts: &'e Counts,
    /// Code of the language.
    pub(super) language: &'e str,
    pub(super) readability_score: f64,
    pub(super) lexical_diversity: LexicalDiversity,
    pub(super) redundancy_score: f64,
    pub(super) repeats: &'e Repeats,
}

/// A finding and the bytes it is about.
struct Located {
    finding: Finding,
    span: Option<Span>,
}

impl Located {
    const fn at(finding: Finding, span: Span) -> Self {
        Self { finding, span: Some(span) }
    }
}

/// The suggestions for a text, by importance of their kind, then the worst first, then by place.
pub(super) fn suggest(evidence: &Evidence<'_>, offsets: &OffsetMap<'_>) -> Vec<Suggestion> {
    let tongue = Tongue::of(&primary_subtag(evidence.language));
    let mut found = Vec::new();
    whole_text::find(evidence, &mut found);
    words::find(evidence, &mut found);
    sentences::find(evidence, &mut found);
    // A stable sort keeps the order of the text among equals.
    found.sort_by_key(|located| (located.finding.code(), std::cmp::Reverse(located.finding.weight())));
    found
        .chunk_by(|one, next| one.finding.code() == next.finding.code())
        .flat_map(|of_one_code| of_one_code.iter().take(MAX_OF_ONE_CODE))
        .take(MAX_SUGGESTIONS)
        .map(|located| Suggestion {
            code: located.finding.code(),
            message: tongue.message(&located.finding),
            span: located.span.map(|span| offsets.span(span)),
        })
        .collect()
}
