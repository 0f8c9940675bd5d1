//! What only the writing thread can be made to do from within.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

use super::endpoints::CANCEL_STEP;
use super::{EmbeddedConfig, EmbeddedStore};
use redundancy_webhook::breaker::BreakerConfig;
use redundancy_webhook::clock::{Clock, IdSource, Timestamp};
use redundancy_webhook::delivery::{Attempt, DeliveryFilter, DeliveryState};
use redundancy_webhook::endpoint::Endpoint;
use redundancy_webhook::event::{Event, NewEvent};
use redundancy_webhook::failure::FailureReason;
use redundancy_webhook::guard::ReplicaId;
use redundancy_webhook::ids::{DeliveryId, EndpointId, EventId, timed_at};
use redundancy_webhook::store::{
    Audience, Change, Claim, ClaimedDelivery, PageRequest, Publication, Room, Settled, Settlement,
    StoreError, Transition, WebhookStore as _,
};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::task::Poll;
use std::time::Duration;
use tempfile::TempDir;

/// Makes ids differ.
static NEXT: AtomicU64 = AtomicU64::new(1);
/// Nothing takes that long unless it never comes.
const DEADLINE: Duration = Duration::from_secs(30);

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::default()
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

struct Counting;

impl IdSource for Counting {
    fn random_128(&self) -> u128 {
        u128::from(NEXT.fetch_add(1, Ordering::Relaxed)) << 64
    }
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(1_767_323_040_000 + seconds * 1000)
}

fn main_id() -> EndpointId {
    "main".parse().unwrap()
}

fn endpoint(created_at: Timestamp) -> Endpoint {
    Endpoint {
        id: main_id(),
        url: "https://receiver.example/hook".parse().unwrap(),
        events: vec!["a".parse().unwrap()],
        secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().unwrap(),
        previous_secrets: Vec::new(),
        scheme: redundancy_webhook::Scheme::V1,
        description: None,
        headers: BTreeMap::new(),
        timeout: Duration::from_secs(30),
        retry: redundancy_webhook::retry::RetryPolicy::default(),
        rate_limit: None,
        max_in_flight: 10_000,
        is_active: true,
        disabled_reason: None,
        metadata: serde_json::Map::new(),
        created_at,
        updated_at: created_at,
        revision: 0,
    }
}

/// A store with one endpoint.
async fn store() -> (TempDir, Arc<EmbeddedStore>) {
    let folder = tempfile::tempdir().unwrap();
    let (clock, ids) = (Arc::new(Still), Arc::new(Counting));
    let config = EmbeddedConfig { folder: folder.path().to_owned(), cipher: None, clock, ids };
    let store = EmbeddedStore::open(config).unwrap();
    store.create_endpoint(endpoint(at(0))).await.unwrap();
    (folder, store)
}

fn publication(now: Timestamp) -> Publication {
    let id = EventId::from_number(timed_at(now, Counting.random_128()));
    let new = NewEvent::new("a".parse().unwrap(), &1).unwrap();
    let event = Event::with_id(id, now, new);
    Publication { event, audience: Audience::Subscribers, idempotency: None, keep_unwanted: true }
}

async fn claim(store: &EmbeddedStore, now: Timestamp) -> Vec<ClaimedDelivery> {
    let room = Room { usual: u32::MAX, ..Room::default() };
    let (replica, breaker, until) =
        (ReplicaId(1), BreakerConfig::default(), now.plus(Duration::from_secs(30)));
    let claim = Claim { replica, limit: 1_000, room: &room, breaker, now, until };
    store.claim(claim).await.unwrap().deliveries
}

fn settlement(claimed: &ClaimedDelivery, transition: Transition, now: Timestamp) -> Settlement {
    let failure = (transition != Transition::Succeed).then_some(FailureReason::Timeout);
    let attempt = Attempt {
        number: 1,
        started_at: now,
        duration: Duration::from_millis(1),
        status: None,
        failure,
        response_headers: Vec::new(),
        response_body: String::new(),
    };
    Settlement {
        lease: claimed.lease.clone(),
        attempt,
        transition,
        breaker: BreakerConfig::default(),
        disables: None,
        follow_ups: Vec::new(),
        now,
    }
}

/// Keeps the writing thread busy until the sender is used or dropped: what comes meanwhile goes into one transaction.
fn hold(store: &Arc<EmbeddedStore>) -> mpsc::Sender<()> {
    let (open, gate) = mpsc::channel::<()>();
    let (write, _) = super::Write::urgent(move |_| {
        let _ = gate.recv();
        Ok(())
    });
    store.writes.send(write).unwrap();
    open
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_fails_takes_nothing_else_of_its_transaction_with_it() {
    let (_folder, store) = store().await;
    let gate = hold(&store);
    let (first, bad, last) = (publication(at(1)), publication(at(2)), publication(at(3)));
    let ids = [&first, &bad, &last].map(|publication| publication.event.id);
    let publish = |publication: Publication, fails: bool| {
        let (write, answer) = super::Write::urgent(move |writer| {
            let published = writer.publish(publication.clone())?;
            if fails { Err(StoreError::Unreadable("told to fail".to_owned())) } else { Ok(published) }
        });
        store.writes.send(write).unwrap();
        answer
    };
    let answers = [publish(first, false), publish(bad, true), publish(last, false)];
    drop(gate);
    let mut done = Vec::new();
    for answer in answers {
        done.push(answer.await.unwrap().is_ok());
    }
    assert_eq!(done, [true, false, true]);
    let mut kept = Vec::new();
    for id in ids {
        kept.push(store.event(id).await.unwrap().map(|(_, deliveries)| deliveries));
    }
    assert_eq!(kept, [Some(1), None, Some(1)]);
    let given: Vec<_> = claim(&store, at(4)).await.iter().map(|claimed| claimed.event.id).collect();
    assert_eq!(given, [ids[0], ids[2]]);
    assert!(store.health().await.is_reachable);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_fails_leaves_what_it_took_where_it_was() {
    let (_folder, store) = store().await;
    let published = publication(at(1));
    let id = DeliveryId::of(published.event.id, &main_id());
    store.publish(published).await.unwrap();
    let gate = hold(&store);
    let (write, cancelled) = super::Write::urgent(move |writer| {
        writer.change(id, Change::Cancel, &[DeliveryState::Pending], at(2))?;
        writer.delete_endpoint(&main_id(), at(2))?;
        Err::<(), _>(StoreError::Unreadable("told to fail".to_owned()))
    });
    store.writes.send(write).unwrap();
    let (write, other) = super::Write::urgent(move |writer| writer.publish(publication(at(3))));
    store.writes.send(write).unwrap();
    drop(gate);
    assert!(cancelled.await.unwrap().is_err());
    assert_eq!(other.await.unwrap().unwrap().unwrap().deliveries, 1);
    assert_eq!(claim(&store, at(4)).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_settled_while_a_late_success_is_being_written() {
    let (_folder, store) = store().await;
    store.publish(publication(at(1))).await.unwrap();
    let late = claim(&store, at(1)).await.remove(0);
    let again = claim(&store, at(100)).await.remove(0);
    let (written, is_written) = mpsc::channel();
    let (open, gate) = mpsc::channel::<()>();
    let success = settlement(&late, Transition::Succeed, at(101));
    let (write, answer) = super::Write::urgent(move |writer| {
        let taken = writer.settle_late(success.clone())?;
        let _ = written.send(());
        let _ = gate.recv();
        Ok(taken)
    });
    store.writes.send(write).unwrap();
    is_written.recv_timeout(DEADLINE).unwrap();
    let given_up = settlement(&again, Transition::Exhaust, at(102));
    assert_eq!(store.settle(vec![given_up]).await.unwrap(), [Settled::Refused]);
    drop(open);
    assert_eq!(answer.await.unwrap().unwrap(), Some(true));
    let record = store.endpoint(&main_id(), at(103)).await.unwrap().unwrap();
    let counts = record.counts;
    assert_eq!((counts.pending, counts.in_flight, counts.dead_letters), (0, 0, 0));
    assert_eq!((counts.delivered, counts.failed), (1, 0));
    assert_eq!(record.guard.in_flight(at(103)), 0);
    let delivery = store.delivery(late.delivery.id).await.unwrap().unwrap().0;
    assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Succeeded, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_success_that_cannot_be_written_leaves_the_other_attempt_its_lease() {
    let (_folder, store) = store().await;
    store.publish(publication(at(1))).await.unwrap();
    let late = claim(&store, at(1)).await.remove(0);
    let again = claim(&store, at(100)).await.remove(0);
    let success = settlement(&late, Transition::Succeed, at(101));
    let failed = store
        .write(move |writer| {
            writer.settle_late(success.clone())?;
            Err::<(), _>(StoreError::Unreadable("told to fail".to_owned()))
        })
        .await;
    assert!(failed.is_err());
    let given_up = settlement(&again, Transition::Exhaust, at(102));
    assert_eq!(store.settle(vec![given_up]).await.unwrap(), [Settled::Taken]);
    let counts = store.endpoint(&main_id(), at(103)).await.unwrap().unwrap().counts;
    assert_eq!((counts.in_flight, counts.dead_letters, counts.delivered), (0, 1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_name_of_a_large_backlog_is_free_again_by_and_by() {
    let (_folder, store) = store().await;
    let count = CANCEL_STEP * 2 + 500;
    let publish = move |writer: &mut super::writer::Writer<'_>| {
        (0..count).try_for_each(|_| writer.publish(publication(at(1))).map(drop))
    };
    store.write(publish).await.unwrap();
    assert!(store.delete_endpoint(&main_id(), at(2)).await.unwrap());
    let first = store.write(|writer| writer.create_endpoint(endpoint(at(3)))).await.unwrap();
    assert_eq!(first, None, "thousands were cancelled in one transaction");
    assert!(store.endpoint(&main_id(), at(3)).await.unwrap().is_none());
    store.create_endpoint(endpoint(at(3))).await.unwrap();
    assert!(claim(&store, at(4)).await.is_empty());
    let state = Some(DeliveryState::Cancelled);
    let cancelled = DeliveryFilter { state, ..DeliveryFilter::default() };
    let page = store.deliveries(&cancelled, PageRequest { after: None, limit: count + 1 }).await.unwrap();
    assert_eq!(page.items.len(), count);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outcome_that_comes_while_its_endpoint_is_deleted_and_registered_again_is_not_for_the_new_one() {
    let (_folder, store) = store().await;
    store.publish(publication(at(1))).await.unwrap();
    let claimed = claim(&store, at(1)).await.remove(0);
    let (open, gate) = mpsc::channel::<()>();
    let (written, is_written) = mpsc::channel();
    let (write, answer) = super::Write::urgent(move |writer| {
        writer.delete_endpoint(&main_id(), at(2))?;
        let created = writer.create_endpoint(endpoint(at(3)))?;
        let _ = written.send(());
        let _ = gate.recv();
        Ok(created)
    });
    store.writes.send(write).unwrap();
    is_written.recv_timeout(DEADLINE).unwrap();
    // Memory does not know of it yet.
    let failure = settlement(&claimed, Transition::RetryAt(at(5)), at(4));
    assert_eq!(store.settle(vec![failure]).await.unwrap(), [Settled::Taken]);
    drop(open);
    assert_eq!(answer.await.unwrap().unwrap(), Some(Ok(())));
    store.sync().await.unwrap();
    assert!(claim(&store, at(6)).await.is_empty());
    let delivery = store.delivery(claimed.delivery.id).await.unwrap().unwrap().0;
    assert_eq!((delivery.state, delivery.due_at), (DeliveryState::Cancelled, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_tells_when_the_writing_thread_is_gone() {
    let (_folder, store) = store().await;
    assert!(store.health().await.is_reachable);
    let lost = store.write(|_| -> Result<(), StoreError> { panic!("told to") }).await;
    assert!(matches!(lost, Err(StoreError::Unavailable(_))));
    let told = async {
        loop {
            let health = store.health().await;
            if !health.is_reachable {
                return health.warnings;
            }
            tokio::task::yield_now().await;
        }
    };
    let warnings = tokio::time::timeout(DEADLINE, told).await.expect("nobody is told");
    assert!(warnings.iter().any(|warning| warning.contains("writing thread has ended")), "{warnings:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_waits_for_what_is_still_being_read() {
    let (_folder, store) = store().await;
    let count = 6_000;
    let publish = move |writer: &mut super::writer::Writer<'_>| {
        (0..count).try_for_each(|_| writer.publish(publication(at(1))).map(drop))
    };
    store.write(publish).await.unwrap();
    // Nothing more is read until the gate opens.
    let gate = hold(&store);
    let mut claimed = 0;
    while !store.shared.state().schedule.is_reading() {
        claimed += claim(&store, at(2)).await.len();
    }
    assert!(claimed < count, "all of it was in memory");
    let mut next = pin!(claim(&store, at(2)));
    let is_pending = poll_fn(|context| Poll::Ready(next.as_mut().poll(context).is_pending())).await;
    assert!(is_pending, "it says that there is nothing");
    drop(gate);
    claimed += next.await.len();
    loop {
        // Whoever gets nothing stops.
        let step = claim(&store, at(2)).await.len();
        claimed += step;
        if step == 0 {
            break;
        }
    }
    assert_eq!(claimed, count);
}
