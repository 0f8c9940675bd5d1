//! Why a corpus cannot be read, in words that name the file and what to do.

use std::io;

/// Why reading a corpus had to end.
#[derive(Debug, thiserror::Error)]
pub enum CorpusError {
    /// A file could not be read.
    #[error("{file}: {source}")]
    Io {
        /// Its name.
        file: String,
        /// What the system says.
        source: io::Error,
    },
    /// A record is longer than is taken.
    #[error("{file}:{line}: this record has more than {} MiB, the most that is taken; is it one JSON document a line?", MAX_RECORD_BYTES >> 20)]
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

/// Longest record, in bytes: a text of the most bytes that are taken, with room for escapes and other fields.
pub(super) const MAX_RECORD_BYTES: usize = 1 << 30;
