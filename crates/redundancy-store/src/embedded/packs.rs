//! Traces of documents, several in one row. A page of the database holds one trace of a usual document and a little more, so
//! that a row for each would leave half of it empty.
//!
//! A pack is a list of traces, each behind its document's number and its length, in the order of the numbers; its row has the
//! last of them. No two packs overlap, so a trace is in the first pack that ends at its number or behind it, or in none.

use super::OrFailed as _;
use super::rows::damaged;
use redundancy_webhook::store::StoreError;
use rusqlite::{Connection, OptionalExtension as _, params};
use std::sync::Arc;

/// A pack is full from so many bytes on: then little of its last page is empty, and reading it costs a few pages.
const FULL_BYTES: usize = 16 * 1024;
/// Packs that are made in one step.
const STEP: usize = 16;

/// Keeps the traces of documents that were put together and follow one another: as packs if there are enough of them.
pub(super) fn keep(connection: &Connection, traces: &[(u32, Arc<[u8]>)]) -> Result<(), StoreError> {
    if traces.iter().map(|(_, trace)| trace.len()).sum::<usize>() < FULL_BYTES {
        let insert = "INSERT INTO fresh_traces (number, trace) VALUES (?1, ?2)";
        let mut insert = connection.prepare_cached(insert).or_failed()?;
        return traces
            .iter()
            .try_for_each(|(number, trace)| insert.execute(params![number, &**trace]).map(drop).or_failed());
    }
    let mut pack = Vec::new();
    for (place, (number, trace)) in traces.iter().enumerate() {
        append(&mut pack, *number, trace);
        if pack.len() >= FULL_BYTES || place + 1 == traces.len() {
            insert_pack(connection, *number, &pack)?;
            pack.clear();
        }
    }
    Ok(())
}

fn insert_pack(connection: &Connection, last: u32, pack: &[u8]) -> Result<(), StoreError> {
    let insert = "INSERT INTO packs (last, traces) VALUES (?1, ?2)";
    let mut insert = connection.prepare_cached(insert).or_failed()?;
    insert.execute(params![last, pack]).map(drop).or_failed()
}

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
            if let Some(end) = end
                && is_pack_between(connection, end, number)?
            {
                break;
            }
            append(&mut pack, number, row.get_ref(1).or_failed()?.as_blob().map_err(|_| damaged())?);
            end = Some(number);
        }
        drop(rows);
        let Some(end) = end else { return Ok(false) };
        insert_pack(connection, end, &pack)?;
        let delete = "DELETE FROM fresh_traces WHERE number <= ?1";
        let mut delete = connection.prepare_cached(delete).or_failed()?;
        delete.execute([end]).or_failed()?;
    }
    Ok(true)
}

/// Whether traces between those of two documents are in a pack already.
fn is_pack_between(connection: &Connection, before: u32, behind: u32) -> Result<bool, StoreError> {
    if behind - before == 1 {
        return Ok(false);
    }
    let query = "SELECT 1 FROM packs WHERE last > ?1 AND last < ?2";
    let mut query = connection.prepare_cached(query).or_failed()?;
    query.exists([before, behind]).or_failed()
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tables() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        let tables = "CREATE TABLE fresh_traces (number INTEGER PRIMARY KEY, trace BLOB NOT NULL);
            CREATE TABLE packs (last INTEGER PRIMARY KEY, traces BLOB NOT NULL)";
        connection.execute_batch(tables).unwrap();
        connection
    }

    proptest! {
        #[test]
        fn a_trace_is_found_however_it_got_there(
            groups in proptest::collection::vec(
                (proptest::collection::vec(1..9000_usize, 1..8), 0..3_u32, any::<bool>(), proptest::collection::vec(0..60_u32, 0..4)),
                1..30,
            ),
        ) {
            let (connection, mut next, mut known) = (tables(), 0, std::collections::BTreeMap::new());
            for (lengths, gap, is_packed, forgotten) in groups {
                next += gap;
                let numbered = (next..).zip(&lengths);
                let traces: Vec<(u32, Arc<[u8]>)> = numbered
                    .map(|(number, length)| (number, vec![number.to_le_bytes()[0]; *length].into()))
                    .collect();
                next += u32::try_from(traces.len()).unwrap();
                keep(&connection, &traces).unwrap();
                known.extend(traces);
                while is_packed && pack(&connection, next).unwrap() {}
                for number in forgotten {
                    forget(&connection, number).unwrap();
                    known.remove(&number);
                }
            }
            while pack(&connection, next).unwrap() {}
            for number in 0..next {
                prop_assert_eq!(trace(&connection, number).unwrap(), known.get(&number).cloned());
            }
        }
    }
}
