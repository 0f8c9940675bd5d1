//! The one place that turns what went wrong into an HTTP status and a body.
//!
//! Handlers and middleware answer with an [`ApiError`]. It travels outward as an extension of a response without a body;
//! [`render`] writes the body at the end of the chain, where the id of the request is known to every kind of failure,
//! panics and timeouts included.

use crate::middleware::request_id::RequestId;
use crate::request::fields::Faults;
use crate::request::path::Named;
use crate::request::rules::Refusal;
use axum::http::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode, Version};
use axum::response::{IntoResponse, Response};
use redundancy_engine::access::Scope;
use redundancy_engine::webhook::ids::EndpointId;
use redundancy_engine::webhook::store::PublishError;
use redundancy_engine::webhook::webhooks::{Fault, RegisterError, ReplayError, RequeueError, UpdateError};
use redundancy_engine::{EngineError, StoreError};
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;

/// What a client is asked to wait when the store could not do it.
const STORE_RETRY_AFTER: Duration = Duration::from_secs(1);
/// The same when the issuer of tokens does not answer: by then it has been asked again.
const ISSUER_RETRY_AFTER: Duration = Duration::from_secs(10);

/// A request that was not done, and why.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    kind: ErrorType,
    status: StatusCode,
    message: String,
    details: Vec<FieldFault>,
    retry_after: Option<Duration>,
    /// Whether the rest of the request's body is not worth reading.
    abandons_body: bool,
}

/// The kind of an error, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) enum ErrorType {
    /// 400 for JSON that cannot be read, 422 for a value that will not do.
    ValidationError,
    /// 401.
    Unauthorized,
    /// 403.
    Forbidden,
    /// 404.
    NotFound,
    /// 405.
    MethodNotAllowed,
    /// 409.
    Conflict,
    /// 410.
    Gone,
    /// 413.
    PayloadTooLarge,
    /// 415.
    UnsupportedMediaType,
    /// 429.
    RateLimited,
    /// 500.
    Internal,
    /// 503.
    Unavailable,
    /// 504.
    Timeout,
}

/// One field at fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FieldFault {
    /// JSON pointer (RFC 6901) into the body, `?name` for a query parameter, or the name of a header.
    #[schema(example = "/threshold")]
    pub(crate) field: String,
    /// What is wrong, and what would do.
    #[schema(example = "must be between 0 and 1")]
    pub(crate) message: String,
}

/// An answer to a request that was not done.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Failure {
    /// Always `false`.
    #[schema(example = false)]
    success: bool,
    error: ErrorBody,
}

/// What went wrong.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    /// What to do about it, for people.
    #[schema(example = "/threshold must be between 0 and 1.")]
    message: String,
    /// The HTTP status.
    #[schema(example = 422)]
    code: u16,
    /// The kind, for programs.
    r#type: ErrorType,
    /// The id under which logs know the request; also in the header `X-Request-Id`.
    #[schema(example = "req_4fzzzxjylrx7b1a3")]
    request_id: String,
    /// The fields at fault, all of them, up to 100. Left out where no field is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    details: Vec<FieldFault>,
}

impl ApiError {
    fn new(kind: ErrorType, status: StatusCode, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { kind, status, message, details: Vec::new(), retry_after: None, abandons_body: false }
    }

    /// A body that cannot be read.
    pub(crate) fn malformed(message: impl Into<String>) -> Self {
        Self::new(ErrorType::ValidationError, StatusCode::BAD_REQUEST, message)
    }

    /// A head that leaves open where the request goes or where it ends. What follows it may be no request.
    pub(crate) fn ambiguous_head(message: &'static str) -> Self {
        Self { abandons_body: true, ..Self::malformed(message) }
    }

    /// Values that will not do.
    pub(crate) fn invalid(message: impl Into<String>, details: Vec<FieldFault>) -> Self {
        Self { details, ..Self::new(ErrorType::ValidationError, StatusCode::UNPROCESSABLE_ENTITY, message) }
    }

    /// Values of which at least one is too long.
    pub(crate) fn value_too_large(message: impl Into<String>, details: Vec<FieldFault>) -> Self {
        Self { details, ..Self::new(ErrorType::PayloadTooLarge, StatusCode::PAYLOAD_TOO_LARGE, message) }
    }

    /// A body that is too long to be read to its end.
    pub(crate) fn body_too_large(max_bytes: usize) -> Self {
        let message = format!(
            "The body is longer than the {max_bytes} bytes that are taken here. Send less text at once."
        );
        Self {
            abandons_body: true,
            ..Self::new(ErrorType::PayloadTooLarge, StatusCode::PAYLOAD_TOO_LARGE, message)
        }
    }

    /// A packed body that grows out of all proportion.
    pub(crate) fn unpacks_to_too_much(times: u64) -> Self {
        let message = format!(
            "The body unpacks to more than {times} times its size. Send it in parts, or not compressed."
        );
        Self {
            abandons_body: true,
            ..Self::new(ErrorType::PayloadTooLarge, StatusCode::PAYLOAD_TOO_LARGE, message)
        }
    }

    /// A body of a kind that cannot be read.
    pub(crate) fn unsupported_media_type(message: impl Into<String>) -> Self {
        Self::new(ErrorType::UnsupportedMediaType, StatusCode::UNSUPPORTED_MEDIA_TYPE, message)
    }

    /// Nobody knows who asks.
    pub(crate) fn unauthorized(message: &str) -> Self {
        Self::new(ErrorType::Unauthorized, StatusCode::UNAUTHORIZED, message)
    }

    /// Whoever asks may not do this.
    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(ErrorType::Forbidden, StatusCode::FORBIDDEN, message)
    }

    /// Whoever asks may not do this: the scope that it takes is missing.
    pub(crate) fn out_of_scope(needed: Scope) -> Self {
        Self::forbidden(format!("This takes the scope {needed}, which your credential does not have."))
    }

    /// Whoever asks does so too often.
    pub(crate) fn rate_limited(message: &str, retry_after: Duration) -> Self {
        let retry_after = Some(retry_after);
        Self { retry_after, ..Self::new(ErrorType::RateLimited, StatusCode::TOO_MANY_REQUESTS, message) }
    }

    /// Nothing is here.
    pub(crate) fn not_found() -> Self {
        Self::not_found_here("There is nothing at this path. The paths that exist are listed at /docs.")
    }

    /// The path is right, but what it names is not there.
    pub(crate) fn not_found_here(message: &str) -> Self {
        Self::new(ErrorType::NotFound, StatusCode::NOT_FOUND, message)
    }

    /// Something is here, for another method.
    pub(crate) fn method_not_allowed() -> Self {
        let message = "This path does not take this method. The header Allow lists those it takes.";
        Self::new(ErrorType::MethodNotAllowed, StatusCode::METHOD_NOT_ALLOWED, message)
    }

    /// What is asked for contradicts what is there.
    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorType::Conflict, StatusCode::CONFLICT, message)
    }

    /// The endpoint gets nothing at present, so what is queued for it would only wait.
    pub(crate) fn inactive() -> Self {
        Self::conflict(
            "The endpoint is not active, so nothing would be sent to it. Make it active first: PATCH it with {\"is_active\": true}, \
             or `redundancy endpoints enable` it.",
        )
    }

    /// What is needed for it was there and is no more.
    pub(crate) fn gone(message: &str) -> Self {
        Self::new(ErrorType::Gone, StatusCode::GONE, message)
    }

    /// A defect of this program.
    pub(crate) fn internal() -> Self {
        let message = "The request met a defect of this service. Please report it with the request id.";
        Self::new(ErrorType::Internal, StatusCode::INTERNAL_SERVER_ERROR, message)
    }

    /// No room for this request now.
    pub(crate) fn unavailable(message: impl Into<String>, retry_after: Duration) -> Self {
        let retry_after = Some(retry_after);
        Self { retry_after, ..Self::new(ErrorType::Unavailable, StatusCode::SERVICE_UNAVAILABLE, message) }
    }

    /// The key of a token is not known, and enough others wait until its issuer says whether it has it.
    pub(crate) fn key_not_known_yet() -> Self {
        let message = "The key of your token is not known here, and its issuer has not answered yet. Try again after the time in Retry-After.";
        Self::unavailable(message, Duration::from_secs(1))
    }

    /// A token cannot be checked, because the issuer does not say what its keys are.
    pub(crate) fn no_keys_of_issuer() -> Self {
        let message = "The keys of the issuer of tokens cannot be had, so that this token cannot be checked; the log of the service says why. \
                       Try again after the time in Retry-After.";
        Self::unavailable(message, ISSUER_RETRY_AFTER)
    }

    /// No memory for the body of this request now.
    pub(crate) fn no_room_for_body() -> Self {
        let message = "Too many long texts are under way. Try again after the time in Retry-After.";
        Self { abandons_body: true, ..Self::unavailable(message, Duration::from_secs(1)) }
    }

    /// No memory for the answer to this request now.
    pub(crate) fn no_room_for_answer() -> Self {
        let message = "Too many long answers have not been read yet. Read those that you asked for, or try again after the time in Retry-After.";
        Self::unavailable(message, Duration::from_secs(1))
    }

    /// The time for this request is over.
    pub(crate) fn timeout(limit: Duration) -> Self {
        let seconds = limit.as_secs_f64();
        let message = format!(
            "The request was not done within {seconds} s: its body came too slowly or the work took too long. \
             Send less text at once, or try again later."
        );
        Self { abandons_body: true, ..Self::new(ErrorType::Timeout, StatusCode::GATEWAY_TIMEOUT, message) }
    }

    /// The same about a part of the body, by its name: `The item`, `Line 4`.
    pub(crate) fn speaking_of(mut self, what: &str) -> Self {
        for whole in ["The body", "The JSON"] {
            if let Some(rest) = self.message.strip_prefix(whole) {
                self.message = format!("{what}{rest}");
                break;
            }
        }
        self
    }

    /// What an answer says of it, for answers that are about many things.
    pub(crate) fn into_body(self, request_id: &RequestId) -> ErrorBody {
        ErrorBody {
            message: self.message,
            code: self.status.as_u16(),
            r#type: self.kind,
            request_id: request_id.as_str().to_owned(),
            details: self.details,
        }
    }

    fn write(self, request_id: &RequestId, version: Version, response: &mut Response) {
        let (retry_after, abandons_body) = (self.retry_after, self.abandons_body);
        let is_unauthorized = self.status == StatusCode::UNAUTHORIZED;
        let failure = Failure { success: false, error: self.into_body(request_id) };
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if is_unauthorized {
            // RFC 9110, section 15.5.2, asks for it.
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"redundancy\""));
        }
        if let Some(wait) = retry_after {
            let whole_seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(RETRY_AFTER, HeaderValue::from(whole_seconds.max(1)));
        }
        // HTTP/2 has no such header: there a stream is abandoned without its connection.
        if abandons_body && version <= Version::HTTP_11 {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        // Serialising strings and numbers cannot fail; an empty body spares a panic that cannot happen.
        *response.body_mut() = serde_json::to_vec(&failure).unwrap_or_default().into();
    }
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Busy { retry_after } => Self::unavailable(
                "Too many analyses are under way. Try again after the time in Retry-After.",
                retry_after,
            ),
            EngineError::ShuttingDown => {
                let message = "The service is shutting down. Try again after the time in Retry-After.";
                Self::unavailable(message, Duration::from_secs(1))
            }
            EngineError::Store(error) => error.into(),
            EngineError::TextTooLong(_) => {
                let message = "A text is longer than can be analysed. Split it.";
                Self::new(ErrorType::PayloadTooLarge, StatusCode::PAYLOAD_TOO_LARGE, message)
            }
            EngineError::Panicked => Self::internal(),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        // Only the log gets to know what exactly.
        match error {
            error @ StoreError::Unavailable(_) => {
                tracing::warn!(%error, "a request could not be done");
                let message = "The store does not answer. Try again after the time in Retry-After.";
                Self::unavailable(message, STORE_RETRY_AFTER)
            }
            error @ StoreError::Full(_) => {
                tracing::warn!(%error, "a request could not be done");
                let message = "The store has no room. Try again after the time in Retry-After.";
                Self::unavailable(message, STORE_RETRY_AFTER)
            }
            error @ StoreError::Unreadable(_) => {
                tracing::error!(%error, "a request could not be done");
                Self::internal()
            }
        }
    }
}

impl From<RegisterError> for ApiError {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Exists => Self::conflict(
                "There is an endpoint with this id. Choose another id, or change the endpoint with PATCH.",
            ),
            RegisterError::Invalid(faults) => Self::from(faults),
            RegisterError::Store(error) => error.into(),
        }
    }
}

impl From<UpdateError> for ApiError {
    fn from(error: UpdateError) -> Self {
        match error {
            UpdateError::NotFound => EndpointId::unknown(),
            UpdateError::Invalid(faults) => Self::from(faults),
            UpdateError::Contended => {
                Self::conflict("Others changed the endpoint at the same time, again and again. Try again.")
            }
            UpdateError::Store(error) => error.into(),
        }
    }
}

impl From<ReplayError> for ApiError {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::NotFound => EndpointId::unknown(),
            ReplayError::Inactive => Self::inactive(),
            ReplayError::Backwards => {
                let faults = vec![Fault {
                    field: "/since".to_owned(),
                    message: "must not be in the future".to_owned(),
                }];
                Self::from(faults)
            }
            ReplayError::Store(error) => error.into(),
        }
    }
}

impl From<RequeueError> for ApiError {
    fn from(error: RequeueError) -> Self {
        match error {
            RequeueError::NotFound => EndpointId::unknown(),
            RequeueError::Inactive => Self::inactive(),
            RequeueError::Store(error) => error.into(),
        }
    }
}

impl From<PublishError> for ApiError {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::KeyReused => Self::conflict(
                "This Idempotency-Key was used for another request within 24 hours. Take a new key for a new event.",
            ),
            PublishError::Store(error) => error.into(),
        }
    }
}

impl From<Vec<Fault>> for ApiError {
    /// Faults that show only when a request is held against what is there.
    fn from(found: Vec<Fault>) -> Self {
        let mut faults = Faults::default();
        for Fault { field, message } in found {
            faults.refuse(field, Refusal::of_domain(&message));
        }
        faults.into_error().unwrap_or_else(Self::internal)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes the body of an answer that carries an [`ApiError`], to a request of that version of HTTP.
pub(crate) fn render(request_id: &RequestId, version: Version, response: &mut Response) {
    if let Some(error) = response.extensions_mut().remove::<ApiError>() {
        error.write(request_id, version, response);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use redundancy_engine::detect::TextTooLong;

    #[test]
    fn failures_of_the_engine_have_a_status_each() {
        let busy = EngineError::Busy { retry_after: Duration::from_millis(1500) };
        for (error, kind, status, retry_after) in [
            (busy, ErrorType::Unavailable, 503, Some("2")),
            (EngineError::ShuttingDown, ErrorType::Unavailable, 503, Some("1")),
            (
                StoreError::Unavailable("/secret/path".to_owned()).into(),
                ErrorType::Unavailable,
                503,
                Some("1"),
            ),
            (StoreError::Full("/secret/path".to_owned()).into(), ErrorType::Unavailable, 503, Some("1")),
            (StoreError::Unreadable("secret".to_owned()).into(), ErrorType::Internal, 500, None),
            (TextTooLong { bytes: 1 }.into(), ErrorType::PayloadTooLarge, 413, None),
            (EngineError::Panicked, ErrorType::Internal, 500, None),
        ] {
            let error = ApiError::from(error);
            assert!(!error.message.contains("secret"), "{}", error.message);
            assert_eq!((error.kind, error.status.as_u16()), (kind, status));
            let mut rendered = error.into_response();
            render(&RequestId::default(), Version::HTTP_11, &mut rendered);
            let header = rendered.headers().get(RETRY_AFTER).map(|value| value.to_str().unwrap());
            assert_eq!((rendered.status().as_u16(), header), (status, retry_after));
        }
    }
}
