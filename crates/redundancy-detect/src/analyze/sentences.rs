//! Sentences that stand more than once in a text, word for word.

use crate::span::{OffsetMap, Span};
use crate::structure::{Part, Structure};
use crate::text::Text;
use crate::vocabulary::WordId;
use std::cmp::Reverse;

/// Shorter sentences ("Yes.", "No problem.") repeat in any text without being redundant.
const MIN_WORDS: usize = 3;

/// A sentence that stands more than once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuplicateSentence {
    /// The original text of its first occurrence. Others may differ in case, punctuation and white space.
    pub text: String,
    /// Where it stands, in order, in the unit asked for.
    pub occurrences: Vec<Span>,
}

/// Finds the sentences of at least three words that stand more than once, the most frequent first, then by place.
pub(super) fn find(
    text: &Text<'_>,
    structure: &Structure,
    offsets: &OffsetMap<'_>,
) -> Vec<DuplicateSentence> {
    let mut groups = equal_sentences(text, structure, MIN_WORDS);
    groups.sort_by_key(|group| Reverse(group.len()));
    groups
        .into_iter()
        .map(|group| DuplicateSentence {
            text: group.first().map(|part| part.span.slice(text.source())).unwrap_or_default().to_owned(),
            occurrences: group.iter().map(|part| offsets.span(part.span)).collect(),
        })
        .collect()
}

/// Groups of two or more sentences with the same words, at least `min_words` of them: each group in order of place, the groups
/// in order of their first place. Time n·log n: by sorting, so that nobody can prepare sentences that collide in a hash.
pub(crate) fn equal_sentences<'s>(
    text: &Text<'_>,
    structure: &'s Structure,
    min_words: usize,
) -> Vec<Vec<&'s Part>> {
    let ids: Vec<WordId> = text.words().iter().map(|word| word.id).collect();
    let words = |part: &Part| ids.get(part.words.clone()).unwrap_or_default();
    let mut sorted: Vec<&Part> =
        structure.sentences.iter().filter(|sentence| sentence.words.len() >= min_words).collect();
    // A stable sort keeps the order of the text among equals.
    sorted.sort_by(|one, other| words(one).cmp(words(other)));
    let equal = sorted.chunk_by(|one, next| words(one) == words(next)).filter(|group| group.len() > 1);
    let mut groups: Vec<Vec<&Part>> = equal.map(<[&Part]>::to_vec).collect();
    groups.sort_by_key(|group| group.first().map_or(0, |part| part.span.start));
    groups
}
