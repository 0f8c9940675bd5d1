//! Candidates: the distinct documents that have a band in common.

use super::first_pass::{Distinct, FirstPass};
use super::parallel::map_in_order;
use std::num::NonZeroUsize;

/// Documents with the same key in one band: two at least, in rising order.
pub(super) type Bucket<'b> = &'b [Distinct];

/// All buckets, band after band.
#[derive(Debug)]
pub(super) struct Buckets {
    bands: Vec<Band>,
}

/// The buckets of one band.
#[derive(Debug, Default)]
struct Band {
    members: Vec<Distinct>,
    /// Where each bucket ends in `members`.
    ends: Vec<u32>,
}

impl Buckets {
    /// Sorts the keys of each band: n·log n for each. Bands are sorted on `threads` threads.
    pub(super) fn of(found: &FirstPass, bands: usize, threads: NonZeroUsize) -> Self {
        Self { bands: map_in_order(threads, bands, |band| Band::of(found, bands, band)) }
    }

    /// The buckets of each band, band after band, in an order that the documents alone decide.
    pub(super) fn bands(&self) -> impl Iterator<Item = Vec<Bucket<'_>>> {
        self.bands.iter().map(|band| band.buckets().collect())
    }

    /// The documents that stand in any bucket, in order.
    pub(super) fn candidates(&self, distinct: u32) -> Vec<Distinct> {
        let mut is_candidate = vec![false; distinct as usize];
        for member in self.bands.iter().flat_map(|band| &band.members) {
            if let Some(flag) = is_candidate.get_mut(*member as usize) {
                *flag = true;
            }
        }
        (0..distinct).zip(is_candidate).filter_map(|(document, flag)| flag.then_some(document)).collect()
    }
}

impl Band {
    #[expect(clippy::cast_possible_truncation, reason = "the low half of an entry is the document")]
    fn of(found: &FirstPass, bands: usize, band: usize) -> Self {
        let keys = found.bands.iter().skip(band).step_by(bands.max(1));
        let mut order: Vec<u64> = keys
            .zip(&found.shingles)
            .zip(0_u64..)
            // Texts without shingles have no bands.
            .filter(|((_, shingles), _)| **shingles > 0)
            .map(|((key, _), document)| u64::from(*key) << 32 | document)
            .collect();
        order.sort_unstable();
        let mut found = Self::default();
        for same in order.chunk_by(|one, next| one >> 32 == next >> 32).filter(|same| same.len() > 1) {
            found.members.extend(same.iter().map(|entry| *entry as u32));
            found.ends.push(u32::try_from(found.members.len()).unwrap_or(u32::MAX));
        }
        found
    }

    fn buckets(&self) -> impl Iterator<Item = Bucket<'_>> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).filter_map(|(start, end)| self.members.get(start as usize..*end as usize))
    }
}
