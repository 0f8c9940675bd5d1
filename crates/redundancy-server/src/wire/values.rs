//! Values that fields and parameters of several resources hold, as the `OpenAPI` document describes them. What is taken is decided by
//! [`crate::request::rules`] and by the types of the domain; the tests below hold the descriptions to those.
//!
//! Patterns keep to what ECMAScript, Python, Java and RE2 all read alike: no look-around, and what has no two hexadecimal digits stands
//! for itself.

#![expect(dead_code, reason = "they describe what is read by rules")]

use utoipa::openapi::{ObjectBuilder, OneOfBuilder, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// At least one character that is no white space.
#[derive(ToSchema)]
#[schema(
    min_length = 1,
    pattern = "[^\\x09-\\x0d\\x20\\x85\\xa0\u{1680}\u{2000}-\u{200a}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}]",
    example = "A text that says a thing. A text that says a thing."
)]
pub(crate) struct Text(String);

/// Whatever names a user: 1 to 256 characters, none of them a control character.
#[derive(ToSchema)]
#[schema(min_length = 1, max_length = 256, pattern = r"^[^\x00-\x1f\x7f-\x9f]+$", example = "user-7")]
pub(crate) struct UserId(String);

/// A language tag (BCP 47), of which the first part counts.
#[derive(ToSchema)]
#[schema(min_length = 2, pattern = "^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$", example = "en")]
pub(crate) struct LanguageTag(String);

/// The name of a collection.
#[derive(ToSchema)]
#[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$", example = "policies")]
pub(crate) struct Collection(String);

/// The id of a document: any such text but `bulk`, `.` and `..`.
#[derive(ToSchema)]
#[schema(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9._:-]+$", example = "policy-7")]
pub(crate) struct DocumentName(String);

/// The id of an endpoint: any such text but `.` and `..`.
#[derive(ToSchema)]
#[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$", example = "main-webhook")]
pub(crate) struct EndpointName(String);

/// The id of an event.
#[derive(ToSchema)]
#[schema(
    min_length = 30,
    max_length = 30,
    pattern = "^evt_[0-7][0-9a-hjkmnp-tv-z]{25}$",
    example = "evt_06f3k9c2vtx5x8w0h3m1r7q4ze"
)]
pub(crate) struct EventName(String);

/// What kind of event it is.
#[derive(ToSchema)]
#[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_.]+$", example = "invoice.paid")]
pub(crate) struct EventKind(String);

/// The name of a kind of event, the beginning of names and `.*`, or `*` for all.
#[derive(ToSchema)]
#[schema(
    min_length = 1,
    max_length = 64,
    pattern = r"^(\*|[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*(\.\*)?)$",
    example = "analysis.*"
)]
pub(crate) struct EventChoice(String);

/// The id of a request.
#[derive(ToSchema)]
#[schema(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9._-]+$", example = "order-42")]
pub(crate) struct RequestName(String);

/// Whatever the caller calls the request: 1 to 255 visible characters of ASCII.
#[derive(ToSchema)]
#[schema(min_length = 1, max_length = 255, pattern = "^[!-~]+$", example = "order-42")]
pub(crate) struct IdempotencyKey(String);

/// What people call a key: something that is no white space.
#[derive(ToSchema)]
#[schema(
    min_length = 1,
    max_length = 100,
    pattern = "[^\\x09-\\x0d\\x20\\x85\\xa0\u{1680}\u{2000}-\u{200a}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}]",
    example = "ci"
)]
pub(crate) struct KeyName(String);

/// An absolute URL of `http` or `https`, of at most 2048 bytes, without blanks and without a fragment. Its host and port must be sound.
#[derive(ToSchema)]
#[schema(
    min_length = 8,
    max_length = 2048,
    pattern = "^[Hh][Tt][Tt][Pp][Ss]?://[^\\x00-\\x20\\x7f-\\xa0\u{1680}\u{2000}-\u{200a}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}/\\\\#][^\\x00-\\x20\\x7f-\\xa0\u{1680}\u{2000}-\u{200a}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}#]*$",
    example = "https://example.com/hooks"
)]
pub(crate) struct ReceiverUrl(String);

/// `whsec_` and 16 to 256 bytes in base64, or such a number of bytes as they are, in UTF-8 and without control characters. 16 bytes are 16
/// characters of ASCII, and fewer of others.
#[derive(ToSchema)]
#[schema(
    min_length = 4,
    max_length = 350,
    pattern = r"^(whsec_[A-Za-z0-9+/]{22,342}={0,2}|[^\x00-\x1f\x7f-\x9f]{4,256})$",
    example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
)]
pub(crate) struct Secret(String);

/// A time to wait, in milliseconds: a week at most.
#[derive(ToSchema)]
#[schema(minimum = 0, maximum = 604_800_000)]
pub(crate) struct DelayMs(u64);

/// A moment, from 1970 on: a date and time by RFC 3339, or milliseconds since the Unix epoch.
pub(crate) struct Moment;

impl PartialSchema for Moment {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(utoipa::openapi::SchemaFormat::KnownFormat(utoipa::openapi::KnownFormat::DateTime)))
            .pattern(Some(
                r"^(19[7-9][0-9]|[2-9][0-9]{3})-[01][0-9]-[0-3][0-9][Tt][0-2][0-9]:[0-5][0-9]:[0-6][0-9](\.[0-9]+)?([Zz]|[+-][0-2][0-9]:[0-5][0-9])$",
            ))
            .examples(["2026-01-02T03:04:05Z"]);
        let millis = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(0))
            .examples([1_767_323_045_678_u64]);
        let description = "A date and time by RFC 3339, from 1970 on, or milliseconds since the Unix epoch.";
        OneOfBuilder::new().item(text).item(millis).description(Some(description)).into()
    }
}

impl ToSchema for Moment {}

/// Headers by name, at most 32.
pub(crate) struct HeaderFields;

impl PartialSchema for HeaderFields {
    fn schema() -> RefOr<Schema> {
        let text = || ObjectBuilder::new().schema_type(Type::String).max_length(Some(1024));
        let name = text().min_length(Some(1)).pattern(Some("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")).build();
        let value = text().pattern(Some(r"^[^\x00-\x1f\x7f-\x9f]*$")).build();
        ObjectBuilder::new()
            .property_names(Some(name))
            .additional_properties(Some(Schema::Object(value)))
            .max_properties(Some(32))
            .description(Some("Headers by name. Those that the service sets itself are refused."))
            .examples([serde_json::json!({"X-Tenant": "warehouse"})])
            .into()
    }
}

impl ToSchema for HeaderFields {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::json::{Json, parse};
    use crate::request::rules;
    use proptest::prelude::*;
    use proptest::string::string_regex;
    use proptest::test_runner::{Config, RngSeed, TestRunner};
    use redundancy_engine::webhook::event::{EventPattern, EventType};
    use redundancy_engine::webhook::ids::{EndpointId, EventId};
    use redundancy_engine::{CollectionName, DocumentId};
    use serde_json::Value;

    /// Whether a rule takes a string.
    type Takes = fn(&str) -> bool;

    fn by<T>(text: &str, rule: impl Fn(Json<'_>) -> Result<T, rules::Refusal>) -> bool {
        rule(Json::String(text.into())).is_ok()
    }

    fn described<T: PartialSchema>() -> Value {
        serde_json::to_value(T::schema()).unwrap()
    }

    /// What is described exactly, and who decides. URLs and secrets have rules beside that no pattern holds.
    fn exact() -> [(Value, Takes); 11] {
        [
            (described::<Text>(), |text| by(text, rules::text(usize::MAX))),
            (described::<UserId>(), |text| by(text, rules::user_id)),
            (described::<LanguageTag>(), |text| by(text, rules::language)),
            (described::<Collection>(), |text| by(text, rules::parsed::<CollectionName>)),
            (described::<DocumentName>(), |text| by(text, rules::parsed::<DocumentId>)),
            (described::<EndpointName>(), |text| {
                by(text, rules::parsed::<EndpointId>) || text == "." || text == ".."
            }),
            (described::<EventName>(), |text| by(text, rules::parsed::<EventId>)),
            (described::<EventKind>(), |text| by(text, rules::parsed::<EventType>)),
            (described::<EventChoice>(), |text| {
                text.parse::<EventPattern>().is_ok_and(|pattern| pattern.check_matchable().is_ok())
            }),
            (described::<KeyName>(), |text| by(text, crate::routes::keys::name)),
            (described::<RequestName>(), |text| by(text, rules::request_id)),
        ]
    }

    fn fits_length(schema: &Value, text: &str) -> bool {
        let length = text.chars().count() as u64;
        schema["minLength"].as_u64().is_none_or(|least| length >= least)
            && schema["maxLength"].as_u64().is_none_or(|most| length <= most)
    }

    /// Without what only tells where it begins and ends: what is made of a pattern begins and ends there.
    fn unanchored(pattern: &str) -> &str {
        pattern.trim_start_matches('^').trim_end_matches('$')
    }

    #[test]
    fn what_fits_a_description_is_taken() {
        let config =
            Config { cases: 64, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..Config::default() };
        for (schema, takes) in exact() {
            let made = string_regex(unanchored(schema["pattern"].as_str().unwrap())).unwrap();
            let fitting = made.prop_filter("its length", |text| fits_length(&schema, text));
            TestRunner::new(config.clone())
                .run(&fitting, |text| {
                    prop_assert!(takes(&text), "{text:?} is refused, by {schema}");
                    Ok(())
                })
                .unwrap();
        }
    }

    #[test]
    fn what_is_described_as_too_long_is_refused_and_the_longest_is_not() {
        for (schema, takes) in exact() {
            let Some(most) = schema["maxLength"].as_u64() else { continue };
            let most = usize::try_from(most).unwrap();
            let (longest, longer) = if schema["minLength"] == schema["maxLength"] {
                ("evt_06f3k9c2vtx5x8w0h3m1r7q4ze".to_owned(), "evt_06f3k9c2vtx5x8w0h3m1r7q4zee".to_owned())
            } else {
                ("a".repeat(most), "a".repeat(most + 1))
            };
            assert!(takes(&longest) && !takes(&longer) && !takes(""), "{schema}");
        }
    }

    #[test]
    fn a_moment_is_what_the_document_says() {
        let schema = described::<Moment>();
        assert_eq!(schema["oneOf"][1]["type"], "integer");
        for text in ["0", "1767323045678", "\"2026-01-02T03:04:05Z\"", "\"1970-01-01T00:00:00+00:00\""] {
            assert!(rules::moment(parse(text.as_bytes(), None).unwrap()).is_ok(), "{text}");
        }
        for text in ["-1", "\"0\"", "\"2026-01-02\"", "\"1959-01-02T03:04:05Z\""] {
            assert!(rules::moment(parse(text.as_bytes(), None).unwrap()).is_err(), "{text}");
        }
    }
}
