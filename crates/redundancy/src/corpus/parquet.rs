//! Parquet files: which columns mean what, and how rows become records. Column chunks are read page by page, never whole.

mod copy;

pub use copy::CopyError;
pub(super) use copy::copy_kept;

use std::fs::File;
use std::io;

use parquet::basic::{ConvertedType, LogicalType, Type as Physical};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor, TypePtr};
use redundancy_engine::corpus::{Block, InvalidRecord, Record};

use super::error::MAX_RECORD_BYTES;
use super::{CorpusError, CorpusFile, Fields, ReadDocument, invalid, rank};

/// How many rows are read at a time.
const ROWS_AT_ONCE: usize = 256;

/// Which columns mean what, by their numbers, and what all files of the corpus look like.
#[derive(Debug)]
pub(super) struct ParquetColumns {
    text: usize,
    id: Option<usize>,
    rank: Option<usize>,
    /// The columns of the first file; those of the others are the same.
    fields: Vec<TypePtr>,
}

/// Where the reading of a file stands.
pub(super) struct RowReader {
    file: SerializedFileReader<File>,
    /// The row group that comes next.
    group: usize,
    /// Columns of the one that is read, and how many rows of it are left.
    columns: Option<(Vec<Option<Values>>, usize)>,
    /// The row that comes next, 1 for the first.
    row: u64,
}

/// Rows of a column that was asked for.
struct Values {
    reader: ColumnReader,
    /// The definition level of a value that is there, 0 where all are.
    defined: i16,
    is_unsigned: bool,
}

/// In a record: what stands for a value that is not there.
const NOTHING: u32 = u32::MAX;

impl ParquetColumns {
    /// Looks at the first of `files`.
    pub(super) fn read(files: &[CorpusFile], fields: &Fields) -> Result<Self, CorpusError> {
        let Some(file) = files.first() else {
            return Ok(Self { text: 0, id: None, rank: None, fields: Vec::new() });
        };
        let reader = open(file)?;
        let schema = reader.metadata().file_metadata().schema_descr();
        let refused = |reason: String| CorpusError::Columns { file: file.name(), reason };
        let names = || {
            let names: Vec<&str> =
                schema.root_schema().get_fields().iter().map(|field| field.name()).collect();
            names.join(", ")
        };
        let text = place(schema, &fields.text).ok_or_else(|| {
            let name = &fields.text;
            refused(format!(
                "has no column {name:?}; --text-field names the one with the text, of: {}",
                names()
            ))
        })?;
        if !is_string(&schema.column(text)) {
            return Err(refused(format!("the column {:?} holds no strings", fields.text)));
        }
        let rank = match &fields.rank {
            None => None,
            Some(rank) => {
                Some(place(schema, rank).filter(|place| is_readable(&schema.column(*place))).ok_or_else(
                    || refused(format!("has no column {rank:?} of numbers to keep by, but: {}", names())),
                )?)
            }
        };
        let id = place(schema, &fields.id).filter(|place| is_readable(&schema.column(*place)));
        Ok(Self { text, id, rank, fields: schema.root_schema().get_fields().to_vec() })
    }

    /// Appends rows of a file to `block`; `false` at its end.
    pub(super) fn next_rows(
        &self,
        rows: &mut RowReader,
        file: &CorpusFile,
        number: usize,
        block: &mut Block,
    ) -> Result<bool, CorpusError> {
        let (before, known) = (rows.row, block.records.len());
        let more = rows.next(self, number, block);
        let more = more.map_err(|error| unreadable(file, Some(before - 1), &error))?;
        match block.records.iter().skip(known).find(|record| record.bytes.len() > MAX_RECORD_BYTES) {
            Some(record) => Err(CorpusError::RecordTooLong { file: file.name(), line: record.line }),
            None => Ok(more),
        }
    }

    /// Begins to read a file, which must have the columns of the first.
    pub(super) fn open(&self, file: &CorpusFile) -> Result<RowReader, CorpusError> {
        let reader = open(file)?;
        if reader.metadata().file_metadata().schema_descr().root_schema().get_fields() != self.fields {
            let reason = "has other columns than the first file".to_owned();
            return Err(CorpusError::Columns { file: file.name(), reason });
        }
        Ok(RowReader { file: reader, group: 0, columns: None, row: 1 })
    }
}

impl RowReader {
    fn next(
        &mut self,
        wanted: &ParquetColumns,
        number: usize,
        block: &mut Block,
    ) -> Result<bool, ParquetError> {
        let (columns, left) = loop {
            if let Some((columns, left)) = &mut self.columns
                && *left > 0
            {
                break (columns, left);
            }
            if self.group == self.file.num_row_groups() {
                return Ok(false);
            }
            let group = self.file.get_row_group(self.group)?;
            self.group += 1;
            let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
            let columns = [Some(wanted.text), wanted.id, wanted.rank].map(|place| {
                let Some(place) = place else { return Ok(None) };
                let column = group.metadata().column(place).column_descr();
                let (defined, is_unsigned) = (column.max_def_level(), is_unsigned(column));
                Ok(Some(Values { reader: group.get_column_reader(place)?, defined, is_unsigned }))
            });
            self.columns = Some((columns.into_iter().collect::<Result<Vec<_>, ParquetError>>()?, rows));
        };
        let rows = ROWS_AT_ONCE.min(*left);
        let values = columns
            .iter_mut()
            .map(|column| column.as_mut().map_or(Ok(vec![None; rows]), |column| column.next(rows)))
            .collect::<Result<Vec<_>, ParquetError>>()?;
        *left -= rows;
        for row in 0..rows {
            let start = block.bytes.len();
            for column in &values {
                append(&mut block.bytes, column.get(row).and_then(Option::as_ref));
            }
            block.records.push(Record { bytes: start..block.bytes.len(), file: number, line: self.row });
            self.row += 1;
        }
        Ok(true)
    }
}

impl Values {
    /// The next values, as text.
    fn next(&mut self, rows: usize) -> Result<Vec<Option<ByteArray>>, ParquetError> {
        let text = |number: &dyn ToString| ByteArray::from(number.to_string().into_bytes());
        let (defined, is_unsigned) = (self.defined, self.is_unsigned);
        match &mut self.reader {
            ColumnReader::ByteArrayColumnReader(reader) => {
                next(reader, defined, rows, |bytes: &ByteArray| bytes.clone())
            }
            ColumnReader::Int32ColumnReader(reader) => next(reader, defined, rows, |number| {
                if is_unsigned { text(&number.cast_unsigned()) } else { text(number) }
            }),
            ColumnReader::Int64ColumnReader(reader) => next(reader, defined, rows, |number| {
                if is_unsigned { text(&number.cast_unsigned()) } else { text(number) }
            }),
            ColumnReader::FloatColumnReader(reader) => next(reader, defined, rows, |number| text(number)),
            ColumnReader::DoubleColumnReader(reader) => next(reader, defined, rows, |number| text(number)),
            ColumnReader::BoolColumnReader(_)
            | ColumnReader::Int96ColumnReader(_)
            | ColumnReader::FixedLenByteArrayColumnReader(_) => Ok(vec![None; rows]),
        }
    }
}

fn next<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    defined: i16,
    rows: usize,
    text: impl Fn(&T::T) -> ByteArray,
) -> Result<Vec<Option<ByteArray>>, ParquetError> {
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    let (read, _, _) = reader.read_records(rows, Some(&mut levels), None, &mut values)?;
    if read != rows {
        return Err(ParquetError::EOF("a column has fewer rows than the file says".to_owned()));
    }
    let mut values = values.iter();
    if defined == 0 {
        return Ok(values.map(|value| Some(text(value))).collect());
    }
    Ok(levels
        .into_iter()
        .map(|level| if level == defined { values.next().map(&text) } else { None })
        .collect())
}

/// Appends a value with its length in front.
fn append(bytes: &mut Vec<u8>, value: Option<&ByteArray>) {
    let length = value.map_or(NOTHING, |value| u32::try_from(value.len()).unwrap_or(NOTHING));
    bytes.extend(length.to_le_bytes());
    if let Some(value) = value.filter(|_| length != NOTHING) {
        bytes.extend(value.data());
    }
}

/// The document in a record that [`ParquetColumns::next_rows`] made.
pub(super) fn document(record: &[u8]) -> Result<ReadDocument<'_>, InvalidRecord> {
    let mut rest = record;
    let mut value = || {
        let (length, behind) = rest.split_first_chunk()?;
        let length = u32::from_le_bytes(*length);
        let (value, behind) = behind.split_at_checked(if length == NOTHING { 0 } else { length as usize })?;
        rest = behind;
        (length != NOTHING).then_some(value)
    };
    let (text, id, ranked) = (value(), value(), value());
    let text = text.ok_or_else(|| invalid("has no text"))?;
    let text = std::str::from_utf8(text).map_err(|_| invalid("is not UTF-8"))?;
    let [id, ranked] = [id, ranked].map(|value| value.and_then(|value| std::str::from_utf8(value).ok()));
    let id = id.filter(|id| !id.is_empty());
    Ok(ReadDocument { text: text.into(), id: id.map(Into::into), rank: ranked.and_then(rank) })
}

/// The column of this name, if it has one value at most in each row, and is not inside of another.
fn place(schema: &SchemaDescriptor, name: &str) -> Option<usize> {
    schema.columns().iter().position(|column| {
        column.path().parts().len() == 1 && column.name() == name && column.max_rep_level() == 0
    })
}

fn is_string(column: &ColumnDescriptor) -> bool {
    column.physical_type() == Physical::BYTE_ARRAY && column.converted_type() != ConvertedType::DECIMAL
}

/// Whether values of this column can be read as text: strings, and numbers without a meaning of their own, such as a date has.
fn is_readable(column: &ColumnDescriptor) -> bool {
    let is_plain = match column.logical_type_ref() {
        None => !matches!(column.converted_type(), ConvertedType::DECIMAL),
        Some(LogicalType::String | LogicalType::Integer(_)) => true,
        Some(_) => false,
    };
    let is_number = matches!(
        column.physical_type(),
        Physical::INT32 | Physical::INT64 | Physical::FLOAT | Physical::DOUBLE
    );
    is_plain && (is_number || is_string(column))
}

fn is_unsigned(column: &ColumnDescriptor) -> bool {
    match column.logical_type_ref() {
        Some(LogicalType::Integer(integer)) => !integer.is_signed,
        _ => matches!(
            column.converted_type(),
            ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64
        ),
    }
}

fn open(file: &CorpusFile) -> Result<SerializedFileReader<File>, CorpusError> {
    let opened = File::open(&file.path).map_err(|error| CorpusError::io(file, None, error))?;
    SerializedFileReader::new(opened).map_err(|error| unreadable(file, None, &error))
}

/// Why a file cannot be read, after so many rows.
fn unreadable(file: &CorpusFile, rows: Option<u64>, error: &ParquetError) -> CorpusError {
    let message = error.to_string();
    let message = if message.contains("Disabled feature") {
        format!(
            "its columns are packed in a way that is not taken here (snappy, gzip and zstd are): {message}"
        )
    } else {
        message
    };
    let at = rows.filter(|rows| *rows > 0).map(|rows| format!("row {rows}"));
    CorpusError::io(file, at, io::Error::new(io::ErrorKind::InvalidData, message))
}
