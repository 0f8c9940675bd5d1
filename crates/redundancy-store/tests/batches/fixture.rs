//! Batches to keep.

use crate::stores::Store;
use redundancy_engine::batch::{BatchEnd, Chunk, ChunkClaim, ChunkSettlement, ItemResult};
use redundancy_engine::{Batch, BatchId, BatchOperation, BatchState, Caller, Timestamp};
use redundancy_webhook::event::{Event, NewEvent};
use redundancy_webhook::ids::{EventId, timed_at};
use redundancy_webhook::store::{Audience, Publication};
use std::sync::Arc;

/// How long a lease lasts here, in milliseconds.
pub(crate) const LEASE: u64 = 1000;

pub(crate) fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// The id of a batch made then.
pub(crate) fn id(made_at: u64, number: u128) -> BatchId {
    BatchId::from_number(timed_at(at(made_at), number))
}

pub(crate) fn item(text: &str) -> Arc<[u8]> {
    text.as_bytes().into()
}

/// A batch of so many items, just accepted.
pub(crate) fn batch(id: BatchId, total: u64) -> Batch {
    Batch {
        id,
        operation: BatchOperation::Quality,
        state: BatchState::Queued,
        total,
        done: 0,
        failed: 0,
        created_at: at(5),
        started_at: None,
        finished_at: None,
        error: None,
        caller: Caller { request_id: Some("r".to_owned()), user_id: None, traceparent: Some("t".to_owned()) },
    }
}

/// Accepts a batch whose items are `item 0` and so on.
pub(crate) async fn accepted(store: &Store, id: BatchId, total: u64) -> Batch {
    let items = (0..total).map(|number| item(&format!("item {number}"))).collect();
    store.batches.add_items(id, 0, items).await.unwrap();
    store.batches.accept(batch(id, total)).await.unwrap();
    batch(id, total)
}

pub(crate) fn claim(token: u128, now: u64, max_items: usize) -> ChunkClaim {
    ChunkClaim { token, now: at(now), until: at(now + LEASE), max_items, max_bytes: 1 << 20 }
}

/// Takes what there is to take.
pub(crate) async fn taken(store: &Store, token: u128, now: u64, max_items: usize) -> Chunk {
    store.batches.take(claim(token, now, max_items)).await.unwrap().unwrap()
}

/// What is taken next of which batch, as text.
pub(crate) fn texts(chunk: &Chunk) -> Vec<String> {
    chunk.items.iter().map(|item| String::from_utf8(item.to_vec()).unwrap()).collect()
}

/// Results of the first items of a chunk; every third one of the batch has failed.
pub(crate) fn settlement(chunk: &Chunk, count: usize, now: u64) -> ChunkSettlement {
    let results = (chunk.batch.done..).take(count).map(|number| ItemResult {
        line: format!("{{\"of\":{number},\"ñ\":1}}").into(),
        is_failed: number % 3 == 2,
    });
    ChunkSettlement {
        lease: chunk.lease,
        first: chunk.batch.done,
        results: results.collect(),
        end: None,
        now: at(now),
    }
}

/// The same, with all items of the chunk, and the end of the batch.
pub(crate) fn last(chunk: &Chunk, now: u64, state: BatchState) -> ChunkSettlement {
    let error = (state == BatchState::Failed).then(|| "lost".to_owned());
    let publication = Some(publication(chunk.batch.id.number()));
    let end = Some(BatchEnd { state, error, publication });
    ChunkSettlement { end, ..settlement(chunk, chunk.items.len(), now) }
}

/// Something to tell.
pub(crate) fn publication(number: u128) -> Publication {
    let new = NewEvent::new("batch.completed".parse().unwrap(), &number).unwrap();
    let event = Event::with_id(EventId::from_number(number), at(0), new);
    Publication { event, audience: Audience::Subscribers, idempotency: None, keep_unwanted: true }
}

/// A batch that is there.
pub(crate) async fn read(store: &Store, id: BatchId) -> Batch {
    store.batches.batch(id).await.unwrap().unwrap()
}

/// All results that there are.
pub(crate) async fn results(store: &Store, id: BatchId) -> Vec<Arc<str>> {
    let mut all: Vec<Arc<str>> = Vec::new();
    loop {
        let part = store.batches.results(id, all.len() as u64, 1000, 1 << 20).await.unwrap();
        if part.is_empty() {
            return all;
        }
        all.extend(part);
    }
}
