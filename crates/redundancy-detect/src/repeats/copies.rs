//! Covers the redundant words of a text with copies of earlier text.

use super::Repeats;
use crate::suffixes::Suffixes;

/// A run of words that also stands earlier: `len` words at `target` equal those at `source`, and the two do not overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Copy {
    pub(super) target: usize,
    pub(super) source: usize,
    pub(super) len: usize,
}

/// A longest match with earlier text. Source and target may overlap here, which means that the text is periodic.
#[derive(Debug, Clone, Copy)]
struct Match {
    start: usize,
    end: usize,
    source: usize,
}

/// The search for copies in one text.
pub(super) struct Copies<'r> {
    repeats: &'r Repeats,
    found: Vec<Copy>,
}

impl<'r> Copies<'r> {
    pub(super) fn of(repeats: &'r Repeats) -> Self {
        Self { repeats, found: Vec::new() }
    }

    /// Finds copies that together cover the redundant words, left to right. Linear time.
    pub(super) fn find(mut self) -> Vec<Copy> {
        let mut covered_to = 0;
        let mut furthest: Option<Match> = None;
        for next in self.maximal_matches() {
            if next.start > covered_to {
                // Nothing later reaches back over the gap, so the furthest match seen closes what is covered so far.
                if let Some(chosen) = furthest.take() {
                    covered_to = chosen.end;
                    self.add(chosen);
                }
            }
            if next.start > covered_to {
                covered_to = next.end;
                self.add(next);
            } else if next.end > covered_to {
                furthest = Some(next);
            }
        }
        if let Some(chosen) = furthest {
            self.add(chosen);
        }
        self.found
    }

    /// Longest matches that begin at redundant windows and lie in no other such match, in order.
    fn maximal_matches(&self) -> Vec<Match> {
        let sequence = &self.repeats.sequence;
        let mut sides = earlier_neighbours(&self.repeats.suffixes).map(|sources| (sources, 0));
        let mut reach = 0;
        let mut matches = Vec::new();
        for start in self.repeats.redundant_windows() {
            let mut maximal = None;
            for (sources, side_reach) in &mut sides {
                let Some(source) = sources.get(start).filter(|&&source| source != NONE).map(|&s| s as usize)
                else {
                    continue;
                };
                // A match at `start` ends no earlier than those before it on the same side, so those words are equal already.
                let known = usize::saturating_sub(*side_reach, start);
                let end = start + known + common_prefix(sequence, source + known, start + known);
                *side_reach = end;
                if end > reach {
                    reach = end;
                    maximal = Some(Match { start, end, source });
                }
            }
            matches.extend(maximal);
        }
        matches
    }

    /// Adds the copies that a match stands for.
    fn add(&mut self, found: Match) {
        let period = found.start - found.source;
        let len = found.end - found.start;
        if period >= len {
            self.found.push(Copy { target: found.start, source: found.source, len });
        } else if !self.add_periods(found, period) {
            self.add_first_window(found);
        }
    }

    /// Cuts periodic text into pieces of equal words, one period each or as many as make up the minimum length, and adds all
    /// but the first as copies of the first. Says whether there was room for any.
    fn add_periods(&mut self, found: Match, period: usize) -> bool {
        let min_words = self.repeats.min_words;
        let piece = period * min_words.div_ceil(period);
        let base = self.start_of_run(found.source, period);
        let before = self.found.len();
        let mut target = base + piece;
        while target + min_words <= found.end {
            // The last piece may be shorter; it equals the beginning of the first.
            let len = piece.min(found.end - target);
            self.found.push(Copy { target, source: base, len });
            target += piece;
        }
        self.found.len() > before
    }

    /// Where the periodic run around `position` begins, looked for within two minimum lengths: redundant windows begin no
    /// later than that in a run with a shorter period, and for a longer period the match itself is enough.
    fn start_of_run(&self, position: usize, period: usize) -> usize {
        let repeats = self.repeats;
        let limit = if period < repeats.min_words {
            position.saturating_sub(2 * repeats.min_words)
        } else {
            position
        };
        let goes_on =
            |&i: &usize| repeats.word_at(i).is_some() && repeats.word_at(i) == repeats.word_at(i + period);
        (limit..position).rev().take_while(goes_on).last().unwrap_or(position)
    }

    /// Adds the copy of the first place of the window at the match's start, as far as the two do not overlap.
    fn add_first_window(&mut self, found: Match) {
        let source = self.repeats.first.get(found.start).map_or(found.source, |&first| first as usize);
        let len = common_prefix(&self.repeats.sequence, source, found.start).min(found.start - source);
        self.found.push(Copy { target: found.start, source, len });
    }
}

/// Marks that no earlier suffix stands on that side.
const NONE: u32 = u32::MAX;

/// For each position, the nearest suffix before and the nearest after it in lexicographic order that begins earlier in the
/// text. One of the two begins the longest earlier match. Linear time, by a stack of increasing positions.
fn earlier_neighbours(suffixes: &Suffixes) -> [Vec<u32>; 2] {
    let mut before = vec![NONE; suffixes.order.len()];
    let mut after = vec![NONE; suffixes.order.len()];
    let mut stack: Vec<u32> = Vec::new();
    for &position in &suffixes.order {
        let position = position.unsigned_abs();
        while let Some(&top) = stack.last().filter(|&&top| top > position) {
            stack.pop();
            if let Some(neighbour) = after.get_mut(top as usize) {
                *neighbour = position;
            }
        }
        if let (Some(&top), Some(neighbour)) = (stack.last(), before.get_mut(position as usize)) {
            *neighbour = top;
        }
        stack.push(position);
    }
    [before, after]
}

/// How many words at `one` and `other` are equal, one by one.
fn common_prefix(sequence: &[i32], one: usize, other: usize) -> usize {
    let (one, other) = (sequence.get(one..).unwrap_or_default(), sequence.get(other..).unwrap_or_default());
    one.iter().zip(other).take_while(|(a, b)| a == b).count()
}
