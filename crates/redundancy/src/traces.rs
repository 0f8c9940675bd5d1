//! Sends the spans of traces to a collector by OTLP, over gRPC or HTTP.
//!
//! [`Traces`] is built before the log begins, so that spans are collected from the start, and [`Exporting::run`] sends them until
//! the program ends. What a request does with a span is to put it into a bounded queue; when the collector is away, the queue is
//! full, and spans are dropped. What spans there are, and what stands in them, is said where they are opened.
//!
//! The SDK of OpenTelemetry makes spans, their ids and the decision which are kept, and `opentelemetry-proto` writes them down.
//! How they are sent stands here: over the HTTP stack and the TLS that are in the program anyway, by settings that were read
//! where all settings are.

mod connection;
mod context;
mod export;
mod otlp;
mod queue;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{IdGenerator, Sampler, SdkTracer, SdkTracerProvider, SpanLimits};
use redundancy_engine::IdSource as _;

use crate::random::SystemRandom;
use crate::settings::{TraceExport, TraceSampling};

pub(crate) use context::SpanTracer;
pub(crate) use export::Exporting;

/// The spans of this program.
pub(crate) struct Traces {
    provider: SdkTracerProvider,
}

/// Random ids, from where all random numbers of the program are.
#[derive(Debug)]
struct Ids(SystemRandom);

impl Traces {
    /// Collects spans by these settings. The second part sends them.
    pub(crate) fn new(settings: &TraceExport, random: SystemRandom) -> (Self, Exporting) {
        let attributes = settings.resource.iter().cloned().map(|(name, value)| KeyValue::new(name, value));
        let resource = Resource::builder_empty().with_attributes(attributes).build();
        let (queue, waiting) = queue::bounded(settings.queue);
        // What is not said here would be read from the environment by the SDK, past the settings.
        let provider = SdkTracerProvider::builder()
            .with_span_processor(queue)
            .with_sampler(sampler(settings.sampling))
            .with_id_generator(Ids(random))
            .with_span_limits(SpanLimits::default())
            .with_resource(resource.clone())
            .build();
        (Self { provider }, Exporting::new(settings, &resource, waiting))
    }

    /// Opens spans.
    pub(crate) fn tracer(&self) -> SdkTracer {
        let scope =
            InstrumentationScope::builder("redundancy").with_version(env!("CARGO_PKG_VERSION")).build();
        self.provider.tracer_with_scope(scope)
    }
}

fn sampler(TraceSampling { ratio, follows_parent }: TraceSampling) -> Sampler {
    let of_root = Sampler::TraceIdRatioBased(ratio);
    if follows_parent { Sampler::ParentBased(Box::new(of_root)) } else { of_root }
}

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        TraceId::from(self.0.random_128())
    }

    fn new_span_id(&self) -> SpanId {
        let [low @ .., _, _, _, _, _, _, _, _] = self.0.random_128().to_le_bytes();
        SpanId::from(u64::from_le_bytes(low))
    }
}
