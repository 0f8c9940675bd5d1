//! The queue between those who end spans and the one who sends them: bounded, and full without making anybody wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};
use tokio::sync::{Notify, mpsc};

use crate::settings::TraceQueue;

/// Where spans go when they end.
#[derive(Debug)]
pub(super) struct Queue {
    spans: mpsc::Sender<SpanData>,
    shared: Arc<Shared>,
    /// So much room is left when a batch has come together.
    room_beside_batch: usize,
}

/// Spans that wait to be sent.
pub(super) struct Waiting {
    spans: mpsc::Receiver<SpanData>,
    shared: Arc<Shared>,
    settings: TraceQueue,
}

#[derive(Debug, Default)]
struct Shared {
    /// A batch has come together.
    filled: Notify,
    dropped: AtomicU64,
}

/// A queue, and its end.
pub(super) fn bounded(settings: TraceQueue) -> (Queue, Waiting) {
    let (sender, receiver) = mpsc::channel(settings.max_spans);
    let shared = Arc::<Shared>::default();
    let room_beside_batch = settings.max_spans.saturating_sub(settings.max_batch);
    let queue = Queue { spans: sender, shared: Arc::clone(&shared), room_beside_batch };
    (queue, Waiting { spans: receiver, shared, settings })
}

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if !span.span_context.is_sampled() {
            return;
        }
        if self.spans.try_send(span).is_err() {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
        } else if self.spans.capacity() <= self.room_beside_batch {
            self.shared.filled.notify_one();
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

impl Waiting {
    /// Waits until a batch has come together, and otherwise for as long as spans wait for each other.
    pub(super) async fn come_together(&self) {
        // Being early or late does no harm.
        let _ = tokio::time::timeout(self.settings.delay, self.shared.filled.notified()).await;
    }

    /// What waits, up to a batch.
    pub(super) fn batch(&mut self) -> Vec<SpanData> {
        let spans = std::iter::from_fn(|| self.spans.try_recv().ok());
        spans.take(self.settings.max_batch).collect()
    }

    /// How many spans found no room since this was asked last.
    pub(super) fn take_dropped(&self) -> u64 {
        self.shared.dropped.swap(0, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
    use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanLimits};

    /// Ends so many spans, and gives the end of a queue for `max_spans`.
    fn after(count: usize, max_spans: usize, sampler: Sampler) -> Waiting {
        let settings = TraceQueue { max_spans, max_batch: 2, delay: Duration::from_hours(1) };
        let (queue, waiting) = bounded(settings);
        let builder = SdkTracerProvider::builder().with_span_processor(queue).with_sampler(sampler);
        let provider = builder.with_span_limits(SpanLimits::default()).build();
        for _ in 0..count {
            provider.tracer("test").start("span").end();
        }
        waiting
    }

    #[test]
    fn a_full_queue_drops_spans_and_counts_them() {
        let mut waiting = after(5, 3, Sampler::AlwaysOn);
        assert_eq!([waiting.batch().len(), waiting.batch().len(), waiting.batch().len()], [2, 1, 0]);
        assert_eq!((waiting.take_dropped(), waiting.take_dropped()), (2, 0));
    }

    #[test]
    fn traces_that_are_not_sampled_never_wait() {
        let mut waiting = after(5, 3, Sampler::AlwaysOff);
        assert_eq!((waiting.batch().len(), waiting.take_dropped()), (0, 0));
    }

    #[tokio::test]
    async fn a_batch_that_has_come_together_is_not_waited_for() {
        // Otherwise this takes an hour.
        after(2, 3, Sampler::AlwaysOn).come_together().await;
    }
}
