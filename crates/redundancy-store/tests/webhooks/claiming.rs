//! What a claim hands out, in which order, and how much of it.

use crate::fixture::{
    LEASE, ONE, Store, TWO, at, claim, claim_once, claim_only, claim_with, endpoint, ids, publish,
    publish_to, record, register, register_for, settle, state,
};
use redundancy_webhook::delivery::DeliveryState;
use redundancy_webhook::endpoint::Endpoint;
use redundancy_webhook::ids::EndpointId;
use redundancy_webhook::rate_window::RateLimit;
use redundancy_webhook::store::{Room, Transition};
use std::collections::HashMap;

pub(crate) async fn the_longest_due_of_an_endpoint_comes_first(store: Store) {
    let main = register_for(&store, "main", "a").await;
    // Made in one order, due in another.
    let mut expected = Vec::new();
    for second in [10, 11, 12] {
        publish_to(&store, &main, "a", at(second)).await;
    }
    for (claimed, due) in claim(&store, at(12)).await.iter().zip([40, 20, 30]) {
        settle(&store, claimed, Transition::RetryAt(at(due)), at(13)).await;
        expected.push((due, claimed.delivery.id));
    }
    expected.push((25, publish_to(&store, &main, "a", at(25)).await));
    expected.sort_unstable();
    let expected: Vec<_> = expected.into_iter().map(|(_, id)| id).collect();
    // Some at a time: the order holds over claims too.
    let mut found = Vec::new();
    for limit in [1, 2, 5] {
        found.extend(ids(&claim_once(&store, ONE, limit, at(50)).await.deliveries));
    }
    assert_eq!(found, expected);
}

pub(crate) async fn a_claim_brings_all_that_an_attempt_needs(store: Store) {
    let main = register_for(&store, "main", "a").await;
    let id = publish_to(&store, &main, "a", at(1)).await;
    let claimed = claim_only(&store, at(2)).await;
    assert_eq!(claimed.delivery.id, id);
    assert_eq!((claimed.delivery.attempts, claimed.delivery.spent), (0, 0));
    assert_eq!((claimed.event.id, claimed.event.kind.as_str()), (claimed.delivery.event_id, "a"));
    assert_eq!((&claimed.endpoint.id, claimed.endpoint.revision), (&main, 0));
    assert_eq!(claimed.failing_since, None);
    let lease = &claimed.lease;
    assert_eq!((lease.delivery, &lease.endpoint, lease.replica), (id, &main, ONE));
    let kept = crate::fixture::delivery(&store, id).await;
    assert_eq!((kept.state, kept.due_at, kept.updated_at), (DeliveryState::InFlight, None, at(2)));
    assert_eq!(record(&store, &main, at(2)).await.guard.in_flight(at(2)), 1);
    // A changed endpoint is what the next claim brings.
    settle(&store, &claimed, Transition::RetryAt(at(5)), at(3)).await;
    let changed = Endpoint { revision: 1, max_in_flight: 3, ..endpoint("main", &["a"]) };
    store.replace_endpoint(changed, false, at(4)).await.unwrap();
    let claimed = claim_only(&store, at(5)).await;
    assert_eq!((claimed.delivery.attempts, claimed.delivery.spent), (1, 1));
    assert_eq!((claimed.endpoint.revision, claimed.failing_since), (1, Some(at(3))));
}

pub(crate) async fn no_claim_gives_more_than_its_limit(store: Store) {
    for name in ["one", "two", "three"] {
        register_for(&store, name, "a").await;
    }
    for _ in 0..10 {
        publish(&store, "a", at(1)).await;
    }
    for limit in [1, 7] {
        assert_eq!(claim_once(&store, ONE, limit, at(1)).await.deliveries.len(), limit);
    }
    assert!(claim_once(&store, ONE, 0, at(1)).await.deliveries.is_empty());
    assert_eq!(claim(&store, at(1)).await.len(), 30 - 8);
}

pub(crate) async fn a_full_queue_of_one_endpoint_does_not_starve_another(store: Store) {
    let [crowded, late, later] = [
        register_for(&store, "crowded", "a").await,
        register_for(&store, "late", "b").await,
        register_for(&store, "later", "c").await,
    ];
    for _ in 0..1_000 {
        publish(&store, "a", at(1)).await;
    }
    for _ in 0..3 {
        publish(&store, "b", at(2)).await;
        publish(&store, "c", at(2)).await;
    }
    let mut claimed = Vec::new();
    // In turn: by the third claim each of the three has had its turn, however long a turn is.
    for _ in 0..3 {
        claimed.extend(claim_once(&store, ONE, 10, at(3)).await.deliveries);
    }
    let got = |endpoint: &EndpointId| {
        claimed.iter().filter(|claimed| claimed.delivery.endpoint_id == *endpoint).count()
    };
    assert_eq!((got(&late), got(&later)), (3, 3));
    assert_eq!(got(&crowded), 24);
}

pub(crate) async fn endpoints_that_are_held_do_not_hide_another_however_little_is_claimed(store: Store) {
    let rate_limit = Some(RateLimit { requests: 1, per_seconds: 3_600 });
    for number in 0..20 {
        register(&store, Endpoint { rate_limit, ..endpoint(&format!("held-{number}"), &["a"]) }).await;
    }
    let other = register_for(&store, "other", "b").await;
    for second in 0..2 {
        publish(&store, "a", at(second)).await;
    }
    assert_eq!(claim(&store, at(2)).await.len(), 20);
    let waits = publish_to(&store, &other, "b", at(3)).await;
    let claimed = claim_once(&store, ONE, 1, at(4)).await;
    assert_eq!(ids(&claimed.deliveries), [waits]);
}

pub(crate) async fn room_bounds_what_one_claim_gives_of_an_endpoint(store: Store) {
    let [one, two, three] = [
        register_for(&store, "one", "a").await,
        register_for(&store, "two", "a").await,
        register_for(&store, "three", "a").await,
    ];
    for _ in 0..10 {
        publish(&store, "a", at(1)).await;
    }
    let room = Room { usual: 4, exceptions: HashMap::from([(one.clone(), 0), (two.clone(), 7)]) };
    let claimed = claim_with(&store, ONE, 100, &room, at(1)).await.deliveries;
    let got = |endpoint: &EndpointId| {
        claimed.iter().filter(|claimed| claimed.delivery.endpoint_id == *endpoint).count()
    };
    assert_eq!((got(&one), got(&two), got(&three)), (0, 7, 4));
    // What had no room did not count as under way, and is still there.
    assert_eq!(record(&store, &three, at(1)).await.guard.in_flight(at(1)), 4);
    assert_eq!(claim(&store, at(1)).await.len(), 30 - 11);
}

pub(crate) async fn what_is_not_due_waits_and_the_claim_says_until_when(store: Store) {
    let main = register_for(&store, "main", "a").await;
    let [_, first] =
        [publish_to(&store, &main, "a", at(1)).await, publish_to(&store, &main, "a", at(1)).await];
    for claimed in claim(&store, at(1)).await {
        let due = if claimed.delivery.id == first { 60 } else { 90 };
        settle(&store, &claimed, Transition::RetryAt(at(due)), at(2)).await;
    }
    for second in [2, 59] {
        let claimed = claim_once(&store, ONE, 10, at(second)).await;
        assert_eq!((claimed.deliveries.len(), claimed.next_at), (0, Some(at(60))), "{second}");
    }
    assert_eq!(claim_only(&store, at(60)).await.delivery.id, first);
    assert_eq!(claim_once(&store, ONE, 10, at(60)).await.deliveries.len(), 0);
}

pub(crate) async fn an_empty_store_waits_for_no_time(store: Store) {
    let empty = claim_once(&store, ONE, 10, at(1)).await;
    assert_eq!((empty.deliveries.len(), empty.next_at), (0, None));
    let main = register_for(&store, "main", "a").await;
    crate::fixture::bring_to(&store, &main, "a", Transition::Succeed, at(2)).await;
    let done = claim_once(&store, ONE, 10, at(3)).await;
    assert_eq!((done.deliveries.len(), done.next_at), (0, None));
}

pub(crate) async fn a_busy_store_names_the_end_of_the_first_lease(store: Store) {
    let main = register_for(&store, "main", "a").await;
    publish_to(&store, &main, "a", at(1)).await;
    claim_only(&store, at(1)).await;
    // Should the first replica be lost, another one knows when to look.
    let next_at = claim_once(&store, TWO, 10, at(2)).await.next_at.unwrap();
    assert!(next_at > at(2) && next_at <= at(1).plus(LEASE), "{next_at}");
}

pub(crate) async fn an_inactive_endpoint_waits_and_goes_on_when_it_is_active(store: Store) {
    let main = register_for(&store, "main", "a").await;
    let id = publish_to(&store, &main, "a", at(1)).await;
    let next = |revision, is_active| Endpoint { revision, is_active, ..endpoint("main", &["a"]) };
    store.replace_endpoint(next(1, false), false, at(2)).await.unwrap();
    let waits = claim_once(&store, ONE, 10, at(1_000)).await;
    assert_eq!((waits.deliveries.len(), waits.next_at), (0, None));
    assert_eq!(state(&store, id).await, DeliveryState::Pending);
    store.replace_endpoint(next(2, true), false, at(1_001)).await.unwrap();
    assert_eq!(claim_only(&store, at(1_001)).await.delivery.id, id);
}
