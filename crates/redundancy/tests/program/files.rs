//! Which files are taken, how they are read, and what happens with the others.

use crate::kit::{PASSAGE, Place, Run};

/// The words counted in a file.
fn words(place: &Place, arguments: &[&str]) -> u64 {
    let run = place.run(&[&["analyze", "--json"], arguments].concat()).ended_with(0);
    run.json()["counts"]["words"].as_u64().unwrap()
}

#[test]
fn plain_text_markdown_and_html_are_taken_without_their_markup() {
    let place = Place::new()
        .file("a.txt", "one two three")
        .file("a.md", "---\ntitle: front matter\n---\n# one\n\n*two* [three](http://example.org)\n")
        .file(
            "a.html",
            "<title>t</title><script>var x</script><style>p{}</style><p>one <b>two</b><p>three<!-- no -->",
        )
        .file("README", "one two three");
    for name in ["a.txt", "a.md", "a.html", "README"] {
        assert_eq!(words(&place, &[name]), 3, "{name}");
    }
}

#[test]
fn positions_in_stripped_files_count_in_the_text_that_comes_with_them() {
    let page = format!("<p>{PASSAGE}</p>\n<p>Á <i>é</i>: {PASSAGE}</p>");
    let place = Place::new().file("a.html", page);
    let found = place.run(&["analyze", "--json", "--offset-unit", "bytes", "a.html"]).ended_with(0).json();
    let text = found["content"].as_str().unwrap();
    assert!(!text.contains('<'), "{text}");
    for place in found["repeated_passages"][0]["occurrences"].as_array().unwrap() {
        let [start, end] =
            ["start", "end"].map(|border| usize::try_from(place[border].as_u64().unwrap()).unwrap());
        assert_eq!(&text[start..end], PASSAGE.trim_end_matches('.'));
    }
}

#[test]
fn lines_are_those_of_the_file_also_where_markup_was_stripped() {
    let place = Place::new().file("a.md", format!("---\na: b\n---\n\n{PASSAGE}\n\n***\n\n- {PASSAGE}\n"));
    let run = place.run(&["analyze", "a.md"]).ended_with(0);
    assert!(run.out.contains("line 5  [The lighthouse"), "{}", run.out);
    assert!(run.out.contains("line 9  [The lighthouse"), "{}", run.out);
}

#[test]
fn other_types_are_refused_with_the_ones_that_are_taken_and_a_way_out() {
    let place = Place::new().file("a.pdf", "one two three");
    let run = place.run(&["analyze", "a.pdf"]).ended_with(1);
    assert!(run.err.contains("a.pdf: a .pdf file is not taken; txt, md and html are"), "{}", run.err);
    assert_eq!(words(&place, &["--format", "txt", "a.pdf"]), 3);
}

#[test]
fn standard_input_is_a_file_called_minus() {
    let run =
        Place::new().run_on("<p>one</p>", &["analyze", "--json", "-", "--format", "html"]).ended_with(0);
    assert_eq!(run.json()["counts"]["words"], 1);
    assert_eq!(run.json()["file"], "-");
    let both = Place::new().run(&["compare", "-", "-"]).ended_with(2);
    assert!(both.err.contains("only one of the two"), "{}", both.err);
}

#[test]
fn patterns_that_the_shell_left_alone_are_expanded_in_order() {
    let place = Place::new()
        .file("b.txt", "one")
        .file("a.txt", "one two")
        .file("deep/er/c.txt", "one two three")
        .file("[odd].txt", "one two three four");
    let names = |pattern: &str| -> Vec<String> {
        let run = place.run(&["analyze", "--json", pattern]).ended_with(0);
        let name = |line: &str| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["file"].as_str().unwrap().to_owned()
        };
        run.out.lines().map(name).collect()
    };
    assert_eq!(names("?.txt"), ["a.txt", "b.txt"]);
    assert_eq!(names("**/c*"), ["deep/er/c.txt"]);
    // A file of that very name is no pattern.
    assert_eq!(names("[odd].txt"), ["[odd].txt"]);
    let none = place.run(&["analyze", "*.md"]).ended_with(1);
    assert!(none.err.contains("*.md: no file matches this pattern"), "{}", none.err);
}

#[test]
fn a_file_that_cannot_be_read_is_reported_and_the_others_go_on() {
    let place = Place::new().file("a.txt", "one").file("folder/b.txt", "two").file("blank.txt", " \n\t");
    let run = place.run(&["analyze", "--json", "missing.txt", "folder", "blank.txt", "a.txt"]).ended_with(1);
    assert_eq!(run.json()["file"], "a.txt");
    for part in [
        "missing.txt: No such file",
        "folder: is a folder: name its files",
        "folder/**/*.md",
        "blank.txt: has no text in it",
    ] {
        assert!(run.err.contains(part), "{} lacks {part}", run.err);
    }
}

#[test]
fn text_that_is_not_utf_8_is_refused_with_the_offset_and_utf_16_is_read_by_its_mark() {
    let utf16: Vec<u8> = "\u{feff}uno dos día".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let place = Place::new()
        .file("latin1.txt", b"a\xf1o")
        .file("utf16.txt", utf16)
        .file("mark.txt", "\u{feff}uno dos día");
    let run = place.run(&["analyze", "latin1.txt"]).ended_with(1);
    assert!(run.err.contains("latin1.txt: is not UTF-8: the byte 0xf1 at offset 1"), "{}", run.err);
    let hashes =
        ["utf16.txt", "mark.txt"].map(|name| place.run(&["analyze", "--json", name]).ended_with(0).json());
    assert_eq!(hashes[0]["content_hash"], hashes[1]["content_hash"]);
    assert_eq!(hashes[0]["counts"]["characters"], 11);
}

#[test]
fn a_text_that_is_not_the_file_byte_for_byte_comes_with_its_positions() {
    let text = format!("¡Ñandú! {PASSAGE} {PASSAGE}");
    let utf16: Vec<u8> = format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_be_bytes).collect();
    // Two characters that take as many bytes as their UTF-16 with its mark.
    let as_long: Vec<u8> = "\u{feff}重複".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let place = Place::new()
        .file("plain.txt", &text)
        .file("mark.txt", format!("\u{feff}{text}"))
        .file("utf16.txt", utf16)
        .file("long.txt", as_long);
    let found = |command: &str, name: &str| place.run(&[command, "--json", name]).ended_with(0).json();
    for command in ["analyze", "quality"] {
        for name in ["mark.txt", "utf16.txt"] {
            assert_eq!(found(command, name)["content"], text.as_str(), "{command} {name}");
        }
        assert_eq!(found(command, "plain.txt").get("content"), None);
        assert_eq!(found(command, "long.txt")["content"], "重複");
    }
    let both = place.run(&["compare", "--json", "plain.txt", "mark.txt"]).ended_with(0).json();
    assert_eq!((both.get("content1"), both["content2"].as_str()), (None, Some(text.as_str())));
}

#[test]
fn help_that_cannot_be_written_is_a_failure() {
    let place = Place::new();
    for arguments in [&["--help"][..], &["analyze", "--help"], &["--version"]] {
        let mut command = place.command(arguments);
        command.stdout(std::fs::File::options().write(true).open("/dev/full").unwrap());
        let run = Run::of(command).ended_with(1);
        assert!(run.err.contains("cannot write"), "{}", run.err);
    }
}

#[test]
fn an_empty_text_is_answered_alike_by_every_command() {
    let place = Place::new().file("empty.txt", "").file("a.txt", "one two three");
    for arguments in
        [&["analyze", "empty.txt"][..], &["quality", "empty.txt"], &["compare", "a.txt", "empty.txt"]]
    {
        let run = place.run(arguments).ended_with(1);
        assert_eq!(run.err, "redundancy: empty.txt: has no text in it\n");
    }
}
