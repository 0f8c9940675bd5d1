//! Batches as rows, and their items and results, each at the place that its batch and its number make.

use super::OrFailed as _;
use super::rows::{damaged, millis, moment, number};
use crate::batches::Room;
use redundancy_engine::{Batch, BatchId, BatchOperation, BatchState, Caller, StoreError, Timestamp};
use redundancy_webhook::store::{Page, PageRequest};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::sync::Arc;

/// Numbers of items that a place has room for beside the key of the batch.
const NUMBER_BITS: u32 = 32;
/// The columns that [`batch`] reads.
const COLUMNS: &str = "key, id, operation, state, total, done, failed, created, started, finished, error, \
    request_id, user_id, traceparent";

/// A batch, and the key of its row.
pub(super) struct Stored {
    pub(super) key: i64,
    pub(super) batch: Batch,
}

/// Where the item of that number of a batch is, or its result.
pub(super) fn place(key: i64, number: u64) -> i64 {
    (key << NUMBER_BITS) | i64::try_from(number.min((1 << NUMBER_BITS) - 1)).unwrap_or_default()
}

/// A number of items as it stands in a row.
pub(super) fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn uncount(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

fn batch(row: &Row<'_>) -> Result<Stored, StoreError> {
    let (operation, state): (String, String) = (row.get(2).or_failed()?, row.get(3).or_failed()?);
    let id = number(row.get_ref(1).or_failed()?.as_blob().map_err(|_| damaged())?)?;
    let whole = |index: usize| -> Result<u64, StoreError> { row.get(index).or_failed().map(uncount) };
    let time = |index: usize| -> Result<Option<Timestamp>, StoreError> {
        Ok(row.get::<_, Option<i64>>(index).or_failed()?.map(moment))
    };
    let text = |index: usize| -> Result<Option<String>, StoreError> { row.get(index).or_failed() };
    let batch = Batch {
        id: BatchId::from_number(id),
        operation: BatchOperation::of_name(&operation).ok_or_else(damaged)?,
        state: BatchState::of_name(&state).ok_or_else(damaged)?,
        total: whole(4)?,
        done: whole(5)?,
        failed: whole(6)?,
        created_at: time(7)?.unwrap_or_default(),
        started_at: time(8)?,
        finished_at: time(9)?,
        error: text(10)?,
        caller: Caller { request_id: text(11)?, user_id: text(12)?, traceparent: text(13)? },
    };
    Ok(Stored { key: row.get(0).or_failed()?, batch })
}

fn one(
    connection: &Connection,
    condition: &str,
    value: impl rusqlite::ToSql,
) -> Result<Option<Stored>, StoreError> {
    let query = format!("SELECT {COLUMNS} FROM batches WHERE {condition} LIMIT 1");
    let mut query = connection.prepare_cached(&query).or_failed()?;
    let mut rows = query.query([value]).or_failed()?;
    rows.next().or_failed()?.map(batch).transpose()
}

/// A batch that was accepted.
pub(super) fn get(connection: &Connection, id: BatchId) -> Result<Option<Stored>, StoreError> {
    one(connection, "id = ?1 AND operation IS NOT NULL", id.number().to_be_bytes())
}

/// The batch whose turn it is, of those that nobody has a lease of.
pub(super) fn next(connection: &Connection, now: Timestamp) -> Result<Option<Stored>, StoreError> {
    let condition = "turn IS NOT NULL AND (leased_until IS NULL OR leased_until <= ?1) ORDER BY turn";
    one(connection, condition, millis(now))
}

/// Batches that were accepted, the youngest first.
pub(super) fn list(
    connection: &Connection,
    page: &PageRequest<BatchId>,
) -> Result<Page<Batch, BatchId>, StoreError> {
    let query = format!(
        "SELECT {COLUMNS} FROM batches WHERE id < ?1 AND operation IS NOT NULL ORDER BY id DESC LIMIT ?2"
    );
    let before = page.after.unwrap_or(BatchId::from_number(u128::MAX)).number().to_be_bytes();
    let limit = count(page.limit as u64).saturating_add(1);
    let mut query = connection.prepare_cached(&query).or_failed()?;
    let mut rows = query.query(params![before, limit]).or_failed()?;
    let mut items = Vec::new();
    while let Some(row) = rows.next().or_failed()? {
        items.push(batch(row)?.batch);
    }
    Ok(Page::cut(items, page.limit, |last| last.id))
}

/// The key of the row of a batch, accepted or not, and how many items it has.
pub(super) fn key(connection: &Connection, id: BatchId) -> Result<Option<(i64, u64)>, StoreError> {
    let query = "SELECT key, total FROM batches WHERE id = ?1";
    let mut query = connection.prepare_cached(query).or_failed()?;
    let read = |row: &Row<'_>| Ok((row.get(0)?, uncount(row.get(1)?)));
    query.query_row([id.number().to_be_bytes()], read).optional().or_failed()
}

/// Items of a batch from number `first` on, in their order and without gaps.
pub(super) fn items(
    connection: &Connection,
    key: i64,
    first: u64,
    limit: usize,
    max_bytes: usize,
) -> Result<Vec<Arc<[u8]>>, StoreError> {
    let query = "SELECT place, item FROM batch_items WHERE place BETWEEN ?1 AND ?2 ORDER BY place LIMIT ?3";
    let read = |row: &Row<'_>| Ok(Arc::from(row.get_ref(1)?.as_blob()?));
    read_on(connection, query, (key, first), limit, max_bytes, read, |item: &Arc<[u8]>| item.len())
}

/// Results of a batch from number `first` on, in their order.
pub(super) fn results(
    connection: &Connection,
    key: i64,
    first: u64,
    limit: usize,
    max_bytes: usize,
) -> Result<Vec<Arc<str>>, StoreError> {
    let query = "SELECT place, line FROM batch_results WHERE place BETWEEN ?1 AND ?2 ORDER BY place LIMIT ?3";
    let read = |row: &Row<'_>| Ok(Arc::from(row.get_ref(1)?.as_str()?));
    read_on(connection, query, (key, first), limit, max_bytes, read, |line: &Arc<str>| line.len())
}

/// Reads what lies at consecutive places, at least one.
fn read_on<T>(
    connection: &Connection,
    query: &str,
    (key, first): (i64, u64),
    limit: usize,
    max_bytes: usize,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    bytes_of: impl Fn(&T) -> usize,
) -> Result<Vec<T>, StoreError> {
    let mut query = connection.prepare_cached(query).or_failed()?;
    let end = place(key, u64::from(u32::MAX));
    let mut rows = query.query(params![place(key, first), end, count(limit as u64)]).or_failed()?;
    let (mut found, mut room) = (Vec::new(), Room::of(max_bytes));
    while let Some(row) = rows.next().or_failed()? {
        let at: i64 = row.get(0).or_failed()?;
        if at != place(key, first + found.len() as u64) {
            break;
        }
        let part = read(row).or_failed()?;
        if !room.takes(bytes_of(&part)) {
            break;
        }
        found.push(part);
    }
    Ok(found)
}
