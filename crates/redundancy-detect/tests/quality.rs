//! What `quality` says about whole texts: the scores of the contract, suggestions with their places, and laws that hold for
//! any text.

#![allow(
    clippy::expect_used,
    reason = "clippy's exception for tests does not reach the functions that tests share"
)]

use proptest::prelude::*;
use redundancy_detect::quality::{
    LanguageMetrics, MAX_SUGGESTIONS, MetricValue, Quality, QualityOptions, QualityRating, SuggestionCode,
    quality,
};
use redundancy_detect::span::OffsetUnit;
use redundancy_detect::text::Text;

const EASY_ENGLISH: &str = "The cat sat on the mat. The dog ran to the red barn. We all had fun.";
const EASY_SPANISH: &str =
    "El gato duerme en la casa. La niña come pan con su madre. Hoy hace sol y vamos al mar.";

fn assess(source: &str, language: Option<&str>, offset_unit: OffsetUnit) -> Quality {
    let text = Text::new(source).expect("texts of tests are short");
    quality(&text, &QualityOptions { language: language.map(str::to_owned), offset_unit })
}

/// Codes, places and messages of the suggestions for `source`.
fn suggestions<'t>(source: &'t str, language: &str) -> Vec<(SuggestionCode, Option<&'t str>, String)> {
    let found = assess(source, Some(language), OffsetUnit::Bytes);
    let place =
        |suggestion: &redundancy_detect::quality::Suggestion| suggestion.span.map(|span| span.slice(source));
    found.suggestions.iter().map(|s| (s.code, place(s), s.message.clone())).collect()
}

#[track_caller]
fn check_suggestion(source: &str, language: &str, code: SuggestionCode, place: Option<&str>, message: &str) {
    let found = suggestions(source, language);
    let fits = found.iter().any(|s| s.0 == code && s.1 == place && s.2.contains(message));
    assert!(fits, "{code:?} at {place:?} with {message:?} is not among {found:#?}");
}

#[track_caller]
fn check_absent(source: &str, language: &str, code: SuggestionCode) {
    let found = suggestions(source, language);
    assert!(found.iter().all(|s| s.0 != code), "{code:?} is among {found:#?}");
}

#[test]
fn easy_english_is_excellent() {
    let found = assess(EASY_ENGLISH, None, OffsetUnit::Chars);
    assert!(found.readability_score > 90.0, "{found:?}");
    assert_eq!(found.rating, QualityRating::Excellent);
    assert_eq!(found.language.code, "en");
    assert!(matches!(found.metrics.language, LanguageMetrics::English(_)));
    assert_eq!(found.suggestions, []);
}

#[test]
fn easy_spanish_is_read_by_the_spanish_formulas() {
    let found = assess(EASY_SPANISH, None, OffsetUnit::Chars);
    assert_eq!(found.language.code, "es");
    assert!(matches!(found.metrics.language, LanguageMetrics::Spanish(_)));
    assert!(found.readability_score > 90.0, "{found:?}");
}

#[test]
fn counts_are_those_a_person_would_make() {
    let counts = assess(EASY_SPANISH, None, OffsetUnit::Chars).counts;
    // El-ga-to-duer-me-en-la-ca-sa, La-ni-ña-co-me-pan-con-su-ma-dre, Hoy-ha-ce-sol-y-va-mos-al-mar.
    assert_eq!((counts.sentences, counts.words, counts.syllables), (3, 20, 28));
}

#[test]
fn the_named_language_wins_over_the_detected_one() {
    let found = assess(EASY_ENGLISH, Some("es"), OffsetUnit::Chars);
    assert_eq!((found.language.code.as_ref(), found.language.confidence), ("es", 1.0));
    assert!(matches!(found.metrics.language, LanguageMetrics::Spanish(_)));
}

#[test]
fn ratings_begin_at_their_borders() {
    for (score, name) in [
        (100.0, "Excellent"),
        (80.0, "Excellent"),
        (79.99, "Good"),
        (60.0, "Good"),
        (40.0, "Fair"),
        (39.99, "Needs Improvement"),
        (0.0, "Needs Improvement"),
    ] {
        assert_eq!(QualityRating::of(score).as_str(), name, "{score}");
    }
}

#[test]
fn a_text_without_words_scores_zero() {
    for source in ["", "…", "😀😀 !!!"] {
        let found = assess(source, None, OffsetUnit::Chars);
        assert_eq!(
            (found.readability_score, found.rating),
            (0.0, QualityRating::NeedsImprovement),
            "{source}"
        );
        assert_eq!(found.suggestions, []);
    }
}

#[test]
fn a_doubled_word_is_pointed_at() {
    let source = "We went to the the house, where it was so so warm.";
    check_suggestion(source, "en", SuggestionCode::RepeatedWord, Some("the the"), "“the” stands 2 times");
    assert_eq!(suggestions(source, "en").len(), 1, "words that are doubled on purpose are left alone");
}

#[test]
fn words_that_meet_over_punctuation_or_as_names_are_not_doubled() {
    for source in
        ["He said it, it was late.", "They live in Pago Pago now.", "It ended. Ended well.", "我我 們們"]
    {
        check_absent(source, "en", SuggestionCode::RepeatedWord);
    }
}

#[test]
fn a_repeated_sentence_is_pointed_at_where_it_stands_again() {
    let source = "The old bridge is closed. Take the ferry. The old  bridge is CLOSED! It runs daily.";
    let again = Some("The old  bridge is CLOSED!");
    check_suggestion(source, "en", SuggestionCode::RepeatedSentence, again, "5 words stands 2 times");
}

#[test]
fn a_long_sentence_is_pointed_at() {
    let long = format!("It was {}late.", "very, very ".repeat(15));
    let source = format!("First. {long} Last.");
    check_suggestion(&source, "en", SuggestionCode::LongSentence, Some(&long), "33 words");
    check_absent("It was late.", "en", SuggestionCode::LongSentence);
}

#[test]
fn two_characters_of_a_script_without_spaces_count_as_a_word() {
    let sentence = |characters: usize| format!("{}。", "雨".repeat(characters));
    check_absent(&sentence(61), "zh", SuggestionCode::LongSentence);
    check_suggestion(&sentence(70), "zh", SuggestionCode::LongSentence, Some(&sentence(70)), "35 words");
}

#[test]
fn long_words_in_one_sentence_are_named() {
    let source = "Some Colombian organizational communication necessitates considerable collaboration.";
    let message = "5 of the 7 words in this sentence have four or more syllables (organizational, communication, necessitates)";
    check_suggestion(source, "en", SuggestionCode::ComplexWords, Some(source), message);
}

#[test]
fn the_longest_wordy_phrase_is_taken() {
    let english = "He left in order to rest.";
    check_suggestion(english, "en", SuggestionCode::WordyPhrase, Some("in order to"), "“to”");
    let spanish = "Se reunió a fin de que todos lo vieran.";
    check_suggestion(spanish, "es", SuggestionCode::WordyPhrase, Some("a fin de que"), "«para que»");
    check_absent("They came in order, to rest.", "en", SuggestionCode::WordyPhrase);
}

#[test]
fn phrases_of_one_language_mean_nothing_in_another() {
    check_absent("He left in order to rest.", "de", SuggestionCode::WordyPhrase);
}

#[test]
fn sentences_that_begin_alike_are_pointed_at_together() {
    let row = "She runs. She swims. She reads.";
    let source = format!("We know Ann. {row} Her brother sleeps.");
    check_suggestion(
        &source,
        "en",
        SuggestionCode::RepeatedStart,
        Some(row),
        "3 sentences in a row begin with “she”",
    );
    check_absent("She runs. She swims.\n\nShe reads.", "en", SuggestionCode::RepeatedStart);
}

#[test]
fn a_long_paragraph_is_pointed_at() {
    let long = "Boats come. ".repeat(101);
    let source = format!("Short.\n\n{long}");
    check_suggestion(&source, "en", SuggestionCode::LongParagraph, Some(long.trim()), "202 words");
}

#[test]
fn a_repetitive_text_is_told_so_with_the_place_of_the_longest_repeat() {
    let passage = "the ferry to the island leaves from the north pier at nine";
    let source = format!("Note that {passage}. Remember: {passage}.");
    check_suggestion(&source, "en", SuggestionCode::HighRedundancy, Some(passage), "12 words");
}

#[test]
fn a_poor_vocabulary_is_told_without_a_place() {
    let source = "the dog and the cat ran and the dog sat. ".repeat(20);
    check_suggestion(&source, "en", SuggestionCode::LowLexicalDiversity, None, "MTLD");
}

#[test]
fn a_hard_text_is_told_without_a_place() {
    let source = "La interoperabilidad administrativa condiciona extraordinariamente la responsabilidad institucional.";
    check_suggestion(source, "es", SuggestionCode::HardToRead, None, "difícil de leer");
}

#[test]
fn suggestions_are_bounded_and_the_most_important_come_first() {
    let sentences: Vec<String> = (0..200).map(|n| format!("Word{n} is is here in order to stay.")).collect();
    let found = assess(&sentences.join(" "), Some("en"), OffsetUnit::Chars).suggestions;
    assert!(found.len() <= MAX_SUGGESTIONS);
    assert!(found.is_sorted_by_key(|suggestion| suggestion.code));
    assert_eq!(found.iter().filter(|s| s.code == SuggestionCode::RepeatedWord).count(), 10);
}

#[test]
fn a_huge_single_word_is_assessed() {
    for word in
        ["home".repeat(260_000), "ñ".repeat(500_000), "a-".repeat(500_000), "e\u{301}".repeat(300_000)]
    {
        for language in ["en", "es", "de"] {
            check_numbers(&assess(&word, Some(language), OffsetUnit::Utf16));
        }
    }
}

/// Asserts what holds for the numbers of any text.
fn check_numbers(found: &Quality) {
    assert!((0.0..=100.0).contains(&found.readability_score));
    assert_eq!(found.rating, QualityRating::of(found.readability_score));
    for (name, value) in found.metrics.entries() {
        assert!(!matches!(value, MetricValue::Number(number) if !number.is_finite()), "{name}: {value:?}");
    }
    assert!((0.0..=1.0).contains(&found.lexical_diversity.ttr) && found.lexical_diversity.mtld.is_finite());
    assert!((0.0..=1.0).contains(&found.redundancy_score));
    assert!(found.suggestions.len() <= MAX_SUGGESTIONS);
}

/// Texts of words, punctuation and anything else, with enough repeats for suggestions to be made.
fn texts() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        6 => "(in|order|to|the|a|fin|de|que|niña|responsabilidad|uncommunicative|well-known|no)",
        2 => "\\PC{1,6}",
        1 => "(日本|ภาษา|שלום|😀|e\u{301}|ﷺ|1918|\u{200D}|don’t)",
    ];
    let gap = prop_oneof![8 => Just(" "), 1 => Just(". "), 1 => Just("\n\n"), 1 => Just(""), 1 => Just("-")];
    proptest::collection::vec((word, gap), 0..120)
        .prop_map(|parts| parts.into_iter().flat_map(|(word, gap)| [word, gap.to_owned()]).collect())
}

proptest! {
    #[test]
    fn every_number_is_finite_and_in_range(source in texts(), language in "(en|es|de|EN-gb|)") {
        check_numbers(&assess(&source, Some(&language), OffsetUnit::Chars));
        check_numbers(&assess(&source, None, OffsetUnit::Chars));
    }

    #[test]
    fn places_of_suggestions_slice_the_text(source in texts(), language in "(en|es|de)") {
        for suggestion in assess(&source, Some(&language), OffsetUnit::Bytes).suggestions {
            prop_assert!(!suggestion.message.is_empty());
            if let Some(span) = suggestion.span {
                prop_assert!(source.get(span.start..span.end).is_some_and(|place| !place.is_empty()), "{suggestion:?}");
            }
        }
    }

    #[test]
    fn only_places_depend_on_the_offset_unit(source in texts()) {
        let in_bytes = assess(&source, None, OffsetUnit::Bytes);
        for unit in [OffsetUnit::Chars, OffsetUnit::Utf16] {
            let mut other = assess(&source, None, unit);
            prop_assert_eq!(other.suggestions.len(), in_bytes.suggestions.len());
            for (suggestion, bytes) in other.suggestions.iter().zip(&in_bytes.suggestions) {
                prop_assert_eq!((suggestion.code, &suggestion.message), (bytes.code, &bytes.message));
            }
            other.suggestions.clone_from(&in_bytes.suggestions);
            prop_assert_eq!(&other, &in_bytes);
        }
    }

    #[test]
    fn lexical_diversity_does_not_depend_on_reading_direction(words in proptest::collection::vec("[a-e]", 1..80)) {
        let forwards = assess(&words.join(" "), Some("en"), OffsetUnit::Chars).lexical_diversity;
        let reversed: Vec<String> = words.into_iter().rev().collect();
        let backwards = assess(&reversed.join(" "), Some("en"), OffsetUnit::Chars).lexical_diversity;
        prop_assert!((forwards.mtld - backwards.mtld).abs() < 1e-9);
    }
}
