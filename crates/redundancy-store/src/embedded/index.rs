//! Which documents have which key, as far as memory knows: entries of documents that were put lately, and what is needed to
//! find the others on the disk. A log-structured merge tree (O'Neil and others, 1996) with one kind of entry, a key and a number.
//!
//! Numbers of documents rise, so each part of the tree holds a range of them, and parts follow one another: the segments, the
//! parts that are being written into one, and the one that new documents get into. Entries never change. A document that is
//! replaced or removed is dead: its entries are passed over, and left out when their segment is merged with others.

pub(super) mod building;
mod delta;
mod filter;
pub(super) mod indexer;
pub(super) mod loading;
mod merging;
mod segment;

use delta::Delta;
use redundancy_engine::CollectionName;
use redundancy_engine::catalog::MAX_ENTRIES_PER_KEY;
use segment::Segment;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::sync::Notify;

/// Bits of a key as it is kept.
pub(super) const KEY_BITS: u32 = 48;

/// A key as it is kept: 48 bits that depend on the collection too. Two keys that are the same by chance make a candidate that
/// is none, which comes to light when it is compared.
pub(super) type StoredKey = u64;

/// The key as it is kept for documents of a collection.
pub(super) const fn stored_key(collection: i64, key: u64) -> StoredKey {
    const ONE: u64 = 0x9E37_79B9_7F4A_7C15;
    const OTHER: u64 = 0xD6E8_FEB8_6659_FD93;
    // The collection comes in behind the first multiplication, so that no pattern in keys can make up for it.
    let mixed = (key ^ (key >> 32)).wrapping_mul(OTHER) ^ collection.cast_unsigned().wrapping_mul(ONE);
    (mixed ^ (mixed >> 29)).wrapping_mul(ONE) >> (u64::BITS - KEY_BITS)
}

/// How much of the index is in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexOptions {
    /// How many entries, about 120 of a document of 2 KB, wait in memory to be written to the disk together, at least 1. There may
    /// be three times as many for a while. 64 bytes each at most.
    pub recent_entries: usize,
    /// Bytes of what tells of keys that are not on the disk, about 180 for a document of 2 KB. With less, more has to be looked up
    /// there in vain.
    pub filter_bytes: usize,
}

impl IndexOptions {
    /// What the index takes at most unless it is told otherwise: 512 MiB.
    pub const DEFAULT_MEMORY_BYTES: usize = 512 << 20;

    /// Options with which the index takes so much memory at most, whatever the number of documents, but for three bytes for each
    /// of 2 KB, and eight for each that was removed or replaced lately.
    #[must_use]
    pub const fn of_memory(bytes: usize) -> Self {
        // Three parts of entries, and filters; an eighth is left for the caches of the database.
        Self { recent_entries: if bytes < 512 { 1 } else { bytes / 512 }, filter_bytes: bytes / 2 }
    }
}

impl Default for IndexOptions {
    /// Those of [`DEFAULT_MEMORY_BYTES`](Self::DEFAULT_MEMORY_BYTES): a million entries, 64 MB at most, and 256 MiB of filters.
    fn default() -> Self {
        Self::of_memory(Self::DEFAULT_MEMORY_BYTES)
    }
}

/// What callers, the writing thread and the indexing thread share.
#[derive(Debug, Default)]
pub(super) struct Index {
    options: IndexOptions,
    parts: RwLock<Parts>,
    /// A part was written: whoever waits for room may look again.
    pub(super) flushed: Notify,
}

/// The parts of the tree, and what is known of collections.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// In the order of their numbers.
    pub(super) segments: Vec<Arc<Segment>>,
    /// What is being written into segments, in the order of their numbers.
    frozen: Vec<Arc<Delta>>,
    recent: Delta,
    /// Documents that are gone, as long as there are entries of them.
    pub(super) dead: HashSet<u32>,
    pub(super) collections: HashMap<i64, (CollectionName, u64)>,
    keys: HashMap<CollectionName, i64>,
    /// How often dead documents were forgotten.
    pub(super) generation: u64,
    /// Bytes of filters of segments that are being written.
    reserved: usize,
}

/// What happens to the index once a transaction is on the disk.
#[derive(Debug, Clone)]
pub(super) enum IndexChange {
    /// There is a collection.
    Collection(i64, CollectionName),
    /// A document was put.
    Put { number: u32, collection: i64, keys: Arc<[StoredKey]> },
    /// A document is gone.
    Gone { number: u32, collection: i64 },
    /// What was frozen first is a segment now, but for these dead ones.
    Flushed { segment: Arc<Segment>, left_out: Arc<[u32]> },
    /// Segments have become one, but for these dead ones.
    Merged { old: Arc<[i64]>, segment: Arc<Segment>, left_out: Arc<[u32]> },
}

/// What is needed to look for some keys.
pub(super) struct Snapshot {
    pub(super) segments: Vec<Arc<Segment>>,
    /// Dead documents that were forgotten since may be in it.
    pub(super) generation: u64,
    /// The keys looked for, in rising order, each with the places of the segments that may have it.
    pub(super) places: Vec<(StoredKey, usize)>,
    /// Documents that are in no segment and alive, by the keys looked for: the oldest, which are all that count.
    pub(super) recent: HashMap<StoredKey, Vec<u32>>,
}

impl Index {
    pub(super) fn new(options: IndexOptions, parts: Parts) -> Self {
        Self { options, parts: RwLock::new(parts), flushed: Notify::new() }
    }

    /// So many entries in memory are written into a segment.
    pub(super) fn flush_from(&self) -> usize {
        self.options.recent_entries.max(1)
    }

    pub(super) fn read(&self) -> RwLockReadGuard<'_, Parts> {
        // Nothing under the lock can panic halfway.
        self.parts.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> RwLockWriteGuard<'_, Parts> {
        self.parts.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn apply(&self, change: IndexChange) {
        let is_flush = matches!(change, IndexChange::Flushed { .. });
        let has_segment = is_flush || matches!(change, IndexChange::Merged { .. });
        let mut parts = self.write();
        parts.apply(change);
        if has_segment {
            parts.shrink_filters(self.options.filter_bytes, None);
        }
        drop(parts);
        if is_flush {
            self.flushed.notify_waiters();
        }
    }

    /// Sets memory aside for the filter of a segment with so many entries that is being made, of those in `range` if there are any.
    /// Gives the bytes, to be [given back](Self::give_back) when it is finished.
    fn set_aside(&self, entries: u64, range: (u32, u32)) -> usize {
        let most_bytes = self.options.filter_bytes;
        // Others must have room beside the largest one.
        let bytes = filter::Filter::size(entries, most_bytes / 4 * 3);
        let mut parts = self.write();
        parts.reserved += bytes;
        parts.shrink_filters(most_bytes, Some(range));
        bytes
    }

    fn give_back(&self, bytes: usize) {
        self.write().reserved -= bytes;
    }
}

impl Parts {
    pub(super) fn apply(&mut self, change: IndexChange) {
        match change {
            IndexChange::Collection(key, name) => {
                self.keys.insert(name.clone(), key);
                self.collections.entry(key).or_insert((name, 0));
            }
            IndexChange::Put { number, collection, keys } => {
                self.recent.add(number, &keys);
                if let Some((_, count)) = self.collections.get_mut(&collection) {
                    *count += 1;
                }
            }
            IndexChange::Gone { number, collection } => {
                self.dead.insert(number);
                if let Some((_, count)) = self.collections.get_mut(&collection) {
                    *count = count.saturating_sub(1);
                }
            }
            IndexChange::Flushed { segment, left_out } => {
                if !self.frozen.is_empty() {
                    self.frozen.remove(0);
                }
                self.segments.push(segment);
                self.bury(&left_out);
            }
            IndexChange::Merged { old, segment, left_out } => {
                let place = self.segments.iter().position(|known| old.contains(&known.key));
                self.segments.retain(|known| !old.contains(&known.key));
                self.segments.insert(place.unwrap_or(self.segments.len()), segment);
                self.bury(&left_out);
            }
        }
    }

    /// Makes filters smaller, the largest first, until they take so many bytes at most with those that are being made. Keys of large
    /// segments are looked up on the disk in vain more often then; there are few of those. Those that lie in `leaving` are
    /// about to go anyway, and come first.
    fn shrink_filters(&mut self, most_bytes: usize, leaving: Option<(u32, u32)>) {
        let most_bytes = most_bytes.saturating_sub(self.reserved);
        let bytes = |segment: &Arc<Segment>| segment.filter.bytes();
        let leaves = |segment: &Arc<Segment>| {
            let (first, last) = segment.range;
            bytes(segment) > 0 && leaving.is_some_and(|(from, to)| from <= first && last <= to)
        };
        while self.segments.iter().map(bytes).sum::<usize>() > most_bytes {
            let largest = |segment: &&mut Arc<Segment>| (leaves(segment), bytes(segment));
            if let Some(largest) = self.segments.iter_mut().max_by_key(largest) {
                *largest = Arc::new(largest.with_smaller_filter());
            }
        }
    }

    fn bury(&mut self, left_out: &[u32]) {
        self.generation += 1;
        for number in left_out {
            self.dead.remove(number);
        }
    }

    /// The number of a collection in the database, and how many documents it has.
    pub(super) fn collection(&self, name: &CollectionName) -> Option<(i64, u64)> {
        let key = self.keys.get(name)?;
        self.collections.get(key).map(|(_, count)| (*key, *count))
    }

    /// How many documents each collection has that has any.
    pub(super) fn counts(&self) -> Vec<(CollectionName, u64)> {
        let counts: BTreeMap<_, _> =
            self.collections.values().filter(|(_, count)| *count > 0).cloned().collect();
        counts.into_iter().collect()
    }

    /// How many entries are in no segment and not being written into one.
    pub(super) fn recent_entries(&self) -> usize {
        self.recent.len()
    }

    /// How many parts wait to be written.
    pub(super) fn waiting(&self) -> usize {
        self.frozen.len()
    }

    /// Begins a new part for new documents, and gives the one before it; `None` when that is empty.
    pub(super) fn freeze(&mut self) -> Option<Arc<Delta>> {
        if self.recent.is_empty() {
            return None;
        }
        let frozen = Arc::new(std::mem::take(&mut self.recent));
        self.frozen.push(Arc::clone(&frozen));
        Some(frozen)
    }

    /// What is needed to look for `keys`, without their [places](Snapshot::find_places).
    pub(super) fn snapshot(&self, keys: &[StoredKey]) -> Snapshot {
        let deltas = || self.frozen.iter().map(|delta| &**delta).chain([&self.recent]);
        let mut recent = HashMap::new();
        for &key in keys {
            let numbers = deltas().flat_map(|delta| delta.numbers(key));
            let alive = numbers.filter(|number| !self.dead.contains(number));
            let numbers: Vec<u32> = alive.take(MAX_ENTRIES_PER_KEY).collect();
            if !numbers.is_empty() {
                recent.insert(key, numbers);
            }
        }
        Snapshot { segments: self.segments.clone(), generation: self.generation, places: Vec::new(), recent }
    }
}
