//! Makes segments of entries, block by block.

use super::StoredKey;
use super::filter::Filter;
use super::segment::{BLOCK_ENTRIES, ENTRY_BYTES, SUMMARY_PART, Segment, write_entry};

/// A segment that is being made of entries in their order.
pub(super) struct Builder {
    segment: Segment,
    block: Vec<u8>,
}

impl Builder {
    /// A segment without entries, with room for `most` of them, and a filter of so many bytes at most.
    pub(super) fn new(key: i64, level: u32, range: (u32, u32), most: u64, filter_bytes: usize) -> Self {
        let filter = Filter::new(most, filter_bytes);
        let segment = Segment { key, level, range, entries: 0, fences: Vec::new(), filter };
        Self { segment, block: Vec::new() }
    }

    /// Adds an entry that is not below the one before; gives a block when one is full.
    pub(super) fn push(&mut self, (key, number): (StoredKey, u32)) -> Option<Vec<u8>> {
        if self.block.is_empty() {
            self.segment.fences.push(key);
        }
        self.segment.filter.add(key);
        self.segment.entries += 1;
        write_entry((key, number), &mut self.block);
        let is_full = self.block.len() >= BLOCK_ENTRIES * ENTRY_BYTES;
        is_full.then(|| std::mem::replace(&mut self.block, Vec::with_capacity(BLOCK_ENTRIES * ENTRY_BYTES)))
    }

    /// The segment, and its last block if there is one.
    pub(super) fn finish(self) -> (Segment, Option<Vec<u8>>) {
        let block = Some(self.block).filter(|block| !block.is_empty());
        (self.segment, block)
    }
}

impl Segment {
    /// What memory has to know of it, as bytes, in parts.
    pub(super) fn summary(&self) -> impl Iterator<Item = Vec<u8>> + '_ {
        let fences = self.fences.iter().flat_map(|fence| fence.to_le_bytes());
        let mut bytes = fences.chain(self.filter.to_bytes());
        std::iter::from_fn(move || {
            let part: Vec<u8> = bytes.by_ref().take(SUMMARY_PART).collect();
            (!part.is_empty()).then_some(part)
        })
    }

    /// The same back from bytes: `None` when they are none.
    pub(super) fn of_summary(
        key: i64,
        level: u32,
        range: (u32, u32),
        entries: u64,
        bytes: &[u8],
    ) -> Option<Self> {
        let blocks = usize::try_from(entries).ok()?.div_ceil(BLOCK_ENTRIES);
        let (fences, filter) = bytes.split_at_checked(blocks.checked_mul(8)?)?;
        let fences = fences.as_chunks::<8>().0.iter().map(|fence| u64::from_le_bytes(*fence)).collect();
        Some(Self { key, level, range, entries, fences, filter: Filter::of_bytes(filter)? })
    }
}
