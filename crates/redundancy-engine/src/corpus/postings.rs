//! Where shingles stand: lists of documents by shingle, and about how frequent each shingle is.

use super::first_pass::Distinct;
use super::sets::Sets;

/// In about how many documents each shingle stands: never too few. Two bytes for each shingle of all documents, or four, or less where there
/// is no room for them: then more shingles are counted together.
pub(super) struct Frequencies {
    /// By the first bits of a shingle; shingles that share them are counted together.
    counts: Vec<u16>,
    shift: u32,
}

/// Lists of documents by shingle.
pub(super) struct Postings {
    /// The shingles that have a list, in rising order.
    shingles: Vec<u64>,
    /// Where the list of each ends.
    ends: Vec<u32>,
    documents: Vec<Distinct>,
    /// For the first bits of a shingle, where those that begin with them start. Shingles are hashes: there is about one for each.
    starts: Vec<u32>,
    shift: u32,
}

impl Frequencies {
    /// Counts the shingles of all documents whose sets are there, in `room` bytes.
    pub(super) fn of(sets: &Sets, documents: Distinct, room: u64) -> Self {
        let total = (0..documents).map(|document| sets.len(document)).sum();
        let mut frequencies = Self::none(total, room);
        for document in 0..documents {
            for shingle in sets.shingles(document).iter() {
                frequencies.add(*shingle);
            }
        }
        frequencies
    }

    /// Counts of `total` shingles that are yet to be added.
    fn none(total: usize, room: u64) -> Self {
        let most = (room / size_of::<u16>() as u64).max(2).ilog2();
        let bits = bits_for(total).min(most);
        Self { counts: vec![0; 1 << bits], shift: u64::BITS - bits }
    }

    fn add(&mut self, shingle: u64) {
        if let Some(count) = self.counts.get_mut(first_bits(shingle, self.shift)) {
            *count = count.saturating_add(1);
        }
    }

    pub(super) fn get(&self, shingle: u64) -> u32 {
        self.counts.get(first_bits(shingle, self.shift)).copied().unwrap_or_default().into()
    }
}

impl Postings {
    /// Sorts the `entries`: n·log n. No more than 2³² of them count.
    pub(super) fn of(mut entries: Vec<(u64, Distinct)>) -> Self {
        entries.truncate(u32::MAX as usize);
        entries.sort_unstable();
        let mut shingles = Vec::new();
        let mut ends = Vec::new();
        let mut end = 0;
        for list in entries.chunk_by(|one, next| one.0 == next.0) {
            shingles.extend(list.first().map(|entry| entry.0));
            end += u32::try_from(list.len()).unwrap_or(u32::MAX);
            ends.push(end);
        }
        let bits = bits_for(shingles.len());
        let shift = u64::BITS - bits;
        let mut starts = Vec::with_capacity((1 << bits) + 1);
        let mut at = 0_u32;
        for bucket in 0..=1_usize << bits {
            while shingles.get(at as usize).is_some_and(|shingle| first_bits(*shingle, shift) < bucket) {
                at += 1;
            }
            starts.push(at);
        }
        let documents = entries.into_iter().map(|(_, document)| document).collect();
        Self { shingles, ends, documents, starts, shift }
    }

    /// The documents in the list of `shingle`, in rising order.
    pub(super) fn of_shingle(&self, shingle: u64) -> &[Distinct] {
        let bucket = first_bits(shingle, self.shift);
        let start = |at: usize| self.starts.get(at).map_or(0, |start| *start as usize);
        let (from, to) = (start(bucket), start(bucket + 1));
        let near = self.shingles.get(from..to).unwrap_or_default();
        let Ok(place) = near.binary_search(&shingle) else { return &[] };
        let end = |list: usize| self.ends.get(list).map_or(0, |end| *end as usize);
        let list = from + place;
        let begin = list.checked_sub(1).map_or(0, end);
        self.documents.get(begin..end(list)).unwrap_or_default()
    }

    /// All entries whose document is wanted.
    pub(super) fn entries(&self, wanted: impl Fn(Distinct) -> bool) -> Vec<(u64, Distinct)> {
        let mut entries = Vec::new();
        let mut from = 0;
        for (shingle, end) in self.shingles.iter().zip(&self.ends) {
            let list = self.documents.get(from..*end as usize).unwrap_or_default();
            entries.extend(
                list.iter().filter(|document| wanted(**document)).map(|document| (*shingle, *document)),
            );
            from = *end as usize;
        }
        entries
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.documents.len()
    }
}

/// A place in a table of 2^(64 - `shift`) places.
#[expect(clippy::cast_possible_truncation, reason = "a table in memory has its places counted in usize")]
const fn first_bits(shingle: u64, shift: u32) -> usize {
    (shingle >> shift) as usize
}

/// Bits that tell as many things apart; 1 at least, and no more than a table in memory can have.
fn bits_for(count: usize) -> u32 {
    count.next_power_of_two().trailing_zeros().clamp(1, 30)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests stop at the first surprise")]

    use super::{Frequencies, Postings};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn lists_are_what_was_put_in(
            entries in prop::collection::vec((prop_oneof![0_u64..20, any::<u64>(), Just(u64::MAX)], 0_u32..50), 0..200),
            other in any::<u64>(),
        ) {
            let postings = Postings::of(entries.clone());
            prop_assert_eq!(postings.len(), entries.len());
            for shingle in entries.iter().map(|entry| entry.0).chain([other]) {
                let mut expected: Vec<u32> = entries.iter().filter(|entry| entry.0 == shingle).map(|entry| entry.1).collect();
                expected.sort_unstable();
                prop_assert_eq!(postings.of_shingle(shingle), expected.as_slice());
            }
            let mut odd: Vec<_> = entries.iter().copied().filter(|entry| entry.1 % 2 == 1).collect();
            odd.sort_unstable();
            prop_assert_eq!(postings.entries(|document| document % 2 == 1), odd);
        }

        #[test]
        fn a_shingle_is_never_said_to_be_rarer_than_it_is(
            shingles in prop::collection::vec(any::<u64>(), 0..200),
            room in prop_oneof![0_u64..100, Just(u64::MAX)],
        ) {
            let mut frequencies = Frequencies::none(shingles.len(), room);
            for shingle in shingles.iter().chain(&shingles) {
                frequencies.add(*shingle);
            }
            prop_assert!(shingles.iter().all(|shingle| frequencies.get(*shingle) >= 2));
        }
    }
}
