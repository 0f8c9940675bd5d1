//! What the engine needs from the world beside a clock and random numbers, which it shares with delivery: a place to keep
//! results. Adapters implement it.

use crate::document::Document;
use crate::ids::AnalysisId;
use crate::index::Match;
use crate::requests::{Finding, Operation};
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::event::EventType;
use redundancy_webhook::store::{Publication, StoreError};
use std::fmt;
use std::sync::Arc;

/// Keeps analyses that were accepted for later.
#[async_trait::async_trait]
pub trait AnalysisStore: Send + Sync {
    /// Writes `analysis`, in place of what is kept under its id. When this returns `Ok`, a later [`AnalysisStore::get`]
    /// gives it back for as long as the store keeps things.
    async fn put(&self, analysis: StoredAnalysis) -> Result<(), StoreError>;

    /// Says that the work on a pending analysis goes on. A store that services share takes one of which nobody says so for a while
    /// for failed: the service that had accepted it has died. One that a single service has finds out when it is opened.
    async fn goes_on(&self, _id: AnalysisId) -> Result<(), StoreError> {
        Ok(())
    }

    /// Accepts what came of work: writes `analysis`, if there is one, as [`AnalysisStore::put`] does, and publishes
    /// `publication`, if there is one, both or neither.
    async fn finish(
        &self,
        analysis: Option<StoredAnalysis>,
        publication: Option<Publication>,
    ) -> Result<(), StoreError>;

    /// Whether somebody would be told of an event of type `kind`, as far as is known here. Cheap, and answered also while the
    /// store is away.
    fn is_wanted(&self, kind: &EventType) -> bool;

    /// What kind of store it is, for people who look at the service's health.
    fn kind(&self) -> StoreKind;

    /// What is kept under `id`; `None` when nothing is, or not any more.
    async fn get(&self, id: AnalysisId) -> Result<Option<StoredAnalysis>, StoreError>;
}

/// Writes findings as JSON, as callers and receivers of events get them: the engine has no wire format of its own.
pub trait FindingFormat: Send + Sync {
    /// All of it.
    fn whole(&self, id: AnalysisId, finding: &Finding) -> String;

    /// Only what sums it up, for those who would be sent too much.
    fn summary(&self, id: AnalysisId, finding: &Finding) -> String;
}

/// Writes documents as JSON for those who hear of them.
pub trait DocumentFormat: Send + Sync {
    /// A document was put, `is_new` or in place of another.
    fn indexed(&self, document: &Document, is_new: bool) -> String;

    /// A document was removed.
    fn deleted(&self, document: &Document) -> String;

    /// A document was put that duplicates others.
    fn duplicates(&self, document: &Document, duplicates: &[Match]) -> String;
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
    /// Finished, with what was found as JSON. Shared, because it can be large.
    Completed(Arc<str>),
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
