//! What a run came to, for people and programs.

use std::fs;
use std::io::{self, Write as _};
use std::time::Duration;

use redundancy_engine::corpus::Deduplicated;
use serde::Serialize;

use crate::cli::dedup::{DedupArgs, ModeChoice};
use crate::corpus::earlier::{List, Written};
use crate::figures::{count, grouped, of};

/// What `summary.json` says, but for the files that were written.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    /// Documents that could be read.
    documents: u64,
    /// Those that are kept.
    kept: u64,
    /// Those that are not.
    duplicates: u64,
    /// Groups of documents that are duplicates of each other.
    clusters: u64,
    /// Records that could not be read.
    invalid: u64,
    /// Bytes of input, unpacked.
    pub(super) bytes: u64,
    /// How long it took, all told.
    pub(super) seconds: f64,
    /// Documents in each of them.
    pub(super) documents_per_second: u64,
    /// The most memory the program held; `null` where the system does not tell.
    peak_memory_bytes: Option<u64>,
    pub(super) parameters: Parameters,
}

/// The same with what the run wrote.
#[derive(Serialize)]
struct WithFiles<'s> {
    #[serde(flatten)]
    summary: &'s Summary,
    #[serde(flatten)]
    list: List,
}

/// What was asked for.
#[derive(Debug, Serialize)]
pub(super) struct Parameters {
    pub(super) mode: &'static str,
    pub(super) threshold: f64,
    pub(super) shingle: String,
    pub(super) normalize: Vec<&'static str>,
    pub(super) keep: String,
    pub(super) text_field: String,
    pub(super) id_field: String,
}

impl Summary {
    pub(super) fn new(args: &DedupArgs, found: &Deduplicated, bytes: u64, elapsed: Duration) -> Self {
        let seconds = elapsed.as_secs_f64();
        let duplicates = found.duplicates.len() as u64;
        Self {
            documents: found.documents,
            kept: found.documents - duplicates,
            duplicates,
            clusters: found.clusters.len() as u64,
            invalid: found.invalid_records.len() as u64,
            bytes,
            seconds: (seconds * 1e3).round() / 1e3,
            documents_per_second: (found.documents * 1_000)
                .checked_div(elapsed.as_millis().try_into().unwrap_or(u64::MAX))
                .unwrap_or(found.documents),
            peak_memory_bytes: peak_memory_bytes(),
            parameters: Parameters {
                mode: match args.mode {
                    ModeChoice::Near => "near",
                    ModeChoice::Contained => "contained",
                    ModeChoice::Exact => "exact",
                },
                threshold: args.threshold,
                shingle: args.shingle.to_string(),
                normalize: args.normalize.iter().map(|what| what.name()).collect(),
                keep: args.keep.to_string(),
                text_field: args.text_field.clone(),
                id_field: args.id_field.clone(),
            },
        }
    }

    /// What stands in `summary.json`: this, and the list of the `files` that the run wrote, by which a later run knows them.
    pub(super) fn with_files(&self, files: &Written) -> io::Result<String> {
        let whole = WithFiles { summary: self, list: files.to_list() };
        let mut text = serde_json::to_string_pretty(&whole)?;
        text.push('\n');
        Ok(text)
    }

    pub(super) fn print(&self, args: &DedupArgs) -> io::Result<()> {
        let mut out = io::stdout().lock();
        let share = 100.0 * self.duplicates as f64 / self.documents.max(1) as f64;
        writeln!(out, "{:>12} {}", grouped(self.documents), of(self.documents, "document"))?;
        writeln!(
            out,
            "{:>12} {} in {} ({share:.1} %)",
            grouped(self.duplicates),
            of(self.duplicates, "duplicate"),
            count(self.clusters, "cluster")
        )?;
        writeln!(out, "{:>12} kept", grouped(self.kept))?;
        if self.invalid > 0 {
            let records = of(self.invalid, "record");
            writeln!(out, "{:>12} {records} could not be read", grouped(self.invalid))?;
        }
        writeln!(
            out,
            "\n{} MB in {:.1} s, {} a second",
            self.bytes / 1_000_000,
            self.seconds,
            count(self.documents_per_second, "document")
        )?;
        match &args.write.output {
            Some(folder) if !args.write.dry_run => writeln!(out, "Written to {}", folder.display()),
            _ => writeln!(out, "Nothing was written"),
        }
    }
}

/// The high-water mark of resident memory, as Linux tells it.
fn peak_memory_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
