//! What `similarity` says of pairs of texts made for the purpose.

#![allow(
    clippy::unwrap_used,
    clippy::float_cmp,
    clippy::format_collect,
    reason = "tests stop at the first surprise, compare exact results exactly, and may build strings the plain way"
)]

use redundancy_detect::similarity::{Similarity, SimilarityOptions, similarity};
use redundancy_detect::{OffsetUnit, Span};

const FOX: &str = "the quick brown fox jumps over the lazy dog while seven wizards quietly judge my vow";
const NEW: &str =
    "every other sentence here carries something new and quite different from what came before it today";

fn of(text1: &str, text2: &str) -> Similarity {
    similarity(
        text1,
        text2,
        &SimilarityOptions { offset_unit: OffsetUnit::Bytes, ..SimilarityOptions::default() },
    )
    .unwrap()
}

/// The matches as (text in the first, text in the second).
fn matches<'t>(text1: &'t str, text2: &'t str) -> Vec<(&'t str, &'t str)> {
    let slice = |text: &'t str, span: Span| &text[span.start..span.end];
    of(text1, text2).matches.iter().map(|m| (slice(text1, m.text1), slice(text2, m.text2))).collect()
}

#[test]
fn equal_normalised_texts_are_one() {
    let found = of(FOX, &FOX.to_uppercase());
    assert_eq!((found.similarity_score, found.jaccard, found.cosine), (1.0, 1.0, 1.0));
    assert_eq!((found.containment.text1_in_text2, found.containment.text2_in_text1), (1.0, 1.0));
    assert_eq!(found.matches.len(), 1);
}

#[test]
fn texts_that_share_nothing_are_nought() {
    let found = of("alpha beta gamma delta epsilon zeta", "uno dos tres cuatro cinco seis");
    assert_eq!((found.similarity_score, found.jaccard, found.cosine), (0.0, 0.0, 0.0));
    assert_eq!((found.matches.len(), found.common_words.len()), (0, 0));
}

#[test]
fn a_part_is_contained_in_the_whole() {
    let found = of(&format!("{NEW} {FOX}"), FOX);
    assert_eq!(found.containment.text2_in_text1, 1.0);
    assert!((found.containment.text1_in_text2 - 12.0 / 28.0).abs() < 1e-12);
    assert!((found.similarity_score - 32.0 / 48.0).abs() < 1e-12);
}

#[test]
fn blocks_that_change_places_still_match() {
    let (one, other) = (format!("{FOX} {NEW}"), format!("{NEW} {FOX}"));
    assert_eq!(of(&one, &other).similarity_score, 1.0);
    assert_eq!(matches(&one, &other), [(FOX, FOX), (NEW, NEW)]);
}

#[test]
fn no_word_is_in_two_matches() {
    // FOX stands once in the first and twice in the second text: only one of the two can be covered.
    let twice = format!("{FOX}. {FOX}.");
    assert_eq!(matches(FOX, &twice), [(FOX, FOX)]);
    assert!((of(FOX, &twice).similarity_score - 2.0 / 3.0).abs() < 1e-12);
}

#[test]
fn the_longest_match_is_taken_first() {
    // Taking "a b c d" from the front first would break the longer run behind it.
    assert_eq!(matches("a b c d x c d e f g", "a b c d e f g"), [("c d e f g", "c d e f g")]);
}

#[test]
fn the_minimum_is_never_more_than_the_shorter_text_has() {
    assert_eq!(of("hello world", "well hello world").similarity_score, 0.8);
    assert_eq!(of("hello", "hello").similarity_score, 1.0);
}

#[test]
fn texts_shorter_than_a_gram_count_as_one_gram() {
    let found = of("hello big world", "Hello, big world!");
    assert_eq!((found.jaccard, found.containment.text1_in_text2), (1.0, 1.0));
    assert_eq!(of("hello big world", "hello small world").jaccard, 0.0);
    assert_eq!(of("hello", "hello big world and all that is in it").jaccard, 0.0);
}

#[test]
fn texts_without_words_are_equal_or_share_nothing() {
    assert_eq!(of("!!! 😀", " !!! 😀 ").similarity_score, 1.0);
    assert_eq!(of("!!!", "???").similarity_score, 0.0);
    assert_eq!(of("!!!", "word").similarity_score, 0.0);
}

#[test]
fn common_words_come_most_frequent_first() {
    assert_eq!(of("b b a c", "a a b d B").common_words, ["b", "a"]);
    let many: String = (0..300).map(|n| format!("w{n} ")).collect();
    assert_eq!(of(&many, &many).common_words.len(), 100);
}

#[test]
fn cosine_is_that_of_the_word_counts() {
    // (2, 1, 0) and (1, 0, 1): 2 / sqrt(5 · 2).
    let cosine = of("a a b", "a c").cosine;
    assert!((cosine - 2.0 / 10f64.sqrt()).abs() < 1e-12, "{cosine}");
}
