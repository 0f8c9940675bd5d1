//! The catalog port over the maps.

use super::MemoryStore;
use async_trait::async_trait;
use redundancy_engine::catalog::{
    Addition, CandidateQuery, Candidates, DocumentNumber, Farewell, Kept, Listed, Placed, Stored, tally,
};
use redundancy_engine::{Catalog, CollectionName, Document, DocumentId, StoreError};
use redundancy_webhook::store::{Page, PageRequest};
use std::sync::Arc;

#[async_trait]
impl Catalog for MemoryStore {
    async fn put(&self, additions: Vec<Addition>) -> Vec<Result<Placed, StoreError>> {
        let (mut documents, mut tables) = (self.documents(), self.tables());
        let mut put = |addition: Addition| {
            let announcement = Arc::clone(&addition.announcement);
            documents.put(addition, |document, is_new| tables.publish_all(announcement(document, is_new)))
        };
        let placed = additions.into_iter().map(&mut put).collect();
        drop((documents, tables));
        self.work.notify_one();
        placed
    }

    async fn remove(&self, id: &DocumentId, farewell: Farewell) -> Result<Option<Document>, StoreError> {
        let (mut documents, mut tables) = (self.documents(), self.tables());
        let removed = documents.remove(id, |document| tables.publish_all(farewell(document)));
        drop((documents, tables));
        self.work.notify_one();
        removed
    }

    async fn get(&self, id: &DocumentId) -> Result<Option<Stored>, StoreError> {
        let documents = self.documents();
        Ok(documents.get(id).map(|record| (record.document.clone(), record.content.clone())))
    }

    async fn list(
        &self,
        collection: Option<&CollectionName>,
        page: PageRequest<DocumentNumber>,
    ) -> Result<Page<Listed, DocumentNumber>, StoreError> {
        Ok(self.documents().list(collection, &page))
    }

    async fn candidates(&self, query: CandidateQuery) -> Result<Candidates, StoreError> {
        let documents = self.documents();
        let size = documents.count(&query.collection);
        tally(&query, size, |key| Ok(documents.having(&query.collection, key)))
    }

    async fn fetch(&self, numbers: Vec<DocumentNumber>) -> Result<Vec<Kept>, StoreError> {
        let documents = self.documents();
        Ok(numbers.into_iter().filter_map(|number| documents.fetch(number)).collect())
    }

    async fn counts(&self) -> Result<Vec<(CollectionName, u64)>, StoreError> {
        Ok(self.documents().counts())
    }
}
