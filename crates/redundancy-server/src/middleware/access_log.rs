//! One span and one line for each request. Never a word of what a request or an answer says: no body, no query, no header
//! but the ids.

use super::request_id::RequestId;
use super::trace_context;
use crate::app::App;
use crate::routes::UNMATCHED;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use hyper::body::{Frame, SizeHint};
use redundancy_engine::Clock;
use redundancy_engine::webhook::trace::TraceContext;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tracing::{Instrument as _, Level, Span, field};

/// The line of a request. It is written when this is dropped: when the answer has ended, and also when the client goes away and the
/// request, or what is left of the answer, is dropped.
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
    answer: Option<Answer>,
}

/// What a client was answered.
struct Answer {
    status: StatusCode,
    /// Of the body before compression, so far.
    bytes: u64,
    end: AnswerEnd,
}

/// How far an answer got.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AnswerEnd {
    /// There is more to come.
    Open,
    /// That is all of it.
    Whole,
    /// The service could not go on with it.
    BrokenOff,
}

/// A body that is made while it is sent, with the line of its request, which knows how long it is when it has ended.
struct Streamed {
    body: Body,
    line: Line,
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
        // Of a probe nothing is logged while all is well, and to write down what a span says takes longer than to answer it.
        if !is_probe(&line.route) || tracing::enabled!(Level::DEBUG) {
            line.span = line.request_span();
        }
        line
    }

    fn request_span(&self) -> Span {
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

    /// `work`, so that everything about the request is logged and traced in its spans.
    pub(super) fn around<T>(&self, work: impl Future<Output = T>) -> impl Future<Output = T> {
        work.instrument(self.span.clone()).instrument(self.traced.clone())
    }

    /// The answer is known, but for the rest of a body that is made while it is sent: the line waits for that.
    pub(super) fn end(mut self, response: Response) -> Response {
        let known = response.body().size_hint().exact();
        // What a client asks the head of has no body, whatever would be in it.
        let is_whole = known.is_some() || self.method == Method::HEAD;
        let end = if is_whole { AnswerEnd::Whole } else { AnswerEnd::Open };
        self.answer = Some(Answer { status: response.status(), bytes: known.unwrap_or(0), end });
        match end {
            AnswerEnd::Open => response.map(|body| Body::new(Streamed { body, line: self })),
            AnswerEnd::Whole | AnswerEnd::BrokenOff => response,
        }
    }

    /// Whether it tells of nothing that anybody has to know.
    fn is_quiet(&self) -> bool {
        let is_well = |answer: &Answer| answer.end == AnswerEnd::Whole && answer.status.as_u16() < 400;
        is_probe(&self.route) && self.answer.as_ref().is_some_and(is_well)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let answer = self.answer.as_ref();
        let is_gone = answer.is_none_or(|answer| answer.end == AnswerEnd::Open);
        trace_context::end(&self.traced, answer.map(|answer| answer.status), is_gone);
        let is_quiet = self.is_quiet();
        if !is_quiet && self.span.is_disabled() {
            // A probe that all is not well for.
            self.span = self.request_span();
        }
        let _entered = self.span.enter();
        let (method, route) = (&self.method, &self.route);
        let duration_ms = self.clock.monotonic().saturating_sub(self.began).as_secs_f64() * 1000.0;
        let Some(Answer { status, bytes, end }) = self.answer else {
            tracing::info!(%method, %route, duration_ms, "the client went away");
            return;
        };
        let status = status.as_u16();
        match end {
            AnswerEnd::Whole if is_quiet => {
                tracing::debug!(%method, %route, status, duration_ms, bytes, "answered");
            }
            AnswerEnd::Whole => tracing::info!(%method, %route, status, duration_ms, bytes, "answered"),
            AnswerEnd::Open => {
                // Its client, or the service, which waits no longer for one that does not read, or has to end.
                tracing::info!(%method, %route, status, duration_ms, bytes, "the connection ended before the answer");
            }
            AnswerEnd::BrokenOff => {
                tracing::warn!(%method, %route, status, duration_ms, bytes, "the answer broke off");
            }
        }
    }
}

impl HttpBody for Streamed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Self { body, line } = &mut *self;
        let frame = {
            // What goes on while it is made belongs to the request too.
            let _entered = (line.traced.enter(), line.span.enter());
            ready!(Pin::new(&mut *body).poll_frame(context))
        };
        if let Some(answer) = &mut line.answer {
            match &frame {
                Some(Ok(frame)) => answer.bytes += frame.data_ref().map_or(0, |data| data.len() as u64),
                Some(Err(_)) => answer.end = AnswerEnd::BrokenOff,
                None => {}
            }
            // Nobody asks a body for more that has said that it has ended.
            let has_ended = frame.is_none() || body.is_end_stream();
            if has_ended && answer.end == AnswerEnd::Open {
                answer.end = AnswerEnd::Whole;
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Whether a route is asked for every few seconds by probes and scrapes, which say nothing while all is well.
fn is_probe(route: &str) -> bool {
    route.starts_with("/health") || route == "/metrics"
}
