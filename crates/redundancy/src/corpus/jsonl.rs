//! A document in a line of JSON.

use std::borrow::Cow;
use std::fmt;

use redundancy_engine::corpus::{Buffer, Document, InvalidRecord};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::{Fields, invalid};

/// Reads the fields that matter out of `line` and passes over the others.
pub(super) fn document<'b>(
    line: &'b [u8],
    fields: &Fields,
    buffer: &'b mut Buffer,
) -> Result<Document<'b>, InvalidRecord> {
    buffer.text.clear();
    buffer.fields.clear();
    let mut reader = serde_json::Deserializer::from_slice(line);
    let mut found = Found::default();
    let read = LineSeed { fields, found: &mut found, buffer: &mut *buffer }.deserialize(&mut reader);
    read.and_then(|()| reader.end()).map_err(|error| invalid(reason(&error)))?;
    let text = match found.text {
        None => {
            return Err(invalid(format!(
                "has no field {:?}; --text-field names the one with the text",
                fields.text
            )));
        }
        Some(Value::Other) => return Err(invalid(format!("the field {:?} is no string", fields.text))),
        Some(Value::Borrowed(text)) => Cow::Borrowed(text),
        Some(Value::Buffered) => Cow::Borrowed(buffer.text.as_str()),
    };
    let id = match found.id {
        None | Some(Value::Other) => None,
        Some(Value::Borrowed(id)) => Some(Cow::Borrowed(id)),
        Some(Value::Buffered) => Some(Cow::Borrowed(buffer.fields.as_str())),
    };
    Ok(Document { text, id, rank: found.rank })
}

/// What a person can do about it; the line of the file is told beside it.
fn reason(error: &serde_json::Error) -> String {
    if error.is_eof() {
        "ends in the middle of its JSON".to_owned()
    } else {
        format!("is not a JSON object: see column {}", error.column())
    }
}

#[derive(Default)]
struct Found<'b> {
    text: Option<Value<'b>>,
    id: Option<Value<'b>>,
    rank: Option<f64>,
}

/// A string, where it stands.
enum Value<'b> {
    Borrowed(&'b str),
    /// It had escapes, and is in the buffer.
    Buffered,
    /// It is no string.
    Other,
}

struct LineSeed<'s, 'b> {
    fields: &'s Fields,
    found: &'s mut Found<'b>,
    buffer: &'s mut Buffer,
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
        while let Some(field) = map.next_key_seed(FieldSeed(self.fields))? {
            match field {
                Field::Text => {
                    self.found.text = Some(map.next_value_seed(StringSeed(&mut self.buffer.text))?);
                }
                Field::Id => self.found.id = Some(map.next_value_seed(StringSeed(&mut self.buffer.fields))?),
                Field::Rank => self.found.rank = map.next_value::<serde_json::Value>()?.as_f64(),
                Field::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

enum Field {
    Text,
    Id,
    Rank,
    Other,
}

struct FieldSeed<'s>(&'s Fields);

impl<'b> DeserializeSeed<'b> for FieldSeed<'_> {
    type Value = Field;

    fn deserialize<D: Deserializer<'b>>(self, deserializer: D) -> Result<Field, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for FieldSeed<'_> {
    type Value = Field;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Field, E> {
        let Fields { text, id, rank } = self.0;
        Ok(if name == text {
            Field::Text
        } else if name == id {
            Field::Id
        } else if rank.as_deref() == Some(name) {
            Field::Rank
        } else {
            Field::Other
        })
    }
}

/// Takes a string, or a number as it is written; anything else is passed over.
struct StringSeed<'s>(&'s mut String);

impl<'b> DeserializeSeed<'b> for StringSeed<'_> {
    type Value = Value<'b>;

    fn deserialize<D: Deserializer<'b>>(self, deserializer: D) -> Result<Value<'b>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'b> Visitor<'b> for StringSeed<'_> {
    type Value = Value<'b>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, text: &'b str) -> Result<Value<'b>, E> {
        Ok(Value::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value<'b>, E> {
        // A field that is there twice counts as its last value.
        self.0.clear();
        self.0.push_str(text);
        Ok(Value::Buffered)
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Value<'b>, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Value<'b>, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Value<'b>, E> {
        if number.is_finite() {
            self.visit_str(&number.to_string())
        } else {
            Err(E::custom("not a finite number"))
        }
    }

    fn visit_bool<E>(self, _: bool) -> Result<Value<'b>, E> {
        Ok(Value::Other)
    }

    fn visit_unit<E>(self) -> Result<Value<'b>, E> {
        Ok(Value::Other)
    }

    fn visit_seq<A: serde::de::SeqAccess<'b>>(self, mut list: A) -> Result<Value<'b>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Other)
    }

    fn visit_map<A: MapAccess<'b>>(self, mut map: A) -> Result<Value<'b>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Other)
    }
}
