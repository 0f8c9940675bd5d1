//! More deliveries than memory holds at a time.

use crate::fixture::{ONE, Store, at, at_millis, claim_once, deliveries, event, register_for, settlement};
use crate::folder::{open, publish_all};
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::delivery::{DeliveryFilter, DeliveryState};
use redundancy_webhook::ids::{DeliveryId, EndpointId};
use redundancy_webhook::store::Transition;
use std::collections::BTreeSet;
use std::time::Duration;

/// More than the windows of two lanes.
const EVENTS: u64 = 10_000;
/// Nothing takes that long unless it never comes.
const DEADLINE: Duration = Duration::from_mins(1);

/// Publishes [`EVENTS`] events, a millisecond apart; gives their deliveries in the order in which they are due.
async fn backlog(store: &Store, endpoint: &EndpointId) -> BTreeSet<(Timestamp, DeliveryId)> {
    let events: Vec<_> = (0..EVENTS).map(|number| event("a", at_millis(number))).collect();
    let due = events.iter().map(|event| (event.created_at, DeliveryId::of(event.id, endpoint))).collect();
    publish_all(store, events).await;
    due
}

/// Delivers until `rest` are left: each claim must give what is next. Every `one_in`th attempt fails and is tried again in the
/// middle of what waits, once.
async fn deliver(
    store: &Store,
    expected: &mut BTreeSet<(Timestamp, DeliveryId)>,
    retried: &mut BTreeSet<DeliveryId>,
    rest: usize,
    one_in: usize,
) {
    let mut number = 0;
    while expected.len() > rest {
        let claimed = claim_once(store, ONE, 300, at(1_000)).await.deliveries;
        if claimed.is_empty() {
            // The next part is being read.
            tokio::time::timeout(DEADLINE, store.work_arrived()).await.expect("the rest does not come");
        }
        let mut settlements = Vec::new();
        for claimed in &claimed {
            let (due, id) = expected.pop_first().expect("more than there is");
            assert_eq!(claimed.delivery.id, id);
            number += 1;
            let fails = number % one_in == 0 && retried.insert(id);
            let transition = if fails {
                let later = due.plus(Duration::from_millis(EVENTS / 3));
                expected.insert((later, id));
                Transition::RetryAt(later)
            } else {
                Transition::Succeed
            };
            settlements.push(settlement(claimed, transition, at(1_000)));
        }
        assert!(store.settle(settlements).await.unwrap().iter().all(|settled| settled.is_taken()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_is_delivered_completely_and_in_order_with_retries_in_between() {
    let folder = tempfile::tempdir().unwrap();
    let store: Store = open(folder.path());
    let main = register_for(&store, "main", "a").await;
    let mut expected = backlog(&store, &main).await;
    let mut retried = BTreeSet::new();
    // Never four failures in a row, so that the breaker stays closed.
    deliver(&store, &mut expected, &mut retried, 0, 7).await;
    assert!(retried.len() > 1_000);
    let total = store.queue_stats(at(1_000)).await.unwrap().total;
    assert_eq!((total.pending, total.in_flight, total.delivered), (0, 0, EVENTS));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_goes_on_where_it_was_after_the_store_was_closed() {
    let folder = tempfile::tempdir().unwrap();
    let mut store: Store = open(folder.path());
    let main = register_for(&store, "main", "a").await;
    let mut expected = backlog(&store, &main).await;
    let mut retried = BTreeSet::new();
    for rest in [7_000, 2_000, 0] {
        drop(store);
        store = open(folder.path());
        let pending = store.queue_stats(at(1_000)).await.unwrap().total.pending;
        assert_eq!(pending, expected.len() as u64);
        deliver(&store, &mut expected, &mut retried, rest, 5).await;
    }
    let filter = DeliveryFilter { state: Some(DeliveryState::Succeeded), ..DeliveryFilter::default() };
    assert_eq!(deliveries(&store, &filter, 2_000).await.len() as u64, EVENTS);
}
