//! The rows that are kept, in a Parquet file like those they come from: with the same columns, compression and notes.

use std::io::{self, Write};
use std::ops::Range;
use std::sync::Arc;

use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::column::writer::{ColumnWriter, ColumnWriterImpl};
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader as _, RowGroupReader};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::ColumnDescriptor;

use super::{open, unreadable};
use crate::corpus::{CorpusError, CorpusFile};

/// How many rows are written at a time.
const ROWS_AT_ONCE: usize = 1024;

/// Why rows could not be copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// They cannot be read.
    #[error(transparent)]
    Corpus(#[from] CorpusError),
    /// They cannot be written.
    #[error(transparent)]
    Output(#[from] io::Error),
}

/// Writes the rows of `files` for which `is_kept` says so to `to`, in order; it is asked for each row once, in order. Tells how many
/// bytes the rows have, unpacked.
///
/// # Errors
/// [`CopyError`].
pub(in crate::corpus) fn copy_kept<W: Write + Send>(
    files: &[CorpusFile],
    to: W,
    mut is_kept: impl FnMut(u32) -> bool,
) -> Result<u64, CopyError> {
    let Some(first) = files.first() else { return Ok(0) };
    let metadata = open(first)?.metadata().clone();
    let schema = metadata.file_metadata().schema_descr().root_schema_ptr();
    let mut writer = SerializedFileWriter::new(to, schema, Arc::new(like(&metadata))).map_err(unwritable)?;
    let (mut row, mut bytes) = (0, 0);
    for file in files {
        let reader = open(file)?;
        for group in 0..reader.num_row_groups() {
            let group = reader.get_row_group(group).map_err(|error| unreadable(file, None, &error))?;
            bytes += u64::try_from(group.metadata().total_byte_size()).unwrap_or(0);
            let rows = u32::try_from(group.metadata().num_rows()).unwrap_or(0);
            let runs = runs(rows, |inside| is_kept(row + inside));
            row += rows;
            if runs.is_empty() {
                continue;
            }
            let mut to = writer.next_row_group().map_err(unwritable)?;
            copy_group(file, group.as_ref(), &mut to, &runs)?;
            to.close().map_err(unwritable)?;
        }
    }
    writer.close().map_err(unwritable)?;
    Ok(bytes)
}

/// How to write a file like the one with this metadata.
fn like(metadata: &ParquetMetaData) -> WriterProperties {
    let notes = metadata.file_metadata().key_value_metadata().cloned();
    let mut properties = WriterProperties::builder().set_key_value_metadata(notes);
    for column in metadata.row_groups().first().map(RowGroupMetaData::columns).unwrap_or_default() {
        properties = properties.set_column_compression(column.column_path().clone(), column.compression());
    }
    properties.build()
}

/// The runs of kept rows.
fn runs(rows: u32, mut is_kept: impl FnMut(u32) -> bool) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for row in (0..rows).filter(|row| is_kept(*row)) {
        let row = row as usize;
        match runs.last_mut() {
            Some(run) if run.end == row => run.end += 1,
            _ => runs.push(row..row + 1),
        }
    }
    runs
}

fn copy_group<W: Write + Send>(
    file: &CorpusFile,
    from: &dyn RowGroupReader,
    to: &mut SerializedRowGroupWriter<'_, W>,
    runs: &[Range<usize>],
) -> Result<(), CopyError> {
    let unreadable = |error| CopyError::Corpus(unreadable(file, None, &error));
    for place in 0..from.num_columns() {
        let reader = from.get_column_reader(place).map_err(unreadable)?;
        let column = from.metadata().column(place).column_descr();
        let Some(mut writer) = to.next_column().map_err(unwritable)? else { break };
        match (reader, writer.untyped()) {
            (ColumnReader::BoolColumnReader(from), ColumnWriter::BoolColumnWriter(to)) => {
                copy(file, from, to, column, runs)
            }
            (ColumnReader::Int32ColumnReader(from), ColumnWriter::Int32ColumnWriter(to)) => {
                copy(file, from, to, column, runs)
            }
            (ColumnReader::Int64ColumnReader(from), ColumnWriter::Int64ColumnWriter(to)) => {
                copy(file, from, to, column, runs)
            }
            (ColumnReader::Int96ColumnReader(from), ColumnWriter::Int96ColumnWriter(to)) => {
                copy(file, from, to, column, runs)
            }
            (ColumnReader::FloatColumnReader(from), ColumnWriter::FloatColumnWriter(to)) => {
                copy(file, from, to, column, runs)
            }
            (ColumnReader::DoubleColumnReader(from), ColumnWriter::DoubleColumnWriter(to)) => {
                copy(file, from, to, column, runs)
            }
            (ColumnReader::ByteArrayColumnReader(from), ColumnWriter::ByteArrayColumnWriter(to)) => {
                copy(file, from, to, column, runs)
            }
            (
                ColumnReader::FixedLenByteArrayColumnReader(from),
                ColumnWriter::FixedLenByteArrayColumnWriter(to),
            ) => copy(file, from, to, column, runs),
            _ => Err(unreadable(ParquetError::General(
                "a column is of another type than the file says".to_owned(),
            ))),
        }?;
        writer.close().map_err(unwritable)?;
    }
    Ok(())
}

/// Copies the rows of one column. A row of a column with lists has several values, which its levels tell apart.
fn copy<T: DataType>(
    file: &CorpusFile,
    mut from: ColumnReaderImpl<T>,
    to: &mut ColumnWriterImpl<'_, T>,
    column: &ColumnDescriptor,
    runs: &[Range<usize>],
) -> Result<(), CopyError> {
    let unreadable = |error| CopyError::Corpus(unreadable(file, None, &error));
    let missing = || unreadable(ParquetError::EOF("a column has fewer rows than the file says".to_owned()));
    let (mut defined, mut repeated, mut values) = (Vec::new(), Vec::new(), Vec::new());
    let (mut at, mut rows) = (0, 0);
    for (number, run) in (1..).zip(runs) {
        let between = run.start - at;
        if from.skip_records(between).map_err(unreadable)? != between {
            return Err(missing());
        }
        at = run.end;
        let mut left = run.len();
        while left > 0 {
            let wanted = left.min(ROWS_AT_ONCE - rows);
            let read = from.read_records(wanted, Some(&mut defined), Some(&mut repeated), &mut values);
            let (read, _, _) = read.map_err(unreadable)?;
            if read == 0 {
                return Err(missing());
            }
            left -= read;
            rows += read;
            if rows == ROWS_AT_ONCE || (left == 0 && number == runs.len()) {
                let defined_of = (column.max_def_level() > 0).then_some(defined.as_slice());
                let repeated_of = (column.max_rep_level() > 0).then_some(repeated.as_slice());
                to.write_batch(&values, defined_of, repeated_of).map_err(unwritable)?;
                rows = 0;
                defined.clear();
                repeated.clear();
                values.clear();
            }
        }
    }
    Ok(())
}

fn unwritable(error: ParquetError) -> CopyError {
    CopyError::Output(io::Error::other(error))
}
