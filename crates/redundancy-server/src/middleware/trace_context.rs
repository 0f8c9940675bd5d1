//! Reads the header `traceparent` of W3C Trace Context, level 1, so that the log names the trace a request belongs to.

use axum::http::HeaderMap;
use std::fmt;

/// The id of a distributed trace: 32 hexadecimal digits, not all of them 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TraceId(u128);

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// The header as it is passed on to those that are told of the request: checked, and in the form of version `00`.
pub(crate) fn traceparent(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all("traceparent").iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    let text = value.to_str().ok()?;
    parse(text)?;
    // Version, trace, parent and flags have fixed places.
    text.get(2..55).map(|rest| format!("00{rest}"))
}

/// The trace that the caller works in. A header that breaks the format is ignored, as the specification asks.
pub(super) fn trace_id(headers: &HeaderMap) -> Option<TraceId> {
    let mut values = headers.get_all("traceparent").iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    parse(value.to_str().ok()?)
}

/// `version-trace_id-parent_id-flags`, all in lower-case hexadecimal. Versions after `00` may have more parts.
fn parse(text: &str) -> Option<TraceId> {
    let mut parts = text.split('-');
    let version = hex(parts.next()?, 2)?;
    let trace_id = hex(parts.next()?, 32)?;
    let parent_id = hex(parts.next()?, 16)?;
    hex(parts.next()?, 2)?;
    let is_complete = version != 0xff && (version > 0 || parts.next().is_none());
    (is_complete && trace_id != 0 && parent_id != 0).then_some(TraceId(trace_id))
}

fn hex(text: &str, digits: usize) -> Option<u128> {
    let is_hex = text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_hex.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_well_formed_header_gives_its_trace() {
        for text in [
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00-later",
        ] {
            assert_eq!(parse(text).unwrap().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736", "{text}");
        }
    }

    #[test]
    fn a_later_version_is_passed_on_as_the_one_we_speak() {
        let of = |text: &str| {
            traceparent(&HeaderMap::from_iter([("traceparent".parse().unwrap(), text.parse().unwrap())]))
        };
        let known = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(of(known).as_deref(), Some(known));
        assert_eq!(of(&format!("cc{}-later", &known[2..])).as_deref(), Some(known));
        assert_eq!(of("nonsense"), None);
    }

    #[test]
    fn a_malformed_header_gives_none() {
        for text in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-later",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
