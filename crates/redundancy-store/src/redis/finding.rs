//! Finding documents: by their keys, by their numbers, and in their order. Every partition is asked for its part.

use super::RedisStore;
use super::fault;
use super::key::Partition;
use super::putting;
use super::record::{self, Counter, Record, stored_key};
use super::reply::{Items, bytes};
use super::script::{self, Call};
use redis::{Value, cmd};
use redundancy_engine::catalog::{
    CandidateQuery, Candidates, DocumentNumber, Kept, Listed, MAX_ENTRIES_PER_KEY, Stored, tally,
};
use redundancy_engine::{CollectionName, DocumentId};
use redundancy_webhook::store::{Page, PageRequest, StoreError};
use std::collections::{BTreeMap, HashMap};

/// Keys that a script looks up: nothing else is done meanwhile.
const KEYS_AT_ONCE: usize = 512;
/// Queries that are on their way at once. They queue here rather than in Redis, which has its time limit for each.
pub(super) const QUERIES: usize = 32;
/// Documents of a key that a partition is asked for at first: its share of what is looked at, twice.
const FEW: usize = 2 * MAX_ENTRIES_PER_KEY / DocumentId::SLOTS as usize;

/// What the partitions know of a key.
#[derive(Default)]
struct Having {
    /// The documents, the oldest first.
    numbers: Vec<u64>,
    /// What was given by a partition that may have more.
    last_of_more: Option<u64>,
}

impl RedisStore {
    pub(super) async fn find(&self, query: &CandidateQuery) -> Result<Candidates, StoreError> {
        // It is never closed.
        let _turn = self.finding.acquire().await;
        let keys = query.keys.distinct();
        let (documents, mut found) = self.look_up(&query.collection, &keys, FEW).await?;
        let open: Vec<u64> =
            found.iter().filter(|(_, having)| having.is_open()).map(|(key, _)| *key).collect();
        if !open.is_empty() {
            found.extend(self.look_up(&query.collection, &open, MAX_ENTRIES_PER_KEY).await?.1);
        }
        tally(query, documents, |key| {
            let numbers = found.get(&key).map(|having| having.numbers.iter().take(MAX_ENTRIES_PER_KEY));
            Ok(numbers.into_iter().flatten().copied().collect())
        })
    }

    /// How many documents a collection has, and which of them have which of the keys: of each partition the oldest, `most` at
    /// most.
    async fn look_up(
        &self,
        collection: &CollectionName,
        keys: &[u64],
        most: usize,
    ) -> Result<(u64, HashMap<u64, Having>), StoreError> {
        let parts: Vec<(&[u64], Vec<u8>)> = keys
            .chunks(KEYS_AT_ONCE)
            .map(|part| (part, part.iter().flat_map(|key| stored_key(collection, *key)).collect()))
            .collect();
        let asked: Vec<_> = Partition::of_documents()
            .flat_map(|partition| parts.iter().map(move |part| (partition, part)))
            .collect();
        let calls = asked.iter().map(|(partition, (_, stored))| {
            Call::new(&script::DOC_FIND, &partition.tag()).arg(collection.as_str()).arg(most).arg(&stored[..])
        });
        let replies = self.link.call_all(calls.collect()).await?;
        let (mut sizes, mut found) = (BTreeMap::new(), HashMap::<u64, Having>::new());
        for ((partition, (part, _)), reply) in asked.into_iter().zip(replies) {
            let mut items = Items::of(reply?)?;
            sizes.insert(partition, u64::try_from(items.integer()?).unwrap_or(0));
            while !items.is_empty() {
                let place = usize::try_from(items.integer()?).ok();
                let key = place.and_then(|place| part.get(place)).ok_or_else(fault::unexpected)?;
                let counters = items.bytes()?.ok_or_else(fault::unexpected)?;
                found.entry(*key).or_default().add(partition, &counters, most);
            }
        }
        for having in found.values_mut() {
            having.numbers.sort_unstable();
        }
        Ok((sizes.values().sum(), found))
    }

    pub(super) async fn fetch_all(
        &self,
        numbers: &[DocumentNumber],
        with_traces: bool,
    ) -> Result<Vec<(DocumentNumber, Record)>, StoreError> {
        let mut wanted: BTreeMap<Partition, Vec<Counter>> = BTreeMap::new();
        for (partition, counter) in numbers.iter().filter_map(|number| Counter::of(*number)) {
            wanted.entry(partition).or_default().push(counter);
        }
        let call = |(partition, counters): (&Partition, &Vec<Counter>)| {
            let counters: Vec<u8> = counters.iter().flat_map(|counter| counter.bytes()).collect();
            Call::new(&script::DOC_FETCH, &partition.tag()).arg(u8::from(with_traces)).arg(&counters[..])
        };
        let replies = self.link.call_all(wanted.iter().map(call).collect()).await?;
        let mut records = HashMap::new();
        for ((partition, counters), reply) in wanted.iter().zip(replies) {
            let mut items = Items::of(reply?)?;
            for counter in counters {
                let (id, stored) = (items.text()?.unwrap_or_default(), items.bytes()?.unwrap_or_default());
                if stored.is_empty() {
                    continue;
                }
                let id: DocumentId = id.parse().map_err(|_| fault::unexpected())?;
                let record = record::read(id, &stored)?;
                if record.counter == *counter {
                    records.insert(counter.number(*partition), record);
                }
            }
        }
        Ok(numbers.iter().filter_map(|number| Some((*number, records.remove(number)?))).collect())
    }

    pub(super) async fn fetch_kept(&self, numbers: &[DocumentNumber]) -> Result<Vec<Kept>, StoreError> {
        let records = self.fetch_all(numbers, true).await?;
        let kept = |(number, Record { document, trace, .. })| Kept { number, document, trace };
        Ok(records.into_iter().map(kept).collect())
    }

    pub(super) async fn list_documents(
        &self,
        collection: Option<&CollectionName>,
        page: &PageRequest<DocumentNumber>,
    ) -> Result<Page<Listed, DocumentNumber>, StoreError> {
        let most = page.limit.saturating_add(1);
        let call = |partition: Partition| {
            Call::new(&script::DOC_LIST, &partition.tag())
                .arg(collection.map_or("", CollectionName::as_str))
                .arg(Counter::up_to(page.after, partition))
                .arg(most)
        };
        let replies = self.link.call_all(Partition::of_documents().map(call).collect()).await?;
        let mut numbers = Vec::new();
        for (partition, reply) in Partition::of_documents().zip(replies) {
            let counters = bytes(reply?)?.unwrap_or_default();
            numbers.extend(Counter::all(&counters).map(|counter| counter.number(partition)));
        }
        numbers.sort_unstable();
        let Page { items: numbers, next } = Page::cut(numbers, page.limit, |last| *last);
        let records = self.fetch_all(&numbers, false).await?;
        let listed = |(number, Record { document, .. })| Listed { number, document };
        Ok(Page { items: records.into_iter().map(listed).collect(), next })
    }

    pub(super) async fn read_document(&self, id: &DocumentId) -> Result<Option<Stored>, StoreError> {
        let stored = bytes(self.link.send(cmd("GET").arg(putting::key(id)).clone()).await?)?;
        let Some(stored) = stored else { return Ok(None) };
        let Record { document, text, .. } = record::read(id.clone(), &stored)?;
        Ok(Some((document, text)))
    }

    pub(super) async fn count_documents(&self) -> Result<Vec<(CollectionName, u64)>, StoreError> {
        let call = |partition: Partition| Call::new(&script::DOC_SIZES, &partition.tag());
        let replies = self.link.call_all(Partition::of_documents().map(call).collect()).await?;
        let mut counts: BTreeMap<CollectionName, u64> = BTreeMap::new();
        for reply in replies {
            add_sizes(reply?, &mut counts)?;
        }
        Ok(counts.into_iter().collect())
    }
}

fn add_sizes(reply: Value, counts: &mut BTreeMap<CollectionName, u64>) -> Result<(), StoreError> {
    let mut items = Items::of(reply)?;
    while !items.is_empty() {
        let (name, count) = (items.parse()?, items.integer()?);
        *counts.entry(name).or_default() += u64::try_from(count).unwrap_or(0);
    }
    Ok(())
}

impl Having {
    fn add(&mut self, partition: Partition, counters: &[u8], most: usize) {
        let before = self.numbers.len();
        self.numbers.extend(Counter::all(counters).map(|counter| counter.number(partition).0));
        if self.numbers.len() - before >= most {
            let last = self.numbers.last().copied();
            self.last_of_more = self.last_of_more.into_iter().chain(last).min();
        }
    }

    /// Whether there may be documents among the oldest that were not given.
    fn is_open(&self) -> bool {
        let last_that_counts = self.numbers.get(MAX_ENTRIES_PER_KEY - 1);
        self.last_of_more.is_some_and(|last| last_that_counts.is_none_or(|counts| last < *counts))
    }
}
