//! What is kept of a text so that shared passages can be found, and shown, without it.

mod layout;

use super::mix::mix;
use super::shingle_set::{Overlap, ShingleSet};
use super::shingler::{Shingler, roll};
use crate::span::{OffsetUnit, Span};
use layout::{Layout, Place};
use std::ops::Range;

/// How many words a shingle of a [`Trace`] has.
pub const TRACE_SHINGLE_WORDS: usize = 5;

/// Version of the encoded form, its first byte.
const VERSION: u8 = 1;

/// Bytes that the hash of a word takes when it is encoded.
const HASH_BYTES: usize = size_of::<u32>();

/// The words of a text as hashes of 32 bits, and where each stands. About 6.1 bytes a word, encoded, and little more in memory.
///
/// Two different words have the same hash with a probability of 2⁻³²: among the passages of twelve words and more that traces
/// are compared for, that changes nothing. What the words were cannot be told from it, but somebody who guesses a text can
/// tell that the guess is right.
///
/// Traces rest on the hashes of words: those made under another [`FINGERPRINT_VERSION`](super::FINGERPRINT_VERSION) must not be
/// compared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trace {
    hashes: Vec<u32>,
    layout: Layout,
}

/// Bytes are no trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TraceError {
    /// They are of another version, or of something else altogether.
    #[error("the trace begins with {0}, not with its version, {VERSION}")]
    UnknownVersion(u8),
    /// They end early.
    #[error("the trace is cut off")]
    Truncated,
    /// They say what no text can be.
    #[error("the trace is damaged: {0}")]
    Damaged(&'static str),
}

impl Trace {
    /// The trace of the text that `shingler` read last, whatever its shingling. Linear time.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "the low half of the hash is what is kept")]
    pub fn of(shingler: &Shingler) -> Self {
        let words = shingler.words();
        Self {
            hashes: words.iter().map(|word| word.hash as u32).collect(),
            layout: Layout::of(shingler.lower_bytes(), words.iter().map(|word| word.span())),
        }
    }

    /// How many words the text has.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Whether the text has no word.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// The low 32 bits of the hash of each word, in order.
    #[must_use]
    pub fn words(&self) -> &[u32] {
        &self.hashes
    }

    /// The trace as bytes: a version, the number of words, four bytes for each hash, then for each word how many bytes stand
    /// before it since the last one and how many it has, mostly in a byte each. Linear time.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let layout = self.layout.as_bytes();
        let mut out =
            Vec::with_capacity(1 + layout::MAX_NUMBER_BYTES + HASH_BYTES * self.len() + layout.len());
        out.push(VERSION);
        // No text has more words than bytes, and those fit 32 bits.
        layout::write_number(&mut out, u32::try_from(self.len()).unwrap_or(u32::MAX));
        for hash in &self.hashes {
            out.extend_from_slice(&hash.to_le_bytes());
        }
        out.extend_from_slice(layout);
        out
    }

    /// Reads what [`encode`](Self::encode) wrote. Linear time; takes no more memory than about twice `bytes`, whatever they are.
    ///
    /// # Errors
    /// [`TraceError`] when `bytes` are no trace, or have anything behind it.
    pub fn decode(bytes: &[u8]) -> Result<Self, TraceError> {
        let (&version, mut rest) = bytes.split_first().ok_or(TraceError::Truncated)?;
        if version != VERSION {
            return Err(TraceError::UnknownVersion(version));
        }
        let words = layout::read_number(&mut rest)? as usize;
        let length = words.checked_mul(HASH_BYTES).ok_or(TraceError::Truncated)?;
        let (hashes, layout) = rest.split_at_checked(length).ok_or(TraceError::Truncated)?;
        let (hashes, _) = hashes.as_chunks::<HASH_BYTES>();
        let layout = Layout::decode(layout, words)?;
        Ok(Self { hashes: hashes.iter().map(|&hash| u32::from_le_bytes(hash)).collect(), layout })
    }

    /// Where `words` stand in the text, from the beginning of the first to the end of the last, in `unit`. Words that the text
    /// does not have count as the end of its last word. Scans at most some 130 words.
    #[must_use]
    pub fn span(&self, words: Range<usize>, unit: OffsetUnit) -> Span {
        let position = |place: Place| match unit {
            OffsetUnit::Bytes => place.bytes,
            OffsetUnit::Chars => place.chars(),
            OffsetUnit::Utf16 => place.utf16(),
        };
        let start = position(self.layout.word(words.start, self.len()).start) as usize;
        let Some(last) = words.end.checked_sub(1).filter(|&last| last >= words.start) else {
            return Span::new(start, start);
        };
        Span::new(start, position(self.layout.word(last, self.len()).end) as usize)
    }

    /// The hash of each run of [`TRACE_SHINGLE_WORDS`] words, in order: shingle k begins with word k. A text of fewer words has
    /// one shingle of all of them, a text without words none. They are made of the short hashes of words and equal no shingle
    /// of a [`Shingler`].
    #[must_use]
    pub fn shingles(&self) -> Vec<u64> {
        let mut shingles = Vec::new();
        self.shingles_into(&mut shingles);
        shingles
    }

    /// The same as [`shingles`](Self::shingles), in place of what `shingles` holds.
    pub fn shingles_into(&self, shingles: &mut Vec<u64>) {
        shingles.clear();
        shingles.reserve((self.len() + 1).saturating_sub(TRACE_SHINGLE_WORDS).max(1));
        roll(self.hashes.iter().map(|&hash| mix(hash.into())), TRACE_SHINGLE_WORDS, shingles);
    }

    /// What the sets of shingles of the two share, exactly: [`Overlap::first_in_second`] is the share of this text that stands in
    /// `other`. n·log n in the words of both.
    #[must_use]
    pub fn overlap(&self, other: &Self) -> Overlap {
        let (mut one, mut two) = (self.shingles(), other.shingles());
        ShingleSet::sort(&mut one).overlap(ShingleSet::sort(&mut two))
    }
}
