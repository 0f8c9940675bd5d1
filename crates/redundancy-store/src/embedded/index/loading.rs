//! Fills memory with what it has to know of the index when the store is opened.

use super::building::Builder;
use super::segment::{Extent, Segment, block_number, entries as block_entries, key_of};
use super::{IndexChange, Parts, StoredKey};
use crate::embedded::rows::damaged;
use crate::embedded::{OrFailed as _, execute};
use redundancy_webhook::store::StoreError;
use rusqlite::{Connection, params};
use std::sync::Arc;

/// What there is of the index.
pub(in super::super) struct Loaded {
    pub(in super::super) parts: Parts,
    /// The number of the next document.
    pub(in super::super) next_document: u32,
    /// The key of the next segment.
    pub(in super::super) next_segment: i64,
}

/// Reads the index, with so many bytes of filters at most. What there is of segments that were not finished is not looked at.
pub(in super::super) fn load(connection: &Connection, filter_bytes: usize) -> Result<Loaded, StoreError> {
    let mut parts = Parts::default();
    load_collections(connection, &mut parts)?;
    let mut last = 0;
    for extent in extents(connection)? {
        let segment = segment(connection, extent, filter_bytes)?;
        last = last.max(segment.range.1);
        parts.segments.push(Arc::new(segment));
        parts.shrink_filters(filter_bytes, None);
    }
    let mut query = connection.prepare("SELECT number FROM tombstones").or_failed()?;
    let mut rows = query.query([]).or_failed()?;
    while let Some(row) = rows.next().or_failed()? {
        let number: u32 = row.get(0).or_failed()?;
        last = last.max(number);
        parts.dead.insert(number);
    }
    let mut query = connection.prepare("SELECT number, keys FROM fresh_keys ORDER BY number").or_failed()?;
    let mut rows = query.query([]).or_failed()?;
    while let Some(row) = rows.next().or_failed()? {
        let number: u32 = row.get(0).or_failed()?;
        last = last.max(number);
        let bytes = row.get_ref(1).or_failed()?.as_blob().map_err(|_| damaged())?;
        parts.recent.add(number, &decoded(bytes));
    }
    let newest = "SELECT coalesce(max(number), 0) FROM documents";
    let newest: u32 = connection.query_row(newest, [], |row| row.get(0)).or_failed()?;
    let keys = "SELECT max(coalesce((SELECT max(key) FROM segments), 0), coalesce((SELECT max(key) FROM dropped_segments), 0))";
    let next_segment: i64 = connection.query_row(keys, [], |row| row.get(0)).or_failed()?;
    Ok(Loaded { parts, next_document: last.max(newest) + 1, next_segment: next_segment + 1 })
}

/// The bytes of keys, 6 for each.
pub(in super::super) fn encoded(keys: &[StoredKey]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(6 * keys.len());
    for [_, _, key @ ..] in keys.iter().map(|key| key.to_be_bytes()) {
        bytes.extend_from_slice(&key);
    }
    bytes
}

fn decoded(bytes: &[u8]) -> Vec<StoredKey> {
    let keys = bytes.as_chunks::<6>().0.iter();
    keys.map(|bytes| key_of(*bytes)).collect()
}

fn load_collections(connection: &Connection, parts: &mut Parts) -> Result<(), StoreError> {
    let mut query = connection.prepare("SELECT key, name FROM collections").or_failed()?;
    let mut rows = query.query([]).or_failed()?;
    while let Some(row) = rows.next().or_failed()? {
        let name: String = row.get(1).or_failed()?;
        let name = name.parse().map_err(|_| damaged())?;
        parts.apply(IndexChange::Collection(row.get(0).or_failed()?, name));
    }
    let count =
        "SELECT collection, count(*) FROM documents INDEXED BY documents_by_collection GROUP BY collection";
    let mut query = connection.prepare(count).or_failed()?;
    let mut rows = query.query([]).or_failed()?;
    while let Some(row) = rows.next().or_failed()? {
        let (key, count): (i64, i64) = (row.get(0).or_failed()?, row.get(1).or_failed()?);
        if let Some((_, known)) = parts.collections.get_mut(&key) {
            *known = u64::try_from(count).unwrap_or_default();
        }
    }
    Ok(())
}

/// A segment of which only the blocks are left, and its summary written again. Reads all of it.
fn summarized(connection: &Connection, extent: Extent, filter_bytes: usize) -> Result<Segment, StoreError> {
    let Extent { key, level, range, entries } = extent;
    tracing::info!(segment = key, entries, "the summary of a part of the index is made again");
    let mut builder = Builder::new(key, level, range, entries, filter_bytes);
    let query = "SELECT entries FROM blocks WHERE number >= ?1 AND number < ?2 ORDER BY number";
    let mut query = connection.prepare_cached(query).or_failed()?;
    let mut rows = query.query([block_number(key, 0), block_number(key + 1, 0)]).or_failed()?;
    while let Some(row) = rows.next().or_failed()? {
        let block = row.get_ref(0).or_failed()?.as_blob().map_err(|_| damaged())?;
        for entry in block_entries(block) {
            builder.push(entry);
        }
    }
    let (segment, _) = builder.finish();
    if segment.entries != entries {
        return Err(damaged());
    }
    // All of it or nothing: half a summary would be taken for a whole one.
    let whole = connection.unchecked_transaction().or_failed()?;
    for (part, bytes) in (0..).zip(segment.summary()) {
        let insert = "INSERT INTO summaries (number, entries) VALUES (?1, ?2)";
        execute(&whole, insert, params![block_number(key, part), bytes])?;
    }
    whole.commit().or_failed()?;
    Ok(segment)
}

fn extents(connection: &Connection) -> Result<Vec<Extent>, StoreError> {
    let query = "SELECT key, level, first, last, entries FROM segments ORDER BY first";
    let mut query = connection.prepare(query).or_failed()?;
    let mut rows = query.query([]).or_failed()?;
    let mut extents = Vec::new();
    while let Some(row) = rows.next().or_failed()? {
        let entries = u64::try_from(row.get::<_, i64>(4).or_failed()?).map_err(|_| damaged())?;
        let range = (row.get(2).or_failed()?, row.get(3).or_failed()?);
        extents.push(Extent { key: row.get(0).or_failed()?, level: row.get(1).or_failed()?, range, entries });
    }
    Ok(extents)
}

fn segment(connection: &Connection, extent: Extent, filter_bytes: usize) -> Result<Segment, StoreError> {
    let Extent { key, level, range, entries } = extent;
    let parts = "SELECT entries FROM summaries WHERE number >= ?1 AND number < ?2 ORDER BY number";
    let mut query = connection.prepare_cached(parts).or_failed()?;
    let mut rows = query.query([block_number(key, 0), block_number(key + 1, 0)]).or_failed()?;
    let mut bytes = Vec::new();
    while let Some(row) = rows.next().or_failed()? {
        bytes.extend_from_slice(row.get_ref(0).or_failed()?.as_blob().map_err(|_| damaged())?);
    }
    if bytes.is_empty() {
        return summarized(connection, extent, filter_bytes);
    }
    Segment::of_summary(key, level, range, entries, &bytes).ok_or_else(damaged)
}
