//! `redundancy dedup`: duplicates across a whole corpus.

mod evidence;
mod making;
mod output;
mod report;
mod results;
mod summary;

use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Instant;

use redundancy_engine::corpus::{
    CorpusJobError, DedupOptions, Deduplicated, Kept, MemoryLimit, Mode, Progress as Step, Stage, deduplicate,
};

use super::output::print_json;
use super::{Failure, Outcome, complain};
use crate::cli::dedup::{DedupArgs, ModeChoice};
use crate::corpus::{CorpusError, Fields, FileCorpus, copy_streams, find};
use crate::figures::of;
use crate::progress::Progress;
use making::Shared;
use results::{Names, Results};
use summary::Summary;

/// How many broken records are told of one by one.
const TOLD_FAULTS: usize = 10;

pub(super) fn run(args: &DedupArgs) -> Result<Outcome, Failure> {
    let began = Instant::now();
    let making = Shared::listen()?;
    let (mut files, format) = find(&args.inputs, args.format.map(Into::into), args.write.output.as_deref())?;
    let mut results = Results::begin(args, &files, format, making)?;
    copy_streams(&mut files, results.scratch())?;
    let fields =
        Fields { text: args.text_field.clone(), id: args.id_field.clone(), rank: args.keep.field.clone() };
    let corpus = FileCorpus::new(files, format, fields, args.normalize())?;
    let options = options(args, results.scratch());
    let found = look(&corpus, &options)?;
    complain_of_faults(&corpus, &found, args.strict)?;
    if let Some(field) = args.keep.field.as_ref().filter(|_| found.documents > 0 && !corpus.has_ranks()) {
        complain(&format!(
            "no record has a number in the field {field:?}; the first of each cluster is kept"
        ));
    }
    let names = Names::of(&corpus, &found);
    let bytes = results.write(&corpus, &found, &names, args)?;
    let shown = (args.write.report && results.are_wanted()).then(|| evidence::of(&corpus, &found, &names));
    let shown = shown.transpose()?;
    let summary = Summary::new(args, &found, bytes, began.elapsed());
    if let Some(clusters) = shown {
        results.write_report(&report::page(args, &found, clusters, &summary))?;
    }
    results.finish(&summary)?;
    if args.json {
        print_json(&summary)?;
    } else {
        summary.print(args)?;
    }
    Ok(Outcome::Fine)
}

fn options(args: &DedupArgs, scratch: &Path) -> DedupOptions {
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    DedupOptions {
        mode: match args.mode {
            ModeChoice::Near => Mode::Near { threshold: args.threshold },
            ModeChoice::Contained => Mode::Contained { threshold: args.threshold },
            ModeChoice::Exact => Mode::Exact,
        },
        shingling: args.shingle,
        keep: args.keep.keep,
        all_pairs: args.write.pairs,
        threads: args.threads.unwrap_or(cores),
        memory: Some(MemoryLimit { bytes: args.memory, folder: scratch.to_owned() }),
    }
}

/// Does the work behind a progress bar.
fn look(corpus: &FileCorpus, options: &DedupOptions) -> Result<Deduplicated, Failure> {
    let bar = Progress::new(Some(corpus.size_bytes()));
    let mut stage = Stage::Reading;
    let mut done = 0;
    let mut advance = |step: Step| {
        if step.stage != stage || done == 0 {
            stage = step.stage;
            bar.begin(match stage {
                Stage::Reading => "reading",
                Stage::Gathering => "reading candidates",
                Stage::Comparing => "comparing",
                Stage::Deciding => "deciding",
            });
        }
        if step.stage == Stage::Reading {
            bar.advance(step.done.saturating_sub(done));
            done = step.done;
        }
    };
    let found = deduplicate(corpus, options, &mut advance);
    found.map_err(|error| match error {
        CorpusJobError::Corpus(error) => error.into(),
        CorpusJobError::Overflow(_) => Failure::Other(error.to_string()),
        CorpusJobError::Memory { kept, count, needed_bytes, .. } => {
            // Where not all is read yet, all of it will take so many times as much.
            let (size, read) = (corpus.size_bytes().max(done), done.max(1));
            let whole = u128::from(needed_bytes) * u128::from(size) / u128::from(read);
            let needed = if kept == Kept::Documents && done > 0 { whole } else { needed_bytes.into() };
            Failure::Usage(format!(
                "--memory is too little for {count} {kept}: what cannot go to the disk takes {} MiB; give --memory {}M or more",
                needed_bytes >> 20,
                needed.next_power_of_two() >> 20,
            ))
        }
    })
}

/// Tells of the records that could not be read.
fn complain_of_faults(corpus: &FileCorpus, found: &Deduplicated, is_strict: bool) -> Result<(), Failure> {
    for fault in found.invalid.iter().take(TOLD_FAULTS) {
        let message = format!("{}: {}", corpus.name(fault.file, fault.line), fault.reason);
        if is_strict {
            return Err(Failure::Other(format!(
                "{message} (with --strict this ends the work; nothing was written)"
            )));
        }
        complain(&format!("{message}; it is left out"));
    }
    let untold = found.invalid_records.len().saturating_sub(TOLD_FAULTS);
    if untold > 0 {
        complain(&format!("{untold} more {} could not be read", of(untold as u64, "record")));
    }
    Ok(())
}

impl From<CorpusError> for Failure {
    fn from(error: CorpusError) -> Self {
        match error {
            CorpusError::Usage(message) => Self::Usage(message),
            CorpusError::Io { .. } | CorpusError::RecordTooLong { .. } | CorpusError::Columns { .. } => {
                Self::Other(error.to_string())
            }
        }
    }
}
