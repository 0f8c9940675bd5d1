//! Positions in a text: half-open spans, and their translation between counting units.
//!
//! Inside this crate every span counts UTF-8 bytes. Callers that slice text in another unit (JavaScript counts UTF-16 code
//! units, Python counts Unicode scalar values) ask for that unit, and [`OffsetMap`] translates at the very end.

/// A half-open range `start..end` in a text.
///
/// In what it counts is said by whoever hands it out; inside this crate, and wherever nothing else is said, UTF-8 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// First position inside.
    pub start: usize,
    /// First position after the end; never below `start`.
    pub end: usize,
}

impl Span {
    /// The span `start..end`.
    #[must_use]
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// How many units the span covers.
    #[must_use]
    pub const fn len(self) -> usize {
        self.end.saturating_sub(self.start)
    }

    /// Whether the span covers nothing.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.end <= self.start
    }

    /// The part of `text` under this span of bytes; empty when the span does not fit the text or cuts a character.
    #[must_use]
    pub fn slice(self, text: &str) -> &str {
        text.get(self.start..self.end).unwrap_or_default()
    }
}

/// What a position counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OffsetUnit {
    /// Unicode scalar values, as Python's `str` counts them.
    #[default]
    Chars,
    /// UTF-8 bytes, as Rust and Go count them.
    Bytes,
    /// UTF-16 code units, as JavaScript, Java and C# count them.
    Utf16,
}

/// Distance between two checkpoints of an [`OffsetMap`], in bytes: a look-up scans at most this much text.
const CHECKPOINT_BYTES: usize = 256;

/// Translates positions counted in bytes of one text into another unit.
///
/// Made in one pass; one look-up scans at most 256 bytes. A text that is all ASCII, or asked for in bytes, costs nothing.
#[derive(Debug)]
pub struct OffsetMap<'t> {
    text: &'t [u8],
    unit: OffsetUnit,
    /// Units before each multiple of [`CHECKPOINT_BYTES`]; `None` when every byte is one unit.
    checkpoints: Option<Vec<usize>>,
}

impl<'t> OffsetMap<'t> {
    /// Prepares translation of byte positions in `text` into `unit`.
    #[must_use]
    pub fn new(text: &'t str, unit: OffsetUnit) -> Self {
        let bytes = text.as_bytes();
        let checkpoints = (unit != OffsetUnit::Bytes && !text.is_ascii()).then(|| {
            let mut units = 0;
            bytes
                .chunks(CHECKPOINT_BYTES)
                .map(|chunk| {
                    let before = units;
                    units += count_units(chunk, unit);
                    before
                })
                .collect()
        });
        Self { text: bytes, unit, checkpoints }
    }

    /// The position `byte_offset` in the map's unit. An offset behind the end counts as the end.
    #[must_use]
    pub fn offset(&self, byte_offset: usize) -> usize {
        let byte_offset = byte_offset.min(self.text.len());
        let Some(checkpoints) = &self.checkpoints else {
            return byte_offset;
        };
        // The end of the text may be the checkpoint that was not made; then the last one serves.
        let chunk = (byte_offset / CHECKPOINT_BYTES).min(checkpoints.len().saturating_sub(1));
        let before = checkpoints.get(chunk).copied().unwrap_or_default();
        let rest = self.text.get(chunk * CHECKPOINT_BYTES..byte_offset).unwrap_or_default();
        before + count_units(rest, self.unit)
    }

    /// The span of bytes `span` in the map's unit.
    #[must_use]
    pub fn span(&self, span: Span) -> Span {
        Span::new(self.offset(span.start), self.offset(span.end))
    }
}

/// Counts the units that begin in `bytes`: every byte that is no continuation begins a scalar value, and a leading byte of
/// four-byte form (`0xF0` and up) begins one that UTF-16 writes in two code units.
fn count_units(bytes: &[u8], unit: OffsetUnit) -> usize {
    let chars = || bytes.iter().filter(|&&b| (b & 0xC0) != 0x80).count();
    match unit {
        OffsetUnit::Bytes => bytes.len(),
        OffsetUnit::Chars => chars(),
        OffsetUnit::Utf16 => chars() + bytes.iter().filter(|&&b| b >= 0xF0).count(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_border_translates_as_a_plain_count_says(text in "(\\PC|ñ|😀|e\u{301}){0,400}") {
            let chars = OffsetMap::new(&text, OffsetUnit::Chars);
            let utf16 = OffsetMap::new(&text, OffsetUnit::Utf16);
            let bytes = OffsetMap::new(&text, OffsetUnit::Bytes);
            for offset in (0..=text.len()).filter(|&o| text.is_char_boundary(o)) {
                prop_assert_eq!(chars.offset(offset), text[..offset].chars().count());
                prop_assert_eq!(utf16.offset(offset), text[..offset].encode_utf16().count());
                prop_assert_eq!(bytes.offset(offset), offset);
            }
        }
    }

    #[test]
    fn an_offset_behind_the_end_counts_as_the_end() {
        let text = "ñ".repeat(CHECKPOINT_BYTES);
        assert_eq!(OffsetMap::new(&text, OffsetUnit::Chars).offset(usize::MAX), CHECKPOINT_BYTES);
    }

    #[test]
    fn a_span_that_cuts_a_character_slices_nothing() {
        assert_eq!(Span::new(0, 1).slice("ñ"), "");
        assert_eq!(Span::new(3, 9).slice("ab"), "");
    }
}
