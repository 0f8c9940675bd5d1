//! The spans of deliveries, for those who export traces.

use crate::delivery::Attempt;
use crate::endpoint::Endpoint;
use crate::event::Event;
use crate::guard::ReplicaId;
use crate::trace::{TARGET, TraceContext, Tracer};
use tracing::{Level, Span, field};

/// The span of one round of a dispatcher: it claimed `count` deliveries at once, and the span lasts until all of them have been
/// attempted.
pub(super) fn worker(replica: ReplicaId, count: usize) -> Span {
    tracing::info_span!(
        target: TARGET,
        parent: None,
        "webhook.worker",
        worker.id = %format_args!("{:016x}", replica.0),
        webhook.deliveries = i64::try_from(count).unwrap_or(i64::MAX),
    )
}

/// The span of one attempt, as a child in the trace of the event, and what the receiver is told of it: the event's own trace
/// where no span is kept.
pub(super) fn deliver(
    tracer: &dyn Tracer,
    endpoint: &Endpoint,
    event: &Event,
    number: u32,
) -> (Span, Option<TraceContext>) {
    let of_event = event.traceparent.as_deref().and_then(|context| context.parse::<TraceContext>().ok());
    let span = tracing::info_span!(
        target: TARGET,
        parent: None,
        "webhook.deliver",
        otel.kind = "client",
        otel.status_code = field::Empty,
        endpoint_id = endpoint.id.as_str(),
        event_type = event.kind.as_str(),
        event_id = %event.id,
        attempt = i64::from(number),
        request_id = event.request_id.as_deref(),
        http.request.method = "POST",
        server.address = %endpoint.url.host(),
        server.port = i64::from(endpoint.url.port()),
        status = field::Empty,
        duration = field::Empty,
        http.response.status_code = field::Empty,
        error.type = field::Empty,
    );
    if span.is_disabled() {
        return (span, of_event);
    }
    if let Some(parent) = &of_event {
        tracer.follow(&span, parent);
    }
    let context = tracer.context(&span).or(of_event);
    (span, context)
}

/// Records what came of the attempt: `status` (`success` or `failure`), `duration` in seconds, and why it failed.
pub(super) fn end(span: &Span, attempt: &Attempt) {
    if span.is_disabled() {
        return;
    }
    span.record("status", if attempt.is_success() { "success" } else { "failure" });
    span.record("duration", attempt.duration.as_secs_f64());
    if let Some(status) = attempt.status {
        span.record("http.response.status_code", i64::from(status));
    }
    let Some(reason) = attempt.failure else { return };
    span.record("otel.status_code", "error");
    // By the conventions a failure that has a status is named by it.
    match attempt.status {
        Some(status) => span.record("error.type", field::display(status)),
        None => span.record("error.type", reason.as_str()),
    };
    tracing::event!(
        name: "exception",
        target: TARGET,
        parent: span,
        Level::ERROR,
        exception.type = reason.as_str(),
        exception.message = message(attempt),
    );
}

/// What a person is told of a failure.
fn message(attempt: &Attempt) -> String {
    match (attempt.status, attempt.failure) {
        (Some(status), _) => format!("the receiver answered {status}"),
        (None, Some(reason)) => format!("there was no answer: {reason}"),
        (None, None) => String::new(),
    }
}
