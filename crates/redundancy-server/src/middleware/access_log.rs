//! One span and one line for each request. Never a word of what a request or an answer says: no body, no query, no header
//! but the ids.

use super::request_id::RequestId;
use super::trace_context;
use axum::body::HttpBody;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use redundancy_engine::Clock;
use std::sync::Arc;
use std::time::Duration;
use tracing::{Span, field};

/// The line of a request. It is written when this is dropped: that also happens when the client goes away and the request is
/// dropped unanswered.
pub(super) struct Line {
    clock: Arc<dyn Clock>,
    began: Duration,
    span: Span,
    method: Method,
    route: String,
    /// Status, and bytes of the body before compression where they are known.
    answer: Option<(StatusCode, Option<u64>)>,
}

impl Line {
    /// Opens a span that is named by the OpenTelemetry conventions for HTTP servers.
    pub(super) fn begin(clock: Arc<dyn Clock>, id: &RequestId, request: &Request, route: String) -> Self {
        let trace_id = trace_context::trace_id(request.headers());
        let span = tracing::info_span!(
            "http.request",
            otel.kind = "server",
            http.request.method = %request.method(),
            http.route = %route,
            http.response.status_code = field::Empty,
            request_id = id.as_str(),
            trace_id = trace_id.map(field::display),
            tenant = field::Empty,
            caller = field::Empty,
        );
        let began = clock.monotonic();
        Self { clock, began, span, method: request.method().clone(), route, answer: None }
    }

    /// The span that everything about the request is logged in.
    pub(super) const fn span(&self) -> &Span {
        &self.span
    }

    /// The answer is known.
    pub(super) fn end(mut self, response: &Response) {
        self.answer = Some((response.status(), response.body().size_hint().exact()));
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let _entered = self.span.enter();
        let (method, route) = (&self.method, &self.route);
        let duration_ms = self.clock.monotonic().saturating_sub(self.began).as_secs_f64() * 1000.0;
        let Some((status, bytes)) = self.answer else {
            tracing::info!(%method, %route, duration_ms, "the client went away");
            return;
        };
        let status = status.as_u16();
        self.span.record("http.response.status_code", status);
        // Probes and scrapes come every few seconds and say nothing while all is well.
        if status < 400 && (route.starts_with("/health") || route == "/metrics") {
            tracing::debug!(%method, %route, status, duration_ms, bytes, "answered");
        } else {
            tracing::info!(%method, %route, status, duration_ms, bytes, "answered");
        }
    }
}
