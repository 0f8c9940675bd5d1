//! What is counted of detection: analyses, work on the index, what was found there, and items of batches.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use redundancy_engine::index::{Match, MatchKind};
use redundancy_engine::{BatchOperation, Clock, Operation};
use std::time::Duration;

use super::SECONDS_BUCKETS;
use crate::routes::documents::kind_name;

/// Every way in which a document and a text belong together.
const KINDS: [MatchKind; 5] = [
    MatchKind::Exact,
    MatchKind::NormalizedExact,
    MatchKind::NearDuplicate,
    MatchKind::Contained,
    MatchKind::Contains,
];

/// Something that is done with the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IndexWork {
    /// A document is put.
    Put,
    /// Documents are put together, as lines of a bulk request or items of a batch.
    PutMany,
    /// What a text has in common with documents is looked for.
    Search,
    /// A page of clusters is made.
    Clusters,
}

/// Counters and histograms of detection.
#[derive(Debug)]
pub(crate) struct DetectionMetrics {
    analyses: Family<OperationLabels, Counter>,
    analysis_seconds: Family<OperationLabels, Histogram, fn() -> Histogram>,
    documents: Gauge,
    index_seconds: Family<OperationLabels, Histogram, fn() -> Histogram>,
    matches: Family<MatchLabels, Counter>,
    batch_items: Family<ItemLabels, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabels {
    operation: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MatchLabels {
    operation: &'static str,
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ItemLabels {
    operation: &'static str,
    result: &'static str,
}

impl IndexWork {
    const ALL: [Self; 4] = [Self::Put, Self::PutMany, Self::Search, Self::Clusters];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Put => "put",
            Self::PutMany => "put_many",
            Self::Search => "search",
            Self::Clusters => "clusters",
        }
    }
}

impl Default for DetectionMetrics {
    fn default() -> Self {
        let seconds: fn() -> Histogram = || Histogram::new(SECONDS_BUCKETS);
        let metrics = Self {
            analyses: Family::default(),
            analysis_seconds: Family::new_with_constructor(seconds),
            documents: Gauge::default(),
            index_seconds: Family::new_with_constructor(seconds),
            matches: Family::default(),
            batch_items: Family::default(),
        };
        // A counter that is there from the start at 0 lets a rate see its first step.
        for operation in Operation::ALL {
            let labels = OperationLabels { operation: operation.as_str() };
            drop(metrics.analyses.get_or_create(&labels));
            drop(metrics.analysis_seconds.get_or_create(&labels));
        }
        for work in IndexWork::ALL {
            drop(metrics.index_seconds.get_or_create(&OperationLabels { operation: work.as_str() }));
        }
        for work in [IndexWork::Put, IndexWork::PutMany, IndexWork::Search] {
            for kind in KINDS {
                drop(metrics.matches.get_or_create(&MatchLabels::new(work, kind)));
            }
        }
        for operation in BatchOperation::ALL {
            for is_done in [true, false] {
                drop(metrics.batch_items.get_or_create(&ItemLabels::new(operation.as_str(), is_done)));
            }
        }
        metrics
    }
}

impl DetectionMetrics {
    /// The registry appends `_total` to the names of counters, as `OpenMetrics` asks.
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("analyses", "Analyses that gave a result", self.analyses.clone());
        let help = "Time from a valid request to its result, waiting included";
        registry.register("analysis_duration_seconds", help, self.analysis_seconds.clone());
        let help = "Documents in the index";
        registry.register("documents_indexed", help, self.documents.clone());
        let help = "Time from a valid request about the index to its result, waiting included";
        registry.register("index_duration_seconds", help, self.index_seconds.clone());
        let help =
            "Documents that were found to have something in common with a text, by how they belong together";
        registry.register("document_matches", help, self.matches.clone());
        registry.register("batch_items", "Items of batches that have a result", self.batch_items.clone());
    }

    /// Counts an analysis that gave a result.
    pub(crate) fn analysis(&self, operation: Operation, duration: Duration) {
        let labels = OperationLabels { operation: operation.as_str() };
        self.analyses.get_or_create(&labels).inc();
        self.analysis_seconds.get_or_create(&labels).observe(duration.as_secs_f64());
    }

    /// Takes notice of how many documents the index has.
    pub(crate) fn documents(&self, indexed: u64) {
        self.documents.set(i64::try_from(indexed).unwrap_or(i64::MAX));
    }

    /// Does `work` and measures how long it takes, unless it fails.
    pub(crate) async fn timed<T, E>(
        &self,
        clock: &dyn Clock,
        work: IndexWork,
        doing: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let began = clock.monotonic();
        let done = doing.await?;
        let duration = clock.monotonic().saturating_sub(began);
        let labels = OperationLabels { operation: work.as_str() };
        self.index_seconds.get_or_create(&labels).observe(duration.as_secs_f64());
        Ok(done)
    }

    /// Counts what was found.
    pub(crate) fn matches(&self, work: IndexWork, found: &[Match]) {
        for found in found {
            self.matches.get_or_create(&MatchLabels::new(work, found.kind)).inc();
        }
    }

    /// Counts an item of a batch that has its result. `operation` is the name of a [`BatchOperation`].
    pub(crate) fn batch_item(&self, operation: &'static str, is_done: bool) {
        self.batch_items.get_or_create(&ItemLabels::new(operation, is_done)).inc();
    }
}

impl MatchLabels {
    fn new(work: IndexWork, kind: MatchKind) -> Self {
        Self { operation: work.as_str(), kind: kind_name(kind) }
    }
}

impl ItemLabels {
    const fn new(operation: &'static str, is_done: bool) -> Self {
        Self { operation, result: if is_done { "done" } else { "failed" } }
    }
}
