//! The id in a path. One that cannot be the id of anything names nothing, so that is 404 and no fault of a field.

use crate::error::ApiError;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
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

impl<T: Named, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = ApiError;

    async fn from_request_parts(head: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Ok(Path(id)) = Path::<String>::from_request_parts(head, state).await else {
            return Err(T::unknown());
        };
        id.parse().map(Self).map_err(|_| T::unknown())
    }
}
