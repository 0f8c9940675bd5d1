//! Signatures of sets by Fast Similarity Sketching (Dahlgaard, Knudsen, Thorup, "Fast Similarity Sketching", FOCS 2017,
//! figure 1): for two sets the expected share of places in which their signatures agree is their Jaccard similarity, as with
//! `MinHash`, but a signature of k places of a set of n costs n + k·log k steps and not n·k.

use super::mix::{ROOT_3, fold, mix};

/// A place of a signature that nothing has been thrown into yet.
const EMPTY: u64 = u64::MAX;

/// Bits of a place's value that hold the hash; the round is above them, so that earlier rounds win.
const HASH_BITS: u32 = 48;

/// Makes signatures, one after the other, in a buffer that it keeps.
#[derive(Debug)]
pub struct Sketcher {
    places: Vec<u64>,
    empty: usize,
}

impl Sketcher {
    /// A sketcher whose signatures have `size` places, at least 1 and at most 32,767: two rounds for each must fit the bits above the hash.
    #[must_use]
    pub fn new(size: usize) -> Self {
        let size = size.clamp(1, 0x7FFF);
        Self { places: vec![EMPTY; size], empty: size }
    }

    /// The signature of the set of `shingles`, whatever their order and however often each is in the list; `None` of the empty set.
    ///
    /// The first round throws each shingle into one place; the least hash there stays. Another round is made while a place is
    /// empty, at most twice as many as there are places; in the second half of them round k fills place k for certain.
    pub fn sketch(&mut self, shingles: &[u64]) -> Option<&[u64]> {
        self.places.fill(EMPTY);
        self.empty = self.places.len();
        if shingles.is_empty() {
            return None;
        }
        for round in 0..2 * self.places.len() {
            self.throw(round, shingles);
            if self.empty == 0 {
                break;
            }
        }
        Some(&self.places)
    }

    fn throw(&mut self, round: usize, shingles: &[u64]) {
        let size = self.places.len();
        let key = mix(round as u64);
        let prefix = (round as u64) << HASH_BITS;
        let certain = round.checked_sub(size);
        for shingle in shingles {
            let hash = fold(shingle ^ key, ROOT_3);
            let place = certain.unwrap_or(((hash >> 32) as usize * size) >> 32);
            let value = prefix | (hash & ((1 << HASH_BITS) - 1));
            if let Some(held) = self.places.get_mut(place) {
                self.empty -= usize::from(*held == EMPTY);
                *held = value.min(*held);
            }
        }
    }
}
