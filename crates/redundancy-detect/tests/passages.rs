//! Traces, winnowing and passages against the plainest ways to work them out, and on small cases of planted reuse.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "tests stop at the first surprise, and their numbers are small"
)]

use proptest::prelude::*;
use redundancy_detect::fingerprint::{
    CommonFilter, Fingerprint, Passage, PassageOptions, Reuse, Selection, Shingler, Shingling,
    TRACE_SHINGLE_WORDS, Trace, TraceError, WINDOW, passages, winnow,
};
use redundancy_detect::{OffsetMap, OffsetUnit, Text};
use std::collections::BTreeSet;

fn trace(text: &str) -> Trace {
    let mut shingler = Shingler::new(Shingling::default());
    shingler.read("what was read before leaves nothing behind").unwrap();
    shingler.read(text).unwrap();
    Trace::of(&shingler)
}

/// Texts of few distinct words, in scripts of characters of one byte to four.
fn texts() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        5 => "[a-c]",
        2 => prop::sample::select(vec!["Ñandú", "don’t", "漢字", "𝒳𝒴", "constitucionalmente", "e\u{301}l"]).prop_map(str::to_owned),
    ];
    let gap = prop::sample::select(vec![" ", " ", ", ", "\n\n", " — ", " 😀 ", " ¿"]);
    prop::collection::vec((word, gap), 0..200)
        .prop_map(|parts| parts.into_iter().flat_map(|(word, gap)| [word, gap.to_owned()]).collect())
}

/// Any text at all.
fn wild() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop_oneof!["\\PC{0,6}", "[ \n.,’a-c]{0,8}", any::<char>().prop_map(String::from)],
        0..60,
    )
    .prop_map(|parts| parts.concat())
}

const UNITS: [OffsetUnit; 3] = [OffsetUnit::Bytes, OffsetUnit::Chars, OffsetUnit::Utf16];

proptest! {
    #[test]
    fn a_trace_knows_where_words_stand_in_every_unit(text in prop_oneof![texts(), wild()]) {
        let trace = trace(&text);
        let words = Text::new(&text).unwrap().words().to_vec();
        prop_assert_eq!(trace.len(), words.len());
        for unit in UNITS {
            let map = OffsetMap::new(&text, unit);
            for (number, word) in words.iter().enumerate() {
                prop_assert_eq!(trace.span(number..number + 1, unit), map.span(word.span()));
            }
            if let (Some(first), Some(last)) = (words.first(), words.last()) {
                let whole = trace.span(0..words.len(), unit);
                prop_assert_eq!((whole.start, whole.end), (map.offset(first.span().start), map.offset(last.span().end)));
                let behind = trace.span(words.len()..words.len() + 3, unit);
                prop_assert_eq!((behind.start, behind.end), (whole.end, whole.end));
            }
        }
    }

    #[test]
    fn a_trace_survives_encoding(text in prop_oneof![texts(), wild()]) {
        let trace = trace(&text);
        let encoded = trace.encode();
        prop_assert_eq!(Trace::decode(&encoded), Ok(trace));
        for end in 0..encoded.len() {
            prop_assert!(Trace::decode(&encoded[..end]).is_err());
        }
        prop_assert!(Trace::decode(&[encoded.as_slice(), &[0]].concat()).is_err());
    }

    #[test]
    fn any_bytes_are_a_trace_that_encodes_to_them_or_an_error(
        words in 0_u8..6,
        bytes in prop::collection::vec(prop_oneof![0_u8..12, any::<u8>()], 0..60),
    ) {
        for bytes in [bytes.clone(), [&[1, words], bytes.as_slice()].concat()] {
            if let Ok(trace) = Trace::decode(&bytes) {
                prop_assert_eq!(trace.encode(), bytes);
                for unit in UNITS {
                    for word in 0..=trace.len() {
                        let (whole, one) = (trace.span(0..trace.len(), unit), trace.span(word..word + 1, unit));
                        prop_assert!(whole.start <= one.start && one.start <= one.end && one.end <= whole.end);
                    }
                }
            }
        }
    }

    #[test]
    fn equal_runs_of_words_are_equal_shingles(text in texts()) {
        let trace = trace(&text);
        let shingles = trace.shingles();
        let runs: Vec<&[u32]> = if (1..TRACE_SHINGLE_WORDS).contains(&trace.len()) {
            vec![trace.words()]
        } else {
            trace.words().windows(TRACE_SHINGLE_WORDS).collect()
        };
        prop_assert_eq!(shingles.len(), runs.len());
        let pairs: BTreeSet<_> = shingles.iter().zip(&runs).collect();
        prop_assert_eq!(pairs.len(), shingles.iter().collect::<BTreeSet<_>>().len());
        prop_assert_eq!(pairs.len(), runs.iter().collect::<BTreeSet<_>>().len());
    }

    #[test]
    fn winnowing_picks_what_the_definition_picks(shingles in prop::collection::vec(0_u64..9, 0..80), window in 0_usize..12) {
        prop_assert_eq!(winnow(&shingles, window), obvious_winnow(&shingles, window));
    }

    #[test]
    fn a_shared_run_of_a_window_shares_a_pick(
        before in prop::collection::vec(0_u64..40, 0..20),
        shared in prop::collection::vec(0_u64..40, WINDOW..30),
        after in prop::collection::vec(0_u64..40, 0..20),
        others in prop::collection::vec(0_u64..40, 0..20),
    ) {
        let one = winnow(&[before.as_slice(), &shared, &after].concat(), WINDOW);
        let other = winnow(&[others.as_slice(), &shared, &before].concat(), WINDOW);
        let picks: BTreeSet<u64> = one.iter().map(|pick| pick.hash).collect();
        // At each place of the run, not only somewhere.
        for window in shared.windows(WINDOW) {
            let least = window.iter().min().unwrap();
            prop_assert!(picks.contains(least) && other.iter().any(|pick| pick.hash == *least));
        }
    }
}

/// Winnowing window by window.
fn obvious_winnow(shingles: &[u64], window: usize) -> Vec<Fingerprint> {
    let window = window.max(1).min(shingles.len().max(1));
    let mut picks: Vec<Fingerprint> = Vec::new();
    for (start, hashes) in shingles.windows(window).enumerate() {
        let least = *hashes.iter().min().unwrap();
        if picks.last().is_some_and(|last| last.position as usize >= start && last.hash == least) {
            continue;
        }
        let last = hashes.iter().rposition(|&hash| hash == least).unwrap();
        picks.push(Fingerprint { hash: least, position: (start + last) as u32 });
    }
    picks
}

#[test]
fn one_word_over_and_over_has_one_pick_in_a_window() {
    let picks = winnow(&[7; 8_000], WINDOW);
    assert_eq!(picks.len(), 1_000);
}

fn find(query: &str, document: &str) -> Reuse {
    passages(&trace(query), &trace(document), &PassageOptions::default())
}

/// Sentences of made-up words that stand nowhere else, `words` in all.
fn filler(words: usize, seed: u64) -> Vec<String> {
    let number = |n: usize| (seed << 20 | n as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
    (0..words).map(|n| format!("w{:x}", number(n))).collect()
}

#[test]
fn a_paragraph_out_of_a_long_document_is_found_to_the_word() {
    let document = filler(5_000, 1);
    for start in [0, 1, 1_234, 4_950] {
        let copied = &document[start..start + 50];
        let query = [&filler(300, 2)[..], copied, &filler(200, 3)].concat();
        let found = find(&query.join(" "), &document.join(" "));
        let passage = Passage { query: 300..350, document: start..start + 50, equal_words: 50 };
        assert_eq!(found.passages, [passage]);
        assert_eq!((found.query_covered_words, found.document_covered_words), (50, 50));
    }
}
