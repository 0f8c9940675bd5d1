//! Hashes of normalised words. The 64 bits of a word depend on its letters alone.

use super::mix::{ROOT_2, ROOT_3, ROOT_5, ROOT_7, fold};

/// How many bytes behind the last word a buffer of words must have, so that each word can be read in whole blocks.
pub(super) const PADDING: usize = BLOCK;

/// How many bytes are hashed at a time: most words fit one block.
const BLOCK: usize = 16;

/// The hash of the word `bytes[start..end]`. Constant time for words of up to 16 bytes, without a branch on their length;
/// linear beyond. `bytes` goes on for [`PADDING`] bytes behind the word, or the word counts as shorter.
#[inline]
pub(super) fn hash_word(bytes: &[u8], start: usize, end: usize) -> u64 {
    let mut at = start;
    let mut state = ROOT_5;
    while end.saturating_sub(at) > BLOCK {
        let (low, high) = block(bytes, at);
        state = fold(low ^ ROOT_2 ^ state, high ^ ROOT_3);
        at += BLOCK;
    }
    let left = end.saturating_sub(at);
    let (low, high) = block(bytes, at);
    let low = low & ones(left);
    let high = high & ones(left.saturating_sub(8));
    let length = (end.saturating_sub(start) as u64).wrapping_mul(ROOT_7);
    fold(low ^ ROOT_2 ^ state, high ^ ROOT_3 ^ length)
}

/// The lowest `bytes` bytes of a number.
#[inline]
const fn ones(bytes: usize) -> u64 {
    if bytes >= 8 { u64::MAX } else { (1 << (8 * bytes)) - 1 }
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the halves are wanted one by one")]
fn block(bytes: &[u8], at: usize) -> (u64, u64) {
    let block = bytes.get(at..).and_then(|rest| rest.first_chunk::<BLOCK>()).copied().unwrap_or_default();
    let number = u128::from_le_bytes(block);
    (number as u64, (number >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn alone(word: &str) -> u64 {
        let mut bytes = word.as_bytes().to_vec();
        bytes.extend([0; PADDING]);
        hash_word(&bytes, 0, word.len())
    }

    proptest! {
        #[test]
        fn what_stands_around_a_word_does_not_matter(before in "[a-z ]{0,20}", word in "[a-zñ0-9]{1,40}", after in "[a-z ]{0,40}") {
            let mut bytes = format!("{before}{word}{after}").into_bytes();
            bytes.extend([b'x'; PADDING]);
            prop_assert_eq!(hash_word(&bytes, before.len(), before.len() + word.len()), alone(&word));
        }
    }

    #[test]
    fn no_two_of_a_hundred_thousand_words_collide_not_even_in_32_bits_more_often_than_chance() {
        let words: Vec<String> =
            (0..100_000_u64).map(|n| format!("w{:x}", n.wrapping_mul(0x9E37_79B9))).collect();
        let mut whole = HashMap::new();
        let mut halves = HashMap::new();
        for word in &words {
            assert_eq!(whole.insert(alone(word), word), None);
            *halves.entry(alone(word) >> 32).or_insert(0) += 1;
        }
        // By the birthday bound there is one pair to expect: 100,000² / 2 / 2³².
        assert!(words.len() - halves.len() < 12);
    }
}
