//! What a caller shows: one credential, in one of two headers.

use super::Refusal;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName, HeaderValue};

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// Longest credential that is looked at, in bytes. Tokens of some issuers list what their holder belongs to.
const MAX_BYTES: usize = 16 * 1024;

const NO_KEY: &str =
    "This service asks for an API key. Send it as `Authorization: Bearer <key>` or `X-Api-Key: <key>`.";
const NO_TOKEN: &str = "This service asks for a token. Send it as `Authorization: Bearer <token>`.";
const TWO: &str = "The request carries more than one credential. Send one.";
const ODD: &str = "The credential cannot be read. Send it as `Authorization: Bearer <credential>`.";

/// The API key of a request.
pub(super) fn key(headers: &HeaderMap) -> Result<&str, Refusal> {
    let bearer = bearer(headers)?;
    let mut values = headers.get_all(X_API_KEY).iter();
    match (bearer, values.next(), values.next()) {
        (None, None, _) => Err(Refusal::Unproven(NO_KEY)),
        (Some(key), None, _) => Ok(key),
        (None, Some(value), None) => text(value),
        // The same key in both is no contradiction.
        (Some(key), Some(value), None) if value.as_bytes() == key.as_bytes() => Ok(key),
        (_, Some(_), _) => Err(Refusal::Unproven(TWO)),
    }
}

/// Whether a request shows one, right or wrong, which no browser adds by itself.
pub(crate) fn is_shown(headers: &HeaderMap) -> bool {
    key(headers).is_ok()
}

/// The token of a request.
pub(super) fn token(headers: &HeaderMap) -> Result<&str, Refusal> {
    bearer(headers)?.ok_or(Refusal::Unproven(NO_TOKEN))
}

/// What stands behind `Bearer` (RFC 6750, section 2.1), if there is such a header.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Refusal::Unproven(TWO));
    }
    let (scheme, rest) = text(value)?.split_once(' ').ok_or(Refusal::Unproven(ODD))?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(Some(rest.trim())) } else { Err(Refusal::Unproven(ODD)) }
}

fn text(value: &HeaderValue) -> Result<&str, Refusal> {
    value.to_str().ok().filter(|text| text.len() <= MAX_BYTES).ok_or(Refusal::Unproven(ODD))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &[(&'static str, &'static str)]) -> Option<String> {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .fold(HeaderMap::new(), |mut map, (name, value)| {
                map.append(name, value);
                map
            });
        key(&headers).ok().map(str::to_owned)
    }

    #[test]
    fn a_key_stands_in_one_of_two_headers() {
        assert_eq!(read(&[("authorization", "Bearer abc")]).as_deref(), Some("abc"));
        assert_eq!(read(&[("authorization", "bearer  abc ")]).as_deref(), Some("abc"));
        assert_eq!(read(&[("x-api-key", "abc")]).as_deref(), Some("abc"));
        assert_eq!(read(&[("x-api-key", "abc"), ("authorization", "Bearer abc")]).as_deref(), Some("abc"));
    }

    #[test]
    fn what_is_missing_doubled_or_of_another_kind_is_refused() {
        for headers in [
            &[][..],
            &[("authorization", "Basic abc")],
            &[("authorization", "abc")],
            &[("authorization", "Bearer a"), ("authorization", "Bearer b")],
            &[("x-api-key", "a"), ("x-api-key", "b")],
            &[("x-api-key", "a"), ("authorization", "Bearer b")],
        ] {
            assert_eq!(read(headers), None, "{headers:?}");
        }
    }
}
