//! Growing a seed into a passage: along equal words, and over gaps.

use super::{Passage, PassageOptions};
use std::ops::Range;

/// Widest gap that can be asked for: at the end of each run its square is tried.
const MOST_GAP_WORDS: usize = 64;

/// How many equal words must follow a gap, unless it is one changed word.
const MIN_RUN_WORDS: usize = 3;

/// How many equal words must follow a single word that was changed into another.
const MIN_RUN_WORDS_AFTER_ONE: usize = 2;

/// How many times the widest gap a passage is followed after its last good end.
const PATIENCE: usize = 8;

/// What a seed grew into.
pub(super) struct Grown {
    pub(super) passage: Passage,
    /// The next word of the query whose seed reaches beyond the run of equal words that this one lies in.
    pub(super) next_seed: usize,
}

/// Two texts, and what may count as a passage of both.
pub(super) struct Grower<'t> {
    query: &'t [u32],
    document: &'t [u32],
    max_gap: usize,
    min_words: usize,
    min_share: f64,
}

impl<'t> Grower<'t> {
    pub(super) fn new(query: &'t [u32], document: &'t [u32], options: &PassageOptions) -> Self {
        let share = options.min_equal_share;
        Self {
            query,
            document,
            max_gap: options.max_gap_words.min(MOST_GAP_WORDS),
            min_words: options.min_words.min(query.len()).min(document.len()).max(1),
            min_share: if share.is_nan() { 1.0 } else { share.clamp(0.0, 1.0) },
        }
    }

    /// Whether something grown has enough equal words. Their share is already seen to.
    pub(super) fn is_passage(&self, grown: &Passage) -> bool {
        grown.equal_words >= self.min_words
    }

    /// Grows from word `query` of the query and word `document` of the document, which begin a run of equal words, within the
    /// words `bounds` of the query. `None` if no word is equal after all.
    pub(super) fn grow(&self, query: usize, document: usize, bounds: Range<usize>) -> Option<Grown> {
        let ahead = Sides::<false> {
            query: self.query.get(query..bounds.end)?,
            document: self.document.get(document..)?,
        };
        let behind = Sides::<true> {
            query: self.query.get(bounds.start..query)?,
            document: self.document.get(..document)?,
        };
        let run = ahead.equal();
        if run == 0 {
            return None;
        }
        let back = behind.equal();
        let tally = Tally { equal: run + back, unequal: 0 };
        let ahead = self.follow(ahead, run, tally);
        let behind = self.follow(behind, back, ahead.tally);
        Some(Grown {
            passage: Passage {
                query: query - behind.query..query + ahead.query,
                document: document - behind.document..document + ahead.document,
                equal_words: behind.tally.equal,
            },
            next_seed: query + (run + 1).saturating_sub(super::super::TRACE_SHINGLE_WORDS).max(1),
        })
    }

    /// Follows both texts beyond the first `run` words, which are equal, to the furthest end of a run up to which enough of all
    /// is equal.
    fn follow<const BACK: bool>(&self, sides: Sides<'_, BACK>, run: usize, tally: Tally) -> Reach {
        let mut reach = Reach { query: run, document: run, tally };
        let mut good = reach;
        let mut left = sides.after(run, run);
        let mut since = 0;
        while let Some(gap) = left.resume(self.max_gap) {
            let run = gap.run;
            left = left.after(gap.query + run, gap.document + run);
            reach.query += gap.query + run;
            reach.document += gap.document + run;
            reach.tally.equal += run;
            reach.tally.unequal += gap.width();
            if reach.tally.share() >= self.min_share {
                good = reach;
                since = 0;
            } else {
                since += gap.width() + run;
                if since > PATIENCE * self.max_gap {
                    break;
                }
            }
        }
        good
    }
}

/// Words counted on the way.
#[derive(Clone, Copy)]
struct Tally {
    equal: usize,
    unequal: usize,
}

impl Tally {
    fn share(self) -> f64 {
        crate::analyze::share(self.equal, self.equal + self.unequal)
    }
}

/// How far a passage goes in one direction.
#[derive(Clone, Copy)]
struct Reach {
    query: usize,
    document: usize,
    tally: Tally,
}

/// Words that are left out, and how many equal ones follow.
struct Gap {
    query: usize,
    document: usize,
    run: usize,
}

impl Gap {
    fn width(&self) -> usize {
        self.query.max(self.document)
    }
}

/// Two texts from one place on, read forwards, or `BACK` to their beginnings.
#[derive(Clone, Copy)]
struct Sides<'t, const BACK: bool> {
    query: &'t [u32],
    document: &'t [u32],
}

impl<const BACK: bool> Sides<'_, BACK> {
    /// How many words are equal from here on.
    fn equal(self) -> usize {
        let (query, document) = (self.query.iter(), self.document.iter());
        if BACK {
            query.rev().zip(document.rev()).take_while(|(one, other)| one == other).count()
        } else {
            query.zip(document).take_while(|(one, other)| one == other).count()
        }
    }

    /// The same two texts, so many words on.
    fn after(self, query: usize, document: usize) -> Self {
        Self { query: skip::<BACK>(self.query, query), document: skip::<BACK>(self.document, document) }
    }

    /// The narrowest gap of at most `max_gap` words behind which enough words are equal; of equally wide ones that which takes
    /// most of both.
    fn resume(self, max_gap: usize) -> Option<Gap> {
        for width in 1..=max_gap.min(self.query.len().max(self.document.len())) {
            for narrow in (0..=width).rev() {
                let needed = if width == 1 && narrow == 1 {
                    MIN_RUN_WORDS_AFTER_ONE
                } else {
                    MIN_RUN_WORDS.max(width / 2 + 1)
                };
                for (query, document) in [(width, narrow), (narrow, width)] {
                    if word::<BACK>(self.query, query) != word::<BACK>(self.document, document) {
                        continue;
                    }
                    let run = self.after(query, document).equal();
                    if run >= needed {
                        return Some(Gap { query, document, run });
                    }
                }
            }
        }
        None
    }
}

/// Word `number` from here on.
fn word<const BACK: bool>(words: &[u32], number: usize) -> Option<&u32> {
    if BACK { words.get(words.len().checked_sub(number + 1)?) } else { words.get(number) }
}

fn skip<const BACK: bool>(words: &[u32], number: usize) -> &[u32] {
    let range = if BACK { 0..words.len().saturating_sub(number) } else { number..words.len() };
    words.get(range).unwrap_or_default()
}
