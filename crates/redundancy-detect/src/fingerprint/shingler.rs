//! From text to hashed shingles in one pass over its bytes, without making a string of any.

use super::mix::{ROOT_3, ROOT_5, ROOT_7, fold, mix};
use super::word_hash::{PADDING, hash_word};
use crate::normalize::normalize_word;
use crate::span::Span;
use crate::text::{MAX_TEXT_BYTES, TextTooLong};
use crate::words::{Form, for_each_word};
use std::fmt;
use std::num::NonZeroU8;
use std::str::FromStr;

/// What counts as one shingle. Longer shingles make texts look less alike: a changed word takes `N` word shingles with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shingling {
    /// Each run of this many normalised words; in scripts without spaces, of characters.
    Words(NonZeroU8),
    /// Each run of this many Unicode scalar values of the normalised words joined by one space.
    Chars(NonZeroU8),
}

impl Default for Shingling {
    /// Five words, the customary size for articles and pages.
    fn default() -> Self {
        Self::Words(NonZeroU8::MIN.saturating_add(4))
    }
}

/// A name of a shingling that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be words:N or chars:N with N from 1 to 255, such as words:5 or chars:8")]
pub struct UnknownShingling;

impl FromStr for Shingling {
    type Err = UnknownShingling;

    fn from_str(name: &str) -> Result<Self, UnknownShingling> {
        let (unit, size) = name.split_once(':').ok_or(UnknownShingling)?;
        let size = size.parse().map_err(|_| UnknownShingling)?;
        match unit {
            "words" => Ok(Self::Words(size)),
            "chars" => Ok(Self::Chars(size)),
            _ => Err(UnknownShingling),
        }
    }
}

impl fmt::Display for Shingling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Words(size) => write!(f, "words:{size}"),
            Self::Chars(size) => write!(f, "chars:{size}"),
        }
    }
}

/// One word of the text last read: its hash and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashedWord {
    /// Hash of its normal form.
    pub hash: u64,
    start: u32,
    end: u32,
}

impl HashedWord {
    /// Where it stands in the text, in bytes.
    #[must_use]
    pub const fn span(self) -> Span {
        Span::new(self.start as usize, self.end as usize)
    }
}

/// Cuts texts into hashed shingles, one text after the other, in buffers that it keeps.
#[derive(Debug)]
pub struct Shingler {
    shingling: Shingling,
    /// The text in lower case, with padding behind it.
    lower: String,
    /// The normal form of one word, with padding behind it.
    normal: String,
    /// For shingles of characters: the normal form of the whole text.
    joined: String,
    words: Vec<HashedWord>,
    shingles: Vec<u64>,
}

impl Shingler {
    /// A shingler that has read no text.
    #[must_use]
    pub const fn new(shingling: Shingling) -> Self {
        Self {
            shingling,
            lower: String::new(),
            normal: String::new(),
            joined: String::new(),
            words: Vec::new(),
            shingles: Vec::new(),
        }
    }

    /// How it cuts.
    #[must_use]
    pub const fn shingling(&self) -> Shingling {
        self.shingling
    }

    /// Reads `text`, in place of the one before. Linear time.
    ///
    /// # Errors
    /// [`TextTooLong`] when it has more than [`MAX_TEXT_BYTES`] bytes; then no text has been read.
    pub fn read(&mut self, text: &str) -> Result<(), TextTooLong> {
        self.words.clear();
        self.shingles.clear();
        self.joined.clear();
        if text.len() > MAX_TEXT_BYTES {
            return Err(TextTooLong { bytes: text.len() });
        }
        self.hash_words(text);
        match self.shingling {
            Shingling::Words(size) => {
                roll(self.words.iter().map(|word| word.hash), size.get().into(), &mut self.shingles);
            }
            Shingling::Chars(size) => {
                let letters = self.joined.chars().map(|letter| mix(letter.into()));
                roll(letters, size.get().into(), &mut self.shingles);
            }
        }
        Ok(())
    }

    /// The words of the text, in order.
    #[must_use]
    pub fn words(&self) -> &[HashedWord] {
        &self.words
    }

    /// The shingles of the text, in order: equal ones as often as they stand there. A text of fewer words (or characters) than
    /// a shingle has one shingle of all of them, and a text without words has none.
    #[must_use]
    pub fn shingles(&self) -> &[u64] {
        &self.shingles
    }

    /// A hash of the sequence of normalised words: texts that differ only in case, punctuation and white space have the same.
    /// Not proof against somebody who looks for two texts with the same hash: compare before you believe.
    #[must_use]
    pub fn normalized(&self) -> u128 {
        let (mut one, mut other) = (ROOT_5, ROOT_7);
        for word in &self.words {
            one = fold(one ^ word.hash, ROOT_3);
            other = fold(other.rotate_left(23) ^ word.hash, ROOT_5);
        }
        u128::from(mix(one ^ self.words.len() as u64)) << 64 | u128::from(mix(other))
    }

    /// The bytes of the text, its ASCII letters in lower case, and padding behind them. They are there as long as its words are.
    pub(super) fn lower_bytes(&self) -> &[u8] {
        self.lower.as_bytes()
    }

    fn hash_words(&mut self, text: &str) {
        let Self { lower, normal, joined, words, shingling, .. } = self;
        lower.clear();
        lower.reserve(text.len() + PADDING);
        lower.push_str(text);
        // Lowering all at once is many times faster than word by word, and changes no offset.
        lower.make_ascii_lowercase();
        lower.extend(std::iter::repeat_n(' ', PADDING));
        let source = lower.get(..text.len()).unwrap_or_default();
        let is_joining = matches!(shingling, Shingling::Chars(_));
        for_each_word(source, |start, end, form| {
            let (Ok(from), Ok(to)) = (u32::try_from(start), u32::try_from(end)) else { return };
            let word = source.get(start..end).unwrap_or_default();
            let (hash, written) = match form {
                Form::Ascii => (hash_word(lower.as_bytes(), start, end), word),
                Form::Other => {
                    let Some(length) = write_padded(word, normal) else { return };
                    (hash_word(normal.as_bytes(), 0, length), normal.get(..length).unwrap_or_default())
                }
            };
            if is_joining {
                if !joined.is_empty() {
                    joined.push(' ');
                }
                joined.push_str(written);
            }
            words.push(HashedWord { hash, start: from, end: to });
        });
    }
}

/// Writes the normal form of `word`, and padding behind it, in place of what `normal` holds. Tells how many bytes the form has;
/// `None` if there is nothing of it.
fn write_padded(word: &str, normal: &mut String) -> Option<usize> {
    normal.clear();
    normalize_word(word, normal);
    let length = Some(normal.len()).filter(|&length| length > 0)?;
    normal.extend(std::iter::repeat_n(' ', PADDING));
    Some(length)
}

/// Base of the polynomial. It is odd, and one less than it is twice an odd number, so that two units that change places
/// change at least the 63 low bits of the sum.
const BASE: u64 = 0x9E37_79B9_7F4A_7C17;

/// Appends the hash of each run of `size` units: a polynomial in [`BASE`] modulo 2⁶⁴ over their hashes, mixed (Karp and Rabin,
/// "Efficient randomized pattern-matching algorithms", 1987, with random coefficients instead of a random base). Fewer units
/// than `size` make one run.
pub(super) fn roll(units: impl Iterator<Item = u64> + Clone, size: usize, out: &mut Vec<u64>) {
    let mut leaving = units.clone();
    let mut sum = 0_u64;
    let mut seen = 0;
    let weight = BASE.wrapping_pow(u32::try_from(size).unwrap_or(u32::MAX).saturating_sub(1));
    for unit in units {
        sum = sum.wrapping_mul(BASE).wrapping_add(unit);
        seen += 1;
        if seen >= size {
            out.push(mix(sum));
            let oldest = leaving.next().unwrap_or_default();
            sum = sum.wrapping_sub(oldest.wrapping_mul(weight));
        }
    }
    if (1..size).contains(&seen) {
        out.push(fold(sum ^ ROOT_7, ROOT_5 ^ seen as u64));
    }
}
