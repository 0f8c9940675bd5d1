//! The request that a receiver gets.

use crate::clock::Timestamp;
use crate::endpoint::Endpoint;
use crate::event::Event;
use crate::signature::{Signatures, sign_headers};
use crate::trace::TraceContext;
use crate::transport::OutgoingRequest;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};

const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
const X_WEBHOOK_ID: HeaderName = HeaderName::from_static("x-webhook-id");
const X_WEBHOOK_EVENT: HeaderName = HeaderName::from_static("x-webhook-event");
const X_WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("x-webhook-timestamp");
const X_WEBHOOK_ATTEMPT: HeaderName = HeaderName::from_static("x-webhook-attempt");
const X_WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("x-webhook-signature");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The request of attempt number `attempt` to deliver `event` to `endpoint`, made at `now` and as a part of the trace `context`.
pub(super) fn request(
    endpoint: &Endpoint,
    event: &Event,
    context: Option<&TraceContext>,
    attempt: u32,
    now: Timestamp,
    user_agent: &str,
) -> OutgoingRequest {
    let id = event.id.to_string();
    let seconds = now.as_seconds();
    let secrets: Vec<_> = endpoint.signing_secrets(now).collect();
    // An id of ours has no full stop, which is all that signing could complain about.
    let signatures = sign_headers(&secrets, endpoint.scheme, &id, seconds, &event.body);
    let Signatures { webhook_signature, hex } = signatures.unwrap_or_default();
    let mut headers = HeaderMap::with_capacity(16 + endpoint.headers.len());
    for (name, value) in &endpoint.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    }
    let mut insert = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    let seconds = seconds.to_string();
    insert(WEBHOOK_ID, &id);
    insert(WEBHOOK_TIMESTAMP, &seconds);
    insert(WEBHOOK_SIGNATURE, &webhook_signature);
    insert(X_WEBHOOK_ID, &id);
    insert(X_WEBHOOK_EVENT, event.kind.as_str());
    insert(X_WEBHOOK_TIMESTAMP, &seconds);
    insert(X_WEBHOOK_ATTEMPT, &attempt.to_string());
    insert(X_WEBHOOK_SIGNATURE, &hex);
    insert(X_REQUEST_ID, event.request_id.as_deref().unwrap_or(&id));
    // An event that came without a trace has its own: the lower half of its id, which names the span, is random.
    let own;
    let context = if let Some(context) = context {
        context
    } else {
        own = TraceContext::unsampled_root(event.id.number());
        &own
    };
    insert(TRACEPARENT, context.traceparent());
    if let Some(state) = context.tracestate() {
        insert(TRACESTATE, state);
    }
    insert(USER_AGENT, user_agent);
    headers.insert(CONTENT_TYPE, JSON);
    OutgoingRequest {
        url: endpoint.url.clone(),
        headers,
        body: event.body.clone(),
        timeout: endpoint.timeout,
    }
}
