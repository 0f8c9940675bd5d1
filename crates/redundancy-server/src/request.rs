//! From the bytes of a request to checked values: [`Checked`] is the extractor of every route with a JSON body.
//!
//! Not serde's derived reading: that stops at the first fault and allocates what a hostile body asks for. Here a body is
//! read under a cap ([`body`]), parsed into a tree of bounded size ([`json`]) and taken apart field by field ([`fields`]),
//! so that one answer lists everything there is to correct.

mod body;
mod budget;
pub(crate) mod cursor;
pub(crate) mod fields;
pub(crate) mod json;
pub(crate) mod lines;
mod media_type;
pub(crate) mod path;
pub(crate) mod query;
pub(crate) mod rules;

use crate::app::App;
use crate::error::ApiError;
use crate::middleware::caller::Party;
use crate::middleware::request_id::RequestId;
use crate::middleware::trace_context;
use axum::body::HttpBody;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use fields::{Faults, Fields};
use json::Json;
use redundancy_engine::Caller;
use redundancy_engine::webhook::webhooks::Webhooks;
use rules::Refusal;

pub(crate) use budget::{BodyBudget, Reserved};
pub(crate) use media_type::are_lines;
pub(crate) use query::{NoParameters, Timing};

/// Bytes beside the texts that a body may have: other fields, names, white space.
const OTHER_FIELDS_BYTES: usize = 64 * 1024;
/// How many bytes JSON may take for one byte of text: `\u0001` is the longest way to write one.
const MAX_ESCAPE_FACTOR: usize = 6;
/// Longest idempotency key, in bytes.
const MAX_KEY_BYTES: usize = 255;
/// Most texts that any body holds.
const MAX_TEXTS: usize = 2;

/// A JSON body that a route takes.
pub(crate) trait Body: Sized {
    /// How many texts of up to `max_content_bytes` it holds. The cap on the body follows from this.
    const TEXTS: usize;
    /// Whether the query parameter `async` says when the result is wanted.
    const MAY_WAIT: bool = true;
    /// Whether a request without a body counts as one with an empty object.
    const MAY_BE_EMPTY: bool = false;
    /// The field that is passed on as it is written.
    const VERBATIM: Option<&'static str> = None;
    /// Whether the header `Idempotency-Key` makes it harmless to send the request twice.
    const TAKES_KEY: bool = false;

    /// Reads every field, and reports every fault to `fields`. `None` only when a fault was reported.
    fn read(fields: &mut Fields<'_, '_>, limits: Limits<'_>) -> Option<Self>;
}

/// What a field may hold at most.
#[derive(Clone, Copy)]
pub(crate) struct Limits<'a> {
    /// Bytes of UTF-8 in one text.
    pub(crate) max_content_bytes: usize,
    /// Knows what endpoints may be like.
    pub(crate) webhooks: &'a Webhooks,
}

/// A request whose every field has been checked.
pub(crate) struct Checked<T> {
    pub(crate) body: T,
    /// From the query parameter `async`.
    pub(crate) timing: Timing,
    /// From the header.
    pub(crate) origin: Origin,
    /// The part of the budget that the body took. To be kept for as long as its texts are in memory.
    pub(crate) reserved: Reserved,
}

impl<T> Checked<T> {
    /// The same with what `made` makes of the body.
    pub(crate) fn map<U>(self, made: impl FnOnce(T) -> U) -> Checked<U> {
        let Self { body, timing, origin, reserved } = self;
        Checked { body: made(body), timing, origin, reserved }
    }
}

/// Where a request comes from, as what follows from it is told.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    /// The id of the request.
    pub(crate) request_id: RequestId,
    /// On whose behalf it is made, by the header `X-User-Id`.
    pub(crate) user_id: Option<String>,
    /// The trace that the request belongs to, as events keep it.
    pub(crate) traceparent: Option<String>,
    /// The key that tells it from others, where the route takes one.
    pub(crate) idempotency_key: Option<String>,
}

impl Origin {
    /// Who asks, as events tell it. A `user_id` in the body goes before the header.
    pub(crate) fn caller(self, user_id: Option<String>) -> Caller {
        Caller {
            request_id: Some(self.request_id.as_str().to_owned()),
            user_id: user_id.or(self.user_id),
            traceparent: self.traceparent,
        }
    }
}

impl FromRequestParts<App> for Origin {
    type Rejection = ApiError;

    /// For routes whose body is not one JSON object.
    async fn from_request_parts(head: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let request_id = RequestId::from_request_parts(head, app).await?;
        let mut faults = Faults::default();
        let user_id = user_id(&head.headers, &mut faults);
        let traceparent = trace_context::of_request(&head.extensions);
        match faults.into_error() {
            None => Ok(Self { request_id, user_id, traceparent, idempotency_key: None }),
            Some(error) => Err(error),
        }
    }
}

impl<T: Body> FromRequest<App> for Checked<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        const { assert!(T::TEXTS <= MAX_TEXTS, "the budget would not fit this body") };
        let (mut head, body) = request.into_parts();
        let request_id = RequestId::from_request_parts(&mut head, app).await?;
        let limits = Limits { max_content_bytes: app.config().max_content_bytes, webhooks: app.webhooks() };
        let encoding = media_type::check(&head.headers, !body.is_end_stream())?;
        let max_bytes = max_body_bytes(limits.max_content_bytes, T::TEXTS);
        let body::Whole { bytes, reserved } =
            body::read(body, encoding, max_bytes, app.body_budget().reserve(Party::of(&head.extensions)))
                .await?;
        let document = if T::MAY_BE_EMPTY && bytes.is_empty() {
            Json::Object(Vec::new())
        } else {
            json::parse(&bytes, T::VERBATIM)
                .map_err(|malformed| ApiError::malformed(malformed.to_string()))?
        };

        let mut faults = Faults::default();
        let mut parameters = query::Parameters::new(&head.uri, &mut faults);
        let timing = if T::MAY_WAIT { query::timing(&mut parameters) } else { Timing::Now };
        parameters.refuse_rest();
        let origin = Origin {
            request_id,
            user_id: user_id(&head.headers, &mut faults),
            traceparent: trace_context::of_request(&head.extensions),
            idempotency_key: if T::TAKES_KEY { idempotency_key(&head.headers, &mut faults) } else { None },
        };
        let value = read_fields(document, limits, &mut faults);
        match (faults.into_error(), value) {
            (None, Some(body)) => Ok(Self { body, timing, origin, reserved }),
            (Some(error), _) => Err(error),
            // A body that gives neither a value nor a fault breaks the contract of [`Body::read`].
            (None, None) => Err(ApiError::internal()),
        }
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

fn read_fields<T: Body>(document: Json<'_>, limits: Limits<'_>, faults: &mut Faults) -> Option<T> {
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
fn user_id(headers: &HeaderMap, faults: &mut Faults) -> Option<String> {
    let mut values = headers.get_all("x-user-id").iter();
    let value = values.next()?;
    let read = match str::from_utf8(value.as_bytes()) {
        Ok(_) if values.next().is_some() => Err(Refusal::new("is given more than once: keep one")),
        Ok(id) => rules::user_id(Json::String(id.into())),
        Err(_) => Err(Refusal::new("must be UTF-8")),
    };
    read.map_err(|refusal| faults.refuse("X-User-Id".to_owned(), refusal)).ok()
}

/// `Idempotency-Key` is whatever the caller calls the request, in 1 to 255 visible characters of ASCII.
fn idempotency_key(headers: &HeaderMap, faults: &mut Faults) -> Option<String> {
    let mut values = headers.get_all("idempotency-key").iter();
    let value = values.next()?;
    let key = value.to_str().ok().filter(|key| {
        (1..=MAX_KEY_BYTES).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
    });
    if key.is_none() || values.next().is_some() {
        let message =
            format!("must stand once and have 1 to {MAX_KEY_BYTES} visible characters of ASCII, no blanks");
        faults.add("Idempotency-Key".to_owned(), message);
    }
    key.map(str::to_owned)
}
