//! What the commands find and say to people, and how they end.

use std::process::Stdio;

use crate::kit::{PASSAGE, Place};

const OTHER: &str = "Nothing in this second sentence has been said anywhere else before now.";

fn repeated() -> Place {
    Place::new().file("twice.txt", format!("{PASSAGE}\n{OTHER}\n{PASSAGE}\n")).file("once.txt", OTHER)
}

#[test]
fn analyze_shows_the_passage_in_its_context_with_lines_and_counts() {
    let run = repeated().run(&["analyze", "twice.txt"]).ended_with(0);
    for part in [
        "twice.txt",
        "34 words",
        "redundancy",
        "32.4%",
        "1 passage in 2 places",
        "11 words, 2 times",
        "line 1  [The lighthouse keeper counted every passing ship until the morning fog]. Nothing",
        "line 3  sentence has been said anywhere else before now. [The lighthouse",
        "2×  The lighthouse keeper",
    ] {
        assert!(run.out.contains(part), "{}\nlacks {part:?}", run.out);
    }
    assert_eq!(run.err, "");
}

#[test]
fn a_text_without_repeats_says_so() {
    let run = repeated().run(&["analyze", "once.txt"]).ended_with(0);
    assert!(run.out.contains("Repeated passages  none"), "{}", run.out);
}

#[test]
fn only_the_first_findings_are_shown_and_the_rest_is_counted() {
    let passages: Vec<String> =
        (0..5).map(|n| format!("Passage number {n} is long enough to be found {n} by its words. ")).collect();
    let twice = passages.concat()
        + "\n\nBetween them stands this.\n\n"
        + &passages.iter().rev().cloned().collect::<String>();
    let place = Place::new().file("a.txt", twice);
    let all = place.run(&["analyze", "a.txt"]).ended_with(0).out;
    let two = place.run(&["analyze", "--top", "2", "a.txt"]).ended_with(0).out;
    assert!(!all.contains("more (--top"), "{all}");
    assert!(two.contains("and 3 more (--top 5 shows all)"), "{two}");
    assert!(two.len() < all.len());
}

#[test]
fn compare_shows_the_scores_and_each_match_in_both_texts() {
    let place = Place::new()
        .file("a.txt", format!("Alpha begins here.\n{PASSAGE}"))
        .file("b.txt", format!("{PASSAGE}\nOmega ends there."));
    let run = place.run(&["compare", "a.txt", "b.txt"]).ended_with(0);
    for part in [
        "a.txt and b.txt",
        "similarity",
        "78.6%",
        "not similar by a threshold of 80%",
        "1 passage with 11 words",
        "11 words, line 2 and line 1",
        "[The lighthouse",
    ] {
        assert!(run.out.contains(part), "{}\nlacks {part:?}", run.out);
    }
    let similar = place.run(&["compare", "--threshold", "0.7", "a.txt", "b.txt"]).ended_with(0);
    assert!(similar.out.contains("similar by a threshold of 70%"), "{}", similar.out);
}

#[test]
fn quality_shows_rating_metrics_and_suggestions_at_their_place() {
    let place = Place::new().file("a.txt", "The cat sat on the the mat.\nIt was a red mat and it was warm.");
    let run = place.run(&["quality", "--language", "en", "a.txt"]).ended_with(0);
    for part in [
        "readability",
        "Excellent",
        "Flesch reading ease",
        "SMOG",
        "LIX",
        "MTLD",
        "line 1  The cat sat on [the the]",
    ] {
        assert!(run.out.contains(part), "{}\nlacks {part:?}", run.out);
    }
    let spanish = place.run(&["quality", "--language", "es", "a.txt"]).ended_with(0);
    assert!(spanish.out.contains("Fernández-Huerta"), "{}", spanish.out);
}

#[test]
fn the_exit_code_tells_whether_a_limit_was_passed() {
    let place = repeated();
    for (arguments, code) in [
        (&["analyze", "--fail-above", "0.3", "twice.txt"][..], 1),
        (&["analyze", "--fail-above", "0.33", "twice.txt"], 0),
        (&["analyze", "--fail-above", "0.3", "twice.txt", "once.txt"], 1),
        (&["compare", "--fail-above", "0.4", "twice.txt", "once.txt"], 1),
        (&["compare", "--fail-above", "0.9", "twice.txt", "once.txt"], 0),
        (&["quality", "--fail-below", "100", "once.txt"], 1),
        (&["quality", "--fail-below", "0", "once.txt"], 0),
    ] {
        let run = place.run(arguments).ended_with(code);
        assert_eq!(run.err.contains("is above") || run.err.contains("is below"), code == 1, "{}", run.err);
    }
}

#[test]
fn wrong_use_ends_with_two_and_says_what_would_do() {
    let place = repeated();
    for (arguments, part) in [
        (&[][..], "Usage"),
        (&["analyze"], "<FILE>"),
        (&["analize", "twice.txt"], "similar subcommand exists: 'analyze'"),
        (&["analyze", "--min-words", "0", "twice.txt"], "1..=1000"),
        (&["analyze", "--fail-above", "2", "twice.txt"], "must be a number from 0 to 1"),
        (&["analyze", "--language", "english", "twice.txt"], "must be a language tag such as en"),
        (&["analyze", "--html", "once.txt", "twice.txt"], "must be the name of a page to write"),
        (&["compare", "twice.txt"], "<B>"),
        (&["completions", "tcsh-classic"], "possible values"),
        (&["man", "nothing"], "there is no command nothing"),
    ] {
        let run = place.run(arguments).ended_with(2);
        assert!(run.err.contains(part), "{arguments:?}: {}\nlacks {part:?}", run.err);
        assert_eq!(run.out, "", "{arguments:?}");
    }
}

#[test]
fn every_command_explains_itself_with_examples() {
    let place = Place::new();
    for command in ["analyze", "compare", "quality", "serve", "config", "health", "completions", "man"] {
        let run = place.run(&[command, "--help"]).ended_with(0);
        assert!(run.out.contains("Example"), "{command}: {}", run.out);
        assert!(run.out.contains(&format!("  redundancy {command}")), "{command}: {}", run.out);
    }
    assert!(place.run(&["--help"]).ended_with(0).out.contains("Examples:\n  redundancy analyze"));
    assert_eq!(
        place.run(&["--version"]).ended_with(0).out,
        format!("redundancy {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn completions_and_manual_pages_know_the_options() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(place.run(&["completions", shell]).ended_with(0).out.contains("min-words"), "{shell}");
    }
    assert!(place.run(&["man"]).ended_with(0).out.contains("redundancy\\-analyze(1)"));
    assert!(place.run(&["man", "analyze"]).ended_with(0).out.contains("fail\\-above"));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    // More than a pipe holds, so that the program is still writing when the pipe is closed.
    let half = (0..20_000).map(|n| format!("word{n}")).collect::<Vec<_>>().join(" ");
    let text = format!("{half} {half}");
    let place = Place::new().file("long.txt", text);
    let mut command = place.command(&["analyze", "--json", "long.txt"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap()), (Some(0), String::new()));
}
