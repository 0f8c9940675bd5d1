//! Texts made to hurt: each would take hours, or all memory, with an algorithm that is quadratic anywhere.

#![allow(
    clippy::unwrap_used,
    clippy::float_cmp,
    clippy::format_collect,
    reason = "tests stop at the first surprise, compare exact results exactly, and may build strings the plain way"
)]

use redundancy_detect::analyze::{AnalyzeOptions, analyze};
use redundancy_detect::fingerprint::{PassageOptions, Shingler, Shingling, Trace, WINDOW, passages, winnow};
use redundancy_detect::quality::{QualityOptions, quality};
use redundancy_detect::similarity::{SimilarityOptions, similarity};
use redundancy_detect::{OffsetUnit, Text};

/// About how many bytes each text has.
const BYTES: usize = 1 << 20;

fn filled(unit: &str) -> String {
    unit.repeat(BYTES / unit.len())
}

/// Texts in which every word or none repeats, and texts without a word.
fn texts() -> Vec<(&'static str, String)> {
    let fibonacci = {
        let (mut before, mut last) = ("a ".to_owned(), "b ".to_owned());
        while last.len() < BYTES {
            (before, last) = (last.clone(), last + &before);
        }
        last
    };
    vec![
        ("one word a million times", "a ".repeat(1_000_000)),
        ("two words alternating", filled("tick tock ")),
        ("one long word", filled("x")),
        ("one long word of many scripts", filled("xñж漢")),
        ("a long chain of joined letters", filled("a.")),
        ("a long chain of joined digits", filled("1,")),
        ("letters and marks to no end", format!("a{}", filled("\u{301}"))),
        ("a stop before marks to no end", format!("a.{}b", filled("\u{301}"))),
        ("only punctuation", filled(".,;:!?")),
        ("only opening quotation marks", filled("«“(")),
        ("only emoji and joiners", filled("👩\u{200d}👩\u{200d}👧 \u{301}🏳️")),
        ("only flags", filled("🇪🇸")),
        ("right to left", filled("שלום עולם مرحبا بالعالم ")),
        ("mixed scripts", filled("word слово λόγος 言葉 คำ ")),
        ("newlines", filled("\n\r\n\u{2029}")),
        ("a word and newlines", filled("word\n\n")),
        ("full stops and spaces", filled(". ")),
        ("abbreviations", filled("Dr. ")),
        ("spaces", filled(" \u{a0}\u{3000}")),
        ("katakana", filled("カ")),
        ("all words distinct", (0..BYTES / 7).map(|n| format!("{n:06x} ")).collect()),
        ("a sequence that repeats at every scale", fibonacci),
        ("the same sentence over and over", filled("All rights reserved by the owner of this text. ")),
        (
            "nested copies that grow",
            (1..600).map(|n| (0..n).map(|k| format!("w{k} ")).collect::<String>() + ". ").collect(),
        ),
    ]
}

#[test]
fn hostile_texts_are_analysed() {
    for (name, source) in texts() {
        let options = AnalyzeOptions { offset_unit: OffsetUnit::Utf16, ..AnalyzeOptions::default() };
        let found = analyze(&Text::new(&source).unwrap(), &options);
        let places: usize = found.repeated_passages.iter().map(|passage| passage.occurrences.len()).sum();
        let quoted: usize = found.repeated_passages.iter().map(|passage| passage.words).sum();
        let words = found.counts.words;
        assert!(
            places <= words && quoted <= 2 * words,
            "{name}: {places} places, {quoted} words quoted, of {words} words"
        );
        assert!((0.0..=1.0).contains(&found.redundancy_score), "{name}");
    }
}

#[test]
fn hostile_texts_are_judged_in_every_language_with_formulas_of_its_own() {
    for (name, source) in texts() {
        let text = Text::new(&source).unwrap();
        for language in ["en", "es", "de"] {
            let options = QualityOptions { language: Some(language.to_owned()), ..QualityOptions::default() };
            let found = quality(&text, &options);
            assert!((0.0..=100.0).contains(&found.readability_score), "{name} in {language}");
        }
    }
}

#[test]
fn hostile_texts_are_compared_with_themselves_and_with_each_other() {
    let texts = texts();
    for ((name, one), (_, other)) in texts.iter().zip(texts.iter().cycle().skip(1)) {
        let itself = similarity(one, one, &SimilarityOptions::default()).unwrap();
        assert_eq!(itself.similarity_score, 1.0, "{name}");
        let next = similarity(
            one,
            other,
            &SimilarityOptions { min_passage_words: 1, ..SimilarityOptions::default() },
        )
        .unwrap();
        assert!((0.0..=1.0).contains(&next.similarity_score), "{name}");
    }
}

#[test]
fn two_texts_of_a_repeated_word_and_of_a_repeated_pair_are_compared() {
    let (one, pair) = ("a ".repeat(500_000), "a a a b ".repeat(125_000));
    let found =
        similarity(&one, &pair, &SimilarityOptions { min_passage_words: 2, ..SimilarityOptions::default() })
            .unwrap();
    assert_eq!(found.matches.len(), 125_000);
    assert_eq!(found.similarity_score, 0.75);
}

#[test]
fn passages_of_hostile_texts_are_found_in_themselves_and_in_each_other() {
    let mut shingler = Shingler::new(Shingling::default());
    let traces: Vec<_> = texts()
        .into_iter()
        .map(|(name, text)| {
            shingler.read(&text).unwrap();
            let trace = Trace::of(&shingler);
            assert_eq!(Trace::decode(&trace.encode()).unwrap(), trace, "{name}");
            assert!(winnow(&trace.shingles(), WINDOW).len() <= trace.len(), "{name}");
            (name, trace)
        })
        .collect();
    let wide = PassageOptions { max_gap_words: usize::MAX, min_words: 0, min_equal_share: 0.0 };
    let greedy = PassageOptions { max_gap_words: 8, min_words: usize::MAX, min_equal_share: 0.6 };
    for ((name, one), (_, other)) in traces.iter().zip(traces.iter().cycle().skip(1)) {
        let itself = passages(one, one, &PassageOptions::default());
        assert_eq!([itself.query_covered_words, itself.document_covered_words], [one.len(); 2], "{name}");
        for options in [wide, greedy] {
            let next = passages(one, other, &options);
            assert!(next.query_covered_words <= one.len(), "{name}");
            assert!(next.document_covered_words <= other.len(), "{name}");
        }
    }
}

/// A sequence of `words` words of `alphabet` kinds that looks random.
fn scramble(words: usize, alphabet: u64, mut state: u64) -> Trace {
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % alphabet
    };
    let text: String = (0..words).map(|_| format!("w{} ", next())).collect();
    let mut shingler = Shingler::new(Shingling::default());
    shingler.read(&text).unwrap();
    Trace::of(&shingler)
}

#[test]
fn passages_of_texts_in_which_everything_nearly_matches_are_looked_for() {
    for alphabet in [2, 5, 12] {
        let (one, other) = (scramble(50_000, alphabet, 1), scramble(50_000, alphabet, 2));
        for max_gap_words in [8, 32] {
            for (min_words, min_equal_share) in [(12, 0.6), (100_000, 0.6), (1_000, 0.9), (60, 1.0)] {
                let options = PassageOptions { max_gap_words, min_words, min_equal_share };
                let found = passages(&one, &other, &options);
                assert!(found.query_covered_words <= one.len(), "{alphabet} {options:?}");
            }
        }
    }
}
