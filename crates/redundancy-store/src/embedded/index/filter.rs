//! Tells of most keys that a segment has no entry of them, without a look at the disk.

use super::{KEY_BITS, StoredKey};

/// Words of a block: what one look touches, a line of the processor's cache.
const BLOCK_WORDS: usize = 8;
/// Bits that are set for a key.
const PROBES: u32 = 5;

/// Entries for which there is a block.
const ENTRIES_PER_BLOCK: u64 = 42;

/// A blocked Bloom filter (Putze, Sanders, Singler, "Cache-, hash- and space-efficient Bloom filters", 2007) of 12 bits for
/// each entry: it errs for about 1 of 100 keys that are not there, and never for one that is.
#[derive(Debug)]
pub(super) struct Filter {
    words: Vec<u64>,
}

impl Filter {
    /// A filter for so many entries.
    pub(super) fn new(entries: u64) -> Self {
        let blocks = usize::try_from(entries / ENTRIES_PER_BLOCK).unwrap_or(usize::MAX / 1024) + 1;
        Self { words: vec![0; blocks * BLOCK_WORDS] }
    }

    pub(super) fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let (words, rest) = bytes.as_chunks::<8>();
        let words: Vec<u64> = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
        let fits = rest.is_empty() && !words.is_empty() && words.len().is_multiple_of(BLOCK_WORDS);
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
        bits.all(|(word, bit)| self.words.get(block + word).is_some_and(|word| word & bit != 0))
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
        let mut filter = Filter::new(10_000);
        for number in 0..10_000 {
            filter.add(stored_key(1, number));
        }
        let filter = Filter::of_bytes(&filter.to_bytes().collect::<Vec<_>>()).unwrap();
        assert!((0..10_000).all(|number| filter.may_have(stored_key(1, number))));
        let errors = (0..10_000).filter(|number| filter.may_have(stored_key(2, *number))).count();
        assert!(errors < 250, "{errors}");
    }
}
