//! Settlements of which Redis takes only some, or whose answer is lost.

use crate::fixture::{
    Store, at, attempts, claim, event_in_slot, publication, publish_to, record, register_for, settlement,
};
use crate::server::{Server, store_at, store_with};
use crate::{is_unavailable, retry};
use redundancy_webhook::store::{Settled, Transition};
use std::time::Duration;

#[tokio::test]
async fn what_one_partition_takes_is_done_though_another_fails_and_nothing_is_counted_twice() {
    let server = Server::in_memory().await;
    let store: Store = store_at(&server.url()).await;
    let main = register_for(&store, "main", "a").await;
    for slot in [0, 1] {
        store.publish(publication(event_in_slot("a", at(1), Some(slot)))).await.unwrap();
    }
    let claimed = claim(&store, at(1)).await;
    assert_eq!(claimed.len(), 2);
    let settlements: Vec<_> =
        claimed.iter().map(|claimed| settlement(claimed, Transition::RetryAt(at(50)), at(2))).collect();
    // A key of the wrong kind is in the way of one partition.
    server.ask("RENAME {wh:1}:leases {wh:1}:aside").await;
    server.ask("SET {wh:1}:leases text").await;
    for _ in 0..2 {
        let failed = store.settle(settlements.clone()).await.unwrap_err();
        assert!(is_unavailable(&failed), "{failed}");
        let guard = record(&store, &main, at(2)).await.guard;
        assert_eq!((guard.in_flight(at(2)), guard.breaker.failures), (1, 1));
    }
    server.ask("RENAME {wh:1}:aside {wh:1}:leases").await;
    assert_eq!(store.settle(settlements.clone()).await.unwrap(), [Settled::Taken; 2]);
    let guard = record(&store, &main, at(2)).await.guard;
    assert_eq!((guard.in_flight(at(2)), guard.breaker.failures), (0, 2));
    for claimed in &claimed {
        assert_eq!(attempts(&store, claimed.delivery.id).await.len(), 1);
    }
    // What was settled once is over.
    assert_eq!(store.settle(settlements).await.unwrap(), [Settled::Refused; 2]);
}

#[tokio::test]
async fn a_settlement_whose_answer_was_lost_is_taken_and_counts_once() {
    let server = Server::in_memory().await;
    let store: Store = store_with(&server.url(), Duration::from_millis(300)).await;
    let main = register_for(&store, "main", "a").await;
    for second in [1, 2] {
        publish_to(&store, &main, "a", at(second)).await;
    }
    let claimed = claim(&store, at(3)).await;
    // From now on the server knows the script.
    let first = settlement(&claimed[0], Transition::Succeed, at(4));
    assert_eq!(store.settle(vec![first]).await.unwrap(), [Settled::Taken]);
    let second = || vec![settlement(&claimed[1], Transition::RetryAt(at(50)), at(5))];
    server.freeze();
    assert!(is_unavailable(&store.settle(second()).await.unwrap_err()));
    server.wake_up();
    assert_eq!(retry(async || store.settle(second()).await).await, [Settled::Taken]);
    assert_eq!(attempts(&store, claimed[1].delivery.id).await.len(), 1);
    let guard = record(&store, &main, at(5)).await.guard;
    assert_eq!((guard.in_flight(at(5)), guard.breaker.failures), (0, 1));
}
