//! The catalog port.

use super::RedisStore;
use async_trait::async_trait;
use redundancy_engine::catalog::{
    Addition, CandidateQuery, Candidates, DocumentNumber, Farewell, Kept, Listed, Placed, Stored,
};
use redundancy_engine::{Catalog, CollectionName, Document, DocumentId, StoreError};
use redundancy_webhook::store::{Page, PageRequest};

#[async_trait]
impl Catalog for RedisStore {
    async fn put(&self, additions: Vec<Addition>) -> Vec<Result<Placed, StoreError>> {
        self.put_all(&additions).await
    }

    async fn remove(&self, id: &DocumentId, farewell: Farewell) -> Result<Option<Document>, StoreError> {
        self.remove_one(id, &farewell).await
    }

    async fn get(&self, id: &DocumentId) -> Result<Option<Stored>, StoreError> {
        self.read_document(id).await
    }

    async fn list(
        &self,
        collection: Option<&CollectionName>,
        page: PageRequest<DocumentNumber>,
    ) -> Result<Page<Listed, DocumentNumber>, StoreError> {
        self.list_documents(collection, &page).await
    }

    async fn candidates(&self, query: CandidateQuery) -> Result<Candidates, StoreError> {
        self.find(&query).await
    }

    async fn fetch(&self, numbers: Vec<DocumentNumber>) -> Result<Vec<Kept>, StoreError> {
        self.fetch_kept(&numbers).await
    }

    async fn counts(&self) -> Result<Vec<(CollectionName, u64)>, StoreError> {
        self.count_documents().await
    }
}
