//! What is kept and what is dropped, and what is told of it.

use super::{Value, fields, large_corpus, line, lines, names, prose};
use crate::kit::Place;

/// Two documents that are alike, two that are equal, one alone.
fn corpus() -> Place {
    let (one, two) = (prose(1), prose(2));
    let text = [
        line("a", &one),
        line("b", &two),
        line("c", &format!("{one} and more")),
        line("d", &two.to_uppercase()),
        line("e", &two),
        line("alone", &prose(3)),
    ];
    Place::new().file("in.jsonl", text.join("\n"))
}

fn summary(place: &Place) -> Value {
    serde_json::from_str(&place.read("out/summary.json")).unwrap()
}

#[test]
fn what_is_kept_and_what_is_dropped_make_the_whole() {
    let place = corpus();
    let run = place.run(&["dedup", "in.jsonl", "--output", "out"]).ended_with(0);
    assert_eq!(fields(&place, "out/kept.jsonl", "id"), ["a", "b", "alone"]);
    assert_eq!(fields(&place, "out/duplicates.jsonl", "id"), ["c", "d", "e"]);
    assert_eq!(fields(&place, "out/duplicates.jsonl", "duplicate_of"), ["a", "b", "b"]);
    assert_eq!(
        fields(&place, "out/duplicates.jsonl", "kind"),
        ["near_duplicate", "normalized_exact", "exact"]
    );
    let summary = summary(&place);
    assert_eq!(
        ["documents", "kept", "duplicates", "clusters", "invalid"]
            .map(|name| summary[name].as_u64().unwrap()),
        [6, 3, 3, 2, 0]
    );
    assert!(run.out.contains("3 duplicates in 2 clusters (50.0 %)"), "{}", run.out);
}

#[test]
fn a_similarity_is_the_exact_jaccard_index_of_the_shingles() {
    let place = corpus();
    place.run(&["dedup", "in.jsonl", "--output", "out"]).ended_with(0);
    // 60 words have 56 runs of five, two more words two more runs.
    let near = &lines(&place, "out/duplicates.jsonl")[0];
    assert_eq!(near["similarity"].as_f64().unwrap().to_bits(), (56.0_f64 / 58.0).to_bits());
    let cluster = &lines(&place, "out/clusters.jsonl")[0];
    assert_eq!(cluster["min_similarity"], near["similarity"]);
    assert_eq!((&cluster["ids"], &cluster["kept"]), (&serde_json::json!(["a", "c"]), &Value::from("a")));
    let strict = place.run(&["dedup", "in.jsonl", "--output", "high", "--threshold", "0.97"]).ended_with(0);
    assert!(strict.out.contains("2 duplicates in 1 cluster"), "{}", strict.out);
}

#[test]
fn only_equal_documents_are_duplicates_in_exact_mode() {
    let place = corpus();
    place.run(&["dedup", "in.jsonl", "--output", "out", "--mode", "exact"]).ended_with(0);
    assert_eq!(fields(&place, "out/duplicates.jsonl", "id"), ["d", "e"]);
}

#[test]
fn records_that_are_kept_are_untouched_byte_for_byte() {
    let odd = [
        r#"  { "z" : [1,2,  3], "text":"caf\u00e9 \ud83d\ude00 uno","id" :"a","price":1.50,"price":2 }  "#,
        "{\"text\":\"tabs\tare not allowed but others are\",\"id\":\"x\"}",
        "\t{\"id\":7,\"text\":\"número ñandú\",\"nested\":{\"b\":null,\"a\":1e400}}\r",
        r#"{"text":"","id":"empty"}"#,
    ];
    let valid = [odd[0], odd[2], odd[3]];
    let place = Place::new().file("in.jsonl", odd.join("\n"));
    let run = place.run(&["dedup", "in.jsonl", "-o", "out"]).ended_with(0);
    assert!(run.err.contains("in.jsonl:2: "), "{}", run.err);
    assert_eq!(place.read("out/kept.jsonl"), format!("{}\n", valid.join("\n")));
}

#[test]
fn documents_without_an_id_of_their_own_are_called_by_their_place() {
    let text = prose(1);
    let place = Place::new().file(
        "in.jsonl",
        [
            line("same", &text),
            String::new(),
            serde_json::json!({"text": text}).to_string(),
            line("same", &text),
            serde_json::json!({"text": text, "id": ["no", "id"]}).to_string(),
        ]
        .join("\n"),
    );
    place.run(&["dedup", "in.jsonl", "--output", "out"]).ended_with(0);
    assert_eq!(fields(&place, "out/duplicates.jsonl", "id"), ["in.jsonl:3", "in.jsonl:4", "in.jsonl:5"]);
    assert_eq!(fields(&place, "out/clusters.jsonl", "kept"), ["same"]);
}

#[test]
fn which_one_is_kept_can_be_chosen() {
    let text = prose(1);
    let record = |id: &str, text: &str, stars: Value| {
        serde_json::json!({"id": id, "text": text, "stars": stars}).to_string()
    };
    let place = Place::new().file(
        "in.jsonl",
        [
            record("first", &text, 3.into()),
            record("longest", &format!("{text} and more"), Value::Null),
            record("best", &text, 4.5.into()),
            record("last", &format!("{text} it"), 1.into()),
        ]
        .join("\n"),
    );
    for (keep, id) in [
        ("first", "first"),
        ("last", "last"),
        ("longest", "longest"),
        ("shortest", "first"),
        ("by:stars", "best"),
        ("by:nothing", "first"),
    ] {
        place.run(&["dedup", "in.jsonl", "--output", "out", "--keep", keep]).ended_with(0);
        assert_eq!(fields(&place, "out/kept.jsonl", "id"), [id], "{keep}");
    }
    place.run(&["dedup", "in.jsonl", "--output", "out", "--keep", "best-quality"]).ended_with(0);
    assert_eq!(lines(&place, "out/kept.jsonl").len(), 1);
    for wrong in ["by:", "random"] {
        place.run(&["dedup", "in.jsonl", "--output", "never", "--keep", wrong]).ended_with(2);
    }
}

#[test]
fn other_fields_can_hold_the_text_and_the_id() {
    let text = prose(1);
    let record =
        |key: &str| serde_json::json!({"key": key, "body": text, "id": "x", "text": key}).to_string();
    let place = Place::new().file("in.jsonl", [record("one"), record("two")].join("\n"));
    place
        .run(&["dedup", "in.jsonl", "--output", "out", "--text-field", "body", "--id-field", "key"])
        .ended_with(0);
    assert_eq!(fields(&place, "out/duplicates.jsonl", "id"), ["two"]);
    let none = place.run(&["dedup", "in.jsonl", "--output", "out", "--text-field", "boddy"]).ended_with(0);
    assert!(none.err.contains("in.jsonl:1: has no field \"boddy\"; --text-field names"), "{}", none.err);
}

#[test]
fn all_pairs_are_written_if_they_are_asked_for() {
    let place = corpus();
    place.run(&["dedup", "in.jsonl", "--output", "out"]).ended_with(0);
    assert!(!place.path().join("out/pairs.jsonl").exists());
    place.run(&["dedup", "in.jsonl", "--output", "out", "--pairs"]).ended_with(0);
    let pairs: Vec<(Value, Value)> = lines(&place, "out/pairs.jsonl")
        .into_iter()
        .map(|mut pair| (pair["id1"].take(), pair["id2"].take()))
        .collect();
    let wanted =
        [("a", "c"), ("b", "d"), ("b", "e"), ("d", "e")].map(|(one, other)| (one.into(), other.into()));
    assert_eq!(pairs, wanted);
}

#[test]
fn a_dry_run_tells_the_figures_and_writes_nothing() {
    let place = corpus();
    let run = place.run(&["dedup", "in.jsonl", "--output", "out", "--dry-run", "--report"]).ended_with(0);
    assert!(run.out.contains("3 duplicates") && run.out.contains("Nothing was written"), "{}", run.out);
    let json = place.run(&["dedup", "in.jsonl", "--dry-run", "--json"]).ended_with(0).json();
    assert_eq!(json["duplicates"], 3);
    assert_eq!(names(place.path()), ["in.jsonl".to_owned()].into());
}

#[test]
fn the_results_do_not_depend_on_the_number_of_threads() {
    let place = Place::new().file("in.jsonl", large_corpus());
    let results = |threads: &str| {
        let arguments = ["dedup", "in.jsonl", "--output", "out", "--pairs", "--report", "--threads", threads];
        place.run(&arguments).ended_with(0);
        names(&place.path().join("out"))
            .into_iter()
            .filter(|name| name != "summary.json")
            .map(|name| {
                let text = place.read(&format!("out/{name}"));
                // How fast it went is another figure each time.
                let lines = text.lines().filter(|line| !line.contains("documents a second"));
                (name.clone(), lines.map(str::to_owned).collect::<Vec<_>>())
            })
            .collect::<Vec<_>>()
    };
    let one = results("1");
    assert_eq!(
        one.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["clusters.jsonl", "duplicates.jsonl", "kept.jsonl", "pairs.jsonl", "report.html"]
    );
    assert!(one.iter().all(|(_, lines)| lines.len() > 100));
    // Comparing whole results would print megabytes.
    assert!(results("2") == one, "two threads find something else");
    assert!(results("5") == one, "five threads find something else");
}

#[test]
fn a_report_stands_beside_the_results_and_no_document_can_leave_its_place_in_it() {
    let hostile =
        "</p></div></details><script>alert(1)</script><img src=x> \" onclick=\"a ' & &lt; <!-- --> </style>";
    let id = "<script>alert('id')</script>\"&";
    let place = Place::new().file(
        "in.jsonl",
        [
            line(id, &format!("{} {hostile}", prose(1))),
            line(&format!("{id}2"), &format!("{} {hostile} {hostile}", prose(1))),
            line("same", &format!("{hostile} {}", prose(2))),
            line(&format!("{id}3"), &format!("{hostile} {}", prose(2))),
        ]
        .join("\n"),
    );
    place.run(&["dedup", "in.jsonl", "--output", "out", "--report", "--threshold", "0.3"]).ended_with(0);
    let page = crate::report::Page::of(&place.read("out/report.html"));
    for part in [
        "in.jsonl",
        "2 documents",
        id,
        "<script>alert(1)</script>",
        "How large the clusters are",
        "How similar the dropped are to the kept",
        "Jaccard",
        "words:5",
    ] {
        assert!(page.text().contains(part), "lacks {part}");
    }
    assert!(page.badges() >= 2, "{} badges", page.badges());
}

#[test]
fn a_report_stays_small_whatever_the_corpus_and_is_there_without_a_duplicate() {
    let name = "<&\"'".repeat(500);
    let text = "<<&&\"\"''>> ".repeat(2_000);
    let mut corpus = String::new();
    for number in 0..2_000 {
        let words = format!("{} {text} {number}", prose(number % 25));
        corpus.push_str(&line(&format!("{number}{name}"), &words));
        corpus.push('\n');
    }
    let place = Place::new().file("in.jsonl", corpus).file("one.jsonl", line("a", "one two three"));
    place.run(&["dedup", "in.jsonl", "--output", "out", "--report"]).ended_with(0);
    let source = place.read("out/report.html");
    assert!(source.len() < 3_000_000, "{} bytes", source.len());
    crate::report::Page::of(&source);
    place.run(&["dedup", "one.jsonl", "--output", "none", "--report"]).ended_with(0);
    let page = crate::report::Page::of(&place.read("none/report.html"));
    assert!(page.text().contains("No document is a duplicate of another."), "{}", page.text());
}

#[test]
fn a_report_says_what_was_measured() {
    let place = corpus();
    for (mode, has, lacks) in [
        ("near", &["Threshold", "0.7", "Jaccard"][..], &["containment"][..]),
        ("contained", &["Threshold", "0.7", "Shingles", "containment"], &["Jaccard"]),
        ("exact", &["differ in nothing but case"], &["Threshold", "Jaccard"]),
    ] {
        place
            .run(&["dedup", "in.jsonl", "--output", "out", "--report", "--mode", mode, "--threshold", "0.7"])
            .ended_with(0);
        let page = crate::report::Page::of(&place.read("out/report.html")).text().to_owned();
        assert!(has.iter().all(|part| page.contains(part)), "{mode}: {page}");
        assert!(!lacks.iter().any(|part| page.contains(part)), "{mode}: {page}");
    }
}

#[test]
fn wrong_use_is_refused_by_the_name_of_the_argument() {
    let place = corpus();
    for wrong in [
        &["--shingle", "lines:3"][..],
        &["--shingle", "words:0"],
        &["--shingle", "words"],
        &["--threshold", "0"],
        &["--threshold", "1.5"],
        &["--threads", "0"],
        &["--mode", "fuzzy"],
    ] {
        let run = place.run(&[&["dedup", "in.jsonl", "--output", "out"], wrong].concat()).ended_with(2);
        assert!(run.err.contains(wrong[0]), "{}", run.err);
    }
    let nowhere = place.run(&["dedup", "in.jsonl"]).ended_with(2);
    assert!(nowhere.err.contains("--output"), "{}", nowhere.err);
    assert!(!place.path().join("out").exists());
}
