//! Which words of a text are redundant, and the passages they repeat. Works on word numbers alone; [`crate::analyze`] turns
//! them into text and spans.
//!
//! A *window* is a run of exactly `min_words` words. It is redundant when the same window stood earlier in the text without
//! touching it; a word is redundant when it lies in a redundant window. Both follow from the first place of each window,
//! which a suffix array gives in linear time.
//!
//! Passages are found by covering the redundant words from left to right with the longest copies of earlier text (longest
//! previous factors: Crochemore & Ilie 2008), choosing at each border the copy that reaches furthest. So copies are maximal,
//! a repeat that only ever stands inside a longer one is not reported again, and all copies together have at most twice the
//! words of the text. In periodic text, where copies would overlap themselves, whole periods are taken; what is left of the
//! last period is redundant and counts, but is in no passage.

mod copies;
mod passages;

use crate::suffixes::{Suffixes, index};
use crate::words::Word;
use copies::Copies;

pub(crate) use passages::Passage;

/// The repeats of one text at one minimum length.
#[derive(Debug)]
pub(crate) struct Repeats {
    sequence: Vec<i32>,
    suffixes: Suffixes,
    min_words: usize,
    /// `first[i]` = where the window that begins at `i` stands for the first time.
    first: Vec<u32>,
}

impl Repeats {
    /// Prepares the repeats of at least `min_words` words (at least 1). Linear time.
    pub(crate) fn of(words: &[Word], min_words: usize) -> Self {
        // No window is longer than the text; a bound keeps sums of positions and lengths in range.
        let min_words = min_words.clamp(1, words.len() + 1);
        // Vocabularies stay below 2^30 words because texts stay below 2^30 bytes.
        let mut sequence: Vec<i32> = words.iter().map(|word| word.id.0.cast_signed()).collect();
        let suffixes = Suffixes::of(&mut sequence);
        let first = first_places(&suffixes, min_words);
        Self { sequence, suffixes, min_words, first }
    }

    /// The suffix array over the word numbers.
    pub(crate) fn suffixes(&self) -> &Suffixes {
        &self.suffixes
    }

    /// Which word stands at `position`.
    pub(crate) fn word_at(&self, position: usize) -> Option<i32> {
        self.sequence.get(position).copied()
    }

    /// The `len` words from `position`.
    pub(crate) fn words_at(&self, position: usize, len: usize) -> &[i32] {
        self.sequence.get(position..position + len).unwrap_or_default()
    }

    /// How many words could go without losing anything: those in windows that stood earlier.
    pub(crate) fn redundant_words(&self) -> usize {
        let mut covered_to = 0;
        let mut redundant = 0;
        for start in self.redundant_windows() {
            let end = start + self.min_words;
            redundant += end - start.max(covered_to);
            covered_to = end;
        }
        redundant
    }

    /// The passages that stand more than once: longest first, then by place.
    pub(crate) fn passages(&self) -> Vec<Passage> {
        passages::of(&self.sequence, &self.suffixes, Copies::of(self).find())
    }

    /// Start positions of redundant windows, in order.
    fn redundant_windows(&self) -> impl Iterator<Item = usize> {
        self.first
            .iter()
            .enumerate()
            .filter(|&(start, &first)| first as usize + self.min_words <= start)
            .map(|(start, _)| start)
    }
}

/// Where each window of `min_words` words stands for the first time. Positions too near the end for a window, like all whose
/// window is unique, name themselves.
fn first_places(suffixes: &Suffixes, min_words: usize) -> Vec<u32> {
    let mut first: Vec<u32> = (0..).take(suffixes.order.len()).collect();
    let mut group: &[i32] = &[];
    let mut rest: &[i32] = &suffixes.order;
    let mut close = |group: &[i32]| {
        let earliest = group.iter().min().map_or(0, |&position| position.unsigned_abs());
        for &position in group {
            if let Some(place) = first.get_mut(index(position)) {
                *place = earliest;
            }
        }
    };
    // Suffixes with the same window are neighbours: cut the order wherever two share less than a window.
    for &shared in suffixes.shared.iter().skip(1) {
        let length = group.len() + 1;
        if index(shared) >= min_words {
            group = rest.get(..length).unwrap_or_default();
        } else {
            close(rest.get(..length).unwrap_or_default());
            rest = rest.get(length..).unwrap_or_default();
            group = &[];
        }
    }
    close(rest);
    first
}
