//! Reads the files of a corpus one after the other, a block at a time.

use std::fs::File;
use std::io::{self, BufRead as _, Read};

use flate2::read::MultiGzDecoder;
use memchr::{memchr_iter, memrchr};
use redundancy_engine::corpus::{Block, Record};

use super::columns::{Columns, Rows};
use super::error::MAX_RECORD_BYTES;
use super::parquet::{ParquetColumns, RowReader};
use super::{CorpusError, CorpusFile, Packing};
use crate::figures::count;

/// How much is read at a time.
const BLOCK_BYTES: usize = 1 << 20;

/// What some programs write before the first line of a file in UTF-8. It is no part of a record.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Largest window of a Zstandard file, as a power of two: what `zstd --long=27` makes.
const ZSTD_WINDOW_LOG: u32 = 27;

/// Where a reading stands.
#[derive(Default)]
pub struct FileReader {
    /// The file that is read, or the next one.
    file: usize,
    open: Option<Box<dyn Read + Send>>,
    /// The begin of a record whose end was not read yet.
    rest: Vec<u8>,
    /// The line that comes next.
    line: u64,
    rows: Option<Rows>,
    parquet: Option<RowReader>,
}

impl std::fmt::Debug for FileReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileReader")
            .field("file", &self.file)
            .field("line", &self.line)
            .finish_non_exhaustive()
    }
}

impl FileReader {
    /// Reads whole lines. They are found later, by many threads.
    pub(super) fn lines(&mut self, files: &[CorpusFile], block: &mut Block) -> Result<bool, CorpusError> {
        loop {
            let Some(file) = files.get(self.file) else { return Ok(false) };
            let from = if let Some(from) = &mut self.open {
                from
            } else {
                self.line = 1;
                self.open.insert(unpack(file).map_err(|error| CorpusError::io(file, None, error))?)
            };
            block.bytes.clear();
            block.bytes.append(&mut self.rest);
            block.file = self.file;
            block.line = self.line;
            let mut wanted = BLOCK_BYTES;
            let end = loop {
                let before = block.bytes.len();
                let read = from.by_ref().take(wanted as u64).read_to_end(&mut block.bytes);
                let read = read.map_err(|error| {
                    let line = self.line + memchr_iter(b'\n', &block.bytes).count() as u64;
                    CorpusError::io(file, Some(format!("line {}", line - 1)), error)
                })?;
                if self.line == 1 && block.bytes.starts_with(BYTE_ORDER_MARK) {
                    block.bytes.drain(..BYTE_ORDER_MARK.len());
                }
                if read < wanted {
                    self.open = None;
                    self.file += 1;
                    break block.bytes.len();
                }
                if let Some(end) = block.bytes.get(before..).and_then(|read| memrchr(b'\n', read)) {
                    break before + end + 1;
                }
                if block.bytes.len() > MAX_RECORD_BYTES {
                    return Err(CorpusError::RecordTooLong { file: file.name(), line: self.line });
                }
                wanted = block.bytes.len();
            };
            self.rest.extend(block.bytes.drain(end..));
            self.line += memchr_iter(b'\n', &block.bytes).count() as u64;
            if !block.bytes.is_empty() {
                return Ok(true);
            }
        }
    }

    /// Reads whole files, about as many as make a block.
    pub(super) fn whole(&mut self, files: &[CorpusFile], block: &mut Block) -> Result<bool, CorpusError> {
        block.bytes.clear();
        block.file = self.file;
        while let Some(file) = files.get(self.file) {
            let start = block.bytes.len();
            let mut from = unpack(file).map_err(|error| CorpusError::io(file, None, error))?;
            let most = MAX_RECORD_BYTES as u64 + 1;
            let read = from.by_ref().take(most).read_to_end(&mut block.bytes);
            let read = read.map_err(|error| {
                let bytes = block.bytes.len() - start;
                CorpusError::io(file, Some(format!("{} of text", count(bytes, "byte"))), error)
            })?;
            if read as u64 == most {
                return Err(CorpusError::RecordTooLong { file: file.name(), line: 1 });
            }
            block.records.push(Record { bytes: start..block.bytes.len(), file: self.file, line: 1 });
            self.file += 1;
            if block.bytes.len() >= BLOCK_BYTES {
                break;
            }
        }
        Ok(!block.records.is_empty())
    }

    /// Reads rows of files with columns. A row can have many lines, so rows are found here.
    pub(super) fn rows(
        &mut self,
        files: &[CorpusFile],
        columns: Option<&Columns>,
        block: &mut Block,
    ) -> Result<bool, CorpusError> {
        let Some(columns) = columns else { return Ok(false) };
        let open = |file: &CorpusFile| {
            let from = unpack(file).map_err(|error| CorpusError::io(file, None, error))?;
            let mut rows = columns.reader(from);
            columns.check_heading(&mut rows, file)?;
            Ok(rows)
        };
        let next = |rows: &mut _, file: &CorpusFile, number: usize, block: &mut Block| {
            columns.next_row(rows, file, number, block)
        };
        fill(files, &mut self.file, &mut self.rows, block, open, next)
    }

    /// Reads rows of Parquet files.
    pub(super) fn parquet_rows(
        &mut self,
        files: &[CorpusFile],
        columns: Option<&ParquetColumns>,
        block: &mut Block,
    ) -> Result<bool, CorpusError> {
        let Some(columns) = columns else { return Ok(false) };
        let next = |rows: &mut _, file: &CorpusFile, number: usize, block: &mut Block| {
            columns.next_rows(rows, file, number, block)
        };
        fill(files, &mut self.file, &mut self.parquet, block, |file| columns.open(file), next)
    }
}

/// Fills a block with rows: from the file that is open, and from those behind it. `at` is the number of the file; `next` appends rows of
/// it, and says `false` at its end.
fn fill<R>(
    files: &[CorpusFile],
    at: &mut usize,
    opened: &mut Option<R>,
    block: &mut Block,
    open: impl Fn(&CorpusFile) -> Result<R, CorpusError>,
    next: impl Fn(&mut R, &CorpusFile, usize, &mut Block) -> Result<bool, CorpusError>,
) -> Result<bool, CorpusError> {
    block.bytes.clear();
    while block.bytes.len() < BLOCK_BYTES {
        let Some(file) = files.get(*at) else { break };
        let rows = match &mut *opened {
            Some(rows) => rows,
            none => none.insert(open(file)?),
        };
        if !next(rows, file, *at, block)? {
            *opened = None;
            *at += 1;
        }
    }
    Ok(!block.records.is_empty())
}

/// The bytes in a file. What its name does not tell to be packed can be so nevertheless, above all on a pipe; no text begins as that does.
pub(super) fn unpack(file: &CorpusFile) -> io::Result<Box<dyn Read + Send>> {
    let mut packed = io::BufReader::with_capacity(1 << 17, File::open(&file.path)?);
    let is_told = file.packing != Packing::None;
    let packing = if is_told { file.packing } else { Packing::of_bytes(packed.fill_buf()?) };
    Ok(match packing {
        Packing::None => Box::new(packed),
        Packing::Gzip => Box::new(MultiGzDecoder::new(packed)),
        Packing::Zstd => {
            let mut decoder = zstd::Decoder::with_buffer(packed)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG)?;
            Box::new(decoder)
        }
    })
}
