//! JSON into a tree of bounded depth and size. Bytes become text only after UTF-8 has been checked, strings without escapes
//! are borrowed from the body, and a body of a million empty lists is refused before they are allocated.

mod skim;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;
use serde_json::{Number, Value};
use skim::Skim;
use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

/// How deep lists and objects may nest.
const MAX_DEPTH: usize = 32;
/// How many values a body may have, those in lists and objects included.
const MAX_VALUES: usize = 10_000;

/// A JSON value. The members of an object keep their order and their duplicates, so that both can be reported.
#[derive(Debug, PartialEq)]
pub(crate) enum Json<'b> {
    Null,
    Bool(bool),
    Number(Number),
    String(Cow<'b, str>),
    Array(Vec<Json<'b>>),
    Object(Vec<Member<'b>>),
    /// The text of a value, as it stands in the body: see [`parse`].
    Verbatim(&'b str),
}

/// Name and value.
pub(crate) type Member<'b> = (Cow<'b, str>, Json<'b>);

impl Json<'_> {
    /// What kind of value this is, with its article.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "a list",
            Self::Object(_) => "an object",
            Self::Verbatim(_) => "JSON",
        }
    }

    /// The value as `serde_json` keeps it. `None` when an object in it has a name twice: JSON leaves open which one counts.
    pub(crate) fn into_value(self) -> Option<Value> {
        Some(match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Number(number) => Value::Number(number),
            Self::String(text) => Value::String(text.into_owned()),
            Self::Array(values) => {
                Value::Array(values.into_iter().map(Json::into_value).collect::<Option<_>>()?)
            }
            Self::Object(members) => {
                let (count, mut object) = (members.len(), serde_json::Map::new());
                for (name, value) in members {
                    object.insert(name.into_owned(), value.into_value()?);
                }
                if object.len() < count {
                    return None;
                }
                Value::Object(object)
            }
            Self::Verbatim(text) => serde_json::from_str(text).ok()?,
        })
    }
}

/// Why bytes are no JSON that is taken. The messages never repeat what the body says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("The body is empty. Send a JSON object.")]
    Empty,
    #[error(
        "The body is not UTF-8: byte {position} does not fit. Convert the text to UTF-8 before sending it."
    )]
    NotUtf8 {
        /// Counted from 0.
        position: usize,
    },
    #[error("The body ends in the middle of the JSON, at line {line}, column {column}. Send it whole.")]
    Incomplete { line: usize, column: usize },
    #[error(
        "The body is not valid JSON at line {line}, column {column}. Check quotes, commas and brackets there."
    )]
    Syntax { line: usize, column: usize },
    #[error(
        "The body has a \\u escape without its pair at line {line}, column {column}. Characters beyond U+FFFF take two."
    )]
    LoneSurrogate { line: usize, column: usize },
    #[error("The body has a number too large at line {line}, column {column}. Send one below 1e308.")]
    NumberTooLarge { line: usize, column: usize },
    #[error("The JSON nests deeper than {MAX_DEPTH} levels. Send it flatter.")]
    TooDeep,
    #[error("The JSON has more than {MAX_VALUES} values. Send fewer at once.")]
    TooManyValues,
}

/// Parses a whole body. Linear time; memory for at most [`MAX_VALUES`] values beside the strings. A byte order mark at the
/// beginning is skipped, as RFC 8259 allows.
///
/// The member `verbatim` of the body stays the text that it is, so that it can be passed on as it came: `1.0` stays `1.0`, and
/// a number of 30 digits keeps all of them. It may have any number of values, as none is kept.
pub(crate) fn parse<'b>(body: &'b [u8], verbatim: Option<&str>) -> Result<Json<'b>, Malformed> {
    let text = str::from_utf8(body).map_err(|error| Malformed::NotUtf8 { position: error.valid_up_to() })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Err(Malformed::Empty);
    }
    let bounds = Bounds { values_left: Cell::new(MAX_VALUES), exceeded: Cell::new(None) };
    if verbatim.is_some() {
        // What is skipped below is not looked into there: depth, escapes and the range of numbers are checked here.
        read_all(text, Skim { bounds: &bounds, depth_left: MAX_DEPTH }, &bounds)?;
    }
    read_all(text, Seed { bounds: &bounds, depth_left: MAX_DEPTH, verbatim }, &bounds)
}

/// Reads all of `text` by `seed`.
fn read_all<'t, S: DeserializeSeed<'t>>(
    text: &'t str,
    seed: S,
    bounds: &Bounds,
) -> Result<S::Value, Malformed> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let document = seed.deserialize(&mut deserializer);
    document.and_then(|value| deserializer.end().map(|()| value)).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        bounds.exceeded.get().unwrap_or(match error.classify() {
            Category::Eof => Malformed::Incomplete { line, column },
            Category::Syntax | Category::Data | Category::Io => syntax_fault(&error),
        })
    })
}

/// What is wrong with the syntax. Only the text of an error tells its cause.
fn syntax_fault(error: &serde_json::Error) -> Malformed {
    let (line, column) = (error.line(), error.column());
    let cause = error.to_string();
    if cause.starts_with("number out of range") {
        Malformed::NumberTooLarge { line, column }
    } else if ["lone leading surrogate", "unexpected end of hex escape"]
        .iter()
        .any(|one| cause.starts_with(one))
    {
        Malformed::LoneSurrogate { line, column }
    } else {
        Malformed::Syntax { line, column }
    }
}

/// What is left of the bounds, and which of them ended the parse.
struct Bounds {
    values_left: Cell<usize>,
    exceeded: Cell<Option<Malformed>>,
}

impl Bounds {
    fn exceed<E: serde::de::Error>(&self, bound: Malformed) -> E {
        self.exceeded.set(Some(bound));
        E::custom("a bound was exceeded")
    }
}

/// Reads one value within the bounds.
#[derive(Clone, Copy)]
struct Seed<'s> {
    bounds: &'s Bounds,
    depth_left: usize,
    /// Which member of this object stays text.
    verbatim: Option<&'s str>,
}

impl Seed<'_> {
    fn nested<E: serde::de::Error>(self) -> Result<Self, E> {
        match self.depth_left.checked_sub(1) {
            Some(depth_left) => Ok(Self { depth_left, verbatim: None, ..self }),
            None => Err(self.bounds.exceed(Malformed::TooDeep)),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json<'de>, D::Error> {
        match self.bounds.values_left.get().checked_sub(1) {
            Some(left) => self.bounds.values_left.set(left),
            None => return Err(self.bounds.exceed(Malformed::TooManyValues)),
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json<'de>, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json<'de>, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Json<'de>, E> {
        Number::from_f64(value).map(Json::Number).ok_or_else(|| E::custom("not finite"))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::String(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json<'de>, E> {
        Ok(Json::String(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json<'de>, A::Error> {
        let nested = self.nested()?;
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(nested)? {
            values.push(value);
        }
        Ok(Json::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Json<'de>, A::Error> {
        let nested = self.nested()?;
        let mut members = Vec::new();
        while let Some(name) = object.next_key_seed(Name)? {
            let value = if self.verbatim == Some(&*name) {
                Json::Verbatim(object.next_value::<&RawValue>()?.get())
            } else {
                object.next_value_seed(nested)?
            };
            members.push((name, value));
        }
        Ok(Json::Object(members))
    }
}

/// Reads the name of a member, borrowed where it has no escapes.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(value.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn check(body: impl AsRef<[u8]>, expected: Malformed) {
        let body = body.as_ref();
        assert_eq!(
            parse(body, None),
            Err(expected),
            "{}",
            String::from_utf8_lossy(&body[..body.len().min(40)])
        );
    }

    #[test]
    fn a_fault_is_named_with_its_place() {
        check("", Malformed::Empty);
        check(" \n\t", Malformed::Empty);
        check(b"{\"content\":\"\xff\xfe\"}", Malformed::NotUtf8 { position: 12 });
        check("{\"content\": ", Malformed::Incomplete { line: 1, column: 12 });
        check("{\"content\": \"a", Malformed::Incomplete { line: 1, column: 14 });
        check("{\n  \"content\": nope}", Malformed::Syntax { line: 2, column: 15 });
        check("{} {}", Malformed::Syntax { line: 1, column: 4 });
        check("{'content': 1}", Malformed::Syntax { line: 1, column: 2 });
        check("{\"content\": \"\\ud800\"}", Malformed::LoneSurrogate { line: 1, column: 20 });
        check("[\"\\ud800\\n\"]", Malformed::LoneSurrogate { line: 1, column: 10 });
        check("[\"\\udc00\"]", Malformed::LoneSurrogate { line: 1, column: 8 });
        check("[\"\\ud800\\u0041\"]", Malformed::LoneSurrogate { line: 1, column: 14 });
        check("[\"\\uxyzw\"]", Malformed::Syntax { line: 1, column: 8 });
        check("{\"content\": \"\u{1}\"}", Malformed::Syntax { line: 1, column: 14 });
        check("[1e999]", Malformed::NumberTooLarge { line: 1, column: 6 });
    }

    #[test]
    fn nesting_has_a_limit_and_does_not_use_up_the_stack() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(nested(MAX_DEPTH).as_bytes(), None).is_ok());
        check(nested(MAX_DEPTH + 1), Malformed::TooDeep);
        check("[".repeat(100_000), Malformed::TooDeep);
        check("{\"a\":".repeat(100_000), Malformed::TooDeep);
    }

    #[test]
    fn the_number_of_values_has_a_limit() {
        let list = |values: usize| format!("[{}]", vec!["0"; values].join(","));
        assert!(parse(list(MAX_VALUES - 1).as_bytes(), None).is_ok());
        check(list(MAX_VALUES), Malformed::TooManyValues);
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        assert_eq!(parse("\u{feff}{}".as_bytes(), None), Ok(Json::Object(Vec::new())));
    }

    #[test]
    fn duplicate_members_are_kept() {
        let member = |value| (Cow::Borrowed("a"), Json::Bool(value));
        assert_eq!(
            parse(br#"{"a":true,"\u0061":false}"#, None),
            Ok(Json::Object(vec![member(true), member(false)]))
        );
    }

    #[test]
    fn a_member_that_is_kept_as_it_is_keeps_every_character() {
        let data = "{\"a\": 1.0,\n \"b\":123456789012345678901234567890, \"a\": [1e-2, \"\\u00f1\"]}";
        let body = format!("{{ \"data\" :{data} , \"type\": \"x\"}}");
        let Ok(Json::Object(members)) = parse(body.as_bytes(), Some("data")) else { panic!("{body}") };
        assert_eq!(members[0], ("data".into(), Json::Verbatim(data)));
        assert_eq!(members[1], ("type".into(), Json::String("x".into())));
    }

    #[test]
    fn what_is_kept_as_it_is_is_still_well_formed_and_may_be_long() {
        let of = |data: &str| parse(format!("{{\n\"data\": {data}}}").as_bytes(), Some("data")).err();
        assert_eq!(of("[\"\\ud800\"]"), Some(Malformed::LoneSurrogate { line: 2, column: 17 }));
        assert_eq!(of("1e999"), Some(Malformed::NumberTooLarge { line: 2, column: 13 }));
        assert_eq!(of("[1, nope]"), Some(Malformed::Syntax { line: 2, column: 14 }));
        assert_eq!(of(&"[".repeat(100_000)), Some(Malformed::TooDeep));
        assert_eq!(of(&format!("[{}]", vec!["0"; MAX_VALUES * 2].join(","))), None);
    }

    #[test]
    fn an_object_with_a_name_twice_has_no_value() {
        assert_eq!(
            parse(br#"{"a":{"b":[1,null]}}"#, None).unwrap().into_value(),
            Some(serde_json::json!({"a":{"b":[1,null]}}))
        );
        assert_eq!(parse(br#"{"a":{"b":1,"b":1}}"#, None).unwrap().into_value(), None);
    }

    /// What the tree of `serde_json` says, but for duplicates, which it drops.
    fn as_value(json: Json<'_>) -> Value {
        match json {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Bool(value),
            Json::Number(number) => Value::Number(number),
            Json::String(text) => Value::String(text.into_owned()),
            Json::Array(values) => Value::Array(values.into_iter().map(as_value).collect()),
            Json::Object(members) => Value::Object(
                members.into_iter().map(|(name, value)| (name.into_owned(), as_value(value))).collect(),
            ),
            Json::Verbatim(text) => serde_json::from_str(text).unwrap(),
        }
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::hash_map(any::<String>(), inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_serde_json_writes_reads_back_the_same(value in json()) {
            let body = serde_json::to_vec(&value).unwrap();
            let expected: Value = serde_json::from_slice(&body).unwrap();
            prop_assert_eq!(parse(&body, None).map(as_value), Ok(expected));
        }

        #[test]
        fn any_bytes_are_answered(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let accepted = parse(&body, None).is_ok();
            let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&body);
            prop_assert_eq!(accepted, serde_json::from_slice::<Value>(body).is_ok());
        }
    }
}
