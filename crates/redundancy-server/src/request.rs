//! From the bytes of a request to checked values: [`Checked`] is the extractor of every route with a JSON body.
//!
//! Not serde's derived reading: that stops at the first fault and allocates what a hostile body asks for. Here a body is
//! read under a cap ([`body`]), parsed into a tree of bounded size ([`json`]) and taken apart field by field ([`fields`]),
//! so that one answer lists everything there is to correct.

mod body;
mod budget;
pub(crate) mod fields;
pub(crate) mod json;
mod media_type;
mod query;
pub(crate) mod rules;

use crate::app::App;
use crate::error::ApiError;
use axum::body::HttpBody;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use budget::Reserved;
use fields::{Faults, Fields};
use json::Json;

pub(crate) use budget::BodyBudget;
pub(crate) use query::Timing;
use rules::Refusal;

/// Bytes beside the texts that a body may have: other fields, names, white space.
const OTHER_FIELDS_BYTES: usize = 64 * 1024;
/// How many bytes JSON may take for one byte of text: `\u0001` is the longest way to write one.
const MAX_ESCAPE_FACTOR: usize = 6;
/// Most texts that any body holds.
const MAX_TEXTS: usize = 2;

/// A JSON body that a route takes.
pub(crate) trait Body: Sized {
    /// How many texts of up to `max_content_bytes` it holds. The cap on the body follows from this.
    const TEXTS: usize;

    /// Reads every field, and reports every fault to `fields`. `None` only when a fault was reported.
    fn read(fields: &mut Fields<'_, '_>, limits: Limits) -> Option<Self>;
}

/// What a field may hold at most.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Bytes of UTF-8 in one text.
    pub(crate) max_content_bytes: usize,
}

/// A request whose every field has been checked.
pub(crate) struct Checked<T> {
    pub(crate) body: T,
    /// From the query parameter `async`.
    pub(crate) timing: Timing,
    /// The part of the budget that the body took. To be kept until the request is answered: till then its texts are in
    /// memory.
    pub(crate) reserved: Reserved,
}

impl<T: Body> FromRequest<App> for Checked<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        const { assert!(T::TEXTS <= MAX_TEXTS, "the budget would not fit this body") };
        let (head, body) = request.into_parts();
        let limits = Limits { max_content_bytes: app.config().max_content_bytes };
        let encoding = media_type::check(&head.headers, !body.is_end_stream())?;
        let max_bytes = max_body_bytes(limits.max_content_bytes, T::TEXTS);
        let body::Whole { bytes, reserved } =
            body::read(body, encoding, max_bytes, app.body_budget()).await?;
        let document = json::parse(&bytes).map_err(|malformed| ApiError::malformed(malformed.to_string()))?;

        let mut faults = Faults::default();
        let timing = query::timing(head.uri.query(), &mut faults);
        check_user(&head.headers, &mut faults);
        let value = read_fields(document, limits, &mut faults);
        match (faults.into_error(), value) {
            (None, Some(body)) => Ok(Self { body, timing, reserved }),
            (Some(error), _) => Err(error),
            // A body that gives neither a value nor a fault breaks the contract of [`Body::read`].
            (None, None) => Err(ApiError::internal()),
        }
    }
}

/// What routes without a body take: nothing. An unknown query parameter is a fault here too.
pub(crate) struct NoParameters;

impl<S: Sync> FromRequestParts<S> for NoParameters {
    type Rejection = ApiError;

    async fn from_request_parts(head: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut faults = Faults::default();
        query::refuse_all(head.uri.query(), &mut faults);
        faults.into_error().map_or(Ok(Self), Err)
    }
}

/// The least budget that every allowed body fits in while it is the only one.
pub(crate) fn min_body_budget_bytes(max_content_bytes: usize) -> usize {
    body::max_reserved_bytes(max_body_bytes(max_content_bytes, MAX_TEXTS))
}

fn max_body_bytes(max_content_bytes: usize, texts: usize) -> usize {
    let text_bytes = max_content_bytes.saturating_mul(MAX_ESCAPE_FACTOR).saturating_mul(texts);
    text_bytes.saturating_add(OTHER_FIELDS_BYTES)
}

fn read_fields<T: Body>(document: Json<'_>, limits: Limits, faults: &mut Faults) -> Option<T> {
    let Json::Object(members) = document else {
        faults.add(String::new(), format!("must be a JSON object, not {}", document.kind()));
        return None;
    };
    let mut fields = Fields::new(members, faults);
    let value = T::read(&mut fields, limits);
    fields.refuse_rest();
    value
}

/// `X-User-Id` names the user on whose behalf the request is made; it obeys the rule of the field `user_id`.
fn check_user(headers: &HeaderMap, faults: &mut Faults) {
    let Some(value) = headers.get("x-user-id") else { return };
    let refused = match str::from_utf8(value.as_bytes()) {
        Ok(id) => rules::user_id(Json::String(id.into())).err(),
        Err(_) => Some(Refusal::new("must be UTF-8")),
    };
    if let Some(refusal) = refused {
        faults.refuse("X-User-Id".to_owned(), refusal);
    }
}
