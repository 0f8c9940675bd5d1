//! How often callers may ask. What is left is told by the headers `X-RateLimit-*`, and by those of the IETF draft
//! (draft-ietf-httpapi-ratelimit-headers-10).

use super::caller::CallerName;
use super::client_address::ClientAddress;
use super::request_id::RequestId;
use super::trace_context;
use crate::app::App;
use crate::error::ApiError;
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use redundancy_engine::Caller;
use redundancy_engine::access::{Decision, Quota};
use redundancy_engine::webhook::event::{NewEvent, types};
use serde_json::value::RawValue;
use std::time::Duration;

/// Failed attempts to prove who one is that an address has in each window.
const FAILURES: Quota = Quota { requests: 60, window: Duration::from_mins(1) };
/// How often it is told that a caller asks too much.
const TELLING: Quota = Quota { requests: 1, window: Duration::from_mins(1) };

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STATE: HeaderName = HeaderName::from_static("ratelimit");

/// All that tell of a quota.
pub(super) const HEADERS: [HeaderName; 5] = [LIMIT, REMAINING, RESET, POLICY, STATE];

/// What came of counting a request.
pub(super) enum Limited {
    /// It may go on.
    Allowed(Told),
    /// It comes too soon.
    Refused(Told),
}

/// Of what a quota is.
#[derive(Clone, Copy)]
enum Counted {
    /// What a caller asks.
    Requests,
    /// What comes from an address without a good credential.
    Failures,
}

/// What a caller is told of its quota.
#[derive(Clone, Copy)]
pub(super) struct Told {
    counted: Counted,
    quota: Quota,
    decision: Decision,
}

/// Counts a request as so many as it costs.
pub(super) async fn take(app: &App, caller: &CallerName, cost: u64) -> Result<Limited, ApiError> {
    let quota = app.access().quota;
    let decision = app.access().rates.take(caller.as_str(), quota, cost).await?;
    Ok(Told { counted: Counted::Requests, quota, decision }.limited())
}

/// Counts that somebody at `address` could not prove who it is.
pub(super) async fn count_failure(app: &App, address: ClientAddress) -> Result<Limited, ApiError> {
    Ok(failures(app, address, 1).await?.limited())
}

/// Whether one more failure at `address` would be too many. Counts nothing.
pub(super) async fn check_failures(app: &App, address: ClientAddress) -> Result<Limited, ApiError> {
    let mut told = failures(app, address, 0).await?;
    if told.decision.remaining > 0 {
        return Ok(Limited::Allowed(told));
    }
    // They come back evenly.
    told.decision.retry_after = Duration::from_secs(FAILURES.window.as_secs() / FAILURES.requests);
    Ok(Limited::Refused(told))
}

async fn failures(app: &App, address: ClientAddress, cost: u64) -> Result<Told, ApiError> {
    let decision = app.access().rates.take(&format!("failures:{}", address.group()), FAILURES, cost).await?;
    Ok(Told { counted: Counted::Failures, quota: FAILURES, decision })
}

/// The answer to a request that comes too soon.
pub(super) fn refuse(told: Told) -> Response {
    let message = match told.counted {
        Counted::Requests => "You ask more often than is allowed. Try again after the time in Retry-After.",
        Counted::Failures => {
            "Too many requests from your address came without a good credential. Try again after the time in Retry-After."
        }
    };
    told.with(ApiError::rate_limited(message, told.decision.retry_after))
}

/// Whether those are to be told that a caller asks too often who want to hear of it: once in a while.
pub(super) async fn is_worth_telling(app: &App, caller: &CallerName) -> bool {
    let telling = app.access().rates.take(&format!("told:{}", caller.as_str()), TELLING, 1).await;
    telling.is_ok_and(|telling| telling.is_allowed)
}

/// Publishes `rate_limit.exceeded` where `app` has the endpoints of the caller. It is news and no more: when it cannot be stored, the caller is
/// refused all the same.
pub(super) async fn tell(app: &App, caller: &CallerName, told: Told, request: &Extensions) {
    let data = serde_json::json!({
        "caller": caller.as_str(),
        "limit": told.quota.requests,
        "window_seconds": told.quota.window.as_secs(),
    });
    let caller = Caller {
        request_id: request.get::<RequestId>().map(|id| id.as_str().to_owned()),
        // What a request says of its user has not been looked at when it is refused.
        user_id: None,
        traceparent: trace_context::of_request(request),
    };
    let Ok(kind) = types::RATE_LIMIT_EXCEEDED.parse() else { return };
    let Ok(data) = RawValue::from_string(data.to_string()) else { return };
    if let Err(error) = app.webhooks().publish(NewEvent { kind, data, caller }).await {
        tracing::warn!(%error, "it could not be told that a caller asks too often");
    }
}

impl Told {
    const fn limited(self) -> Limited {
        if self.decision.is_allowed { Limited::Allowed(self) } else { Limited::Refused(self) }
    }

    /// An answer that tells it.
    pub(super) fn with(self, answer: impl IntoResponse) -> Response {
        let mut response = answer.into_response();
        self.add_to(response.headers_mut());
        response
    }

    /// Adds what is told to the headers of an answer. Times are in seconds from now, rounded up.
    pub(super) fn add_to(self, headers: &mut HeaderMap) {
        let (requests, window) = (self.quota.requests, self.quota.window.as_secs());
        let (remaining, reset) = (self.decision.remaining, whole_seconds(self.decision.reset_after));
        headers.insert(LIMIT, requests.into());
        headers.insert(REMAINING, remaining.into());
        headers.insert(RESET, reset.into());
        let name = match self.counted {
            Counted::Requests => "default",
            Counted::Failures => "failures",
        };
        let policy = HeaderValue::try_from(format!("\"{name}\";q={requests};w={window}"));
        let state = HeaderValue::try_from(format!("\"{name}\";r={remaining};t={reset}"));
        if let (Ok(policy), Ok(state)) = (policy, state) {
            headers.insert(POLICY, policy);
            headers.insert(STATE, state);
        }
    }
}

fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}
