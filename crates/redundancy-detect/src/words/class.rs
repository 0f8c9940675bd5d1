//! Which part a character plays in the word rules of UAX #29, for the characters that the fast path knows.

/// The part a character plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// `ALetter`.
    Letter,
    /// `Numeric`.
    Digit,
    /// `ExtendNumLet`, the underscore: joins letters and digits.
    Joiner,
    /// `Single_Quote` and `’`: between two letters or two digits it joins them.
    Apostrophe,
    /// `MidNumLet`, the full stop: like [`Class::Apostrophe`].
    Stop,
    /// `MidNum`: joins two digits.
    Comma,
    /// `MidLetter`: joins two letters.
    Colon,
    /// Never part of a word.
    Break,
    /// Not known here; the full algorithm decides.
    Unknown,
}

/// The class of the character that begins at `at`, and its length in bytes. The end of the text is a break of no length.
#[inline]
pub(super) fn class_at(bytes: &[u8], at: usize) -> (Class, usize) {
    match bytes.get(at) {
        None => (Class::Break, 0),
        Some(&byte) if byte < 0x80 => (ASCII[usize::from(byte & 0x7F)], 1),
        Some(&byte) => beyond_ascii(byte, bytes.get(at + 1).copied(), bytes.get(at + 2).copied()),
    }
}

/// The class of the last character of a run of word characters that ends at `end`; of nothing when `end` is `start`.
#[inline]
pub(super) fn before(bytes: &[u8], start: usize, end: usize) -> Class {
    match end.checked_sub(1).filter(|&last| last >= start).and_then(|last| bytes.get(last)) {
        Some(&byte) if byte < 0x80 => ASCII[usize::from(byte)],
        // Beyond ASCII there are only letters in a run.
        Some(_) => Class::Letter,
        None => Class::Break,
    }
}

/// Latin letters up to U+024F and the punctuation of European typesetting; everything else is unknown.
fn beyond_ascii(first: u8, second: Option<u8>, third: Option<u8>) -> (Class, usize) {
    let second = second.unwrap_or_default();
    match (first, second, third.unwrap_or_default()) {
        // U+00AA ª, U+00B5 µ and U+00BA º are letters, U+00B7 · joins letters, U+00AD is the invisible soft hyphen.
        // U+00D7 × and U+00F7 ÷ stand among the letters À to ɏ.
        (0xC2, 0xA0..=0xA9 | 0xAB | 0xAC | 0xAE..=0xB1 | 0xB4 | 0xB6 | 0xBB | 0xBF, _)
        | (0xC3, 0x97 | 0xB7, _) => (Class::Break, 2),
        (0xC2, 0xAA | 0xB5 | 0xBA, _) | (0xC3..=0xC8, 0x80..=0xBF, _) | (0xC9, 0x80..=0x8F, _) => {
            (Class::Letter, 2)
        }
        (0xC2, 0xB7, _) => (Class::Colon, 2),
        // Dashes, quotation marks, daggers, bullet and ellipsis; U+2019 ’ is the typographic apostrophe.
        (0xE2, 0x80, 0x99) => (Class::Stop, 3),
        (0xE2, 0x80, 0x90..=0x97 | 0x9A..=0xA3 | 0xA5 | 0xA6) => (Class::Break, 3),
        _ => (Class::Unknown, 1),
    }
}

/// The classes of ASCII.
static ASCII: [Class; 128] = {
    let mut table = [Class::Break; 128];
    let mut byte = 0u8;
    while byte < 128 {
        table[byte as usize] = match byte {
            b'A'..=b'Z' | b'a'..=b'z' => Class::Letter,
            b'0'..=b'9' => Class::Digit,
            b'_' => Class::Joiner,
            b'\'' => Class::Apostrophe,
            b'.' => Class::Stop,
            b',' | b';' => Class::Comma,
            b':' => Class::Colon,
            _ => Class::Break,
        };
        byte += 1;
    }
    table
};
