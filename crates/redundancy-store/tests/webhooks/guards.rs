//! What protects endpoints from too many deliveries, over claims and replicas.

use crate::fixture::{
    LEASE, ONE, Store, TWO, at, at_millis, bring_to, claim, claim_by, claim_once, endpoint, publish,
    publish_to, record, register, register_for, settle,
};
use redundancy_webhook::breaker::{BreakerConfig, BreakerState};
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::endpoint::Endpoint;
use redundancy_webhook::ids::EndpointId;
use redundancy_webhook::rate_window::RateLimit;
use redundancy_webhook::store::{EndpointWriteError, Transition};

/// An endpoint whose breaker opened at `now`.
async fn opened(store: &Store, now: Timestamp) -> EndpointId {
    let main = register_for(store, "main", "a").await;
    for _ in 0..BreakerConfig::default().failure_threshold {
        publish(store, "a", now).await;
    }
    for claimed in claim(store, now).await {
        assert!(settle(store, &claimed, Transition::Exhaust, now).await);
    }
    main
}

async fn breaker(store: &Store, id: &EndpointId, now: Timestamp) -> BreakerState {
    record(store, id, now).await.guard.breaker.state
}

pub(crate) async fn a_breaker_opens_after_failures_and_the_claim_says_until_when(store: Store) {
    let main = register_for(&store, "main", "a").await;
    for failure in 1..=5 {
        assert_eq!(breaker(&store, &main, at(10)).await, BreakerState::Closed, "before {failure}");
        bring_to(&store, &main, "a", Transition::Exhaust, at(10)).await;
    }
    assert_eq!(breaker(&store, &main, at(10)).await, BreakerState::Open { until: at(70) });
    publish_to(&store, &main, "a", at(11)).await;
    for second in [11, 69] {
        let held = claim_once(&store, ONE, 10, at(second)).await;
        assert_eq!((held.deliveries.len(), held.next_at), (0, Some(at(70))), "{second}");
    }
    assert_eq!(claim(&store, at(70)).await.len(), 1);
}

pub(crate) async fn a_change_that_is_refused_forgives_nothing(store: Store) {
    let main = opened(&store, at(0)).await;
    let stale = Endpoint { revision: 5, ..endpoint("main", &["a"]) };
    assert_eq!(store.replace_endpoint(stale, true, at(1)).await, Err(EndpointWriteError::Changed));
    let guard = record(&store, &main, at(1)).await.guard;
    assert_eq!(guard.breaker.state, BreakerState::Open { until: at(60) });
    assert_eq!(guard.failing_since, Some(at(0)));
}

pub(crate) async fn a_half_open_breaker_lets_its_probes_out_and_closes(store: Store) {
    let main = opened(&store, at(0)).await;
    for _ in 0..6 {
        publish(&store, "a", at(1)).await;
    }
    let probes = claim(&store, at(60)).await;
    assert_eq!(probes.len(), 2);
    assert_eq!(breaker(&store, &main, at(60)).await, BreakerState::HalfOpen { successes: 0 });
    assert_eq!(claim_by(&store, TWO, at(61)).await.len(), 0);
    assert!(settle(&store, &probes[0], Transition::Succeed, at(62)).await);
    assert_eq!(breaker(&store, &main, at(62)).await, BreakerState::HalfOpen { successes: 1 });
    assert_eq!(claim_by(&store, TWO, at(62)).await.len(), 1);
    assert!(settle(&store, &probes[1], Transition::Succeed, at(63)).await);
    assert_eq!(breaker(&store, &main, at(63)).await, BreakerState::Closed);
    assert_eq!(claim(&store, at(63)).await.len(), 3);
}

pub(crate) async fn a_failed_probe_opens_the_breaker_again(store: Store) {
    let main = opened(&store, at(0)).await;
    for _ in 0..3 {
        publish(&store, "a", at(1)).await;
    }
    let probes = claim(&store, at(60)).await;
    assert!(settle(&store, &probes[0], Transition::RetryAt(at(65)), at(61)).await);
    assert_eq!(breaker(&store, &main, at(61)).await, BreakerState::Open { until: at(121) });
    // The other probe began before.
    assert!(settle(&store, &probes[1], Transition::Succeed, at(62)).await);
    let held = claim_once(&store, ONE, 10, at(66)).await;
    assert_eq!((held.deliveries.len(), held.next_at), (0, Some(at(121))));
    assert_eq!(claim(&store, at(121)).await.len(), 2);
}

pub(crate) async fn failing_since_is_the_first_failure_without_a_success_after_it(store: Store) {
    let main = register_for(&store, "main", "a").await;
    let failing_since = async |now| record(&store, &main, now).await.guard.failing_since;
    bring_to(&store, &main, "a", Transition::Exhaust, at(1)).await;
    bring_to(&store, &main, "a", Transition::Exhaust, at(2)).await;
    assert_eq!(failing_since(at(2)).await, Some(at(1)));
    publish(&store, "a", at(3)).await;
    let claimed = crate::fixture::claim_only(&store, at(3)).await;
    assert_eq!(claimed.failing_since, Some(at(1)));
    assert!(settle(&store, &claimed, Transition::Succeed, at(4)).await);
    assert_eq!(failing_since(at(4)).await, None);
    bring_to(&store, &main, "a", Transition::Exhaust, at(5)).await;
    assert_eq!(failing_since(at(5)).await, Some(at(5)));
}

pub(crate) async fn a_rate_limit_holds_over_claims_and_says_when_it_ends(store: Store) {
    let rate_limit = Some(RateLimit { requests: 5, per_seconds: 20 });
    register(&store, Endpoint { rate_limit, ..endpoint("main", &["a"]) }).await;
    for _ in 0..12 {
        publish(&store, "a", at(0)).await;
    }
    assert_eq!(claim_once(&store, ONE, 3, at(0)).await.deliveries.len(), 3);
    let rest = claim_by(&store, TWO, at(1)).await;
    assert_eq!(rest.len(), 2);
    for claimed in &rest {
        assert!(settle(&store, claimed, Transition::Succeed, at(2)).await);
    }
    // A place is free again when the twentieth part of the window in which it was taken has left the window: 3 after 21 s.
    let held = claim_once(&store, ONE, 10, at(2)).await;
    assert_eq!((held.deliveries.len(), held.next_at), (0, Some(at(21))));
    assert_eq!(claim(&store, at_millis(20_999)).await.len(), 0);
    assert_eq!(claim(&store, at(21)).await.len(), 3);
    assert_eq!(claim(&store, at(22)).await.len(), 2);
}

pub(crate) async fn what_is_given_back_costs_no_rate(store: Store) {
    let rate_limit = Some(RateLimit { requests: 2, per_seconds: 60 });
    register(&store, Endpoint { rate_limit, ..endpoint("main", &["a"]) }).await;
    for _ in 0..4 {
        publish(&store, "a", at(0)).await;
    }
    for _ in 0..3 {
        let claimed = claim(&store, at(0)).await;
        assert_eq!(claimed.len(), 2);
        store.release(claimed.into_iter().map(|claimed| claimed.lease).collect(), at(0)).await.unwrap();
    }
    let claimed = claim(&store, at(0)).await;
    assert_eq!(claimed.len(), 2);
    assert!(settle(&store, &claimed[0], Transition::Succeed, at(1)).await);
    assert_eq!(claim(&store, at(2)).await.len(), 0);
}

pub(crate) async fn a_cap_in_flight_holds_over_replicas(store: Store) {
    let main = register(&store, Endpoint { max_in_flight: 3, ..endpoint("main", &["a"]) }).await;
    for _ in 0..9 {
        publish(&store, "a", at(0)).await;
    }
    assert_eq!(claim_once(&store, ONE, 2, at(0)).await.deliveries.len(), 2);
    let mine = claim_by(&store, TWO, at(10)).await;
    assert_eq!(mine.len(), 1);
    assert_eq!(record(&store, &main, at(10)).await.guard.in_flight(at(10)), 3);
    let held = claim_once(&store, TWO, 10, at(11)).await;
    assert_eq!(held.deliveries.len(), 0);
    assert!(held.next_at.is_some_and(|next_at| next_at > at(11) && next_at <= at(0).plus(LEASE)));
    assert!(settle(&store, &mine[0], Transition::Succeed, at(12)).await);
    let mine = claim_by(&store, TWO, at(12)).await;
    assert_eq!(mine.len(), 1);
    let leases: Vec<_> = mine.iter().map(|claimed| claimed.lease.clone()).collect();
    store.extend(&leases, at(20), at(60)).await.unwrap();
    // The first replica is not heard of again: its two places are free, the one that was extended is not.
    assert_eq!(claim_by(&store, TWO, at(45)).await.len(), 2);
    assert_eq!(record(&store, &main, at(45)).await.guard.in_flight(at(45)), 3);
}

pub(crate) async fn a_held_endpoint_does_not_hold_another(store: Store) {
    opened(&store, at(0)).await;
    let other = register_for(&store, "other", "*").await;
    for _ in 0..500 {
        publish(&store, "a", at(1)).await;
    }
    let claimed = claim_once(&store, ONE, 20, at(2)).await.deliveries;
    assert_eq!(claimed.len(), 20);
    assert!(claimed.iter().all(|claimed| claimed.delivery.endpoint_id == other));
}
