//! How the export of spans goes: told by whoever sends them, and shown by `/api/v1/health/status` and `/metrics`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What became of the spans that were to be sent. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct SpanExport(Arc<Mutex<SpanFigures>>);

/// What became of spans.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SpanFigures {
    /// Spans that could not be sent since the collector took a batch last; 0 while all is well.
    pub(crate) lost: u64,
    /// How long the collector took to take the last batch, if it has taken one.
    pub(crate) latency: Option<Duration>,
    /// Spans that it took since the start.
    pub(crate) exported: u64,
    /// Spans that were dropped since the start: those that could not be sent, found no room, or were rejected by the collector.
    pub(crate) dropped: u64,
}

impl SpanExport {
    /// The collector took `spans` of a batch in the time `took`, and rejected some. Gives the spans that were lost before.
    #[must_use = "whoever sends spans says in the log when they arrive again"]
    pub fn sent(&self, spans: u64, rejected: u64, took: Duration) -> u64 {
        self.change(|figures| {
            figures.latency = Some(took);
            figures.exported = figures.exported.saturating_add(spans);
            figures.dropped = figures.dropped.saturating_add(rejected);
            std::mem::take(&mut figures.lost)
        })
    }

    /// So many spans could not be sent and are gone. Gives whether they are the first ones since a batch was taken.
    #[must_use = "whoever sends spans says in the log when they get lost"]
    pub fn lost(&self, spans: u64) -> bool {
        self.change(|figures| {
            let is_first = figures.lost == 0;
            figures.lost = figures.lost.saturating_add(spans);
            figures.dropped = figures.dropped.saturating_add(spans);
            is_first
        })
    }

    /// So many spans found no room where they wait to be sent.
    pub fn overflowed(&self, spans: u64) {
        self.change(|figures| figures.dropped = figures.dropped.saturating_add(spans));
    }

    pub(crate) fn figures(&self) -> SpanFigures {
        self.change(|figures| *figures)
    }

    fn change<T>(&self, change: impl FnOnce(&mut SpanFigures) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_counts_until_a_batch_is_taken_and_what_finds_no_room_is_no_fault_of_the_collector() {
        let export = SpanExport::default();
        assert_eq!((export.lost(3), export.lost(4), export.figures().lost), (true, false, 7));
        export.overflowed(10);
        assert_eq!((export.figures().lost, export.figures().dropped), (7, 17));
        assert_eq!(export.sent(5, 2, Duration::from_millis(4)), 7);
        assert_eq!(export.sent(1, 0, Duration::from_millis(3)), 0);
        let latency = Some(Duration::from_millis(3));
        assert_eq!(export.figures(), SpanFigures { lost: 0, latency, exported: 6, dropped: 19 });
        assert!(export.lost(1));
    }
}
