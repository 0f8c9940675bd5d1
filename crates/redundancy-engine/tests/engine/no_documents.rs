//! What stands behind the port of documents in tests that have none.

use async_trait::async_trait;
use redundancy_engine::catalog::{
    Addition, CandidateQuery, Candidates, DocumentNumber, Farewell, Kept, Listed, Placed, Stored,
};
use redundancy_engine::webhook::store::{Page, PageRequest};
use redundancy_engine::{Catalog, CollectionName, Document, DocumentId, StoreError};

/// Answers everything with an error.
pub(crate) struct NoCatalog;

impl NoCatalog {
    fn refused() -> StoreError {
        StoreError::Unavailable("there are no documents".to_owned())
    }
}

#[async_trait]
impl Catalog for NoCatalog {
    async fn put(&self, additions: Vec<Addition>) -> Vec<Result<Placed, StoreError>> {
        additions.iter().map(|_| Err(Self::refused())).collect()
    }

    async fn remove(&self, _: &DocumentId, _: Farewell) -> Result<Option<Document>, StoreError> {
        Err(Self::refused())
    }

    async fn get(&self, _: &DocumentId) -> Result<Option<Stored>, StoreError> {
        Err(Self::refused())
    }

    async fn list(
        &self,
        _: Option<&CollectionName>,
        _: PageRequest<DocumentNumber>,
    ) -> Result<Page<Listed, DocumentNumber>, StoreError> {
        Err(Self::refused())
    }

    async fn candidates(&self, _: CandidateQuery) -> Result<Candidates, StoreError> {
        Err(Self::refused())
    }

    async fn fetch(&self, _: Vec<DocumentNumber>) -> Result<Vec<Kept>, StoreError> {
        Err(Self::refused())
    }

    async fn counts(&self) -> Result<Vec<(CollectionName, u64)>, StoreError> {
        Err(Self::refused())
    }
}
