//! The envelope of every answer that is no error. Errors have theirs in [`crate::error`].

use crate::error::ApiError;
use axum::http::header::{CONTENT_TYPE, LOCATION};
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

    /// `data` with status 201, made at the path `location`.
    pub(crate) fn created(data: T, location: &str) -> Located<T> {
        Located {
            envelope: Self { success: true, data, status: StatusCode::CREATED.as_u16() },
            location: header(location),
        }
    }

    /// `data` with status 202: what becomes of it will stand at the path `location`.
    pub(crate) fn accepted_at(data: T, location: &str) -> Located<T> {
        Located { envelope: Self::accepted(data), location: header(location) }
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

/// An answer in the envelope that says in `Location` where to look further.
pub(crate) struct Located<T> {
    envelope: Envelope<T>,
    location: Option<HeaderValue>,
}

impl<T: Serialize> IntoResponse for Located<T> {
    fn into_response(self) -> Response {
        let mut response = self.envelope.into_response();
        if let Some(location) = self.location {
            response.headers_mut().insert(LOCATION, location);
        }
        response
    }
}

/// Part of a list.
#[derive(Serialize, ToSchema)]
pub(crate) struct PageData<T> {
    items: Vec<T>,
    /// Give this as `cursor` to get what follows; `null` at the end.
    next_cursor: Option<String>,
}

impl<T> PageData<T> {
    /// `items`, and where to go on.
    pub(crate) fn new(items: impl IntoIterator<Item = impl Into<T>>, next_cursor: Option<String>) -> Self {
        Self { items: items.into_iter().map(Into::into).collect(), next_cursor }
    }
}

/// A path of ours, which is plain ASCII.
fn header(location: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(location).ok()
}

/// What most answers fit into, so that they are written without moving.
const USUAL_BYTES: usize = 2 << 10;

/// An answer of JSON, in the envelope or not.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let mut written = Vec::with_capacity(USUAL_BYTES);
    match serde_json::to_writer(&mut written, body) {
        Ok(()) => {
            (status, [(CONTENT_TYPE, HeaderValue::from_static("application/json"))], written).into_response()
        }
        Err(_) => ApiError::internal().into_response(),
    }
}
