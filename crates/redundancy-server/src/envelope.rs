//! The envelope of every answer that is no error. Errors have theirs in [`crate::error`].

use crate::error::ApiError;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// The envelope of an answer to a request that was done.
#[derive(Serialize, ToSchema)]
pub(crate) struct Envelope<T> {
    /// Always `true`.
    #[schema(example = true)]
    success: bool,
    /// What was asked for.
    data: T,
    /// The HTTP status.
    #[schema(example = 200)]
    status: u16,
}

impl<T> Envelope<T> {
    /// `data` with status 200.
    pub(crate) fn ok(data: T) -> Self {
        Self { success: true, data, status: StatusCode::OK.as_u16() }
    }

    /// What was asked for.
    pub(crate) fn data(&self) -> &T {
        &self.data
    }

    /// `data` with status 202: what it speaks of is yet to be done.
    pub(crate) fn accepted(data: T) -> Self {
        Self { success: true, data, status: StatusCode::ACCEPTED.as_u16() }
    }
}

impl<T: Serialize> IntoResponse for Envelope<T> {
    fn into_response(self) -> Response {
        json(StatusCode::from_u16(self.status).unwrap_or_default(), &self)
    }
}

/// An answer of JSON, in the envelope or not.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(body) => {
            (status, [(CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
        }
        Err(_) => ApiError::internal().into_response(),
    }
}
