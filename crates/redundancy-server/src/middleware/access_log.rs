//! One span and one line for each request. Never a word of what a request or an answer says: no body, no query, no header
//! but the ids.

use super::request_id::RequestId;
use super::trace_context;
use crate::app::App;
use crate::routes::route_of;
use axum::body::HttpBody;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use redundancy_engine::Clock;
use std::sync::Arc;
use std::time::Duration;
use tracing::{Instrument, Span, field};

/// Middleware: runs the request in a span named by the OpenTelemetry conventions for HTTP servers and logs its end.
pub(super) async fn log(
    State(app): State<App>,
    request_id: RequestId,
    request: Request,
    next: Next,
) -> Response {
    let route = route_of(&request);
    let trace_id = trace_context::trace_id(request.headers());
    let span = tracing::info_span!(
        "http.request",
        otel.kind = "server",
        http.request.method = %request.method(),
        http.route = %route,
        http.response.status_code = field::Empty,
        request_id = request_id.as_str(),
        trace_id = trace_id.map(field::display),
    );
    let mut line = Line::begin(app.shared_clock(), &span, request.method().clone(), route);
    let response = next.run(request).instrument(span).await;
    line.answer = Some((response.status(), response.body().size_hint().exact()));
    response
}

/// Writes the line when it is dropped: that also happens when the client goes away and the request is dropped unanswered.
struct Line {
    clock: Arc<dyn Clock>,
    began: Duration,
    span: Span,
    method: Method,
    route: String,
    /// Status, and bytes of the body before compression where they are known.
    answer: Option<(StatusCode, Option<u64>)>,
}

impl Line {
    fn begin(clock: Arc<dyn Clock>, span: &Span, method: Method, route: String) -> Self {
        let began = clock.monotonic();
        Self { clock, began, span: span.clone(), method, route, answer: None }
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
