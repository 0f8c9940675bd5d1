//! The files that a run writes. They are made under other names in the output folder, and get their own when all of them are there:
//! a run that is interrupted leaves nothing half-written.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use redundancy_engine::corpus::{Block, Corpus as _, Deduplicated, DuplicateKind};
use serde::Serialize;
use tempfile::TempDir;

use super::Failure;
use super::summary::Summary;
use crate::cli::dedup::DedupArgs;
use crate::corpus::{CorpusFile, CorpusFormat, FileCorpus};

/// Beginning of the name of the folder in which results are made.
const MAKING: &str = ".redundancy-dedup-";

/// Name of the folder with copies of files that are documents.
const KEPT: &str = "kept";

/// What some runs write and others do not.
const SOMETIMES: [&str; 5] = ["kept.jsonl", "kept.csv", "kept.tsv", "pairs.jsonl", "report.html"];

/// Results in the making.
pub(super) struct Results {
    /// Where they go; `None` if nothing is to be written.
    output: Option<PathBuf>,
    /// Where they are made. Removed at the end, whatever happens.
    making: TempDir,
    /// The names of those that are made, in order.
    made: Vec<PathBuf>,
}

/// A line of `duplicates.jsonl`.
#[derive(Serialize)]
struct DuplicateLine<'l> {
    id: &'l str,
    duplicate_of: &'l str,
    kind: &'static str,
    similarity: f64,
}

/// A line of `clusters.jsonl`.
#[derive(Serialize)]
struct ClusterLine<'l> {
    cluster_id: u64,
    ids: Vec<&'l str>,
    kept: &'l str,
    min_similarity: f64,
}

/// A line of `pairs.jsonl`.
#[derive(Serialize)]
struct PairLine<'l> {
    id1: &'l str,
    id2: &'l str,
    similarity: f64,
}

impl Results {
    /// Makes the folder, and one in it for what is in the making.
    pub(super) fn begin(args: &DedupArgs) -> Result<Self, Failure> {
        let output = args.write.output.clone().filter(|_| !args.write.dry_run);
        let mut builder = tempfile::Builder::new();
        let making = match &output {
            None => builder.prefix(MAKING).tempdir(),
            Some(folder) => {
                fs::create_dir_all(folder).and_then(|()| builder.prefix(MAKING).tempdir_in(folder))
            }
        };
        let making = making.map_err(|error| match &output {
            None => Failure::Other(format!("no temporary folder can be made: {error}")),
            Some(folder) => Failure::Other(format!("{} cannot be written into: {error}", folder.display())),
        })?;
        Ok(Self { output, making, made: Vec::new() })
    }

    /// A folder for what is needed during the run.
    pub(super) fn scratch(&self) -> &Path {
        self.making.path()
    }

    /// Refuses inputs that the results would take the place of.
    pub(super) fn check_inputs(&self, files: &[CorpusFile]) -> Result<(), Failure> {
        let Some(output) = self.output.as_ref().and_then(|output| output.canonicalize().ok()) else {
            return Ok(());
        };
        // A folder of kept files is replaced as a whole, with all that is in it.
        let kept = output.join(KEPT);
        let is_in_the_way = |path: &Path| path.parent() == Some(output.as_path()) || path.starts_with(&kept);
        let inside = files.iter().find(|file| {
            file.called.is_none() && file.path.canonicalize().is_ok_and(|path| is_in_the_way(&path))
        });
        match inside {
            None => Ok(()),
            Some(file) => Err(Failure::Usage(format!(
                "{}: is in the folder of --output, where the results would stand beside it or take its place: choose another folder",
                file.name()
            ))),
        }
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
            "duplicates.jsonl",
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
            "clusters.jsonl",
            (1..).zip(&found.clusters).map(|(cluster_id, cluster)| ClusterLine {
                cluster_id,
                ids: cluster.records.iter().map(|record| names.of_record(*record)).collect(),
                kept: names.of_record(cluster.kept),
                min_similarity: cluster.min_similarity,
            }),
        )?;
        if args.write.pairs {
            self.write_lines(
                "pairs.jsonl",
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
        self.write_file("report.html", |file| file.write_all(page.as_bytes()))
    }

    /// Writes the summary and gives all files their names.
    pub(super) fn finish(mut self, summary: &Summary) -> Result<(), Failure> {
        let mut text = serde_json::to_string_pretty(summary).map_err(io::Error::from)?;
        text.push('\n');
        self.write_file("summary.json", |file| file.write_all(text.as_bytes()))?;
        let Some(output) = &self.output else { return Ok(()) };
        self.remove_leftovers(output).map_err(|error| cannot_write(output, &error))?;
        let rename = |name: &PathBuf| {
            let to = output.join(name);
            // A folder of an earlier run cannot be replaced by renaming.
            if to.is_dir() {
                fs::remove_dir_all(&to)?;
            }
            fs::rename(self.making.path().join(name), to)
        };
        self.made
            .iter()
            .try_for_each(rename)
            .and_then(|()| File::open(output)?.sync_all())
            .map_err(|error| cannot_write(output, &error))
    }

    /// Removes what an earlier run wrote and this one does not: beside the new results it would be taken for one of them. Where there is
    /// no summary, no earlier run wrote anything.
    fn remove_leftovers(&self, output: &Path) -> io::Result<()> {
        if !output.join("summary.json").is_file() {
            return Ok(());
        }
        let is_made = |name: &&str| self.made.iter().any(|made| made == Path::new(name));
        for name in SOMETIMES.iter().filter(|name| !is_made(name)) {
            match fs::remove_file(output.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => (),
            }
        }
        Ok(())
    }

    /// Copies the records that are kept.
    fn write_kept(&mut self, corpus: &FileCorpus, found: &Deduplicated) -> Result<u64, Failure> {
        match corpus.format().extension() {
            Some(extension) => {
                let mut bytes = 0;
                let name = format!("kept.{extension}");
                let mut failure = None;
                self.write_file(&name, |file| {
                    file.write_all(corpus.heading())?;
                    let copied = each_kept(corpus, found, |record| {
                        file.write_all(record)?;
                        file.write_all(b"\n")
                    });
                    match copied {
                        Ok(read) => bytes = read,
                        Err(error) => failure = Some(error),
                    }
                    Ok(())
                })?;
                failure.map_or(Ok(bytes), Err)
            }
            None => self.copy_files(corpus, found),
        }
    }

    /// Copies files that are documents, under their own paths, into a folder.
    fn copy_files(&mut self, corpus: &FileCorpus, found: &Deduplicated) -> Result<u64, Failure> {
        debug_assert_eq!(corpus.format(), CorpusFormat::Files, "other formats have an extension");
        if self.output.is_none() {
            return Ok(corpus.size_bytes());
        }
        let is_left_out = |record: u32| {
            found.duplicates.binary_search_by_key(&record, |duplicate| duplicate.record).is_ok()
                || found.invalid_records.binary_search(&record).is_ok()
        };
        let folder = self.making.path().join(KEPT);
        fs::create_dir_all(&folder)?;
        let records = u32::try_from(found.records).unwrap_or(u32::MAX);
        for record in (0..records).filter(|record| !is_left_out(*record)) {
            let Some(path) = corpus.path(record as usize) else { continue };
            let to = free_place(&folder, path);
            let copy = || {
                fs::create_dir_all(to.parent().unwrap_or(&folder))?;
                fs::copy(path, &to)
            };
            copy().map_err(|error| cannot_write(path, &error))?;
        }
        self.made.push(PathBuf::from(KEPT));
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
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Failure> {
        if self.output.is_none() {
            return Ok(write(&mut io::sink())?);
        }
        let path = self.making.path().join(name);
        let made = File::create(&path).and_then(|file| {
            let mut file = BufWriter::with_capacity(1 << 18, file);
            write(&mut file)?;
            file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
        });
        made.map_err(|error| cannot_write(Path::new(name), &error))?;
        self.made.push(PathBuf::from(name));
        Ok(())
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
    let mut dropped = found.duplicates.iter().map(|duplicate| duplicate.record).peekable();
    let mut reader = corpus.open()?;
    let mut block = Block::default();
    let (mut number, mut bytes) = (0_u32, 0);
    let invalid = &found.invalid_records;
    while corpus.next_block(&mut reader, &mut block)? {
        corpus.split(&mut block);
        bytes += block.bytes.len() as u64;
        for record in &block.records {
            let is_dropped = dropped.next_if_eq(&number).is_some() || invalid.binary_search(&number).is_ok();
            number += 1;
            if !is_dropped {
                keep(block.bytes.get(record.bytes.clone()).unwrap_or_default())?;
            }
        }
    }
    Ok(bytes)
}

/// What documents in clusters are called.
pub(super) struct Names<'n> {
    records: Vec<(u32, std::borrow::Cow<'n, str>)>,
}

impl<'n> Names<'n> {
    pub(super) fn of(corpus: &FileCorpus, found: &'n Deduplicated) -> Self {
        let name = |member: &'n redundancy_engine::corpus::Member| match &member.id {
            Some(id) => std::borrow::Cow::Borrowed(id.as_str()),
            None => std::borrow::Cow::Owned(corpus.name(member.file, member.line)),
        };
        Self { records: found.members.iter().map(|member| (member.record, name(member))).collect() }
    }

    pub(super) fn of_record(&self, record: u32) -> &str {
        let place = self.records.binary_search_by_key(&record, |(record, _)| *record).ok();
        place.and_then(|place| self.records.get(place)).map_or("", |(_, name)| name)
    }
}
