//! What can be read once only: standard input by its other names, pipes of the shell, pipes by name.

use std::fs;
use std::process::Command;

use super::{fields, line, names, prose};
use crate::kit::{Place, Run};

fn place() -> Place {
    let text = prose(1);
    Place::new()
        .file("one.jsonl", format!("{}\n{}\n", line("a", &text), line("b", &prose(2))))
        .file("two.jsonl", format!("{}\n{{\"text\": \"{text}\"}}\n", line("c", &text)))
}

/// Runs a line of `bash`, in which `$redundancy` is the program.
fn shell(place: &Place, line: &str) -> Run {
    let mut command = Command::new("bash");
    command.args(["-c", line]).current_dir(place.path());
    command.env("redundancy", env!("CARGO_BIN_EXE_redundancy"));
    Run::of(command)
}

#[test]
fn pipes_of_the_shell_are_read_like_files() {
    let place = place();
    shell(&place, "\"$redundancy\" dedup <(cat one.jsonl) <(cat two.jsonl) --output out").ended_with(0);
    assert_eq!(fields(&place, "out/kept.jsonl", "id"), ["a", "b"]);
    let dropped = fields(&place, "out/duplicates.jsonl", "id");
    assert_eq!(dropped[0], "c");
    // Called by the name that was given, and not by that of the copy.
    assert!(dropped[1].starts_with("/dev/fd/") && dropped[1].ends_with(":2"), "{}", dropped[1]);
    assert!(!names(&place.path().join("out")).iter().any(|name| name.starts_with('.')));
}

#[test]
fn standard_input_has_other_names_and_is_read_once() {
    for inputs in ["/dev/stdin", "- /dev/stdin", "/dev/stdin -", "/dev/fd/0 /dev/stdin"] {
        let place = place();
        shell(&place, &format!("cat one.jsonl two.jsonl | \"$redundancy\" dedup {inputs} --output out"))
            .ended_with(0);
        assert_eq!(fields(&place, "out/kept.jsonl", "id"), ["a", "b"], "{inputs}");
    }
    let place = place();
    shell(&place, "\"$redundancy\" dedup /dev/stdin --output out < one.jsonl").ended_with(0);
    assert_eq!(fields(&place, "out/kept.jsonl", "id"), ["a", "b"]);
}

#[test]
fn a_pipe_by_name_holds_what_its_ending_says() {
    let place = place();
    let csv = format!("id,text\n1,{0}\n2,{0}\n", prose(3));
    fs::write(place.path().join("rows.csv"), &csv).unwrap();
    shell(
        &place,
        "mkfifo pipe.csv && { cat rows.csv > pipe.csv & \"$redundancy\" dedup pipe.csv --output out; }",
    )
    .ended_with(0);
    assert_eq!(fields(&place, "out/duplicates.jsonl", "duplicate_of"), ["1"]);
    shell(&place, "\"$redundancy\" dedup <(cat rows.csv) --format csv --output csv").ended_with(0);
    assert_eq!(fields(&place, "csv/duplicates.jsonl", "id"), ["2"]);
}

#[test]
fn texts_from_pipes_are_kept_under_the_names_that_were_given() {
    let place = place();
    shell(&place, "echo one two | \"$redundancy\" dedup - <(echo three) --format txt --output out")
        .ended_with(0);
    assert_eq!(place.read("out/kept/standard-input"), "one two\n");
    let pipes = names(&place.path().join("out/kept/dev/fd"));
    assert_eq!(pipes.len(), 1, "{pipes:?}");
}
