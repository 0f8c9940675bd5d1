//! Where the words of a text stand, in one or two bytes for each stretch of text.
//!
//! A text is a row of stretches: what stands before the first word, the word, what stands between it and the next, and so on.
//! For each stretch its length in bytes is kept, and how many of them continue a character, and how many characters UTF-16
//! writes in two units: with these three, lengths in any unit follow. Stretches in ASCII, nearly all, take one number.

use super::TraceError;
use crate::span::Span;
use crate::text::MAX_TEXT_BYTES;

/// How many words lie between two checkpoints: a look-up scans at most so many.
const CHECKPOINT_WORDS: usize = 64;

/// Most bytes that a number takes.
pub(super) const MAX_NUMBER_BYTES: usize = 5;

/// A position in a text, or the length of a stretch of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Place {
    /// UTF-8 bytes.
    pub(super) bytes: u32,
    /// Bytes among them that continue a character.
    continuations: u32,
    /// Characters among them outside the basic plane: of four bytes, and of two units in UTF-16.
    supplementary: u32,
}

impl Place {
    /// Unicode scalar values.
    pub(super) const fn chars(self) -> u32 {
        self.bytes.saturating_sub(self.continuations)
    }

    /// UTF-16 code units.
    pub(super) const fn utf16(self) -> u32 {
        self.chars().saturating_add(self.supplementary)
    }

    const fn after(self, stretch: Self) -> Self {
        Self {
            bytes: self.bytes.saturating_add(stretch.bytes),
            continuations: self.continuations.saturating_add(stretch.continuations),
            supplementary: self.supplementary.saturating_add(stretch.supplementary),
        }
    }

    fn of(stretch: &[u8]) -> Self {
        let count = |counts: fn(&u8) -> bool| {
            u32::try_from(stretch.iter().filter(|byte| counts(byte)).count()).unwrap_or(u32::MAX)
        };
        let bytes = u32::try_from(stretch.len()).unwrap_or(u32::MAX);
        if stretch.is_ascii() {
            return Self { bytes, ..Self::default() };
        }
        let continuations = count(|byte| byte & 0xC0 == 0x80);
        Self { bytes, continuations, supplementary: count(|&byte| byte >= 0xF0) }
    }

    /// Whether a stretch of text can have these lengths.
    const fn is_possible(self) -> bool {
        let Some(chars) = self.bytes.checked_sub(self.continuations) else { return false };
        self.continuations as u64 <= 3 * chars as u64
            && self.supplementary as u64 * 3 <= self.continuations as u64
    }

    fn write(self, out: &mut Vec<u8>) {
        let is_ascii = self.continuations == 0;
        write_number(out, self.bytes << 1 | u32::from(!is_ascii));
        if is_ascii {
            return;
        }
        write_number(out, self.continuations << 1 | u32::from(self.supplementary > 0));
        if self.supplementary > 0 {
            write_number(out, self.supplementary);
        }
    }

    #[inline]
    fn read(rest: &mut &[u8]) -> Result<Self, TraceError> {
        let number = read_number(rest)?;
        if number & 1 == 0 {
            return Ok(Self { bytes: number >> 1, ..Self::default() });
        }
        Self::read_other(number >> 1, rest)
    }

    /// The rest of a stretch that is not all ASCII.
    fn read_other(bytes: u32, rest: &mut &[u8]) -> Result<Self, TraceError> {
        let number = read_number(rest)?;
        let supplementary = if number & 1 == 0 { 0 } else { read_number(rest)? };
        let place = Self { bytes, continuations: number >> 1, supplementary };
        let is_needed = place.continuations > 0 && (supplementary > 0 || number & 1 == 0);
        if is_needed && place.is_possible() {
            Ok(place)
        } else {
            Err(TraceError::Damaged("a stretch of text has impossible lengths"))
        }
    }
}

/// Where a word begins and ends.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bounds {
    pub(super) start: Place,
    pub(super) end: Place,
}

/// Where the stretches of a word are written, and what comes before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Checkpoint {
    at: u32,
    place: Place,
}

/// The stretches of a text, encoded, with a checkpoint before each 64th word.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Layout {
    encoded: Vec<u8>,
    checkpoints: Vec<Checkpoint>,
}

impl Layout {
    /// The layout of a text with these words. `text` may have more behind it.
    pub(super) fn of(text: &[u8], words: impl ExactSizeIterator<Item = Span>) -> Self {
        let mut layout = Self {
            encoded: Vec::with_capacity(words.len() * 2 + words.len() / 16),
            checkpoints: Vec::with_capacity(words.len().div_ceil(CHECKPOINT_WORDS)),
        };
        // Telling once is cheaper than counting in each stretch.
        let is_ascii = text.is_ascii();
        let length = |from: usize, to: usize| {
            if is_ascii {
                let bytes = u32::try_from(to.saturating_sub(from)).unwrap_or(u32::MAX);
                return Place { bytes, ..Place::default() };
            }
            Place::of(text.get(from..to).unwrap_or_default())
        };
        let (mut place, mut end) = (Place::default(), 0);
        for (number, word) in words.enumerate() {
            layout.note(number, layout.encoded.len(), place);
            for stretch in [length(end, word.start), length(word.start, word.end)] {
                stretch.write(&mut layout.encoded);
                place = place.after(stretch);
            }
            end = word.end;
        }
        layout
    }

    /// Reads the layout of a text of `words` words.
    pub(super) fn decode(encoded: &[u8], words: usize) -> Result<Self, TraceError> {
        // Each word takes two bytes or more; nothing is allocated before that is known.
        if encoded.len() / 2 < words {
            return Err(TraceError::Truncated);
        }
        let mut layout = Self {
            encoded: encoded.to_vec(),
            checkpoints: Vec::with_capacity(words.div_ceil(CHECKPOINT_WORDS)),
        };
        let (mut place, mut rest) = (Place::default(), encoded);
        for number in 0..words {
            layout.note(number, encoded.len() - rest.len(), place);
            let gap = Place::read(&mut rest)?;
            let word = Place::read(&mut rest)?;
            if word.bytes == 0 {
                return Err(TraceError::Damaged("a word is empty"));
            }
            place = place.after(gap).after(word);
            if place.bytes as usize > MAX_TEXT_BYTES {
                return Err(TraceError::Damaged("the text is too long"));
            }
        }
        if rest.is_empty() { Ok(layout) } else { Err(TraceError::Damaged("something stands behind it")) }
    }

    /// The encoded form.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.encoded
    }

    /// The bounds of word `number` of `words`; a number behind the last counts as an empty word at the end of the last.
    pub(super) fn word(&self, number: usize, words: usize) -> Bounds {
        let is_there = number < words;
        let number = number.min(words.saturating_sub(1));
        let Some(checkpoint) = self.checkpoints.get(number / CHECKPOINT_WORDS) else {
            return Bounds::default();
        };
        let mut rest = self.encoded.get(checkpoint.at as usize..).unwrap_or_default();
        let mut bounds = Bounds { start: checkpoint.place, end: checkpoint.place };
        for _ in 0..=number % CHECKPOINT_WORDS {
            // Whatever stands here was written or checked before.
            let gap = Place::read(&mut rest).unwrap_or_default();
            let word = Place::read(&mut rest).unwrap_or_default();
            bounds.start = bounds.end.after(gap);
            bounds.end = bounds.start.after(word);
        }
        if is_there { bounds } else { Bounds { start: bounds.end, end: bounds.end } }
    }

    fn note(&mut self, number: usize, at: usize, place: Place) {
        if number.is_multiple_of(CHECKPOINT_WORDS) {
            // A text of at most 2²⁹ bytes has at most 2²⁹ words and stretches; its layout fits 32 bits.
            self.checkpoints.push(Checkpoint { at: u32::try_from(at).unwrap_or(u32::MAX), place });
        }
    }
}

/// Appends `number`, seven bits to a byte, the lowest first; the highest bit of a byte tells that another follows.
pub(super) fn write_number(out: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        out.push((number & 0x7F) as u8 | 0x80);
        number >>= 7;
    }
    out.push((number & 0x7F) as u8);
}

/// Takes a number from the front of `rest`. There is only one way to write each.
#[inline]
pub(super) fn read_number(rest: &mut &[u8]) -> Result<u32, TraceError> {
    let (&first, after) = rest.split_first().ok_or(TraceError::Truncated)?;
    *rest = after;
    if first < 0x80 { Ok(first.into()) } else { read_long_number(first, rest) }
}

fn read_long_number(first: u8, rest: &mut &[u8]) -> Result<u32, TraceError> {
    let mut number = u32::from(first & 0x7F);
    for shift in [7, 14, 21, 28] {
        let (&byte, after) = rest.split_first().ok_or(TraceError::Truncated)?;
        *rest = after;
        let bits = u32::from(byte & 0x7F);
        if byte == 0 || (shift == 28 && byte > 0x0F) {
            break;
        }
        number |= bits << shift;
        if byte < 0x80 {
            return Ok(number);
        }
    }
    Err(TraceError::Damaged("a number is written in an impossible way"))
}
