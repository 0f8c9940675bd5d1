//! What the fields of a record say: the text, the id, and the number that ranks it.

use super::{fields, line, lines, prose};
use crate::kit::Place;

#[test]
fn any_field_can_decide_which_one_is_kept_also_that_with_the_id_or_the_text() {
    let text = prose(1);
    let ids: Vec<String> =
        [1, 5, 3].iter().map(|id| format!("{{\"id\":{id},\"text\":\"{text}\"}}")).collect();
    let place = Place::new()
        .file("ids.jsonl", ids.join("\n"))
        .file("ids.csv", format!("id,text\n1,{text}\n5,{text}\n3,{text}\n"))
        .file("texts.jsonl", "{\"text\":\"7\"}\n{\"text\":7}\n{\"text\":\" 7\"}");
    place.run(&["dedup", "ids.jsonl", "--keep", "by:id", "--output", "out"]).ended_with(0);
    assert_eq!(fields(&place, "out/duplicates.jsonl", "id"), ["1", "3"]);
    place.run(&["dedup", "ids.csv", "--keep", "by:id", "--output", "csv"]).ended_with(0);
    assert_eq!(fields(&place, "csv/duplicates.jsonl", "id"), ["1", "3"]);
    let run = place.run(&["dedup", "texts.jsonl", "--keep", "by:text", "--output", "text"]).ended_with(0);
    assert!(!run.err.contains("no record has a number"), "{}", run.err);
    assert_eq!(fields(&place, "text/duplicates.jsonl", "id"), ["texts.jsonl:2", "texts.jsonl:3"]);
}

#[test]
fn numbers_in_quotes_are_numbers_and_what_is_none_comes_last() {
    let text = prose(1);
    let record = |id: &str, stars: &str| format!("{{\"id\":\"{id}\",\"stars\":{stars},\"text\":\"{text}\"}}");
    for (stars, kept) in [
        (["\"9\"", "\"10\"", "8"], "b"),
        (["null", "\"many\"", "-5"], "c"),
        (["\"\"", "[7]", "\" 1e2 \""], "c"),
        (["\"inf\"", "\"NaN\"", "0"], "c"),
        (["2", "\"2\"", "2.0"], "a"),
        (["99999999999999999999", "1e30", "5"], "b"),
    ] {
        let corpus: Vec<String> =
            ["a", "b", "c"].into_iter().zip(stars).map(|(id, stars)| record(id, stars)).collect();
        let place = Place::new().file("in.jsonl", corpus.join("\n"));
        place.run(&["dedup", "in.jsonl", "--keep", "by:stars", "--output", "out"]).ended_with(0);
        assert_eq!(fields(&place, "out/kept.jsonl", "id"), [kept], "{stars:?}");
    }
    let place = Place::new().file("in.jsonl", [line("a", &text), record("b", "1")].join("\n"));
    place.run(&["dedup", "in.jsonl", "--keep", "by:stars", "--output", "out"]).ended_with(0);
    assert_eq!(fields(&place, "out/kept.jsonl", "id"), ["b"]);
}

#[test]
fn a_field_to_keep_by_that_nothing_has_is_told() {
    let place = Place::new().file("in.jsonl", line("a", &prose(1))).file("a.txt", prose(1));
    let run = place.run(&["dedup", "in.jsonl", "--keep", "by:stras", "--output", "out"]).ended_with(0);
    assert!(run.err.contains("no record has a number in the field \"stras\""), "{}", run.err);
    let files = place.run(&["dedup", "a.txt", "--keep", "by:stars", "--output", "files"]).ended_with(2);
    assert!(
        files.err.contains("--keep by:stars: a file that is one document has no fields"),
        "{}",
        files.err
    );
    assert!(!place.path().join("files").exists());
}

#[test]
fn the_field_with_the_text_can_be_that_with_the_id() {
    let place = Place::new().file("in.jsonl", "{\"text\":\"One two\"}\n{\"text\":\"one, two\"}");
    place.run(&["dedup", "in.jsonl", "--id-field", "text", "--output", "out"]).ended_with(0);
    assert_eq!(fields(&place, "out/duplicates.jsonl", "id"), ["one, two"]);
    assert_eq!(fields(&place, "out/duplicates.jsonl", "duplicate_of"), ["One two"]);
}

#[test]
fn a_number_as_an_id_keeps_its_digits() {
    let text = prose(1);
    let ids = ["0", "12345678901234567890123", "12345678901234567890124", "1", "1.0", "1e400", "-7"];
    let corpus: Vec<String> = ids.iter().map(|id| format!("{{\"id\":{id},\"text\":\"{text}\"}}")).collect();
    let place = Place::new().file("in.jsonl", corpus.join("\n"));
    place.run(&["dedup", "in.jsonl", "--output", "out", "--strict"]).ended_with(0);
    assert_eq!(fields(&place, "out/duplicates.jsonl", "id"), ids[1..]);
    assert_eq!(fields(&place, "out/duplicates.jsonl", "duplicate_of"), ["0"; 6]);
}

#[test]
fn half_a_surrogate_pair_does_not_drop_a_line() {
    let text = prose(1);
    let corpus = [
        format!("{{\"id\":\"a\",\"text\":\"{text} \\ud800\"}}"),
        format!(
            "{{\"id\":\"b \\ude00\",\"other\":\"\\ud83d\",\"\\ud800\":1,\"te\\u0078t\":\"{text}\\n\\ud83d\"}}"
        ),
        format!("{{\"id\":\"c \\ud83d\\ude00\",\"text\":\"{text}\"}}"),
    ];
    let place = Place::new().file("in.jsonl", corpus.join("\n"));
    place.run(&["dedup", "in.jsonl", "--output", "out", "--strict"]).ended_with(0);
    assert_eq!(fields(&place, "out/duplicates.jsonl", "id"), ["b \u{10fe00}", "c \u{1f600}"]);
    assert_eq!(place.read("out/kept.jsonl"), format!("{}\n", corpus[0]));
}

#[test]
fn texts_that_differ_in_half_a_surrogate_pair_are_not_equal_to_the_byte() {
    let halves = ["\\ud83d", "\\ud83c", "\\ud83d"];
    let corpus = ["a", "b", "c"].iter().zip(halves);
    let corpus: Vec<_> =
        corpus.map(|(id, half)| format!("{{\"id\":\"{id}\",\"text\":\"one{half}\"}}")).collect();
    let place = Place::new().file("in.jsonl", corpus.join("\n"));
    place.run(&["dedup", "in.jsonl", "--output", "out", "--mode", "exact"]).ended_with(0);
    assert_eq!(fields(&place, "out/duplicates.jsonl", "kind"), ["normalized_exact", "exact"]);
}

#[test]
fn the_reason_for_a_broken_line_is_the_true_one() {
    let corpus: Vec<&[u8]> = vec![
        b"[1]",
        b"{\"text\":\"x\"} trailing",
        b"{\"text\":\"\xff\"}",
        b"{\"text\":\"a\tb\"}",
        b"{\"text\":\"\\x\"}",
    ];
    let place = Place::new().file("in.jsonl", corpus.join(&b'\n'));
    let run = place.run(&["dedup", "in.jsonl", "--output", "out"]).ended_with(0);
    for reason in [
        "in.jsonl:1: is not a JSON object; it",
        "in.jsonl:2: is not a JSON object: trailing characters at column 14; it",
        "in.jsonl:3: is not UTF-8; it",
        "in.jsonl:4: is not a JSON object: control character",
        "in.jsonl:5: is not a JSON object: invalid escape at column 11; it",
    ] {
        assert!(run.err.contains(reason), "{} lacks {reason}", run.err);
    }
}

#[test]
fn what_is_not_to_count_does_not_and_what_is_kept_stays_as_it_was() {
    let text = |place: &str, year: &str| format!("<p>Sesión de <b>{place}</b> del año {year} &amp; más</p>");
    let plain = "Sesion de Leon del ano 1999 & mas";
    let corpus = [
        line("a", &text("León", "2001")),
        line("b", &text("León", "2001,5")),
        line("c", plain),
        line("d", &text("León", "2001")),
    ];
    let place = Place::new().file("in.jsonl", corpus.join("\n"));
    let dropped = |normalize: &[&str]| {
        place
            .run(&[&["dedup", "in.jsonl", "--mode", "exact", "--output", "out"], normalize].concat())
            .ended_with(0);
        let kinds = fields(&place, "out/duplicates.jsonl", "kind");
        fields(&place, "out/duplicates.jsonl", "id").into_iter().zip(kinds).collect::<Vec<_>>()
    };
    let is = |id: &str, kind: &str| (id.to_owned(), kind.to_owned());
    let (d, b) = (is("d", "exact"), is("b", "normalized_exact"));
    let only_d = std::slice::from_ref(&d);
    assert_eq!(dropped(&[]), only_d);
    assert_eq!(dropped(&["--normalize", "accents,markup"]), only_d);
    assert_eq!(dropped(&["--normalize", "numbers"]), [b.clone(), d.clone()]);
    assert_eq!(dropped(&["--normalize", "accents,numbers,markup"]), [b, is("c", "normalized_exact"), d]);
    assert_eq!(place.read("out/kept.jsonl"), format!("{}\n", corpus[0]));
    let summary: serde_json::Value = serde_json::from_str(&place.read("out/summary.json")).unwrap();
    assert_eq!(summary["parameters"]["normalize"], serde_json::json!(["accents", "numbers", "markup"]));
    assert_eq!(lines(&place, "out/clusters.jsonl").len(), 1);
    // Near duplicates are counted over the same.
    place
        .run(&[
            "dedup",
            "in.jsonl",
            "--normalize",
            "accents,numbers,markup",
            "--threshold",
            "1",
            "--output",
            "near",
        ])
        .ended_with(0);
    assert_eq!(fields(&place, "near/duplicates.jsonl", "id"), ["b", "c", "d"]);
}

#[test]
fn no_name_is_of_two_documents() {
    let text = prose(1);
    let bare = format!("{{\"text\":\"{text}\"}}");
    // The third has no id. The others have what it would be called, and what reads like it.
    let corpus = [line("in.jsonl:3", &text), line("in.jsonl:4", &text), bare, line("other.jsonl:3", &text)];
    let place = Place::new().file("in.jsonl", corpus.join("\n"));
    place.run(&["dedup", "in.jsonl", "--output", "out"]).ended_with(0);
    assert_eq!(fields(&place, "out/duplicates.jsonl", "id"), ["in.jsonl:2", "in.jsonl:3", "other.jsonl:3"]);
    assert_eq!(fields(&place, "out/duplicates.jsonl", "duplicate_of"), ["in.jsonl:1"; 3]);
}

#[cfg(target_os = "linux")]
#[test]
fn two_inputs_that_would_be_called_the_same_are_refused() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let place = Place::new();
    for name in [&b"\xfe.jsonl"[..], b"\xff.jsonl"] {
        std::fs::write(place.path().join(OsStr::from_bytes(name)), line("a", &prose(1))).unwrap();
    }
    let run = place.run(&["dedup", ".", "--output", "out"]).ended_with(2);
    assert!(run.err.contains("would both be called this"), "{}", run.err);
}

#[test]
fn one_of_something_is_not_many() {
    let text = prose(1);
    let place =
        Place::new().file("in.jsonl", [line("a", &text), line("b", &text), "{".to_owned()].join("\n"));
    let run = place.run(&["dedup", "in.jsonl", "--shingle", "words:1", "--output", "out", "--report"]);
    let run = run.ended_with(0);
    assert!(run.out.contains("1 duplicate in 1 cluster ("), "{}", run.out);
    assert!(run.out.contains("1 record could not be read"), "{}", run.out);
    let page = place.read("out/report.html");
    assert!(page.contains("runs of 1 word in it") && page.contains("record that could not be read"));
    let single = Place::new().file("in.jsonl", line("a", &text));
    let run = single.run(&["dedup", "in.jsonl", "--dry-run"]).ended_with(0);
    assert!(
        run.out.contains("1 document\n") && run.out.contains("0 duplicates in 0 clusters"),
        "{}",
        run.out
    );
}

#[test]
fn as_many_threads_as_no_machine_has_are_refused() {
    let place = Place::new().file("in.jsonl", line("a", &prose(1)));
    let run = place.run(&["dedup", "in.jsonl", "--dry-run", "--threads", "100000"]).ended_with(2);
    assert!(run.err.contains("must be a whole number from 1 to 1024"), "{}", run.err);
    place.run(&["dedup", "in.jsonl", "--dry-run", "--threads", "64"]).ended_with(0);
}
