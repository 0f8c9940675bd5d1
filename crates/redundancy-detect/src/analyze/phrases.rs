//! Runs of words too short for a passage that stand more than once: turns of phrase, boilerplate, refrains.

use crate::repeats::Repeats;
use crate::structure::Structure;
use crate::suffixes::{Suffixes, index};
use crate::text::Text;

use super::span_of_words;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::ops::Range;

/// Pairs of words ("of the") repeat in any text.
const MIN_WORDS: usize = 3;
/// A longer run is no turn of phrase, whatever the minimum of a passage.
const MAX_WORDS: usize = 30;
/// How many phrases are reported at most.
const MAX_PHRASES: usize = 50;
/// How many phrases are looked up in full at most.
const MAX_LOOKED_UP: usize = 2 * MAX_PHRASES;
/// Room is made for so many at once, which is enough for a text of a page.
const FEW: usize = 16;
/// How many places of a phrase are looked at to tell whether it runs over the end of a sentence.
const PLACES_LOOKED_AT: usize = 16;

/// A short run of words that stands more than once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepeatedPhrase {
    /// The original text of its first occurrence. Others may differ in case, punctuation and white space.
    pub phrase: String,
    /// How many words it has.
    pub words: usize,
    /// How often it stands in the text, without overlap.
    pub count: usize,
}

/// A group of neighbours in the suffix array that share their first `words` words and no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Group {
    words: usize,
    /// First and last rank.
    from: usize,
    to: usize,
}

impl Ord for Group {
    /// The group that repeats most words is the greatest; among equals, the one that comes first.
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |group: &Self| (group.repeated_words(), Reverse((group.from, group.to, group.words)));
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for Group {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Group {
    /// How many words of the text go into repeating the phrase.
    fn repeated_words(&self) -> usize {
        (self.to - self.from) * self.words
    }

    /// Where the phrase stands, in no particular order.
    fn places<'s>(&self, suffixes: &'s Suffixes) -> &'s [i32] {
        suffixes.order.get(self.from..=self.to).unwrap_or_default()
    }

    /// Takes in all neighbours that begin with the phrase.
    fn widen(&mut self, suffixes: &Suffixes) {
        let (more_before, more_behind) = suffixes.neighbours(self.from, self.to, self.words, usize::MAX);
        self.from -= more_before;
        self.to += more_behind;
    }
}

/// Finds the phrases of 3 to `min_passage_words - 1` words that take most words of the text by standing again. A phrase that
/// is always part of the same longer one is left out, and so is one that overlaps itself ("ha ha ha"); one that runs over the
/// end of a sentence is cut there. Time n·log n, for ordering the candidates.
pub(super) fn find(
    text: &Text<'_>,
    structure: &Structure,
    repeats: &Repeats,
    min_passage_words: usize,
) -> Vec<RepeatedPhrase> {
    let suffixes = repeats.suffixes();
    let same_before = SameWordBefore::of(repeats);
    let sentences = SentenceStarts::of(text, structure);
    let mut candidates = groups(suffixes, MIN_WORDS..min_passage_words.min(MAX_WORDS + 1));
    let mut phrases = Vec::with_capacity(FEW);
    let mut seen: Vec<&[i32]> = Vec::with_capacity(FEW);
    while phrases.len() < MAX_PHRASES
        && let Some(mut group) = candidates.pop()
    {
        if same_before.throughout(&group) {
            continue;
        }
        let words = sentences.words_before_end(group.places(suffixes), group.words);
        if words < group.words {
            group.words = words;
            candidates.extend((words >= MIN_WORDS).then_some(group));
            continue;
        }
        let content =
            repeats.words_at(group.places(suffixes).first().map_or(0, |&place| index(place)), words);
        // What was cut may equal a phrase that was cut elsewhere, or that stands on its own.
        if seen.contains(&content) {
            continue;
        }
        seen.push(content);
        // A phrase that was cut also stands wherever it goes on in another way.
        group.widen(suffixes);
        if let Some((first, count)) = count_apart(group.places(suffixes), words) {
            let phrase = span_of_words(text.words(), first, words).slice(text.source()).to_owned();
            phrases.push(RepeatedPhrase { phrase, words, count });
        } else if seen.len() >= MAX_LOOKED_UP {
            // A text of nothing but stutters could otherwise have all its candidates counted.
            break;
        }
    }
    phrases.sort_by_key(|phrase| Reverse((phrase.count - 1) * phrase.words));
    phrases
}

/// The first place and how many there are without those that overlap the one before; nothing when the first two do.
fn count_apart(places: &[i32], words: usize) -> Option<(usize, usize)> {
    let mut places: Vec<usize> = places.iter().copied().map(index).collect();
    places.sort_unstable();
    let (&first, &second) = (places.first()?, places.get(1)?);
    if second < first + words {
        return None;
    }
    let mut free_from = 0;
    let is_apart = |&&place: &&usize| {
        let is_apart = place >= free_from;
        if is_apart {
            free_from = place + words;
        }
        is_apart
    };
    Some((first, places.iter().filter(is_apart).count()))
}

/// The groups whose number of shared words lies in `words`: the inner nodes of the suffix tree of that depth, found with a
/// stack (Abouelhoda, Kurtz & Ohlebusch 2004, section 4).
fn groups(suffixes: &Suffixes, words: Range<usize>) -> BinaryHeap<Group> {
    let mut found = Vec::with_capacity(FEW);
    let mut open: Vec<(usize, usize)> = Vec::with_capacity(FEW);
    let ends = suffixes.shared.iter().copied().skip(1).chain([0]);
    for (rank, shared) in ends.enumerate() {
        let shared = index(shared);
        let mut from = rank;
        while let Some(&(depth, start)) = open.last().filter(|&&(depth, _)| depth > shared) {
            open.pop();
            from = start;
            if words.contains(&depth) {
                found.push(Group { words: depth, from: start, to: rank });
            }
        }
        if shared > 0 && open.last().is_none_or(|&(depth, _)| depth < shared) {
            open.push((shared, from));
        }
    }
    found.into()
}

/// Tells in constant time whether the same word stands before every place of a group.
struct SameWordBefore {
    /// `changes[r]` = how often the word before changes from one suffix to the next, up to rank `r`.
    changes: Vec<u32>,
}

impl SameWordBefore {
    fn of(repeats: &Repeats) -> Self {
        let word_before =
            |place: &i32| index(*place).checked_sub(1).and_then(|before| repeats.word_at(before));
        let mut changes = Vec::with_capacity(repeats.suffixes().order.len());
        let mut count = 0;
        let mut last = None;
        for place in &repeats.suffixes().order {
            let word = word_before(place);
            // Nothing stands before the first word, which is unlike any word, itself included.
            count += u32::from(word.is_none() || word != last);
            last = word;
            changes.push(count);
        }
        Self { changes }
    }

    fn throughout(&self, group: &Group) -> bool {
        self.changes.get(group.from) == self.changes.get(group.to)
    }
}

/// Tells where phrases run over the end of a sentence.
struct SentenceStarts {
    /// For each word, how many words on the next sentence begins.
    to_next: Vec<usize>,
}

impl SentenceStarts {
    fn of(text: &Text<'_>, structure: &Structure) -> Self {
        let mut to_next = vec![usize::MAX; text.words().len()];
        let mut starts = structure.sentences.iter().rev().map(|sentence| sentence.words.start).peekable();
        let mut next = usize::MAX;
        for (word, distance) in to_next.iter_mut().enumerate().rev() {
            *distance = next - word;
            if starts.next_if_eq(&word).is_some() {
                next = word;
            }
        }
        Self { to_next }
    }

    /// How many of the `words` at each of `places` are left when the phrase is cut where, at most of the places, a sentence
    /// ends. Looks at a bounded number of places.
    fn words_before_end(&self, places: &[i32], words: usize) -> usize {
        let looked_at = places.get(..PLACES_LOOKED_AT).unwrap_or(places);
        let is_most = |places: usize| places * 2 > looked_at.len();
        let distance = |place: usize| self.to_next.get(place).copied().unwrap_or(usize::MAX);
        if !is_most(looked_at.iter().filter(|&&place| distance(index(place)) < words).count()) {
            return words;
        }
        let ends_at = |offset: usize| {
            is_most(looked_at.iter().filter(|&&place| distance(index(place) + offset - 1) == 1).count())
        };
        (1..words).find(|&offset| ends_at(offset)).unwrap_or(words)
    }
}
