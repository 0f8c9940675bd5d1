//! Entries on the disk: sorted, in blocks of one page each.

use super::filter::Filter;
use super::{Snapshot, StoredKey};
use crate::embedded::OrFailed as _;
use crate::embedded::rows::damaged;
use redundancy_webhook::store::StoreError;
use rusqlite::Connection;

/// Bytes of an entry: 6 of the key and 4 of the number, the high ones first.
pub(super) const ENTRY_BYTES: usize = 10;
/// Entries of a block: with these a row fills a page of the database.
pub(super) const BLOCK_ENTRIES: usize = 400;
/// Bytes of a part of a summary.
pub(super) const SUMMARY_PART: usize = 256 * 1024;
/// The number of a block in the database is that of its segment, shifted by this, and its own.
const BLOCK_BITS: u32 = 24;

/// One segment, without its entries.
#[derive(Debug)]
pub(in super::super) struct Segment {
    pub(super) key: i64,
    /// How often its entries were merged.
    pub(super) level: u32,
    /// The first and the last number that may be in it.
    pub(super) range: (u32, u32),
    pub(super) entries: u64,
    /// The first key of each block.
    pub(super) fences: Vec<StoredKey>,
    pub(super) filter: Filter,
}

/// A segment without what memory knows of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    pub(super) key: i64,
    pub(super) level: u32,
    pub(super) range: (u32, u32),
    pub(super) entries: u64,
}

/// The number of a block in the database.
pub(super) const fn block_number(segment: i64, block: i64) -> i64 {
    (segment << BLOCK_BITS) + block
}

/// Appends an entry to the bytes of a block.
pub(super) fn write_entry((key, number): (StoredKey, u32), out: &mut Vec<u8>) {
    let [_, _, key @ ..] = key.to_be_bytes();
    out.extend_from_slice(&key);
    out.extend_from_slice(&number.to_be_bytes());
}

/// The entries of a block.
pub(super) fn entries(block: &[u8]) -> impl Iterator<Item = (StoredKey, u32)> + '_ {
    block.as_chunks::<ENTRY_BYTES>().0.iter().map(entry)
}

fn entry(bytes: &[u8; ENTRY_BYTES]) -> (StoredKey, u32) {
    let [key @ .., _, _, _, _] = *bytes;
    let [_, _, _, _, _, _, number @ ..] = *bytes;
    (key_of(key), u32::from_be_bytes(number))
}

/// A key from its bytes.
pub(super) fn key_of(bytes: [u8; 6]) -> StoredKey {
    let [first, second, low @ ..] = bytes;
    u64::from(u16::from_be_bytes([first, second])) << 32 | u64::from(u32::from_be_bytes(low))
}

/// A block is not where it was: its segment has become part of another one.
pub(in super::super) struct Stale;

impl Segment {
    /// The same without what memory knows of it.
    pub(super) const fn extent(&self) -> Extent {
        Extent { key: self.key, level: self.level, range: self.range, entries: self.entries }
    }

    /// The same with a filter of half the size, or without one when that would hardly tell of any key.
    pub(super) fn with_smaller_filter(&self) -> Self {
        let Self { key, level, range, entries, ref fences, ref filter } = *self;
        let is_useful = filter.bytes() > Filter::size(entries, usize::MAX) / 4;
        let filter = if is_useful { filter.folded() } else { Filter::new(entries, 0) };
        Self { key, level, range, entries, fences: fences.clone(), filter }
    }

    /// Names the documents that have a key, the oldest first, for as long as they are wanted.
    fn numbers(
        &self,
        connection: &Connection,
        key: StoredKey,
        mut is_wanted: impl FnMut(u32) -> bool,
    ) -> Result<Result<(), Stale>, StoreError> {
        // The block before the first that begins with the key may end with it.
        let from = self.fences.partition_point(|fence| *fence < key).saturating_sub(1);
        let blocks = self.fences.iter().enumerate().skip(from).take_while(|(_, fence)| **fence <= key);
        for (block, _) in blocks {
            let number = block_number(self.key, i64::try_from(block).map_err(|_| damaged())?);
            let query = "SELECT entries FROM blocks WHERE number = ?1";
            let mut query = connection.prepare_cached(query).or_failed()?;
            let mut rows = query.query([number]).or_failed()?;
            let Some(row) = rows.next().or_failed()? else { return Ok(Err(Stale)) };
            let bytes = row.get_ref(0).or_failed()?.as_blob().map_err(|_| damaged())?;
            let (all, _) = bytes.as_chunks::<ENTRY_BYTES>();
            let first = all.partition_point(|bytes| entry(bytes).0 < key);
            for bytes in all.get(first..).unwrap_or_default() {
                let (other, number) = entry(bytes);
                if other != key {
                    return Ok(Ok(()));
                }
                if !is_wanted(number) {
                    return Ok(Ok(()));
                }
            }
        }
        Ok(Ok(()))
    }
}

impl Snapshot {
    /// Finds out where `keys` may be. All keys in one filter after the other, because each look is at a place in memory that the
    /// processor has to wait for, and so it waits for many at once.
    pub(in super::super) fn find_places(&mut self, keys: &[StoredKey]) {
        for (place, segment) in self.segments.iter().enumerate() {
            let there = keys.iter().filter(|key| segment.filter.may_have(**key));
            self.places.extend(there.map(|key| (*key, place)));
        }
        self.places.sort_unstable();
        self.places.dedup();
    }

    /// The documents that have a key and are alive, the oldest first, at most `most` of them.
    pub(in super::super) fn numbers(
        &self,
        connection: &Connection,
        key: StoredKey,
        most: usize,
        is_dead: impl Fn(u32) -> bool,
    ) -> Result<Result<Vec<u64>, Stale>, StoreError> {
        let mut found = Vec::new();
        let mut take = |number: u32| {
            if !is_dead(number) {
                found.push(u64::from(number));
            }
            found.len() < most
        };
        let from = self.places.partition_point(|(other, _)| *other < key);
        let places = self.places.iter().skip(from).take_while(|(other, _)| *other == key);
        for segment in places.filter_map(|(_, place)| self.segments.get(*place)) {
            if let Err(stale) = segment.numbers(connection, key, &mut take)? {
                return Ok(Err(stale));
            }
        }
        for number in self.recent.get(&key).into_iter().flatten() {
            if !take(*number) {
                break;
            }
        }
        found.truncate(most);
        Ok(Ok(found))
    }
}
