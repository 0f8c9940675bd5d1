//! Which files a corpus consists of.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::CorpusError;
use super::earlier::{KEPT_FOLDER, Listed, SUMMARY, Written};
use super::format::{CorpusFormat, Packing, of_name};
use crate::input::{Format, Input, expand};

/// What stands for standard input.
const STDIN: &str = "-";
/// What a copy of it is called.
const STDIN_COPY: &str = "standard-input";
/// Where open files have names. Some systems give no new file for those, but go on in the open one.
const DESCRIPTORS: [&str; 3] = ["/dev/stdin", "/dev/fd/", "/proc/self/fd/"];

/// A file of a corpus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorpusFile {
    /// Where it is.
    pub path: PathBuf,
    /// How it is packed.
    pub packing: Packing,
    /// For a file that is one document: what it holds.
    pub text: Option<Format>,
    /// How many bytes it has, as it is.
    pub bytes: u64,
    /// For what can be read once only, standard input and pipes: the name that was given. Its path is that of a copy, once it is made.
    pub stream: Option<String>,
}

impl CorpusFile {
    /// Whether it is standard input.
    #[must_use]
    pub fn is_stdin(&self) -> bool {
        self.stream.as_deref() == Some(STDIN)
    }

    /// The name to call it by.
    #[must_use]
    pub fn name(&self) -> String {
        self.stream.clone().unwrap_or_else(|| self.path.display().to_string())
    }

    /// Where a copy of it goes in a folder of what is kept, before parts are left out that lead out of that.
    #[must_use]
    pub fn place(&self) -> PathBuf {
        match self.stream.as_deref() {
            Some(STDIN) => PathBuf::from(STDIN_COPY),
            Some(name) => PathBuf::from(name),
            None => self.path.clone(),
        }
    }
}

/// The files that `names` stand for, in the order of the names, those of a folder by their paths: files, folders with all that is in
/// them, and patterns. In folders, hidden files and files of other types are passed over, and so is what an earlier run wrote there,
/// in the folder `output` above all. A file that several names stand for is taken once; two hard links are two files. Standard
/// input (`-`) and pipes are to be copied with [`copy_streams`] before they are read.
///
/// # Errors
/// [`CorpusError`] when a file is not there or cannot be taken, or when they are not all of one kind.
pub fn find(
    names: &[PathBuf],
    format: Option<CorpusFormat>,
    output: Option<&Path>,
) -> Result<(Vec<CorpusFile>, CorpusFormat), CorpusError> {
    if names.iter().filter(|name| *name == Path::new(STDIN)).count() > 1 {
        let message = "- is named more than once, and standard input can be read once only";
        return Err(CorpusError::Usage(message.to_owned()));
    }
    let mut found =
        Found { format, output: output.and_then(|output| output.canonicalize().ok()), ..Found::default() };
    for input in expand(names) {
        match input.map_err(|(name, error)| CorpusError::Usage(format!("{name}: {error}")))? {
            Input::Stdin => found.add_stdin(),
            Input::File(path) if path.is_dir() => found.add_folder(&path, true)?,
            Input::File(path) => found.add(path)?,
        }
    }
    let found = found.files;
    let Some((first, kind)) = found.first().map(|(file, kind)| (file.name(), *kind)) else {
        return Err(CorpusError::Usage("there is no file in what was named: jsonl, csv, tsv, txt, md and html are taken, also as .gz and .zst, and parquet".to_owned()));
    };
    if let Some((other, _)) = found.iter().find(|(_, other)| *other != kind) {
        let message = format!(
            "{first} and {} are not of one kind: name files of one kind at a time, or give --format",
            other.name()
        );
        return Err(CorpusError::Usage(message));
    }
    Ok((found.into_iter().map(|(file, _)| file).collect(), kind))
}

/// Copies those of the files that can be read once only into the folder `scratch`, because a corpus is read several times.
///
/// # Errors
/// [`CorpusError::Io`].
pub fn copy_streams(files: &mut [CorpusFile], scratch: &Path) -> Result<(), CorpusError> {
    for (number, file) in files.iter_mut().enumerate().filter(|(_, file)| file.stream.is_some()) {
        let (called, name) = if file.is_stdin() {
            ("standard input".to_owned(), STDIN_COPY.to_owned())
        } else {
            (file.name(), format!("stream-{number}"))
        };
        let io = |source| CorpusError::Io { file: called.clone(), at: None, source };
        let path = scratch.join(name);
        let mut copy = fs::File::create_new(&path).map_err(io)?;
        file.bytes = if file.is_stdin() {
            io::copy(&mut io::stdin().lock(), &mut copy)
        } else {
            fs::File::open(&file.path).and_then(|mut from| io::copy(&mut from, &mut copy))
        }
        .map_err(io)?;
        file.path = path;
    }
    Ok(())
}

/// What was found so far.
#[derive(Default)]
struct Found {
    format: Option<CorpusFormat>,
    /// The folder for the results, if it is there.
    output: Option<PathBuf>,
    files: Vec<(CorpusFile, CorpusFormat)>,
    /// Which of them have which device and number.
    by_number: HashMap<(u64, u64), Vec<usize>>,
}

impl Found {
    fn add_stdin(&mut self) {
        let file = CorpusFile {
            path: PathBuf::from(STDIN),
            packing: Packing::None,
            text: Some(Format::Txt),
            bytes: 0,
            stream: Some(STDIN.to_owned()),
        };
        // It has other names too.
        let opened = io::stdin().as_fd().try_clone_to_owned().map(fs::File::from);
        if let Ok(metadata) = opened.and_then(|opened| opened.metadata()) {
            let known = self.by_number.entry((metadata.dev(), metadata.ino())).or_default();
            if metadata.file_type().is_fifo() && !known.is_empty() {
                return;
            }
            known.push(self.files.len());
        }
        self.files.push((file, self.format.unwrap_or(CorpusFormat::Jsonl)));
    }

    /// Adds a pipe, or what is open under a number. Without an ending that tells what is in it, it is taken as standard input is.
    fn add_stream(&mut self, path: PathBuf, number: (u64, u64)) -> Result<(), CorpusError> {
        let known = self.by_number.entry(number).or_default();
        if !known.is_empty() {
            return Ok(());
        }
        known.push(self.files.len());
        let format = self.format.or_else(|| of_name(&path).is_none().then_some(CorpusFormat::Jsonl));
        let name = path.display().to_string();
        let (file, kind) = named(path, 0, format)?;
        self.files.push((CorpusFile { stream: Some(name), ..file }, kind));
        Ok(())
    }

    fn add(&mut self, path: PathBuf) -> Result<(), CorpusError> {
        let metadata = fs::metadata(&path).map_err(|source| cannot_read(&path, source))?;
        let number = (metadata.dev(), metadata.ino());
        let is_descriptor = DESCRIPTORS.iter().any(|begin| path.to_string_lossy().starts_with(begin));
        if metadata.file_type().is_fifo() || metadata.is_file() && is_descriptor {
            return self.add_stream(path, number);
        }
        if !metadata.is_file() {
            let path = path.display();
            let message = format!(
                "{path} is neither a regular file nor a pipe, and a corpus is read several times: pipe it into standard input and name that, `-`"
            );
            return Err(CorpusError::Usage(message));
        }
        let file = named(path, metadata.len(), self.format)?;
        let known = self.by_number.entry(number).or_default();
        let is_known = |place: &usize| {
            let known = self.files.get(*place).map(|(known, _)| known.path.canonicalize());
            // Hard links lead to the same number, but each of them is a file of its own.
            matches!((known, file.0.path.canonicalize()), (Some(Ok(known)), Ok(path)) if known == path)
        };
        if !known.iter().any(is_known) {
            known.push(self.files.len());
            self.files.push(file);
        }
        Ok(())
    }

    /// Adds the files of a folder and of the folders in it, in order of their paths. `is_named` is the folder that was asked for.
    fn add_folder(&mut self, folder: &Path, is_named: bool) -> Result<(), CorpusError> {
        let io = |source| cannot_read(folder, source);
        let mut entries =
            fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(io)?;
        entries.sort_by_key(fs::DirEntry::file_name);
        let results = self.results_in(folder, is_named).map_err(io)?;
        for entry in entries {
            let name = entry.file_name();
            let kind = entry.file_type().map_err(io)?;
            let path = entry.path();
            if name.to_string_lossy().starts_with('.') || results.contains(Path::new(&name)) {
                continue;
            }
            // A link to a folder is not followed: it can lead in a circle.
            if kind.is_dir() {
                self.add_folder(&path, false)?;
            } else if of_name(&path).is_some() && path.is_file() {
                self.add(path)?;
            }
        }
        Ok(())
    }

    /// What earlier runs wrote into a folder, by names in it. Of a folder that was named itself, what was kept is wanted, and only what
    /// was told about it is not.
    fn results_in(&self, folder: &Path, is_named: bool) -> io::Result<BTreeSet<PathBuf>> {
        let Listed::Own(written) = Written::listed_in(&folder.join(SUMMARY))? else {
            return Ok(BTreeSet::new());
        };
        let is_output = self.output.is_some() && folder.canonicalize().ok() == self.output;
        let first_part = |file: &Path| file.components().next().map(|part| PathBuf::from(part.as_os_str()));
        let is_kept = |name: &PathBuf| name.to_string_lossy().starts_with(KEPT_FOLDER);
        let names = written.iter().filter_map(first_part);
        Ok(names.filter(|name| !is_named || is_output || !is_kept(name)).collect())
    }
}

fn named(
    path: PathBuf,
    bytes: u64,
    format: Option<CorpusFormat>,
) -> Result<(CorpusFile, CorpusFormat), CorpusError> {
    let (kind, text, packing) = match (of_name(&path), format) {
        (Some((_, text, packing)), Some(format)) => (format, text.or(Some(Format::Txt)), packing),
        (Some(by_name), None) => by_name,
        (None, Some(format)) => (format, Some(Format::Txt), Packing::None),
        (None, None) => {
            let message = format!(
                "{}: its name does not tell what it holds; jsonl, csv, tsv, txt, md and html are taken, also as .gz and .zst, and parquet, or give --format",
                path.display()
            );
            return Err(CorpusError::Usage(message));
        }
    };
    Ok((CorpusFile { path, packing, text, bytes, stream: None }, kind))
}

fn cannot_read(path: &Path, source: io::Error) -> CorpusError {
    CorpusError::Io { file: path.display().to_string(), at: None, source }
}
