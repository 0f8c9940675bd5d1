//! Why a corpus cannot be read, in words that name the file and what to do.

use std::io;

use super::CorpusFile;

/// Why reading a corpus had to end.
#[derive(Debug, thiserror::Error)]
pub enum CorpusError {
    /// A file could not be read, or not unpacked to its end.
    #[error("{file}: {source}{}", Self::place(at.as_ref()))]
    Io {
        /// Its name.
        file: String,
        /// How far it was read, in words that follow `after`, if any of it was.
        at: Option<String>,
        /// What the system says.
        source: io::Error,
    },
    /// A record is longer than is taken.
    #[error("{file}:{line}: this record has more than {} MiB, the most that is taken; does each record end where its line or its quotation mark does?", MAX_RECORD_BYTES >> 20)]
    RecordTooLong {
        /// Its file.
        file: String,
        /// Its line.
        line: u64,
    },
    /// The arguments do not fit the files.
    #[error("{0}")]
    Usage(String),
    /// A file with columns cannot be understood.
    #[error("{file}: {reason}")]
    Columns {
        /// Its name.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl CorpusError {
    /// Why a file could not be read, `at` being how far it was.
    pub(super) fn io(file: &CorpusFile, at: Option<String>, source: io::Error) -> Self {
        Self::Io { file: file.name(), at, source }
    }

    fn place(at: Option<&String>) -> String {
        at.map_or_else(String::new, |at| format!(", after {at}"))
    }
}

/// Longest record, in bytes: a text of the most bytes that are taken, with room for escapes and other fields.
pub(super) const MAX_RECORD_BYTES: usize = 1 << 30;
