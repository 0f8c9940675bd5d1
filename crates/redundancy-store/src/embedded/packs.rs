//! Traces of documents, several in one row. A page of the database holds one trace of a usual document and a little more, so
//! that a row for each would leave half of it empty.
//!
//! A pack is a list of traces, each behind its document's number and its length, in the order of the numbers; its row has the
//! last of them.

use super::OrFailed as _;
use super::rows::damaged;
use redundancy_webhook::store::StoreError;
use rusqlite::{Connection, OptionalExtension as _, params};
use std::sync::Arc;

/// A pack is full from so many bytes on: then little of its last page is empty, and reading it costs a few pages.
const FULL_BYTES: usize = 16 * 1024;
/// Packs that are made in one step.
const STEP: usize = 16;

/// The trace of a document.
pub(super) fn trace(connection: &Connection, number: u32) -> Result<Option<Arc<[u8]>>, StoreError> {
    let query = "SELECT trace FROM fresh_traces WHERE number = ?1";
    let mut query = connection.prepare_cached(query).or_failed()?;
    let mut rows = query.query([number]).or_failed()?;
    if let Some(row) = rows.next().or_failed()? {
        return Ok(Some(row.get_ref(0).or_failed()?.as_blob().map_err(|_| damaged())?.into()));
    }
    let query = "SELECT traces FROM packs WHERE last >= ?1 ORDER BY last LIMIT 1";
    let mut query = connection.prepare_cached(query).or_failed()?;
    let mut rows = query.query([number]).or_failed()?;
    let Some(row) = rows.next().or_failed()? else { return Ok(None) };
    let pack = row.get_ref(0).or_failed()?.as_blob().map_err(|_| damaged())?;
    let found = traces(pack).find(|item| item.as_ref().map_or(true, |(other, _)| *other == number));
    Ok(found.transpose()?.map(|(_, trace)| trace.into()))
}

/// Forgets the trace of a document, wherever it is.
pub(super) fn forget(connection: &Connection, number: u32) -> Result<(), StoreError> {
    let delete = "DELETE FROM fresh_traces WHERE number = ?1";
    let mut delete = connection.prepare_cached(delete).or_failed()?;
    if delete.execute([number]).or_failed()? > 0 {
        return Ok(());
    }
    let query = "SELECT last, traces FROM packs WHERE last >= ?1 ORDER BY last LIMIT 1";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?));
    let mut query = connection.prepare_cached(query).or_failed()?;
    let Some((last, pack)) = query.query_row([number], read).optional().or_failed()? else { return Ok(()) };
    let mut rest = Vec::with_capacity(pack.len());
    for item in traces(&pack) {
        let (other, trace) = item?;
        if other != number {
            append(&mut rest, other, trace);
        }
    }
    if rest.is_empty() {
        connection.execute("DELETE FROM packs WHERE last = ?1", [last]).or_failed()?;
    } else {
        let update = "UPDATE packs SET traces = ?2 WHERE last = ?1";
        connection.execute(update, params![last, rest]).or_failed()?;
    }
    Ok(())
}

/// Makes packs of some traces of documents up to `last`; says whether there may be more of them.
pub(super) fn pack(connection: &Connection, last: u32) -> Result<bool, StoreError> {
    for _ in 0..STEP {
        let query = "SELECT number, trace FROM fresh_traces WHERE number <= ?1 ORDER BY number";
        let mut query = connection.prepare_cached(query).or_failed()?;
        let mut rows = query.query([last]).or_failed()?;
        let (mut pack, mut end) = (Vec::new(), None);
        while pack.len() < FULL_BYTES
            && let Some(row) = rows.next().or_failed()?
        {
            let number: u32 = row.get(0).or_failed()?;
            append(&mut pack, number, row.get_ref(1).or_failed()?.as_blob().map_err(|_| damaged())?);
            end = Some(number);
        }
        drop(rows);
        let Some(end) = end else { return Ok(false) };
        let insert = "INSERT INTO packs (last, traces) VALUES (?1, ?2)";
        let mut insert = connection.prepare_cached(insert).or_failed()?;
        insert.execute(params![end, pack]).or_failed()?;
        let delete = "DELETE FROM fresh_traces WHERE number <= ?1";
        let mut delete = connection.prepare_cached(delete).or_failed()?;
        delete.execute([end]).or_failed()?;
    }
    Ok(true)
}

fn append(pack: &mut Vec<u8>, number: u32, trace: &[u8]) {
    pack.extend(number.to_le_bytes());
    // No trace is longer than a few times the longest text.
    pack.extend(u32::try_from(trace.len()).unwrap_or(u32::MAX).to_le_bytes());
    pack.extend_from_slice(trace);
}

/// The traces of a pack, each with the number of its document.
fn traces(mut pack: &[u8]) -> impl Iterator<Item = Result<(u32, &[u8]), StoreError>> {
    std::iter::from_fn(move || {
        if pack.is_empty() {
            return None;
        }
        let mut take = || {
            let (number, rest) = pack.split_first_chunk()?;
            let (length, rest) = rest.split_first_chunk()?;
            let (trace, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            pack = rest;
            Some((u32::from_le_bytes(*number), trace))
        };
        let taken = take().ok_or_else(damaged);
        if taken.is_err() {
            pack = &[];
        }
        Some(taken)
    })
}
