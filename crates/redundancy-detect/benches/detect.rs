//! Speed of the algorithms on real text, in bytes per second: `cargo bench -p redundancy-detect`.
//!
//! Reads the data sets beside the checkout (`../shared/data`, through the `zstd` command). Where they are missing it says so
//! and measures nothing.

#![allow(clippy::expect_used, reason = "a benchmark stops at the first surprise")]

use divan::Bencher;
use divan::counter::BytesCount;
use redundancy_detect::Text;
use redundancy_detect::analyze::{AnalyzeOptions, analyze};
use redundancy_detect::fingerprint::{
    Banding, PassageOptions, ShingleSet, Shingler, Shingling, Sketcher, Trace, WINDOW, passages, winnow,
};
use redundancy_detect::language::detect;
use redundancy_detect::quality::{QualityOptions, quality};
use redundancy_detect::similarity::{SimilarityOptions, similarity};
use redundancy_detect::words::for_each_word;
use std::fmt;
use std::process::Command;
use std::sync::LazyLock;

/// A text of one kind.
#[derive(Clone, Copy)]
enum Sample {
    /// One policy after the other, many of them versions of each other: ASCII for the most part.
    Policies,
    /// English technical prose.
    Peps,
    /// English technical prose, the ASCII characters only.
    Ascii,
    /// Spanish novels.
    Novels,
}

impl fmt::Debug for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Policies => "policies",
            Self::Peps => "English PEPs",
            Self::Ascii => "ASCII of PEPs",
            Self::Novels => "Spanish novels",
        })
    }
}

const SAMPLES: [Sample; 4] = [Sample::Ascii, Sample::Peps, Sample::Policies, Sample::Novels];
const MIB: usize = 1 << 20;
const MOST: usize = 4 * MIB;

impl Sample {
    /// The first `bytes` bytes of the sample, cut at a character.
    fn text(self, bytes: usize) -> &'static str {
        static PEPS: LazyLock<String> = LazyLock::new(|| read("peps_en"));
        static ASCII: LazyLock<String> = LazyLock::new(|| PEPS.chars().filter(char::is_ascii).collect());
        static POLICIES: LazyLock<String> = LazyLock::new(|| read("openterms_versions"));
        static NOVELS: LazyLock<String> = LazyLock::new(|| read("conha19_es_novels"));
        let whole: &str = match self {
            Self::Policies => &POLICIES,
            Self::Peps => &PEPS,
            Self::Ascii => &ASCII,
            Self::Novels => &NOVELS,
        };
        &whole[..whole.floor_char_boundary(bytes)]
    }
}

/// The texts of a data set, one behind the other, up to a few MiB.
fn read(name: &str) -> String {
    let file = format!("{}/../../../shared/data/{name}.jsonl.zst", env!("CARGO_MANIFEST_DIR"));
    let lines = format!("zstd -dc --long=27 '{file}' | head -c {}", 3 * MOST);
    let output = Command::new("sh").args(["-c", &lines]).output().expect("a shell");
    let mut text = String::new();
    for line in output.stdout.split(|&byte| byte == b'\n') {
        let Ok(document) = serde_json::from_slice::<serde_json::Value>(line) else {
            continue;
        };
        text.push_str(document["text"].as_str().unwrap_or_default());
        text.push_str("\n\n");
    }
    text
}

fn main() {
    if Sample::Ascii.text(1).is_empty() {
        println!("skipped: no data sets at ../shared/data, or no zstd command");
        return;
    }
    divan::main();
}

/// Borders of words alone.
#[divan::bench(args = SAMPLES)]
fn word_borders(bencher: Bencher<'_, '_>, sample: Sample) {
    let text = sample.text(MIB);
    bencher.counter(BytesCount::of_str(text)).bench(|| {
        let mut words = 0;
        for_each_word(text, |_, _, _| words += 1);
        words
    });
}

/// Words, their normal forms and their numbers.
#[divan::bench(args = SAMPLES)]
fn tokenise(bencher: Bencher<'_, '_>, sample: Sample) {
    let text = sample.text(MIB);
    bencher.counter(BytesCount::of_str(text)).bench(|| Text::new(text).map(|text| text.words().len()));
}

/// Paragraphs and sentences.
#[divan::bench(args = SAMPLES)]
fn structure(bencher: Bencher<'_, '_>, sample: Sample) {
    let text = Text::new(sample.text(MIB)).expect("short enough");
    bencher.counter(BytesCount::of_str(text.source())).bench(|| text.structure());
}

/// The language, from three windows of 2 KiB.
#[divan::bench(args = [Sample::Peps, Sample::Novels])]
fn language(sample: Sample) -> f64 {
    detect(&Text::new(sample.text(MIB)).expect("short enough")).confidence
}

/// The whole analysis, tokenising included.
#[divan::bench(args = SAMPLES, consts = [1, 3])]
fn analyze_mib<const MIBS: usize>(bencher: Bencher<'_, '_>, sample: Sample) {
    let text = sample.text(MIBS * MIB);
    bencher.counter(BytesCount::of_str(text)).bench(|| {
        let text = Text::new(text).expect("short enough");
        analyze(&text, &AnalyzeOptions::default())
    });
}

/// Two texts of 1 MiB that overlap by half.
#[divan::bench(args = SAMPLES)]
fn similarity_of_two_mib(bencher: Bencher<'_, '_>, sample: Sample) {
    let whole = sample.text(3 * MIB / 2);
    let (one, other) =
        (&whole[..whole.floor_char_boundary(MIB)], &whole[whole.floor_char_boundary(MIB / 2)..]);
    bencher
        .counter(BytesCount::new(one.len() + other.len()))
        .bench(|| similarity(one, other, &SimilarityOptions::default()));
}

/// Readability, diversity and suggestions, tokenising included.
#[divan::bench(args = SAMPLES)]
fn quality_mib(bencher: Bencher<'_, '_>, sample: Sample) {
    let text = sample.text(MIB);
    bencher.counter(BytesCount::of_str(text)).bench(|| {
        let text = Text::new(text).expect("short enough");
        quality(&text, &QualityOptions::default())
    });
}

/// The texts of 2 KB that a MiB of the sample is cut into.
fn pages(sample: Sample) -> Vec<&'static str> {
    let mut rest = sample.text(MIB);
    let mut pages = Vec::new();
    while !rest.is_empty() {
        let (page, others) = rest.split_at(rest.floor_char_boundary(2_000).max(1));
        pages.push(page);
        rest = others;
    }
    pages
}

/// Words and shingles of pages of 2 KB, hashed.
#[divan::bench(args = SAMPLES)]
fn shingle_pages(bencher: Bencher<'_, '_>, sample: Sample) {
    let pages = pages(sample);
    let mut shingler = Shingler::new(Shingling::default());
    bencher.counter(BytesCount::new(MIB)).bench_local(|| {
        pages
            .iter()
            .filter_map(|page| shingler.read(page).ok().map(|()| shingler.shingles().len()))
            .sum::<usize>()
    });
}

/// Words, shingles, signature and bands of pages of 2 KB.
#[divan::bench(args = SAMPLES)]
fn fingerprint_pages(bencher: Bencher<'_, '_>, sample: Sample) {
    let pages = pages(sample);
    let banding = Banding::for_threshold(0.8);
    let (mut shingler, mut sketcher) = (Shingler::new(Shingling::default()), Sketcher::new(banding.places()));
    bencher.counter(BytesCount::new(MIB)).bench_local(|| {
        let mut sum = 0_u64;
        for page in &pages {
            if shingler.read(page).is_ok()
                && let Some(signature) = sketcher.sketch(shingler.shingles())
            {
                sum = banding.keys(signature).fold(sum, u64::wrapping_add);
            }
        }
        sum
    });
}

/// Words, shingles and sorted sets of pages of 2 KB.
#[divan::bench(args = SAMPLES)]
fn sort_pages(bencher: Bencher<'_, '_>, sample: Sample) {
    let pages = pages(sample);
    let mut shingler = Shingler::new(Shingling::default());
    let mut buffer = Vec::new();
    bencher.counter(BytesCount::new(MIB)).bench_local(|| {
        let mut sum = 0;
        for page in &pages {
            if shingler.read(page).is_ok() {
                buffer.clear();
                buffer.extend_from_slice(shingler.shingles());
                sum += ShingleSet::sort(&mut buffer).len();
            }
        }
        sum
    });
}

fn traces(texts: &[&str]) -> Vec<Trace> {
    let mut shingler = Shingler::new(Shingling::default());
    texts.iter().filter_map(|text| shingler.read(text).ok().map(|()| Trace::of(&shingler))).collect()
}

/// Words and traces of pages of 2 KB, encoded.
#[divan::bench(args = SAMPLES)]
fn trace_pages(bencher: Bencher<'_, '_>, sample: Sample) {
    let pages = pages(sample);
    let mut shingler = Shingler::new(Shingling::default());
    bencher.counter(BytesCount::new(MIB)).bench_local(|| {
        pages
            .iter()
            .filter_map(|page| shingler.read(page).ok().map(|()| Trace::of(&shingler).encode().len()))
            .sum::<usize>()
    });
}

/// Traces of pages of 2 KB, decoded.
#[divan::bench(args = [Sample::Ascii, Sample::Novels])]
fn decode_pages(bencher: Bencher<'_, '_>, sample: Sample) {
    let traces: Vec<Vec<u8>> = traces(&pages(sample)).iter().map(Trace::encode).collect();
    bencher.counter(BytesCount::new(MIB)).bench(|| {
        traces.iter().filter_map(|trace| Trace::decode(trace).ok()).map(|trace| trace.len()).sum::<usize>()
    });
}

/// Picks out of the shingles of pages of 2 KB that are traced already.
#[divan::bench(args = [Sample::Ascii, Sample::Novels])]
fn winnow_pages(bencher: Bencher<'_, '_>, sample: Sample) {
    let traces = traces(&pages(sample));
    bencher
        .counter(BytesCount::new(MIB))
        .bench(|| traces.iter().map(|trace| winnow(&trace.shingles(), WINDOW).len()).sum::<usize>());
}

/// Passages of two pages of 2 KB that overlap by half.
#[divan::bench(args = SAMPLES)]
fn passages_of_two_pages(bencher: Bencher<'_, '_>, sample: Sample) {
    let pages = pages(sample);
    let text = pages[..3].concat();
    let traces = traces(&[
        &text[..text.floor_char_boundary(2_000)],
        &text[text.floor_char_boundary(1_000)..text.floor_char_boundary(3_000)],
    ]);
    bencher.bench(|| passages(&traces[0], &traces[1], &PassageOptions::default()));
}

/// Passages of two pages of 2 KB from different places.
#[divan::bench(args = SAMPLES)]
fn passages_of_two_unrelated_pages(bencher: Bencher<'_, '_>, sample: Sample) {
    let pages = pages(sample);
    let traces = traces(&[pages[0], pages[pages.len() - 2]]);
    bencher.bench(|| passages(&traces[0], &traces[1], &PassageOptions::default()));
}

/// Passages of two texts of 1 MiB that overlap by half.
#[divan::bench(args = SAMPLES)]
fn passages_of_two_mib(bencher: Bencher<'_, '_>, sample: Sample) {
    let whole = sample.text(3 * MIB / 2);
    let traces =
        traces(&[&whole[..whole.floor_char_boundary(MIB)], &whole[whole.floor_char_boundary(MIB / 2)..]]);
    bencher
        .counter(BytesCount::new(2 * MIB))
        .bench(|| passages(&traces[0], &traces[1], &PassageOptions::default()));
}
