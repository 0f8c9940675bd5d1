//! Brings copies with equal words together into passages.

use super::copies::Copy;
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::hash::BuildHasher as _;

/// A run of words that stands at least twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Passage {
    /// How many words it has.
    pub(crate) len: usize,
    /// Positions of its first word, in order; no two occurrences overlap.
    pub(crate) starts: Vec<usize>,
}

/// The passages that `copies` stand for, longest first, then by first place. Linear in the words of all copies, but for the
/// final sort.
pub(super) fn group(sequence: &[i32], copies: &[Copy]) -> Vec<Passage> {
    let words = |start: usize, len: usize| sequence.get(start..start + len).unwrap_or_default();
    // Collisions cost one comparison of words each; the words themselves are what the caller's seed protects.
    let state = FixedState::default();
    let hash = |words: &[i32]| state.hash_one(words);
    let mut passages: Vec<Passage> = Vec::new();
    let mut known: HashTable<usize> = HashTable::new();
    for copy in copies {
        let content = words(copy.target, copy.len);
        let content_of =
            |passage: &Passage| words(passage.starts.first().copied().unwrap_or_default(), passage.len);
        let same = |&id: &usize| passages.get(id).is_some_and(|passage| content_of(passage) == content);
        if let Some(&id) = known.find(hash(content), same) {
            if let Some(passage) = passages.get_mut(id) {
                passage.starts.extend([copy.source, copy.target]);
            }
        } else {
            let id = passages.len();
            passages.push(Passage { len: copy.len, starts: vec![copy.source, copy.target] });
            known.insert_unique(hash(content), id, |&id| {
                passages.get(id).map_or(0, |passage| hash(content_of(passage)))
            });
        }
    }
    for passage in &mut passages {
        keep_apart(passage);
    }
    passages.sort_unstable_by(|a, b| b.len.cmp(&a.len).then_with(|| a.starts.cmp(&b.starts)));
    passages
}

/// Sorts the occurrences and drops those that overlap the one before. Taking the earliest first keeps as many as possible.
fn keep_apart(passage: &mut Passage) {
    passage.starts.sort_unstable();
    let mut free_from = 0;
    passage.starts.retain(|&start| {
        let apart = start >= free_from;
        if apart {
            free_from = start + passage.len;
        }
        apart
    });
}
