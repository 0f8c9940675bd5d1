//! Deleting much, bit by bit.

use crate::fixture::{
    Store, at, at_millis, claim, deliveries, event, id, numbers, publish_to, register_for, settle_each,
    settlement, state, sweep_all,
};
use crate::folder::{ask, open, publish_all};
use redundancy_webhook::delivery::{Delivery, DeliveryFilter, DeliveryState};
use redundancy_webhook::store::{PageRequest, Transition};

fn in_state(state: DeliveryState) -> DeliveryFilter {
    DeliveryFilter { state: Some(state), ..DeliveryFilter::default() }
}

/// Checks that all deliveries are cancelled, whichever way they are looked at.
async fn assert_cancelled(store: &Store, count: usize) -> Vec<Delivery> {
    let cancelled = deliveries(store, &in_state(DeliveryState::Cancelled), 1_500).await;
    assert_eq!(cancelled.len(), count);
    assert!(cancelled.is_sorted_by(|one, next| one.id > next.id));
    assert!(cancelled.iter().all(|delivery| delivery.due_at.is_none() && delivery.updated_at == at(50)));
    assert!(deliveries(store, &in_state(DeliveryState::Pending), 10).await.is_empty());
    assert_eq!(state(store, cancelled[count - 1].id).await, DeliveryState::Cancelled);
    let to_it = DeliveryFilter { endpoint_id: Some(id("main")), ..in_state(DeliveryState::Cancelled) };
    assert_eq!(deliveries(store, &to_it, 5_000).await, cancelled);
    let stats = store.queue_stats(at(60)).await.unwrap();
    assert_eq!((numbers(&stats.total)[..2].to_vec(), stats.oldest_pending_at), (vec![0, 0], None));
    assert!(claim(store, at(60)).await.is_empty());
    cancelled
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_is_cancelled_at_once_and_written_as_that_by_the_clean_up() {
    let folder = tempfile::tempdir().unwrap();
    let store: Store = open(folder.path());
    let main = register_for(&store, "main", "a").await;
    publish_all(&store, (0..10_000).map(|number| event("a", at_millis(number))).collect()).await;
    assert!(store.delete_endpoint(&main, at(50)).await.unwrap());
    let cancelled = assert_cancelled(&store, 10_000).await;
    drop(store);
    let unwritten = "SELECT count(*) FROM deliveries WHERE state = 0";
    assert!(ask::<i64>(folder.path(), unwritten) > 0, "it was done in one go, and held up everything else");

    let store: Store = open(folder.path());
    assert!(assert_cancelled(&store, 10_000).await == cancelled);
    assert_eq!(store.sweep(at(0), at(70), 100).await.unwrap(), 0);
    assert!(assert_cancelled(&store, 10_000).await == cancelled);
    drop(store);
    assert_eq!(ask::<i64>(folder.path(), unwritten), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_the_same_name_gets_nothing_of_a_deleted_backlog() {
    let folder = tempfile::tempdir().unwrap();
    let store: Store = open(folder.path());
    let main = register_for(&store, "main", "a").await;
    publish_all(&store, (0..3_000).map(|number| event("a", at_millis(number))).collect()).await;
    let under_way = claim(&store, at(40)).await;
    assert!(store.delete_endpoint(&main, at(50)).await.unwrap());
    register_for(&store, "main", "a").await;
    let new = publish_to(&store, &main, "a", at(51)).await;
    let claimed = claim(&store, at(52)).await;
    assert_eq!(crate::fixture::ids(&claimed), [new]);
    // What is under way to the old one is cancelled unless it succeeds.
    let outcomes = [Transition::Succeed, Transition::RetryAt(at(99))];
    let settlements =
        under_way.iter().zip(outcomes).map(|(claimed, outcome)| settlement(claimed, outcome, at(53)));
    assert_eq!(settle_each(&store, settlements.collect()).await, [true, true]);
    assert_eq!(state(&store, under_way[0].delivery.id).await, DeliveryState::Succeeded);
    assert_eq!(state(&store, under_way[1].delivery.id).await, DeliveryState::Cancelled);
    let counts = crate::fixture::record(&store, &main, at(54)).await.counts;
    assert_eq!(numbers(&counts), [0, 1, 0, 0, 0, 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_old_goes_in_small_steps_past_what_waits() {
    let folder = tempfile::tempdir().unwrap();
    let store: Store = open(folder.path());
    let slow = register_for(&store, "slow", "a").await;
    register_for(&store, "main", "b").await;
    publish_all(&store, (0..5_000).map(|number| event("a", at_millis(number))).collect()).await;
    let off = redundancy_webhook::endpoint::Endpoint {
        is_active: false,
        revision: 1,
        ..crate::fixture::endpoint("slow", &["a"])
    };
    store.replace_endpoint(off, false, at(5)).await.unwrap();
    publish_all(&store, (0..300).map(|number| event("b", at_millis(6_000 + number))).collect()).await;
    let claimed = claim(&store, at(10)).await;
    assert_eq!(claimed.len(), 300);
    let settlements = claimed.iter().map(|claimed| settlement(claimed, Transition::Succeed, at(10)));
    assert!(store.settle(settlements.collect()).await.unwrap().iter().all(|settled| settled.is_taken()));
    let (mut deleted, limit) = (0, 20);
    loop {
        let step = store.sweep(at(20), at(20), limit).await.unwrap();
        assert!(step <= 2 * limit, "{step}");
        deleted += step;
        if step < limit {
            break;
        }
    }
    // Deliveries and events.
    assert_eq!(deleted, 600);
    assert_eq!(sweep_all(&store, at(20), at(20)).await, 0);
    let all = deliveries(&store, &DeliveryFilter::default(), 2_000).await;
    assert_eq!(all.len(), 5_000);
    assert!(all.iter().all(|delivery| delivery.endpoint_id == slow));
    let page = PageRequest { after: None, limit: 6_000 };
    assert_eq!(store.events(at(0), at(99), page).await.unwrap().items.len(), 5_000);
}
