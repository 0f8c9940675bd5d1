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
        let offset = hashes.iter().rposition(|&hash| hash == least).unwrap();
        picks.push(Fingerprint { hash: least, position: (start + offset) as u32 });
    }
    picks
}

#[test]
fn one_word_over_and_over_has_one_pick_in_a_window() {
    let picks = winnow(&vec![7; 8_000], WINDOW);
    assert_eq!(picks.len(), 1_000);
}

fn find(query: &str, document: &str) -> Reuse {
    passages(&trace(query), &trace(document), &PassageOptions::default())
}

/// Texts of few distinct words, some of whose runs stand in both.
fn related() -> impl Strategy<Value = [String; 2]> {
    let words = |most| prop::collection::vec("[a-h]", 0..most).prop_map(|words| words.join(" "));
    let part = prop_oneof![words(30), words(6)];
    let parts = || prop::collection::vec(part.clone(), 1..5);
    let order = || prop::collection::vec(any::<prop::sample::Index>(), 1..5);
    (parts(), parts(), parts(), order()).prop_map(|(shared, one, other, order)| {
        let query: Vec<&str> =
            shared.iter().zip(&one).flat_map(|(one, other)| [one.as_str(), other]).collect();
        let document: Vec<&str> = order
            .iter()
            .zip(other.iter().cycle())
            .flat_map(|(index, other)| [index.get(&shared).as_str(), other])
            .collect();
        [query.join(" "), document.join(" ")]
    })
}

fn all_options() -> impl Strategy<Value = PassageOptions> {
    (0_usize..12, 0_usize..20, 0.0..=1.0).prop_map(|(max_gap_words, min_words, min_equal_share)| {
        PassageOptions { max_gap_words, min_words, min_equal_share }
    })
}

/// Every run of words that is equal in both and no part of a longer one: where it begins in either, and its length.
fn common_runs(query: &[u32], document: &[u32]) -> Vec<(usize, usize, usize)> {
    let mut runs = Vec::new();
    for one in 0..query.len() {
        for other in 0..document.len() {
            let begins = one == 0 || other == 0 || query[one - 1] != document[other - 1];
            let length =
                query[one..].iter().zip(&document[other..]).take_while(|(one, other)| one == other).count();
            if begins && length > 0 {
                runs.push((one, other, length));
            }
        }
    }
    runs
}

/// Length of the longest common subsequence.
fn common_words(one: &[u32], other: &[u32]) -> usize {
    let mut row = vec![0; other.len() + 1];
    for word in one {
        let mut diagonal = 0;
        for (column, against) in other.iter().enumerate() {
            let above = row[column + 1];
            row[column + 1] = if word == against { diagonal + 1 } else { above.max(row[column]) };
            diagonal = above;
        }
    }
    row[other.len()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_passage_is_what_the_options_ask_for([query, document] in related(), options in all_options()) {
        let (query, document) = (trace(&query), trace(&document));
        let found = passages(&query, &document, &options);
        let mut end = 0;
        let mut covered = BTreeSet::new();
        for passage in &found.passages {
            prop_assert!(end <= passage.query.start);
            end = passage.query.end;
            covered.extend(passage.document.clone());
            let sides = (&query.words()[passage.query.clone()], &document.words()[passage.document.clone()]);
            prop_assert_eq!((sides.0.first(), sides.0.last()), (sides.1.first(), sides.1.last()));
            prop_assert!(passage.equal_words <= common_words(sides.0, sides.1));
            prop_assert!(passage.equal_words >= options.min_words.min(query.len()).min(document.len()).max(1));
            let longer = passage.query.len().max(passage.document.len());
            prop_assert!(passage.equal_words as f64 >= options.min_equal_share * longer as f64);
        }
        prop_assert_eq!(found.query_covered_words, found.passages.iter().map(|passage| passage.query.len()).sum::<usize>());
        prop_assert_eq!(found.document_covered_words, covered.len());
    }

    #[test]
    fn no_common_run_of_twelve_words_is_left_out([query, document] in related(), gap in 0_usize..12) {
        let (query, document) = (trace(&query), trace(&document));
        let options = PassageOptions { max_gap_words: gap, ..PassageOptions::default() };
        let found = passages(&query, &document, &options);
        let is_covered = |word| found.passages.iter().any(|passage| passage.query.contains(&word));
        let shingles = document.shingles();
        let places = |word: usize| shingles.iter().filter(|&&shingle| shingle == query.shingles()[word]).count();
        for (start, _, length) in common_runs(query.words(), document.words()) {
            if length < TRACE_SHINGLE_WORDS || (start..=start + length - TRACE_SHINGLE_WORDS).any(|word| places(word) > 8) {
                continue;
            }
            let mut free = 0;
            for word in start..start + length {
                free = if is_covered(word) { 0 } else { free + 1 };
                prop_assert!(free < options.min_words, "{start} {length} {found:?}");
            }
        }
    }

    #[test]
    fn without_gaps_every_passage_is_a_common_run([query, document] in related()) {
        let (query, document) = (trace(&query), trace(&document));
        let options = PassageOptions { max_gap_words: 0, min_words: 5, ..PassageOptions::default() };
        let runs = common_runs(query.words(), document.words());
        for passage in passages(&query, &document, &options).passages {
            prop_assert_eq!(passage.equal_words, passage.query.len());
            prop_assert_eq!(passage.equal_words, passage.document.len());
            let is_part = |&(one, other, length): &(usize, usize, usize)| {
                one <= passage.query.start
                    && passage.query.end <= one + length
                    && one + passage.document.start == other + passage.query.start
            };
            prop_assert!(runs.iter().any(is_part));
        }
    }

    #[test]
    fn a_text_stands_in_itself_as_a_whole(text in prop_oneof![texts(), wild()]) {
        let trace = trace(&text);
        let found = passages(&trace, &trace, &PassageOptions::default());
        let whole = Passage { query: 0..trace.len(), document: 0..trace.len(), equal_words: trace.len() };
        prop_assert_eq!(found.passages, if trace.is_empty() { vec![] } else { vec![whole] });
        prop_assert_eq!(trace.overlap(&trace).first_in_second().to_bits(), f64::from(u8::from(!trace.is_empty())).to_bits());
    }
}

/// A sequence of numbers that looks random and is the same every time.
struct Numbers(u64);

impl Numbers {
    /// The next number below `end`.
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % end
    }
}

/// Text of `words` words, a third of them from a list of the most frequent ones, the others rare.
fn prose(words: usize, frequent: &[&str], numbers: &mut Numbers) -> Vec<String> {
    (0..words)
        .map(|_| match numbers.below(3) {
            0 => frequent[numbers.below(frequent.len())].to_owned(),
            _ => format!("w{:x}", numbers.below(1 << 14)),
        })
        .collect()
}

const ENGLISH: [&str; 12] = ["the", "of", "and", "to", "a", "in", "that", "is", "was", "he", "for", "it"];
const SPANISH: [&str; 12] = ["de", "la", "que", "él", "en", "y", "a", "los", "se", "del", "más", "año"];

/// Finds `copied`, which is words 2,000 to 2,000 + `length` of `document` in another form, between words of the query's own.
fn find_planted(document: &[String], copied: &[String], frequent: &[&str], numbers: &mut Numbers) -> Reuse {
    let before = prose(300, frequent, numbers);
    let after = prose(300, frequent, numbers);
    find(&[&before, copied, &after].concat().join(" "), &document.join(", "))
}

#[test]
fn a_paragraph_out_of_a_long_document_is_found_to_the_word() {
    for (frequent, seed) in [(&ENGLISH, 1), (&SPANISH, 2)] {
        let mut numbers = Numbers(seed);
        let document = prose(5_000, frequent, &mut numbers);
        let (mut missed, mut too_much) = (0, 0);
        for _ in 0..100 {
            let start = numbers.below(4_950);
            let found = find_planted(&document, &document[start..start + 50], frequent, &mut numbers);
            let [passage] = found.passages.as_slice() else { panic!("{start}: {found:?}") };
            assert!(passage.query.start <= 300 && passage.query.end >= 350, "{passage:?}");
            assert!(passage.document.start <= start && passage.document.end >= start + 50, "{passage:?}");
            missed += 50 - passage.equal_words.min(50);
            too_much += found.query_covered_words - 50;
        }
        // The word beside a passage is the same by chance in one case of a hundred, and then belongs to it.
        assert_eq!(missed, 0);
        assert!(too_much <= 10, "{too_much} words too much in 100 passages of 50");
    }
}

#[test]
fn a_paragraph_with_typos_replaced_lost_and_added_words_is_one_passage() {
    for (frequent, seed) in [(&ENGLISH, 3), (&SPANISH, 4)] {
        let mut numbers = Numbers(seed);
        let document = prose(5_000, frequent, &mut numbers);
        let (mut split, mut covered, mut all) = ([0; 3], 0, 0);
        for case in 0..300 {
            let start = numbers.below(4_900);
            let mut copied = Vec::new();
            for word in &document[start..start + 100] {
                match (numbers.below(20), case % 3) {
                    (0, 0) => copied.push(format!("{word}x")),
                    (0, 1) => {}
                    (0, _) => copied.extend([word.clone(), "really".to_owned()]),
                    _ => copied.push(word.clone()),
                }
            }
            let found = find_planted(&document, &copied, frequent, &mut numbers);
            split[case % 3] += usize::from(found.passages.len() != 1);
            covered += found.query_covered_words;
            all += copied.len();
        }
        // Five added words in a dozen make a gap of more than eight.
        assert!(split <= [0, 0, 1], "{split:?} of 100 each");
        let share = covered as f64 / all as f64;
        assert!((0.98..1.01).contains(&share), "{share}");
    }
}

#[test]
fn sentences_in_another_order_are_passages_of_their_own() {
    let mut numbers = Numbers(5);
    let document = prose(3_000, &ENGLISH, &mut numbers);
    let starts = [1_500, 1_460, 1_540, 1_420, 1_480];
    let copied: Vec<String> = starts.iter().flat_map(|&start| document[start..start + 20].to_vec()).collect();
    let found = find_planted(&document, &copied, &ENGLISH, &mut numbers);
    assert_eq!(found.passages.len(), starts.len(), "{found:?}");
    for (number, (passage, start)) in found.passages.iter().zip(starts).enumerate() {
        assert!(passage.query.start.abs_diff(300 + 20 * number) <= 1, "{passage:?}");
        assert!(
            passage.document.start.abs_diff(start) <= 1 && passage.equal_words.abs_diff(20) <= 1,
            "{passage:?}"
        );
    }
}

#[test]
fn a_gap_within_the_limit_is_bridged_and_a_wider_one_is_not() {
    let mut numbers = Numbers(6);
    let document = prose(1_000, &ENGLISH, &mut Numbers(9));
    for (gap, count) in [(1, 1), (7, 1), (8, 1), (9, 2), (40, 2)] {
        let inserted = prose(gap, &["and"], &mut numbers);
        let query = [&document[500..520], inserted.as_slice(), &document[520..540]].concat();
        let found = find(&query.join(" "), &document.join(" "));
        assert_eq!(found.passages.len(), count, "a gap of {gap}: {found:?}");
        let left_out = [&document[500..520], &document[520 + gap..540 + gap]].concat();
        let found = find(&left_out.join(" "), &document.join(" "));
        assert_eq!(found.passages.len(), count, "{gap} left out: {found:?}");
        assert_eq!(found.query_covered_words, 40);
    }
}

#[test]
fn passages_are_shown_where_they_stand_in_english_and_in_spanish() {
    for (query, document, shared) in [
        (
            "My own words come first. “Either party may terminate this agreement at any time, by giving thirty days’ written notice to the other.” 😀 Then more of mine.",
            "PREAMBLE — for readers.\n\nEither Party may TERMINATE this Agreement at any time by giving thirty (30) days’ written notice to the other. Section two.",
            [
                "Either party may terminate this agreement at any time, by giving thirty days’ written notice to the other",
                "Either Party may TERMINATE this Agreement at any time by giving thirty (30) days’ written notice to the other",
            ],
        ),
        (
            "Según dice la ley 😀: el Estado garantizará el derecho a la educación de los niños y las niñas en todo el país; punto.",
            "Artículo 7.º ¿Qué se garantiza? El Estado garantizara el derecho a la educación de los niños y las niñas en todo el país.",
            [
                "garantizará el derecho a la educación de los niños y las niñas en todo el país",
                "garantizara el derecho a la educación de los niños y las niñas en todo el país",
            ],
        ),
    ] {
        let traces = [trace(query), trace(document)];
        let found = passages(&traces[0], &traces[1], &PassageOptions::default());
        let [passage] = found.passages.as_slice() else { panic!("{found:?}") };
        let shown = [
            traces[0].span(passage.query.clone(), OffsetUnit::Bytes).slice(query),
            traces[1].span(passage.document.clone(), OffsetUnit::Bytes).slice(document),
        ];
        for (shown, shared) in shown.iter().zip(shared) {
            assert!(shown.ends_with(shared.split_once(' ').unwrap().1), "{shown:?}");
        }
        let units: Vec<u16> = query.encode_utf16().collect();
        let span = traces[0].span(passage.query.clone(), OffsetUnit::Utf16);
        assert_eq!(String::from_utf16(&units[span.start..span.end]).unwrap(), shown[0]);
        let chars = traces[0].span(passage.query.clone(), OffsetUnit::Chars);
        assert_eq!(query.chars().skip(chars.start).take(chars.len()).collect::<String>(), shown[0]);
    }
}

#[test]
fn one_copied_sentence_among_repeated_boilerplate_is_assigned_to_its_own_place() {
    let header = "this is a notice that stands before each of the sections of this long text";
    let mut numbers = Numbers(8);
    let sections: Vec<String> =
        (0..100).map(|_| format!("{header} {}", prose(30, &ENGLISH, &mut numbers).join(" "))).collect();
    let header_words = header.split(' ').count();
    let found = find(&sections[70], &sections.join("\n"));
    let place = 70 * (header_words + 30);
    let passage = Passage {
        query: 0..header_words + 30,
        document: place..place + header_words + 30,
        equal_words: header_words + 30,
    };
    assert_eq!(found.passages, [passage]);
}

#[test]
fn texts_shorter_than_a_shingle_share_only_all_they_have() {
    assert_eq!(find("Terms and conditions", "terms, and conditions!").passages.len(), 1);
    assert_eq!(find("Terms and conditions", "Terms and conditions apply").passages.len(), 0);
    assert_eq!(
        find("one two three four five six", "zero one two three four five six seven eight")
            .query_covered_words,
        6
    );
    assert_eq!(find("", "").passages.len(), 0);
    assert_eq!(find("word", "").passages.len(), 0);
}

#[test]
fn a_damaged_trace_says_what_is_wrong() {
    assert_eq!(Trace::decode(&[]), Err(TraceError::Truncated));
    assert_eq!(Trace::decode(&[9, 0]), Err(TraceError::UnknownVersion(9)));
    assert_eq!(Trace::decode(&[1, 0]), Ok(Trace::default()));
    // Four billion words, and no byte of them.
    assert_eq!(Trace::decode(&[1, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F]), Err(TraceError::Truncated));
    assert!(matches!(Trace::decode(&[1, 1, 0, 0, 0, 0, 0, 0]), Err(TraceError::Damaged(_))));
}

#[test]
fn a_trace_takes_little_more_than_six_bytes_a_word() {
    let text = "La Constitución garantiza a todos los ciudadanos, sin distinción alguna, la protección de sus derechos. ".repeat(40);
    let trace = trace(&text);
    let bytes = trace.encode().len();
    assert!(bytes * 10 < trace.len() * 65, "{bytes} for {} words", trace.len());
}

#[test]
fn traces_stay_what_they_are() {
    // Indexes on disk rest on these: another value here needs another version.
    let trace = trace("Artículo 1. The Parties SHALL, 漢字 keep 😀 records; the parties shall keep records.");
    let fold = |bytes: &[u8]| bytes.iter().fold(0_u64, |sum, &byte| sum.rotate_left(7) ^ u64::from(byte));
    let shingles = trace.shingles().iter().fold(0_u64, |sum, shingle| sum.rotate_left(1) ^ shingle);
    assert_eq!(
        (trace.encode().len(), fold(&trace.encode()), shingles),
        (91, 12_053_176_203_180_702_752, 15_763_106_263_365_918_900)
    );
}

#[test]
fn boilerplate_is_left_out_unless_there_is_nothing_else() {
    let filter = CommonFilter::default();
    assert_eq!([filter.limit(0), filter.limit(1_000), filter.limit(1_000_000)], [32, 32, 10_000]);
    // 5 are enough of their own; what nobody has is neither used nor left out.
    let mixed = [3, 90_000, 1, 0, 10_000, 10_001, 2, 7];
    assert_eq!(filter.select(&mixed, 1_000_000), Selection { used: vec![0, 2, 4, 6, 7], left_out: 2 });
    // Only two are rare: the two rarest of the others make up four.
    let boilerplate = [90_000, 3, 70_000, 5, 80_000, 70_000];
    assert_eq!(filter.select(&boilerplate, 1_000_000), Selection { used: vec![1, 2, 3, 5], left_out: 2 });
    assert_eq!(filter.select(&[33; 9], 40), Selection { used: vec![0, 1, 2, 3], left_out: 5 });
    assert_eq!(filter.select(&[32; 9], 40).used.len(), 9);
    assert_eq!(filter.select(&[], 40), Selection::default());
    let none = CommonFilter { keep: 0, max_share: f64::NAN, ..filter };
    assert_eq!(none.select(&[41, 40], 40), Selection { used: vec![1], left_out: 1 });
}
