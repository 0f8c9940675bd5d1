//! Shingles, signatures and sets against the plainest ways to work them out.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "tests stop at the first surprise, and their numbers are small"
)]

use proptest::prelude::*;
use redundancy_detect::Text;
use redundancy_detect::fingerprint::{
    Banding, FINGERPRINT_VERSION, ShingleSet, Shingler, Shingling, Sketcher, least_shared,
};
use redundancy_detect::normalize::NORMALIZATION_VERSION;
use std::collections::{BTreeMap, BTreeSet};

/// Texts of a few words, so that shingles repeat, in the scripts that take different ways through the tokeniser.
fn texts() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        4 => "[ab]{1,2}",
        1 => Just("constitucionalmente-otra".to_owned()),
        1 => Just("Ñandú".to_owned()),
        1 => Just("漢字".to_owned()),
        1 => Just("don’t".to_owned()),
        1 => Just("ﬁn".to_owned()),
    ];
    let gap = prop_oneof![Just(" ".to_owned()), Just(", ".to_owned()), Just("\n\n".to_owned())];
    prop::collection::vec((word, gap), 0..40)
        .prop_map(|pairs| pairs.into_iter().flat_map(|(word, gap)| [word, gap]).collect())
}

fn shinglings() -> impl Strategy<Value = Shingling> {
    prop_oneof![
        (1_u8..7).prop_map(|n| format!("words:{n}").parse().unwrap()),
        (1_u8..9).prop_map(|n| format!("chars:{n}").parse().unwrap()),
    ]
}

/// The shingles of `text` as strings: the definition.
fn obvious(text: &str, shingling: Shingling) -> Vec<String> {
    let text = Text::new(text).unwrap();
    let words: Vec<String> =
        text.words().iter().map(|word| text.vocabulary().word(word.id).to_owned()).collect();
    let (units, size, joint): (Vec<String>, usize, &str) = match shingling {
        Shingling::Words(size) => (words, size.get().into(), " "),
        Shingling::Chars(size) => {
            (words.join(" ").chars().map(String::from).collect(), size.get().into(), "")
        }
    };
    if (1..size).contains(&units.len()) {
        return vec![format!("short {}", units.join(joint))];
    }
    units.windows(size).map(|run| run.join(joint)).collect()
}

fn hashed(text: &str, shingling: Shingling) -> Vec<u64> {
    let mut shingler = Shingler::new(shingling);
    shingler.read("what was read before leaves nothing behind").unwrap();
    shingler.read(text).unwrap();
    shingler.shingles().to_vec()
}

proptest! {
    #[test]
    fn what_is_contained_is_counted_as_if_everything_were_looked_at(
        mut few in prop::collection::vec(0_u64..200, 0..20),
        mut many in prop::collection::vec(0_u64..3_000, 0..2_000),
        is_part in any::<bool>(),
        threshold in prop_oneof![0.01_f64..1.0, Just(0.8), Just(1.0)],
    ) {
        if is_part {
            many.extend(few.iter().skip(2));
        }
        let (few, many) = (ShingleSet::sort(&mut few), ShingleSet::sort(&mut many));
        for (one, other) in [(few, many), (many, few), (few, few)] {
            let overlap = one.overlap(other);
            let expected = Some(overlap).filter(|overlap| overlap.first_in_second() >= threshold);
            prop_assert_eq!(one.contained_in(other, threshold), expected);
        }
    }

    #[test]
    fn the_least_number_that_is_shared_is_the_first_whose_share_is_enough(
        size in 1_usize..3_000,
        threshold in prop_oneof![0.000_1_f64..1.0, (1_u32..100).prop_map(|percent| f64::from(percent) / 100.0)],
    ) {
        let least = (0..=size).find(|shared| *shared as f64 / size as f64 >= threshold).unwrap();
        prop_assert_eq!(least_shared(threshold, size), least);
    }

    #[test]
    fn equal_hashes_are_equal_shingles(text in texts(), other in texts(), shingling in shinglings()) {
        let strings = [obvious(&text, shingling), obvious(&other, shingling)].concat();
        let hashes = [hashed(&text, shingling), hashed(&other, shingling)].concat();
        prop_assert_eq!(strings.len(), hashes.len());
        let pairs: BTreeSet<_> = strings.iter().zip(&hashes).collect();
        prop_assert_eq!(pairs.len(), strings.iter().collect::<BTreeSet<_>>().len());
        prop_assert_eq!(pairs.len(), hashes.iter().collect::<BTreeSet<_>>().len());
    }

    #[test]
    fn words_stand_where_the_tokeniser_says(text in texts()) {
        let mut shingler = Shingler::new(Shingling::default());
        shingler.read(&text).unwrap();
        let expected: Vec<_> = Text::new(&text).unwrap().words().iter().map(|word| word.span()).collect();
        prop_assert_eq!(shingler.words().iter().map(|word| word.span()).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn sets_share_what_sets_of_the_library_share(
        first in prop::collection::vec(0_u64..120, 0..150),
        second in prop::collection::vec(0_u64..120, 0..150),
        threshold in 0.0..=1.0,
    ) {
        let trees: [BTreeSet<u64>; 2] = [&first, &second].map(|list| list.iter().copied().collect());
        let (mut first, mut second) = (first, second);
        let (one, other) = (ShingleSet::sort(&mut first), ShingleSet::sort(&mut second));
        let overlap = one.overlap(other);
        prop_assert_eq!(overlap.shared, trees[0].intersection(&trees[1]).count());
        prop_assert_eq!([overlap.first, overlap.second], [trees[0].len(), trees[1].len()]);
        let all = trees[0].union(&trees[1]).count();
        let jaccard = if all == 0 { 0.0 } else { overlap.shared as f64 / all as f64 };
        prop_assert_eq!(overlap.jaccard().to_bits(), jaccard.to_bits());
        prop_assert_eq!(one.similar(other, threshold), (jaccard >= threshold).then_some(overlap));
    }

    #[test]
    fn a_signature_is_of_the_set_and_not_of_the_list(shingles in prop::collection::vec(any::<u64>(), 1..60), size in 1_usize..200) {
        let mut sketcher = Sketcher::new(size);
        let signature = sketcher.sketch(&shingles).unwrap().to_vec();
        let twice: Vec<u64> = shingles.iter().rev().chain(&shingles).copied().collect();
        prop_assert_eq!(sketcher.sketch(&twice).unwrap(), signature);
    }
}

#[test]
fn the_normalised_hash_sees_words_and_their_order_alone() {
    let normalized = |text: &str| {
        let mut shingler = Shingler::new(Shingling::default());
        shingler.read(text).unwrap();
        shingler.normalized()
    };
    assert_eq!(normalized("Hello, World!"), normalized("hello world"));
    assert_ne!(normalized("hello world"), normalized("world hello"));
    assert_ne!(normalized("a a"), normalized("a"));
    assert_ne!(normalized("a b a"), normalized("a a b"));
}

#[test]
fn a_shingling_is_read_as_it_is_written() {
    for name in ["words:1", "words:5", "chars:8", "chars:255"] {
        assert_eq!(name.parse::<Shingling>().unwrap().to_string(), name);
    }
    for name in ["", "words", "words:", "words:0", "words:256", "words:-1", "lines:3", "words:5:5"] {
        assert!(name.parse::<Shingling>().is_err(), "{name}");
    }
    assert_eq!(Shingling::default().to_string(), "words:5");
}

/// Two sets of about `size` of which `similarity` is shared, different ones for each `seed`.
fn pair(size: usize, similarity: f64, seed: u64) -> [Vec<u64>; 2] {
    let shared = (similarity * 2.0 * size as f64 / (1.0 + similarity)).round() as usize;
    let number =
        |n: usize, side: u64| ((seed << 40) + ((n as u64) << 2) + side).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    [1, 2].map(|side| (0..size).map(|n| number(n, if n < shared { 0 } else { side })).collect())
}

#[test]
fn signatures_agree_in_as_many_places_as_the_sets_are_alike() {
    for size in [1, 2, 7, 50, 350, 5_000] {
        for similarity in [0.0, 0.3, 0.8, 1.0] {
            let mut sketcher = Sketcher::new(192);
            let (mut agreeing, mut all, mut exact) = (0, 0, 0.0);
            for seed in 0..60 {
                let [one, other] = pair(size, similarity, seed);
                let [mut first, mut second] = [one.clone(), other.clone()];
                exact = ShingleSet::sort(&mut first).overlap(ShingleSet::sort(&mut second)).jaccard();
                let signature = sketcher.sketch(&one).unwrap().to_vec();
                agreeing +=
                    signature.iter().zip(sketcher.sketch(&other).unwrap()).filter(|(a, b)| a == b).count();
                all += signature.len();
            }
            let estimate = agreeing as f64 / f64::from(all as u32);
            // 11,520 places; with independent places the standard deviation would be at most 0.005.
            assert!((estimate - exact).abs() < 0.03, "{size} {similarity}: {estimate} for {exact}");
        }
    }
}

#[test]
fn pairs_at_the_threshold_become_candidates() {
    for threshold in [0.3, 0.5, 0.8, 0.95] {
        let banding = Banding::for_threshold(threshold);
        let mut sketcher = Sketcher::new(banding.places());
        // From the smallest sets that can be as alike as that.
        for size in [10, 25, 100, 350, 2_000] {
            let missed = (0..2_000_u64).filter(|&seed| {
                let [one, other] = pair(size, threshold + 0.5 / size as f64, seed);
                let keys: Vec<u64> = banding.keys(sketcher.sketch(&one).unwrap()).collect();
                let others: Vec<u64> = banding.keys(sketcher.sketch(&other).unwrap()).collect();
                !keys.iter().zip(&others).any(|(key, other)| key == other)
            });
            let missed = missed.count();
            assert!(missed <= 20, "{threshold} {size}: {missed} of 2,000 missed");
        }
    }
}

#[test]
fn bands_are_as_long_as_the_threshold_allows() {
    let shapes: BTreeMap<_, _> = [0.01, 0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0]
        .into_iter()
        .map(|threshold| {
            let Banding { bands, rows } = Banding::for_threshold(threshold);
            assert!(Banding { bands, rows }.miss_probability(threshold) <= 1e-3);
            (format!("{threshold}"), format!("{bands} x {rows}"))
        })
        .collect();
    assert_eq!(shapes["0.8"], "32 x 6");
    assert_eq!(shapes["1"], "1 x 192");
    assert_eq!(Banding::for_threshold(f64::NAN), Banding::for_threshold(1.0));
    assert_eq!(Banding::for_threshold(-3.0), Banding::for_threshold(0.01));
}

#[test]
fn hashes_stay_what_they_are() {
    // Indexes on disk rest on these: another value here needs another version.
    assert_eq!((FINGERPRINT_VERSION, NORMALIZATION_VERSION), (1, 1));
    let text = "Artículo 1. The Parties SHALL, constitucionalmente, 漢字 keep records; the parties shall keep records.";
    let mut shingler = Shingler::new(Shingling::default());
    shingler.read(text).unwrap();
    let words = shingler.words().iter().fold(0_u64, |sum, word| sum.rotate_left(1) ^ word.hash);
    let runs = shingler.shingles().iter().fold(0_u64, |sum, shingle| sum.rotate_left(1) ^ shingle);
    let banding = Banding::for_threshold(0.8);
    let mut sketcher = Sketcher::new(banding.places());
    let bands: u64 = banding
        .keys(sketcher.sketch(shingler.shingles()).unwrap())
        .fold(0, |sum, key| sum.rotate_left(1) ^ key);
    let characters = hashed(text, "chars:8".parse().unwrap())
        .iter()
        .fold(0_u64, |sum, shingle| sum.rotate_left(1) ^ shingle);
    let short = hashed("Two words", Shingling::default());
    assert_eq!(
        (words, runs, bands, characters, short, shingler.normalized()),
        (
            15_635_592_829_175_054_870,
            6_134_960_624_039_496_260,
            16_500_885_424_321_302_794,
            5_925_486_265_972_781_028,
            vec![2_556_995_835_196_852_987],
            161_640_418_614_055_680_821_346_731_436_255_256_914,
        ),
    );
}
