//! A store in the memory of the process: for tests, and for running without any set-up. It forgets everything when the
//! process ends, and the oldest finished analyses and deliveries when it is full. What was accepted and is not finished it
//! never forgets: it refuses more instead.

pub(crate) mod access;
mod analyses;
mod batches;
mod catalog;
mod documents;
mod tables;
mod webhooks;

use analyses::Kept;
use async_trait::async_trait;
use batches::Batches;
use documents::Documents;
use redundancy_engine::{AnalysisId, AnalysisStore, StoreError, StoreKind, StoredAnalysis};
use redundancy_webhook::event::EventType;
use redundancy_webhook::store::{Publication, PublishError, WebhookStore};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tables::Tables;
use tokio::sync::Notify;

/// How many bytes of text the kept analyses are about, unless the caller says otherwise. For ordinary text the findings take
/// a fraction of that; for the worst text they take a few times as much.
pub const DEFAULT_CAPACITY_BYTES: usize = 32 << 20;
/// How many bytes events and deliveries may take, about.
const WEBHOOK_CAPACITY_BYTES: usize = 256 << 20;

/// How many bytes documents may take, about.
const DOCUMENT_CAPACITY_BYTES: usize = 512 << 20;
/// How many bytes the items and results of batches may take, about.
const BATCH_CAPACITY_BYTES: usize = 256 << 20;

/// Keeps a bounded number of analyses, batches, events, deliveries and documents in memory.
#[derive(Debug)]
pub struct MemoryStore {
    capacity_bytes: usize,
    kept: Mutex<Kept>,
    tables: Mutex<Tables>,
    /// Locked before the tables where both are.
    documents: Mutex<Documents>,
    /// Locked before the tables where both are, and never together with the documents.
    batches: Mutex<Batches>,
    /// There may be something to claim.
    work: Notify,
    /// There may be a batch to go on with.
    batch_work: Notify,
}

impl MemoryStore {
    /// An empty store for analyses of up to `capacity_bytes` of text together. Texts below 4 KiB count as 4 KiB.
    #[must_use]
    pub fn new(capacity_bytes: usize) -> Self {
        let tables = Mutex::new(Tables::new(WEBHOOK_CAPACITY_BYTES));
        let documents = Mutex::new(Documents::new(DOCUMENT_CAPACITY_BYTES));
        let batches = Mutex::new(Batches::new(BATCH_CAPACITY_BYTES));
        let (work, batch_work) = (Notify::new(), Notify::new());
        Self { capacity_bytes, kept: Mutex::default(), tables, documents, batches, work, batch_work }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Nothing under the lock calls anything that could panic halfway.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn documents(&self) -> MutexGuard<'_, Documents> {
        self.documents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn batches(&self) -> MutexGuard<'_, Batches> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new(DEFAULT_CAPACITY_BYTES)
    }
}

#[async_trait]
impl AnalysisStore for MemoryStore {
    async fn put(&self, analysis: StoredAnalysis) -> Result<(), StoreError> {
        self.kept().put(analysis, self.capacity_bytes)
    }

    async fn finish(
        &self,
        analysis: Option<StoredAnalysis>,
        publication: Option<Publication>,
    ) -> Result<(), StoreError> {
        // Held together, so that nobody sees one without the other.
        let (mut kept, mut tables) = (self.kept(), self.tables());
        if let Some(publication) = publication {
            match tables.publish(publication) {
                Ok(_) | Err(PublishError::KeyReused) => {}
                Err(PublishError::Store(error)) => return Err(error),
            }
        }
        if let Some(analysis) = analysis {
            kept.put(analysis, self.capacity_bytes)?;
        }
        drop((kept, tables));
        self.work.notify_one();
        Ok(())
    }

    fn is_wanted(&self, kind: &EventType) -> bool {
        WebhookStore::is_wanted(self, kind)
    }

    fn kind(&self) -> StoreKind {
        StoreKind { name: "memory", is_durable: false }
    }

    async fn get(&self, id: AnalysisId) -> Result<Option<StoredAnalysis>, StoreError> {
        Ok(self.kept().get(id))
    }
}
