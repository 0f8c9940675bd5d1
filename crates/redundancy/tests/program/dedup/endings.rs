//! Broken records, refusals and sudden ends: nothing is lost and nothing half-written.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Stdio};

use super::{fields, large_corpus, line, names, prose};
use crate::kit::Place;

/// Ended when it is dropped, also by a test that fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn broken_records_are_counted_and_told_with_their_place_and_the_rest_goes_on() {
    let text = prose(1);
    let mut corpus = vec![line("a", &text), "{\"id\": \"half".to_owned(), line("b", &text)];
    corpus.extend(
        ["[1]", "{\"id\":\"x\"}", "{\"text\":5.5e3,\"id\":\"n\"}", "{\"text\":null}"].map(str::to_owned),
    );
    let place = Place::new().file("in.jsonl", corpus.join("\n"));
    let run = place.run(&["dedup", "in.jsonl", "--output", "out"]).ended_with(0);
    for part in [
        "in.jsonl:2: ends in the middle of its JSON; it is left out",
        "in.jsonl:4: is not a JSON object",
        "in.jsonl:5: has no field \"text\"",
        "in.jsonl:7: the field \"text\" is no string",
    ] {
        assert!(run.err.contains(part), "{} lacks {part}", run.err);
    }
    assert_eq!(fields(&place, "out/kept.jsonl", "id"), ["a", "n"]);
    let summary: serde_json::Value = serde_json::from_str(&place.read("out/summary.json")).unwrap();
    assert_eq!((&summary["documents"], &summary["invalid"]), (&3.into(), &4.into()));
}

#[test]
fn of_very_many_broken_records_the_rest_is_counted() {
    let place = Place::new().file("in.jsonl", "no\n".repeat(5_000));
    let run = place.run(&["dedup", "in.jsonl", "--output", "out"]).ended_with(0);
    assert!(run.err.contains("4990 more records could not be read"), "{}", run.err);
    assert_eq!(place.read("out/kept.jsonl"), "");
}

#[test]
fn a_broken_record_is_the_end_of_strict_work() {
    let place = Place::new().file("in.jsonl", [line("a", "one"), "{".to_owned()].join("\n"));
    let run = place.run(&["dedup", "in.jsonl", "--output", "out", "--strict"]).ended_with(1);
    assert!(run.err.contains("in.jsonl:2: ends in the middle of its JSON (with --strict"), "{}", run.err);
    assert!(!place.path().join("out").exists());
}

#[test]
fn results_never_go_where_the_input_is() {
    let text = line("a", &prose(1));
    let place = Place::new()
        .file("data/kept.jsonl", &text)
        .file("docs/kept/a.txt", "one two three")
        .file("docs/kept/deep/b.txt", "one two three");
    for (input, output) in [
        ("data/kept.jsonl", "data"),
        ("data", "data"),
        ("data/*.jsonl", "docs/../data/"),
        ("docs", "docs"),
        ("docs/kept", "docs"),
        ("docs/kept/deep", "docs"),
    ] {
        let run = place.run(&["dedup", input, "--output", output]).ended_with(2);
        assert!(run.err.contains("is in the folder of --output"), "{}", run.err);
    }
    assert_eq!(names(&place.path().join("data")), ["kept.jsonl".to_owned()].into());
    assert_eq!(place.read("data/kept.jsonl"), text);
    assert_eq!(place.read("docs/kept/deep/b.txt"), "one two three");
}

#[test]
fn results_of_an_earlier_run_stand_until_all_new_ones_are_there() {
    let text = prose(1);
    let place = Place::new()
        .file("in.jsonl", [line("a", &text), line("b", &text)].join("\n"))
        .file("broken.jsonl", [line("c", &text), "{".to_owned()].join("\n"));
    place.run(&["dedup", "in.jsonl", "--output", "out", "--report"]).ended_with(0);
    let before: Vec<String> =
        names(&place.path().join("out")).iter().map(|name| place.read(&format!("out/{name}"))).collect();
    place.run(&["dedup", "broken.jsonl", "--output", "out", "--strict"]).ended_with(1);
    let after: Vec<String> =
        names(&place.path().join("out")).iter().map(|name| place.read(&format!("out/{name}"))).collect();
    assert_eq!(before, after);
    assert_eq!(before.len(), 5);
}

#[test]
fn work_that_is_killed_leaves_nothing_half_written() {
    let place = Place::new();
    let mut command = place.command(&["dedup", "-", "--output", "out", "--pairs", "--report"]);
    let command = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut running = Running(command.spawn().unwrap());
    // More than a pipe holds: the work has begun when all of it is written, and waits for what never comes.
    let mut input = running.0.stdin.take().unwrap();
    input.write_all(large_corpus().as_bytes()).unwrap();
    running.0.kill().unwrap();
    running.0.wait().unwrap();
    drop(input);
    for name in names(&place.path().join("out")) {
        assert!(name.starts_with(".redundancy-dedup-"), "{name} is there");
    }
}

#[test]
fn work_that_is_killed_at_any_time_leaves_whole_files_or_none() {
    let place = Place::new().file("in.jsonl", large_corpus());
    place.run(&["dedup", "in.jsonl", "--output", "whole"]).ended_with(0);
    let out = place.path().join("out");
    for watched in ["kept.jsonl", "duplicates.jsonl", "clusters.jsonl"] {
        let mut command = place.command(&["dedup", "in.jsonl", "--output", "out"]);
        let mut running = Running(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
        // Killed as soon as one of the files is begun, whatever the name of the folder in which it is made.
        let is_begun = || {
            let Ok(entries) = fs::read_dir(&out) else { return false };
            entries.flatten().any(|entry| entry.path().join(watched).exists())
        };
        while !is_begun() && running.0.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        // It may have ended before.
        let _ = running.0.kill();
        let said = BufReader::new(running.0.stdout.take().unwrap()).lines().count();
        running.0.wait().unwrap();
        for name in names(&out).into_iter().filter(|name| !name.starts_with('.') && name != "summary.json") {
            let is_whole = place.read(&format!("out/{name}")) == place.read(&format!("whole/{name}"));
            assert!(is_whole, "{name} is half-written; the program said {said} lines");
        }
        fs::remove_dir_all(&out).unwrap();
    }
}

#[test]
fn nothing_of_an_earlier_run_stays_beside_the_results_of_a_later_one() {
    let text = prose(1);
    let corpus = [line("a", &text), line("b", &text)].join("\n");
    let table = format!("id,text\nc,\"{text}\"\n");
    let place = Place::new().file("in.jsonl", corpus).file("in.csv", table);
    place.run(&["dedup", "in.jsonl", "--output", "out", "--pairs", "--report"]).ended_with(0);
    fs::write(place.path().join("out/notes.txt"), "mine").unwrap();
    place.run(&["dedup", "in.csv", "--output", "out"]).ended_with(0);
    let left: Vec<String> = names(&place.path().join("out")).into_iter().collect();
    assert_eq!(left, ["clusters.jsonl", "duplicates.jsonl", "kept.csv", "notes.txt", "summary.json"]);
}

#[test]
fn a_tight_memory_changes_nothing_but_where_things_are_held() {
    let place = Place::new().file("in.jsonl", large_corpus());
    place.run(&["dedup", "in.jsonl", "--output", "roomy", "--mode", "contained"]).ended_with(0);
    place
        .run(&["dedup", "in.jsonl", "--output", "tight", "--mode", "contained", "--memory", "2M"])
        .ended_with(0);
    for name in ["kept.jsonl", "duplicates.jsonl", "clusters.jsonl"] {
        assert_eq!(place.read(&format!("roomy/{name}")), place.read(&format!("tight/{name}")), "{name}");
    }
    assert!(!place.read("roomy/duplicates.jsonl").is_empty());
    assert!(!names(&place.path().join("tight")).iter().any(|name| name.starts_with('.')));
    let run = place.run(&["dedup", "in.jsonl", "--output", "out", "--memory", "1M"]).ended_with(2);
    assert!(
        run.err.contains("6000 documents in clusters") && run.err.contains("give --memory 2M"),
        "{}",
        run.err
    );
    let run = place.run(&["dedup", "in.jsonl", "--output", "out", "--memory", "lots"]).ended_with(2);
    assert!(run.err.contains("such as 512M or 2G"), "{}", run.err);
}
