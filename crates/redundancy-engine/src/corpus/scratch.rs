//! A file for what memory has no room for.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// A file that is only added to, made when something is added first. It has no name: the system removes it when it is closed, whatever
/// happens.
#[derive(Debug)]
pub(super) struct Scratch {
    folder: PathBuf,
    file: Option<File>,
    end: u64,
}

/// How many bytes are gathered before they are written.
const WRITTEN_AT_ONCE: usize = 1 << 18;

impl Scratch {
    /// A file in `folder`.
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), file: None, end: 0 }
    }

    /// Adds `items`, and tells at which byte they begin.
    pub(super) fn append<const N: usize>(&mut self, items: impl Iterator<Item = [u8; N]>) -> io::Result<u64> {
        let begin = self.end;
        let file = match &self.file {
            Some(file) => file,
            None => self.file.insert(tempfile::tempfile_in(&self.folder)?),
        };
        let mut writer = BufWriter::with_capacity(WRITTEN_AT_ONCE, file);
        for item in items {
            writer.write_all(&item)?;
            self.end += N as u64;
        }
        writer.flush()?;
        Ok(begin)
    }

    /// The `count` items that begin at byte `at`.
    pub(super) fn read<const N: usize>(&self, at: u64, count: usize) -> io::Result<Vec<[u8; N]>> {
        let mut items = vec![[0; N]; count];
        match &self.file {
            Some(file) => file.read_exact_at(items.as_flattened_mut(), at)?,
            None if count == 0 => {}
            None => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
        Ok(items)
    }
}
