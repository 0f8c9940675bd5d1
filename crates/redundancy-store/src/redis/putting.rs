//! Putting and removing documents. A document lies in the partition of its id, together with its keys, the events that tell
//! of it and their deliveries, so that one script changes all of it.
//!
//! What is told depends on what is there already, so that is read first, and the script is refused when it is out of date.
//!
//! The order of documents is that of a counter which all share, and of which a place is taken before the script is called. A
//! partition does not go back behind what it gave: who was overtaken in between gets the next place there, and raises the
//! counter to it before anybody is answered. So what is put after an answer comes behind it, also when the counter was lost; of
//! what is put at the same time any may come first.

use super::RedisStore;
use super::fault;
use super::key::{DOCUMENTS, Partition};
use super::publish::push_publication;
use super::record::{self, TO_COLLECTION};
use super::registry::Endpoints;
use super::reply::{Items, bytes, integer};
use super::script::{self, Call};
use redis::{Cmd, Value, cmd};
use redundancy_engine::catalog::{Addition, Farewell, Placed};
use redundancy_engine::{Document, DocumentId};
use redundancy_webhook::store::{Publication, StoreError};
use std::collections::HashSet;

/// How often something is tried again because others change the same document, or the endpoints, meanwhile.
const TRIES: usize = 32;
/// Groups that are on their way at once. The others queue here rather than in Redis, which has its time limit for each.
pub(super) const GROUPS: usize = 4;
/// Documents of a group at most, and about how many bytes and keys of them.
const MOST_DOCUMENTS: usize = 64;
const MOST_BYTES: usize = 4 << 20;
/// What a key costs, in bytes of text that cost as much.
const KEY_COST: usize = 128;

/// A document that is about to be put.
struct Put {
    call: Call,
    placed: Placed,
    told: Vec<Publication>,
}

/// What became of a script that changes a document.
enum Told {
    /// It did; with the counter of the document that is there now, or 0.
    Done(u32),
    /// The partition knows another version of the endpoints.
    Outdated(u64),
    /// The document was changed meanwhile.
    Changed,
}

impl RedisStore {
    pub(super) async fn put_all(&self, additions: &[Addition]) -> Vec<Result<Placed, StoreError>> {
        let mut results: Vec<Option<Result<Placed, StoreError>>> = vec![None; additions.len()];
        let mut waiting: Vec<usize> = (0..additions.len()).collect();
        while !waiting.is_empty() {
            let group = next_group(additions, &mut waiting);
            self.put_group(additions, group, &mut results).await;
        }
        results.into_iter().map(|result| result.unwrap_or_else(|| Err(unsettled_document()))).collect()
    }

    /// Puts the documents at `group`, whose ids differ.
    async fn put_group(
        &self,
        additions: &[Addition],
        mut group: Vec<usize>,
        results: &mut [Option<Result<Placed, StoreError>>],
    ) {
        let mut answer = |at: usize, result: Result<Placed, StoreError>| {
            if let Some(place) = results.get_mut(at) {
                *place = Some(result);
            }
        };
        // It is never closed.
        let _turn = self.putting.acquire().await;
        // The same in all attempts: a call that was answered too late is known by it.
        let token = self.ids.random_128();
        for _ in 0..TRIES {
            let told = match self.try_to_put(additions, &group, token).await {
                Ok(told) => told,
                Err(error) => return group.into_iter().for_each(|at| answer(at, Err(error.clone()))),
            };
            let (mut again, mut outdated) = (Vec::new(), None);
            for (at, told) in group.into_iter().zip(told) {
                match told {
                    Ok((Told::Done(_), placed)) => answer(at, Ok(placed)),
                    Ok((Told::Changed, _)) => again.push(at),
                    Ok((Told::Outdated(theirs), placed)) => {
                        outdated = Some((partition_of(&placed.document.id), theirs));
                        again.push(at);
                    }
                    Err(error) => answer(at, Err(error)),
                }
            }
            group = again;
            if let Some((partition, theirs)) = outdated
                && let Err(error) = self.registry.agree(partition, theirs).await
            {
                return group.into_iter().for_each(|at| answer(at, Err(error.clone())));
            }
            if group.is_empty() {
                return;
            }
        }
    }

    /// What became of each, or why none was tried.
    async fn try_to_put(
        &self,
        additions: &[Addition],
        group: &[usize],
        token: u128,
    ) -> Result<Vec<Result<(Told, Placed), StoreError>>, StoreError> {
        let additions: Vec<&Addition> = group.iter().filter_map(|at| additions.get(*at)).collect();
        let endpoints = self.registry.endpoints().await?;
        let beginnings = additions.iter().map(|addition| {
            cmd("GETRANGE").arg(key(&addition.document.id)).arg(0).arg(TO_COLLECTION - 1).clone()
        });
        let (beginnings, last) = tokio::try_join!(
            self.link.send_each(beginnings.collect::<Vec<Cmd>>()),
            self.advance(additions.len(), 0)
        )?;
        let first = (last + 1).checked_sub(additions.len() as u64).ok_or_else(fault::unexpected)?;
        let mut calls = Vec::with_capacity(additions.len());
        let mut prepared = Vec::with_capacity(additions.len());
        for (((addition, at), lowest), beginning) in additions.iter().zip(group).zip(first..).zip(beginnings)
        {
            let put = Put::prepare(addition, beginning, &endpoints, lowest, token_of(token, *at));
            prepared.push(put.map(|Put { call, placed, told }| {
                calls.push(call);
                (placed, told)
            }));
        }
        let mut replies = self.link.call_all(calls).await?.into_iter();
        let mut results = Vec::with_capacity(prepared.len());
        let mut highest = last;
        for put in prepared {
            results.push(put.and_then(|(placed, told)| {
                let reply = replies.next().unwrap_or_else(|| Err(fault::unexpected()));
                let answer = read_told(reply?)?;
                if let Told::Done(counter) = answer {
                    highest = highest.max(counter.into());
                    self.arrived(&placed.document.id, &told);
                }
                Ok((answer, placed))
            }));
        }
        if highest > last {
            // The counter had forgotten something, or others overtook this call.
            self.advance(0, highest).await?;
        }
        Ok(results)
    }

    pub(super) async fn remove_one(
        &self,
        id: &DocumentId,
        farewell: &Farewell,
    ) -> Result<Option<Document>, StoreError> {
        let partition = partition_of(id);
        for _ in 0..TRIES {
            let call = Call::new(&script::DOC_READ, &partition.tag()).arg(id.as_str());
            let stored = bytes(self.link.call(call).await?)?.filter(|stored| !stored.is_empty());
            let Some(stored) = stored else { return Ok(None) };
            let known = record::read(id.clone(), &stored)?;
            let endpoints = self.registry.endpoints().await?;
            let told = farewell(&known.document);
            let mut call = Call::new(&script::DOC_REMOVE, &partition.tag())
                .arg(endpoints.version())
                .arg(id.as_str())
                .arg(&known.counter.bytes()[..]);
            push_told(&mut call, &endpoints, id, &told)?;
            match read_told(self.link.call(call).await?)? {
                Told::Done(_) => {
                    self.arrived(id, &told);
                    return Ok(Some(known.document));
                }
                Told::Outdated(theirs) => self.registry.agree(partition, theirs).await?,
                Told::Changed => {}
            }
        }
        Err(unsettled_document())
    }

    /// Takes so many counters, and gives the last; those up to `known` are in use.
    async fn advance(&self, count: usize, known: u64) -> Result<u64, StoreError> {
        let call = Call::new(&script::DOC_COUNTER, DOCUMENTS).arg(count).arg(known);
        let last = u64::try_from(integer(self.link.call(call).await?)?).map_err(|_| fault::unexpected())?;
        if last >= u64::from(u32::MAX) {
            return Err(StoreError::Full("more documents were put than there are numbers".to_owned()));
        }
        Ok(last)
    }

    /// There may be deliveries of what was told of a document.
    fn arrived(&self, id: &DocumentId, told: &[Publication]) {
        if let Some(publication) = told.first() {
            self.wake.arrive(partition_of(id), publication.event.created_at);
        }
    }
}

impl Put {
    /// The call that puts a document in place of the one of which `beginning` was read, if there is one.
    fn prepare(
        addition: &Addition,
        beginning: Value,
        endpoints: &Endpoints,
        lowest: u64,
        token: u64,
    ) -> Result<Self, StoreError> {
        let Addition { document, content, trace, keys, announcement } = addition;
        let beginning = bytes(beginning)?.filter(|beginning| !beginning.is_empty());
        let known = beginning.as_deref().map(record::read_beginning).transpose()?;
        let mut document = document.clone();
        if let Some((_, created_at)) = known {
            document.created_at = created_at;
        }
        let is_new = known.is_none();
        let expected = known.map(|(counter, _)| counter.bytes());
        let told = announcement(&document, is_new);
        let mut call = Call::new(&script::DOC_PUT, &partition_of(&document.id).tag())
            .arg(endpoints.version())
            .arg(document.id.as_str())
            .arg(expected.as_ref().map_or(&[][..], |expected| &expected[..]))
            .arg(lowest)
            .arg(record::write(&document, content.as_deref(), trace, keys, token));
        push_told(&mut call, endpoints, &document.id, &told)?;
        Ok(Self { call, placed: Placed { document, is_new }, told })
    }
}

/// Where a document is.
pub(super) fn partition_of(id: &DocumentId) -> Partition {
    Partition::of_slot(id.slot())
}

/// The key of a document.
pub(super) fn key(id: &DocumentId) -> String {
    format!("{}:doc:{id}", partition_of(id).tag())
}

/// Takes those out of `waiting` that can be put at once: of one id only the first, and no more than Redis can do in time.
fn next_group(additions: &[Addition], waiting: &mut Vec<usize>) -> Vec<usize> {
    let (mut ids, mut cost, mut group) = (HashSet::new(), 0, Vec::new());
    let mut is_over = false;
    waiting.retain(|at| {
        let Some(addition) = additions.get(*at) else { return false };
        is_over |= group.len() >= MOST_DOCUMENTS || cost > MOST_BYTES || !ids.insert(&addition.document.id);
        if !is_over {
            let text = addition.content.as_ref().map_or(0, |content| content.len());
            let keys = addition.keys.bands.len() + addition.keys.fingerprints.len();
            cost += text + addition.trace.len() + keys * KEY_COST;
            group.push(*at);
        }
        is_over
    });
    group
}

/// The token of one document of a group.
fn token_of(token: u128, at: usize) -> u64 {
    let both_halves = (token ^ (token >> 64)) & u128::from(u64::MAX);
    u64::try_from(both_halves).unwrap_or_default().wrapping_add(at as u64)
}

/// Appends what is told of a document, as the scripts read it.
fn push_told(
    call: &mut Call,
    endpoints: &Endpoints,
    id: &DocumentId,
    told: &[Publication],
) -> Result<(), StoreError> {
    call.push(told.len());
    for publication in told {
        if Partition::of_slot(publication.event.id.slot()) != partition_of(id) {
            return Err(StoreError::Unavailable("an event lies elsewhere than its document".to_owned()));
        }
        push_publication(call, endpoints, publication);
    }
    Ok(())
}

fn read_told(reply: Value) -> Result<Told, StoreError> {
    let mut items = Items::of(reply)?;
    match items.integer()? {
        0 => items.parse().map(Told::Outdated),
        1 if items.is_empty() => Ok(Told::Done(0)),
        1 => items.parse().map(Told::Done),
        2 => Ok(Told::Changed),
        3 => Err(record::other_version()),
        _ => Err(fault::unexpected()),
    }
}

/// Others change the document faster than it can be read.
fn unsettled_document() -> StoreError {
    StoreError::Unavailable("the document is being changed by others".to_owned())
}
