//! Which passages two texts share, found in their [traces](Trace): seeds, extended and chained over small changes.
//!
//! The way of programs that align genomes (Altschul and others, "Basic local alignment search tool", 1990): runs of five equal
//! words are looked up, and each that is not yet part of a passage is grown in both directions, over gaps of a few words, for
//! as long as enough of it is equal. Runs that stand in the document once are grown first, for they leave no doubt where a
//! passage comes from; those that stand there more often, sayings and boilerplate, get what is left.

mod grow;
mod occurrences;

use super::trace::Trace;
use grow::Grower;
use occurrences::Occurrences;
use std::ops::Range;

/// How many of the places in which a run of words stands in the document are tried.
const MAX_TRIES: usize = 8;

/// A chain of more words than this that is no passage is not looked into again.
const LONG_CHAIN_WORDS: usize = 64;

/// What counts as a passage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PassageOptions {
    /// How many words of either text may stand between two runs of equal words of one passage; at most 64. Over a gap of a
    /// single changed word at least 2 equal words must follow, over others at least 3 and more than half as many as the gap has.
    pub max_gap_words: usize,
    /// How many equal words a passage has at least; as many as the shorter text has, if it has fewer. 0 counts as 1. Nothing is
    /// a passage in which no run of five words is equal.
    pub min_words: usize,
    /// Which share of its words is equal at least, 0 to 1; where the two sides of a gap are of different length the longer counts.
    pub min_equal_share: f64,
}

impl Default for PassageOptions {
    /// Gaps of 8 words, 12 equal words, 0.6 of the words equal.
    fn default() -> Self {
        Self { max_gap_words: 8, min_words: 12, min_equal_share: 0.6 }
    }
}

/// A passage that two texts share. Its first and its last word are equal on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Passage {
    /// Which words of the query.
    pub query: Range<usize>,
    /// Which words of the document.
    pub document: Range<usize>,
    /// How many words are equal and in the same order on both sides, as far as the runs go that were followed.
    pub equal_words: usize,
}

/// What of a query stands in a document.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Reuse {
    /// The passages in the order of the query. No word of the query is in two of them; words of the document may be.
    pub passages: Vec<Passage>,
    /// How many words of the query lie in passages.
    pub query_covered_words: usize,
    /// How many words of the document lie in passages, each counted once.
    pub document_covered_words: usize,
}

/// The passages of `query` that stand in `document`. Each stretch of the query is found once, where most words of it are equal;
/// of equally good places the next one behind the passage before is taken. Where a run of words stands in the document more
/// than eight times, eight places are tried. Time n·log n in the words of both, however often they repeat; memory linear.
#[must_use]
pub fn passages(query: &Trace, document: &Trace, options: &PassageOptions) -> Reuse {
    if query.is_empty() || document.is_empty() {
        return Reuse::default();
    }
    let mut shingles = document.shingles();
    let occurrences = Occurrences::of(&shingles);
    query.shingles_into(&mut shingles);
    let search = Search {
        seeds: shingles.iter().map(|&shingle| occurrences.find(shingle)).collect(),
        occurrences,
        grower: Grower::new(query.words(), document.words(), options),
    };
    let mut passages = Vec::new();
    let (mut floor, mut near) = (0, 0);
    for passage in search.scan(0..query.len(), 0, |places| places == 1) {
        passages.extend(search.scan(floor..passage.query.start, near, |places| places > 1));
        (floor, near) = (passage.query.end, passage.document.end);
        passages.push(passage);
    }
    passages.extend(search.scan(floor..query.len(), near, |places| places > 1));
    Reuse {
        query_covered_words: passages.iter().map(|passage| passage.query.len()).sum(),
        document_covered_words: covered(passages.iter().map(|passage| passage.document.clone()).collect()),
        passages,
    }
}

/// How many numbers lie in at least one of `ranges`.
fn covered(mut ranges: Vec<Range<usize>>) -> usize {
    ranges.sort_unstable_by_key(|range| range.start);
    let (mut covered, mut end) = (0, 0);
    for range in ranges {
        covered += range.end.saturating_sub(range.start.max(end));
        end = end.max(range.end);
    }
    covered
}

/// All that a search for passages looks at.
struct Search<'t> {
    /// Where each shingle of the query stands among the occurrences.
    seeds: Vec<Range<usize>>,
    occurrences: Occurrences,
    grower: Grower<'t>,
}

impl Search<'_> {
    /// The passages within the words `stretch` of the query that grow from seeds whose number of places is `wanted`. `near` is
    /// where in the document the passage before ends.
    ///
    /// Whatever is grown is either taken, and then not looked at again, or is short, or is skipped: that keeps the sum linear.
    fn scan(&self, stretch: Range<usize>, near: usize, wanted: impl Fn(usize) -> bool) -> Vec<Passage> {
        let mut found = Vec::new();
        let (mut floor, mut near, mut at) = (stretch.start, near, stretch.start);
        while at < stretch.end {
            let Some(places) = self.seeds.get(at).filter(|places| wanted(places.len())) else {
                at += 1;
                continue;
            };
            let tried = self.occurrences.some_from(places.clone(), near, MAX_TRIES);
            let grown = tried.filter_map(|place| self.grower.grow(at, place, floor..stretch.end));
            // Of equals the first: they were tried in the order of preference.
            let best =
                grown.reduce(
                    |best, next| {
                        if next.passage.equal_words > best.passage.equal_words { next } else { best }
                    },
                );
            let Some(best) = best else {
                at += 1;
                continue;
            };
            if self.grower.is_passage(&best.passage) {
                (floor, near) = (best.passage.query.end, best.passage.document.end);
                at = floor;
                found.push(best.passage);
            } else if best.passage.query.len() > LONG_CHAIN_WORDS {
                floor = best.passage.query.end;
                at = floor;
            } else {
                at = best.next_seed;
            }
        }
        found
    }
}
