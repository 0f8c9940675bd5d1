//! From copies to passages: each run of words that was copied, with every place where it stands.

use super::copies::Copy;
use crate::suffixes::{Suffixes, index};

/// How many places are looked at in all, as a multiple of the words of the text. Ordinary text needs less than one look for
/// each word; only periodic text, in which places overlap, can need more.
const LOOKS_PER_WORD: usize = 8;

/// A run of words that stands at least twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Passage {
    /// How many words it has.
    pub(crate) len: usize,
    /// Positions of its first word, in order; no two occurrences overlap.
    pub(crate) starts: Vec<usize>,
}

/// The passages that `copies` stand for, longest first, then by first place. Time n·log n.
pub(super) fn of(sequence: &[i32], suffixes: &Suffixes, mut copies: Vec<Copy>) -> Vec<Passage> {
    let words = |copy: &Copy| sequence.get(copy.target..copy.target + copy.len).unwrap_or_default();
    // Sorting, not hashing: nobody can prepare texts that collide. All copies together have at most twice the words of the
    // text, so all comparisons of one round are linear.
    copies.sort_unstable_by(|a, b| {
        b.len.cmp(&a.len).then_with(|| words(a).cmp(words(b))).then(a.target.cmp(&b.target))
    });
    let places = Places::of(suffixes);
    let mut looks_left = LOOKS_PER_WORD * sequence.len();
    let mut passages: Vec<Passage> = copies
        .chunk_by(|a, b| words(a) == words(b))
        .filter_map(|same| {
            let first = same.first()?;
            let mut starts = places.of_run(first.target, first.len, &mut looks_left);
            if starts.is_empty() {
                starts = same.iter().flat_map(|copy| [copy.source, copy.target]).collect();
            }
            Some(Passage { len: first.len, starts: apart(starts, first.len) })
        })
        .collect();
    passages.sort_unstable_by(|a, b| b.len.cmp(&a.len).then_with(|| a.starts.cmp(&b.starts)));
    passages
}

/// The suffix array with its inverse, to find all places of a run.
struct Places<'s> {
    suffixes: &'s Suffixes,
    ranks: Vec<u32>,
}

impl<'s> Places<'s> {
    fn of(suffixes: &'s Suffixes) -> Self {
        Self { suffixes, ranks: suffixes.ranks() }
    }

    /// All places of the `len` words at `start`: the suffixes that begin with them are neighbours. Nothing when that takes
    /// more looks than are left.
    fn of_run(&self, start: usize, len: usize, looks_left: &mut usize) -> Vec<usize> {
        let rank = self.ranks.get(start).map_or(0, |&rank| rank as usize);
        let (before, behind) = self.suffixes.neighbours(rank, rank, len, *looks_left);
        let looks = before + behind + 1;
        let Some(left) = looks_left.checked_sub(looks) else {
            *looks_left = 0;
            return Vec::new();
        };
        *looks_left = left;
        let neighbours = self.suffixes.order.get(rank - before..=rank + behind).unwrap_or_default();
        neighbours.iter().copied().map(index).collect()
    }
}

/// Places in order without those that overlap the one before. Taking the earliest first keeps as many as possible.
fn apart(mut starts: Vec<usize>, len: usize) -> Vec<usize> {
    starts.sort_unstable();
    let mut free_from = 0;
    starts.retain(|&start| {
        let is_apart = start >= free_from;
        if is_apart {
            free_from = start + len;
        }
        is_apart
    });
    starts
}
