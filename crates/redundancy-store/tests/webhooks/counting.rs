//! Counts of deliveries, and how a store does.

use crate::fixture::{
    Store, at, bring_to, claim, deliveries, numbers, publish, publish_to, record, register_for, settle,
    sweep_all,
};
use redundancy_webhook::delivery::{DeliveryFilter, DeliveryState};
use redundancy_webhook::store::{EndpointCounts, LatencyHistogram, Transition};
use std::time::Duration;

pub(crate) async fn counts_follow_deliveries_and_agree_with_each_other(store: Store) {
    for (name, kind) in [("a", "*"), ("b", "x"), ("c", "nothing")] {
        register_for(&store, name, kind).await;
    }
    let transitions =
        [Transition::Succeed, Transition::RetryAt(at(50)), Transition::Succeed, Transition::Exhaust];
    for transition in transitions {
        publish(&store, "x", at(1)).await;
        publish(&store, "y", at(1)).await;
        for claimed in claim(&store, at(1)).await {
            assert!(settle(&store, &claimed, transition, at(2)).await);
        }
    }
    // Two of the first and one of the second are attempted again, with success; three are under way, three wait.
    for claimed in claim(&store, at(60)).await {
        assert!(settle(&store, &claimed, Transition::Succeed, at(61)).await);
    }
    publish(&store, "x", at(70)).await;
    publish(&store, "y", at(70)).await;
    assert_eq!(claim(&store, at(70)).await.len(), 3);
    publish(&store, "x", at(80)).await;
    publish(&store, "y", at(80)).await;
    let stats = store.queue_stats(at(81)).await.unwrap();
    assert_eq!(numbers(&stats.total), [3, 3, 3, 9, 3, 3]);
    let by_endpoint: Vec<_> =
        stats.by_endpoint.iter().map(|(id, counts)| (id.as_str(), numbers(counts))).collect();
    assert_eq!(by_endpoint, [("a", [2, 2, 2, 6, 2, 2]), ("b", [1, 1, 1, 3, 1, 1]), ("c", [0; 6])]);
    let mut sum = EndpointCounts::default();
    for (id, counts) in &stats.by_endpoint {
        sum.add(counts);
        assert_eq!(record(&store, id, at(81)).await.counts, *counts);
    }
    assert_eq!(sum, stats.total);
    let mut latency = LatencyHistogram::default();
    latency.record_bucket(LatencyHistogram::bucket(Duration::from_millis(40)), 9);
    assert_eq!(stats.total.latency, latency);
    for (state, count) in
        [(DeliveryState::Pending, 3), (DeliveryState::InFlight, 3), (DeliveryState::Exhausted, 3)]
    {
        let filter = DeliveryFilter { state: Some(state), ..DeliveryFilter::default() };
        assert_eq!(deliveries(&store, &filter, 100).await.len(), count);
    }
}

pub(crate) async fn the_total_remembers_deleted_endpoints(store: Store) {
    let main = register_for(&store, "main", "a").await;
    bring_to(&store, &main, "a", Transition::Succeed, at(1)).await;
    bring_to(&store, &main, "a", Transition::Exhaust, at(1)).await;
    bring_to(&store, &main, "a", Transition::RetryAt(at(90)), at(1)).await;
    publish_to(&store, &main, "a", at(2)).await;
    store.delete_endpoint(&main, at(3)).await.unwrap();
    let stats = store.queue_stats(at(4)).await.unwrap();
    assert_eq!((numbers(&stats.total), stats.by_endpoint.len()), ([0, 0, 1, 1, 1, 0], 0));
    assert_eq!(stats.oldest_pending_at, None);
    // What is deleted is no dead letter any more, but it was one.
    sweep_all(&store, at(100), at(100)).await;
    assert_eq!(numbers(&store.queue_stats(at(101)).await.unwrap().total), [0, 0, 0, 1, 1, 0]);
}

pub(crate) async fn the_oldest_pending_is_told(store: Store) {
    assert_eq!(store.queue_stats(at(0)).await.unwrap().oldest_pending_at, None);
    let main = register_for(&store, "main", "a").await;
    let oldest = async |now| store.queue_stats(now).await.unwrap().oldest_pending_at;
    bring_to(&store, &main, "a", Transition::RetryAt(at(90)), at(1)).await;
    publish(&store, "a", at(5)).await;
    // It has waited longest, although it is due later.
    assert_eq!(oldest(at(6)).await, Some(at(1)));
    for claimed in claim(&store, at(90)).await {
        if claimed.delivery.created_at == at(1) {
            assert!(settle(&store, &claimed, Transition::Succeed, at(91)).await);
        } else {
            store.release(vec![claimed.lease], at(91)).await.unwrap();
        }
    }
    assert_eq!(oldest(at(92)).await, Some(at(5)));
    bring_to(&store, &main, "a", Transition::Succeed, at(93)).await;
    assert_eq!(oldest(at(94)).await, None);
}

pub(crate) async fn the_store_says_that_it_is_well(store: Store) {
    let health = store.health().await;
    assert!(health.is_reachable && ["memory", "embedded", "redis"].contains(&health.kind));
}
