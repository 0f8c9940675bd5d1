//! When the output is coloured, and that no text can steer the terminal.

use crate::kit::{PASSAGE, Place, run_on_terminal};

const ESCAPE: char = '\u{1b}';

fn place() -> Place {
    Place::new().file("a.txt", format!("{PASSAGE}\n{PASSAGE}"))
}

#[test]
fn on_a_terminal_the_passage_is_highlighted_in_colour_instead_of_brackets() {
    let out = run_on_terminal(&place(), &[], &["analyze", "a.txt"]);
    assert!(out.contains(ESCAPE), "{out}");
    assert!(!out.contains("[The lighthouse"), "{out}");
}

#[test]
fn colours_can_be_switched_off_and_on() {
    let place = place();
    for (variables, arguments) in [
        (&[("NO_COLOR", "1")][..], &["analyze", "a.txt"][..]),
        (&[("TERM", "dumb")], &["analyze", "a.txt"]),
        (&[], &["--color", "never", "analyze", "a.txt"]),
    ] {
        let out = run_on_terminal(&place, variables, arguments);
        assert!(out.contains("lighthouse") && !out.contains(ESCAPE), "{variables:?} {arguments:?}: {out}");
    }
    let forced =
        place.run_with(&[("NO_COLOR", "1")], &["analyze", "--color", "always", "a.txt"]).ended_with(0);
    assert!(forced.out.contains(ESCAPE), "{}", forced.out);
}

#[test]
fn in_a_pipe_there_is_no_colour() {
    let place = place();
    for arguments in [
        &["analyze", "a.txt"][..],
        &["compare", "a.txt", "a.txt"],
        &["quality", "a.txt"],
        &["config"],
        &["--help"],
    ] {
        let run = place.run(arguments).ended_with(0);
        assert!(!run.out.contains(ESCAPE), "{arguments:?}: {}", run.out);
        assert_eq!(run.err, "", "{arguments:?}");
    }
}

#[test]
fn control_characters_of_a_text_or_a_name_do_not_reach_the_terminal() {
    let hostile = format!("\u{1b}[2J\u{9b}31m {PASSAGE} \u{1b}]0;title\u{7} {PASSAGE} \u{202e}back");
    let name = "\u{1b}[31mname.txt";
    let place = Place::new().file(name, hostile);
    for command in ["analyze", "quality"] {
        let run = place.run(&[command, name]).ended_with(0);
        let steering = |c: char| c.is_control() && c != '\n' || ('\u{202a}'..='\u{202e}').contains(&c);
        assert!(!run.out.contains(steering), "{:?}", run.out);
    }
    let missing = place.run(&["analyze", "\u{1b}[31m"]).ended_with(1);
    assert!(!missing.err.contains(ESCAPE), "{:?}", missing.err);
}

#[test]
fn no_argument_and_no_setting_can_steer_the_terminal_through_a_message() {
    const HOSTILE: &str = "\u{1b}]0;title\u{7}\u{9b}2J\u{202e}\u{7f}";
    let place = place();
    for (arguments, code) in [
        (&["analyze", HOSTILE][..], 1),
        (&["analyze", "a.txt", "--html", HOSTILE], 2),
        (&["analyze", "a.txt", "--min-words", HOSTILE], 2),
        (&["analyze", "a.txt", &format!("--{HOSTILE}")], 2),
        (&["analyze", &format!("{HOSTILE}*")], 1),
        (&["analyze", &format!("{HOSTILE}**x")], 1),
        (&["analyze", &format!("a.{HOSTILE}")], 1),
        (&["compare", HOSTILE, HOSTILE], 1),
        (&["man", HOSTILE], 2),
        (&["config", "--config", HOSTILE], 2),
        (&["config", "--set", HOSTILE], 2),
        (&["config", "--set", &format!("{HOSTILE}=1")], 2),
        (&["config", "--set", &format!("DATA_DIR={HOSTILE}\nPORT")], 0),
        (&["health", "--url", HOSTILE], 2),
        (&[HOSTILE], 2),
    ] {
        let arguments = [&["--color", "always"], arguments].concat();
        let run = place.run(&arguments).ended_with(code);
        let said = format!("{}{}", run.out, run.err);
        let steering = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
        assert!(!said.is_empty() && !said.contains(steering), "{arguments:?}: {said:?}");
    }
}

#[test]
fn json_escapes_what_terminals_obey() {
    let name = "\u{9b}31m.txt";
    let place = Place::new().file(name, format!("{PASSAGE} \u{9b}2J\u{7f} {PASSAGE}"));
    let run = place.run(&["analyze", "--json", name]).ended_with(0);
    assert!(!run.out.contains(|c: char| c.is_control() && c != '\n'), "{:?}", run.out);
    assert_eq!(run.json()["file"], name);
}
