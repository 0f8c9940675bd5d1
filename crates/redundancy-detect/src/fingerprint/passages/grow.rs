//! Growing a seed into a passage: along equal words, and over gaps.

use super::super::trace::TRACE_SHINGLE_WORDS;
use super::{Passage, PassageOptions};
use std::ops::Range;

/// Widest gap that can be asked for: at the end of each run its square is tried.
const MOST_GAP_WORDS: usize = 32;

/// How many equal words must follow a gap, unless it is a small one.
const MIN_RUN_WORDS: usize = 3;

/// How many equal words must follow a small gap: a word on one side, or up to [`MOST_REPLACED_WORDS`] on both. The next two
/// words are seldom the same by chance, and where many words were changed there are no longer runs between them.
const MIN_RUN_WORDS_AFTER_SMALL: usize = 2;

/// How many words can be replaced by as many others in a small gap.
const MOST_REPLACED_WORDS: usize = 3;

/// How many times the widest gap a passage is followed after its last good end.
const PATIENCE: usize = 4;

/// Equal words on both sides of a place in the query and one in the document.
#[derive(Clone)]
pub(super) struct Run {
    query: usize,
    document: usize,
    /// How many are equal from the two places on.
    ahead: usize,
    /// How many are equal before them.
    back: usize,
    /// What of the query it may grow into.
    bounds: Range<usize>,
}

impl Run {
    /// How many words it has.
    pub(super) fn len(&self) -> usize {
        self.back + self.ahead
    }

    /// The next word of the query whose seed reaches beyond the run.
    pub(super) fn next_seed(&self) -> usize {
        self.query + (self.ahead + 1).saturating_sub(TRACE_SHINGLE_WORDS).max(1)
    }
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

    /// The run of equal words around word `query` of the query and word `document` of the document, within the words `bounds` of
    /// the query. `None` if no word is equal after all.
    pub(super) fn run(&self, query: usize, document: usize, bounds: Range<usize>) -> Option<Run> {
        let run = Run { query, document, ahead: 0, back: 0, bounds };
        let ahead = self.ahead(&run)?.equal();
        let back = self.behind(&run)?.equal();
        (ahead > 0).then_some(Run { ahead, back, ..run })
    }

    /// Grows a run over gaps, as far as enough is equal.
    pub(super) fn grow(&self, run: &Run) -> Option<Passage> {
        let tally = Tally { equal: run.len(), unequal: 0 };
        let ahead = self.follow(self.ahead(run)?, run.ahead, tally);
        let behind = self.follow(self.behind(run)?, run.back, ahead.tally);
        Some(Passage {
            query: run.query - behind.query..run.query + ahead.query,
            document: run.document - behind.document..run.document + ahead.document,
            equal_words: behind.tally.equal,
        })
    }

    fn ahead(&self, run: &Run) -> Option<Sides<'t, false>> {
        Some(Sides {
            query: self.query.get(run.query..run.bounds.end)?,
            document: self.document.get(run.document..)?,
        })
    }

    fn behind(&self, run: &Run) -> Option<Sides<'t, true>> {
        Some(Sides {
            query: self.query.get(run.bounds.start..run.query)?,
            document: self.document.get(..run.document)?,
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
                let is_small = width == 1 || (narrow == width && width <= MOST_REPLACED_WORDS);
                let needed =
                    if is_small { MIN_RUN_WORDS_AFTER_SMALL } else { MIN_RUN_WORDS.max(width / 2 + 1) };
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
