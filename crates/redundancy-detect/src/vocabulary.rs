//! The distinct words of one or more texts, each with a number, so that everything behind it compares integers.
//!
//! Numbers are given in order of first appearance and do not depend on the hash seed.

use crate::span::Span;
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::hash::{BuildHasher as _, Hasher as _};

/// Prose of a few kilobytes has a new word about this often.
const BYTES_PER_DISTINCT_WORD: usize = 10;
/// Room is made for so many words at the beginning at most: of a long text nobody knows.
const MOST_EXPECTED: usize = 512;

/// The number of a distinct word in its [`Vocabulary`]: 0 for the first word met, then 1, 2, …
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WordId(pub(crate) u32);

impl WordId {
    /// The number as an index: 0-based, below [`Vocabulary::len`].
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Distinct normalised words, numbered in order of first appearance.
#[derive(Debug)]
pub struct Vocabulary {
    /// All words, one behind the other.
    letters: String,
    /// `ends[i]` is where word `i` ends in `letters`; it starts where its predecessor ends. Not in 32 bits: normal forms can
    /// be eleven times as long as what stands in the text (U+FDFA).
    ends: Vec<usize>,
    ids: HashTable<u32>,
    hash: FixedState,
}

impl Vocabulary {
    /// An empty vocabulary for the words of `texts`.
    ///
    /// The hash seed is taken from the texts themselves: the crate stays a pure function of its input, and nobody can
    /// prepare words that collide without changing the seed under which they would have to.
    #[must_use]
    pub fn for_texts(texts: &[&str]) -> Self {
        let mut hasher = blake3::Hasher::new();
        for text in texts {
            hasher.update(text.as_bytes());
        }
        Self::with_seed(&hasher.finalize(), texts.iter().map(|text| text.len()).sum())
    }

    /// An empty vocabulary for the words of texts of `bytes` bytes that have the hash `seed`.
    pub(crate) fn with_seed(seed: &blake3::Hash, bytes: usize) -> Self {
        let seed = seed.as_bytes().first_chunk().copied().unwrap_or_default();
        // About as many as short prose has, so that nothing grows while its words come.
        let words = (bytes / BYTES_PER_DISTINCT_WORD).min(MOST_EXPECTED);
        Self {
            letters: String::with_capacity(words * BYTES_PER_DISTINCT_WORD),
            ends: Vec::with_capacity(words),
            ids: HashTable::with_capacity(words),
            hash: FixedState::with_seed(u64::from_le_bytes(seed)),
        }
    }

    /// How many distinct words there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no word.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The normalised word with number `id`; empty for a number of another vocabulary.
    #[must_use]
    pub fn word(&self, id: WordId) -> &str {
        word(&self.letters, &self.ends, id.0)
    }

    /// All words in order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0u32..).take(self.len()).map(|id| word(&self.letters, &self.ends, id))
    }

    /// The hash of a word under the seed of these texts.
    pub(crate) fn hash(&self, word: &str) -> u64 {
        hash_of(&self.hash, word)
    }

    /// The number of `normalized`, if it is among the words. Constant time.
    pub(crate) fn find(&self, normalized: &str) -> Option<WordId> {
        let is_it = |&id: &u32| word(&self.letters, &self.ends, id) == normalized;
        self.ids.find(self.hash(normalized), is_it).copied().map(WordId)
    }

    /// The number of `normalized`, given now if it has none yet. Amortised constant time.
    pub(crate) fn intern(&mut self, normalized: &str) -> WordId {
        let Self { letters, ends, ids, hash } = self;
        let code = hash_of(hash, normalized);
        let known = ids.find(code, |&id| word(letters, ends, id) == normalized);
        if let Some(&id) = known {
            return WordId(id);
        }
        // At most two texts of `MAX_TEXT_BYTES` share a vocabulary, so there are at most 2^30 words.
        let id = u32::try_from(ends.len()).unwrap_or(u32::MAX);
        letters.push_str(normalized);
        ends.push(letters.len());
        ids.insert_unique(code, id, |&id| hash_of(hash, word(letters, ends, id)));
        WordId(id)
    }
}

/// One write of the letters alone: the length that `Hash` would add tells nothing that they do not.
#[inline]
fn hash_of(state: &FixedState, word: &str) -> u64 {
    let mut hasher = state.build_hasher();
    hasher.write(word.as_bytes());
    hasher.finish()
}

fn word<'a>(letters: &'a str, ends: &[usize], id: u32) -> &'a str {
    let index = id as usize;
    let start = index.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(0);
    let end = ends.get(index).copied().unwrap_or(start);
    Span::new(start, end).slice(letters)
}
