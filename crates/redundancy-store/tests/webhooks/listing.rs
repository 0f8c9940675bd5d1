//! Finding deliveries.

use crate::fixture::{
    Store, at, bring_to, claim, deliveries, event, ids, publication, publish, publish_to, register_for,
    settle,
};
use redundancy_webhook::delivery::{Delivery, DeliveryFilter, DeliveryState};
use redundancy_webhook::ids::{DeliveryId, EventId, JobId};
use redundancy_webhook::store::{PageRequest, Transition};
use std::cmp::Reverse;
use std::collections::HashSet;

/// Deliveries in every state, of three types and times, to three endpoints.
async fn variety(store: &Store) -> Vec<Delivery> {
    let all = register_for(store, "all", "*").await;
    let one = register_for(store, "one", "a").await;
    register_for(store, "two", "b.*").await;
    for (second, transition) in [
        (10, Transition::Succeed),
        (20, Transition::Exhaust),
        (20, Transition::RetryAt(at(900))),
        (30, Transition::Succeed),
    ] {
        for kind in ["a", "b.c", "d"] {
            publish(store, kind, at(second)).await;
        }
        for claimed in claim(store, at(second)).await {
            assert!(settle(store, &claimed, transition, at(second)).await);
            // So that no breaker opens.
            bring_to(store, &all, "d", Transition::Succeed, at(second)).await;
        }
    }
    publish_to(store, &all, "a", at(40)).await;
    claim(store, at(40)).await;
    let cancelled = publish_to(store, &one, "a", at(50)).await;
    let from = [DeliveryState::Pending];
    store.change_delivery(cancelled, redundancy_webhook::store::Change::Cancel, &from, at(50)).await.unwrap();
    let found = deliveries(store, &DeliveryFilter::default(), 1_000).await;
    for state in DeliveryState::ALL {
        assert!(found.iter().any(|delivery| delivery.state == state), "{state:?}");
    }
    found
}

/// `value` or nothing.
fn maybe<T: Clone>(value: T) -> [Option<T>; 2] {
    [None, Some(value)]
}

pub(crate) async fn every_filter_and_combination_means_what_it_says(store: Store) {
    let everything = variety(&store).await;
    let mut is_met = 0;
    for sample in everything.iter().step_by(3) {
        for combination in 0..64_usize {
            let bit = |place: usize| (combination >> place) & 1;
            let filter = DeliveryFilter {
                endpoint_id: maybe(sample.endpoint_id.clone())[bit(0)].clone(),
                event_id: maybe(sample.event_id)[bit(1)],
                event_type: maybe(sample.event_type.clone())[bit(2)].clone(),
                state: maybe(sample.state)[bit(3)],
                since: maybe(sample.created_at)[bit(4)],
                until: maybe(at(30))[bit(5)],
            };
            let expected: Vec<&Delivery> =
                everything.iter().filter(|delivery| filter.matches(delivery)).collect();
            let found = deliveries(&store, &filter, 1_000).await;
            assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{filter:?}");
            is_met += usize::from(!found.is_empty());
        }
    }
    assert!(is_met > 0);
}

pub(crate) async fn deliveries_are_listed_newest_first_page_by_page(store: Store) {
    let everything = variety(&store).await;
    assert!(everything.is_sorted_by_key(|delivery| Reverse(delivery.id)));
    let filters = [
        DeliveryFilter::default(),
        DeliveryFilter { endpoint_id: Some("all".parse().unwrap()), ..DeliveryFilter::default() },
        DeliveryFilter { state: Some(DeliveryState::Succeeded), ..DeliveryFilter::default() },
        DeliveryFilter { since: Some(at(20)), until: Some(at(40)), ..DeliveryFilter::default() },
    ];
    for filter in filters {
        let expected: Vec<&Delivery> =
            everything.iter().filter(|delivery| filter.matches(delivery)).collect();
        for limit in [1, 4, expected.len()] {
            let found = deliveries(&store, &filter, limit).await;
            assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{limit} {filter:?}");
        }
    }
}

pub(crate) async fn pages_have_neither_gaps_nor_repeats_while_new_ones_arrive(store: Store) {
    let main = register_for(&store, "main", "a").await;
    let mut expected = Vec::new();
    for second in 0..30 {
        expected.push(publish_to(&store, &main, "a", at(second / 3)).await);
    }
    expected.sort_by_key(|id| Reverse(*id));
    let (mut found, mut after, mut second) = (Vec::new(), None, 100);
    loop {
        let request = PageRequest { after, limit: 4 };
        let page = store.deliveries(&DeliveryFilter::default(), request).await.unwrap();
        found.extend(page.items.iter().map(|delivery| delivery.id));
        publish(&store, "a", at(second)).await;
        second += 1;
        // Others change their state meanwhile.
        if let Some(claimed) = claim(&store, at(second)).await.first() {
            settle(&store, claimed, Transition::Succeed, at(second)).await;
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, expected);
    let unique: HashSet<DeliveryId> = found.iter().copied().collect();
    assert_eq!(unique.len(), 30);
}

pub(crate) async fn what_is_not_there_is_not_found(store: Store) {
    let main = register_for(&store, "main", "a").await;
    let never = event("a", at(1));
    assert!(store.delivery(DeliveryId::of(never.id, &main)).await.unwrap().is_none());
    assert!(store.event(never.id).await.unwrap().is_none());
    assert!(store.job(JobId::from_number(1)).await.unwrap().is_none());
    let page = PageRequest { after: None, limit: 5 };
    let none = store.deliveries(&DeliveryFilter::default(), page).await.unwrap();
    assert_eq!((none.items.len(), none.next), (0, None));
    store.publish(publication(never.clone())).await.unwrap();
    // A key that is not in the list is as good as any.
    for (after, count) in [(EventId::from_number(0), 0), (EventId::from_number(u128::MAX), 1)] {
        let after = Some(DeliveryId::from_number(after.number()));
        let page = PageRequest { after, limit: 5 };
        assert_eq!(store.deliveries(&DeliveryFilter::default(), page).await.unwrap().items.len(), count);
    }
    assert_eq!(ids(&claim(&store, at(1)).await), [DeliveryId::of(never.id, &main)]);
}
