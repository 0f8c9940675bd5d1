//! Speed of finding duplicates across a corpus in memory, in documents and bytes per second: `cargo bench -p redundancy-engine`.
//!
//! Reads Spanish laws from `../shared/data` beside the checkout (through the `zstd` command) and cuts them into documents of 2 KB, some
//! of them with edits. Where the data are missing it says so and measures nothing.

#![allow(clippy::expect_used, reason = "a benchmark stops at the first surprise")]

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use redundancy_engine::corpus::{DedupOptions, InMemory, Keep, Mode, deduplicate};
use redundancy_engine::detect::fingerprint::Shingling;
use std::num::NonZeroUsize;
use std::process::Command;
use std::sync::LazyLock;

/// How much of the laws is used.
const BYTES: usize = 40 << 20;
const DOCUMENT_BYTES: usize = 2_000;
/// Each so manieth document is there again with one word in a hundred changed.
const EDITED: usize = 10;

static CORPUS: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/legalize_pe_es_quarter.jsonl.zst");
    let lines = format!("zstd -dc --long=27 '{file}' | head -c {BYTES}");
    let output = Command::new("sh").args(["-c", &lines]).output().expect("a shell");
    let text = String::from_utf8_lossy(&output.stdout);
    let mut rest = text.as_ref();
    let mut corpus = Vec::new();
    while !rest.is_empty() {
        let (document, others) = rest.split_at(rest.floor_char_boundary(DOCUMENT_BYTES).max(1));
        rest = others;
        corpus.push((corpus.len().to_string(), document.to_owned()));
        if corpus.len().is_multiple_of(EDITED) {
            corpus.push((corpus.len().to_string(), edited(document)));
        }
    }
    corpus
});

fn edited(text: &str) -> String {
    let words = text.split(' ').enumerate();
    words.map(|(place, word)| if place % 100 == 50 { "otra" } else { word }).collect::<Vec<_>>().join(" ")
}

fn main() {
    if CORPUS.is_empty() {
        println!("skipped: no data sets at ../shared/data, or no zstd command");
        return;
    }
    divan::main();
}

fn options(threads: usize, mode: Mode) -> DedupOptions {
    let threads = NonZeroUsize::new(threads).expect("one at least");
    DedupOptions {
        mode,
        shingling: Shingling::default(),
        keep: Keep::First,
        all_pairs: false,
        threads,
        memory: None,
    }
}

/// Near duplicates at 0.8, verified.
#[divan::bench(args = [1, 2], sample_count = 5, sample_size = 1)]
fn near(bencher: Bencher<'_, '_>, threads: usize) {
    measure(bencher, &options(threads, Mode::Near { threshold: 0.8 }));
}

/// Documents equal after normalisation.
#[divan::bench(args = [1, 2], sample_count = 5, sample_size = 1)]
fn exact(bencher: Bencher<'_, '_>, threads: usize) {
    measure(bencher, &options(threads, Mode::Exact));
}

fn measure(bencher: Bencher<'_, '_>, options: &DedupOptions) {
    let bytes: usize = CORPUS.iter().map(|(_, text)| text.len()).sum();
    bencher
        .counter(BytesCount::new(bytes))
        .counter(ItemsCount::new(CORPUS.len()))
        .bench(|| deduplicate(&InMemory(&CORPUS), options, &mut |_| ()).map(|found| found.duplicates.len()));
}
