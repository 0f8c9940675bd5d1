//! What the engine needs from the world: a clock, random numbers, and a place to keep results. Adapters implement these.

use crate::ids::AnalysisId;
use crate::requests::{Finding, Operation};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A point in time, in milliseconds since the Unix epoch (UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The point `millis` milliseconds after the Unix epoch.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }
}

/// Tells the time. The only source of time in the product.
pub trait Clock: Send + Sync {
    /// The time of day, for people and other machines. It may jump.
    fn now(&self) -> Timestamp;

    /// Time since some fixed moment, for measuring. It never goes backwards.
    fn monotonic(&self) -> Duration;
}

/// Gives random numbers for identifiers.
pub trait IdSource: Send + Sync {
    /// 128 bits that nobody can guess.
    fn random_128(&self) -> u128;
}

/// Keeps analyses that were accepted for later.
#[async_trait::async_trait]
pub trait AnalysisStore: Send + Sync {
    /// Writes `analysis`, in place of what is kept under its id. When this returns `Ok`, a later [`AnalysisStore::get`]
    /// gives it back for as long as the store keeps things.
    async fn put(&self, analysis: StoredAnalysis) -> Result<(), StoreError>;

    /// What kind of store it is, for people who look at the service's health.
    fn kind(&self) -> StoreKind;

    /// What is kept under `id`; `None` when nothing is, or not any more.
    async fn get(&self, id: AnalysisId) -> Result<Option<StoredAnalysis>, StoreError>;
}

/// What a store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreKind {
    /// Its name in settings: `memory`, `embedded` or `redis`.
    pub name: &'static str,
    /// Whether what it keeps outlives the process.
    pub is_durable: bool,
}

/// An analysis that was accepted for later, and how far it got.
#[derive(Debug, Clone)]
pub struct StoredAnalysis {
    /// Its id.
    pub id: AnalysisId,
    /// What was asked.
    pub operation: Operation,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// Bytes of text that it is about. What it finds takes room in proportion to this.
    pub bytes: usize,
    /// How far it got.
    pub state: AnalysisState,
}

/// How far an analysis got.
#[derive(Clone)]
pub enum AnalysisState {
    /// Accepted, not yet finished.
    Pending,
    /// Finished. Shared, because findings can be large.
    Completed(Arc<Finding>),
    /// It could not be done, for a reason that a person can read.
    Failed(String),
}

impl fmt::Debug for AnalysisState {
    /// Without the finding: it quotes the text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pending => "Pending",
            Self::Completed(_) => "Completed",
            Self::Failed(_) => "Failed",
        })
    }
}

/// A store could not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It is full or away, and the same call may work later; or it is too small for what it was given, and says so.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
}
