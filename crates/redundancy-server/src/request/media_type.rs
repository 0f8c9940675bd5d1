//! Which kinds of body are taken: JSON in UTF-8, plain or compressed once.

use crate::error::ApiError;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};

/// How a body is compressed (RFC 9110, section 8.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Not at all.
    Identity,
    Gzip,
    /// The zlib format, which HTTP calls `deflate`.
    Deflate,
    Brotli,
    Zstd,
}

const REMEDY: &str = "Send JSON in UTF-8 with the header `Content-Type: application/json`.";

/// Refuses every kind of body but JSON, and says how it is compressed.
pub(super) fn check(headers: &HeaderMap, has_body: bool) -> Result<Encoding, ApiError> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    match types.next() {
        Some(value) => {
            // One that stands twice may be read either way further on.
            if types.next().is_some() || !value.to_str().is_ok_and(is_json) {
                return Err(ApiError::unsupported_media_type(format!(
                    "The body is not marked as JSON. {REMEDY}"
                )));
            }
        }
        // Without a body, the body is what is missing, and reading it will say so.
        None if !has_body => {}
        None => {
            return Err(ApiError::unsupported_media_type(format!(
                "The header Content-Type is missing. {REMEDY}"
            )));
        }
    }
    encoding(headers)
}

/// The type of a single value.
const JSON: &str = "application/json";
/// The types of many JSON objects, one on each line: there is no registered one. The last is also that of a single one.
const LINES: [&str; 5] =
    ["application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines", JSON];

/// Whether the body is marked as lines of JSON, and cannot be a single value.
pub(crate) fn are_lines(headers: &HeaderMap) -> bool {
    let essence = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(essence);
    essence.is_some_and(|essence| essence != JSON && LINES.contains(&essence.as_str()))
}

/// A type without its parameters.
fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Refuses every kind of body but lines of JSON, and says how it is compressed.
pub(super) fn check_lines(headers: &HeaderMap, has_body: bool) -> Result<Encoding, ApiError> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let is_lines = |value: &str| LINES.contains(&essence(value).as_str());
    match (types.next(), types.next()) {
        (None, _) if !has_body => {}
        (Some(value), None) if value.to_str().is_ok_and(is_lines) => {}
        _ => {
            let message = "The body is not marked as lines of JSON. Send one JSON object on each line with the header \
                           `Content-Type: application/x-ndjson`.";
            return Err(ApiError::unsupported_media_type(message));
        }
    }
    encoding(headers)
}

/// `application/json` or `application/<anything>+json`, with no charset but UTF-8.
fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    let is_json = essence.strip_prefix("application/").is_some_and(|subtype| {
        subtype == "json" || (subtype.len() > "+json".len() && subtype.ends_with("+json"))
    });
    let is_utf8 = |parameter: &str| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        !name.trim().eq_ignore_ascii_case("charset")
            || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
    };
    is_json && parts.all(is_utf8)
}

fn encoding(headers: &HeaderMap) -> Result<Encoding, ApiError> {
    let mut encodings = headers.get_all(CONTENT_ENCODING).iter();
    let name = match (encodings.next(), encodings.next()) {
        (None, _) => return Ok(Encoding::Identity),
        (Some(name), None) => name.to_str().unwrap_or_default().trim().to_ascii_lowercase(),
        (Some(_), Some(_)) => String::new(),
    };
    match name.as_str() {
        "identity" => Ok(Encoding::Identity),
        "gzip" | "x-gzip" => Ok(Encoding::Gzip),
        "deflate" => Ok(Encoding::Deflate),
        "br" => Ok(Encoding::Brotli),
        "zstd" => Ok(Encoding::Zstd),
        _ => {
            let message = "The body is compressed in a way that is not taken. Use one of gzip, br, zstd and deflate in \
                           Content-Encoding, once, or send it plain.";
            Err(ApiError::unsupported_media_type(message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_known_by_its_media_type() {
        for content_type in [
            "application/json",
            "Application/JSON; charset=UTF-8",
            "application/json;charset=\"utf-8\"",
            "application/json; profile=x",
            "application/problem+json",
        ] {
            assert!(is_json(content_type), "{content_type}");
        }
        for content_type in [
            "",
            "json",
            "text/json",
            "text/plain",
            "application/jsonp",
            "application/+json",
            "application/x-www-form-urlencoded",
            "application/json; charset=latin1",
            "application/json; charset",
        ] {
            assert!(!is_json(content_type), "{content_type}");
        }
    }

    #[test]
    fn one_known_encoding_is_taken_and_any_other_refused() {
        let of = |values: &[&str]| {
            let headers = values.iter().map(|value| (CONTENT_ENCODING, value.parse().unwrap())).collect();
            encoding(&headers).ok()
        };
        assert_eq!(of(&[]), Some(Encoding::Identity));
        assert_eq!(of(&["GZip"]), Some(Encoding::Gzip));
        assert_eq!(of(&["deflate"]), Some(Encoding::Deflate));
        assert_eq!(of(&["br"]), Some(Encoding::Brotli));
        assert_eq!(of(&["zstd"]), Some(Encoding::Zstd));
        assert_eq!(of(&["compress"]), None);
        assert_eq!(of(&["gzip, gzip"]), None);
        assert_eq!(of(&["gzip", "gzip"]), None);
    }
}
