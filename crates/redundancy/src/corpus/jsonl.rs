//! A document in a line of JSON.

use std::borrow::Cow;
use std::fmt;

use memchr::memchr;
use redundancy_engine::corpus::{Buffer, InvalidRecord};
use serde::de::{Deserialize as _, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Fields, ReadDocument, invalid, rank};

/// Reads the fields that matter out of `line` and passes over the others.
pub(super) fn document<'b>(
    line: &'b [u8],
    fields: &Fields,
    buffer: &'b mut Buffer,
) -> Result<ReadDocument<'b>, InvalidRecord> {
    let found = match simdutf8::basic::from_utf8(line) {
        Ok(line) => found_in(serde_json::Deserializer::from_str(line), fields),
        // What is in other fields need not be text.
        Err(_) => found_in(serde_json::Deserializer::from_slice(line), fields),
    };
    let Found { text, id, rank: ranked } = found.map_err(|error| invalid(reason(line, &error)))?;
    let text = text.ok_or_else(|| {
        invalid(format!("has no field {:?}; --text-field names the one with the text", fields.text))
    })?;
    let text = string(text, &mut buffer.text)
        .ok_or_else(|| invalid(format!("the field {:?} is no string", fields.text)))?;
    let rank = ranked.and_then(|value| string(value, &mut buffer.fields).and_then(rank));
    let id = id.and_then(|id| string(id, &mut buffer.fields)).map(Cow::Borrowed);
    Ok(ReadDocument { text: Cow::Borrowed(text), id, rank })
}

fn found_in<'b, R: serde_json::de::Read<'b>>(
    mut reader: serde_json::Deserializer<R>,
    fields: &Fields,
) -> Result<Found<'b>, serde_json::Error> {
    let mut found = Found::default();
    LineSeed { fields, found: &mut found }.deserialize(&mut reader)?;
    reader.end()?;
    Ok(found)
}

/// What a person can do about it; the line of the file is told beside it.
fn reason(line: &[u8], error: &serde_json::Error) -> String {
    if error.is_eof() {
        return "ends in the middle of its JSON".to_owned();
    }
    if line.trim_ascii_start().first() != Some(&b'{') {
        return "is not a JSON object".to_owned();
    }
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    if message.contains("unicode") {
        return "is not UTF-8".to_owned();
    }
    format!("is not a JSON object: {message} at column {}", error.column())
}

/// Values as they stand in the line.
#[derive(Default)]
struct Found<'b> {
    text: Option<&'b str>,
    id: Option<&'b str>,
    rank: Option<&'b str>,
}

struct LineSeed<'s, 'b> {
    fields: &'s Fields,
    found: &'s mut Found<'b>,
}

impl<'b> DeserializeSeed<'b> for LineSeed<'_, 'b> {
    type Value = ();

    fn deserialize<D: Deserializer<'b>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'b> Visitor<'b> for LineSeed<'_, 'b> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'b>>(self, mut map: A) -> Result<(), A::Error> {
        let Fields { text, id, rank } = self.fields;
        let mut room = String::new();
        while let Some(name) = map.next_key_seed(NameSeed)? {
            let name = string(name, &mut room).unwrap_or_default();
            // One field can be all of them. One that is there twice counts as its last value.
            let is = [name == text, name == id, rank.as_deref() == Some(name)];
            if is.contains(&true) {
                let value = map.next_value::<&RawValue>()?.get();
                for (is, found) in
                    is.into_iter().zip([&mut self.found.text, &mut self.found.id, &mut self.found.rank])
                {
                    if is {
                        *found = Some(value);
                    }
                }
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// The name of a field as it stands in the line.
struct NameSeed;

impl<'b> DeserializeSeed<'b> for NameSeed {
    type Value = &'b str;

    fn deserialize<D: Deserializer<'b>>(self, deserializer: D) -> Result<&'b str, D::Error> {
        <&RawValue>::deserialize(deserializer).map(RawValue::get)
    }
}

/// The string that a valid JSON `value` stands for, or a number with its digits as they are written; of anything else nothing. Half
/// of a surrogate pair stands for no character; see [`stand_in`].
fn string<'s>(value: &'s str, room: &'s mut String) -> Option<&'s str> {
    let Some(inner) = value.strip_prefix('"') else {
        let is_number = value.starts_with(|first: char| first == '-' || first.is_ascii_digit());
        return is_number.then_some(value);
    };
    let inner = inner.strip_suffix('"')?;
    if memchr(b'\\', inner.as_bytes()).is_none() {
        return Some(inner);
    }
    room.clear();
    let mut rest = inner;
    while let Some(place) = memchr(b'\\', rest.as_bytes()) {
        let (plain, escape) = rest.split_at_checked(place)?;
        room.push_str(plain);
        let mut letters = escape.chars();
        letters.next();
        let letter = match letters.next()? {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let (character, after) = character(letters.as_str())?;
                letters = after.chars();
                character
            }
            itself => itself,
        };
        room.push(letter);
        rest = letters.as_str();
    }
    room.push_str(rest);
    Some(room)
}

/// The character that begins with these four digits behind `\u`, and what stands behind it.
fn character(digits: &str) -> Option<(char, &str)> {
    let unit = |digits: &str| u32::from_str_radix(digits.get(..4)?, 16).ok();
    let (high, after) = (unit(digits)?, digits.get(4..)?);
    if let Some(character) = char::from_u32(high) {
        return Some((character, after));
    }
    let low = after.strip_prefix("\\u").and_then(unit).filter(|low| (0xDC00..0xE000).contains(low));
    match low {
        Some(low) if high < 0xDC00 => {
            let pair = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
            Some((char::from_u32(pair)?, after.get(6..)?))
        }
        _ => Some((stand_in(high), after)),
    }
}

/// The first of the characters that stand for halves of surrogate pairs, each for its own: the last 2,048 that are for private use.
const FIRST_STAND_IN: u32 = 0x10_F800;

/// A character for half of a surrogate pair. Programs that cut texts in the middle of a pair write such halves. One character for all
/// of them would make equal texts of different ones.
fn stand_in(half: u32) -> char {
    char::from_u32(FIRST_STAND_IN + (half & 0x7FF)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_string_is_what_another_reader_makes_of_it(text in any::<String>(), ascii in any::<bool>()) {
            let mut written = serde_json::to_string(&text).unwrap();
            if ascii {
                let units = |letter: char| -> String {
                    let mut units = [0; 2];
                    let units = letter.encode_utf16(&mut units).iter();
                    units.map(|unit| format!("\\u{unit:04X}")).collect::<Vec<_>>().concat()
                };
                written = written
                    .chars()
                    .map(|letter| if letter.is_ascii() { letter.to_string() } else { units(letter) })
                    .collect();
            }
            let mut room = String::new();
            prop_assert_eq!(string(&written, &mut room), Some(text.as_str()));
        }
    }

    #[test]
    fn each_half_of_a_surrogate_pair_has_its_own_character() {
        for (written, text) in [
            (r#""a\ud800b""#, "a\u{10f800}b"),
            (r#""\udc00\ud83d""#, "\u{10fc00}\u{10f83d}"),
            (r#""\ud83d\n""#, "\u{10f83d}\n"),
            (r#""\udfff""#, "\u{10ffff}"),
            (r#""\ud83d\ud83d\ude00""#, "\u{10f83d}😀"),
        ] {
            assert_eq!(string(written, &mut String::new()), Some(text));
        }
    }
}
