//! The files that a run writes. They are made under other names in the output folder, and get their own when all of them are there:
//! a run that is interrupted leaves nothing half-written.

use std::borrow::Cow;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use redundancy_engine::corpus::{Block, Corpus as _, Deduplicated, DuplicateKind, Member};
use serde::Serialize;

use super::Failure;
use super::making::{Making, Shared, State};
use super::output::Output;
use super::summary::Summary;
use crate::cli::dedup::DedupArgs;
use crate::corpus::earlier::{KEPT_FOLDER, SUMMARY, Written};
use crate::corpus::{CopyError, CorpusFile, CorpusFormat, FileCorpus};
use crate::figures::count;

/// Names of the other files.
const DUPLICATES: &str = "duplicates.jsonl";
const CLUSTERS: &str = "clusters.jsonl";
const PAIRS: &str = "pairs.jsonl";
const REPORT: &str = "report.html";

/// Results in the making.
pub(super) struct Results {
    /// Where they go; `None` if nothing is to be written.
    output: Option<Output>,
    /// The names of what will be written, the summary last.
    names: Vec<&'static str>,
    /// The folder where they are made. Held while files in it are made or moved.
    making: Shared,
    /// Its path.
    path: PathBuf,
    /// The files that are made.
    made: Written,
}

/// A line of `duplicates.jsonl`.
#[derive(Serialize)]
struct DuplicateLine<'l> {
    id: Cow<'l, str>,
    duplicate_of: Cow<'l, str>,
    kind: &'static str,
    similarity: f64,
}

/// A line of `clusters.jsonl`.
#[derive(Serialize)]
struct ClusterLine<'l> {
    cluster_id: u64,
    ids: Vec<Cow<'l, str>>,
    kept: Cow<'l, str>,
    min_similarity: f64,
}

/// A line of `pairs.jsonl`.
#[derive(Serialize)]
struct PairLine<'l> {
    id1: Cow<'l, str>,
    id2: Cow<'l, str>,
    similarity: f64,
}

impl Results {
    /// Takes the folder for them, and makes one in it for what is in the making. Refuses what would take the place of one of the
    /// `files` that are read, or of somebody else's. Nothing was read before, so that nobody waits for a refusal.
    pub(super) fn begin(
        args: &DedupArgs,
        files: &[CorpusFile],
        format: CorpusFormat,
        making: Shared,
    ) -> Result<Self, Failure> {
        let output = args.write.output.as_ref().filter(|_| !args.write.dry_run);
        let names = names(args, format);
        let (output, begun) = match output {
            None => {
                let cannot = |error| Failure::Other(format!("no temporary folder can be made: {error}"));
                (None, Making::begin(None, Vec::new()).map_err(cannot)?)
            }
            Some(output) => {
                check_inputs(output, files)?;
                let (output, begun) = Output::begin(output, &names)?;
                (Some(output), begun)
            }
        };
        let path = begun.path().to_owned();
        *making.hold() = State::Making(begun);
        Ok(Self { output, names, making, path, made: Written::default() })
    }

    /// A folder for what is needed during the run.
    pub(super) fn scratch(&self) -> &Path {
        &self.path
    }

    /// Makes all files but the report and the summary. Tells how many bytes of input there are.
    pub(super) fn write(
        &mut self,
        corpus: &FileCorpus,
        found: &Deduplicated,
        names: &Names<'_>,
        args: &DedupArgs,
    ) -> Result<u64, Failure> {
        let bytes = self.write_kept(corpus, found)?;
        self.write_lines(
            DUPLICATES,
            found.duplicates.iter().map(|duplicate| DuplicateLine {
                id: names.of_record(duplicate.record),
                duplicate_of: names.of_record(duplicate.kept),
                kind: match duplicate.kind {
                    DuplicateKind::Exact => "exact",
                    DuplicateKind::NormalizedExact => "normalized_exact",
                    DuplicateKind::NearDuplicate => "near_duplicate",
                    DuplicateKind::Contained => "contained",
                },
                similarity: duplicate.similarity,
            }),
        )?;
        self.write_lines(
            CLUSTERS,
            (1..).zip(&found.clusters).map(|(cluster_id, cluster)| ClusterLine {
                cluster_id,
                ids: cluster.records.iter().map(|record| names.of_record(*record)).collect(),
                kept: names.of_record(cluster.kept),
                min_similarity: cluster.min_similarity,
            }),
        )?;
        if args.write.pairs {
            self.write_lines(
                PAIRS,
                found.pairs.iter().map(|pair| PairLine {
                    id1: names.of_record(pair.one),
                    id2: names.of_record(pair.other),
                    similarity: pair.similarity,
                }),
            )?;
        }
        Ok(bytes)
    }

    /// Whether anything is written.
    pub(super) const fn are_wanted(&self) -> bool {
        self.output.is_some()
    }

    /// Makes the report.
    pub(super) fn write_report(&mut self, page: &str) -> Result<(), Failure> {
        self.write_file(REPORT, |file| file.write_all(page.as_bytes()))
    }

    /// Writes the summary and gives all files their names.
    pub(super) fn finish(&mut self, summary: &Summary) -> Result<(), Failure> {
        self.made.add(SUMMARY.into());
        let text = summary.with_files(&self.made)?;
        self.write_file(SUMMARY, |file| file.write_all(text.as_bytes()))?;
        // Until the end of this a signal waits.
        let mut state = self.making.hold();
        if let Some(output) = &self.output {
            output.finish(&self.path, &self.names, &self.made)?;
        }
        *state = State::After { results_stand: self.output.is_some() };
        Ok(())
    }

    /// Copies the records that are kept. Tells how many bytes of input there are.
    fn write_kept(&mut self, corpus: &FileCorpus, found: &Deduplicated) -> Result<u64, Failure> {
        if corpus.format() == CorpusFormat::Files {
            return self.copy_files(corpus, found);
        }
        let mut read = Ok(0);
        self.write_file(kept_name(corpus.format()), |file| {
            if corpus.format() == CorpusFormat::Parquet {
                read = match corpus.copy_parquet(file, |record| !is_left_out(found, record)) {
                    Err(CopyError::Output(error)) => return Err(error),
                    Err(CopyError::Corpus(error)) => Err(error.into()),
                    Ok(bytes) => Ok(bytes),
                };
                return Ok(());
            }
            file.write_all(corpus.heading())?;
            read = each_kept(corpus, found, |record| {
                file.write_all(record)?;
                file.write_all(b"\n")
            });
            Ok(())
        })?;
        read
    }

    /// Copies files that are documents, under their own paths, into a folder.
    fn copy_files(&mut self, corpus: &FileCorpus, found: &Deduplicated) -> Result<u64, Failure> {
        if self.output.is_none() {
            return Ok(corpus.size_bytes());
        }
        let folder = self.path.join(KEPT_FOLDER);
        {
            let _held = self.making.hold();
            fs::create_dir_all(&folder)?;
        }
        let records = u32::try_from(found.records).unwrap_or(u32::MAX);
        for record in (0..records).filter(|record| !is_left_out(found, *record)) {
            let Some(file) = corpus.file(record as usize) else { continue };
            let (path, to) = (&file.path, free_place(&folder, &file.place()));
            let copy = || {
                let _held = self.making.hold();
                fs::create_dir_all(to.parent().unwrap_or(&folder))?;
                fs::copy(path, &to)
            };
            copy().map_err(|error| cannot_write(path, &error))?;
            if let Ok(inner) = to.strip_prefix(&self.path) {
                self.made.add(inner.to_owned());
            }
        }
        Ok(corpus.size_bytes())
    }

    fn write_lines(
        &mut self,
        name: &str,
        lines: impl Iterator<Item = impl Serialize>,
    ) -> Result<(), Failure> {
        self.write_file(name, |file| {
            for line in lines {
                serde_json::to_writer(&mut *file, &line)?;
                file.write_all(b"\n")?;
            }
            Ok(())
        })
    }

    /// Makes a file and sees to it that it is on the disk.
    fn write_file(
        &mut self,
        name: &str,
        write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
    ) -> Result<(), Failure> {
        if self.output.is_none() {
            return Ok(write(&mut io::sink())?);
        }
        let path = self.path.join(name);
        let create = || {
            let _held = self.making.hold();
            File::create_new(&path)
        };
        let made = create().and_then(|file| {
            let mut file = BufWriter::with_capacity(1 << 18, file);
            write(&mut file)?;
            file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
        });
        made.map_err(|error| cannot_write(Path::new(name), &error))?;
        self.made.add(PathBuf::from(name));
        Ok(())
    }
}

impl Drop for Results {
    fn drop(&mut self) {
        // If a signal ends the process, this waits for that, and nobody hears of errors that come of a folder that is gone.
        self.making.hold().give_up();
    }
}

/// The names of what a run writes, the summary last.
fn names(args: &DedupArgs, format: CorpusFormat) -> Vec<&'static str> {
    let mut names = vec![kept_name(format), DUPLICATES, CLUSTERS];
    names.extend(args.write.pairs.then_some(PAIRS));
    names.extend(args.write.report.then_some(REPORT));
    names.push(SUMMARY);
    names
}

/// The name of what is kept of a corpus.
const fn kept_name(format: CorpusFormat) -> &'static str {
    match format {
        CorpusFormat::Jsonl => "kept.jsonl",
        CorpusFormat::Csv => "kept.csv",
        CorpusFormat::Tsv => "kept.tsv",
        CorpusFormat::Parquet => "kept.parquet",
        CorpusFormat::Files => KEPT_FOLDER,
    }
}

/// Refuses inputs that results in the folder `output` would stand beside, or take the place of.
fn check_inputs(output: &Path, files: &[CorpusFile]) -> Result<(), Failure> {
    let Ok(output) = output.canonicalize() else { return Ok(()) };
    // A folder of kept files is replaced as a whole.
    let kept = output.join(KEPT_FOLDER);
    let is_in_the_way = |path: &Path| path.parent() == Some(output.as_path()) || path.starts_with(&kept);
    let inside = files
        .iter()
        .find(|file| !file.is_stdin() && file.path.canonicalize().is_ok_and(|path| is_in_the_way(&path)));
    match inside {
        None => Ok(()),
        Some(file) => Err(Failure::Usage(format!(
            "{}: is in the folder of --output, where the results would stand beside it or take its place: choose another folder",
            file.name()
        ))),
    }
}

/// Where in `folder` a copy of `path` goes: to the same path below it. Paths from the root or from above would lead out of the
/// folder; without that part two can become the same, and then the second has a number in its name.
fn free_place(folder: &Path, path: &Path) -> PathBuf {
    let inner: PathBuf =
        path.components().filter(|part| matches!(part, std::path::Component::Normal(_))).collect();
    let wanted = folder.join(inner);
    let mut place = wanted.clone();
    let mut number = 2_u32;
    while place.exists() {
        let mut name = OsString::from(wanted.file_stem().unwrap_or_default());
        name.push(format!("~{number}"));
        if let Some(ending) = wanted.extension() {
            name.push(".");
            name.push(ending);
        }
        place.set_file_name(name);
        number = number.saturating_add(1);
    }
    place
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::Other(format!("{} cannot be written: {error}", path.display()))
}

/// Gives `keep` each record that is kept, in order. Tells how many bytes were read.
fn each_kept(
    corpus: &FileCorpus,
    found: &Deduplicated,
    mut keep: impl FnMut(&[u8]) -> io::Result<()>,
) -> Result<u64, Failure> {
    let mut reader = corpus.open()?;
    let mut block = Block::default();
    let (mut number, mut bytes) = (0_u32, 0);
    while corpus.next_block(&mut reader, &mut block)? {
        corpus.split(&mut block);
        bytes += block.bytes.len() as u64;
        for record in &block.records {
            if !is_left_out(found, number) {
                keep(block.bytes.get(record.bytes.clone()).unwrap_or_default())?;
            }
            number += 1;
        }
    }
    if u64::from(number) == found.records {
        return Ok(bytes);
    }
    Err(Failure::Other(format!(
        "the input has changed while it was read: {} at first and {number} in the end; nothing was written",
        count(usize::try_from(found.records).unwrap_or(usize::MAX), "record")
    )))
}

fn is_left_out(found: &Deduplicated, record: u32) -> bool {
    found.duplicates.binary_search_by_key(&record, |duplicate| duplicate.record).is_ok()
        || found.invalid_records.binary_search(&record).is_ok()
}

/// What documents in clusters are called.
pub(super) struct Names<'n> {
    corpus: &'n FileCorpus,
    members: &'n [Member],
}

impl<'n> Names<'n> {
    pub(super) fn of(corpus: &'n FileCorpus, found: &'n Deduplicated) -> Self {
        Self { corpus, members: &found.members }
    }

    pub(super) fn of_record(&self, record: u32) -> Cow<'n, str> {
        let place = self.members.binary_search_by_key(&record, |member| member.record).ok();
        let Some(member) = place.and_then(|place| self.members.get(place)) else { return Cow::default() };
        match &member.id {
            Some(id) => Cow::Borrowed(id),
            None => Cow::Owned(self.corpus.name(member.file as usize, member.line)),
        }
    }
}
