//! The progress bar: on a terminal, once the work has taken a while.

use std::fs;
use std::io::Read as _;
use std::process::{Command, Stdio};

use crate::kit::{Place, on_terminal};

#[test]
fn slow_work_on_a_terminal_shows_what_it_is_at_and_clears_it_away() {
    let place = Place::new();
    let pipe = place.path().join("slow");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut program = on_terminal(&place, &["analyze", "slow"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut terminal = program.stdout.take().unwrap();
    // Nothing comes through the pipe yet, so the first thing to be seen is the bar.
    let mut seen = Vec::new();
    let mut buffer = [0; 1024];
    while !String::from_utf8_lossy(&seen).contains("slow") {
        let length = terminal.read(&mut buffer).unwrap();
        assert_ne!(length, 0, "{}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&buffer[..length]);
    }
    fs::write(pipe, "one two three").unwrap();
    let mut rest = String::new();
    terminal.read_to_string(&mut rest).unwrap();
    assert!(program.wait().unwrap().success());
    let (_, after_bar) = rest.split_once("\u{1b}[2K").expect("the line of the bar is cleared");
    assert!(after_bar.contains("3 words"), "{rest}");
}
