//! The catalog port over rows and the index.

use super::documents;
use super::index::stored_key;
use super::{EmbeddedStore, OrFailed as _};
use async_trait::async_trait;
use redundancy_engine::catalog::{
    Addition, CandidateQuery, Candidates, DocumentNumber, Farewell, Kept, Listed, MAX_ENTRIES_PER_KEY,
    Placed, Stored, tally,
};
use redundancy_engine::{Catalog, CollectionName, Document, DocumentId, StoreError};
use redundancy_webhook::store::{Page, PageRequest};
use std::sync::Arc;

/// How often a query begins anew because segments were merged meanwhile.
const MAX_TRIES: usize = 32;

impl EmbeddedStore {
    /// Waits until memory has room for the entries of new documents.
    async fn index_room(&self) {
        loop {
            // Before the look, so that nothing is missed in between.
            let flushed = self.shared.index.flushed.notified();
            if !self.shared.index.is_full() {
                return;
            }
            self.indexer.wake();
            flushed.await;
        }
    }
}

#[async_trait]
impl Catalog for EmbeddedStore {
    async fn put(&self, additions: Vec<Addition>) -> Vec<Result<Placed, StoreError>> {
        if additions.is_empty() {
            return Vec::new();
        }
        self.index_room().await;
        let count = additions.len();
        let put = self.write(move |writer| writer.put_documents(&additions)).await;
        if self.shared.index.turn_over() {
            self.indexer.wake();
        }
        match put {
            Ok(placed) => placed.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error); count],
        }
    }

    async fn remove(&self, id: &DocumentId, farewell: Farewell) -> Result<Option<Document>, StoreError> {
        let id = id.clone();
        self.write(move |writer| writer.remove_document(&id, &farewell)).await
    }

    async fn get(&self, id: &DocumentId) -> Result<Option<Stored>, StoreError> {
        let id = id.clone();
        self.readers.run(move |connection| documents::get(connection, &id)).await
    }

    async fn list(
        &self,
        collection: Option<&CollectionName>,
        page: PageRequest<DocumentNumber>,
    ) -> Result<Page<Listed, DocumentNumber>, StoreError> {
        let collection = collection.cloned();
        self.readers.run(move |connection| documents::list(connection, collection.as_ref(), &page)).await
    }

    async fn candidates(&self, query: CandidateQuery) -> Result<Candidates, StoreError> {
        let shared = Arc::clone(&self.shared);
        let Some((collection, count)) = shared.index.read().collection(&query.collection) else {
            return Ok(Candidates::default());
        };
        let look = move |connection: &rusqlite::Connection| {
            for _ in 0..MAX_TRIES {
                let keys = query.keys.distinct().into_iter().map(|key| stored_key(collection, key));
                let keys: Vec<_> = keys.collect();
                let mut snapshot = shared.index.read().snapshot(&keys);
                snapshot.find_places(&keys);
                // One view of the file for all the keys, and less to do for each.
                let transaction = connection.unchecked_transaction().or_failed()?;
                let mut is_stale = false;
                let found = tally(&query, count, |key| {
                    let parts = shared.index.read();
                    let is_dead = |number| parts.dead.contains(&number);
                    let key = stored_key(collection, key);
                    let numbers = snapshot.numbers(&transaction, key, MAX_ENTRIES_PER_KEY, is_dead)?;
                    is_stale |= numbers.is_err();
                    Ok(numbers.unwrap_or_default())
                });
                if !is_stale && shared.index.read().generation == snapshot.generation {
                    return found;
                }
            }
            Err(StoreError::Unavailable("the index is being put in order".to_owned()))
        };
        self.readers.run(look).await
    }

    async fn fetch(&self, numbers: Vec<DocumentNumber>) -> Result<Vec<Kept>, StoreError> {
        if numbers.is_empty() {
            return Ok(Vec::new());
        }
        self.readers.run(move |connection| documents::fetch(connection, &numbers)).await
    }

    async fn counts(&self) -> Result<Vec<(CollectionName, u64)>, StoreError> {
        Ok(self.shared.index.read().counts())
    }
}
