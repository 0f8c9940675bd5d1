//! Documents in memory, and who has which key.

use redundancy_engine::catalog::{Addition, DocumentNumber, Kept, Listed, MAX_ENTRIES_PER_KEY, Placed};
use redundancy_engine::{CollectionName, Document, DocumentId, StoreError};
use redundancy_webhook::store::{Page, PageRequest};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// What a document takes beside its text, its trace and its keys, about.
const RECORD_BYTES: usize = 512;
/// What a key takes, about.
const KEY_BYTES: usize = 96;

#[derive(Debug)]
pub(super) struct Documents {
    records: BTreeMap<u64, Record>,
    by_id: HashMap<DocumentId, u64>,
    collections: HashMap<CollectionName, Collection>,
    last_number: u64,
    bytes: usize,
    capacity_bytes: usize,
}

#[derive(Debug, Default)]
struct Collection {
    numbers: BTreeSet<u64>,
    /// The documents that have a key.
    postings: HashMap<u64, BTreeSet<u64>>,
}

#[derive(Debug)]
pub(super) struct Record {
    pub(super) document: Document,
    pub(super) content: Option<Arc<str>>,
    trace: Arc<[u8]>,
    keys: Vec<u64>,
}

impl Record {
    fn bytes(&self) -> usize {
        let text = self.content.as_ref().map_or(0, |content| content.len());
        RECORD_BYTES + text + self.document.metadata.len() + self.trace.len() + self.keys.len() * KEY_BYTES
    }
}

impl Documents {
    pub(super) fn new(capacity_bytes: usize) -> Self {
        Self {
            records: BTreeMap::new(),
            by_id: HashMap::new(),
            collections: HashMap::new(),
            last_number: 0,
            bytes: 0,
            capacity_bytes,
        }
    }

    /// Puts a document if `tell` agrees, which is asked last.
    pub(super) fn put(
        &mut self,
        addition: Addition,
        tell: impl FnOnce(&Document, bool) -> Result<(), StoreError>,
    ) -> Result<Placed, StoreError> {
        let Addition { mut document, content, trace, keys, .. } = addition;
        let known = self.by_id.get(&document.id).copied();
        let known = known.and_then(|number| self.records.get(&number));
        if let Some(known) = known {
            document.created_at = known.document.created_at;
        }
        let (freed, is_new) = (known.map_or(0, Record::bytes), known.is_none());
        let record = Record { document: document.clone(), content, trace, keys: keys.distinct() };
        let bytes = (self.bytes + record.bytes()).saturating_sub(freed);
        if bytes > self.capacity_bytes {
            return Err(StoreError::Full("the memory for documents is used up".to_owned()));
        }
        tell(&document, is_new)?;
        self.forget(&document.id);
        self.last_number += 1;
        let number = self.last_number;
        let collection = self.collections.entry(document.collection.clone()).or_default();
        collection.numbers.insert(number);
        for key in &record.keys {
            collection.postings.entry(*key).or_default().insert(number);
        }
        self.by_id.insert(document.id.clone(), number);
        self.records.insert(number, record);
        self.bytes = bytes;
        Ok(Placed { document, is_new })
    }

    /// Removes a document if `tell` agrees.
    pub(super) fn remove(
        &mut self,
        id: &DocumentId,
        tell: impl FnOnce(&Document) -> Result<(), StoreError>,
    ) -> Result<Option<Document>, StoreError> {
        let Some(document) = self.get(id).map(|record| record.document.clone()) else { return Ok(None) };
        tell(&document)?;
        self.forget(id);
        Ok(Some(document))
    }

    fn forget(&mut self, id: &DocumentId) {
        let Some(number) = self.by_id.remove(id) else { return };
        let Some(record) = self.records.remove(&number) else { return };
        self.bytes = self.bytes.saturating_sub(record.bytes());
        let name = &record.document.collection;
        let Some(collection) = self.collections.get_mut(name) else { return };
        collection.numbers.remove(&number);
        for key in &record.keys {
            if let Some(numbers) = collection.postings.get_mut(key) {
                numbers.remove(&number);
                if numbers.is_empty() {
                    collection.postings.remove(key);
                }
            }
        }
        if collection.numbers.is_empty() {
            self.collections.remove(name);
        }
    }

    pub(super) fn get(&self, id: &DocumentId) -> Option<&Record> {
        self.records.get(self.by_id.get(id)?)
    }

    pub(super) fn list(
        &self,
        collection: Option<&CollectionName>,
        page: &PageRequest<DocumentNumber>,
    ) -> Page<Listed, DocumentNumber> {
        let from = page.after.map_or(0, |after| after.0.saturating_add(1));
        let none = BTreeSet::new();
        let numbers: Box<dyn Iterator<Item = u64>> = match collection {
            Some(name) => {
                let numbers = self.collections.get(name).map_or(&none, |collection| &collection.numbers);
                Box::new(numbers.range(from..).copied())
            }
            None => Box::new(self.records.range(from..).map(|(number, _)| *number)),
        };
        let mut listed = numbers.filter_map(|number| {
            let document = self.records.get(&number)?.document.clone();
            Some(Listed { number: DocumentNumber(number), document })
        });
        let items: Vec<_> = listed.by_ref().take(page.limit).collect();
        let next = listed.next().and_then(|_| items.last().map(|last| last.number));
        Page { items, next }
    }

    /// The oldest documents of a collection that have a key.
    pub(super) fn having(&self, collection: &CollectionName, key: u64) -> Vec<u64> {
        let numbers = self.collections.get(collection).and_then(|collection| collection.postings.get(&key));
        numbers.into_iter().flatten().take(MAX_ENTRIES_PER_KEY).copied().collect()
    }

    pub(super) fn fetch(&self, number: DocumentNumber) -> Option<Kept> {
        let record = self.records.get(&number.0)?;
        Some(Kept { number, document: record.document.clone(), trace: Arc::clone(&record.trace) })
    }

    pub(super) fn count(&self, collection: &CollectionName) -> u64 {
        self.collections.get(collection).map_or(0, |collection| collection.numbers.len() as u64)
    }

    pub(super) fn counts(&self) -> Vec<(CollectionName, u64)> {
        let count = |(name, collection): (&CollectionName, &Collection)| {
            (name.clone(), collection.numbers.len() as u64)
        };
        let mut counts: Vec<_> = self.collections.iter().map(count).collect();
        counts.sort_unstable();
        counts
    }
}
