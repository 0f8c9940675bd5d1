//! Files, folders and standard input as a corpus for [`redundancy_engine::corpus`]: which files are taken, how they are unpacked,
//! and how records are found in them.

mod columns;
pub mod earlier;
mod error;
mod files;
mod format;
mod jsonl;
mod normalize;
mod parquet;
mod reader;
mod row_source;
mod whole_files;

pub use error::CorpusError;
pub use files::{CorpusFile, copy_streams, find};
pub use format::{CorpusFormat, Packing};
pub use normalize::Normalize;
pub use parquet::CopyError;

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};

use memchr::memchr_iter;
use redundancy_engine::corpus::{Block, Buffer, Corpus, Document, InvalidRecord, Record};

use reader::FileReader;

/// The files of one run, all of one kind.
#[derive(Debug)]
pub struct FileCorpus {
    files: Vec<CorpusFile>,
    /// What they are called: a document without an id of its own is called by that and its line.
    names: HashSet<String>,
    format: CorpusFormat,
    fields: Fields,
    /// The first line of files with columns: what each is called.
    columns: Option<columns::Columns>,
    /// Which columns of Parquet files mean what.
    parquet: Option<parquet::ParquetColumns>,
    /// What is ignored in comparisons.
    normalize: Normalize,
    /// Whether a document with a rank was read.
    has_ranks: AtomicBool,
}

/// Which fields of a record mean what.
#[derive(Debug, Clone)]
pub struct Fields {
    /// The text.
    pub text: String,
    /// The id.
    pub id: String,
    /// A number that ranks duplicates, if one was asked for.
    pub rank: Option<String>,
}

/// What a record says.
struct ReadDocument<'b> {
    text: Cow<'b, str>,
    id: Option<Cow<'b, str>>,
    rank: Option<f64>,
}

impl FileCorpus {
    /// The corpus of these files, which hold records in `format`.
    ///
    /// # Errors
    /// [`CorpusError`] when the first line of a file with columns cannot be read, or lacks a field, or when two files have one name.
    pub fn new(
        files: Vec<CorpusFile>,
        format: CorpusFormat,
        fields: Fields,
        normalize: Normalize,
    ) -> Result<Self, CorpusError> {
        if let (CorpusFormat::Files, Some(rank)) = (format, &fields.rank) {
            let message = format!("--keep by:{rank}: a file that is one document has no fields");
            return Err(CorpusError::Usage(message));
        }
        let columns = match format {
            CorpusFormat::Csv | CorpusFormat::Tsv => Some(columns::Columns::read(&files, format, &fields)?),
            CorpusFormat::Jsonl | CorpusFormat::Parquet | CorpusFormat::Files => None,
        };
        let parquet = match format {
            CorpusFormat::Parquet => Some(parquet::ParquetColumns::read(&files, &fields)?),
            CorpusFormat::Jsonl | CorpusFormat::Csv | CorpusFormat::Tsv | CorpusFormat::Files => None,
        };
        let mut names = HashSet::new();
        if let Some(twice) = files.iter().map(CorpusFile::name).find(|name| !names.insert(name.clone())) {
            let message = format!("{twice}: two inputs would both be called this in the results: rename one");
            return Err(CorpusError::Usage(message));
        }
        Ok(Self {
            files,
            names,
            format,
            fields,
            columns,
            parquet,
            normalize,
            has_ranks: AtomicBool::new(false),
        })
    }

    /// What kind of records they hold.
    #[must_use]
    pub const fn format(&self) -> CorpusFormat {
        self.format
    }

    /// What stands before the records of a file with columns, to be written before those that are kept.
    #[must_use]
    pub fn heading(&self) -> &[u8] {
        self.columns.as_ref().map_or(&[], columns::Columns::heading)
    }

    /// A file by its number.
    #[must_use]
    pub fn file(&self, number: usize) -> Option<&CorpusFile> {
        self.files.get(number)
    }

    /// What a document without a usable id is called: its file and line, or its file alone if that is all there is in it.
    #[must_use]
    pub fn name(&self, file: usize, line: u64) -> String {
        let path = self.files.get(file).map(CorpusFile::name).unwrap_or_default();
        if self.format == CorpusFormat::Files { path } else { format!("{path}:{line}") }
    }

    /// Whether an id is one that a document without an id would get. One that is given is not used, so that none is of two documents.
    fn is_made(&self, id: &str) -> bool {
        let parts = id.rsplit_once(':');
        parts.is_some_and(|(file, line)| {
            !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit()) && self.names.contains(file)
        })
    }

    /// Whether any document that was read has a number to rank it by.
    #[must_use]
    pub fn has_ranks(&self) -> bool {
        self.has_ranks.load(Ordering::Relaxed)
    }

    /// Writes the rows of Parquet files for which `is_kept` says so to `to`, as a file like the first of them. Tells how many bytes of
    /// input there are, unpacked.
    ///
    /// # Errors
    /// [`CopyError`].
    pub fn copy_parquet(
        &self,
        to: impl std::io::Write + Send,
        is_kept: impl FnMut(u32) -> bool,
    ) -> Result<u64, CopyError> {
        parquet::copy_kept(&self.files, to, is_kept)
    }

    /// How many bytes the files have, packed as they are.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

impl Corpus for FileCorpus {
    type Reader = FileReader;
    type Error = CorpusError;

    fn open(&self) -> Result<FileReader, CorpusError> {
        Ok(FileReader::default())
    }

    fn next_block(&self, reader: &mut FileReader, block: &mut Block) -> Result<bool, CorpusError> {
        block.records.clear();
        match self.format {
            CorpusFormat::Jsonl => reader.lines(&self.files, block),
            CorpusFormat::Csv | CorpusFormat::Tsv => reader.rows(&self.files, self.columns.as_ref(), block),
            CorpusFormat::Parquet => reader.parquet_rows(&self.files, self.parquet.as_ref(), block),
            CorpusFormat::Files => reader.whole(&self.files, block),
        }
    }

    fn split(&self, block: &mut Block) {
        if self.format != CorpusFormat::Jsonl {
            return;
        }
        let Block { bytes, records, line, file } = block;
        let mut start = 0;
        for (number, end) in (*line..).zip(memchr_iter(b'\n', bytes).chain([bytes.len()])) {
            let is_blank = bytes.get(start..end).is_none_or(|line| line.trim_ascii().is_empty());
            if !is_blank {
                records.push(Record { bytes: start..end, file: *file, line: number });
            }
            start = end + 1;
        }
    }

    fn document<'b>(
        &self,
        block: &'b Block,
        number: usize,
        buffer: &'b mut Buffer,
    ) -> Result<Document<'b>, InvalidRecord> {
        let Some(record) = block.records.get(number) else { return Err(invalid("is not there")) };
        let bytes = block.bytes.get(record.bytes.clone()).unwrap_or_default();
        let read = match self.format {
            CorpusFormat::Jsonl => jsonl::document(bytes, &self.fields, buffer)?,
            CorpusFormat::Csv | CorpusFormat::Tsv => {
                let columns = self.columns.as_ref().ok_or_else(|| invalid("has no columns"))?;
                columns.document(bytes)?
            }
            CorpusFormat::Parquet => parquet::document(bytes)?,
            CorpusFormat::Files => {
                let file = self.files.get(record.file).ok_or_else(|| invalid("is not there"))?;
                let text = whole_files::text(bytes, file)?;
                ReadDocument { text: Cow::Owned(text), id: Some(Cow::Owned(file.name())), rank: None }
            }
        };
        if read.rank.is_some() && !self.has_ranks() {
            self.has_ranks.store(true, Ordering::Relaxed);
        }
        let ReadDocument { text, id, rank } = read;
        let id = id.filter(|id| self.format == CorpusFormat::Files || !self.is_made(id));
        let compared = self.normalize.apply(&text).map(Cow::Owned);
        Ok(Document { text, compared, id, rank })
    }
}

/// The number that a field says, however it is written: a document with a larger one is kept. None if it says something else.
fn rank(value: &str) -> Option<f64> {
    value.trim().parse().ok().filter(|rank: &f64| rank.is_finite())
}

fn invalid(reason: impl Into<String>) -> InvalidRecord {
    InvalidRecord { reason: reason.into() }
}
