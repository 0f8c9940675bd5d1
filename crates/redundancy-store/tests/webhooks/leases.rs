//! Rights to make a delivery, for a while.

use crate::fixture::{
    LEASE, ONE, Store, TWO, at, attempts, claim, claim_by, claim_once, claim_only, claim_with, delivery,
    endpoint, ids, publish, publish_to, record, register, register_for, settle, sorted,
};
use redundancy_webhook::delivery::DeliveryState;
use redundancy_webhook::endpoint::Endpoint;
use redundancy_webhook::store::{Lease, Room, Transition};
use std::collections::HashMap;
use std::time::Duration;

pub(crate) async fn nothing_is_handed_out_twice(store: Store) {
    for name in ["one", "two"] {
        register_for(&store, name, "a").await;
    }
    for _ in 0..20 {
        publish(&store, "a", at(1)).await;
    }
    let mut found = Vec::new();
    for replica in [ONE, TWO, ONE, TWO] {
        found.extend(ids(&claim_once(&store, replica, 9, at(1)).await.deliveries));
    }
    found.extend(ids(&claim(&store, at(2)).await));
    assert_eq!(claim_by(&store, TWO, at(1).plus(LEASE / 2)).await.len(), 0);
    found = sorted(found);
    let count = found.len();
    found.dedup();
    assert_eq!((count, found.len()), (40, 40));
}

pub(crate) async fn a_lease_that_is_over_is_handed_out_again_with_another_token(store: Store) {
    let main = register_for(&store, "main", "a").await;
    let id = publish_to(&store, &main, "a", at(1)).await;
    let lost = claim_only(&store, at(1)).await;
    assert_eq!(claim_by(&store, TWO, at(30)).await.len(), 0);
    let again = claim_by(&store, TWO, at(31)).await;
    assert_eq!((ids(&again), again[0].lease.replica), (vec![id], TWO));
    assert_ne!(again[0].lease.token, lost.lease.token);
    assert_eq!((again[0].delivery.attempts, again[0].delivery.spent), (0, 0));
    assert_eq!(record(&store, &main, at(31)).await.guard.in_flight(at(31)), 1);
    assert!(settle(&store, &again[0], Transition::Succeed, at(32)).await);
    assert_eq!(attempts(&store, id).await.len(), 1);
}

pub(crate) async fn an_extended_lease_holds_longer(store: Store) {
    register_for(&store, "main", "a").await;
    for _ in 0..2 {
        publish(&store, "a", at(1)).await;
    }
    let claimed = claim(&store, at(1)).await;
    let extended = claimed[0].lease.clone();
    store.extend(std::slice::from_ref(&extended), at(25), at(55)).await.unwrap();
    // The other one was not extended.
    let lost = claim_by(&store, TWO, at(40)).await;
    assert_eq!(ids(&lost), [claimed[1].delivery.id]);
    assert!(settle(&store, &claimed[0], Transition::Succeed, at(54)).await);
    assert_eq!(attempts(&store, claimed[0].delivery.id).await.len(), 1);
}

pub(crate) async fn a_lease_that_is_over_cannot_be_extended(store: Store) {
    let main = register_for(&store, "main", "a").await;
    publish_to(&store, &main, "a", at(1)).await;
    let lost = claim_only(&store, at(1)).await;
    store.extend(std::slice::from_ref(&lost.lease), at(40), at(100)).await.unwrap();
    let again = claim_by(&store, TWO, at(41)).await;
    assert_eq!(again.len(), 1);
    // Nor does it prolong or end the right that somebody else has now.
    store.extend(std::slice::from_ref(&lost.lease), at(42), at(500)).await.unwrap();
    assert_eq!(claim(&store, at(70)).await.len(), 0);
    assert_eq!(claim(&store, at(72)).await.len(), 1);
    let unknown = Lease { token: 12_345, ..lost.lease };
    store.extend(&[unknown], at(73), at(500)).await.unwrap();
}

pub(crate) async fn what_is_given_back_is_due_at_once_and_lost_no_attempt(store: Store) {
    let main = register_for(&store, "main", "a").await;
    let id = publish_to(&store, &main, "a", at(1)).await;
    let claimed = claim_only(&store, at(2)).await;
    store.release(vec![claimed.lease.clone()], at(3)).await.unwrap();
    let waits = delivery(&store, id).await;
    assert_eq!((waits.state, waits.due_at), (DeliveryState::Pending, Some(at(3))));
    assert_eq!((waits.attempts, waits.spent), (0, 0));
    assert_eq!(record(&store, &main, at(3)).await.guard.in_flight(at(3)), 0);
    let again = claim_by(&store, TWO, at(3)).await;
    assert_eq!(ids(&again), [id]);
    assert_ne!(again[0].lease.token, claimed.lease.token);
    assert!(!settle(&store, &claimed, Transition::Exhaust, at(4)).await);
}

pub(crate) async fn giving_back_under_a_lost_lease_changes_nothing(store: Store) {
    let main = register_for(&store, "main", "a").await;
    let id = publish_to(&store, &main, "a", at(1)).await;
    let lost = claim_only(&store, at(1)).await;
    let again = claim_by(&store, TWO, at(40)).await;
    store.release(vec![lost.lease.clone()], at(41)).await.unwrap();
    assert_eq!(delivery(&store, id).await.state, DeliveryState::InFlight);
    assert!(settle(&store, &again[0], Transition::Succeed, at(42)).await);
    store.release(vec![again[0].lease.clone()], at(43)).await.unwrap();
    assert_eq!(delivery(&store, id).await.state, DeliveryState::Succeeded);
    assert_eq!(claim(&store, at(100)).await.len(), 0);
}

pub(crate) async fn a_place_under_way_is_free_again_however_it_was_left(store: Store) {
    let minute = Duration::from_mins(1);
    for way in ["success", "retry", "release", "lost", "late_success", "success_meanwhile"] {
        let main = register(&store, Endpoint { max_in_flight: 1, ..endpoint(way, &[way]) }).await;
        let mut now = at(1);
        publish_to(&store, &main, way, now).await;
        let mine = Room { usual: 0, exceptions: HashMap::from([(main.clone(), 10)]) };
        let claimed = claim_with(&store, ONE, 10, &mine, now).await.deliveries;
        assert_eq!(claimed.len(), 1, "before {way}");
        match way {
            "success" => assert!(settle(&store, &claimed[0], Transition::Succeed, now).await),
            "retry" => {
                assert!(settle(&store, &claimed[0], Transition::RetryAt(at(100_000)), now).await);
            }
            "release" => store.release(vec![claimed[0].lease.clone()], now).await.unwrap(),
            "lost" => {}
            "late_success" => {
                now = now.plus(minute);
                assert!(settle(&store, &claimed[0], Transition::Succeed, now).await);
            }
            _ => {
                now = now.plus(minute);
                let again = claim_with(&store, TWO, 10, &mine, now).await.deliveries;
                assert_eq!(ids(&again), ids(&claimed));
                assert!(settle(&store, &claimed[0], Transition::Succeed, now).await);
                assert!(!settle(&store, &again[0], Transition::Succeed, now).await);
            }
        }
        // At the same moment, while what was lost still counts.
        publish_to(&store, &main, way, now).await;
        let next = claim_with(&store, TWO, 10, &mine, now).await.deliveries;
        assert_eq!(next.len(), usize::from(way != "lost"), "after {way}");
    }
}
