//! Gives every request an id: the caller's own if it is sane, else a new one. Logs, errors and the answer carry it.

use crate::error::ApiError;
use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use std::sync::Arc;

pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longest id that is taken from a caller, in bytes.
const MAX_BYTES: usize = 128;

/// The id of one request: 1 to 128 of `[A-Za-z0-9._-]`. Cheap to clone.
#[cfg_attr(test, derive(Default))]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestId(Arc<str>);

impl RequestId {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The id of a request that was answered before.
    pub(crate) fn known(id: &str) -> Self {
        Self(id.into())
    }

    fn from_caller(value: &HeaderValue) -> Option<Self> {
        let text = value.to_str().ok()?;
        Self::is_sane(text).then(|| Self(text.into()))
    }

    /// Whether `text` can be the id of a request.
    pub(crate) fn is_sane(text: &str) -> bool {
        (1..=MAX_BYTES).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
    }

    fn new(random: u128) -> Self {
        Self(format!("req_{random:032x}").into())
    }

    /// Adds it to the headers of an answer.
    pub(super) fn send_back(&self, headers: &mut HeaderMap) {
        // Both kinds of id are made of characters that a header can hold.
        if let Ok(value) = HeaderValue::from_str(self.as_str()) {
            headers.insert(X_REQUEST_ID, value);
        }
    }
}

impl<S: Sync> FromRequestParts<S> for RequestId {
    type Rejection = ApiError;

    /// The id that [`assign`] gave. Without that middleware the program is put together wrongly.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts.extensions.get::<Self>().cloned().ok_or_else(ApiError::internal)
    }
}

/// Gives a request its id, for all that see it from now on: `random` names it if its caller did not.
pub(super) fn assign(random: u128, request: &mut Request) -> RequestId {
    let own = request.headers().get(X_REQUEST_ID).and_then(RequestId::from_caller);
    let id = own.unwrap_or_else(|| RequestId::new(random));
    request.extensions_mut().insert(id.clone());
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sane_id_is_taken_and_any_other_is_not() {
        let taken = |text: &str| RequestId::from_caller(&HeaderValue::from_str(text).unwrap()).is_some();
        for id in ["a", "abc-1", "A.b_C-9", &"x".repeat(128)] {
            assert!(taken(id), "{id}");
        }
        for id in ["", " ", "a b", "a/b", "a\"b", "ñ", &"x".repeat(129)] {
            assert!(!taken(id), "{id}");
        }
    }

    #[test]
    fn a_new_id_is_sane_itself() {
        for random in [0, u128::MAX] {
            let id = RequestId::new(random);
            assert_eq!(RequestId::from_caller(&HeaderValue::from_str(id.as_str()).unwrap()), Some(id));
        }
    }
}
