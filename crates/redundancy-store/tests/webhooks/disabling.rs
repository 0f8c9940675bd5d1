//! Endpoints that are disabled by what they answered: only those that were called, and each once.

use crate::fixture::{
    Store, at, attempt, claim, claim_only, disabling, endpoint, event_in_slot, publication, publish,
    publish_to, record, register, register_for, settle, settle_one, settlement, state,
};
use redundancy_webhook::breaker::BreakerState;
use redundancy_webhook::delivery::DeliveryState;
use redundancy_webhook::endpoint::Endpoint;
use redundancy_webhook::store::{
    ClaimedDelivery, EndpointWriteError, Publication, Settled, Settlement, Transition,
};

/// News of a disabled endpoint, beside a delivery.
fn news(claimed: &ClaimedDelivery) -> Publication {
    publication(event_in_slot("told", at(5), Some(claimed.delivery.id.slot())))
}

pub(crate) async fn an_endpoint_that_was_changed_since_is_not_disabled(store: Store) {
    let main = register_for(&store, "main", "a").await;
    register_for(&store, "told", "told").await;
    let dead = publish_to(&store, &main, "a", at(1)).await;
    let gone = claim_only(&store, at(1)).await;
    let mended = Endpoint { revision: 1, ..endpoint("main", &["a"]) };
    store.replace_endpoint(mended, false, at(2)).await.unwrap();
    let news = news(&gone);
    let disables = Some(disabling(&gone, Some(news.clone())));
    let settlement = Settlement { disables, ..settlement(&gone, Transition::Exhaust, at(5)) };
    assert_eq!(store.settle(vec![settlement]).await.unwrap(), [Settled::Taken]);
    let kept = record(&store, &main, at(5)).await.endpoint;
    assert_eq!((kept.is_active, kept.revision), (true, 1));
    assert_eq!(state(&store, dead).await, DeliveryState::Exhausted);
    assert!(store.event(news.event.id).await.unwrap().is_none());
}

pub(crate) async fn an_endpoint_that_was_registered_again_has_nothing_to_do_with_the_first(store: Store) {
    let main = register_for(&store, "main", "a").await;
    register_for(&store, "told", "told").await;
    for _ in 0..6 {
        publish_to(&store, &main, "a", at(1)).await;
    }
    let old = claim(&store, at(1)).await;
    store.delete_endpoint(&main, at(2)).await.unwrap();
    register(&store, Endpoint { created_at: at(3), ..endpoint("main", &["a"]) }).await;
    let young = publish_to(&store, &main, "a", at(4)).await;
    assert_eq!(claim_only(&store, at(4)).await.delivery.id, young);
    let told = news(&old[0]);
    for claimed in &old {
        let disables = Some(disabling(claimed, Some(told.clone())));
        let settlement = Settlement { disables, ..settlement(claimed, Transition::Exhaust, at(5)) };
        assert_eq!(store.settle(vec![settlement]).await.unwrap(), [Settled::Taken]);
        assert_eq!(state(&store, claimed.delivery.id).await, DeliveryState::Cancelled);
    }
    assert!(store.event(told.event.id).await.unwrap().is_none());
    let new = record(&store, &main, at(5)).await;
    assert_eq!((new.endpoint.is_active, new.endpoint.revision), (true, 0));
    assert_eq!((new.guard.breaker.state, new.guard.failing_since), (BreakerState::Closed, None));
    assert_eq!((new.guard.in_flight(at(5)), new.counts.in_flight), (1, 1));
}

pub(crate) async fn a_change_of_a_deleted_endpoint_does_not_get_into_the_next_of_its_name(store: Store) {
    let main = register_for(&store, "main", "a").await;
    store.delete_endpoint(&main, at(2)).await.unwrap();
    register(&store, Endpoint { created_at: at(3), ..endpoint("main", &["b"]) }).await;
    let change = Endpoint { revision: 1, ..endpoint("main", &["a"]) };
    let refused = store.replace_endpoint(change, false, at(4)).await;
    assert_eq!(refused, Err(EndpointWriteError::Changed));
    assert!(!store.is_wanted(&"a".parse().unwrap()));
    let change = Endpoint { revision: 1, created_at: at(3), ..endpoint("main", &["c"]) };
    store.replace_endpoint(change, false, at(5)).await.unwrap();
}

pub(crate) async fn an_endpoint_is_disabled_once_and_told_of_once(store: Store) {
    let main = register_for(&store, "main", "a").await;
    register_for(&store, "told", "told").await;
    for _ in 0..4 {
        publish(&store, "a", at(1)).await;
    }
    let claimed = claim(&store, at(1)).await;
    let all_news: Vec<_> = claimed.iter().map(news).collect();
    let settlement = |claimed: &ClaimedDelivery, news: &Publication| Settlement {
        disables: Some(disabling(claimed, Some(news.clone()))),
        ..settlement(claimed, Transition::Exhaust, at(5))
    };
    let settlements: Vec<_> =
        claimed.iter().zip(&all_news).map(|(claimed, news)| settlement(claimed, news)).collect();
    let (together, apart) = settlements.split_at(2);
    let mut settled = store.settle(together.to_vec()).await.unwrap();
    for settlement in apart {
        settled.extend(store.settle(vec![settlement.clone()]).await.unwrap());
    }
    assert!(settled.iter().all(|settled| settled.is_taken()));
    let disabled: Vec<_> = settled.iter().map(|settled| *settled == Settled::Disabled).collect();
    let mut told = Vec::new();
    for news in &all_news {
        told.push(store.event(news.event.id).await.unwrap().is_some());
    }
    assert_eq!(disabled.iter().filter(|disabled| **disabled).count(), 1);
    assert_eq!(told, disabled);
    let record = record(&store, &main, at(5)).await;
    assert_eq!((record.endpoint.is_active, record.endpoint.revision), (false, 1));
    assert_eq!(claim_only(&store, at(5)).await.event.kind.as_str(), "told");
}

pub(crate) async fn what_began_before_the_breaker_opened_is_no_probe(store: Store) {
    let main = register_for(&store, "main", "a").await;
    for _ in 0..12 {
        publish(&store, "a", at(0)).await;
    }
    let early = claim(&store, at(0)).await;
    for claimed in &early[..5] {
        assert!(settle(&store, claimed, Transition::Exhaust, at(1)).await);
    }
    let leases: Vec<_> = early.iter().map(|claimed| claimed.lease.clone()).collect();
    store.extend(&leases, at(2), at(900)).await.unwrap();
    let begun = |claimed: &ClaimedDelivery, transition, began| {
        let made = settlement(claimed, transition, at(62));
        let attempt = attempt(1, made.attempt.failure, began);
        Settlement { attempt, ..made }
    };
    for _ in 0..4 {
        publish(&store, "a", at(60)).await;
    }
    // All but the places of two probes are taken by what began before: when these end, there is room.
    for claimed in &early[5..10] {
        assert!(settle_one(&store, begun(claimed, Transition::Succeed, at(0))).await);
    }
    let half_open = async || record(&store, &main, at(62)).await.guard.breaker.state;
    assert_eq!(half_open().await, BreakerState::Open { until: at(61) });
    assert!(settle_one(&store, begun(&early[10], Transition::Succeed, at(0))).await);
    let probes = claim(&store, at(62)).await;
    assert_eq!(probes.len(), 1);
    assert_eq!(half_open().await, BreakerState::HalfOpen { successes: 0 });
    assert!(settle_one(&store, begun(&early[11], Transition::RetryAt(at(999)), at(0))).await);
    assert_eq!(half_open().await, BreakerState::HalfOpen { successes: 0 });
    assert!(settle_one(&store, begun(&probes[0], Transition::Succeed, at(62))).await);
    assert_eq!(half_open().await, BreakerState::HalfOpen { successes: 1 });
    let probes = claim(&store, at(63)).await;
    assert!(settle_one(&store, begun(&probes[0], Transition::Succeed, at(63))).await);
    assert_eq!(half_open().await, BreakerState::Closed);
}
