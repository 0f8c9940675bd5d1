//! What rows are read from: the bytes of a file with columns, no more for one row than is taken, and with a mark behind them by which
//! a last row shows that its quotation mark was never closed.

use std::io::{self, Read};

use super::error::MAX_RECORD_BYTES;

/// What comes behind the last row, on a line of its own. Within open quotes it becomes part of the last value. The characters that
/// begin and end it are for private use, so that no text has it.
const MARK: &str = "\u{10FFFD}end of the rows\u{10FFFD}";

/// The bytes of a file and the mark.
pub(super) struct RowSource {
    from: Box<dyn Read + Send>,
    /// What was not read of the line with the mark.
    rest: io::Cursor<Vec<u8>>,
    /// How many bytes may still be read for this row.
    left: usize,
}

/// What a row shows about the end of its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Nothing: it is a row.
    None,
    /// It is the mark: there are no more rows.
    Mark,
    /// Its last value began with a quotation mark that is never closed, and has swallowed all that stood behind.
    Unclosed,
}

impl RowSource {
    pub(super) fn new(from: Box<dyn Read + Send>) -> Self {
        let rest = io::Cursor::new(format!("\n{MARK}\n").into_bytes());
        Self { from, rest, left: MAX_RECORD_BYTES }
    }

    /// To be called before each row.
    pub(super) const fn begin_row(&mut self) {
        self.left = MAX_RECORD_BYTES;
    }

    /// What the values of a row say.
    pub(super) fn end(row: &csv::ByteRecord) -> End {
        let last = row.len().checked_sub(1).and_then(|last| row.get(last)).unwrap_or_default();
        if !last.trim_ascii_end().ends_with(MARK.as_bytes()) {
            End::None
        } else if row.len() == 1 && last == MARK.as_bytes() {
            End::Mark
        } else {
            End::Unclosed
        }
    }
}

impl Read for RowSource {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let most = to.len().min(self.left);
        let to = to.get_mut(..most).unwrap_or_default();
        let mut read = self.from.read(to)?;
        if read == 0 {
            read = self.rest.read(to)?;
        }
        self.left -= read;
        Ok(read)
    }
}
