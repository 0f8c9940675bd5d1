//! Registering, changing and deleting endpoints.

use crate::fixture::{
    Store, at, attempts, bring_to, claim, claim_only, endpoint, id, publish_to, record, register,
    register_for, settle, state,
};
use redundancy_webhook::Scheme;
use redundancy_webhook::breaker::BreakerState;
use redundancy_webhook::delivery::DeliveryState;
use redundancy_webhook::endpoint::{DisabledReason, Endpoint, PreviousSecret};
use redundancy_webhook::rate_window::RateLimit;
use redundancy_webhook::retry::RetryPolicy;
use redundancy_webhook::store::{EndpointWriteError, PageRequest, Transition};
use redundancy_webhook::{SigningSecret, breaker::BreakerConfig};
use std::collections::BTreeMap;
use std::time::Duration;

/// An endpoint in which no field is as usual.
fn unusual() -> Endpoint {
    let other: SigningSecret = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".parse().unwrap();
    let metadata = serde_json::json!({ "team": "billing", "nested": { "ñ": [1, 2.5, null] } });
    Endpoint {
        previous_secrets: vec![PreviousSecret { secret: other, expires_at: at(86_400) }],
        scheme: Scheme::V1a,
        description: Some("Where the bills go: ñ ✓".to_owned()),
        headers: BTreeMap::from([("x-tenant".to_owned(), "7".to_owned())]),
        timeout: Duration::from_millis(1234),
        retry: RetryPolicy {
            max_attempts: 3,
            initial_delay_ms: 7,
            multiplier: 1.5,
            max_delay_ms: 99,
            jitter: 0.25,
            schedule_ms: Some(vec![1, 2, 3]),
        },
        rate_limit: Some(RateLimit { requests: 5, per_seconds: 9 }),
        max_in_flight: 4,
        is_active: false,
        disabled_reason: Some(DisabledReason::Failing),
        metadata: metadata.as_object().unwrap().clone(),
        created_at: at(1),
        updated_at: at(2),
        revision: 7,
        ..endpoint("un.usual-id_1", &["*", "a.*", "b.c"])
    }
}

/// Compares all fields. Secrets cannot be compared, but what they sign can.
fn assert_same(one: &Endpoint, other: &Endpoint) {
    let shown = |endpoint: &Endpoint| format!("{endpoint:?}");
    assert_eq!(shown(one), shown(other));
    assert_eq!((&one.headers, &one.description), (&other.headers, &other.description));
    assert_eq!(one.url, other.url);
    let keys = |endpoint: &Endpoint| -> Vec<String> {
        let previous = endpoint.previous_secrets.iter().map(|previous| &previous.secret);
        std::iter::once(&endpoint.secret).chain(previous).map(SigningSecret::reveal).collect()
    };
    assert_eq!(keys(one), keys(other));
}

pub(crate) async fn an_endpoint_reads_back_with_all_its_fields(store: Store) {
    register(&store, unusual()).await;
    let found = record(&store, &unusual().id, at(5)).await;
    assert_same(&found.endpoint, &unusual());
    assert_eq!(found.guard.breaker.state, BreakerState::Closed);
    assert_eq!((found.guard.in_flight(at(5)), found.guard.failing_since), (0, None));
    assert_eq!(found.counts, redundancy_webhook::store::EndpointCounts::default());
    let page = store.endpoints(PageRequest { after: None, limit: 9 }, at(5)).await.unwrap();
    assert_same(&page.items[0].endpoint, &unusual());
    assert!(store.endpoint(&id("another"), at(5)).await.unwrap().is_none());
}

pub(crate) async fn an_id_that_is_taken_is_refused(store: Store) {
    register_for(&store, "main", "a").await;
    let again = Endpoint { description: Some("another one".to_owned()), ..endpoint("main", &["b"]) };
    assert_eq!(store.create_endpoint(again).await, Err(EndpointWriteError::Exists));
    let kept = record(&store, &id("main"), at(0)).await.endpoint;
    assert_same(&kept, &endpoint("main", &["a"]));
}

pub(crate) async fn a_replacement_needs_the_next_revision(store: Store) {
    register_for(&store, "main", "a").await;
    let next = |revision| Endpoint { revision, updated_at: at(3), ..endpoint("main", &["b", "c.*"]) };
    for wrong in [0, 2] {
        let refused = store.replace_endpoint(next(wrong), false, at(3)).await;
        assert_eq!(refused, Err(EndpointWriteError::Changed), "{wrong}");
    }
    store.replace_endpoint(next(1), false, at(3)).await.unwrap();
    assert_same(&record(&store, &id("main"), at(3)).await.endpoint, &next(1));
    assert_eq!(store.replace_endpoint(next(1), false, at(4)).await, Err(EndpointWriteError::Changed));
    let unknown = Endpoint { revision: 1, ..endpoint("unknown", &["a"]) };
    assert_eq!(store.replace_endpoint(unknown, false, at(4)).await, Err(EndpointWriteError::Changed));
    assert!(store.endpoint(&id("unknown"), at(4)).await.unwrap().is_none());
}

pub(crate) async fn forgiving_resets_the_guard_and_replacing_does_not(store: Store) {
    let main = register_for(&store, "main", "a").await;
    for _ in 0..BreakerConfig::default().failure_threshold {
        bring_to(&store, &main, "a", Transition::Exhaust, at(10)).await;
    }
    let next = |revision| Endpoint { revision, ..endpoint("main", &["a"]) };
    store.replace_endpoint(next(1), false, at(11)).await.unwrap();
    let guard = record(&store, &main, at(11)).await.guard;
    assert!(matches!(guard.breaker.state, BreakerState::Open { .. }));
    assert_eq!(guard.failing_since, Some(at(10)));

    store.replace_endpoint(next(2), true, at(12)).await.unwrap();
    let guard = record(&store, &main, at(12)).await.guard;
    assert_eq!((guard.breaker.state, guard.breaker.failures), (BreakerState::Closed, 0));
    assert_eq!((guard.breaker.since, guard.failing_since), (at(12), None));
    publish_to(&store, &main, "a", at(12)).await;
    assert_eq!(claim(&store, at(12)).await.len(), 1);
}

pub(crate) async fn deleting_cancels_what_is_pending_and_says_whether_it_was_there(store: Store) {
    let [main, other] = [register_for(&store, "main", "a").await, register_for(&store, "other", "a").await];
    let done = bring_to(&store, &main, "a", Transition::Succeed, at(1)).await;
    let waits = publish_to(&store, &main, "a", at(2)).await;
    assert!(store.delete_endpoint(&main, at(3)).await.unwrap());
    assert!(!store.delete_endpoint(&main, at(4)).await.unwrap());
    assert!(store.endpoint(&main, at(4)).await.unwrap().is_none());
    assert_eq!(state(&store, done).await, DeliveryState::Succeeded);
    let cancelled = crate::fixture::delivery(&store, waits).await;
    assert_eq!((cancelled.state, cancelled.due_at), (DeliveryState::Cancelled, None));
    assert_eq!(cancelled.updated_at, at(3));
    assert_eq!(claim_only(&store, at(5)).await.delivery.endpoint_id, other);
}

pub(crate) async fn what_is_under_way_to_a_deleted_endpoint_is_cancelled_unless_it_succeeds(store: Store) {
    let main = register_for(&store, "main", "a").await;
    for second in [1, 1, 1, 1] {
        publish_to(&store, &main, "a", at(second)).await;
    }
    let claimed = claim(&store, at(2)).await;
    assert_eq!(claimed.len(), 4);
    store.delete_endpoint(&main, at(3)).await.unwrap();
    settle(&store, &claimed[0], Transition::Succeed, at(4)).await;
    settle(&store, &claimed[1], Transition::RetryAt(at(9)), at(4)).await;
    store.release(vec![claimed[2].lease.clone()], at(4)).await.unwrap();
    // The last one is not heard of again.
    assert_eq!(claim(&store, at(100)).await.len(), 0);
    let expected = [
        DeliveryState::Succeeded,
        DeliveryState::Cancelled,
        DeliveryState::Cancelled,
        DeliveryState::Cancelled,
    ];
    for (claimed, expected) in claimed.iter().zip(expected) {
        assert_eq!(state(&store, claimed.delivery.id).await, expected);
    }
    assert_eq!(attempts(&store, claimed[0].delivery.id).await.len(), 1);
    let total = store.queue_stats(at(100)).await.unwrap().total;
    assert_eq!((total.pending, total.in_flight), (0, 0));
}

pub(crate) async fn a_deleted_endpoint_can_be_registered_again(store: Store) {
    let main = register_for(&store, "main", "a").await;
    bring_to(&store, &main, "a", Transition::Exhaust, at(1)).await;
    publish_to(&store, &main, "a", at(1)).await;
    store.delete_endpoint(&main, at(2)).await.unwrap();
    register_for(&store, "main", "a").await;
    let new = record(&store, &main, at(3)).await;
    assert_eq!((new.endpoint.revision, new.guard.failing_since), (0, None));
    let delivery = publish_to(&store, &main, "a", at(4)).await;
    assert_eq!(claim_only(&store, at(4)).await.delivery.id, delivery);
}

pub(crate) async fn endpoints_are_listed_by_id_page_by_page(store: Store) {
    let names = ["Z", "a", "a-1", "a.1", "a1", "b", "ep_00"];
    for name in names.iter().rev() {
        register_for(&store, name, "a").await;
    }
    for limit in [1, 3, 7, 100] {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = store.endpoints(PageRequest { after, limit }, at(1)).await.unwrap();
            assert!(page.items.len() <= limit);
            found.extend(page.items.into_iter().map(|record| record.endpoint.id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let mut expected = names.map(id);
        expected.sort();
        assert_eq!(found, expected, "{limit}");
    }
}
