//! Findings about a text as a whole.

use super::finding::Finding;
use super::{Evidence, Located};
use crate::analyze::{share, span_of_words};

/// Below this readability score the rating is the worst there is.
const HARD_BELOW: f64 = 40.0;
/// Share of words in repeated passages from which it is worth a word.
const HIGH_REDUNDANCY: f64 = 0.1;
/// MTLD below which prose sounds monotonous: none of 567 news stories lies below, and 4 % of
/// 742 technical proposals do.
const LOW_MTLD: f64 = 40.0;
/// Fewer words than this say too little about a text as a whole.
const ENOUGH_WORDS: usize = 100;

/// Adds what there is to say about the whole text.
pub(super) fn find(evidence: &Evidence<'_>, found: &mut Vec<Located>) {
    let counts = evidence.counts;
    let whole = |finding| Located { finding, span: None };
    if counts.words > 0 && evidence.readability_score < HARD_BELOW {
        let words_per_sentence = share(counts.words, counts.sentences);
        found.push(whole(Finding::HardToRead { score: evidence.readability_score, words_per_sentence }));
    }
    if evidence.redundancy_score >= HIGH_REDUNDANCY {
        found.extend(longest_repeat(evidence));
    }
    let mtld = evidence.lexical_diversity.mtld;
    if counts.words >= ENOUGH_WORDS && mtld < LOW_MTLD {
        found.push(whole(Finding::LowLexicalDiversity { mtld }));
    }
}

/// Points at the second place of the longest passage.
fn longest_repeat(evidence: &Evidence<'_>) -> Option<Located> {
    let passages = evidence.repeats.passages();
    let longest = passages.first()?;
    let again = *longest.starts.get(1)?;
    let finding = Finding::HighRedundancy { share: evidence.redundancy_score, longest_words: longest.len };
    Some(Located::at(finding, span_of_words(evidence.text.words(), again, longest.len)))
}
