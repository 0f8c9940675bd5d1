//! What the fields of requests may hold. A rule takes a JSON value and gives what it means, or a [`Refusal`] that says what
//! would do.

use super::json::Json;
use crate::middleware::request_id::RequestId;
use redundancy_engine::Timestamp;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// Longest id of a user, in characters.
pub(crate) const MAX_USER_ID_CHARS: usize = 256;

/// What a moment looks like.
const NO_MOMENT: &str =
    "must be a date and time such as \"2026-01-02T03:04:05Z\", or milliseconds since the Unix epoch";

/// Why a value will not do: the rest of a sentence that begins with the name of the field.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) message: String,
    /// Whether it is refused for its size alone.
    pub(crate) too_large: bool,
}

impl Refusal {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), too_large: false }
    }

    /// Of a value of the wrong kind.
    pub(crate) fn must_be(what: impl Display, value: &Json<'_>) -> Self {
        Self::new(format!("must be {what}, not {}", value.kind()))
    }

    /// Of a value that the domain does not take. Its sentences begin with what the field is, as "the URL has …".
    pub(crate) fn of_domain(error: &impl Display) -> Self {
        let sentence = error.to_string();
        let rest = ["the URL ", "the secret ", "the public key "]
            .iter()
            .find_map(|what| sentence.strip_prefix(what));
        let begins_well = ["must ", "is ", "has "].iter().any(|verb| sentence.starts_with(verb));
        Self::new(match rest {
            Some(rest) => rest.to_owned(),
            None if begins_well => sentence,
            None => format!("will not do: {sentence}"),
        })
    }
}

/// A text of 1 to `max_bytes` bytes that is not only white space.
pub(crate) fn text(max_bytes: usize) -> impl Fn(Json<'_>) -> Result<String, Refusal> {
    move |value| {
        let Json::String(text) = value else { return Err(Refusal::must_be("a string", &value)) };
        if text.is_empty() {
            return Err(Refusal::new("must not be empty: send the text to look into"));
        }
        if text.len() > max_bytes {
            let message =
                format!("has {} bytes, and at most {max_bytes} are taken: split the text", text.len());
            return Err(Refusal { message, too_large: true });
        }
        if text.trim().is_empty() {
            return Err(Refusal::new("must not be only white space: send the text to look into"));
        }
        Ok(text.into_owned())
    }
}

/// A whole number in `range`. `8.0` is one, as JSON does not tell it from `8`.
pub(crate) fn whole_number(range: RangeInclusive<u16>) -> impl Fn(Json<'_>) -> Result<u16, Refusal> {
    move |value| {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        let Json::Number(number) = value else { return Err(Refusal::must_be(expected, &value)) };
        // Ranges are short, and comparing with each candidate spares a lossy cast.
        range
            .clone()
            .find(|candidate| number.as_f64() == Some(f64::from(*candidate)))
            .ok_or_else(|| Refusal::new(format!("must be {expected}")))
    }
}

/// A whole number that is not negative. `8.0` is one. What is beyond 2^53 is not exact in JSON and counts as endless.
pub(crate) fn natural(value: Json<'_>) -> Result<u64, Refusal> {
    const EXPECTED: &str = "a whole number that is not negative";
    const EXACT_BELOW: f64 = 9_007_199_254_740_992.0;
    let Json::Number(number) = value else { return Err(Refusal::must_be(EXPECTED, &value)) };
    let refused = || Refusal::new(format!("must be {EXPECTED}"));
    if let Some(whole) = number.as_u64() {
        return Ok(whole);
    }
    let number =
        number.as_f64().filter(|number| *number >= 0.0 && number.fract() == 0.0).ok_or_else(refused)?;
    if number >= EXACT_BELOW {
        return Ok(u64::MAX);
    }
    // Written without a fraction, a whole number of this size reads back exactly; -0 does without its sign.
    format!("{:.0}", number.abs()).parse().map_err(|_| refused())
}

/// Any number.
pub(crate) fn number(value: Json<'_>) -> Result<f64, Refusal> {
    let Json::Number(number) = value else { return Err(Refusal::must_be("a number", &value)) };
    number.as_f64().ok_or_else(|| Refusal::new("must be a number"))
}

/// `true` or `false`.
#[expect(clippy::needless_pass_by_value, reason = "a rule takes the value, as all rules do")]
pub(crate) fn boolean(value: Json<'_>) -> Result<bool, Refusal> {
    let Json::Bool(value) = value else { return Err(Refusal::must_be("true or false", &value)) };
    Ok(value)
}

/// Any string.
pub(crate) fn string(value: Json<'_>) -> Result<String, Refusal> {
    let Json::String(text) = value else { return Err(Refusal::must_be("a string", &value)) };
    Ok(text.into_owned())
}

/// A string that a type of the domain reads.
pub(crate) fn parsed<T: FromStr<Err: Display>>(value: Json<'_>) -> Result<T, Refusal> {
    let Json::String(text) = value else { return Err(Refusal::must_be("a string", &value)) };
    text.parse().map_err(|error: T::Err| Refusal::of_domain(&error))
}

/// An object with whatever is in it.
pub(crate) fn open_object(value: Json<'_>) -> Result<Map<String, Value>, Refusal> {
    if !matches!(value, Json::Object(_)) {
        return Err(Refusal::must_be("an object", &value));
    }
    match value.into_value() {
        Some(Value::Object(object)) => Ok(object),
        _ => Err(Refusal::new("has a name twice in one object: keep one")),
    }
}

/// Any JSON of up to `max_bytes` bytes as it stands in the body, every character of it.
pub(crate) fn verbatim(max_bytes: usize) -> impl Fn(Json<'_>) -> Result<Box<RawValue>, Refusal> {
    move |value| {
        let refused = || Refusal::new("must be JSON");
        let Json::Verbatim(text) = value else { return Err(refused()) };
        if text.len() > max_bytes {
            let message = format!("has {} bytes, and at most {max_bytes} are taken: send less", text.len());
            return Err(Refusal { message, too_large: true });
        }
        serde_json::from_str(text).map_err(|_| refused())
    }
}

/// A moment: a date and time by RFC 3339, or milliseconds since the Unix epoch.
pub(crate) fn moment(value: Json<'_>) -> Result<Timestamp, Refusal> {
    let found = if let Json::String(text) = &value {
        Timestamp::from_rfc3339(text)
    } else {
        natural(value).ok().map(Timestamp::from_millis)
    };
    found.ok_or_else(|| Refusal::new(NO_MOMENT))
}

/// A moment as it stands in a query.
pub(crate) fn moment_in_query(text: &str) -> Result<Timestamp, Refusal> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let found =
        if is_number { text.parse().ok().map(Timestamp::from_millis) } else { Timestamp::from_rfc3339(text) };
    found.ok_or_else(|| Refusal::new(NO_MOMENT))
}

/// What to say of the end of a time that lies before its beginning.
pub(crate) fn before_since() -> Refusal {
    Refusal::new("must not be before since")
}

/// The id of a request: 1 to 128 of `[A-Za-z0-9._-]`.
pub(crate) fn request_id(value: Json<'_>) -> Result<String, Refusal> {
    let text = string(value)?;
    if RequestId::is_sane(&text) {
        Ok(text)
    } else {
        Err(Refusal::new("must have 1 to 128 characters, each a letter, a digit or one of . _ -"))
    }
}

/// How many words a passage has at least.
pub(crate) fn passage_words(value: Json<'_>) -> Result<u16, Refusal> {
    whole_number(1..=1000)(value)
}

/// A number from 0 to 1.
pub(crate) fn share(value: Json<'_>) -> Result<f64, Refusal> {
    const EXPECTED: &str = "between 0 and 1";
    let Json::Number(number) = value else {
        return Err(Refusal::must_be(format_args!("a number {EXPECTED}"), &value));
    };
    number
        .as_f64()
        .filter(|number| (0.0..=1.0).contains(number))
        .ok_or_else(|| Refusal::new(format!("must be {EXPECTED}")))
}

/// One of the `names`, giving what stands beside it.
pub(crate) fn one_of<T: Copy>(names: &[(&'static str, T)]) -> impl Fn(Json<'_>) -> Result<T, Refusal> {
    move |value| {
        let list = || names.iter().map(|(name, _)| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        let Json::String(given) = value else {
            return Err(Refusal::must_be(format_args!("one of {}", list()), &value));
        };
        let found = names.iter().find(|(name, _)| *name == given);
        found.map(|(_, meaning)| *meaning).ok_or_else(|| Refusal::new(format!("must be one of {}", list())))
    }
}

/// A language tag (BCP 47): a language of 2 or 3 letters, and subtags of up to 8 letters and digits, which do not matter
/// here. Gives the language in lower case.
pub(crate) fn language(value: Json<'_>) -> Result<String, Refusal> {
    const EXPECTED: &str = "a language tag such as \"en\" or \"es-MX\"";
    let Json::String(tag) = value else { return Err(Refusal::must_be(EXPECTED, &value)) };
    let mut subtags = tag.split('-');
    let language = subtags.next().unwrap_or_default();
    let is_language =
        matches!(language.len(), 2..=3) && language.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_subtag = |subtag: &str| {
        matches!(subtag.len(), 1..=8) && subtag.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    if is_language && subtags.all(is_subtag) {
        Ok(language.to_ascii_lowercase())
    } else {
        Err(Refusal::new(format!("must be {EXPECTED}")))
    }
}

/// Whatever names a user: 1 to 256 characters, none of them a control character.
pub(crate) fn user_id(value: Json<'_>) -> Result<String, Refusal> {
    let Json::String(id) = value else { return Err(Refusal::must_be("a string", &value)) };
    if id.is_empty() || id.chars().count() > MAX_USER_ID_CHARS || id.chars().any(char::is_control) {
        let message =
            format!("must have 1 to {MAX_USER_ID_CHARS} characters, none of them a control character");
        return Err(Refusal::new(message));
    }
    Ok(id.into_owned())
}

#[cfg(test)]
mod tests {
    use super::super::json::parse;
    use super::*;
    use std::fmt::Debug;

    fn check<T: Debug + PartialEq>(
        rule: impl for<'b> Fn(Json<'b>) -> Result<T, Refusal>,
        cases: impl IntoIterator<Item = (&'static str, Result<T, &'static str>)>,
    ) {
        for (json, expected) in cases {
            let found = rule(parse(json.as_bytes(), None).unwrap()).map_err(|refusal| refusal.message);
            assert_eq!(found, expected.map_err(str::to_owned), "{json}");
        }
    }

    #[test]
    fn a_text_has_something_in_it() {
        check(
            text(8),
            [
                ("\"a\"", Ok("a".to_owned())),
                ("\" a\\n\"", Ok(" a\n".to_owned())),
                ("\"\"", Err("must not be empty: send the text to look into")),
                ("\" \\t\\n\\u2003\"", Err("must not be only white space: send the text to look into")),
                ("5", Err("must be a string, not a number")),
                ("null", Err("must be a string, not null")),
                ("[\"a\"]", Err("must be a string, not a list")),
            ],
        );
    }

    #[test]
    fn a_text_is_measured_in_bytes_and_too_long_a_one_is_told_apart() {
        let eight_bytes = Json::String("ññññ".into());
        assert_eq!(text(8)(eight_bytes), Ok("ññññ".to_owned()));
        let refusal = text(8)(Json::String("ññññ ".into())).unwrap_err();
        assert_eq!(refusal.message, "has 9 bytes, and at most 8 are taken: split the text");
        assert!(refusal.too_large);
        assert!(!text(8)(Json::String("".into())).unwrap_err().too_large);
    }

    #[test]
    fn a_whole_number_lies_in_its_range() {
        let out = "must be a whole number from 1 to 1000";
        check(
            whole_number(1..=1000),
            [
                ("1", Ok(1)),
                ("1000", Ok(1000)),
                ("8.0", Ok(8)),
                ("8e0", Ok(8)),
                ("0", Err(out)),
                ("1001", Err(out)),
                ("-1", Err(out)),
                ("8.5", Err(out)),
                ("18446744073709551615", Err(out)),
                ("1e300", Err(out)),
                ("\"8\"", Err("must be a whole number from 1 to 1000, not a string")),
                ("true", Err("must be a whole number from 1 to 1000, not a boolean")),
            ],
        );
    }

    #[test]
    fn a_share_lies_between_0_and_1() {
        let out = "must be between 0 and 1";
        check(
            share,
            [
                ("0", Ok(0.0)),
                ("1", Ok(1.0)),
                ("0.8", Ok(0.8)),
                ("1.0000001", Err(out)),
                ("-0.1", Err(out)),
                ("7", Err(out)),
                ("\"0.8\"", Err("must be a number between 0 and 1, not a string")),
            ],
        );
    }

    #[test]
    fn a_name_is_one_of_those_known() {
        let rule = one_of(&[("chars", 1), ("bytes", 2)]);
        check(
            rule,
            [
                ("\"bytes\"", Ok(2)),
                ("\"Bytes\"", Err("must be one of \"chars\", \"bytes\"")),
                ("2", Err("must be one of \"chars\", \"bytes\", not a number")),
            ],
        );
    }

    #[test]
    fn a_language_is_told_by_the_first_subtag() {
        let out = "must be a language tag such as \"en\" or \"es-MX\"";
        check(
            language,
            [
                ("\"en\"", Ok("en".to_owned())),
                ("\"ES-419\"", Ok("es".to_owned())),
                ("\"zh-Hant-TW\"", Ok("zh".to_owned())),
                ("\"yue\"", Ok("yue".to_owned())),
                ("\"\"", Err(out)),
                ("\"e\"", Err(out)),
                ("\"english\"", Err(out)),
                ("\"en_US\"", Err(out)),
                ("\"en-\"", Err(out)),
                ("\"en-abcdefghi\"", Err(out)),
                ("\"ñ\"", Err(out)),
                ("7", Err("must be a language tag such as \"en\" or \"es-MX\", not a number")),
            ],
        );
    }

    #[test]
    fn a_natural_number_is_whole_and_not_negative() {
        let out = "must be a whole number that is not negative";
        check(
            natural,
            [
                ("0", Ok(0)),
                ("8.0", Ok(8)),
                ("2e3", Ok(2000)),
                ("-0.0", Ok(0)),
                ("18446744073709551615", Ok(u64::MAX)),
                ("1e300", Ok(u64::MAX)),
                ("-1", Err(out)),
                ("0.5", Err(out)),
                ("\"8\"", Err("must be a whole number that is not negative, not a string")),
            ],
        );
    }

    #[test]
    fn a_moment_is_a_date_and_time_or_milliseconds() {
        let moment_ms = 1_767_323_045_678;
        check(
            moment,
            [
                ("1767323045678", Ok(Timestamp::from_millis(moment_ms))),
                ("\"2026-01-02T04:04:05.678+01:00\"", Ok(Timestamp::from_millis(moment_ms))),
                ("\"1767323045678\"", Err(NO_MOMENT)),
                ("-1", Err(NO_MOMENT)),
                ("true", Err(NO_MOMENT)),
            ],
        );
        for text in ["1767323045678", "2026-01-02T04:04:05.678+01:00"] {
            assert_eq!(moment_in_query(text), Ok(Timestamp::from_millis(moment_ms)));
        }
        for text in ["", "-1", "99999999999999999999", "yesterday"] {
            assert_eq!(moment_in_query(text), Err(Refusal::new(NO_MOMENT)));
        }
    }

    #[test]
    fn an_open_object_has_each_name_once() {
        assert!(open_object(parse(br#"{"a": {"b": 1}}"#, None).unwrap()).is_ok());
        for json in [r#"{"a": 1, "a": 1}"#, r#"{"a": [{"b": 1, "b": 1}]}"#, "[]"] {
            assert!(open_object(parse(json.as_bytes(), None).unwrap()).is_err(), "{json}");
        }
    }

    #[test]
    fn a_user_id_is_short_and_printable() {
        let out = "must have 1 to 256 characters, none of them a control character";
        check(
            user_id,
            [("\"José 1\"", Ok("José 1".to_owned())), ("\"\"", Err(out)), ("\"a\\nb\"", Err(out))],
        );
        assert!(user_id(Json::String("ñ".repeat(256).into())).is_ok());
        assert!(user_id(Json::String("ñ".repeat(257).into())).is_err());
    }
}
