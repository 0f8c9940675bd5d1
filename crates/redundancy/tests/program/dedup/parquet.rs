//! Parquet files: read, and written with all that is in them.

use std::fs::{self, File};
use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::record::RowAccessor as _;
use parquet::schema::parser::parse_message_type;
use redundancy::corpus::{CorpusFormat, find};

use super::{fields, prose};
use crate::kit::Place;

const SCHEMA: &str = "message spark_schema {
    OPTIONAL BYTE_ARRAY text (UTF8);
    REQUIRED INT64 id (INTEGER(64,false));
    OPTIONAL DOUBLE stars;
    OPTIONAL group tags (LIST) { REPEATED group list { OPTIONAL BYTE_ARRAY element (UTF8); } }
}";

/// A row: its text, its id and its stars. Its tags follow from its id: none, an empty list, or some.
struct Row {
    text: Option<String>,
    id: i64,
    stars: Option<f64>,
}

fn rows(range: std::ops::Range<i64>) -> Vec<Row> {
    let text = |id: i64| (id % 7 != 6).then(|| prose(usize::try_from(id / 2).unwrap()));
    range
        .map(|id| Row {
            text: text(id),
            id,
            stars: (id % 3 != 0).then(|| f64::from(i32::try_from(id).unwrap())),
        })
        .collect()
}

/// Levels and values of the tags of a row: how deep each is defined, and whether it goes on with a list.
fn tags(id: i64) -> (Vec<i16>, Vec<i16>, Vec<ByteArray>) {
    let tag = |name: &str| ByteArray::from(format!("{name}{id}").into_bytes());
    match id % 4 {
        0 => (vec![0], vec![0], vec![]),
        1 => (vec![1], vec![0], vec![]),
        2 => (vec![3, 2, 3], vec![0, 1, 1], vec![tag("a"), tag("b")]),
        _ => (vec![3], vec![0], vec![tag("c")]),
    }
}

/// Writes these groups of rows.
fn write(path: &std::path::Path, compression: Compression, groups: &[Vec<Row>]) {
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .set_key_value_metadata(Some(vec![KeyValue::new("note".to_owned(), "kept".to_owned())]))
        .set_data_page_row_count_limit(100)
        .set_write_batch_size(50)
        .build();
    let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
    let mut file =
        SerializedFileWriter::new(File::create(path).unwrap(), schema, Arc::new(properties)).unwrap();
    for rows in groups {
        let mut group = file.next_row_group().unwrap();
        write_group(&mut group, rows);
        group.close().unwrap();
    }
    file.close().unwrap();
}

fn write_group(group: &mut SerializedRowGroupWriter<'_, File>, rows: &[Row]) {
    let mut column = group.next_column().unwrap().unwrap();
    let texts: Vec<ByteArray> =
        rows.iter().filter_map(|row| row.text.clone()).map(|text| text.into_bytes().into()).collect();
    let defined: Vec<i16> = rows.iter().map(|row| row.text.is_some().into()).collect();
    column.typed::<ByteArrayType>().write_batch(&texts, Some(&defined), None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    column.typed::<Int64Type>().write_batch(&ids, None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let stars: Vec<f64> = rows.iter().filter_map(|row| row.stars).collect();
    let defined: Vec<i16> = rows.iter().map(|row| row.stars.is_some().into()).collect();
    column.typed::<DoubleType>().write_batch(&stars, Some(&defined), None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    for row in rows {
        let (defined, repeated, values) = tags(row.id);
        column.typed::<ByteArrayType>().write_batch(&values, Some(&defined), Some(&repeated)).unwrap();
    }
    column.close().unwrap();
}

/// All rows of a file as text, with their ids.
fn read(path: &std::path::Path) -> Vec<(i64, String)> {
    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    let rows = reader.get_row_iter(None).unwrap().map(|row| row.unwrap());
    rows.map(|row| (row.get_ulong(1).unwrap().try_into().unwrap(), row.to_string())).collect()
}

#[test]
fn rows_that_are_kept_have_all_their_columns_and_are_packed_as_they_were() {
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(parquet::basic::GzipLevel::default()),
        Compression::ZSTD(ZstdLevel::default()),
    ] {
        let place = Place::new();
        // The second row of each pair is a copy of the first, also across groups and files; every seventh row has no text.
        write(&place.path().join("a.parquet"), compression, &[rows(0..501), rows(501..1_200)]);
        write(&place.path().join("b.parquet"), compression, &[rows(1_200..1_300), vec![]]);
        let run = place.run(&["dedup", "*.parquet", "--output", "out", "--report"]).ended_with(0);
        assert!(run.err.contains("a.parquet:7: has no text; it is left out"), "{}", run.err);
        let before: Vec<(i64, String)> =
            ["a.parquet", "b.parquet"].iter().flat_map(|name| read(&place.path().join(name))).collect();
        let is_kept = |id: i64| id % 7 != 6 && (id % 2 == 0 || id % 7 == 0);
        let wanted: Vec<(i64, String)> = before.into_iter().filter(|(id, _)| is_kept(*id)).collect();
        assert_eq!(read(&place.path().join("out/kept.parquet")), wanted);
        let dropped = fields(&place, "out/duplicates.jsonl", "id");
        assert_eq!(dropped[..3], ["1", "3", "5"]);
        assert_eq!(wanted.len() + dropped.len() + 1_300 / 7, 1_300);

        let file =
            SerializedFileReader::new(File::open(place.path().join("out/kept.parquet")).unwrap()).unwrap();
        let metadata = file.metadata().file_metadata();
        assert_eq!(*metadata.schema(), parse_message_type(SCHEMA).unwrap());
        let notes = metadata.key_value_metadata().unwrap();
        assert!(notes.contains(&KeyValue::new("note".to_owned(), "kept".to_owned())), "{notes:?}");
        for group in file.metadata().row_groups() {
            assert!(group.columns().iter().all(|column| column.compression() == compression));
        }
    }
}

#[test]
fn columns_of_parquet_files_are_chosen_by_name() {
    let place = Place::new();
    write(&place.path().join("in.parquet"), Compression::SNAPPY, &[rows(0..6)]);
    place
        .run(&["dedup", "in.parquet", "--keep", "by:stars", "--id-field", "nothing", "--output", "out"])
        .ended_with(0);
    // Of 0 and 1, 2 and 3, 4 and 5: 0 and 3 have no stars.
    let kept: Vec<i64> = read(&place.path().join("out/kept.parquet")).into_iter().map(|(id, _)| id).collect();
    assert_eq!(kept, [1, 2, 5]);
    assert_eq!(
        fields(&place, "out/duplicates.jsonl", "id"),
        ["in.parquet:1", "in.parquet:4", "in.parquet:5"]
    );
    for (arguments, said) in [
        (
            ["--text-field", "body"],
            "has no column \"body\"; --text-field names the one with the text, of: text, id, stars, tags",
        ),
        (["--text-field", "id"], "the column \"id\" holds no strings"),
        (["--text-field", "tags"], "has no column \"tags\""),
        (["--keep", "by:tags"], "has no column \"tags\" of numbers to keep by"),
    ] {
        let run =
            place.run(&[&["dedup", "in.parquet", "--output", "no"], &arguments[..]].concat()).ended_with(1);
        assert!(run.err.contains(said), "{}", run.err);
    }
}

#[test]
fn parquet_is_read_from_standard_input_too() {
    let place = Place::new();
    write(&place.path().join("in.parquet"), Compression::SNAPPY, &[rows(0..6)]);
    let bytes = fs::read(place.path().join("in.parquet")).unwrap();
    place.run_on(bytes, &["dedup", "-", "--format", "parquet", "--output", "out"]).ended_with(0);
    assert_eq!(fields(&place, "out/duplicates.jsonl", "id"), ["1", "3", "5"]);
}

#[test]
fn a_broken_parquet_file_ends_the_work_and_nothing_is_written() {
    let place = Place::new();
    let path = place.path().join("in.parquet");
    write(&path, Compression::SNAPPY, &[rows(0..50)]);
    let whole = fs::read(&path).unwrap();
    for broken in [&whole[..0], &whole[..whole.len() / 2], b"PAR1PAR1", b"no such thing at all"] {
        fs::write(&path, broken).unwrap();
        let run = place.run(&["dedup", "in.parquet", "--output", "out"]).ended_with(1);
        assert!(run.err.contains("in.parquet: "), "{}", run.err);
        assert!(!place.path().join("out").exists());
    }
    // A byte changed anywhere is found, or changes a value; but it never ends the program in disorder.
    for at in (0..whole.len()).step_by(whole.len() / 60) {
        let mut broken = whole.clone();
        broken[at] ^= 0xFF;
        fs::write(&path, broken).unwrap();
        let run = place.run(&["dedup", "in.parquet", "--dry-run"]);
        assert!(run.code < 2 && !run.err.contains("panicked"), "at {at}: {} {}", run.code, run.err);
    }
}

#[test]
fn parquet_is_told_by_its_name_but_not_if_it_is_packed_as_a_whole() {
    let place = Place::new().file("a.parquet", "").file("b.parquet.gz", "");
    let kind = find(&[place.path().join("a.parquet")], None, None).unwrap().1;
    assert_eq!(kind, CorpusFormat::Parquet);
    assert!(find(&[place.path().join("b.parquet.gz")], None, None).is_err());
}
