//! What was acknowledged is there when the store is opened again.

use crate::fixture::{
    Store, at, attempts, bring_to, claim, claim_only, deliveries, disabling, endpoint, event_in_slot, ids,
    publication, publish, publish_to, record, register, register_for, settle, settle_each, state, sweep_all,
};
use crate::folder::open;
use redundancy_engine::{AnalysisState, AnalysisStore, Operation, StoredAnalysis};
use redundancy_webhook::breaker::BreakerState;
use redundancy_webhook::delivery::{DeliveryFilter, DeliveryState};
use redundancy_webhook::endpoint::Endpoint;
use redundancy_webhook::ids::JobId;
use redundancy_webhook::store::{
    Change, Idempotency, Job, JobKind, JobState, Publication, PublishError, Settlement, Transition,
    idempotency_slot,
};
use std::time::Duration;

#[tokio::test]
async fn endpoints_guards_counts_deliveries_and_attempts_are_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let store: Store = open(folder.path());
    let main = register_for(&store, "main", "a").await;
    let other = register_for(&store, "other", "b").await;
    let gone = register_for(&store, "gone", "c").await;
    for second in 1..=5 {
        let transition = if second < 3 { Transition::RetryAt(at(1_000)) } else { Transition::Exhaust };
        bring_to(&store, &main, "a", transition, at(second)).await;
    }
    let mut waiting = Vec::new();
    for second in 6..=20 {
        waiting.push(publish_to(&store, &main, "a", at(second)).await);
    }
    bring_to(&store, &other, "b", Transition::Succeed, at(21)).await;
    let retried = bring_to(&store, &other, "b", Transition::RetryAt(at(23)), at(22)).await;
    assert!(settle(&store, &claim_only(&store, at(23)).await, Transition::Succeed, at(24)).await);
    bring_to(&store, &gone, "c", Transition::Exhaust, at(25)).await;
    publish_to(&store, &gone, "c", at(26)).await;
    store.delete_endpoint(&gone, at(27)).await.unwrap();
    let cancelled = publish_to(&store, &other, "b", at(28)).await;
    store.change_delivery(cancelled, Change::Cancel, &[DeliveryState::Pending], at(29)).await.unwrap();

    let all = DeliveryFilter::default();
    let before = deliveries(&store, &all, 100).await;
    let stats = store.queue_stats(at(30)).await.unwrap();
    let records = [record(&store, &main, at(30)).await, record(&store, &other, at(30)).await];
    let tried = attempts(&store, retried).await;
    assert!(matches!(records[0].guard.breaker.state, BreakerState::Open { .. }));
    drop(store);

    let store: Store = open(folder.path());
    assert_eq!(deliveries(&store, &all, 100).await, before);
    assert_eq!(store.queue_stats(at(30)).await.unwrap(), stats);
    for known in records {
        let found = record(&store, &known.endpoint.id, at(30)).await;
        assert_eq!(format!("{:?}", found.endpoint), format!("{:?}", known.endpoint));
        let mut guard = known.guard.clone();
        guard.forget_in_flight();
        assert_eq!((found.guard, found.counts), (guard, known.counts));
    }
    assert_eq!(attempts(&store, retried).await.len(), 2);
    assert!(attempts(&store, retried).await == tried);
    assert!(store.endpoint(&gone, at(30)).await.unwrap().is_none());
    // The breaker is open still; once it is not, everything comes in its order.
    assert!(claim(&store, at(30)).await.is_empty());
    let enabled = Endpoint { revision: 1, ..endpoint("main", &["a"]) };
    store.replace_endpoint(enabled, true, at(31)).await.unwrap();
    assert_eq!(ids(&claim(&store, at(31)).await), waiting);
}

#[tokio::test]
async fn what_was_under_way_is_pending_again_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let store: Store = open(folder.path());
    let main = register(&store, Endpoint { max_in_flight: 3, ..endpoint("main", &["a"]) }).await;
    let mut expected = Vec::new();
    for second in 1..=5 {
        expected.push(publish_to(&store, &main, "a", at(second)).await);
    }
    let claimed = claim(&store, at(6)).await;
    assert_eq!(ids(&claimed), expected[..3]);
    assert_eq!(state(&store, expected[0]).await, DeliveryState::InFlight);
    drop(store);

    let store: Store = open(folder.path());
    let waits = crate::fixture::delivery(&store, expected[0]).await;
    assert_eq!((waits.state, waits.due_at), (DeliveryState::Pending, Some(at(1))));
    let counts = record(&store, &main, at(7)).await.counts;
    assert_eq!((counts.pending, counts.in_flight), (5, 0));
    // The places of the lost ones are free, and what they had comes first.
    let again = claim(&store, at(7)).await;
    assert_eq!(ids(&again), expected[..3]);
    // Nobody of before is believed, unless it succeeded and nobody has said so since.
    assert!(settle(&store, &again[0], Transition::Succeed, at(8)).await);
    assert!(!settle(&store, &claimed[0], Transition::Succeed, at(8)).await);
}

#[tokio::test]
async fn outcomes_events_that_follow_and_disabled_endpoints_last() {
    let folder = tempfile::tempdir().unwrap();
    let store: Store = open(folder.path());
    let main = register_for(&store, "main", "a").await;
    register_for(&store, "told", "told").await;
    let id = publish_to(&store, &main, "a", at(1)).await;
    let event = event_in_slot("told", at(2), Some(id.slot()));
    let claimed = claim_only(&store, at(1)).await;
    let settlement = Settlement {
        disables: Some(disabling(&claimed, Some(publication(event.clone())))),
        ..crate::fixture::settlement(&claimed, Transition::Exhaust, at(2))
    };
    assert_eq!(settle_each(&store, vec![settlement]).await, [true]);
    // Closed at once, with the outcome not yet written.
    drop(store);

    let store: Store = open(folder.path());
    assert_eq!(state(&store, id).await, DeliveryState::Exhausted);
    assert_eq!(store.event(event.id).await.unwrap(), Some((event.clone(), 1)));
    let kept = record(&store, &main, at(3)).await;
    assert_eq!((kept.endpoint.is_active, kept.endpoint.revision), (false, 1));
    assert_eq!((kept.counts.failed, kept.counts.dead_letters), (1, 1));
    assert_eq!(claim_only(&store, at(3)).await.event.id, event.id);
}

#[tokio::test]
async fn a_late_success_is_counted_for_good() {
    let folder = tempfile::tempdir().unwrap();
    let store: Store = open(folder.path());
    let main = register_for(&store, "main", "a").await;
    publish_to(&store, &main, "a", at(1)).await;
    let late = claim_only(&store, at(1)).await;
    assert!(settle(&store, &late, Transition::Succeed, at(1_000)).await);
    let counts = record(&store, &main, at(1_000)).await.counts;
    assert_eq!((counts.delivered, counts.pending, counts.in_flight), (1, 0, 0));
    drop(store);
    let store: Store = open(folder.path());
    assert_eq!(record(&store, &main, at(1_000)).await.counts, counts);
}

#[tokio::test]
async fn keys_and_jobs_last() {
    let folder = tempfile::tempdir().unwrap();
    let store: Store = open(folder.path());
    register_for(&store, "main", "a").await;
    let keyed = |fingerprint| Publication {
        idempotency: Some(Idempotency {
            key: "key".to_owned(),
            fingerprint: [fingerprint; 32],
            expires_at: at(3_600),
        }),
        ..publication(event_in_slot("a", at(1), Some(idempotency_slot("key"))))
    };
    let first = store.publish(keyed(1)).await.unwrap();
    let job = Job {
        id: JobId::first_at(at(1)),
        kind: JobKind::Requeue { filter: DeliveryFilter::default(), until: at(2) },
        state: JobState::Running,
        queued: 7,
        examined: 8,
        cursor: Some(9),
        created_at: at(1),
        updated_at: at(2),
        revision: 0,
    };
    assert!(store.put_job(job.clone()).await.unwrap());
    drop(store);

    let store: Store = open(folder.path());
    let again = store.publish(keyed(1)).await.unwrap();
    assert_eq!((again.event_id, again.deliveries, again.is_repeat), (first.event_id, 1, true));
    assert_eq!(store.publish(keyed(2)).await, Err(PublishError::KeyReused));
    assert_eq!(store.open_jobs().await.unwrap(), std::slice::from_ref(&job));
    assert!(!store.put_job(job.clone()).await.unwrap());
    assert!(store.put_job(Job { state: JobState::Completed, revision: 1, ..job }).await.unwrap());
    assert_eq!(sweep_all(&store, at(2), at(3_600)).await, 2, "the key and the job");
}

#[tokio::test]
async fn analyses_last_and_what_was_not_done_has_failed() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let analysis = |name: &str, state| StoredAnalysis {
        id: format!("ana_0000000000000000000000000{name}").parse().unwrap(),
        operation: Operation::Analyze,
        created_at: at(1),
        bytes: 77,
        state,
    };
    let done = analysis("1", AnalysisState::Completed("{\"a\":\"ñ\"}".into()));
    let pending = analysis("2", AnalysisState::Pending);
    let main = register_for(&(store.clone() as Store), "main", "a").await;
    AnalysisStore::put(&*store, pending.clone()).await.unwrap();
    let news = publication(crate::fixture::event("a", at(1)));
    AnalysisStore::finish(&*store, Some(done.clone()), Some(news.clone())).await.unwrap();
    drop(store);

    let store = open(folder.path());
    let found = AnalysisStore::get(&*store, done.id).await.unwrap().unwrap();
    assert_eq!((found.operation, found.created_at, found.bytes), (done.operation, at(1), 77));
    assert!(matches!(found.state, AnalysisState::Completed(result) if &*result == "{\"a\":\"ñ\"}"));
    // Nobody works on it any more.
    let found = AnalysisStore::get(&*store, pending.id).await.unwrap().unwrap();
    assert!(matches!(found.state, AnalysisState::Failed(_)));
    let store: Store = store;
    assert_eq!(claim_only(&store, at(2)).await.event.id, news.event.id);
    assert_eq!(record(&store, &main, at(2)).await.counts.in_flight, 1);
    publish(&store, "a", at(3).plus(Duration::from_millis(1))).await;
}
