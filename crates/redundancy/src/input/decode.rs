//! Bytes to characters: UTF-8, or UTF-16 where a byte order mark says so. Other encodings cannot be told from each other
//! without guessing, so they are refused with the place where UTF-8 ends.

/// The bytes are not text in an encoding that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not UTF-8.
    #[error(
        "is not UTF-8: the byte 0x{byte:02x} at offset {offset} does not belong there; convert it, for example with iconv -t UTF-8"
    )]
    Utf8 {
        /// How many bytes stand before it.
        offset: usize,
        /// The byte.
        byte: u8,
    },
    /// Begins like UTF-16 and is not.
    #[error("begins like UTF-16 and is not: see offset {offset}; convert it to UTF-8")]
    Utf16 {
        /// How many bytes stand before the place.
        offset: usize,
    },
}

/// Whether `bytes` begin with a byte order mark, so that their characters are not them byte for byte.
pub(super) fn has_mark(bytes: &[u8]) -> bool {
    matches!(bytes, [0xef, 0xbb, 0xbf, ..] | [0xff, 0xfe, ..] | [0xfe, 0xff, ..])
}

/// The characters of `bytes`, without a byte order mark.
pub(super) fn decode(bytes: Vec<u8>) -> Result<String, DecodeError> {
    match bytes.as_slice() {
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest.to_vec(), 3),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => utf8(bytes, 0),
    }
}

fn utf8(bytes: Vec<u8>, skipped: usize) -> Result<String, DecodeError> {
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        DecodeError::Utf8 {
            offset: skipped + at,
            byte: error.as_bytes().get(at).copied().unwrap_or_default(),
        }
    })
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, DecodeError> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let mut text = String::with_capacity(bytes.len());
    // Behind the byte order mark.
    let mut offset = 2;
    for decoded in char::decode_utf16(pairs.iter().copied().map(unit)) {
        let character = decoded.map_err(|_| DecodeError::Utf16 { offset })?;
        offset += 2 * character.len_utf16();
        text.push(character);
    }
    if rest.is_empty() { Ok(text) } else { Err(DecodeError::Utf16 { offset }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_order_marks_are_dropped_and_obeyed() {
        for bytes in [&b"\xef\xbb\xbfa\xc3\xb1"[..], b"a\xc3\xb1", b"\xff\xfea\0\xf1\0", b"\xfe\xff\0a\0\xf1"]
        {
            assert_eq!(decode(bytes.to_vec()).as_deref(), Ok("añ"), "{bytes:?}");
        }
        assert_eq!(decode(b"\xff\xfe\x3d\xd8\x00\xde".to_vec()).as_deref(), Ok("😀"));
    }

    #[test]
    fn what_is_no_text_is_refused_with_the_place() {
        assert_eq!(decode(b"ab\xe9c".to_vec()), Err(DecodeError::Utf8 { offset: 2, byte: 0xe9 }));
        assert_eq!(decode(b"\xef\xbb\xbfa\xff".to_vec()), Err(DecodeError::Utf8 { offset: 4, byte: 0xff }));
        assert_eq!(decode(b"\xff\xfea\0\x00\xd8b\0".to_vec()), Err(DecodeError::Utf16 { offset: 4 }));
        assert_eq!(decode(b"\xff\xfea\0b".to_vec()), Err(DecodeError::Utf16 { offset: 4 }));
    }
}
