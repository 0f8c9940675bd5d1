//! Duplicates across corpora: what is kept, what is told of the rest, and that nothing is lost or half-written.

mod endings;
mod fields;
mod folder;
mod formats;
mod parquet;
mod pipes;
mod results;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::kit::Place;

/// Sixty words that no other number gives.
fn prose(number: usize) -> String {
    let words: Vec<String> = (0..60).map(|word| format!("w{number}x{word}")).collect();
    words.join(" ")
}

/// A line with an id and a text.
fn line(id: &str, text: &str) -> String {
    json!({"id": id, "text": text}).to_string()
}

/// The lines of a result, as JSON.
fn lines(place: &Place, name: &str) -> Vec<Value> {
    place.read(name).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What stands in one field of all lines of a result.
fn fields(place: &Place, name: &str, field: &str) -> Vec<String> {
    lines(place, name).iter().map(|line| line[field].as_str().unwrap().to_owned()).collect()
}

/// The names in a folder, hidden ones too.
fn names(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// A corpus of some MB: every fourth document is an edited copy of an earlier one, every eighth an equal one.
fn large_corpus() -> String {
    let mut corpus = String::new();
    for number in 0..8_000_usize {
        let text = match number % 8 {
            1 => prose(number - 1),
            3 | 7 => format!("{} edited{number}", prose(number - 3)),
            5 => prose(number / 2 / 8 * 8).to_uppercase(),
            _ => prose(number),
        };
        let _ = writeln!(corpus, "{}", line(&format!("d{number}"), &text));
    }
    corpus
}
