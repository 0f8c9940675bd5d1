//! Jobs, and deleting what is old.

use crate::fixture::{
    Store, TWO, at, bring_to, claim_by, delivery, event, publication, publish, publish_to, register_for,
    settle, sweep_all,
};
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::delivery::{DeliveryFilter, DeliveryState};
use redundancy_webhook::ids::{JobId, timed_at};
use redundancy_webhook::store::{Change, Job, JobKind, JobState, PageRequest, Transition};
use std::time::Duration;

/// A job that runs, as it is when it is new.
fn job(number: u128, created_at: Timestamp) -> Job {
    let kind = JobKind::Replay {
        endpoint_id: "main".parse().unwrap(),
        since: at(1),
        until: at(2),
        states: vec![DeliveryState::Exhausted, DeliveryState::Succeeded],
        events: vec!["a.*".parse().unwrap(), "b".parse().unwrap()],
    };
    Job {
        id: JobId::from_number(timed_at(created_at, number)),
        kind,
        state: JobState::Running,
        queued: 0,
        examined: 0,
        cursor: None,
        created_at,
        updated_at: created_at,
        revision: 0,
    }
}

pub(crate) async fn a_job_is_written_by_its_revision(store: Store) {
    let new = job(1, at(1));
    assert!(!store.put_job(Job { revision: 1, ..new.clone() }).await.unwrap());
    assert_eq!(store.job(new.id).await.unwrap(), None);
    assert!(store.put_job(new.clone()).await.unwrap());
    assert!(!store.put_job(new.clone()).await.unwrap());
    assert_eq!(store.job(new.id).await.unwrap(), Some(new.clone()));
    let later = Job {
        state: JobState::Completed,
        queued: 3,
        examined: u64::from(u32::MAX) + 7,
        cursor: Some(u128::MAX - 1),
        updated_at: at(9),
        revision: 1,
        ..new.clone()
    };
    assert!(!store.put_job(Job { revision: 2, ..later.clone() }).await.unwrap());
    assert!(store.put_job(later.clone()).await.unwrap());
    assert_eq!(store.job(new.id).await.unwrap(), Some(later));
    let filter = DeliveryFilter {
        endpoint_id: Some("main".parse().unwrap()),
        event_type: Some("a".parse().unwrap()),
        since: Some(at(5)),
        ..DeliveryFilter::default()
    };
    let requeue = Job { kind: JobKind::Requeue { filter, until: at(7) }, ..job(2, at(1)) };
    assert!(store.put_job(requeue.clone()).await.unwrap());
    assert_eq!(store.job(requeue.id).await.unwrap(), Some(requeue));
}

pub(crate) async fn open_jobs_are_those_that_run(store: Store) {
    let states = [JobState::Running, JobState::Completed, JobState::Running, JobState::Failed];
    let jobs = (1..).zip(states).map(|(number, state)| Job { state, ..job(number, at(1)) });
    let jobs: Vec<Job> = jobs.collect();
    for job in &jobs {
        assert!(store.put_job(job.clone()).await.unwrap());
    }
    let mut open = store.open_jobs().await.unwrap();
    open.sort_by_key(|job| job.id);
    assert_eq!(open, [jobs[0].clone(), jobs[2].clone()]);
    let done = Job { state: JobState::Completed, revision: 1, ..jobs[0].clone() };
    assert!(store.put_job(done).await.unwrap());
    assert_eq!(store.open_jobs().await.unwrap(), [jobs[2].clone()]);
}

pub(crate) async fn a_sweep_deletes_in_small_steps_what_is_finished(store: Store) {
    let main = register_for(&store, "main", "a").await;
    let mut finished = Vec::new();
    for second in 1..=9 {
        let transition = if second % 3 == 0 { Transition::Exhaust } else { Transition::Succeed };
        finished.push(bring_to(&store, &main, "a", transition, at(second)).await);
    }
    let cancelled = publish_to(&store, &main, "a", at(10)).await;
    let from = [DeliveryState::Pending];
    store.change_delivery(cancelled, Change::Cancel, &from, at(10)).await.unwrap();
    finished.push(cancelled);
    store.publish(publication(event("unwanted", at(10)))).await.unwrap();
    store.put_job(Job { state: JobState::Completed, ..job(1, at(10)) }).await.unwrap();

    let (mut steps, mut deleted) = (0, 0);
    loop {
        let step = store.sweep(at(11), at(11), 3).await.unwrap();
        (steps, deleted) = (steps + 1, deleted + step);
        if step < 3 {
            break;
        }
    }
    // 10 deliveries, 11 events and a job; "about" 3 of each at a time.
    assert_eq!(deleted, 22);
    assert!((2..=22).contains(&steps), "{steps}");
    for id in finished {
        assert!(store.delivery(id).await.unwrap().is_none());
    }
    let page = PageRequest { after: None, limit: 9 };
    assert!(store.events(at(0), at(99), page).await.unwrap().items.is_empty());
    let page = PageRequest { after: None, limit: 9 };
    assert!(store.deliveries(&DeliveryFilter::default(), page).await.unwrap().items.is_empty());
    assert_eq!(store.job(job(1, at(10)).id).await.unwrap(), None);
    assert_eq!(store.sweep(at(11), at(11), 3).await.unwrap(), 0);
    publish_to(&store, &main, "a", at(12)).await;
    assert_eq!(claim_by(&store, TWO, at(12)).await.len(), 1);
}

pub(crate) async fn a_sweep_keeps_what_is_not_finished_and_what_is_young(store: Store) {
    let main = register_for(&store, "main", "a").await;
    let other = register_for(&store, "other", "a").await;
    let waits = bring_to(&store, &main, "a", Transition::RetryAt(at(500)), at(1)).await;
    publish_to(&store, &main, "a", at(2)).await;
    let under_way = claim_by(&store, TWO, at(2)).await;
    for claimed in under_way.iter().filter(|claimed| claimed.delivery.endpoint_id == other) {
        assert!(settle(&store, claimed, Transition::Succeed, at(3)).await);
    }
    let young = bring_to(&store, &main, "a", Transition::Succeed, at(10)).await;
    let empty = event("unwanted", at(10));
    store.publish(publication(empty.clone())).await.unwrap();
    for job in [job(1, at(2)), Job { state: JobState::Failed, ..job(2, at(10)) }] {
        assert!(store.put_job(job).await.unwrap());
    }
    // What was delivered to the other endpoint, all but the young.
    assert_eq!(sweep_all(&store, at(10), at(11)).await, 1);
    let kept = delivery(&store, waits).await;
    assert_eq!((kept.state, kept.attempts), (DeliveryState::Pending, 1));
    assert_eq!(crate::fixture::attempts(&store, waits).await.len(), 1);
    assert_eq!(store.event(kept.event_id).await.unwrap().unwrap().0.id, kept.event_id);
    assert_eq!(delivery(&store, young).await.state, DeliveryState::Succeeded);
    assert!(store.event(empty.id).await.unwrap().is_some());
    assert_eq!(store.open_jobs().await.unwrap(), [job(1, at(2))]);
    assert!(store.job(job(2, at(10)).id).await.unwrap().is_some());
    for claimed in under_way.iter().filter(|claimed| claimed.delivery.endpoint_id == main) {
        assert!(settle(&store, claimed, Transition::Succeed, at(12)).await);
    }
    let late = store.publish(publication(event("a", at(500).plus(Duration::from_secs(1))))).await.unwrap();
    assert_eq!(late.deliveries, 2);
    assert_eq!(publish(&store, "a", at(502)).await.deliveries, 2);
    // Two new events for each of the two endpoints, and the retries of the first for both of them.
    assert_eq!(claim_by(&store, TWO, at(502)).await.len(), 6);
}
