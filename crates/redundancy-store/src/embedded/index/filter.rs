//! Tells of most keys that a segment has no entry of them, without a look at the disk.

use super::{KEY_BITS, StoredKey};

/// Words of a block: what one look touches, a line of the processor's cache.
const BLOCK_WORDS: usize = 8;
/// Bits that are set for a key.
const PROBES: u32 = 5;

/// Entries for which there is a block.
const ENTRIES_PER_BLOCK: u64 = 42;

/// How often a filter may be halved: with a quarter of its bits it still tells of half of the keys, with fewer of hardly any.
const FOLDS: u32 = 2;

/// A blocked Bloom filter (Putze, Sanders, Singler, "Cache-, hash- and space-efficient Bloom filters", 2007) of 12 bits for
/// each entry: it errs for about 1 of 100 keys that are not there, and never for one that is. With half of the bits it errs for
/// about 1 of 14, with a quarter for 1 of 2, without any for all.
#[derive(Debug)]
pub(super) struct Filter {
    /// In blocks, whose number can be halved [`FOLDS`] times when the filter is new.
    words: Vec<u64>,
}

impl Filter {
    /// A filter for so many entries that takes so many bytes at most.
    pub(super) fn new(entries: u64, most_bytes: usize) -> Self {
        Self { words: vec![0; Self::size(entries, most_bytes) / size_of::<u64>()] }
    }

    /// The bytes of such a filter.
    pub(super) fn size(entries: u64, most_bytes: usize) -> usize {
        let quarter =
            usize::try_from(entries / (ENTRIES_PER_BLOCK << FOLDS)).unwrap_or(usize::MAX / 1024) + 1;
        let sizes = (0..=FOLDS).rev().map(|fold| (quarter << fold) * BLOCK_WORDS * size_of::<u64>());
        sizes.into_iter().find(|size| *size <= most_bytes).unwrap_or(0)
    }

    /// How many bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        self.words.len() * size_of::<u64>()
    }

    /// The same with half of the bits, or none when it cannot be halved.
    pub(super) fn folded(&self) -> Self {
        let (pairs, rest) = self.words.as_chunks::<{ 2 * BLOCK_WORDS }>();
        if !rest.is_empty() {
            return Self { words: Vec::new() };
        }
        // The two blocks of a pair have become one: the place of a key is that of its pair.
        let words = pairs.iter().flat_map(|pair| {
            let (first, second) = pair.split_at(BLOCK_WORDS);
            first.iter().zip(second).map(|(first, second)| first | second)
        });
        Self { words: words.collect() }
    }

    pub(super) fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let (words, rest) = bytes.as_chunks::<8>();
        let words: Vec<u64> = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
        let fits = rest.is_empty() && words.len().is_multiple_of(BLOCK_WORDS);
        fits.then_some(Self { words })
    }

    pub(super) fn to_bytes(&self) -> impl Iterator<Item = u8> + '_ {
        self.words.iter().flat_map(|word| word.to_le_bytes())
    }

    pub(super) fn add(&mut self, key: StoredKey) {
        let (block, bits) = self.place(key);
        for (word, bit) in bits {
            if let Some(word) = self.words.get_mut(block + word) {
                *word |= bit;
            }
        }
    }

    pub(super) fn may_have(&self, key: StoredKey) -> bool {
        let (block, mut bits) = self.place(key);
        self.words.is_empty()
            || bits.all(|(word, bit)| self.words.get(block + word).is_some_and(|word| word & bit != 0))
    }

    /// Where a key has its block, and which bits of which words in it. Blocks follow the order of keys, which are as good as
    /// random: a segment, whose entries come in order, is filled without a jump in memory for each of them.
    fn place(&self, key: StoredKey) -> (usize, impl Iterator<Item = (usize, u64)> + use<>) {
        let blocks = (self.words.len() / BLOCK_WORDS) as u64;
        let block = ((key >> (KEY_BITS - 32)) * blocks) >> 32;
        let hash = key.wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
        let bits = (hash ^ (hash >> 32)).wrapping_mul(0x9FB2_1C65_1E98_DF25);
        let probes = (0..PROBES).map(move |probe| {
            let nine = bits >> (64 - 9 * (probe + 1));
            ((nine >> 6) as usize % BLOCK_WORDS, 1 << (nine & 63))
        });
        (block as usize * BLOCK_WORDS, probes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedded::index::stored_key;

    #[test]
    fn it_has_all_that_was_added_and_little_else() {
        let mut filter = Filter::new(10_000, usize::MAX);
        for number in 0..10_000 {
            filter.add(stored_key(1, number));
        }
        let mut filter = Filter::of_bytes(&filter.to_bytes().collect::<Vec<_>>()).unwrap();
        for most_errors in [250, 1000, 6000] {
            assert!((0..10_000).all(|number| filter.may_have(stored_key(1, number))));
            let errors = (0..10_000).filter(|number| filter.may_have(stored_key(2, *number))).count();
            assert!(errors < most_errors, "{errors}");
            filter = filter.folded();
        }
        while filter.bytes() > 0 {
            filter = filter.folded();
        }
        assert!(filter.may_have(stored_key(2, 1)));
    }

    #[test]
    fn it_takes_no_more_than_it_may() {
        let whole = Filter::size(1 << 20, usize::MAX);
        for (most, size) in
            [(whole, whole), (whole - 1, whole / 2), (whole / 2 - 1, whole / 4), (whole / 4 - 1, 0)]
        {
            assert_eq!(Filter::size(1 << 20, most), size);
            assert_eq!(Filter::new(1 << 20, most).bytes(), size);
        }
    }
}
