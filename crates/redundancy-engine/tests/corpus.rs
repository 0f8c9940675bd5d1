//! Duplicates across a corpus against the plainest way to find them, and what must not change the answer.

#![allow(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use proptest::prelude::*;
use redundancy_detect::Text;
use redundancy_engine::corpus::{
    CorpusJobError, DedupOptions, Deduplicated, DuplicateKind, InMemory, Keep, Kept, MemoryLimit, Mode, Pair,
    deduplicate,
};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

fn options(threads: usize) -> DedupOptions {
    DedupOptions {
        mode: Mode::Near { threshold: 0.8 },
        shingling: "words:3".parse().unwrap(),
        keep: Keep::First,
        all_pairs: true,
        threads: NonZeroUsize::new(threads).unwrap(),
        memory: None,
    }
}

fn corpus(texts: &[String]) -> Vec<(String, String)> {
    texts.iter().enumerate().map(|(number, text)| (format!("d{number}"), text.clone())).collect()
}

fn run(texts: &[String], options: &DedupOptions) -> Deduplicated {
    deduplicate(&InMemory(&corpus(texts)), options, &mut |_| ()).unwrap()
}

/// The word 3-grams of a text, as strings.
fn grams(text: &str) -> BTreeSet<String> {
    let text = Text::new(text).unwrap();
    let words: Vec<&str> = text.words().iter().map(|word| text.vocabulary().word(word.id)).collect();
    match words.len() {
        0 => BTreeSet::new(),
        1..3 => BTreeSet::from([words.join(" ")]),
        _ => words.windows(3).map(|run| run.join(" ")).collect(),
    }
}

/// All pairs by comparing everything with everything.
fn truth(texts: &[String], threshold: f64) -> Vec<Pair> {
    let sets: Vec<_> = texts.iter().map(|text| grams(text)).collect();
    let mut pairs = Vec::new();
    for (one, first) in sets.iter().enumerate() {
        for (other, second) in sets.iter().enumerate().skip(one + 1) {
            let all = first.union(second).count();
            let similarity = if all == 0 {
                f64::from(u8::from(texts[one].trim() == texts[other].trim()))
            } else {
                first.intersection(second).count() as f64 / all as f64
            };
            if similarity >= threshold {
                pairs.push(Pair {
                    one: one.try_into().unwrap(),
                    other: other.try_into().unwrap(),
                    similarity,
                });
            }
        }
    }
    pairs
}

/// A few bases, each with versions that differ in some words: similarities lie on both sides of the threshold.
fn texts() -> impl Strategy<Value = Vec<String>> {
    let version = (0_usize..3, prop::collection::vec((0_usize..60, 0_u8..4), 0..7), 0_usize..4);
    prop::collection::vec(version, 0..14).prop_map(|versions| {
        let text = |(base, edits, cut): (usize, Vec<(usize, u8)>, usize)| {
            let mut words: Vec<String> =
                (0..60).map(|place| format!("w{}", place * 7 % 31 + base * 100)).collect();
            for (place, edit) in edits {
                words[place] = format!("edit{edit}");
            }
            words.truncate(60 - 15 * cut);
            words.join(if cut == 1 { ", " } else { " " })
        };
        versions.into_iter().map(text).collect()
    })
}

proptest! {
    #[test]
    fn pairs_and_scores_are_those_of_brute_force(texts in texts()) {
        let found = run(&texts, &options(2));
        prop_assert_eq!(&found.pairs, &truth(&texts, 0.8));
    }

    #[test]
    fn clusters_are_what_pairs_connect_whether_all_are_wanted_or_not(texts in texts(), threads in 1_usize..5) {
        let all = run(&texts, &options(1));
        let few = run(&texts, &DedupOptions { all_pairs: false, ..options(threads) });
        prop_assert_eq!(&all.clusters, &few.clusters);
        prop_assert_eq!(&all.duplicates, &few.duplicates);
        let mut roots: Vec<usize> = (0..texts.len()).collect();
        for pair in &all.pairs {
            let (one, other) = (roots[pair.one as usize], roots[pair.other as usize]);
            for root in &mut roots {
                if *root == other { *root = one; }
            }
        }
        let mut connected: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
        for (number, root) in roots.iter().enumerate() {
            connected.entry(*root).or_default().push(number.try_into().unwrap());
        }
        let expected: BTreeSet<Vec<u32>> = connected.into_values().filter(|cluster| cluster.len() > 1).collect();
        prop_assert_eq!(all.clusters.iter().map(|cluster| cluster.records.clone()).collect::<BTreeSet<_>>(), expected);
        for cluster in &all.clusters {
            prop_assert!(cluster.min_similarity >= 0.8);
            prop_assert_eq!(cluster.kept, cluster.records[0]);
        }
    }
}

#[test]
fn every_kind_is_told_and_every_score_is_exact() {
    let base: Vec<String> = (0..40).map(|n| format!("word{n}")).collect();
    let base = base.join(" ");
    let texts = [
        base.clone(),
        "something else altogether, unlike all others here".to_owned(),
        base.clone(),
        base.to_uppercase().replace(' ', ", "),
        format!("{base} more"),
        "¡!".to_owned(),
        " ¡! ".to_owned(),
        String::new(),
        String::new(),
    ];
    let found = run(&texts, &options(1));
    let told: Vec<_> = found.duplicates.iter().map(|d| (d.record, d.kept, d.kind, d.similarity)).collect();
    assert_eq!(
        told,
        [
            (2, 0, DuplicateKind::Exact, 1.0),
            (3, 0, DuplicateKind::NormalizedExact, 1.0),
            (4, 0, DuplicateKind::NearDuplicate, 38.0 / 39.0),
            (6, 5, DuplicateKind::NormalizedExact, 1.0),
            (8, 7, DuplicateKind::Exact, 1.0),
        ]
    );
    let exact = run(&texts, &DedupOptions { mode: Mode::Exact, ..options(1) });
    assert_eq!(exact.duplicates.iter().map(|d| d.record).collect::<Vec<_>>(), [2, 3, 6, 8]);
}

#[test]
fn the_document_that_was_asked_for_is_kept() {
    let base: Vec<String> = (0..60).map(|n| format!("word{n}")).collect();
    let texts = [base[..58].join(" "), base.join(" "), base[..57].join(" "), base[..58].join("\n")];
    for (keep, kept) in
        [(Keep::First, 0), (Keep::Last, 3), (Keep::Longest, 1), (Keep::Shortest, 2), (Keep::Rank, 0)]
    {
        let found = run(&texts, &DedupOptions { keep, ..options(1) });
        assert_eq!(found.clusters.iter().map(|cluster| cluster.kept).collect::<Vec<_>>(), [kept], "{keep:?}");
    }
}

/// Texts that have most of their words in common, and none of which is a duplicate of another.
fn boilerplate(count: usize) -> Vec<String> {
    let shared: Vec<String> = (0..120).map(|n| format!("b{n}")).collect();
    let own = |number: usize| (0..60).map(|n| format!("t{number}x{n}")).collect::<Vec<_>>().join(" ");
    (0..count).map(|number| format!("{} {}", shared.join(" "), own(number))).collect()
}

#[test]
fn in_large_buckets_no_pair_is_lost() {
    let mut texts = boilerplate(400);
    for number in [3, 77, 200, 399] {
        texts.push(texts[number].replace("b5 ", "changed "));
        texts.push(texts[number].replace("b50 ", "changed "));
    }
    let found = run(&texts, &options(2));
    assert_eq!(found.pairs, truth(&texts, 0.8));
    assert_eq!(found.clusters.len(), 4);
}

#[test]
fn many_versions_of_one_text_are_one_cluster() {
    let words: Vec<String> = (0..300).map(|n| format!("w{n}")).collect();
    let texts: Vec<String> = (0..2_000)
        .map(|number| {
            let mut words = words.clone();
            words[number % 300] = format!("edit{number}");
            words.join(" ")
        })
        .collect();
    let found = run(&texts, &DedupOptions { all_pairs: false, ..options(2) });
    assert_eq!(found.clusters.len(), 1);
    assert_eq!(found.duplicates.len(), 1_999);
    assert!(found.duplicates.iter().all(|duplicate| duplicate.kept == 0 && duplicate.similarity > 0.95));
}

#[test]
fn an_id_that_an_earlier_document_has_is_not_used_again() {
    let text = "one two three four five six".to_owned();
    let corpus: Vec<_> = ["a", "b", "a"].iter().map(|id| ((*id).to_owned(), text.clone())).collect();
    let found = deduplicate(&InMemory(&corpus), &options(1), &mut |_| ()).unwrap();
    let ids: Vec<_> = found.members.iter().map(|member| member.id.as_deref()).collect();
    assert_eq!(ids, [Some("a"), Some("b"), None]);
    assert_eq!(found.members[2].line, 3);
}

/// A document and the shares of its shingles that stand in larger ones, by comparing everything with everything.
fn contained_truth(texts: &[String], threshold: f64) -> BTreeSet<(usize, usize)> {
    let sets: Vec<_> = texts.iter().map(|text| grams(text)).collect();
    let mut pairs = BTreeSet::new();
    for (one, inner) in sets.iter().enumerate() {
        for (other, outer) in sets.iter().enumerate() {
            let shared = inner.intersection(outer).count() as f64;
            if one != other
                && !inner.is_empty()
                && inner.len() <= outer.len()
                && shared / inner.len() as f64 >= threshold
            {
                pairs.insert((one, other));
            }
        }
    }
    pairs
}

proptest! {
    #[test]
    fn a_document_is_dropped_if_and_only_if_one_that_is_kept_contains_it(
        texts in texts(),
        threads in 1_usize..4,
        threshold in prop_oneof![Just(0.8), 0.05_f64..1.0, Just(1.0)],
        all_pairs in any::<bool>(),
        keep in prop_oneof![Just(Keep::First), Just(Keep::Last), Just(Keep::Longest)],
    ) {
        let options = DedupOptions { mode: Mode::Contained { threshold }, all_pairs, keep, ..options(threads) };
        let found = run(&texts, &options);
        let truth = contained_truth(&texts, threshold);
        let dropped: BTreeSet<usize> = found.duplicates.iter().map(|duplicate| duplicate.record as usize).collect();
        for duplicate in &found.duplicates {
            prop_assert!(!dropped.contains(&(duplicate.kept as usize)));
            let is_wordless = grams(&texts[duplicate.record as usize]).is_empty();
            prop_assert!(is_wordless || truth.contains(&(duplicate.record as usize, duplicate.kept as usize)));
        }
        for (inner, outer) in &truth {
            prop_assert!(dropped.contains(inner) || dropped.contains(outer), "{inner} in {outer}");
        }
        let clustered: usize = found.clusters.iter().map(|cluster| cluster.records.len() - 1).sum();
        prop_assert_eq!(clustered, found.duplicates.len());
        let pairs: BTreeSet<_> = found.pairs.iter().map(|pair| (pair.one as usize, pair.other as usize)).collect();
        for (inner, outer) in truth.iter().filter(|_| all_pairs) {
            let are_equal = grams(&texts[*inner]) == grams(&texts[*outer]);
            prop_assert!(pairs.contains(&(*inner, *outer)) || are_equal && pairs.contains(&(*outer, *inner)));
        }
        let (one, other) = (run(&texts, &options), run(&texts, &DedupOptions { all_pairs: !all_pairs, ..options }));
        prop_assert_eq!(one.duplicates, other.duplicates);
    }
}

#[test]
fn of_documents_that_are_as_large_as_each_other_the_one_asked_for_is_kept() {
    let words: Vec<String> = (0..60).map(|n| format!("word{n}")).collect();
    let with = |place: usize| {
        let mut words = words.clone();
        words[place] = "x".repeat(place);
        words.join(" ")
    };
    let texts = [with(20), with(5), with(40), with(30)];
    for (keep, kept) in [(Keep::First, 0), (Keep::Last, 3), (Keep::Longest, 2), (Keep::Shortest, 1)] {
        let found =
            run(&texts, &DedupOptions { mode: Mode::Contained { threshold: 0.8 }, keep, ..options(2) });
        assert_eq!(found.clusters.iter().map(|cluster| cluster.kept).collect::<Vec<_>>(), [kept], "{keep:?}");
        assert_eq!(found.duplicates.len(), 3);
    }
}

#[test]
fn what_is_contained_goes_and_what_contains_it_stays() {
    let words: Vec<String> = (0..400).map(|n| format!("word{n}")).collect();
    let other: Vec<String> = (0..300).map(|n| format!("other{n}")).collect();
    let texts = [
        words[100..160].join(" "),
        format!("{} {}", words.join(" "), "tail"),
        other.join(" "),
        format!("{} {}", words[300..320].join(" "), other[..80].join(" ")),
        words[7..10].join(" "),
    ];
    let found = run(&texts, &DedupOptions { mode: Mode::Contained { threshold: 0.8 }, ..options(2) });
    let told: Vec<_> = found.duplicates.iter().map(|d| (d.record, d.kept, d.kind)).collect();
    assert_eq!(told, [(0, 1, DuplicateKind::Contained), (4, 1, DuplicateKind::Contained)]);
    assert_eq!(found.clusters.len(), 1);
    let lower = run(&texts, &DedupOptions { mode: Mode::Contained { threshold: 0.7 }, ..options(2) });
    assert_eq!(
        lower.duplicates.iter().map(|d| (d.record, d.kept)).collect::<Vec<_>>(),
        [(0, 1), (3, 2), (4, 1)]
    );
}

#[test]
fn what_does_not_fit_into_memory_changes_nothing() {
    // The least room is 1 MiB: half of the sets of these do not fit.
    let words: Vec<String> = (0..14_000).map(|n| format!("w{n}")).collect();
    let texts: Vec<String> = (0..40)
        .map(|number| {
            format!(
                "{} {}",
                words[..6_000].join(" ").replacen(&format!("w{}", number / 2 * 100), "x", 1),
                words[6_000 + number * 100]
            )
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    for mode in [Mode::Near { threshold: 0.8 }, Mode::Contained { threshold: 0.8 }] {
        let roomy = DedupOptions { mode, ..options(2) };
        let tight = DedupOptions {
            memory: Some(MemoryLimit { bytes: 1, folder: folder.path().to_owned() }),
            ..roomy.clone()
        };
        let (one, other) = (run(&texts, &roomy), run(&texts, &tight));
        assert_eq!(one.duplicates, other.duplicates);
        assert_eq!(one.duplicates.len(), 39);
        assert_eq!(one.pairs, other.pairs);
    }
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
}

#[test]
fn keys_and_documents_looked_for_that_do_not_fit_into_memory_change_nothing() {
    // Keys take 5 MB, and there is room for half of them; about 8,192 documents are looked for at a time.
    let texts: Vec<String> = (0..20_000_u32)
        .map(|number| {
            let (family, version) = (number % 4_000, number / 4_000);
            let words = (0..20 - family % 5).map(|word| match word {
                3 if version % 2 == 1 => format!("v{version}"),
                _ if word >= 16 && version == 4 => String::new(),
                _ => format!("w{family}x{word}"),
            });
            format!("{} and what stands in every one of them", words.collect::<Vec<_>>().join(" "))
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let shingling = "words:1".parse().unwrap();
    for (mode, all_pairs, megabytes) in [
        (Mode::Near { threshold: 0.8 }, false, 6),
        (Mode::Near { threshold: 0.8 }, true, 9),
        (Mode::Contained { threshold: 0.8 }, false, 6),
        (Mode::Contained { threshold: 0.8 }, true, 9),
    ] {
        let roomy = DedupOptions { mode, all_pairs, shingling, ..options(2) };
        let memory = Some(MemoryLimit { bytes: megabytes << 20, folder: folder.path().to_owned() });
        let tight = DedupOptions { memory, ..roomy.clone() };
        let (one, other) = (run(&texts, &roomy), run(&texts, &tight));
        assert_eq!(one.duplicates, other.duplicates);
        assert!(one.duplicates.len() > 10_000, "{} duplicates", one.duplicates.len());
        assert_eq!(one.clusters, other.clusters);
        assert_eq!(one.pairs, other.pairs);
    }
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
}

#[test]
fn documents_beyond_the_memory_are_an_error_that_says_how_much_is_needed() {
    let texts: Vec<String> = (0..20_000).map(|number| format!("w{number}")).collect();
    let folder = tempfile::tempdir().unwrap();
    let memory = Some(MemoryLimit { bytes: 1 << 20, folder: folder.path().to_owned() });
    let corpus = corpus(&texts);
    let failed = deduplicate(&InMemory(&corpus), &DedupOptions { memory, ..options(2) }, &mut |_| ());
    let Err(CorpusJobError::Memory { kept: Kept::Documents, count, needed_bytes, limit_bytes }) = failed
    else {
        panic!("it went on")
    };
    assert_eq!(limit_bytes, 1 << 20);
    assert!(needed_bytes > limit_bytes && count <= 20_000);
}

#[test]
fn more_pairs_or_members_than_memory_has_room_for_are_an_error() {
    let copies: Vec<String> = vec!["one and the same text of seven words".to_owned(); 3_000];
    let folder = tempfile::tempdir().unwrap();
    for (mode, all_pairs, expected) in [
        (Mode::Exact, false, None),
        (Mode::Exact, true, Some((Kept::Pairs, 3_000 * 2_999 / 2))),
        (Mode::Contained { threshold: 0.8 }, true, Some((Kept::Pairs, 3_000 * 2_999 / 2))),
    ] {
        let memory = Some(MemoryLimit { bytes: 2 << 20, folder: folder.path().to_owned() });
        let limited = DedupOptions { mode, all_pairs, memory, ..options(2) };
        let corpus = corpus(&copies);
        let failed = match deduplicate(&InMemory(&corpus), &limited, &mut |_| ()) {
            Err(CorpusJobError::Memory { kept, count, .. }) => Some((kept, count)),
            Ok(_) => None,
            Err(error) => panic!("{error}"),
        };
        assert_eq!(failed, expected, "{mode:?}");
    }
    let copies: Vec<String> =
        (0..8_000).map(|number| format!("text {} of seven words", number / 2)).collect();
    let memory = Some(MemoryLimit { bytes: 1 << 20, folder: folder.path().to_owned() });
    let limited = DedupOptions { mode: Mode::Exact, all_pairs: false, memory, ..options(2) };
    let failed = deduplicate(&InMemory(&corpus(&copies)), &limited, &mut |_| ());
    assert!(matches!(failed, Err(CorpusJobError::Memory { kept: Kept::Members, count: 8_000, .. })));
}

#[test]
fn a_folder_that_cannot_be_written_into_is_an_error_and_not_a_wrong_answer() {
    let words: Vec<String> = (0..6_000).map(|n| format!("w{n}")).collect();
    let texts: Vec<String> = (0..40).map(|number| format!("{} x{number}", words.join(" "))).collect();
    let memory = Some(MemoryLimit { bytes: 1, folder: "/does/not/exist".into() });
    let corpus = corpus(&texts);
    let failed = deduplicate(&InMemory(&corpus), &DedupOptions { memory, ..options(2) }, &mut |_| ());
    assert!(matches!(failed, Err(CorpusJobError::Overflow(_))));
}
