//! Which files a corpus consists of.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::CorpusError;
use super::format::{CorpusFormat, Packing, of_name};
use crate::input::{Format, Input, expand};

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
    /// What it is called, if not by its path.
    pub called: Option<&'static str>,
}

impl CorpusFile {
    /// The name to call it by.
    #[must_use]
    pub fn name(&self) -> String {
        self.called.map_or_else(|| self.path.display().to_string(), str::to_owned)
    }
}

/// The files that `names` stand for, in the order of the names, those of a folder by their paths: files, folders with all that is in
/// them, and patterns. In folders, hidden files and files of other types are passed over. Standard input (`-`) is copied into
/// `scratch` first, because a corpus is read several times.
///
/// # Errors
/// [`CorpusError`] when a file is not there or cannot be taken, or when they are not all of one kind.
pub fn find(
    names: &[PathBuf],
    format: Option<CorpusFormat>,
    scratch: &Path,
) -> Result<(Vec<CorpusFile>, CorpusFormat), CorpusError> {
    let mut found = Vec::new();
    for input in expand(names) {
        match input.map_err(|(name, error)| CorpusError::Usage(format!("{name}: {error}")))? {
            Input::Stdin => found.push(copy_of_stdin(format, scratch)?),
            Input::File(path) if path.is_dir() => in_folder(&path, &mut found)?,
            Input::File(path) => found.push(named(path, format)?),
        }
    }
    let Some((first, kind)) = found.first().map(|(file, kind)| (file.name(), *kind)) else {
        return Err(CorpusError::Usage("there is no file in what was named: jsonl, csv, tsv, txt, md and html are taken, also as .gz and .zst".to_owned()));
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

fn named(path: PathBuf, format: Option<CorpusFormat>) -> Result<(CorpusFile, CorpusFormat), CorpusError> {
    let io = |source| CorpusError::Io { file: path.display().to_string(), source };
    let bytes = fs::metadata(&path).map_err(io)?.len();
    let (kind, text, packing) = match (of_name(&path), format) {
        (Some((_, text, packing)), Some(format)) => (format, text.or(Some(Format::Txt)), packing),
        (Some(by_name), None) => by_name,
        (None, Some(format)) => (format, Some(Format::Txt), Packing::None),
        (None, None) => {
            let message = format!(
                "{}: its name does not tell what it holds; jsonl, csv, tsv, txt, md and html are taken, also as .gz and .zst, or give --format",
                path.display()
            );
            return Err(CorpusError::Usage(message));
        }
    };
    Ok((CorpusFile { path, packing, text, bytes, called: None }, kind))
}

/// Adds the files of a folder and of the folders in it, in order of their paths.
fn in_folder(folder: &Path, found: &mut Vec<(CorpusFile, CorpusFormat)>) -> Result<(), CorpusError> {
    let io = |source| CorpusError::Io { file: folder.display().to_string(), source };
    let mut entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(io)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        let kind = entry.file_type().map_err(io)?;
        let path = entry.path();
        if is_hidden {
            continue;
        }
        // A link to a folder is not followed: it can lead in a circle.
        if kind.is_dir() {
            in_folder(&path, found)?;
        } else if of_name(&path).is_some() && path.is_file() {
            found.push(named(path, None)?);
        }
    }
    Ok(())
}

fn copy_of_stdin(
    format: Option<CorpusFormat>,
    scratch: &Path,
) -> Result<(CorpusFile, CorpusFormat), CorpusError> {
    let path = scratch.join("standard-input");
    let io = |source| CorpusError::Io { file: "standard input".to_owned(), source };
    let mut copy = fs::File::create(&path).map_err(io)?;
    let bytes = io::copy(&mut io::stdin().lock(), &mut copy).map_err(io)?;
    let file = CorpusFile { path, packing: Packing::None, text: Some(Format::Txt), bytes, called: Some("-") };
    Ok((file, format.unwrap_or(CorpusFormat::Jsonl)))
}
