//! Accepting events, and reading them.

use crate::fixture::{
    Store, at, claim, endpoint, event, event_in_slot, id, publication, publish, register, register_for,
    sweep_all,
};
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::delivery::DeliveryState;
use redundancy_webhook::endpoint::Endpoint;
use redundancy_webhook::ids::{DeliveryId, EventId};
use redundancy_webhook::store::{
    Audience, EventSummary, Idempotency, PageRequest, Publication, PublishError, idempotency_slot,
};

/// `event` under the key `key`, in the slot that belongs to it.
fn keyed(kind: &str, key: &str, fingerprint: u8, now: Timestamp) -> Publication {
    let event = event_in_slot(kind, now, Some(idempotency_slot(key)));
    let idempotency = Idempotency {
        key: key.to_owned(),
        fingerprint: [fingerprint; 32],
        expires_at: now.plus(std::time::Duration::from_hours(1)),
    };
    Publication { idempotency: Some(idempotency), ..publication(event) }
}

pub(crate) async fn each_wanting_endpoint_gets_one_delivery_due_at_once(store: Store) {
    register_for(&store, "by-name", "a.b").await;
    register_for(&store, "by-beginning", "a.*").await;
    register(&store, endpoint("twice", &["*", "a.b"])).await;
    register_for(&store, "other", "a.c").await;
    let published = publish(&store, "a.b", at(7)).await;
    assert_eq!((published.deliveries, published.is_repeat), (3, false));
    for name in ["by-name", "by-beginning", "twice"] {
        let delivery = DeliveryId::of(published.event_id, &id(name));
        let (found, attempts) = store.delivery(delivery).await.unwrap().unwrap();
        assert_eq!((found.id, found.event_id, found.endpoint_id), (delivery, published.event_id, id(name)));
        assert_eq!((found.event_type.as_str(), found.state), ("a.b", DeliveryState::Pending));
        assert_eq!((found.created_at, found.due_at), (at(7), Some(at(7))));
        assert_eq!((found.attempts, found.spent, attempts.len()), (0, 0, 0));
        assert_eq!((found.last_status, found.last_failure), (None, None));
    }
    assert!(store.delivery(DeliveryId::of(published.event_id, &id("other"))).await.unwrap().is_none());
    assert_eq!(claim(&store, at(7)).await.len(), 3);
}

pub(crate) async fn an_inactive_endpoint_gets_nothing_new(store: Store) {
    register(&store, Endpoint { is_active: false, ..endpoint("off", &["*"]) }).await;
    let published = publish(&store, "a", at(1)).await;
    assert_eq!(published.deliveries, 0);
    let on = Endpoint { revision: 1, ..endpoint("off", &["*"]) };
    store.replace_endpoint(on, false, at(2)).await.unwrap();
    assert_eq!(claim(&store, at(3)).await.len(), 0);
    assert_eq!(publish(&store, "a", at(3)).await.deliveries, 1);
}

pub(crate) async fn one_endpoint_can_be_left_out(store: Store) {
    let main = register_for(&store, "main", "*").await;
    register_for(&store, "other", "*").await;
    let publication =
        Publication { audience: Audience::SubscribersBut(main.clone()), ..publication(event("a", at(1))) };
    let published = store.publish(publication).await.unwrap();
    assert_eq!(published.deliveries, 1);
    assert!(store.delivery(DeliveryId::of(published.event_id, &main)).await.unwrap().is_none());
    assert_eq!(claim(&store, at(1)).await[0].delivery.endpoint_id, id("other"));
}

pub(crate) async fn an_unwanted_event_is_kept_only_if_asked(store: Store) {
    register_for(&store, "other", "b").await;
    for keep_unwanted in [true, false] {
        let event = event("a", at(1));
        let published =
            store.publish(Publication { keep_unwanted, ..publication(event.clone()) }).await.unwrap();
        assert_eq!((published.event_id, published.deliveries), (event.id, 0));
        let kept = store.event(event.id).await.unwrap();
        assert_eq!(kept, keep_unwanted.then_some((event, 0)));
    }
    let page = PageRequest { after: None, limit: 9 };
    assert_eq!(store.events(at(0), at(9), page).await.unwrap().items.len(), 1);
    // What is wanted is kept without being asked for.
    let wanted = event("b", at(2));
    store.publish(Publication { keep_unwanted: false, ..publication(wanted.clone()) }).await.unwrap();
    assert_eq!(store.event(wanted.id).await.unwrap(), Some((wanted, 1)));
}

pub(crate) async fn an_event_reads_back_with_the_same_bytes(store: Store) {
    register_for(&store, "main", "a").await;
    let mut event = event("a", at(1));
    event.traceparent = Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned());
    store.publish(publication(event.clone())).await.unwrap();
    assert_eq!(store.event(event.id).await.unwrap(), Some((event.clone(), 1)));
    assert_eq!(*claim(&store, at(1)).await[0].event, event);
    let without = crate::fixture::event("a", at(2));
    let without = redundancy_webhook::event::Event { request_id: None, ..without };
    store.publish(publication(without.clone())).await.unwrap();
    assert_eq!(store.event(without.id).await.unwrap(), Some((without, 1)));
    assert_eq!(store.event(EventId::from_number(7)).await.unwrap(), None);
}

pub(crate) async fn a_repeated_request_changes_nothing_and_is_answered_as_the_first(store: Store) {
    register_for(&store, "main", "a").await;
    let first = store.publish(keyed("a", "key", 1, at(1))).await.unwrap();
    assert_eq!((first.deliveries, first.is_repeat), (1, false));
    register_for(&store, "later", "a").await;
    let again = keyed("a", "key", 1, at(2));
    let unwritten = again.event.id;
    let second = store.publish(again).await.unwrap();
    assert_eq!((second.event_id, second.deliveries, second.is_repeat), (first.event_id, 1, true));
    assert_eq!(store.event(unwritten).await.unwrap(), None);
    assert_eq!(claim(&store, at(3)).await.len(), 1);
    // Other keys are other requests.
    assert!(!store.publish(keyed("a", "Key", 1, at(3))).await.unwrap().is_repeat);
}

pub(crate) async fn a_key_with_another_request_is_refused(store: Store) {
    register_for(&store, "main", "a").await;
    store.publish(keyed("a", "key", 1, at(1))).await.unwrap();
    let other = keyed("a", "key", 2, at(2));
    let unwritten = other.event.id;
    assert_eq!(store.publish(other).await, Err(PublishError::KeyReused));
    assert_eq!(store.event(unwritten).await.unwrap(), None);
    assert_eq!(claim(&store, at(3)).await.len(), 1);
    assert!(store.publish(keyed("a", "key", 1, at(4))).await.unwrap().is_repeat);
}

pub(crate) async fn an_expired_key_is_forgotten_by_the_sweep(store: Store) {
    register_for(&store, "main", "a").await;
    let first = store.publish(keyed("a", "key", 1, at(0))).await.unwrap();
    // It expires after an hour.
    sweep_all(&store, at(0), at(3_599)).await;
    assert!(store.publish(keyed("a", "key", 1, at(3_599))).await.unwrap().is_repeat);
    sweep_all(&store, at(0), at(3_600)).await;
    let again = store.publish(keyed("a", "key", 2, at(3_601))).await.unwrap();
    assert!(!again.is_repeat && again.event_id != first.event_id);
    assert_eq!(claim(&store, at(3_601)).await.len(), 2);
}

pub(crate) async fn what_is_wanted_follows_the_endpoints(store: Store) {
    let is_wanted = |kind: &str| store.is_wanted(&kind.parse().unwrap());
    assert!(!is_wanted("a.b"));
    register_for(&store, "main", "a.*").await;
    assert!(is_wanted("a.b") && !is_wanted("b"));
    let next = |revision, is_active| Endpoint { revision, is_active, ..endpoint("main", &["b"]) };
    store.replace_endpoint(next(1, true), false, at(1)).await.unwrap();
    assert!(!is_wanted("a.b") && is_wanted("b"));
    store.replace_endpoint(next(2, false), false, at(2)).await.unwrap();
    assert!(!is_wanted("b"));
    store.replace_endpoint(next(3, true), false, at(3)).await.unwrap();
    assert!(is_wanted("b"));
    store.delete_endpoint(&id("main"), at(4)).await.unwrap();
    assert!(!is_wanted("b"));
}

pub(crate) async fn events_are_listed_by_time_newest_first_page_by_page(store: Store) {
    register_for(&store, "main", "a").await;
    let mut published = Vec::new();
    for second in [1, 2, 2, 2, 3, 4, 5] {
        // Those of type b are kept although nobody wants them.
        let kind = if second % 2 == 0 { "a" } else { "b" };
        let event = event(kind, at(second));
        published.push((at(second), EventSummary { id: event.id, kind: event.kind.clone() }));
        store.publish(publication(event)).await.unwrap();
    }
    published.sort_by_key(|(_, summary)| std::cmp::Reverse(summary.id));
    for (since, until) in [(0, 9), (2, 4), (2, 5), (5, 6), (6, 9), (2, 2)] {
        let (since, until) = (at(since), at(until));
        let meant = published.iter().filter(|(made, _)| (since..until).contains(made));
        let expected: Vec<EventSummary> = meant.map(|(_, summary)| summary.clone()).collect();
        for limit in [1, 2, 7] {
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let page = store.events(since, until, PageRequest { after, limit }).await.unwrap();
                assert!(page.items.len() <= limit);
                found.extend(page.items);
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(found, expected);
        }
    }
}
