//! Entries in memory.

use super::StoredKey;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Marks the end of a chain.
const END: u32 = u32::MAX;

/// Entries of documents whose numbers rise.
#[derive(Debug, Default)]
pub(in super::super) struct Delta {
    /// The first and the last link of the chain of each key.
    chains: HashMap<StoredKey, (u32, u32), BuildHasherDefault<KeyHasher>>,
    /// The number of a document, and the next link.
    links: Vec<(u32, u32)>,
    range: Option<(u32, u32)>,
}

/// Spreads keys, which are as good as random, over all bits.
#[derive(Debug, Default)]
pub(super) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = (self.0 ^ key).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

impl Delta {
    /// Adds a document. Its number is higher than all before.
    pub(super) fn add(&mut self, number: u32, keys: &[StoredKey]) {
        let first = self.range.map_or(number, |(first, _)| first);
        self.range = Some((first, number));
        for key in keys {
            // There are never so many: long before they are written into a segment.
            let link = u32::try_from(self.links.len()).unwrap_or(END);
            self.links.push((number, END));
            let (_, last) = self.chains.entry(*key).or_insert((link, link));
            if *last != link {
                if let Some((_, next)) = self.links.get_mut(*last as usize) {
                    *next = link;
                }
                *last = link;
            }
        }
    }

    /// The documents that have a key, the oldest first.
    pub(super) fn numbers(&self, key: StoredKey) -> impl Iterator<Item = u32> + '_ {
        self.chain(self.chains.get(&key).map_or(END, |(first, _)| *first))
    }

    fn chain(&self, mut link: u32) -> impl Iterator<Item = u32> + '_ {
        std::iter::from_fn(move || {
            let (number, next) = *self.links.get(link as usize)?;
            link = next;
            Some(number)
        })
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.links.len()
    }

    /// Whether there is no document.
    pub(super) fn is_empty(&self) -> bool {
        self.range.is_none()
    }

    /// The numbers of the first and of the last document.
    pub(super) fn range(&self) -> (u32, u32) {
        self.range.unwrap_or_default()
    }

    /// All entries, sorted.
    pub(super) fn sorted(&self) -> Vec<(StoredKey, u32)> {
        let mut entries = Vec::with_capacity(self.links.len());
        for (key, (first, _)) in &self.chains {
            entries.extend(self.chain(*first).map(|number| (*key, number)));
        }
        entries.sort_unstable();
        entries
    }
}
