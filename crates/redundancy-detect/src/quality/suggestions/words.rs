//! Findings about words in a row: the same word twice, and phrases that can be said shorter.

use super::finding::Finding;
use super::wordy_phrases::{self, Wordy};
use super::{Evidence, Located};
use crate::analyze::span_of_words;
use crate::quality::counts::begins_with_capital;
use crate::quality::primary_subtag;
use crate::quality::syllables::is_figure;
use crate::vocabulary::{Vocabulary, WordId};
use crate::words::Word;
use std::ops::Range;

/// Words that stand twice on purpose, in English and Spanish, sorted: "had had", "that that", "muy muy".
const DOUBLED_ON_PURPOSE: &[&str] = &[
    "bla", "blah", "bye", "casi", "far", "ha", "had", "ja", "knock", "long", "many", "muy", "no", "nos",
    "poco", "so", "sí", "that", "very", "ya", "yes",
];

/// Adds what there is to say about words in a row.
pub(super) fn find(evidence: &Evidence<'_>, found: &mut Vec<Located>) {
    doubled(evidence, found);
    wordy(evidence, wordy_phrases::of(&primary_subtag(evidence.language)), found);
}

/// The same word in a row, with nothing but white space between. Names ("New York, New York", "Pago Pago") are left alone.
fn doubled(evidence: &Evidence<'_>, found: &mut Vec<Located>) {
    let source = evidence.text.source();
    let is_slip = |word: &Word, next: &Word| {
        word.id == next.id
            && is_white_space_between(source, *word, *next)
            && !begins_with_capital(source, *next)
    };
    for sentence in &evidence.structure.sentences {
        let words = evidence.text.words().get(sentence.words.clone()).unwrap_or_default();
        let mut at = sentence.words.start;
        for run in words.chunk_by(is_slip) {
            if let [first, _, ..] = run {
                let word = evidence.text.vocabulary().word(first.id);
                if !is_figure(word) && DOUBLED_ON_PURPOSE.binary_search(&word).is_err() {
                    let finding = Finding::RepeatedWord { word: word.to_owned(), times: run.len() };
                    found.push(Located::at(finding, span_of_words(evidence.text.words(), at, run.len())));
                }
            }
            at += run.len();
        }
    }
}

/// Phrases of `list`. Linear time: words are compared by number, and most begin no phrase.
fn wordy(evidence: &Evidence<'_>, list: &'static [Wordy], found: &mut Vec<Located>) {
    let phrases = NumberedPhrases::of(list, evidence.text.vocabulary());
    let words = evidence.text.words();
    let mut at = 0;
    while let Some(rest) = words.get(at..).filter(|rest| !rest.is_empty()) {
        let Some((len, &Wordy { phrase, shorter })) = phrases.longest_at(rest, evidence.text.source()) else {
            at += 1;
            continue;
        };
        let words_saved = len.saturating_sub(shorter.split_whitespace().count());
        let finding = Finding::WordyPhrase { phrase, shorter, words_saved };
        found.push(Located::at(finding, span_of_words(words, at, len)));
        at += len;
    }
}

/// The phrases of a list that can stand in a text, with the numbers that their words have in it.
struct NumberedPhrases {
    phrases: Vec<(Vec<WordId>, &'static Wordy)>,
    /// `beginning_with[w]` = which phrases begin with word w.
    beginning_with: Vec<Range<usize>>,
}

impl NumberedPhrases {
    fn of(list: &'static [Wordy], vocabulary: &Vocabulary) -> Self {
        let mut wanted: Vec<&str> = list.iter().flat_map(Wordy::words).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let mut numbers = vec![None; wanted.len()];
        for (number, word) in (0..).zip(vocabulary.iter()) {
            let place = wanted.binary_search(&word).ok().and_then(|place| numbers.get_mut(place));
            if let Some(place) = place {
                *place = Some(WordId(number));
            }
        }
        let number = |word: &str| wanted.binary_search(&word).ok().and_then(|place| *numbers.get(place)?);
        let numbered =
            list.iter().filter_map(|wordy| Some((wordy.words().map(number).collect::<Option<_>>()?, wordy)));
        let mut phrases: Vec<(Vec<WordId>, &Wordy)> = numbered.collect();
        phrases.sort_by(|one, other| one.0.cmp(&other.0));
        let mut beginning_with = vec![0..0; vocabulary.len()];
        let mut start = 0;
        for group in phrases.chunk_by(|one, next| one.0.first() == next.0.first()) {
            let first = group.first().and_then(|(words, _)| words.first());
            if let Some(range) = first.and_then(|first| beginning_with.get_mut(first.index())) {
                *range = start..start + group.len();
            }
            start += group.len();
        }
        Self { phrases, beginning_with }
    }

    /// The longest phrase that `words` begin with, without punctuation inside, and how many words it has: `a fin de que` is
    /// meant where `a fin de` fits too.
    fn longest_at(&self, words: &[Word], source: &str) -> Option<(usize, &'static Wordy)> {
        let candidates = self.beginning_with.get(words.first()?.id.index())?;
        let stands = |ids: &[WordId]| {
            words.get(..ids.len()).is_some_and(|words| {
                words.iter().zip(ids).all(|(word, id)| word.id == *id)
                    && words.windows(2).all(
                        |pair| matches!(pair, &[word, next] if is_white_space_between(source, word, next)),
                    )
            })
        };
        let candidates = self.phrases.get(candidates.clone())?.iter();
        candidates
            .filter(|(ids, _)| stands(ids))
            .map(|(ids, wordy)| (ids.len(), *wordy))
            .max_by_key(|(len, _)| *len)
    }
}

fn is_white_space_between(source: &str, word: Word, next: Word) -> bool {
    let between = source.get(word.span().end..next.span().start).unwrap_or_default();
    !between.is_empty() && between.chars().all(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exceptions_are_sorted_for_the_binary_search() {
        assert!(DOUBLED_ON_PURPOSE.is_sorted());
    }
}
