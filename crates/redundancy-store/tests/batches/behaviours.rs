//! What every store of batches does.

use crate::fixture::{
    LEASE, accepted, at, batch, claim, id, item, last, read, results, settlement, taken, texts,
};
use crate::stores::Store;
use redundancy_engine::batch::{Cancelled, ChunkClaim};
use redundancy_engine::{Batch, BatchOperation, BatchState, Caller};
use redundancy_webhook::store::PageRequest;
use std::time::Duration;

pub(crate) async fn a_batch_reads_back_with_all_its_fields(store: Store) {
    let (one, other) = (id(10, 1), id(10, 2));
    assert_eq!(store.batches.batch(one).await.unwrap(), None);
    let plain = accepted(&store, one, 3).await;
    assert_eq!(read(&store, one).await, plain);
    let caller = Caller { request_id: None, user_id: Some("ñ".to_owned()), traceparent: None };
    let full = Batch { operation: BatchOperation::Index, caller, ..batch(other, 1) };
    store.batches.add_items(other, 0, vec![item("x")]).await.unwrap();
    store.batches.accept(full.clone()).await.unwrap();
    assert_eq!(read(&store, other).await, full);
    let chunk = taken(&store, 1, 20, 2).await;
    let running = Batch { state: BatchState::Running, started_at: Some(at(20)), ..plain };
    assert_eq!((chunk.batch.clone(), read(&store, one).await), (running.clone(), running.clone()));
    assert!(store.batches.settle(settlement(&chunk, 2, 30)).await.unwrap());
    assert_eq!(read(&store, one).await, Batch { done: 2, ..running });
}

pub(crate) async fn nothing_is_seen_of_a_batch_until_it_is_accepted(store: Store) {
    let id = id(10, 1);
    store.batches.add_items(id, 0, vec![item("a")]).await.unwrap();
    assert_eq!(store.batches.batch(id).await.unwrap(), None);
    assert!(store.batches.take(claim(1, 20, 9)).await.unwrap().is_none());
    let page = store.batches.batches(PageRequest { limit: 9, after: None }).await.unwrap();
    assert_eq!(page.items, []);
    assert_eq!(store.batches.cancel(id, at(20)).await.unwrap(), Cancelled::NotFound);
    assert!(results(&store, id).await.is_empty());
    store.batches.abandon(id).await.unwrap();
    assert!(store.batches.accept(batch(id, 1)).await.is_err());
    assert_eq!(store.batches.batch(id).await.unwrap(), None);
}

pub(crate) async fn a_batch_is_accepted_only_with_all_its_items(store: Store) {
    let id = id(10, 1);
    assert!(store.batches.accept(batch(id, 1)).await.is_err());
    store.batches.add_items(id, 0, vec![item("a"), item("")]).await.unwrap();
    assert!(store.batches.add_items(id, 3, vec![item("d")]).await.is_err());
    assert!(store.batches.accept(batch(id, 3)).await.is_err());
    store.batches.add_items(id, 2, vec![item("c\0\n")]).await.unwrap();
    store.batches.accept(batch(id, 3)).await.unwrap();
    // What is accepted is not given up.
    store.batches.abandon(id).await.unwrap();
    assert_eq!(texts(&taken(&store, 1, 20, 9).await), ["a", "", "c\0\n"]);
}

pub(crate) async fn a_chunk_has_as_many_items_as_were_asked_for_and_one_at_least(store: Store) {
    let id = id(10, 1);
    let items = ["aaaa", "bbbb", "cccc", "dddddddddddd", "e"].map(item);
    store.batches.add_items(id, 0, items.to_vec()).await.unwrap();
    store.batches.accept(batch(id, 5)).await.unwrap();
    for (max_items, max_bytes, expected) in
        [(2, 100, 2), (9, 8, 2), (9, 11, 2), (9, 12, 3), (9, 0, 1), (1, 100, 1), (9, 100, 5)]
    {
        let claim = ChunkClaim { max_bytes, ..claim(1, 20, max_items) };
        let chunk = store.batches.take(claim).await.unwrap().unwrap();
        assert_eq!(chunk.items, items[..expected], "{max_items} {max_bytes}");
        // Given back as it is.
        assert!(store.batches.settle(settlement(&chunk, 0, 21)).await.unwrap());
    }
    let chunk = taken(&store, 1, 20, 3).await;
    assert!(store.batches.settle(settlement(&chunk, 3, 21)).await.unwrap());
    let claim = ChunkClaim { max_bytes: 5, ..claim(1, 20, 9) };
    assert_eq!(texts(&store.batches.take(claim).await.unwrap().unwrap()), ["dddddddddddd"]);
}

pub(crate) async fn results_are_read_in_parts_without_gaps(store: Store) {
    let id = id(10, 1);
    accepted(&store, id, 200).await;
    for _ in 0..4 {
        let chunk = taken(&store, 1, 20, 50).await;
        assert!(store.batches.settle(settlement(&chunk, 50, 20)).await.unwrap());
    }
    let all = results(&store, id).await;
    assert_eq!(all.len(), 200);
    assert!(all.iter().zip(0..).all(|(line, number)| **line == format!("{{\"of\":{number},\"ñ\":1}}")));
    let part =
        async |from, limit, max_bytes| store.batches.results(id, from, limit, max_bytes).await.unwrap();
    assert_eq!(part(3, 5, 1000).await, all[3..8]);
    assert_eq!(part(3, 50, 0).await, all[3..4]);
    assert_eq!(part(199, 50, 1000).await, all[199..]);
    for beyond in [200, 201, u64::from(u32::MAX), u64::MAX] {
        assert!(part(beyond, 50, 1000).await.is_empty());
    }
}

pub(crate) async fn batches_take_turns(store: Store) {
    let ids = [id(10, 1), id(10, 2), id(9, 3)];
    for (id, now) in ids.into_iter().zip(11..) {
        store.batches.add_items(id, 0, vec![item("x"); 3]).await.unwrap();
        store.batches.accept(Batch { created_at: at(now), ..batch(id, 3) }).await.unwrap();
    }
    let mut order = Vec::new();
    for now in 20..26 {
        let chunk = taken(&store, 1, now, 1).await;
        order.push(chunk.batch.id);
        assert!(store.batches.settle(settlement(&chunk, 1, now)).await.unwrap());
    }
    assert_eq!(order, [ids, ids].concat());
}

pub(crate) async fn a_chunk_belongs_to_one_until_its_time_is_over(store: Store) {
    accepted(&store, id(10, 1), 3).await;
    let first = taken(&store, 1, 20, 2).await;
    assert!(store.batches.take(claim(2, 21, 2)).await.unwrap().is_none());
    store.batches.extend(first.lease, at(20 + 2 * LEASE)).await.unwrap();
    assert!(store.batches.take(claim(2, 21 + LEASE, 2)).await.unwrap().is_none());
    // What is over is taken by another, and who had it hears of that.
    let second = taken(&store, 2, 20 + 2 * LEASE, 3).await;
    assert_eq!((second.items.len(), second.batch.started_at), (3, Some(at(20))));
    assert!(!store.batches.settle(settlement(&first, 2, 21)).await.unwrap());
    store.batches.extend(first.lease, at(90 * LEASE)).await.unwrap();
    assert_eq!((read(&store, id(10, 1)).await.done, results(&store, id(10, 1)).await.len()), (0, 0));
    // Late, but nobody came in between.
    assert!(store.batches.settle(settlement(&second, 1, 50 * LEASE)).await.unwrap());
    let third = taken(&store, 3, 50 * LEASE, 9).await;
    assert_eq!(texts(&third), ["item 1", "item 2"]);
    // A token of before is not one of now.
    store.batches.extend(second.lease, at(0)).await.unwrap();
    assert!(store.batches.take(claim(4, 50 * LEASE + 1, 2)).await.unwrap().is_none());
}

pub(crate) async fn what_is_given_back_is_handed_out_again_from_where_it_stood(store: Store) {
    accepted(&store, id(10, 1), 4).await;
    let chunk = taken(&store, 1, 20, 3).await;
    assert!(store.batches.settle(settlement(&chunk, 1, 21)).await.unwrap());
    let chunk = taken(&store, 2, 21, 2).await;
    assert_eq!((texts(&chunk), chunk.batch.done), (vec!["item 1".to_owned(), "item 2".to_owned()], 1));
    assert!(store.batches.settle(settlement(&chunk, 0, 22)).await.unwrap());
    let chunk = taken(&store, 3, 22, 9).await;
    assert_eq!(texts(&chunk), ["item 1", "item 2", "item 3"]);
    assert!(store.batches.settle(settlement(&chunk, 2, 23)).await.unwrap());
    let shown = read(&store, id(10, 1)).await;
    assert_eq!((shown.state, shown.done, shown.failed), (BatchState::Running, 3, 1));
}

pub(crate) async fn the_last_settlement_ends_the_batch_and_tells_of_it(store: Store) {
    let id = id(10, 1);
    accepted(&store, id, 3).await;
    let chunk = taken(&store, 1, 20, 9).await;
    let end = last(&chunk, 30, BatchState::Completed);
    let event = end.end.clone().unwrap().publication.unwrap().event.id;
    assert!(store.webhooks.event(event).await.unwrap().is_none());
    assert!(store.batches.settle(end).await.unwrap());
    let ended = read(&store, id).await;
    assert_eq!((ended.state, ended.done, ended.failed), (BatchState::Completed, 3, 1));
    assert_eq!((ended.finished_at, ended.error), (Some(at(30)), None));
    assert!(store.webhooks.event(event).await.unwrap().is_some());
    assert_eq!(results(&store, id).await.len(), 3);
    assert!(store.batches.take(claim(2, 40 + LEASE, 9)).await.unwrap().is_none());
}

pub(crate) async fn a_batch_that_cannot_go_on_keeps_what_it_has(store: Store) {
    let id = id(10, 1);
    accepted(&store, id, 5).await;
    let chunk = taken(&store, 1, 20, 2).await;
    assert!(store.batches.settle(last(&chunk, 30, BatchState::Failed)).await.unwrap());
    let ended = read(&store, id).await;
    assert_eq!((ended.state, ended.done, ended.total), (BatchState::Failed, 2, 5));
    assert_eq!((ended.finished_at, ended.error.as_deref()), (Some(at(30)), Some("lost")));
    assert_eq!(results(&store, id).await.len(), 2);
    assert!(store.batches.take(claim(2, 40 + LEASE, 9)).await.unwrap().is_none());
}

pub(crate) async fn a_cancelled_batch_takes_no_results_and_is_handed_out_no_more(store: Store) {
    let (one, other) = (id(10, 1), id(10, 2));
    accepted(&store, one, 4).await;
    let chunk = taken(&store, 1, 20, 1).await;
    assert!(store.batches.settle(settlement(&chunk, 1, 21)).await.unwrap());
    let chunk = taken(&store, 1, 22, 2).await;
    let Cancelled::Done(cancelled) = store.batches.cancel(one, at(23)).await.unwrap() else { panic!() };
    assert_eq!((cancelled.state, cancelled.done), (BatchState::Cancelled, 1));
    assert_eq!((cancelled.finished_at, read(&store, one).await), (Some(at(23)), cancelled.clone()));
    assert!(!store.batches.settle(settlement(&chunk, 2, 24)).await.unwrap());
    assert!(!store.batches.settle(last(&chunk, 24, BatchState::Completed)).await.unwrap());
    assert_eq!(results(&store, one).await.len(), 1);
    assert!(store.batches.take(claim(2, 30 + LEASE, 9)).await.unwrap().is_none());
    // Once more is the same.
    assert_eq!(store.batches.cancel(one, at(99)).await.unwrap(), Cancelled::Done(cancelled));
    // One that was never begun.
    accepted(&store, other, 1).await;
    let Cancelled::Done(cancelled) = store.batches.cancel(other, at(40)).await.unwrap() else { panic!() };
    assert_eq!((cancelled.state, cancelled.started_at), (BatchState::Cancelled, None));
    assert!(store.batches.take(claim(2, 50 + LEASE, 9)).await.unwrap().is_none());
}

pub(crate) async fn what_has_ended_is_not_cancelled(store: Store) {
    let id = id(10, 1);
    accepted(&store, id, 1).await;
    let chunk = taken(&store, 1, 20, 9).await;
    assert!(store.batches.settle(last(&chunk, 30, BatchState::Completed)).await.unwrap());
    let ended = read(&store, id).await;
    assert_eq!(store.batches.cancel(id, at(40)).await.unwrap(), Cancelled::TooLate(ended.clone()));
    assert_eq!(read(&store, id).await, ended);
}

pub(crate) async fn batches_are_listed_the_youngest_first_page_by_page(store: Store) {
    let mut ids: Vec<_> =
        (0..7).map(|number| id(10 + u64::from(number % 3 == 0), u128::from(number * 77 % 100u32))).collect();
    for id in &ids {
        accepted(&store, *id, 1).await;
    }
    ids.sort();
    ids.reverse();
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let page = store.batches.batches(PageRequest { limit: 3, after }).await.unwrap();
        listed.extend(page.items.iter().map(|batch| batch.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(listed, ids);
    let page = store.batches.batches(PageRequest { limit: 7, after: None }).await.unwrap();
    assert_eq!((page.items.len(), page.next), (7, None));
}

pub(crate) async fn old_batches_are_deleted_once_they_have_ended(store: Store) {
    const HOUR: u64 = 60 * 60 * 1000;
    let [done, cancelled, open, young] = [id(10, 1), id(11, 2), id(12, 3), id(HOUR, 4)];
    for id in [done, cancelled, young] {
        accepted(&store, id, 30).await;
    }
    for _ in 0..2 {
        let chunk = taken(&store, 1, 20, 30).await;
        assert!(chunk.batch.id == done || chunk.batch.id == cancelled);
        if chunk.batch.id == done {
            assert!(store.batches.settle(last(&chunk, 21, BatchState::Completed)).await.unwrap());
        } else {
            assert!(store.batches.settle(settlement(&chunk, 10, 21)).await.unwrap());
        }
    }
    assert!(matches!(store.batches.cancel(cancelled, at(30)).await.unwrap(), Cancelled::Done(_)));
    accepted(&store, open, 30).await;
    let sweep = async |before: u64, now: u64| {
        for _ in 0..50 {
            if store.webhooks.sweep(at(before), at(now), 7).await.unwrap() == 0 {
                return;
            }
        }
        panic!("the sweep does not come to an end");
    };
    // Nothing is old yet; results stay.
    sweep(5, 100).await;
    assert_eq!((results(&store, done).await.len(), results(&store, cancelled).await.len()), (30, 10));
    sweep(1000, 2 * HOUR).await;
    for id in [done, cancelled] {
        assert_eq!((store.batches.batch(id).await.unwrap(), results(&store, id).await.len()), (None, 0));
    }
    assert_eq!(read(&store, open).await.state, BatchState::Queued);
    assert_eq!(read(&store, young).await.total, 30);
    let left = [taken(&store, 2, 3 * HOUR, 30).await, taken(&store, 3, 3 * HOUR, 30).await];
    assert!(left.iter().all(|chunk| chunk.items.len() == 30));
}

pub(crate) async fn an_accepted_batch_wakes_who_waits(store: Store) {
    // There may be a call of before.
    let _ = tokio::time::timeout(Duration::from_millis(1), store.batches.batch_arrived()).await;
    let other = store.clone();
    let (woken, ()) =
        tokio::join!(tokio::time::timeout(Duration::from_mins(1), store.batches.batch_arrived()), async {
            accepted(&other, id(10, 1), 1).await;
        });
    assert!(woken.is_ok());
}

/// Where the store itself looks after what nobody accepted.
pub(crate) async fn items_of_a_batch_that_is_not_accepted_are_deleted_after_an_hour(store: Store) {
    const HOUR: u64 = 60 * 60 * 1000;
    let (lost, waits) = (id(10, 1), id(11, 2));
    for id in [lost, waits] {
        store.batches.add_items(id, 0, vec![item("x"); 20]).await.unwrap();
    }
    for _ in 0..20 {
        store.webhooks.sweep(at(0), at(HOUR + 11), 7).await.unwrap();
    }
    assert!(store.batches.accept(batch(lost, 20)).await.is_err());
    store.batches.accept(batch(waits, 20)).await.unwrap();
}
