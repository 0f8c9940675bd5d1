//! Many who use what is in one store at the same time: tasks, and replicas where there may be some.

use crate::fixture::{
    LEASE, ONE, Store, TWO, at, attempts, bring_to, claim_by, claim_once, claim_only, endpoint, event,
    event_in_slot, ids, publication, publish, publish_to, register, register_for, settle, settle_each,
    settle_one, settlement, sorted, state,
};
use redundancy_webhook::delivery::DeliveryState;
use redundancy_webhook::endpoint::Endpoint;
use redundancy_webhook::guard::ReplicaId;
use redundancy_webhook::ids::DeliveryId;
use redundancy_webhook::store::{Change, Settlement, Transition};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinSet;

/// Nothing takes that long unless it never comes.
const DEADLINE: Duration = Duration::from_secs(10);
/// Tasks that publish.
const PUBLISHERS: usize = 8;
/// Events of each of them.
const EVENTS: usize = 25;
/// Tasks that claim and settle.
const WORKERS: u64 = 4;

/// Waits until `store` says that there may be something to claim.
async fn arrival(store: &Store) {
    tokio::time::timeout(DEADLINE, store.work_arrived()).await.expect("nobody was woken");
}

pub(crate) async fn an_endpoint_is_known_to_all_once_it_is_registered(one: Store, other: Store) {
    // What is wanted may be answered from memory there; this makes it remember.
    assert_eq!(publish(&other, "a", at(0)).await.deliveries, 0);
    let main = register_for(&one, "main", "a").await;
    assert_eq!(publish(&other, "a", at(1)).await.deliveries, 1);
    assert_eq!(claim_by(&other, TWO, at(1)).await.len(), 1);
    let off = Endpoint { is_active: false, revision: 1, ..endpoint("main", &["a"]) };
    other.replace_endpoint(off, false, at(2)).await.unwrap();
    assert_eq!(publish(&one, "a", at(3)).await.deliveries, 0);
    let on = Endpoint { revision: 2, ..endpoint("main", &["b"]) };
    one.replace_endpoint(on, false, at(4)).await.unwrap();
    assert_eq!(publish(&other, "b", at(5)).await.deliveries, 1);
    assert_eq!(claim_only(&other, at(5)).await.endpoint.revision, 2);
    assert!(other.delete_endpoint(&main, at(6)).await.unwrap());
    assert_eq!(publish(&one, "b", at(7)).await.deliveries, 0);
}

pub(crate) async fn two_handles_never_hand_out_the_same(one: Store, other: Store) {
    register_for(&one, "main", "a").await;
    let mut expected = Vec::new();
    for _ in 0..20 {
        expected.push(DeliveryId::of(publish(&one, "a", at(1)).await.event_id, &"main".parse().unwrap()));
    }
    let mut found = ids(&claim_once(&one, ONE, 7, at(1)).await.deliveries);
    found.extend(ids(&claim_by(&other, TWO, at(1)).await));
    assert_eq!(sorted(found), sorted(expected));
}

pub(crate) async fn a_lost_replica_loses_nothing(one: Store, other: Store) {
    register(&one, Endpoint { max_in_flight: 5, ..endpoint("main", &["a"]) }).await;
    for _ in 0..8 {
        publish(&one, "a", at(1)).await;
    }
    assert_eq!(claim_by(&one, ONE, at(1)).await.len(), 5);
    let next_at = claim_once(&other, TWO, 10, at(2)).await.next_at.unwrap();
    assert!(next_at <= at(1).plus(LEASE));
    let mut now = at(1).plus(LEASE);
    let mut done = 0;
    while done < 8 {
        let claimed = claim_by(&other, TWO, now).await;
        assert!((1..=5).contains(&claimed.len()));
        for claimed in claimed {
            assert!(settle(&other, &claimed, Transition::Succeed, now).await);
            done += 1;
        }
        now = now.plus(Duration::from_secs(1));
    }
    assert_eq!(one.queue_stats(now).await.unwrap().total.delivered, 8);
}

pub(crate) async fn everything_is_settled_exactly_once_by_many_at_a_time(one: Store, other: Store) {
    let expected = 2 * PUBLISHERS * EVENTS;
    for name in ["first", "second"] {
        register(&one, Endpoint { max_in_flight: 7, ..endpoint(name, &["a"]) }).await;
    }
    let settled = Arc::new(Mutex::new(Vec::new()));
    let under_way = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for number in 0..PUBLISHERS {
        let store = if number % 2 == 0 { one.clone() } else { other.clone() };
        tasks.spawn(async move {
            for _ in 0..EVENTS {
                assert_eq!(publish(&store, "a", at(1)).await.deliveries, 2);
            }
        });
    }
    for number in 0..WORKERS {
        let store = if number % 2 == 0 { one.clone() } else { other.clone() };
        let (settled, under_way) = (settled.clone(), under_way.clone());
        tasks.spawn(async move {
            while settled.lock().unwrap().len() < expected {
                let claimed = claim_once(&store, ReplicaId(number), 3, at(2)).await.deliveries;
                let most = under_way.fetch_add(claimed.len(), Ordering::SeqCst) + claimed.len();
                assert!(most <= 2 * 7, "{most} under way");
                // The places are free once it is settled, which is before that is known here.
                under_way.fetch_sub(claimed.len(), Ordering::SeqCst);
                let settlements =
                    claimed.iter().map(|claimed| settlement(claimed, Transition::Succeed, at(3))).collect();
                let taken = settle_each(&store, settlements).await;
                assert!(taken.iter().all(|taken| *taken), "{taken:?}");
                settled.lock().unwrap().extend(ids(&claimed));
                tokio::task::yield_now().await;
            }
        });
    }
    while let Some(ended) = tokio::time::timeout(DEADLINE * 6, tasks.join_next()).await.expect("it got stuck")
    {
        ended.unwrap();
    }
    let settled = sorted(settled.lock().unwrap().clone());
    assert_eq!(settled.len(), expected);
    assert!(settled.is_sorted_by(|one, next| one < next), "something was settled twice");
    let stats = one.queue_stats(at(4)).await.unwrap();
    let delivered = u64::try_from(expected).unwrap();
    assert_eq!(crate::fixture::numbers(&stats.total), [0, 0, 0, delivered, 0, 0]);
    for (id, counts) in stats.by_endpoint {
        assert_eq!(counts.delivered * 2, delivered);
        assert_eq!(crate::fixture::record(&one, &id, at(4)).await.guard.in_flight(at(4)), 0);
    }
    assert_eq!(attempts(&one, settled[0]).await.len(), 1);
}

pub(crate) async fn an_event_that_was_published_meanwhile_wakes(one: Store, other: Store) {
    register_for(&one, "main", "a").await;
    for second in 1..5 {
        while !claim_by(&one, ONE, at(second)).await.is_empty() {}
        let (waiting, mut tasks) = (one.clone(), JoinSet::new());
        tasks.spawn(async move { arrival(&waiting).await });
        tokio::task::yield_now().await;
        publish(&other, "a", at(second)).await;
        tasks.join_next().await.unwrap().unwrap();
        // It may have been woken without reason first; in the end it is there.
        let mut claimed = claim_by(&one, ONE, at(second)).await;
        while claimed.is_empty() {
            arrival(&one).await;
            claimed = claim_by(&one, ONE, at(second)).await;
        }
        assert!(settle(&one, &claimed[0], Transition::Succeed, at(second)).await);
    }
}

pub(crate) async fn what_came_between_the_claim_and_the_wait_is_not_missed(one: Store, other: Store) {
    register_for(&one, "main", "a").await;
    for second in 1..5 {
        assert!(claim_by(&one, ONE, at(second)).await.is_empty());
        publish(&other, "a", at(second)).await;
        arrival(&one).await;
        let mut claimed = claim_by(&one, ONE, at(second)).await;
        while claimed.is_empty() {
            arrival(&one).await;
            claimed = claim_by(&one, ONE, at(second)).await;
        }
        assert!(settle(&one, &claimed[0], Transition::Succeed, at(second)).await);
    }
}

pub(crate) async fn what_was_changed_by_another_counts_at_once(one: Store, other: Store) {
    let main = register_for(&one, "main", "a").await;
    let mut revision = 0;
    for second in (100..).step_by(100).take(20) {
        let (now, later) = (at(second), at(second + 1));
        let mut set = async |is_active, now| {
            revision += 1;
            let next = Endpoint { revision, is_active, ..endpoint("main", &["a"]) };
            other.replace_endpoint(next, false, now).await.unwrap();
        };
        let id = publish_to(&other, &main, "a", now).await;
        set(false, now).await;
        // Whether it looks before, while or after it hears of this.
        assert!(claim_by(&one, ONE, now).await.is_empty());
        set(true, later).await;
        let mut claimed = claim_by(&one, ONE, later).await;
        while claimed.is_empty() {
            arrival(&one).await;
            claimed = claim_by(&one, ONE, later).await;
        }
        assert_eq!(ids(&claimed), [id]);
        assert!(settle(&one, &claimed[0], Transition::Succeed, later).await);
    }
}

pub(crate) async fn whatever_makes_a_delivery_due_wakes(one: Store, other: Store) {
    let main = register_for(&one, "main", "a").await;
    let dead = bring_to(&one, &main, "a", Transition::Exhaust, at(1)).await;
    let old = other.publish(publication(event("unwanted", at(1)))).await.unwrap().event_id;
    let next = |revision, is_active| Endpoint { revision, is_active, ..endpoint("main", &["a"]) };
    for (way, second) in
        ["requeue", "addition", "release", "follow-up", "activation"].iter().zip((100..).step_by(100))
    {
        let (now, later) = (at(second), at(second + 1));
        let given = if ["release", "follow-up"].contains(way) {
            publish_to(&other, &main, "a", now).await;
            claim_by(&other, TWO, now).await
        } else {
            Vec::new()
        };
        if *way == "activation" {
            publish_to(&other, &main, "a", now).await;
            other.replace_endpoint(next(1, false), false, now).await.unwrap();
        }
        assert!(claim_by(&one, ONE, now).await.is_empty());
        match *way {
            "requeue" => {
                other
                    .change_delivery(dead, Change::Requeue, &[DeliveryState::Exhausted], later)
                    .await
                    .unwrap();
            }
            "addition" => assert!(other.add_delivery(old, &main, later).await.unwrap()),
            "release" => other.release(vec![given[0].lease.clone()], later).await.unwrap(),
            "follow-up" => {
                let event = event_in_slot("a", later, Some(given[0].delivery.id.slot()));
                let follow_ups = vec![publication(event)];
                let done = settlement(&given[0], Transition::Succeed, later);
                assert!(settle_one(&other, Settlement { follow_ups, ..done }).await);
            }
            _ => other.replace_endpoint(next(2, true), false, later).await.unwrap(),
        }
        let mut claimed = Vec::new();
        while claimed.is_empty() {
            arrival(&one).await;
            claimed = claim_by(&one, ONE, later).await;
        }
        assert_eq!(claimed.len(), 1, "{way}");
        assert!(settle(&one, &claimed[0], Transition::Succeed, later).await);
        assert_eq!(state(&one, claimed[0].delivery.id).await, DeliveryState::Succeeded);
    }
}
