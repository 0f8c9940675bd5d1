//! The page that `--report` asks for.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use redundancy_engine::corpus::Deduplicated;
use redundancy_engine::detect::fingerprint::Shingling;

use super::summary::Summary;
use crate::cli::dedup::{DedupArgs, ModeChoice};
use crate::figures::count;
use crate::html::{DedupFindings, Report, ShownCluster};

/// How many inputs are named in the title.
const MAX_NAMES: usize = 3;
/// Longest title, in characters.
const TITLE_CHARS: usize = 200;

/// The page.
pub(super) fn page(
    args: &DedupArgs,
    found: &Deduplicated,
    clusters: Vec<ShownCluster>,
    summary: &Summary,
) -> String {
    let mut report = Report::new("Duplicates across a corpus");
    report.add_dedup(&DedupFindings {
        name: name(args),
        found,
        bytes: summary.bytes,
        seconds: summary.seconds,
        documents_per_second: summary.documents_per_second,
        parameters: parameters(args, summary),
        meaning: meaning(args),
        clusters,
    });
    report.page()
}

fn name(args: &DedupArgs) -> String {
    let name = |path: &PathBuf| {
        if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() }
    };
    let names: Vec<String> = args.inputs.iter().take(MAX_NAMES).map(name).collect();
    let mut title: String = names.join(", ").chars().take(TITLE_CHARS).collect();
    let more = args.inputs.len().saturating_sub(MAX_NAMES);
    if more > 0 {
        let _ = write!(title, " and {more} more");
    }
    title
}

fn parameters(args: &DedupArgs, summary: &Summary) -> Vec<(&'static str, String)> {
    let asked = &summary.parameters;
    let mut parameters = vec![("Mode", asked.mode.to_owned())];
    if args.mode != ModeChoice::Exact {
        parameters.push(("Threshold", asked.threshold.to_string()));
        parameters.push(("Shingles", asked.shingle.clone()));
    }
    if !asked.normalize.is_empty() {
        parameters.push(("Ignored too", asked.normalize.join(", ")));
    }
    parameters.push(("Kept of each cluster", asked.keep.clone()));
    parameters.push(("Field with the text", asked.text_field.clone()));
    parameters.push(("Field with the id", asked.id_field.clone()));
    parameters
}

/// What a figure on the page stands for.
fn meaning(args: &DedupArgs) -> String {
    let mut ignored = "case, punctuation and white space".to_owned();
    for what in &args.normalize {
        let _ = write!(ignored, ", {}", what.name());
    }
    let same =
        format!("Documents that differ in nothing but {ignored} are duplicates with a similarity of 1.");
    let shingles = match args.shingle {
        Shingling::Words(size) => format!("runs of {}", count(size.get(), "word")),
        Shingling::Chars(size) => format!("runs of {}", count(size.get(), "character")),
    };
    let set = format!("Each document is taken as the set of its shingles: all {shingles} in it.");
    let threshold = args.threshold;
    match args.mode {
        ModeChoice::Exact => same,
        ModeChoice::Near => format!(
            "{set} The similarity of two documents is the Jaccard index of their sets: how many shingles both have, divided by how many \
             there are in either. From {threshold} on they are duplicates. Candidates are found by sketches and then counted exactly, \
             so that no figure here is an estimate. {same} A cluster is held together by links from one document to the next; it \
             stays whole at any threshold up to its weakest link, and a document in it can be less similar to the kept one than the \
             threshold."
        ),
        ModeChoice::Contained => format!(
            "{set} The similarity of a document to a larger one is its containment: the share of its shingles that the larger one has \
             too. From {threshold} on it is dropped for the larger one, if that is kept. Candidates are found by the shingles that \
             they share and then counted exactly, so that no figure here is an estimate. {same} The weakest link of a cluster is the \
             least share among the documents that were dropped for the one it keeps."
        ),
    }
}
