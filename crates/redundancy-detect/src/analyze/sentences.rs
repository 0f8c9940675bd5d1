//! Sentences that stand more than once in a text, word for word.

use crate::span::{OffsetMap, Span};
use crate::structure::{Part, Structure};
use crate::text::Text;
use crate::vocabulary::WordId;
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::hash::BuildHasher as _;

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
    let ids: Vec<WordId> = text.words().iter().map(|word| word.id).collect();
    let words = |part: &Part| ids.get(part.words.clone()).unwrap_or_default();
    let state = FixedState::default();
    let mut groups: Vec<Vec<&Part>> = Vec::new();
    let mut known: HashTable<usize> = HashTable::new();
    let first_words = |groups: &[Vec<&Part>], id: usize| {
        groups.get(id).and_then(|group| group.first()).map(|part| words(part))
    };
    for sentence in structure.sentences.iter().filter(|sentence| sentence.words.len() >= MIN_WORDS) {
        let hash = state.hash_one(words(sentence));
        if let Some(&id) = known.find(hash, |&id| first_words(&groups, id) == Some(words(sentence))) {
            if let Some(group) = groups.get_mut(id) {
                group.push(sentence);
            }
        } else {
            known.insert_unique(hash, groups.len(), |&id| {
                state.hash_one(first_words(&groups, id).unwrap_or_default())
            });
            groups.push(vec![sentence]);
        }
    }
    let mut duplicates: Vec<_> = groups.into_iter().filter(|group| group.len() > 1).collect();
    // A stable sort: among equals, the one that stands first stays first.
    duplicates.sort_by_key(|group| std::cmp::Reverse(group.len()));
    duplicates
        .into_iter()
        .map(|group| DuplicateSentence {
            text: group.first().map(|part| part.span.slice(text.source())).unwrap_or_default().to_owned(),
            occurrences: group.iter().map(|part| offsets.span(part.span)).collect(),
        })
        .collect()
}
