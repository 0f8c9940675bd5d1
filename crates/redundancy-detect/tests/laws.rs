//! Laws that hold for every text, checked on generated ones, and comparisons with slow, obvious programs.

#![allow(
    clippy::unwrap_used,
    clippy::float_cmp,
    clippy::format_collect,
    reason = "tests stop at the first surprise, compare exact results exactly, and may build strings the plain way"
)]

use proptest::prelude::*;
use redundancy_detect::analyze::{Analysis, AnalyzeOptions, analyze, normalized};
use redundancy_detect::similarity::{Similarity, SimilarityOptions, similarity};
use redundancy_detect::words::Word;
use redundancy_detect::{OffsetUnit, Span, Text};

/// Texts of few distinct words, so that much repeats, with the punctuation and scripts that move offsets.
fn texts() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        6 => "[a-d]",
        2 => prop::sample::select(vec!["Ñu", "don’t", "e\u{301}l", "3.5", "漢字", "STRASSE", "straße", "😀", "co\u{ad}op"]).prop_map(str::to_owned),
    ];
    let gap = prop::sample::select(vec![" ", " ", " ", ", ", ". ", "! ¿", "\n\n", " 😀 "]);
    prop::collection::vec((word, gap), 0..120)
        .prop_map(|parts| parts.into_iter().flat_map(|(word, gap)| [word, gap.to_owned()]).collect())
}

/// Any text at all.
fn wild() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop_oneof!["\\PC{0,6}", "[ \n\t.,'’a-c]{0,8}", any::<char>().prop_map(String::from)],
        0..40,
    )
    .prop_map(|parts| parts.concat())
}

fn find(source: &str, min_passage_words: usize, offset_unit: OffsetUnit) -> Analysis {
    analyze(&Text::new(source).unwrap(), &AnalyzeOptions { language: None, min_passage_words, offset_unit })
}

fn compare(text1: &str, text2: &str, min_passage_words: usize) -> Similarity {
    similarity(text1, text2, &SimilarityOptions { min_passage_words, offset_unit: OffsetUnit::Bytes })
        .unwrap()
}

/// The normalised words of a text.
fn words(source: &str) -> Vec<String> {
    let text = Text::new(source).unwrap();
    text.words().iter().map(|word: &Word| text.vocabulary().word(word.id).to_owned()).collect()
}

/// Where `content` stands in `words`, without places that overlap the one before, by trying all.
fn places_apart(words: &[String], content: &[String]) -> Vec<usize> {
    let mut places: Vec<usize> = Vec::new();
    for start in 0..(words.len() + 1).saturating_sub(content.len()) {
        if places.last().is_none_or(|last| last + content.len() <= start)
            && words[start..start + content.len()] == *content
        {
            places.push(start);
        }
    }
    places
}

/// How many words lie in a window of `min` words that stood earlier without touching, by comparing all with all.
fn redundant_words(words: &[String], min: usize) -> usize {
    let mut redundant = vec![false; words.len()];
    for start in 0..(words.len() + 1).saturating_sub(min) {
        let window = &words[start..start + min];
        if (0..(start + 1).saturating_sub(min)).any(|earlier| &words[earlier..earlier + min] == window) {
            redundant[start..start + min].fill(true);
        }
    }
    redundant.into_iter().filter(|&is| is).count()
}

/// The longest run of words that both texts have and that no tile covers, by comparing all with all.
fn longest_free(one: &[Option<&str>], other: &[Option<&str>]) -> usize {
    let run = |i: usize, j: usize| {
        one[i..].iter().zip(&other[j..]).take_while(|(a, b)| a.is_some() && a == b).count()
    };
    (0..one.len()).flat_map(|i| (0..other.len()).map(move |j| run(i, j))).max().unwrap_or(0)
}

/// Which words of a text a span of bytes covers.
fn range_of(text: &Text<'_>, span: Span) -> std::ops::Range<usize> {
    let inside = |word: &&Word| word.span().start >= span.start && word.span().end <= span.end;
    let first = text.words().iter().take_while(|word| word.span().start < span.start).count();
    first..first + text.words().iter().filter(inside).count()
}

fn is_share(value: f64) -> bool {
    (0.0..=1.0).contains(&value)
}

proptest! {
    #[test]
    fn the_normal_form_is_that_of_the_words_with_one_space_between(source in prop_oneof![texts(), wild()]) {
        let text = Text::new(&source).unwrap();
        let words: Vec<&str> = text.words().iter().map(|word| text.vocabulary().word(word.id)).collect();
        let found = normalized(&source);
        prop_assert_eq!(found.hash, blake3::hash(words.join(" ").as_bytes()));
        prop_assert_eq!(found.words, words.len());
        prop_assert_eq!(analyze(&text, &AnalyzeOptions::default()).normalized_hash, found.hash);
    }
}

proptest! {
    #[test]
    fn the_score_is_what_comparing_all_windows_says(source in texts(), min in 1usize..10) {
        let words = words(&source);
        let expected = if words.is_empty() { 0.0 } else { redundant_words(&words, min) as f64 / words.len() as f64 };
        prop_assert_eq!(find(&source, min, OffsetUnit::Bytes).redundancy_score, expected);
    }

    #[test]
    fn passages_slice_the_original_and_hold_the_words_they_say(source in texts(), min in 1usize..10) {
        for passage in find(&source, min, OffsetUnit::Bytes).repeated_passages {
            let slices: Vec<&str> = passage.occurrences.iter().map(|s| source.get(s.start..s.end).unwrap()).collect();
            let expected = words(&passage.text);
            prop_assert!(passage.words >= min && slices.len() >= 2);
            prop_assert_eq!(passage.words, expected.len());
            prop_assert_eq!(slices[0], &passage.text);
            for slice in slices {
                prop_assert_eq!(&words(slice), &expected);
            }
            prop_assert!(passage.occurrences.windows(2).all(|pair| pair[0].end <= pair[1].start), "overlap");
            prop_assert_eq!(passage.occurrences.len(), places_apart(&words(&source), &expected).len(), "a place is missing");
        }
    }

    #[test]
    fn passages_cover_redundant_words_only_and_all_of_them_in_texts_without_short_periods(source in texts(), min in 2usize..6) {
        let text = Text::new(&source).unwrap();
        let found = find(&source, min, OffsetUnit::Bytes);
        let mut later = vec![false; text.words().len()];
        for span in found.repeated_passages.iter().flat_map(|passage| &passage.occurrences[1..]) {
            later[range_of(&text, *span)].fill(true);
        }
        let covered = later.iter().filter(|&&is| is).count();
        let all = words(&source);
        prop_assert!(covered <= redundant_words(&all, min));
        let periodic = (1..=2 * min).any(|period| all.windows(period + min).any(|w| w[..min] == w[period..]));
        if !periodic {
            prop_assert_eq!(covered, redundant_words(&all, min));
        }
    }

    #[test]
    fn a_text_without_repeats_scores_at_least_half_when_it_stands_twice(distinct in 9usize..60) {
        let once: String = (0..distinct).map(|n| format!("w{n} ")).collect();
        prop_assert_eq!(find(&once, 8, OffsetUnit::Chars).redundancy_score, 0.0);
        prop_assert!(find(&once.repeat(2), 8, OffsetUnit::Chars).redundancy_score >= 0.5);
    }

    #[test]
    fn the_three_offset_units_give_the_same_scores_and_the_same_slices(source in prop_oneof![texts(), wild()]) {
        let [chars, bytes, utf16] = [OffsetUnit::Chars, OffsetUnit::Bytes, OffsetUnit::Utf16].map(|unit| find(&source, 3, unit));
        let as_chars: Vec<char> = source.chars().collect();
        let as_utf16: Vec<u16> = source.encode_utf16().collect();
        for other in [&chars, &utf16] {
            prop_assert_eq!(other.redundancy_score, bytes.redundancy_score);
            prop_assert_eq!(other.repeated_passages.len(), bytes.repeated_passages.len());
        }
        for (number, passage) in bytes.repeated_passages.iter().enumerate() {
            for (place, span) in passage.occurrences.iter().enumerate() {
                let slice = &source[span.start..span.end];
                let c = chars.repeated_passages[number].occurrences[place];
                let u = utf16.repeated_passages[number].occurrences[place];
                prop_assert_eq!(as_chars[c.start..c.end].iter().collect::<String>(), slice);
                prop_assert_eq!(String::from_utf16(&as_utf16[u.start..u.end]).unwrap(), slice);
            }
        }
    }

    #[test]
    fn any_text_is_analysed_with_figures_in_range_and_the_same_again(source in wild(), min in prop_oneof![0usize..12, Just(usize::MAX), Just(usize::MAX - 1)]) {
        let found = find(&source, min, OffsetUnit::Bytes);
        prop_assert!(is_share(found.redundancy_score) && is_share(found.lexical_redundancy) && is_share(found.language.confidence));
        prop_assert!(found.compression_ratio.is_finite() && found.compression_ratio > 0.0);
        for span in found.repeated_passages.iter().flat_map(|p| &p.occurrences).chain(found.duplicate_sentences.iter().flat_map(|s| &s.occurrences)) {
            prop_assert!(source.get(span.start..span.end).is_some());
        }
        prop_assert_eq!(find(&source, min, OffsetUnit::Bytes), found);
    }

    #[test]
    fn phrases_stand_as_often_as_they_say(source in texts()) {
        let all = words(&source);
        for phrase in find(&source, 8, OffsetUnit::Bytes).repeated_phrases {
            let content = words(&phrase.phrase);
            prop_assert_eq!(content.len(), phrase.words);
            prop_assert_eq!(places_apart(&all, &content).len(), phrase.count);
        }
    }

    #[test]
    fn similarity_is_symmetric_and_in_range(one in prop_oneof![texts(), wild()], other in prop_oneof![texts(), wild()], min in prop_oneof![0usize..6, Just(usize::MAX)]) {
        let (there, back) = (compare(&one, &other, min), compare(&other, &one, min));
        let figures = |s: &Similarity| [s.similarity_score, s.jaccard, s.cosine];
        prop_assert_eq!(figures(&there), figures(&back));
        prop_assert_eq!(there.containment.text1_in_text2, back.containment.text2_in_text1);
        prop_assert_eq!(there.containment.text2_in_text1, back.containment.text1_in_text2);
        prop_assert_eq!(&there.common_words, &back.common_words);
        prop_assert!(figures(&there).into_iter().chain([there.containment.text1_in_text2, there.containment.text2_in_text1]).all(is_share));
        let mut swapped: Vec<_> = back.matches.iter().map(|m| (m.text2, m.text1)).collect();
        let mut straight: Vec<_> = there.matches.iter().map(|m| (m.text1, m.text2)).collect();
        swapped.sort_unstable();
        straight.sort_unstable();
        prop_assert_eq!(straight, swapped);
        prop_assert_eq!(compare(&one, &other, min), there);
    }

    #[test]
    fn a_text_is_one_with_itself(source in prop_oneof![texts(), wild()]) {
        let found = compare(&source, &source, 4);
        prop_assert_eq!([found.similarity_score, found.jaccard, found.cosine, found.containment.text1_in_text2], [1.0; 4]);
    }

    #[test]
    fn tiles_are_those_of_the_textbook(one in texts(), other in texts(), min in 1usize..6) {
        let (text1, text2) = (Text::new(&one).unwrap(), Text::new(&other).unwrap());
        let (words1, words2) = (words(&one), words(&other));
        let mut free1: Vec<Option<&str>> = words1.iter().map(|w| Some(w.as_str())).collect();
        let mut free2: Vec<Option<&str>> = words2.iter().map(|w| Some(w.as_str())).collect();
        let found = compare(&one, &other, min);
        for tile in &found.matches {
            prop_assert_eq!(longest_free(&free1, &free2), tile.words, "a longer run was free");
            let (range1, range2) = (range_of(&text1, tile.text1), range_of(&text2, tile.text2));
            prop_assert_eq!(range1.len(), tile.words);
            prop_assert_eq!(&free1[range1.clone()], &free2[range2.clone()]);
            prop_assert!(!free1[range1.clone()].contains(&None), "a word is in two tiles");
            free1[range1].fill(None);
            free2[range2].fill(None);
        }
        let least = min.min(words1.len()).min(words2.len()).max(1);
        prop_assert!(longest_free(&free1, &free2) < least, "a run was left over");
    }

    #[test]
    fn jaccard_and_containment_are_those_of_the_sets(one in texts(), other in texts()) {
        let grams = |source: &str| -> std::collections::HashSet<Vec<String>> {
            let words = words(source);
            if words.is_empty() { return std::collections::HashSet::new(); }
            words.windows(words.len().min(5)).map(<[String]>::to_vec).collect()
        };
        let (grams1, grams2) = (grams(&one), grams(&other));
        prop_assume!(!grams1.is_empty() && !grams2.is_empty());
        let shared = grams1.intersection(&grams2).count() as f64;
        let found = compare(&one, &other, 4);
        prop_assert_eq!(found.jaccard, shared / grams1.union(&grams2).count() as f64);
        prop_assert_eq!(found.containment.text1_in_text2, shared / grams1.len() as f64);
        prop_assert_eq!(found.containment.text2_in_text1, shared / grams2.len() as f64);
    }

    #[test]
    fn adding_a_passage_of_b_to_a_never_lowers_the_containment_of_b_in_a(a in texts(), b in texts(), cut in any::<prop::sample::Index>()) {
        // Below five words the whole text is one gram, which any addition replaces by another.
        let (a, b) = (format!("a b c d a {a}"), format!("b c d a b {b}"));
        let starts: Vec<usize> = b.char_indices().map(|(at, _)| at).collect();
        let passage = &b[starts[cut.index(starts.len())]..];
        let before = compare(&a, &b, 4).containment.text2_in_text1;
        let after = compare(&format!("{a}\n\n{passage}"), &b, 4).containment.text2_in_text1;
        prop_assert!(after >= before, "{after} < {before}");
    }
}
