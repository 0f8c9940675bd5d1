//! What becomes of deliveries after their attempts.

use crate::fixture::{
    Store, TWO, at, attempt, attempts, bring_to, claim, claim_by, claim_only, delivery, disabling, endpoint,
    event_in_slot, id, ids, publication, publish, publish_to, record, register_for, settle, settle_each,
    settle_one, settlement, state,
};
use redundancy_webhook::delivery::{Attempt, DeliveryState};
use redundancy_webhook::endpoint::{DisabledReason, Endpoint};
use redundancy_webhook::failure::FailureReason;
use redundancy_webhook::ids::DeliveryId;
use redundancy_webhook::store::{Audience, Publication, Settlement, Transition};
use std::time::Duration;

pub(crate) async fn a_success_finishes_a_delivery(store: Store) {
    let main = register_for(&store, "main", "a").await;
    let id = publish_to(&store, &main, "a", at(1)).await;
    let claimed = claim_only(&store, at(2)).await;
    assert!(settle(&store, &claimed, Transition::Succeed, at(3)).await);
    let done = delivery(&store, id).await;
    assert_eq!((done.state, done.due_at, done.updated_at), (DeliveryState::Succeeded, None, at(3)));
    assert_eq!((done.attempts, done.spent, done.created_at), (1, 1, at(1)));
    assert_eq!((done.last_status, done.last_failure), (Some(204), None));
    assert_eq!(claim(&store, at(1_000)).await.len(), 0);
}

pub(crate) async fn a_failure_waits_for_its_next_attempt(store: Store) {
    let main = register_for(&store, "main", "a").await;
    let id = publish_to(&store, &main, "a", at(1)).await;
    let claimed = claim_only(&store, at(2)).await;
    assert!(settle(&store, &claimed, Transition::RetryAt(at(60)), at(3)).await);
    let waits = delivery(&store, id).await;
    assert_eq!((waits.state, waits.due_at, waits.updated_at), (DeliveryState::Pending, Some(at(60)), at(3)));
    assert_eq!((waits.attempts, waits.spent), (1, 1));
    assert_eq!((waits.last_status, waits.last_failure), (Some(503), Some(FailureReason::Status)));
    let again = claim_only(&store, at(60)).await;
    assert_eq!((again.delivery.id, again.delivery.attempts), (id, 1));
    assert!(settle(&store, &again, Transition::Succeed, at(61)).await);
    let done = delivery(&store, id).await;
    assert_eq!((done.attempts, done.last_status, done.last_failure), (2, Some(204), None));
}

pub(crate) async fn an_exhausted_delivery_is_a_dead_letter(store: Store) {
    let main = register_for(&store, "main", "a").await;
    let id = bring_to(&store, &main, "a", Transition::Exhaust, at(1)).await;
    let dead = delivery(&store, id).await;
    assert_eq!((dead.state, dead.due_at), (DeliveryState::Exhausted, None));
    assert_eq!(claim(&store, at(1_000)).await.len(), 0);
    let counts = record(&store, &main, at(1)).await.counts;
    assert_eq!((counts.dead_letters, counts.failed), (1, 1));
}

pub(crate) async fn attempts_keep_their_order_and_all_their_fields(store: Store) {
    let main = register_for(&store, "main", "a").await;
    let id = publish_to(&store, &main, "a", at(1)).await;
    let mut expected = Vec::new();
    let failures =
        [FailureReason::Dns, FailureReason::Timeout, FailureReason::Status, FailureReason::Protocol];
    for (number, failure) in (1..).zip(failures.map(Some).into_iter().chain([None])) {
        let now = at(u64::from(number) * 100);
        let claimed = claim_only(&store, now).await;
        let transition = if failure.is_some() {
            Transition::RetryAt(now.plus(Duration::from_secs(1)))
        } else {
            Transition::Succeed
        };
        let attempt = Attempt {
            duration: Duration::from_millis(u64::from(number) * 7),
            response_headers: vec![
                ("x-number".to_owned(), number.to_string()),
                ("x-number".to_owned(), "twice".to_owned()),
            ],
            response_body: format!("ñ ✓ \u{fffd}\0\n{}", "x".repeat(16 << 10)),
            ..attempt(number, failure, now)
        };
        expected.push(attempt.clone());
        let settlement = Settlement { attempt, ..settlement(&claimed, transition, now) };
        assert!(settle_one(&store, settlement).await);
        assert!(attempts(&store, id).await == expected, "after attempt {number}");
    }
}

pub(crate) async fn settlements_are_taken_each_for_itself(store: Store) {
    register_for(&store, "main", "a").await;
    register_for(&store, "other", "a").await;
    for _ in 0..3 {
        publish(&store, "a", at(1)).await;
    }
    let claimed = claim(&store, at(1)).await;
    store.release(vec![claimed[2].lease.clone()], at(2)).await.unwrap();
    let transitions = [
        Transition::Succeed,
        Transition::RetryAt(at(9)),
        Transition::Exhaust,
        Transition::Exhaust,
        Transition::Succeed,
        Transition::RetryAt(at(10)),
    ];
    let settlements =
        claimed.iter().zip(transitions).map(|(claimed, transition)| settlement(claimed, transition, at(3)));
    let taken = settle_each(&store, settlements.collect()).await;
    // The third was given back before.
    assert_eq!(taken, [true, true, false, true, true, true]);
    let expected = [
        DeliveryState::Succeeded,
        DeliveryState::Pending,
        DeliveryState::Pending,
        DeliveryState::Exhausted,
        DeliveryState::Succeeded,
        DeliveryState::Pending,
    ];
    for (claimed, expected) in claimed.iter().zip(expected) {
        assert_eq!(state(&store, claimed.delivery.id).await, expected);
    }
    assert_eq!(settle_each(&store, Vec::new()).await, [false; 0]);
}

pub(crate) async fn a_failure_under_a_lost_lease_changes_nothing(store: Store) {
    let main = register_for(&store, "main", "a").await;
    register_for(&store, "told", "told").await;
    let id = publish_to(&store, &main, "a", at(1)).await;
    let lost = claim_only(&store, at(1)).await;
    let again = claim_by(&store, TWO, at(40)).await;
    for transition in [Transition::RetryAt(at(41)), Transition::Exhaust] {
        let event = event_in_slot("told", at(41), Some(id.slot()));
        let settlement = Settlement {
            disables: Some(disabling(&lost, None)),
            follow_ups: vec![publication(event.clone())],
            ..settlement(&lost, transition, at(41))
        };
        assert!(!settle_one(&store, settlement).await);
        assert!(store.event(event.id).await.unwrap().is_none());
    }
    assert_eq!(delivery(&store, id).await.state, DeliveryState::InFlight);
    assert_eq!(attempts(&store, id).await.len(), 0);
    let record = record(&store, &main, at(41)).await;
    assert!(record.endpoint.is_active && record.guard.failing_since.is_none());
    assert_eq!((record.counts.failed, record.counts.in_flight), (0, 1));
    assert_eq!(record.guard.in_flight(at(41)), 1);
    assert!(settle(&store, &again[0], Transition::Succeed, at(42)).await);
}

pub(crate) async fn a_failure_after_the_end_of_its_lease_changes_nothing(store: Store) {
    let main = register_for(&store, "main", "a").await;
    let id = publish_to(&store, &main, "a", at(1)).await;
    let lost = claim_only(&store, at(1)).await;
    assert!(!settle(&store, &lost, Transition::Exhaust, at(40)).await);
    assert_eq!(ids(&claim(&store, at(41)).await), [id]);
    assert_eq!(attempts(&store, id).await.len(), 0);
}

pub(crate) async fn a_late_success_counts_unless_the_delivery_is_finished(store: Store) {
    let main = register_for(&store, "main", "a").await;
    // Nobody has it meanwhile.
    let waits = publish_to(&store, &main, "a", at(1)).await;
    let late = claim_only(&store, at(1)).await;
    assert!(settle(&store, &late, Transition::Succeed, at(100)).await);
    assert_eq!(state(&store, waits).await, DeliveryState::Succeeded);
    assert_eq!(claim(&store, at(101)).await.len(), 0);

    // Somebody has it meanwhile, and makes it in vain.
    let taken = publish_to(&store, &main, "a", at(200)).await;
    let late = claim_only(&store, at(200)).await;
    let again = claim_by(&store, TWO, at(300)).await;
    assert!(settle(&store, &late, Transition::Succeed, at(301)).await);
    assert!(!settle(&store, &again[0], Transition::RetryAt(at(303)), at(302)).await);
    assert!(!settle(&store, &again[0], Transition::Succeed, at(302)).await);
    assert_eq!(state(&store, taken).await, DeliveryState::Succeeded);
    assert_eq!(attempts(&store, taken).await.len(), 1);
    assert_eq!(claim(&store, at(400)).await.len(), 0);

    // It was given up meanwhile.
    let dead = publish_to(&store, &main, "a", at(500)).await;
    let late = claim_only(&store, at(500)).await;
    let again = claim_by(&store, TWO, at(600)).await;
    assert!(settle(&store, &again[0], Transition::Exhaust, at(601)).await);
    assert!(!settle(&store, &late, Transition::Succeed, at(602)).await);
    assert_eq!(state(&store, dead).await, DeliveryState::Exhausted);
    let counts = record(&store, &main, at(602)).await.counts;
    assert_eq!((counts.delivered, counts.failed, counts.pending, counts.in_flight), (2, 1, 0, 0));
}

pub(crate) async fn nothing_is_settled_twice(store: Store) {
    let main = register_for(&store, "main", "a").await;
    let id = publish_to(&store, &main, "a", at(1)).await;
    let claimed = claim_only(&store, at(1)).await;
    let twice = vec![settlement(&claimed, Transition::Succeed, at(2)); 2];
    assert_eq!(settle_each(&store, twice).await, [true, false]);
    assert!(!settle(&store, &claimed, Transition::Succeed, at(3)).await);
    assert!(!settle(&store, &claimed, Transition::RetryAt(at(4)), at(3)).await);
    assert_eq!(attempts(&store, id).await.len(), 1);
    assert_eq!(record(&store, &main, at(3)).await.counts.delivered, 1);
}

pub(crate) async fn events_that_follow_are_published_with_their_deliveries(store: Store) {
    let main = register_for(&store, "main", "*").await;
    let told = register_for(&store, "told", "told").await;
    let id = publish_to(&store, &main, "a", at(1)).await;
    let claimed = claim_only(&store, at(1)).await;
    let event = event_in_slot("told", at(2), Some(id.slot()));
    let unwanted = event_in_slot("unwanted", at(2), Some(id.slot()));
    let but_main = |event| Publication {
        audience: Audience::SubscribersBut(main.clone()),
        keep_unwanted: false,
        ..publication(event)
    };
    let settlement = Settlement {
        follow_ups: vec![but_main(event.clone()), but_main(unwanted.clone())],
        ..settlement(&claimed, Transition::Exhaust, at(2))
    };
    assert!(settle_one(&store, settlement).await);
    assert_eq!(store.event(event.id).await.unwrap(), Some((event.clone(), 1)));
    assert_eq!(store.event(unwanted.id).await.unwrap(), None);
    let follows = claim_only(&store, at(2)).await;
    assert_eq!(follows.delivery.id, DeliveryId::of(event.id, &told));
    assert_eq!(*follows.event, event);
}

pub(crate) async fn disabling_keeps_what_is_pending_until_the_endpoint_is_active(store: Store) {
    let main = register_for(&store, "main", "a").await;
    let dead = publish_to(&store, &main, "a", at(1)).await;
    let gone = claim_only(&store, at(1)).await;
    let waits = publish_to(&store, &main, "a", at(2)).await;
    let settlement = Settlement {
        disables: Some(disabling(&gone, None)),
        ..settlement(&gone, Transition::Exhaust, at(3))
    };
    assert!(settle_one(&store, settlement).await);
    let disabled = record(&store, &main, at(3)).await.endpoint;
    assert_eq!((disabled.is_active, disabled.disabled_reason), (false, Some(DisabledReason::Gone)));
    assert_eq!((disabled.revision, disabled.updated_at), (1, at(3)));
    assert_eq!(state(&store, dead).await, DeliveryState::Exhausted);
    assert!(!store.is_wanted(&"a".parse().unwrap()));
    assert_eq!(publish(&store, "a", at(4)).await.deliveries, 0);
    assert_eq!(claim(&store, at(5)).await.len(), 0);
    assert_eq!(state(&store, waits).await, DeliveryState::Pending);
    let enabled = Endpoint { revision: 2, ..endpoint("main", &["a"]) };
    store.replace_endpoint(enabled, true, at(6)).await.unwrap();
    assert_eq!(claim_only(&store, at(6)).await.delivery.id, waits);
    assert_eq!(record(&store, &id("main"), at(6)).await.endpoint.disabled_reason, None);
}
