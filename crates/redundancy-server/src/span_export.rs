//! How the export of spans goes: told by whoever sends them, and shown by `/api/v1/health/status`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What became of the spans that were to be sent. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct SpanExport(Arc<Mutex<Outcome>>);

/// What became of spans.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Whether spans were lost after a batch was taken last.
    pub(crate) is_failing: bool,
    /// How long the collector took for the last batch that it took.
    pub(crate) latency: Option<Duration>,
    /// Spans that it took since the start.
    pub(crate) exported: u64,
    /// Spans that were dropped since the start.
    pub(crate) dropped: u64,
}

impl SpanExport {
    /// The collector took so many spans, and `took` so long for it.
    pub fn sent(&self, spans: u64, took: Duration) {
        self.change(|outcome| {
            (outcome.is_failing, outcome.latency) = (false, Some(took));
            outcome.exported = outcome.exported.saturating_add(spans);
        });
    }

    /// So many spans could not be sent and are gone.
    pub fn lost(&self, spans: u64) {
        self.change(|outcome| {
            outcome.is_failing = true;
            outcome.dropped = outcome.dropped.saturating_add(spans);
        });
    }

    pub(crate) fn outcome(&self) -> Outcome {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Outcome)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
