//! Files of every kind, packed or not, from folders, patterns and standard input.

use std::fs;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{fields, line, names, prose};
use crate::kit::Place;

fn gzip(text: &str) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(text.as_bytes()).unwrap();
    packed.finish().unwrap()
}

#[test]
fn comma_separated_values_keep_their_heading_quotes_and_lines() {
    let text = prose(1);
    let quoted = format!("\"He said \"\"no\"\",\n\nand left. {text}\"");
    let place = Place::new().file(
        "in.csv",
        format!(
            "id,stars,text,note\na,1,{quoted},\" x \"\nb,2,{quoted},y\nc,3,\"{}\",trailing  \n",
            prose(2)
        ),
    );
    place.run(&["dedup", "in.csv", "--output", "out"]).ended_with(0);
    let kept = place.read("out/kept.csv");
    let mut rows = csv::Reader::from_reader(kept.as_bytes());
    assert_eq!(rows.headers().unwrap(), vec!["id", "stars", "text", "note"]);
    let rows: Vec<Vec<String>> =
        rows.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
    let said = format!("He said \"no\",\n\nand left. {text}");
    assert_eq!(rows, [["a", "1", said.as_str(), " x "], ["c", "3", prose(2).as_str(), "trailing  "]]);
    assert_eq!(fields(&place, "out/duplicates.jsonl", "id"), ["b"]);
}

#[test]
fn tab_separated_values_keep_empty_columns_at_the_end() {
    let (one, two) = (prose(1), prose(2));
    let rows = format!("text\tid\tnote\n{one}\tx, \"y\"\t\n{two}\tb\t\n{one}\tc\tz\n");
    let place = Place::new().file("in.tsv", &rows);
    place.run(&["dedup", "in.tsv", "--output", "out"]).ended_with(0);
    let kept = place.read("out/kept.tsv");
    let mut rows = csv::ReaderBuilder::new().delimiter(b'\t').from_reader(kept.as_bytes());
    let ids: Vec<String> = rows.records().map(|row| row.unwrap()[1].to_owned()).collect();
    assert_eq!(ids, ["x, \"y\"", "b"]);
}

#[test]
fn a_row_without_an_id_is_called_by_the_line_it_begins_in_and_one_of_other_length_is_left_out() {
    let text = prose(1);
    let place = Place::new().file("in.csv", format!("id,text\na,\"one\ntwo\"\n,{text}\n,{text}\nshort\n"));
    let run = place.run(&["dedup", "in.csv", "--output", "out"]).ended_with(0);
    assert_eq!(fields(&place, "out/duplicates.jsonl", "id"), ["in.csv:5"]);
    assert!(run.err.contains("in.csv:6: has 1 columns, not 2 as the first row"), "{}", run.err);
    assert!(!place.read("out/kept.csv").contains("short"));
}

#[test]
fn columns_that_are_not_there_are_told_with_those_that_are() {
    let place = Place::new()
        .file("a.csv", "key,body\n1,one\n")
        .file("b.csv", "key,text\n1,one\n")
        .file("c.csv", "text,key\none,1\n");
    let run = place.run(&["dedup", "a.csv", "--output", "out"]).ended_with(1);
    assert!(run.err.contains("a.csv: has no column \"text\"; --text-field names"), "{}", run.err);
    assert!(run.err.contains("key, body"), "{}", run.err);
    let other = place.run(&["dedup", "b.csv", "c.csv", "--output", "out"]).ended_with(1);
    assert!(other.err.contains("c.csv: has other columns than the first file"), "{}", other.err);
    let rank = place.run(&["dedup", "b.csv", "--output", "out", "--keep", "by:stars"]).ended_with(1);
    assert!(rank.err.contains("has no column \"stars\" to keep by"), "{}", rank.err);
}

#[test]
fn a_folder_of_texts_gives_a_folder_of_those_that_are_kept() {
    let (one, two) = (prose(1), prose(2));
    let page = format!("<p>{two}</p>\n<p>the end</p>");
    let place = Place::new()
        .file("docs/a.txt", &one)
        .file("docs/b/a.md", format!("# Title\n\n{two}\n"))
        .file("docs/b/c.html", &page)
        .file("docs/d.txt", format!("{one}\n"))
        .file("docs/e.txt.gz", gzip(&one))
        .file("docs/latin1.txt", b"a\xf1o")
        .file("docs/picture.png", "no text")
        .file("docs/.hidden.txt", &one);
    let run = place.run(&["dedup", "docs", "--output", "out", "--threshold", "0.7"]).ended_with(0);
    assert!(run.err.contains("docs/latin1.txt: is not UTF-8"), "{}", run.err);
    assert_eq!(names(&place.path().join("out/kept/docs")), ["a.txt".to_owned(), "b".to_owned()].into());
    assert_eq!(names(&place.path().join("out/kept/docs/b")), ["a.md".to_owned()].into());
    assert_eq!(place.read("out/kept/docs/a.txt"), one);
    assert_eq!(
        fields(&place, "out/duplicates.jsonl", "id"),
        ["docs/b/c.html", "docs/d.txt", "docs/e.txt.gz"]
    );
    // Another run takes the place of the first.
    fs::write(place.path().join("docs/a.txt"), prose(3)).unwrap();
    place.run(&["dedup", "docs", "--output", "out", "--threshold", "0.7"]).ended_with(0);
    assert_eq!(place.read("out/kept/docs/a.txt"), prose(3));
}

#[test]
fn files_of_the_same_path_in_different_places_are_all_kept() {
    let place =
        Place::new().file("a.txt", prose(1)).file("in/a.txt", prose(2)).file("in/deep/a.txt", prose(3));
    let mut command = place.command(&["dedup", "a.txt", "../a.txt", "../in/deep/a.txt", "--output", "out"]);
    command.current_dir(place.path().join("in"));
    crate::kit::Run::of(command).ended_with(0);
    assert_eq!(place.read("in/out/kept/a.txt"), prose(2));
    assert_eq!(place.read("in/out/kept/a~2.txt"), prose(1));
    assert_eq!(place.read("in/out/kept/in/deep/a.txt"), prose(3));
}

#[test]
fn packed_files_and_patterns_are_taken_in_order() {
    let (one, two) = (prose(1), prose(2));
    let packed = zstd::encode_all(line("z", &one).as_bytes(), 3).unwrap();
    let mut members = gzip(&format!("{}\n", line("g", &two)));
    members.extend(gzip(&line("h", &prose(3))));
    let place = Place::new()
        .file("part-2.jsonl", [line("p", &one), line("q", &two)].join("\n"))
        .file("part-1.jsonl.zst", packed)
        .file("part-3.jsonl.gz", members);
    place.run(&["dedup", "part-*", "--output", "out"]).ended_with(0);
    assert_eq!(fields(&place, "out/kept.jsonl", "id"), ["z", "q", "h"]);
    assert_eq!(fields(&place, "out/duplicates.jsonl", "duplicate_of"), ["z", "q"]);
}

#[test]
fn a_packed_file_that_is_broken_ends_the_work_with_its_name_and_the_place() {
    let records: String = (0..2_000).map(|number| line("a", &prose(number)) + "\n").collect();
    let mut broken = gzip(&records);
    broken.truncate(broken.len() / 2);
    let rows: String = (0..2_000).map(|number| prose(number) + "\n").collect();
    let mut table = gzip(&format!("text\n{rows}"));
    table.truncate(table.len() / 2);
    let place = Place::new()
        .file("in.jsonl.gz", broken)
        .file("in.csv.gz", table)
        .file("a.txt.gz", &gzip(&rows)[..999]);
    for (name, after) in [
        ("in.jsonl.gz", ", after line "),
        ("in.csv.gz", ", after about line "),
        ("a.txt.gz", " bytes of text"),
    ] {
        let run = place.run(&["dedup", name, "--output", "out"]).ended_with(1);
        assert!(run.err.contains(&format!("{name}: ")) && run.err.contains(after), "{}", run.err);
    }
    let mut packed = gzip(&line("a", &prose(1)));
    packed.truncate(packed.len() / 2);
    let place = Place::new().file("in.jsonl.gz", packed).file("in.jsonl.zst", "no such thing");
    for name in ["in.jsonl.gz", "in.jsonl.zst"] {
        let run = place.run(&["dedup", name, "--output", "out"]).ended_with(1);
        assert!(run.err.contains(name), "{}", run.err);
        assert!(!place.path().join("out").exists());
    }
}

#[test]
fn a_quotation_mark_that_is_never_closed_is_told_with_its_line() {
    let (one, two) = (prose(1), prose(2));
    let rows = format!("id,text\na,{one}\nb,\"{one}\nc,{two}\nd,{two}\n");
    let place =
        Place::new().file("in.csv", &rows).file("empty.csv", "").file("heading.csv", "id,\"text\na,b\n");
    let run = place.run(&["dedup", "in.csv", "--output", "out"]).ended_with(0);
    assert!(run.err.contains("in.csv:3: has a quotation mark that is never closed"), "{}", run.err);
    assert_eq!(place.read("out/kept.csv"), format!("id,text\na,{one}\n"));
    place.run(&["dedup", "in.csv", "--output", "strict", "--strict"]).ended_with(1);
    // One that is closed at the very end is as good as any other.
    let place = place.file("closed.csv", format!("{}\"", rows.trim_end()));
    let run = place.run(&["dedup", "closed.csv", "--output", "closed", "--strict"]).ended_with(0);
    assert_eq!(run.err, "");
    let empty = place.run(&["dedup", "empty.csv", "--output", "out"]).ended_with(1);
    assert!(empty.err.contains("empty.csv: has no column \"text\"") && empty.err.is_ascii(), "{}", empty.err);
    let heading = place.run(&["dedup", "heading.csv", "--output", "out"]).ended_with(1);
    assert!(heading.err.contains("heading.csv: its first row has a quotation mark"), "{}", heading.err);
}

#[test]
fn packed_bytes_are_unpacked_whatever_they_are_called() {
    let text = prose(1);
    let lines = [line("a", &text), line("b", &text)].join("\n");
    let place = Place::new().file("in.jsonl", zstd::encode_all(lines.as_bytes(), 1).unwrap());
    place.run_on(gzip(&lines), &["dedup", "-", "in.jsonl", "--output", "out", "--strict"]).ended_with(0);
    assert_eq!(place.read("out/kept.jsonl"), format!("{}\n", line("a", &text)));
}

#[test]
fn standard_input_is_read_as_lines_of_json_unless_told_otherwise() {
    let text = prose(1);
    let lines = [line("a", &text), line("b", &text)].join("\n");
    let place = Place::new();
    place.run_on(lines, &["dedup", "-", "--output", "out", "--report"]).ended_with(0);
    assert_eq!(fields(&place, "out/kept.jsonl", "id"), ["a"]);
    assert!(place.read("out/report.html").contains("<h2>standard input</h2>"));
    let rows = format!("text\n{text}\n{text}\n");
    place.run_on(rows, &["dedup", "-", "--format", "csv", "--output", "csv"]).ended_with(0);
    assert_eq!(fields(&place, "csv/duplicates.jsonl", "id"), ["-:3"]);
    assert_eq!(place.read("csv/kept.csv"), format!("text\n{text}\n"));
}

#[test]
fn files_of_different_kinds_are_refused() {
    let place =
        Place::new().file("a.jsonl", line("a", "x")).file("b.csv", "id,text\nb,x\n").file("c.bin", "");
    let run = place.run(&["dedup", "a.jsonl", "b.csv", "--output", "out"]).ended_with(2);
    assert!(run.err.contains("a.jsonl and b.csv are not of one kind"), "{}", run.err);
    let unknown = place.run(&["dedup", "c.bin", "--output", "out"]).ended_with(2);
    assert!(unknown.err.contains("c.bin: its name does not tell what it holds"), "{}", unknown.err);
    let missing = place.run(&["dedup", "missing.jsonl", "--output", "out"]).ended_with(1);
    assert!(missing.err.contains("missing.jsonl: No such file"), "{}", missing.err);
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_record() {
    let text = prose(1);
    let lines = format!("\u{feff}{}\r\n{}\r\n", line("a", &text), line("b", &text));
    let place = Place::new().file("in.jsonl", lines).file("more.jsonl", "\u{feff}");
    place.run(&["dedup", "in.jsonl", "more.jsonl", "--output", "out", "--strict"]).ended_with(0);
    assert_eq!(place.read("out/kept.jsonl"), format!("{}\r\n", line("a", &text)));
    assert_eq!(fields(&place, "out/duplicates.jsonl", "id"), ["b"]);
}
