//! What stands behind the port where no documents are kept.

use super::{
    Addition, CandidateQuery, Candidates, Catalog, CollectionName, Document, DocumentId, DocumentNumber,
    Farewell, Kept, Listed, Placed, Stored,
};
use redundancy_webhook::store::{Page, PageRequest, StoreError};

/// For a store that keeps no documents: everything is answered with an error that says so.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoCatalog;

impl NoCatalog {
    fn refused() -> StoreError {
        StoreError::Unavailable("this kind of store keeps no documents".to_owned())
    }
}

#[async_trait::async_trait]
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
