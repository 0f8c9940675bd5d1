//! Identifiers with a readable prefix, sorted by the millisecond of their creation.

use crate::ports::{Clock, IdSource};
use std::fmt;
use std::str::FromStr;

/// Crockford's base 32: no letter that could be taken for another one.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Letters that hold 128 bits, 5 bits each.
const LETTERS: usize = 26;
/// Random bits behind the 48 bits of time in milliseconds.
const RANDOM_BITS: u32 = 80;

/// The id of an analysis, on the wire `ana_` and 26 letters. Ids sort by the millisecond in which they were made, by the time
/// of day on the clock; within one millisecond their order is random.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AnalysisId(u128);

impl AnalysisId {
    const PREFIX: &str = "ana_";

    /// A new id.
    pub(crate) fn new(clock: &dyn Clock, ids: &dyn IdSource) -> Self {
        let random = ids.random_128() & ((1 << RANDOM_BITS) - 1);
        Self(u128::from(clock.now().as_millis()) << RANDOM_BITS | random)
    }
}

impl fmt::Display for AnalysisId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::PREFIX)?;
        (0..LETTERS).rev().try_for_each(|place| {
            let letter = (self.0 >> (5 * place)) & 31;
            write!(f, "{}", char::from(ALPHABET[usize::from(letter.to_le_bytes()[0])]))
        })
    }
}

/// A text is no id of the expected kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id of this kind: expected `ana_` and 26 letters or digits")]
pub struct InvalidId;

impl FromStr for AnalysisId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let letters =
            text.strip_prefix(Self::PREFIX).filter(|letters| letters.len() == LETTERS).ok_or(InvalidId)?;
        letters
            .bytes()
            .try_fold(0u128, |number, letter| {
                let value = ALPHABET.iter().position(|&known| known == letter)?;
                // The first letter holds 3 bits only.
                number.checked_mul(32)?.checked_add(value as u128)
            })
            .map(Self)
            .ok_or(InvalidId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_from_what_it_shows() {
        for number in [0, 1, u128::MAX, 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef] {
            let id = AnalysisId(number);
            assert_eq!(id.to_string().parse(), Ok(id));
        }
    }

    #[test]
    fn what_is_no_id_is_refused() {
        let too_large = format!("ana_{}", "z".repeat(26));
        for text in [
            "",
            "ana_",
            "doc_00000000000000000000000000",
            "ana_0000000000000000000000000U",
            "ana_é",
            &too_large,
        ] {
            assert_eq!(text.parse::<AnalysisId>(), Err(InvalidId), "{text}");
        }
    }
}
