//! The suffix array of a sequence of word numbers, and how much neighbouring suffixes share. Everything that looks for equal
//! runs of words stands on it: it costs linear time and memory whatever the text repeats.

use libsais::SuffixArrayConstruction;
use std::alloc::{Layout, handle_alloc_error};

/// Suffixes of a sequence in lexicographic order, with the length of the common prefix of each and its predecessor.
#[derive(Debug)]
pub(crate) struct Suffixes {
    /// Start positions of the suffixes, in order.
    pub(crate) order: Vec<i32>,
    /// `shared[r]` = length of the longest common prefix of suffixes `order[r - 1]` and `order[r]`; `shared[0]` = 0.
    pub(crate) shared: Vec<i32>,
}

impl Suffixes {
    /// Sorts the suffixes of `sequence`, whose values are below `i32::MAX`. Linear time (SA-IS: Nong, Zhang & Chan 2009, in
    /// the `libsais` implementation; common prefixes: Kärkkäinen, Manzini & Puglisi 2009).
    pub(crate) fn of(sequence: &mut [i32]) -> Self {
        if sequence.len() < 2 {
            return Self { order: (0..).take(sequence.len()).collect(), shared: vec![0; sequence.len()] };
        }
        let bytes = size_of_val(sequence);
        let sorted =
            SuffixArrayConstruction::for_text_mut(sequence).in_owned_buffer32().single_threaded().run();
        let shared = sorted
            .and_then(|suffixes| suffixes.plcp_construction().single_threaded().run())
            .and_then(|permuted| permuted.lcp_construction().single_threaded().run());
        let Ok(complete) = shared else {
            // The one failure left for a valid sequence is memory running out, and it ends like any failed allocation.
            handle_alloc_error(Layout::array::<u8>(bytes).unwrap_or(Layout::new::<i32>()))
        };
        let (order, shared, _, _) = complete.into_parts();
        Self { order, shared }
    }
}

impl Suffixes {
    /// The rank of the suffix that begins at each position: the inverse of the order.
    pub(crate) fn ranks(&self) -> Vec<u32> {
        let mut ranks = vec![0; self.order.len()];
        for (rank, &position) in (0..).zip(&self.order) {
            if let Some(place) = ranks.get_mut(index(position)) {
                *place = rank;
            }
        }
        ranks
    }

    /// The ranks around `from..=to`, which share their first `words` words, that share them too: how many before and how many
    /// behind, looking at no more than `most` on either side.
    pub(crate) fn neighbours(&self, from: usize, to: usize, words: usize, most: usize) -> (usize, usize) {
        let shares = |&&shared: &&i32| index(shared) >= words;
        let before = self.shared.get(..=from).unwrap_or_default();
        let behind = self.shared.get(to + 1..).unwrap_or_default();
        let before = before.iter().rev().take(most).take_while(shares).count();
        (before, behind.iter().take(most).take_while(shares).count())
    }
}

/// A number below 2^31 that `libsais` handed out, as an index. It hands out no negative one.
pub(crate) const fn index(number: i32) -> usize {
    number.unsigned_abs() as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn suffixes_are_sorted_and_share_what_they_say(sequence in proptest::collection::vec(0..4i32, 0..60)) {
            let Suffixes { order, shared } = Suffixes::of(&mut sequence.clone());
            prop_assert_eq!(order.len(), sequence.len());
            for (pair, &shared) in order.windows(2).zip(shared.iter().skip(1)) {
                let (one, other) = (&sequence[index(pair[0])..], &sequence[index(pair[1])..]);
                prop_assert!(one < other);
                prop_assert_eq!(one.iter().zip(other).take_while(|(a, b)| a == b).count(), index(shared));
            }
        }
    }
}
