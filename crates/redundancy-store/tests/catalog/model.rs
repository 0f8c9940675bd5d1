//! The reference: a plain list that is looked through from its beginning. Random operations on a store have to give what they
//! give here.

use crate::fixture::{addition, id, query};
use crate::stores::{Store, Stores};
use crate::suite::sequences;
use async_trait::async_trait;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use redundancy_engine::catalog::{
    Addition, CandidateQuery, Candidates, DocumentNumber, Farewell, Kept, Listed, MAX_ENTRIES_PER_KEY,
    Placed, Stored, tally,
};
use redundancy_engine::{Catalog, CollectionName, Document, DocumentId, StoreError};
use redundancy_store::MemoryStore;
use redundancy_webhook::store::{Page, PageRequest, WebhookStore};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// Makes models.
pub(crate) struct Models;

impl Stores for Models {
    async fn fresh(&self) -> Store {
        let webhooks = Arc::new(MemoryStore::default());
        Store { catalog: Arc::new(Model { webhooks: webhooks.clone(), ..Model::default() }), webhooks }
    }
}

#[derive(Default)]
struct Model {
    webhooks: Arc<MemoryStore>,
    rows: Mutex<Vec<(u64, Addition)>>,
    last: Mutex<u64>,
}

#[async_trait]
impl Catalog for Model {
    async fn put(&self, additions: Vec<Addition>) -> Vec<Result<Placed, StoreError>> {
        let mut placed = Vec::new();
        for mut addition in additions {
            let publications = {
                let mut rows = self.rows.lock().unwrap();
                let known = rows.iter().position(|(_, row)| row.document.id == addition.document.id);
                if let Some(known) = known {
                    addition.document.created_at = rows.remove(known).1.document.created_at;
                }
                let mut last = self.last.lock().unwrap();
                *last += 1;
                rows.push((*last, addition.clone()));
                placed.push(Ok(Placed { document: addition.document.clone(), is_new: known.is_none() }));
                (addition.announcement)(&addition.document, known.is_none())
            };
            for publication in publications {
                self.webhooks.publish(publication).await.unwrap();
            }
        }
        placed
    }

    async fn remove(&self, id: &DocumentId, farewell: Farewell) -> Result<Option<Document>, StoreError> {
        let removed = {
            let mut rows = self.rows.lock().unwrap();
            rows.iter().position(|(_, row)| row.document.id == *id).map(|place| rows.remove(place).1.document)
        };
        for publication in removed.iter().flat_map(|document| farewell(document)) {
            self.webhooks.publish(publication).await.unwrap();
        }
        Ok(removed)
    }

    async fn get(&self, id: &DocumentId) -> Result<Option<Stored>, StoreError> {
        let rows = self.rows.lock().unwrap();
        let row = rows.iter().find(|(_, row)| row.document.id == *id);
        Ok(row.map(|(_, row)| (row.document.clone(), row.content.clone())))
    }

    async fn list(
        &self,
        collection: Option<&CollectionName>,
        page: PageRequest<DocumentNumber>,
    ) -> Result<Page<Listed, DocumentNumber>, StoreError> {
        let rows = self.rows.lock().unwrap();
        let mut listed: Vec<Listed> = rows
            .iter()
            .filter(|(_, row)| collection.is_none_or(|name| row.document.collection == *name))
            .filter(|(number, _)| page.after.is_none_or(|after| *number > after.0))
            .map(|(number, row)| Listed { number: DocumentNumber(*number), document: row.document.clone() })
            .collect();
        let is_more = listed.len() > page.limit;
        listed.truncate(page.limit);
        let next = listed.last().map(|last| last.number).filter(|_| is_more);
        Ok(Page { items: listed, next })
    }

    async fn candidates(&self, query: CandidateQuery) -> Result<Candidates, StoreError> {
        let rows = self.rows.lock().unwrap();
        let inside = || rows.iter().filter(|(_, row)| row.document.collection == query.collection);
        tally(&query, inside().count() as u64, |key| {
            let having = inside().filter(|(_, row)| row.keys.distinct().contains(&key));
            Ok(having.map(|(number, _)| *number).take(MAX_ENTRIES_PER_KEY).collect())
        })
    }

    async fn fetch(&self, numbers: Vec<DocumentNumber>) -> Result<Vec<Kept>, StoreError> {
        let rows = self.rows.lock().unwrap();
        let find = |number: DocumentNumber| {
            let (_, row) = rows.iter().find(|(known, _)| *known == number.0)?;
            Some(Kept { number, document: row.document.clone(), trace: row.trace.clone() })
        };
        Ok(numbers.into_iter().filter_map(find).collect())
    }

    async fn counts(&self) -> Result<Vec<(CollectionName, u64)>, StoreError> {
        let mut counts = BTreeMap::new();
        for (_, row) in &*self.rows.lock().unwrap() {
            *counts.entry(row.document.collection.clone()).or_default() += 1;
        }
        Ok(counts.into_iter().collect())
    }
}

/// One step of a random sequence. Names are few, so that steps meet.
#[derive(Debug, Clone)]
enum Step {
    Put(Vec<(u8, u8, Vec<u64>, Vec<u64>)>),
    Remove(u8),
    Ask(u8, Vec<u64>, Vec<u64>),
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let keys = || prop::collection::vec(0..12_u64, 0..5);
    let one = (0..12_u8, 0..3_u8, keys(), keys());
    let step = prop_oneof![
        6 => prop::collection::vec(one, 1..6).prop_map(Step::Put),
        2 => (0..12_u8).prop_map(Step::Remove),
        4 => (0..3_u8, keys(), keys()).prop_map(|(of, bands, fingerprints)| Step::Ask(of, bands, fingerprints)),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..40)
}

/// Runs random sequences on stores of this kind and on models.
pub(crate) fn agrees<S: Stores>(stores: &S) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    TestRunner::new(sequences(S::RANDOM_SEQUENCES))
        .run(&steps(), |steps| {
            runtime.block_on(compare(stores, steps));
            Ok(())
        })
        .unwrap();
}

async fn compare<S: Stores>(stores: &S, steps: Vec<Step>) {
    let (mut store, model) = (stores.fresh().await, Models.fresh().await);
    let mut at = 0;
    for step in steps {
        match step {
            Step::Put(puts) => {
                let additions: Vec<Addition> = puts
                    .into_iter()
                    .map(|(name, of, bands, fingerprints)| {
                        at += 1;
                        addition(&format!("d{name}"), &format!("c{of}"), &bands, &fingerprints, at)
                    })
                    .collect();
                assert_eq!(store.catalog.put(additions.clone()).await, model.catalog.put(additions).await);
            }
            Step::Remove(name) => {
                let name = id(&format!("d{name}"));
                let farewell = || Arc::new(|_: &Document| Vec::new());
                let removed = store.catalog.remove(&name, farewell()).await;
                assert_eq!(removed, model.catalog.remove(&name, farewell()).await);
            }
            Step::Ask(of, bands, fingerprints) => {
                let query = query(&format!("c{of}"), &bands, &fingerprints);
                assert_eq!(asked(&store, query.clone()).await, asked(&model, query).await);
            }
            Step::Reopen => store = stores.reopened(store).await,
        }
    }
    assert_eq!(listed(&store).await, listed(&model).await);
    assert_eq!(store.catalog.counts().await, model.catalog.counts().await);
}

/// What a query leads to. Numbers are the store's own business.
async fn asked(
    store: &Store,
    query: CandidateQuery,
) -> (Vec<(String, Vec<u8>)>, Vec<(bool, u32, u32)>, usize) {
    let Candidates { found, common } = store.catalog.candidates(query).await.unwrap();
    let kept = store.catalog.fetch(found.iter().map(|found| found.number).collect()).await.unwrap();
    let kept = kept.iter().map(|kept| (kept.document.id.to_string(), kept.trace.to_vec())).collect();
    (kept, found.iter().map(|found| (found.is_equal, found.bands, found.fingerprints)).collect(), common)
}

async fn listed(store: &Store) -> Vec<Document> {
    let page = PageRequest { after: None, limit: 1000 };
    store.catalog.list(None, page).await.unwrap().items.into_iter().map(|listed| listed.document).collect()
}
