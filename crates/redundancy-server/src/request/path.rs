//! The id in a path. One that cannot be the id of anything names nothing, so that is 404 and no fault of a field.

use crate::error::ApiError;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use std::convert::Infallible;
use std::str::FromStr;

/// Something that has an id in the path of its routes.
pub(crate) trait Named: FromStr {
    /// What to tell who asks for one that is not there.
    const UNKNOWN: &'static str;

    /// The answer to a request for one that is not there.
    fn unknown() -> ApiError {
        ApiError::not_found_here(Self::UNKNOWN)
    }
}

/// The `{id}` of the path.
pub(crate) struct Id<T>(pub(crate) T);

/// The `{id}` of the path as text; `None` of one that is not UTF-8. For ids that callers choose, of which more is to be said than that
/// they are unknown.
pub(crate) struct Segment(pub(crate) Option<String>);

impl<T: Named, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = ApiError;

    async fn from_request_parts(head: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Ok(Segment(id)) = Segment::from_request_parts(head, state).await;
        id.and_then(|id| id.parse().ok()).map(Self).ok_or_else(T::unknown)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Infallible;

    async fn from_request_parts(head: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let read = Path::<String>::from_request_parts(head, state).await;
        Ok(Self(read.ok().map(|Path(text)| text)))
    }
}
