//! The folder of the results: one run at a time, nothing of anybody else's is lost, and nothing is left of runs that end early.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use super::{fields, line, names, prose};
use crate::kit::{Place, is_hangup_heeded};

/// Two equal documents, as lines and as texts.
fn place() -> Place {
    let text = prose(1);
    Place::new()
        .file("in.jsonl", [line("a", &text), line("b", &text)].join("\n"))
        .file("docs/a.txt", &text)
        .file("docs/b.txt", &text)
}

/// A run that waits for more of its standard input. Ended when it is dropped, also by a test that fails.
struct Waiting {
    child: Child,
    input: Option<ChildStdin>,
}

impl Waiting {
    /// Starts it, and waits until it has begun to copy its input into a folder in `out`.
    fn start(place: &Place) -> Self {
        Self::started(place, place.command(&["dedup", "-", "--output", "out", "--report"]))
    }

    fn started(place: &Place, mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        writeln!(input, "{}", line("a", &prose(1))).unwrap();
        let mut waiting = Self { child, input: Some(input) };
        while !hidden(place)
            .iter()
            .any(|name| place.path().join(format!("out/{name}/standard-input")).exists())
        {
            assert_eq!(waiting.child.try_wait().unwrap(), None, "it has ended");
            std::thread::yield_now();
        }
        waiting
    }

    fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Waits for its end, and gives its exit code and what it said.
    fn ended(mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        std::io::Read::read_to_string(&mut self.child.stderr.take().unwrap(), &mut said).unwrap();
        (self.child.wait().unwrap().code(), said)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The hidden names in the output folder.
fn hidden(place: &Place) -> Vec<String> {
    let out = place.path().join("out");
    if !out.exists() {
        return Vec::new();
    }
    names(&out).into_iter().filter(|name| name.starts_with('.')).collect()
}

#[test]
fn what_no_earlier_run_wrote_is_never_replaced() {
    for (input, foreign) in [
        ("in.jsonl", "summary.json"),
        ("in.jsonl", "kept.jsonl"),
        ("in.jsonl", "duplicates.jsonl"),
        ("in.jsonl", "clusters.jsonl"),
        ("in.jsonl", "pairs.jsonl"),
        ("in.jsonl", "report.html"),
        ("in.jsonl", "kept.jsonl/mine.txt"),
        ("docs", "kept/mine.txt"),
        ("docs", "kept/deep/in/mine.txt"),
        ("docs", "kept"),
    ] {
        let place = place().file(&format!("out/{foreign}"), "mine");
        let run = place.run(&["dedup", input, "--output", "out", "--pairs", "--report"]).ended_with(2);
        let named =
            foreign.split_once(".jsonl/").map_or(foreign.to_owned(), |(name, _)| format!("{name}.jsonl"));
        assert!(run.err.contains(&format!("out/{named}: is there already")), "{foreign}: {}", run.err);
        assert!(run.err.contains("choose another folder"), "{}", run.err);
        assert_eq!(place.read(&format!("out/{foreign}")), "mine");
        assert_eq!(names(&place.path().join("out")).len(), 1, "{:?}", names(&place.path().join("out")));
    }
}

#[test]
fn a_summary_that_is_somebody_elses_does_not_make_what_is_beside_it_ours() {
    for summary in [
        "{\"mine\":1}",
        "{\"documents\":3,\"kept\":1}",
        "{\"written_by\":\"me\",\"files\":[\"report.html\"]}",
    ] {
        let place = place()
            .file("out/summary.json", summary)
            .file("out/report.html", "mine")
            .file("out/kept/a", "mine");
        let run = place.run(&["dedup", "in.jsonl", "--output", "out"]).ended_with(2);
        assert!(run.err.contains("out/summary.json: is there already"), "{}", run.err);
        for (name, text) in [("summary.json", summary), ("report.html", "mine"), ("kept/a", "mine")] {
            assert_eq!(place.read(&format!("out/{name}")), text);
        }
    }
}

#[test]
fn a_file_that_somebody_put_beside_kept_ones_is_not_lost() {
    let place = place();
    place.run(&["dedup", "docs", "--output", "out"]).ended_with(0);
    fs::write(place.path().join("out/kept/docs/mine.txt"), "mine").unwrap();
    let run = place.run(&["dedup", "docs", "--output", "out"]).ended_with(2);
    assert!(run.err.contains("out/kept/docs/mine.txt: is there already"), "{}", run.err);
    assert_eq!(place.read("out/kept/docs/a.txt"), prose(1));
    // Results of another kind do not take its place, and it stays where it is.
    place.run(&["dedup", "in.jsonl", "--output", "out"]).ended_with(0);
    assert_eq!(names(&place.path().join("out/kept/docs")), ["mine.txt".to_owned()].into());
    assert_eq!(fields(&place, "out/kept.jsonl", "id"), ["a"]);
}

#[test]
fn kept_files_of_an_earlier_run_go_one_by_one_and_their_folders_with_them() {
    let place = place().file("docs/deep/c.txt", prose(2));
    place.run(&["dedup", "docs", "--output", "out"]).ended_with(0);
    assert_eq!(place.read("out/kept/docs/deep/c.txt"), prose(2));
    fs::remove_dir_all(place.path().join("docs/deep")).unwrap();
    place.run(&["dedup", "docs", "--output", "out"]).ended_with(0);
    assert_eq!(names(&place.path().join("out/kept/docs")), ["a.txt".to_owned()].into());
    place.run(&["dedup", "in.jsonl", "--output", "out"]).ended_with(0);
    assert!(!place.path().join("out/kept").exists());
}

#[test]
fn nothing_is_removed_or_replaced_behind_a_link() {
    let place = place();
    place.run(&["dedup", "docs", "--output", "out"]).ended_with(0);
    let elsewhere = place.path().join("elsewhere");
    fs::rename(place.path().join("out/kept"), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, place.path().join("out/kept")).unwrap();
    place.run(&["dedup", "docs", "--output", "out"]).ended_with(2);
    place.run(&["dedup", "in.jsonl", "--output", "out"]).ended_with(0);
    assert_eq!(place.read("elsewhere/docs/a.txt"), prose(1));
    fs::rename(place.path().join("out/kept.jsonl"), place.path().join("mine.jsonl")).unwrap();
    std::os::unix::fs::symlink("../mine.jsonl", place.path().join("out/kept.jsonl")).unwrap();
    place.run(&["dedup", "in.jsonl", "--output", "out"]).ended_with(2);
    assert!(place.path().join("out/kept.jsonl").is_symlink());
}

#[test]
fn a_refused_run_leaves_no_folder_that_was_made_for_it() {
    let place = place().file("broken.jsonl", "{").file("b.csv", "key\n1\n");
    for (arguments, code) in [
        (&["missing.jsonl"][..], 1),
        (&["in.jsonl", "b.csv"], 2),
        (&["b.csv"], 1),
        (&["broken.jsonl", "--strict"], 1),
        (&["-", "-"], 2),
    ] {
        place.run(&[&["dedup", "--output", "made/for/it"], arguments].concat()).ended_with(code);
        assert!(!place.path().join("made").exists(), "{arguments:?}");
    }
    fs::create_dir(place.path().join("there")).unwrap();
    place.run(&["dedup", "broken.jsonl", "--strict", "--output", "there/made"]).ended_with(1);
    assert!(names(&place.path().join("there")).is_empty());
}

#[test]
fn a_signal_ends_the_work_and_nothing_is_left_of_it() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        if signal == "HUP" && !is_hangup_heeded() {
            continue;
        }
        let place = place();
        let waiting = Waiting::start(&place);
        waiting.signal(signal);
        let (ended, said) = waiting.ended();
        assert_eq!(ended, Some(code), "{said}");
        assert_eq!(said, format!("redundancy: ended by SIG{signal}; nothing was written\n"));
        assert!(!place.path().join("out").exists());
        // What was there before stays.
        place.run(&["dedup", "in.jsonl", "--output", "out"]).ended_with(0);
        let before = names(&place.path().join("out"));
        let waiting = Waiting::start(&place);
        waiting.signal(signal);
        assert_eq!(waiting.ended().0, Some(code));
        assert_eq!(names(&place.path().join("out")), before);
    }
}

#[test]
fn work_that_is_to_outlive_its_terminal_does() {
    let place = place();
    let mut command = Command::new("sh");
    let program = env!("CARGO_BIN_EXE_redundancy");
    // As `nohup` starts it.
    command.args(["-c", &format!("trap '' HUP; exec '{program}' dedup - --output out")]);
    command.current_dir(place.path());
    let waiting = Waiting::started(&place, command);
    waiting.signal("HUP");
    waiting.signal("TERM");
    let (ended, said) = waiting.ended();
    assert_eq!(ended, Some(143), "{said}");
}

#[test]
fn a_signal_at_any_time_leaves_all_results_or_none() {
    let place = Place::new().file("in.jsonl", super::large_corpus());
    let out = place.path().join("out");
    for watched in ["lock", "kept.jsonl", "clusters.jsonl", "summary.json", "moving.json"] {
        let mut command = place.command(&["dedup", "in.jsonl", "--output", "out"]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut running = Waiting { child, input: None };
        let is_begun = |name: &String| out.join(name).join(watched).exists();
        while !hidden(&place).iter().any(is_begun) && running.child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        if running.child.try_wait().unwrap().is_none() {
            running.signal("TERM");
        }
        let (code, said) = running.ended();
        let is_whole = out.join("summary.json").exists();
        assert_eq!(code, Some(if is_whole { 0 } else { 143 }), "{said}");
        if is_whole {
            assert_eq!(
                names(&out),
                ["clusters.jsonl", "duplicates.jsonl", "kept.jsonl", "summary.json"]
                    .map(str::to_owned)
                    .into()
            );
            fs::remove_dir_all(&out).unwrap();
        }
        assert!(!out.exists(), "{:?}", names(&out));
    }
}

#[test]
fn what_a_killed_run_left_is_removed_by_the_next_one_and_nothing_else_is() {
    let place = place().file("out/.redundancy-dedup-notes/mine.txt", "mine");
    let waiting = Waiting::start(&place);
    waiting.signal("KILL");
    waiting.ended();
    assert_eq!(hidden(&place).len(), 2);
    place.run(&["dedup", "in.jsonl", "--output", "out"]).ended_with(0);
    assert_eq!(hidden(&place), [".redundancy-dedup-notes"]);
    assert_eq!(place.read("out/.redundancy-dedup-notes/mine.txt"), "mine");
}

#[test]
fn what_a_run_wrote_is_its_own_also_if_it_was_killed_before_its_summary_had_a_name() {
    let place = place();
    place.run(&["dedup", "in.jsonl", "--output", "out", "--pairs"]).ended_with(0);
    let left = place.path().join("out/.redundancy-dedup-killed");
    fs::create_dir(&left).unwrap();
    File::create(left.join("lock")).unwrap();
    fs::copy(place.path().join("out/summary.json"), left.join("moving.json")).unwrap();
    fs::rename(place.path().join("out/summary.json"), left.join("summary.json")).unwrap();
    // A run that is refused does not forget it.
    place.run(&["dedup", "in.jsonl", "--format", "csv", "--output", "out"]).ended_with(1);
    place.run(&["dedup", "in.jsonl", "--output", "out"]).ended_with(0);
    let left: Vec<String> = names(&place.path().join("out")).into_iter().collect();
    assert_eq!(left, ["clusters.jsonl", "duplicates.jsonl", "kept.jsonl", "summary.json"]);
}

#[test]
fn two_runs_do_not_write_into_one_folder_at_once() {
    let place = place();
    let mut first = Waiting::start(&place);
    let second = place.run(&["dedup", "in.jsonl", "--output", "out"]).ended_with(2);
    assert!(second.err.contains("out: another run is writing into this folder"), "{}", second.err);
    first.input.take();
    let (code, said) = first.ended();
    assert_eq!(code, Some(0), "{said}");
    assert!(hidden(&place).is_empty());
    assert!(place.read("out/report.html").contains("standard input"));
}

#[test]
fn standard_input_is_named_once() {
    let run = place().run(&["dedup", "-", "in.jsonl", "-", "--output", "out"]).ended_with(2);
    assert!(run.err.contains("- is named more than once"), "{}", run.err);
}

#[test]
fn what_is_neither_a_file_nor_a_pipe_is_refused_and_says_how_to_hand_it_over() {
    let place = place();
    let run = place.run(&["dedup", "in.jsonl", "/dev/zero", "--format", "jsonl", "--output", "out"]);
    let said = run.ended_with(2).err;
    assert!(
        said.contains("/dev/zero is neither a regular file nor a pipe") && said.contains("`-`"),
        "{said}"
    );
    assert!(!place.path().join("out").exists());
}

#[test]
fn a_file_that_several_names_stand_for_is_read_once() {
    let place = place();
    std::os::unix::fs::symlink("in.jsonl", place.path().join("link.jsonl")).unwrap();
    let inputs = ["in.jsonl", "./in.jsonl", "*.jsonl", "docs/../in.jsonl", "link.jsonl"];
    place.run(&[&["dedup", "--output", "out"], &inputs[..]].concat()).ended_with(0);
    assert_eq!(fields(&place, "out/duplicates.jsonl", "id"), ["b"]);
    // A hard link is another file: whoever looks for copies wants to know of it.
    fs::hard_link(place.path().join("docs/a.txt"), place.path().join("docs/hard.txt")).unwrap();
    place.run(&["dedup", "docs", "docs/a.txt", "--output", "files"]).ended_with(0);
    assert_eq!(fields(&place, "files/duplicates.jsonl", "id"), ["docs/b.txt", "docs/hard.txt"]);
}

#[test]
fn results_in_a_folder_that_is_read_are_passed_over() {
    let place = Place::new().file("data/in.jsonl", [line("a", &prose(1)), line("b", &prose(1))].join("\n"));
    let results =
        || ["kept", "duplicates", "clusters"].map(|name| place.read(&format!("data/out/{name}.jsonl")));
    place.run(&["dedup", "data", "--output", "data/out", "--pairs"]).ended_with(0);
    let first = results();
    place.run(&["dedup", "data", "--output", "data/out", "--strict"]).ended_with(0);
    assert_eq!(results(), first);
    // Those of other runs too; but if their folder itself is named, what was kept is read.
    place.run(&["dedup", "data", "--output", "other"]).ended_with(0);
    assert_eq!(fields(&place, "other/duplicates.jsonl", "id"), ["b"]);
    place.run(&["dedup", "data/out", "--output", "again", "--strict"]).ended_with(0);
    assert_eq!(fields(&place, "again/kept.jsonl", "id"), ["a"]);
    // What somebody put there is not ours to pass over, nor to write beside.
    fs::write(Path::new(&place.path().join("data/out/more.jsonl")), line("c", "x")).unwrap();
    place.run(&["dedup", "data", "--output", "data/out"]).ended_with(2);
}
