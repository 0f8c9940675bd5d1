//! Every readability formula against values worked out by hand, and against examples that its author or readers published.

use redundancy_detect::quality::{Counts, InfleszBand, MetricValue, Metrics};

/// Two sentences of ten words; 4.5 letters and 1.5 syllables a word.
const ENGLISH: Counts = Counts {
    sentences: 2,
    words: 20,
    letters: 90,
    syllables: 30,
    polysyllables: 3,
    hard_words: 2,
    long_words: 5,
};

/// Four sentences of twenty words; 4.75 letters and 2 syllables a word.
const SPANISH: Counts = Counts {
    sentences: 4,
    words: 80,
    letters: 380,
    syllables: 160,
    polysyllables: 20,
    hard_words: 0,
    long_words: 16,
};

#[track_caller]
fn check(counts: &Counts, language: &str, expected: &[(&str, f64)]) {
    let numbers: Vec<(&str, f64)> = Metrics::of(counts, language)
        .entries()
        .into_iter()
        .filter_map(|(name, value)| match value {
            MetricValue::Number(number) => Some((name, number)),
            MetricValue::Band(_) => None,
        })
        .collect();
    assert_eq!(numbers.len(), expected.len(), "{numbers:?}");
    for ((name, number), (expected_name, expected_number)) in numbers.iter().zip(expected) {
        assert_eq!(name, expected_name);
        assert!((number - expected_number).abs() < 1e-9, "{name}: {number}, expected {expected_number}");
    }
}

/// The value of the metric `name`.
fn number(counts: &Counts, language: &str, name: &str) -> f64 {
    let entries = Metrics::of(counts, language).entries();
    let found = entries.iter().find_map(|&(known, value)| match value {
        MetricValue::Number(number) if known == name => Some(number),
        MetricValue::Number(_) | MetricValue::Band(_) => None,
    });
    found.unwrap_or(f64::NAN)
}

fn smog(sentences: usize, polysyllables: usize) -> f64 {
    number(&Counts { sentences, words: 10 * sentences, polysyllables, ..ENGLISH }, "en", "smog")
}

#[test]
fn english_formulas_agree_with_a_calculation_by_hand() {
    let expected = [
        ("flesch_reading_ease", 206.835 - 10.15 - 126.9),
        ("flesch_kincaid_grade", 3.9 + 17.7 - 15.59),
        ("gunning_fog", 0.4 * (10.0 + 10.0)),
        ("smog", 3.1291 + 1.0430 * 6.708_203_932_499_369),
        ("ari", 21.195 + 5.0 - 21.43),
        ("coleman_liau", 26.46 - 2.96 - 15.8),
        ("lix", 10.0 + 25.0),
        ("rix", 2.5),
    ];
    check(&ENGLISH, "en", &expected);
}

#[test]
fn spanish_formulas_agree_with_a_calculation_by_hand() {
    let expected = [
        ("fernandez_huerta", 206.84 - 120.0 - 20.4),
        ("szigriszt_pazos", 206.835 - 124.6 - 20.0),
        ("gutierrez_polini", 95.2 - 46.075 - 7.0),
        ("crawford", -1.025 + 9.8 - 3.407),
        ("lix", 20.0 + 20.0),
        ("rix", 4.0),
    ];
    check(&SPANISH, "es", &expected);
    assert!(Metrics::of(&SPANISH, "es").entries().contains(&("inflesz", MetricValue::Band("normal"))));
}

#[test]
fn other_languages_have_lix_and_rix() {
    // The worked example of the Swedish Wikipedia article on LIX: 437 words in 21 sentences, 112 of them long.
    let counts = Counts { sentences: 21, words: 437, long_words: 112, ..Counts::default() };
    check(&counts, "sv", &[("lix", 437.0 / 21.0 + 11_200.0 / 437.0), ("rix", 112.0 / 21.0)]);
    assert!((Metrics::of(&counts, "sv").lix - 46.44).abs() < 0.005);
}

#[test]
fn coleman_and_liau_grade_their_own_abstract_14_5() {
    let counts = Counts { sentences: 5, words: 119, letters: 639, ..Counts::default() };
    assert!((number(&counts, "en", "coleman_liau") - 14.5).abs() < 0.05);
}

#[test]
fn smog_stays_near_the_rule_of_thumb_of_its_author() {
    // Three plus the square root of the polysyllables in thirty sentences.
    for (polysyllables, grade) in [(0, 3.0), (16, 7.0), (64, 11.0), (144, 15.0)] {
        assert!((smog(30, polysyllables) - grade).abs() < 0.7, "{polysyllables}");
    }
}

#[test]
fn smog_scales_other_numbers_of_sentences_to_thirty() {
    assert!((smog(10, 12) - smog(30, 36)).abs() < 1e-9);
}

#[test]
fn longer_sentences_lower_fernandez_huerta() {
    // The often printed form of the formula has this the wrong way round.
    let score = |sentences| Metrics::of(&Counts { sentences, ..SPANISH }, "es").readability_score(&SPANISH);
    assert!(score(2) < score(4) && score(4) < score(8));
}

#[test]
fn the_inflesz_bands_begin_at_their_borders() {
    for (index, name) in [
        (-5.0, "muy difícil"),
        (39.9, "muy difícil"),
        (40.0, "algo difícil"),
        (55.0, "normal"),
        (65.0, "bastante fácil"),
        (79.9, "bastante fácil"),
        (80.0, "muy fácil"),
    ] {
        assert_eq!(InfleszBand::of(index).as_str(), name, "{index}");
    }
}

#[test]
fn the_scale_over_lix_puts_the_bands_of_bjoernsson_at_the_ratings() {
    for (long_words, score) in [(10, 100.0), (20, 80.0), (30, 60.0), (40, 40.0), (50, 20.0), (90, 0.0)] {
        let counts = Counts { sentences: 10, words: 100, long_words, ..Counts::default() };
        let found = Metrics::of(&counts, "de").readability_score(&counts);
        assert!((found - score).abs() < 1e-9, "{long_words}: {found}");
    }
}

#[test]
fn without_words_every_formula_is_zero() {
    for language in ["en", "es", "und"] {
        for (name, value) in Metrics::of(&Counts::default(), language).entries() {
            assert!(
                matches!(value, MetricValue::Number(0.0) | MetricValue::Band("muy difícil")),
                "{name}: {value:?}"
            );
        }
    }
}
