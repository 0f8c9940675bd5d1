//! Ties the spans of this program to traces that cross its borders: what the headers of W3C Trace Context say, as the SDK has it.

use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use redundancy_engine::webhook::trace::{TraceContext, Tracer};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// Finds what the SDK knows of a span.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SpanTracer;

impl Tracer for SpanTracer {
    fn follow(&self, span: &Span, parent: &TraceContext) {
        let state = parent.tracestate().and_then(|state| state.parse::<TraceState>().ok());
        let parent = SpanContext::new(
            TraceId::from(parent.trace_number()),
            SpanId::from(parent.span_number()),
            TraceFlags::new(parent.flags()),
            true,
            state.unwrap_or_default(),
        );
        // An error means that the span is in no trace.
        let _ = span.set_parent(opentelemetry::Context::new().with_remote_span_context(parent));
    }

    fn context(&self, span: &Span) -> Option<TraceContext> {
        let context = span.context();
        let span = context.span();
        let context = span.span_context();
        let header =
            format!("00-{}-{}-{:02x}", context.trace_id(), context.span_id(), context.trace_flags().to_u8());
        let state = context.trace_state().header();
        TraceContext::new(&header, (!state.is_empty()).then_some(state.as_str())).ok()
    }
}
