//! Where each shingle stands in a text: a table that is sorted by hash in one pass.

use std::ops::Range;

/// The positions of the shingles of a text, those of equal shingles beside each other and rising.
///
/// The high bits of a hash tell its bucket. An entry is the rest of the hash, shifted up, and below it the position: that fits
/// 64 bits because there are no more positions than buckets.
pub(super) struct Occurrences {
    /// Bits of a position, and of a bucket.
    bits: u32,
    /// Where each bucket begins, and the end.
    starts: Vec<u32>,
    entries: Vec<u64>,
}

impl Occurrences {
    /// n·log n at worst, linear for hashes that are spread. Shingles from 2³⁰ on are left out; no text has as many.
    pub(super) fn of(shingles: &[u64]) -> Self {
        let shingles = shingles.get(..1 << 30).unwrap_or(shingles);
        let bits = shingles.len().next_power_of_two().trailing_zeros().max(1);
        let mut starts = vec![0_u32; (1 << bits) + 1];
        for shingle in shingles {
            if let Some(count) = starts.get_mut(bucket(*shingle, bits)) {
                *count += 1;
            }
        }
        let mut end = 0;
        for start in &mut starts {
            end += *start;
            *start = end;
        }
        // Each bucket is filled from its end, and what was its end becomes its beginning.
        let mut entries = vec![0_u64; shingles.len()];
        for (position, shingle) in shingles.iter().enumerate().rev() {
            let Some(start) = starts.get_mut(bucket(*shingle, bits)) else { continue };
            *start -= 1;
            if let Some(entry) = entries.get_mut(*start as usize) {
                *entry = shingle << bits | position as u64;
            }
        }
        let mut table = Self { bits, starts, entries };
        for bucket in 0..1 << bits {
            let range = table.range(bucket);
            if let Some(entries) = table.entries.get_mut(range)
                && entries.len() > 1
            {
                entries.sort_unstable();
            }
        }
        table
    }

    /// Which entries are of `shingle`.
    pub(super) fn find(&self, shingle: u64) -> Range<usize> {
        let bucket = self.range(bucket(shingle, self.bits));
        let entries = self.entries.get(bucket.clone()).unwrap_or_default();
        let rest = shingle << self.bits;
        let start = entries.partition_point(|&entry| entry < rest);
        let matching = entries.get(start..).unwrap_or_default();
        let length = matching.partition_point(|&entry| entry <= rest | self.mask());
        bucket.start + start..bucket.start + start + length
    }

    /// At most `most` of the positions of the entries `range`: those from `near` on, then those before it.
    pub(super) fn some_from(
        &self,
        range: Range<usize>,
        near: usize,
        most: usize,
    ) -> impl Iterator<Item = usize> {
        let entries = self.entries.get(range).unwrap_or_default();
        let first = entries.partition_point(|&entry| self.position(entry) < near);
        let (before, behind) = entries.split_at_checked(first).unwrap_or_default();
        behind.iter().chain(before).take(most).map(|&entry| self.position(entry))
    }

    fn range(&self, bucket: usize) -> Range<usize> {
        let border = |bucket| self.starts.get(bucket).copied().unwrap_or_default() as usize;
        border(bucket)..border(bucket + 1)
    }

    fn mask(&self) -> u64 {
        (1 << self.bits) - 1
    }

    fn position(&self, entry: u64) -> usize {
        usize::try_from(entry & self.mask()).unwrap_or(usize::MAX)
    }
}

fn bucket(shingle: u64, bits: u32) -> usize {
    usize::try_from(shingle >> (64 - bits)).unwrap_or(usize::MAX)
}
