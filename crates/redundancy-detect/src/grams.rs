//! Sets of word 5-grams of two texts, counted exactly from their joint suffix array: no hash, no collision.

use crate::suffixes::{Suffixes, index};
use crate::tiling::Joined;

/// How many words a gram has.
const GRAM_WORDS: usize = 5;

/// The sizes of two sets of 5-grams and of their intersection. A text with fewer words has one gram of all its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Grams {
    pub(crate) in_first: usize,
    pub(crate) in_second: usize,
    pub(crate) shared: usize,
}

impl Grams {
    /// Counts the grams of the two texts. Linear time.
    pub(crate) fn of(joined: &Joined, suffixes: &Suffixes) -> Self {
        let mut grams = Self::of_five_words(joined, suffixes);
        let (first, second) = (joined.first(), joined.second());
        let is_short = |text: &[i32]| (1..GRAM_WORDS).contains(&text.len());
        if is_short(first) {
            grams.in_first = 1;
        }
        if is_short(second) {
            grams.in_second = 1;
        }
        if is_short(first) && first == second {
            grams.shared = 1;
        }
        grams
    }

    /// The same counts with the texts in the other order.
    pub(crate) const fn swapped(self) -> Self {
        Self { in_first: self.in_second, in_second: self.in_first, shared: self.shared }
    }

    /// Counts the grams of exactly five words. Suffixes that begin with the same gram are neighbours in the suffix array.
    fn of_five_words(joined: &Joined, suffixes: &Suffixes) -> Self {
        let mut grams = Self::default();
        let mut in_first = false;
        let mut in_second = false;
        let ends = suffixes.shared.iter().copied().skip(1).chain([0]);
        for (&position, shared_with_next) in suffixes.order.iter().zip(ends) {
            let position = index(position);
            if joined.words_left(position) >= GRAM_WORDS {
                in_first |= joined.is_in_first(position);
                in_second |= !joined.is_in_first(position);
            }
            if index(shared_with_next) < GRAM_WORDS {
                grams.in_first += usize::from(in_first);
                grams.in_second += usize::from(in_second);
                grams.shared += usize::from(in_first && in_second);
                (in_first, in_second) = (false, false);
            }
        }
        grams
    }
}
