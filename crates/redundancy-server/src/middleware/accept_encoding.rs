//! Takes a refusal of plain answers out of `Accept-Encoding`. RFC 9110, section 12.5.3, lets a service send such an answer
//! all the same, which helps the client more than 406 over an answer that is there.

use axum::extract::Request;
use axum::http::header::ACCEPT_ENCODING;
use axum::http::{HeaderMap, HeaderValue};

/// Whether the client takes answers in `coding`, which it has to name.
pub(crate) fn takes(headers: &HeaderMap, coding: &str) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|part| {
        let (name, weight) = part.split_once(';').unwrap_or((part, ""));
        name.trim().eq_ignore_ascii_case(coding) && !is_zero(weight)
    })
}

/// A request as the layer that compresses should see it.
pub(super) fn relax(mut request: Request) -> Request {
    drop_refusals(request.headers_mut());
    request
}

/// Drops `identity;q=0` and `*;q=0`. Other codings are used only if they are named, so the latter says nothing of them.
fn drop_refusals(headers: &mut HeaderMap) {
    let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let codings: Vec<&str> = values.flat_map(|value| value.split(',')).collect();
    let kept: Vec<&str> = codings.iter().copied().filter(|coding| !refuses_plain(coding)).collect();
    if kept.len() == codings.len() {
        return;
    }
    // Parts of header values make a header value. An empty one asks for nothing.
    if let Ok(value) = HeaderValue::try_from(kept.join(",")) {
        headers.insert(ACCEPT_ENCODING, value);
    }
}

fn refuses_plain(coding: &str) -> bool {
    let Some((name, weight)) = coding.split_once(';') else { return false };
    is_zero(weight) && matches!(name.trim().to_ascii_lowercase().as_str(), "identity" | "*")
}

fn is_zero(weight: &str) -> bool {
    let weight = weight.trim().to_ascii_lowercase();
    weight.strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()).is_some_and(|q| q <= 0.0)
}
