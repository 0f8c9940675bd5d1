//! What people do to deliveries.

use crate::fixture::{
    Store, at, attempts, bring_to, claim, claim_only, delivery, event, publication, publish, publish_to,
    record, register_for, settle, state, sweep_all,
};
use redundancy_webhook::delivery::DeliveryState::{Cancelled, Exhausted, InFlight, Pending, Succeeded};
use redundancy_webhook::ids::DeliveryId;
use redundancy_webhook::store::{Change, Changed, Transition};

pub(crate) async fn a_dead_letter_is_queued_again_with_all_attempts_of_its_policy(store: Store) {
    let main = register_for(&store, "main", "a").await;
    let id = publish_to(&store, &main, "a", at(1)).await;
    for (second, transition) in [(1, Transition::RetryAt(at(2))), (2, Transition::Exhaust)] {
        settle(&store, &claim_only(&store, at(second)).await, transition, at(second)).await;
    }
    let changed = store.change_delivery(id, Change::Requeue, &[Exhausted], at(10)).await.unwrap();
    let now = delivery(&store, id).await;
    assert_eq!(changed, Changed::Done(now.clone()));
    assert_eq!((now.state, now.due_at, now.updated_at), (Pending, Some(at(10)), at(10)));
    assert_eq!((now.attempts, now.spent, now.created_at), (2, 0, at(1)));
    assert_eq!(attempts(&store, id).await.len(), 2);
    let counts = record(&store, &main, at(10)).await.counts;
    assert_eq!((counts.pending, counts.dead_letters, counts.failed), (1, 0, 1));
    let again = claim_only(&store, at(10)).await;
    assert_eq!((again.delivery.id, again.delivery.attempts, again.delivery.spent), (id, 2, 0));
    assert!(settle(&store, &again, Transition::Succeed, at(11)).await);
    let numbers: Vec<u32> = attempts(&store, id).await.iter().map(|attempt| attempt.number).collect();
    assert_eq!(numbers, [1, 2, 3]);
    assert_eq!((delivery(&store, id).await.attempts, delivery(&store, id).await.spent), (3, 1));
}

pub(crate) async fn a_pending_delivery_can_be_cancelled(store: Store) {
    let main = register_for(&store, "main", "a").await;
    let id = publish_to(&store, &main, "a", at(1)).await;
    let changed = store.change_delivery(id, Change::Cancel, &[Pending], at(2)).await.unwrap();
    let now = delivery(&store, id).await;
    assert_eq!(changed, Changed::Done(now.clone()));
    assert_eq!((now.state, now.due_at, now.updated_at), (Cancelled, None, at(2)));
    assert_eq!(claim(&store, at(1_000)).await.len(), 0);
    assert_eq!(record(&store, &main, at(2)).await.counts.pending, 0);
    // And queued again.
    store.change_delivery(id, Change::Requeue, &[Cancelled], at(1_001)).await.unwrap();
    assert_eq!(claim_only(&store, at(1_001)).await.delivery.id, id);
}

pub(crate) async fn a_waiting_retry_can_be_made_due_at_once(store: Store) {
    let main = register_for(&store, "main", "a").await;
    let id = bring_to(&store, &main, "a", Transition::RetryAt(at(10_000)), at(1)).await;
    assert_eq!(claim(&store, at(5)).await.len(), 0);
    store.change_delivery(id, Change::Requeue, &[Pending, Exhausted], at(6)).await.unwrap();
    let again = claim_only(&store, at(6)).await;
    assert_eq!((again.delivery.id, again.delivery.spent), (id, 0));
    // It is not handed out once more when it would have been due.
    assert!(settle(&store, &again, Transition::Succeed, at(7)).await);
    assert_eq!(claim(&store, at(10_001)).await.len(), 0);
}

pub(crate) async fn a_delivery_in_another_state_is_left_alone(store: Store) {
    let main = register_for(&store, "main", "a").await;
    let done = bring_to(&store, &main, "a", Transition::Succeed, at(1)).await;
    let under_way = publish_to(&store, &main, "a", at(2)).await;
    let claimed = claim_only(&store, at(2)).await;
    let waits = publish_to(&store, &main, "a", at(3)).await;
    for (id, is) in [(done, Succeeded), (under_way, InFlight), (waits, Pending)] {
        for change in [Change::Requeue, Change::Cancel] {
            let refused = store.change_delivery(id, change, &[Exhausted, Cancelled], at(4)).await.unwrap();
            assert_eq!(refused, Changed::WrongState(is));
            assert_eq!(state(&store, id).await, is);
        }
    }
    assert_eq!(delivery(&store, waits).await.updated_at, at(3));
    assert!(settle(&store, &claimed, Transition::Succeed, at(5)).await);
}

pub(crate) async fn what_is_gone_cannot_be_changed(store: Store) {
    let main = register_for(&store, "main", "a").await;
    let never = DeliveryId::of(event("a", at(1)).id, &main);
    let dead = bring_to(&store, &main, "a", Transition::Exhaust, at(1)).await;
    store.delete_endpoint(&main, at(2)).await.unwrap();
    for id in [never, dead] {
        for change in [Change::Requeue, Change::Cancel] {
            let changed = store.change_delivery(id, change, &[Exhausted], at(3)).await.unwrap();
            assert_eq!(changed, Changed::NotFound);
        }
    }
    assert_eq!(state(&store, dead).await, Exhausted);
}

pub(crate) async fn a_delivery_is_added_once_and_only_if_both_ends_exist(store: Store) {
    let late = register_for(&store, "late", "other").await;
    let old = publish(&store, "a", at(1)).await.event_id;
    assert!(store.add_delivery(old, &late, at(50)).await.unwrap());
    assert!(!store.add_delivery(old, &late, at(51)).await.unwrap());
    let id = DeliveryId::of(old, &late);
    let added = delivery(&store, id).await;
    assert_eq!((added.state, added.due_at, added.created_at), (Pending, Some(at(50)), at(1)));
    assert_eq!(added.event_type.as_str(), "a");
    assert_eq!(store.event(old).await.unwrap().unwrap().1, 1);
    assert_eq!(record(&store, &late, at(51)).await.counts.pending, 1);
    let claimed = claim_only(&store, at(50)).await;
    assert_eq!((claimed.delivery.id, claimed.event.id), (id, old));
    assert!(settle(&store, &claimed, Transition::Succeed, at(52)).await);
    assert!(!store.add_delivery(old, &late, at(53)).await.unwrap());

    let unknown = "unknown".parse().unwrap();
    assert!(!store.add_delivery(old, &unknown, at(54)).await.unwrap());
    let never = event("a", at(54));
    assert!(!store.add_delivery(never.id, &late, at(54)).await.unwrap());
    store.publish(publication(never.clone())).await.unwrap();
    sweep_all(&store, at(100), at(100)).await;
    assert!(!store.add_delivery(never.id, &late, at(101)).await.unwrap());
}
