//! Findings about words in a row: the same word twice, and phrases that can be said shorter.

use super::finding::Finding;
use super::wordy_phrases::{self, Wordy};
use super::{Evidence, Located};
use crate::analyze::span_of_words;
use crate::quality::counts::begins_with_capital;
use crate::quality::primary_subtag;
use crate::quality::syllables::is_figure;
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
    wordy(
        evidence,
        wordy_phrases::of(&primary_subtag(evidence.language)),
        found,
    );
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
        let words = evidence
            .text
            .words()
            .get(sentence.words.clone())
            .unwrap_or_default();
        let mut at = sentence.words.start;
        for run in words.chunk_by(is_slip) {
            if let [first, _, ..] = run {
                let word = evidence.text.vocabulary().word(first.id);
                if !is_figure(word) && DOUBLED_ON_PURPOSE.binary_search(&word).is_err() {
                    let finding = Finding::RepeatedWord {
                        word: word.to_owned(),
                        times: run.len(),
                    };
                    found.push(Located::at(
                        finding,
                        span_of_words(evidence.text.words(), at, run.len()),
                    ));
                }
            }
            at += run.len();
        }
    }
}

/// Phrases of `list`. Linear time: most words begin none of them.
fn wordy(evidence: &Evidence<'_>, list: &'static [Wordy], found: &mut Vec<Located>) {
    // `beginning_with[w]` = the phrases whose first word is w.
    let beginning_with: Vec<Range<usize>> = evidence
        .text
        .vocabulary()
        .iter()
        .map(|word| phrases_from(list, word))
        .collect();
    let words = evidence.text.words();
    let mut at = 0;
    while let Some(rest @ [first, ..]) = words.get(at..) {
        let candidates = beginning_with.get(first.id.index()).cloned().unwrap_or_default();
        let standing = list
            .get(candidates)
            .unwrap_or_default()
            .iter()
            .filter(|phrase| stands(evidence, phrase, rest));
        // "a fin de que" is meant where "a fin de" fits too.
        let Some(longest) = standing.max_by_key(|phrase| phrase.len()) else {
            at += 1;
            continue;
        };
        let finding = Finding::WordyPhrase {
            phrase: longest.phrase.to_owned(),
            shorter: longest.shorter,
            words_saved: longest
                .len()
                .saturating_sub(longest.shorter.split_whitespace().count()),
        };
        found.push(Located::at(finding, span_of_words(words, at, longest.len())));
        at += longest.len();
    }
}

/// The phrases of the sorted `list` that begin with the word `first`.
fn phrases_from(list: &[Wordy], first: &str) -> Range<usize> {
    let before = list.partition_point(|wordy| wordy.words().next() < Some(first));
    let until = list.partition_point(|wordy| wordy.words().next() <= Some(first));
    before..until
}

/// Whether `words` begin with the phrase, without punctuation inside.
fn stands(evidence: &Evidence<'_>, phrase: &Wordy, words: &[Word]) -> bool {
    let Some(words) = words.get(..phrase.len()) else {
        return false;
    };
    let (source, vocabulary) = (evidence.text.source(), evidence.text.vocabulary());
    phrase
        .words()
        .zip(words)
        .all(|(expected, word)| vocabulary.word(word.id) == expected)
        && words.is_sorted_by(|word, next| is_white_space_between(source, *word, *next))
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
