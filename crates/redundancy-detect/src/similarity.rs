//! How much two texts share, and which passages.

use crate::analyze::{share, span_of_words};
use crate::grams::Grams;
use crate::span::{OffsetMap, OffsetUnit, Span};
use crate::text::{TextTooLong, words_of};
use crate::tiling::{Tile, Tiling, tile};
use crate::vocabulary::Vocabulary;
use crate::words::Word;
use std::cmp::Reverse;

/// How many words a matching passage has at least unless the caller says otherwise.
pub const DEFAULT_MIN_MATCH_WORDS: usize = 4;
/// How many common words are reported at most.
const MAX_COMMON_WORDS: usize = 100;

/// What to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimilarityOptions {
    /// How many words a run must have to count as a match. Never more than the shorter text has; 0 counts as 1.
    pub min_passage_words: usize,
    /// What the spans of the answer count.
    pub offset_unit: OffsetUnit,
}

impl Default for SimilarityOptions {
    fn default() -> Self {
        Self { min_passage_words: DEFAULT_MIN_MATCH_WORDS, offset_unit: OffsetUnit::default() }
    }
}

/// What two texts share. Every figure lies in 0 to 1 and is the same when the texts change places.
#[derive(Debug, Clone, PartialEq)]
pub struct Similarity {
    /// 2·M / (words of both), M = words covered by greedy string tiling (Wise 1993): 1 for equal normalised texts, 0 with no
    /// passage shared.
    pub similarity_score: f64,
    /// Jaccard index of the sets of word 5-grams, exact.
    pub jaccard: f64,
    /// Share of the 5-grams of one text that stand in the other (Broder 1997), exact.
    pub containment: Containment,
    /// Cosine of the angle between the vectors of word counts.
    pub cosine: f64,
    /// The matching passages, longest first. No word is in two of them.
    pub matches: Vec<Match>,
    /// Words that both texts have, the most frequent first; at most 100.
    pub common_words: Vec<String>,
}

/// How much of one text stands in the other, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Containment {
    /// Share of the first text that stands in the second.
    pub text1_in_text2: f64,
    /// Share of the second text that stands in the first.
    pub text2_in_text1: f64,
}

/// A run of words that both texts have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// How many words it has.
    pub words: usize,
    /// The original text in the first of the two.
    pub text: String,
    /// Where it stands in the first text, in the unit asked for.
    pub text1: Span,
    /// Where it stands in the second text, in the unit asked for.
    pub text2: Span,
}

/// Compares two texts. Time n·log n in the words of both at worst, memory linear.
///
/// # Errors
/// [`TextTooLong`] when one has more than [`crate::MAX_TEXT_BYTES`] bytes.
pub fn similarity(text1: &str, text2: &str, options: &SimilarityOptions) -> Result<Similarity, TextTooLong> {
    // Ties between equally long matches are broken by place and word number. Tiling in an order that does not depend on which
    // text the caller put first makes the answer symmetric.
    let swap = (text2.len(), text2) < (text1.len(), text1);
    let in_order = if swap { [text2, text1] } else { [text1, text2] };
    let mut vocabulary = Vocabulary::for_texts(&in_order);
    let mut words = [words_of(in_order[0], &mut vocabulary)?, words_of(in_order[1], &mut vocabulary)?];
    let Tiling { mut tiles, joined, suffixes } = tile(&words[0], &words[1], options.min_passage_words);
    let mut grams = Grams::of(&joined, &suffixes);
    if swap {
        words.reverse();
        tiles = tiles.into_iter().map(Tile::swapped).collect();
        grams = grams.swapped();
    }
    let [words1, words2] = words;
    if words1.is_empty() && words2.is_empty() {
        return Ok(without_words(text1.trim() == text2.trim()));
    }
    tiles.sort_unstable_by_key(|tile| (Reverse(tile.len), tile.start1));
    let covered: usize = tiles.iter().map(|tile| tile.len).sum();
    let counts = WordCounts::of(&vocabulary, &words1, &words2);
    Ok(Similarity {
        similarity_score: share(2 * covered, words1.len() + words2.len()),
        jaccard: share(grams.shared, grams.in_first + grams.in_second - grams.shared),
        containment: Containment {
            text1_in_text2: share(grams.shared, grams.in_first),
            text2_in_text1: share(grams.shared, grams.in_second),
        },
        cosine: counts.cosine(),
        matches: render([text1, text2], [&words1, &words2], &tiles, options.offset_unit),
        common_words: counts.common(&vocabulary),
    })
}

/// Two texts of punctuation and symbols only: they are the same or share nothing that could be counted.
fn without_words(same: bool) -> Similarity {
    let score = f64::from(u8::from(same));
    Similarity {
        similarity_score: score,
        jaccard: score,
        containment: Containment { text1_in_text2: score, text2_in_text1: score },
        cosine: score,
        matches: Vec::new(),
        common_words: Vec::new(),
    }
}

fn render(texts: [&str; 2], words: [&[Word]; 2], tiles: &[Tile], unit: OffsetUnit) -> Vec<Match> {
    let offsets = texts.map(|text| OffsetMap::new(text, unit));
    tiles
        .iter()
        .map(|tile| {
            let span1 = span_of_words(words[0], tile.start1, tile.len);
            let span2 = span_of_words(words[1], tile.start2, tile.len);
            Match {
                words: tile.len,
                text: span1.slice(texts[0]).to_owned(),
                text1: offsets[0].span(span1),
                text2: offsets[1].span(span2),
            }
        })
        .collect()
}

/// How often each word of the vocabulary stands in either text.
struct WordCounts(Vec<[u64; 2]>);

impl WordCounts {
    fn of(vocabulary: &Vocabulary, words1: &[Word], words2: &[Word]) -> Self {
        let mut counts = vec![[0; 2]; vocabulary.len()];
        for (text, words) in [words1, words2].into_iter().enumerate() {
            for word in words {
                counts[word.id.index()][text] += 1;
            }
        }
        Self(counts)
    }

    /// Cosine of the angle between the two vectors of counts: 0 with no word in common, 1 for equal proportions.
    fn cosine(&self) -> f64 {
        let product = |of: &dyn Fn(&[u64; 2]) -> u64| self.0.iter().map(of).sum::<u64>() as f64;
        let norms = product(&|[one, _]| one * one) * product(&|[_, other]| other * other);
        if norms == 0.0 { 0.0 } else { (product(&|[one, other]| one * other) / norms.sqrt()).min(1.0) }
    }

    /// The words that both texts have, the most frequent first, then in the order of their letters.
    fn common(&self, vocabulary: &Vocabulary) -> Vec<String> {
        let in_both = self.0.iter().zip(vocabulary.iter()).filter(|([one, other], _)| *one > 0 && *other > 0);
        let mut common: Vec<_> = in_both.map(|([one, other], word)| (Reverse(one + other), word)).collect();
        common.sort_unstable();
        common.into_iter().take(MAX_COMMON_WORDS).map(|(_, word)| word.to_owned()).collect()
    }
}
