//! JSON that does no harm on a terminal. JSON escapes the control characters of ASCII by itself; the others (U+007F to
//! U+009F) may stand in it as they are, and terminals obey them.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;

/// Writes `value` in one piece without a line break, all control characters escaped.
pub fn write(out: impl Write, value: &impl Serialize) -> io::Result<()> {
    Ok(value.serialize(&mut Serializer::with_formatter(out, EscapeControls))?)
}

/// The compact form of JSON, with more characters escaped.
struct EscapeControls;

impl Formatter for EscapeControls {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        for piece in fragment.split_inclusive(char::is_control) {
            let mut characters = piece.chars();
            match characters.next_back().filter(|last| last.is_control()) {
                Some(control) => write!(out, "{}\\u{:04x}", characters.as_str(), u32::from(control))?,
                None => out.write_all(piece.as_bytes())?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_control_character_is_escaped_and_read_back_as_it_was() {
        let all: String = (0..=0xff).filter_map(char::from_u32).chain("ñ😀\u{202e}".chars()).collect();
        let mut json = Vec::new();
        write(&mut json, &all).unwrap();
        let json = String::from_utf8(json).unwrap();
        assert!(!json.contains(char::is_control) && json.contains("\\u009b"), "{json:?}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), all);
    }
}
