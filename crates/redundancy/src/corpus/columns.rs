//! Files with columns: comma- and tab-separated values.

use std::borrow::Cow;
use std::io::{self, Read};

use redundancy_engine::corpus::{Block, InvalidRecord, Record};

use super::reader::unpack;
use super::row_source::{End, RowSource};
use super::{CorpusError, CorpusFile, CorpusFormat, Fields, ReadDocument, invalid, rank};

/// Which column means what, and what the first row looks like.
#[derive(Debug)]
pub(super) struct Columns {
    delimiter: u8,
    names: csv::StringRecord,
    text: usize,
    id: Option<usize>,
    rank: Option<usize>,
    heading: Vec<u8>,
}

pub(super) type Rows = csv::Reader<RowSource>;

impl Columns {
    /// Reads the first row of the first of `files`.
    pub(super) fn read(
        files: &[CorpusFile],
        format: CorpusFormat,
        fields: &Fields,
    ) -> Result<Self, CorpusError> {
        let delimiter = if format == CorpusFormat::Tsv { b'\t' } else { b',' };
        let mut columns = Self {
            delimiter,
            names: csv::StringRecord::new(),
            text: 0,
            id: None,
            rank: None,
            heading: Vec::new(),
        };
        let Some(file) = files.first() else { return Ok(columns) };
        let fail = |reason: String| CorpusError::Columns { file: file.name(), reason };
        let from = unpack(file).map_err(|error| CorpusError::io(file, None, error))?;
        let mut rows = columns.reader(from);
        let heading = rows.headers().map_err(|error| unreadable(file, 0, error))?.clone();
        columns.names = match RowSource::end(heading.as_byte_record()) {
            End::None => heading,
            End::Mark => csv::StringRecord::new(),
            End::Unclosed => {
                return Err(fail("its first row has a quotation mark that is never closed".to_owned()));
            }
        };
        let place = |name: &str| columns.names.iter().position(|column| column == name);
        let names = || columns.names.iter().collect::<Vec<_>>().join(", ");
        columns.text = place(&fields.text).ok_or_else(|| {
            fail(format!(
                "has no column {:?}; --text-field names the one with the text, of: {}",
                fields.text,
                names()
            ))
        })?;
        columns.id = place(&fields.id);
        columns.rank = match &fields.rank {
            None => None,
            Some(rank) => Some(
                place(rank)
                    .ok_or_else(|| fail(format!("has no column {rank:?} to keep by, but: {}", names())))?,
            ),
        };
        let mut writer = columns.writer();
        writer.write_record(&columns.names).map_err(|error| fail(error.to_string()))?;
        columns.heading = writer.into_inner().map_err(|error| fail(error.to_string()))?;
        Ok(columns)
    }

    pub(super) fn heading(&self) -> &[u8] {
        &self.heading
    }

    pub(super) fn reader(&self, from: Box<dyn Read + Send>) -> Rows {
        csv::ReaderBuilder::new()
            .delimiter(self.delimiter)
            .flexible(true)
            .buffer_capacity(1 << 17)
            .from_reader(RowSource::new(from))
    }

    fn writer(&self) -> csv::Writer<Vec<u8>> {
        csv::WriterBuilder::new().delimiter(self.delimiter).flexible(true).from_writer(Vec::new())
    }

    /// Every file must have the columns of the first.
    pub(super) fn check_heading(&self, rows: &mut Rows, file: &CorpusFile) -> Result<(), CorpusError> {
        let fail = |reason: String| CorpusError::Columns { file: file.name(), reason };
        let names = rows.headers().map_err(|error| unreadable(file, 0, error))?;
        if *names == self.names {
            Ok(())
        } else {
            Err(fail("has other columns than the first file".to_owned()))
        }
    }

    /// Appends the next row of a file to `block`; `false` at its end.
    pub(super) fn next_row(
        &self,
        rows: &mut Rows,
        file: &CorpusFile,
        number: usize,
        block: &mut Block,
    ) -> Result<bool, CorpusError> {
        let fail = |reason: String| CorpusError::Columns { file: file.name(), reason };
        let mut row = csv::ByteRecord::new();
        let before = rows.position().line();
        rows.get_mut().begin_row();
        let read = rows.read_byte_record(&mut row).map_err(|error| unreadable(file, before, error))?;
        if !read || RowSource::end(&row) == End::Mark {
            return Ok(false);
        }
        let line = row.position().map_or(0, csv::Position::line);
        let start = block.bytes.len();
        let mut writer = self.writer();
        writer.write_byte_record(&row).map_err(|error| fail(error.to_string()))?;
        block.bytes.extend(writer.into_inner().map_err(|error| fail(error.to_string()))?);
        // Without the end of the line, which whoever writes the record adds.
        let end = block.bytes.len().saturating_sub(1).max(start);
        block.bytes.truncate(end);
        block.records.push(Record { bytes: start..end, file: number, line });
        Ok(true)
    }

    /// The document in a row.
    pub(super) fn document<'b>(&self, row: &'b [u8]) -> Result<ReadDocument<'b>, InvalidRecord> {
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(self.delimiter)
            .flexible(true)
            .has_headers(false)
            .from_reader(row);
        let mut record = csv::StringRecord::new();
        let read = reader.read_record(&mut record).map_err(|_| invalid("is not UTF-8"))?;
        if RowSource::end(record.as_byte_record()) == End::Unclosed {
            return Err(invalid(
                "has a quotation mark that is never closed: all that stands behind it, to the end of the file, is one value",
            ));
        }
        if !read || record.len() != self.names.len() {
            return Err(invalid(format!(
                "has {} columns, not {} as the first row",
                record.len(),
                self.names.len()
            )));
        }
        let value = |place: Option<usize>| {
            place.and_then(|place| record.get(place)).filter(|value| !value.is_empty())
        };
        let text = record.get(self.text).unwrap_or_default().to_owned();
        let id = value(self.id).map(|id| Cow::Owned(id.to_owned()));
        let rank = value(self.rank).and_then(rank);
        Ok(ReadDocument { text: Cow::Owned(text), id, rank })
    }
}

/// Why no row can be read of a file, after `line`.
fn unreadable(file: &CorpusFile, line: u64, error: csv::Error) -> CorpusError {
    if error.is_io_error()
        && let csv::ErrorKind::Io(source) = error.into_kind()
    {
        if source.kind() == io::ErrorKind::FileTooLarge {
            return CorpusError::RecordTooLong { file: file.name(), line };
        }
        return CorpusError::io(file, (line > 0).then(|| format!("about line {line}")), source);
    }
    CorpusError::Columns { file: file.name(), reason: "the names of its columns are not UTF-8".to_owned() }
}
