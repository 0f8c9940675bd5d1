//! What `analyze` finds in texts made for the purpose, and what it finds nothing in.

#![allow(
    clippy::unwrap_used,
    clippy::float_cmp,
    clippy::format_collect,
    reason = "tests stop at the first surprise, compare exact results exactly, and may build strings the plain way"
)]

use redundancy_detect::analyze::{Analysis, AnalyzeOptions, analyze};
use redundancy_detect::{OffsetUnit, Span, Text};

const FOX: &str = "the quick brown fox jumps over the lazy dog while seven wizards quietly judge my vow";
const NEW: &str =
    "every other sentence here carries something new and quite different from what came before it today";

fn of(source: &str) -> Analysis {
    analyze(
        &Text::new(source).unwrap(),
        &AnalyzeOptions { offset_unit: OffsetUnit::Bytes, ..AnalyzeOptions::default() },
    )
}

/// The repeated passages as (words, text under each occurrence).
fn passages(source: &str) -> Vec<(usize, Vec<&str>)> {
    of(source)
        .repeated_passages
        .iter()
        .map(|passage| {
            (
                passage.words,
                passage.occurrences.iter().map(|&Span { start, end }| &source[start..end]).collect(),
            )
        })
        .collect()
}

#[track_caller]
fn check_score(source: &str, expected: f64) {
    let score = of(source).redundancy_score;
    assert!((score - expected).abs() < 1e-12, "{score} is not {expected}");
}

#[test]
fn unique_text_has_no_redundancy() {
    assert_eq!(passages(NEW), []);
    check_score(NEW, 0.0);
}

#[test]
fn a_text_that_stands_twice_is_half_redundant_and_four_times_three_quarters() {
    check_score(&format!("{FOX}. {FOX}."), 0.5);
    check_score(&format!("{FOX}. ").repeat(4), 0.75);
}

#[test]
fn a_repeated_passage_is_found_whole_and_with_all_its_places() {
    let source = format!("{FOX}. {NEW}. {}!", FOX.to_uppercase());
    assert_eq!(passages(&source), [(16, vec![FOX, &FOX.to_uppercase()])]);
    check_score(&source, 16.0 / 48.0);
}

#[test]
fn a_text_four_times_over_is_one_passage_with_four_places() {
    let source = format!("{FOX}. ").repeat(4);
    assert_eq!(passages(&source), [(16, vec![FOX; 4])]);
}

#[test]
fn a_repeat_inside_a_longer_one_is_reported_with_every_place_where_it_also_stands_alone() {
    // The second half of FOX also stands alone, twice.
    let half = "dog while seven wizards quietly judge my vow";
    let source = format!("{FOX}. Red {FOX}. Green {half}. Blue {half}. White.");
    assert_eq!(passages(&source), [(16, vec![FOX, FOX]), (8, vec![half; 4])]);
}

#[test]
fn the_places_of_a_passage_do_not_depend_on_the_order_of_longer_ones() {
    let (passage, longer) = (FOX.to_owned(), format!("red {FOX}"));
    for order in [
        [&passage, &longer, &longer, &passage],
        [&longer, &longer, &passage, &passage],
        [&passage, &longer, &passage, &longer],
    ] {
        let source = format!("{}. x. {}. y. {}. z. {}.", order[0], order[1], order[2], order[3]);
        let counts: Vec<(usize, usize)> =
            passages(&source).iter().map(|(words, places)| (*words, places.len())).collect();
        assert_eq!(counts, [(17, 2), (16, 4)], "{source}");
    }
}

#[test]
fn a_minimum_beyond_the_text_finds_nothing() {
    for min_passage_words in [17, 1000, usize::MAX] {
        let options = AnalyzeOptions { min_passage_words, ..AnalyzeOptions::default() };
        let source = format!("{FOX}. {FOX}.");
        let found = analyze(&Text::new(&source).unwrap(), &options);
        assert_eq!((found.redundancy_score, found.repeated_passages.len()), (0.0, 0), "{min_passage_words}");
    }
}

#[test]
fn a_phrase_that_overlaps_itself_is_a_stutter_and_no_phrase() {
    assert_eq!(of("Ha ha ha ha ha ha ha.").repeated_phrases, []);
}

#[test]
fn nested_repeats_are_reported_once() {
    let source = format!("{FOX}. Red {FOX}. Green.");
    assert_eq!(passages(&source).len(), 1);
}

#[test]
fn one_word_over_and_over_is_cut_into_pieces_that_do_not_overlap() {
    let source = "spam ".repeat(40);
    let eight = "spam ".repeat(8);
    assert_eq!(passages(&source), [(8, vec![eight.trim_end(); 5])]);
    check_score(&source, 32.0 / 40.0);
}

#[test]
fn a_short_period_makes_pieces_of_whole_periods() {
    let source = "one two three ".repeat(12);
    let nine = "one two three ".repeat(3);
    assert_eq!(passages(&source), [(9, vec![nine.trim_end(); 4])]);
}

#[test]
fn runs_shorter_than_the_minimum_are_phrases_not_passages() {
    let source = "In the middle of nowhere stood a house. He lived in the middle of nowhere alone. Nobody goes in the middle of nowhere.";
    let found = of(source);
    assert_eq!(found.repeated_passages, []);
    let phrase = &found.repeated_phrases[0];
    assert_eq!((phrase.phrase.as_str(), phrase.words, phrase.count), ("In the middle of nowhere", 5, 3));
    assert_eq!(
        found.repeated_phrases.len(),
        1,
        "parts of a phrase that always stand in it are no phrases: {found:?}"
    );
}

#[test]
fn a_phrase_is_cut_at_the_end_of_its_sentence() {
    let source = "Turn left at the old mill. Go on slowly. We came to the old mill. Go on quickly.";
    let phrases: Vec<_> = of(source).repeated_phrases.into_iter().map(|phrase| phrase.phrase).collect();
    assert_eq!(phrases, ["the old mill"]);
}

#[test]
fn sentences_that_stand_again_are_listed_with_their_places() {
    let source = "All rights reserved. Some text here. ALL RIGHTS RESERVED! Yes. Yes.";
    let found = of(source).duplicate_sentences;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].text, "All rights reserved.");
    assert_eq!(
        found[0].occurrences.iter().map(|s| &source[s.start..s.end]).collect::<Vec<_>>(),
        ["All rights reserved.", "ALL RIGHTS RESERVED!"]
    );
}

#[test]
fn counts_and_figures_are_what_they_say() {
    let found = of("¡Hola, señor! ¡Hola! \n\nEsto es otro párrafo.");
    let counts = found.counts;
    assert_eq!(
        (counts.characters, counts.words, counts.unique_words, counts.sentences, counts.paragraphs),
        (44, 7, 6, 3, 2)
    );
    assert!((found.lexical_redundancy - 1.0 / 7.0).abs() < 1e-12);
}

#[test]
fn hashes_tell_exact_from_normalised_equality() {
    let (one, other, third) = (of("Über  uns: Straße."), of("über uns STRASSE"), of("unter uns strasse"));
    assert_ne!(one.content_hash, other.content_hash);
    assert_eq!(one.normalized_hash, other.normalized_hash);
    assert_ne!(one.normalized_hash, third.normalized_hash);
    assert_eq!(one.normalized_hash, blake3::hash("über uns strasse".as_bytes()));
}

#[test]
fn repetition_shows_in_the_compression_ratio() {
    assert!(of(&format!("{FOX}. ").repeat(50)).compression_ratio > 20.0);
    assert!(of(NEW).compression_ratio < 2.0);
}

#[test]
fn a_named_language_is_taken_at_its_word() {
    let options = AnalyzeOptions { language: Some("ca".to_owned()), ..AnalyzeOptions::default() };
    let language = analyze(&Text::new(FOX).unwrap(), &options).language;
    assert_eq!((language.code.as_ref(), language.confidence), ("ca", 1.0));
}
