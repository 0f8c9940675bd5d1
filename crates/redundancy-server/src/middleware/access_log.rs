//! One span and one line for each request. Never a word of what a request or an answer says: no body, no query, no header
//! but the ids.

use super::request_id::RequestId;
use super::trace_context;
use crate::app::App;
use crate::routes::UNMATCHED;
use axum::body::HttpBody;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use redundancy_engine::Clock;
use redundancy_engine::webhook::trace::TraceContext;
use std::sync::Arc;
use std::time::Duration;
use tracing::{Instrument as _, Span, field};

/// The line of a request. It is written when this is dropped: that also happens when the client goes away and the request is
/// dropped unanswered.
pub(super) struct Line {
    clock: Arc<dyn Clock>,
    began: Duration,
    /// For the log.
    span: Span,
    /// For those who export traces.
    traced: Span,
    id: RequestId,
    trace: TraceContext,
    method: Method,
    route: String,
    /// Status, and bytes of the body before compression where they are known.
    answer: Option<(StatusCode, Option<u64>)>,
}

impl Line {
    /// Opens the spans of a request, and puts the trace that it belongs to into it: one that `random` names if neither its caller nor
    /// an exporter says another.
    pub(super) fn begin(
        app: &App,
        id: &RequestId,
        random: u128,
        request: &mut Request,
        route: String,
    ) -> Self {
        let known = (route != UNMATCHED).then_some(route.as_str());
        let (traced, trace) =
            trace_context::begin(app.webhooks().tracer(), request, known, id.as_str(), random);
        let clock = app.shared_clock();
        let began = clock.monotonic();
        let (id, method) = (id.clone(), request.method().clone());
        let mut line =
            Self { clock, began, span: Span::none(), traced, id, trace, method, route, answer: None };
        line.span = if is_probe(&line.route) { line.quiet_span() } else { line.loud_span() };
        line
    }

    fn loud_span(&self) -> Span {
        tracing::info_span!(
            "http.request",
            http.request.method = %self.method,
            http.route = %self.route,
            request_id = self.id.as_str(),
            trace_id = %self.trace.trace_id(),
            tenant = field::Empty,
            caller = field::Empty,
        )
    }

    /// Of a probe nothing is logged while all is well, and to write down what a span says takes longer than to answer it.
    fn quiet_span(&self) -> Span {
        tracing::debug_span!(
            "http.request",
            http.request.method = %self.method,
            http.route = %self.route,
            request_id = self.id.as_str(),
            trace_id = %self.trace.trace_id(),
        )
    }

    /// `work`, so that everything about the request is logged and traced in its spans.
    pub(super) fn around<T>(&self, work: impl Future<Output = T>) -> impl Future<Output = T> {
        work.instrument(self.span.clone()).instrument(self.traced.clone())
    }

    /// The answer is known.
    pub(super) fn end(mut self, response: &Response) {
        self.answer = Some((response.status(), response.body().size_hint().exact()));
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        trace_context::end(&self.traced, self.answer.map(|(status, _)| status));
        let is_quiet = is_probe(&self.route) && self.answer.is_some_and(|(status, _)| status.as_u16() < 400);
        if !is_quiet && self.span.is_disabled() {
            // A probe that all is not well for.
            self.span = self.loud_span();
        }
        let _entered = self.span.enter();
        let (method, route) = (&self.method, &self.route);
        let duration_ms = self.clock.monotonic().saturating_sub(self.began).as_secs_f64() * 1000.0;
        let Some((status, bytes)) = self.answer else {
            tracing::info!(%method, %route, duration_ms, "the client went away");
            return;
        };
        let status = status.as_u16();
        if is_quiet {
            tracing::debug!(%method, %route, status, duration_ms, bytes, "answered");
        } else {
            tracing::info!(%method, %route, status, duration_ms, bytes, "answered");
        }
    }
}

/// Whether a route is asked for every few seconds by probes and scrapes, which say nothing while all is well.
fn is_probe(route: &str) -> bool {
    route.starts_with("/health") || route == "/metrics"
}
