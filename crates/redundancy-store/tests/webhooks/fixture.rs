//! Endpoints, events and attempts to test with, and the usual steps in short.

use redundancy_webhook::Scheme;
use redundancy_webhook::breaker::BreakerConfig;
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::delivery::{Attempt, Delivery, DeliveryFilter, DeliveryState};
use redundancy_webhook::endpoint::{DisabledReason, Endpoint};
use redundancy_webhook::event::{Caller, Event, NewEvent};
use redundancy_webhook::failure::FailureReason;
use redundancy_webhook::guard::ReplicaId;
use redundancy_webhook::ids::{DeliveryId, EndpointId, EventId, timed_at};
use redundancy_webhook::retry::RetryPolicy;
use redundancy_webhook::store::{
    Audience, Claim, Claimed, ClaimedDelivery, Disabling, EndpointCounts, EndpointRecord, PageRequest,
    Publication, Published, Room, Settled, Settlement, Transition, WebhookStore,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A store under test.
pub(crate) type Store = Arc<dyn WebhookStore>;

/// The replica that claims unless a test needs several.
pub(crate) const ONE: ReplicaId = ReplicaId(1);
/// Another one.
pub(crate) const TWO: ReplicaId = ReplicaId(2);
/// How long leases hold here.
pub(crate) const LEASE: Duration = Duration::from_secs(30);

/// Makes ids differ.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// So many seconds after the time at which tests begin.
pub(crate) fn at(seconds: u64) -> Timestamp {
    at_millis(seconds * 1000)
}

/// So many milliseconds after the time at which tests begin.
pub(crate) fn at_millis(millis: u64) -> Timestamp {
    Timestamp::from_millis(1_767_323_040_000 + millis)
}

/// The id `text`.
pub(crate) fn id(text: &str) -> EndpointId {
    text.parse().unwrap()
}

/// An active endpoint that wants `events`, with no limit that a test could meet by accident.
pub(crate) fn endpoint(name: &str, events: &[&str]) -> Endpoint {
    Endpoint {
        id: id(name),
        url: "https://receiver.example/hook".parse().unwrap(),
        events: events.iter().map(|pattern| pattern.parse().unwrap()).collect(),
        secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().unwrap(),
        previous_secrets: Vec::new(),
        scheme: Scheme::V1,
        description: None,
        headers: BTreeMap::new(),
        timeout: Duration::from_secs(30),
        retry: RetryPolicy::default(),
        rate_limit: None,
        max_in_flight: 10_000,
        is_active: true,
        disabled_reason: None,
        metadata: serde_json::Map::new(),
        created_at: at(0),
        updated_at: at(0),
        revision: 0,
    }
}

/// Registers `endpoint`.
pub(crate) async fn register(store: &Store, endpoint: Endpoint) -> EndpointId {
    let id = endpoint.id.clone();
    store.create_endpoint(endpoint).await.unwrap();
    id
}

/// Registers an endpoint that wants events of type `kind`.
pub(crate) async fn register_for(store: &Store, name: &str, kind: &str) -> EndpointId {
    register(store, endpoint(name, &[kind])).await
}

/// Reads an endpoint that must be there.
pub(crate) async fn record(store: &Store, id: &EndpointId, now: Timestamp) -> EndpointRecord {
    store.endpoint(id, now).await.unwrap().unwrap()
}

/// An event of type `kind`, made at `now`.
pub(crate) fn event(kind: &str, now: Timestamp) -> Event {
    event_in_slot(kind, now, None)
}

/// An event, in a slot if it has to be in one.
pub(crate) fn event_in_slot(kind: &str, now: Timestamp, slot: Option<u8>) -> Event {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    // Spread over the random part like a random number, so that slots differ: the golden ratio in 64 bits.
    let random = u128::from(number) << 64 | u128::from(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let random = slot.map_or(random, |slot| random << 8 | u128::from(slot));
    let id = EventId::from_number(timed_at(now, random));
    let new = NewEvent::new(kind.parse().unwrap(), &serde_json::json!({ "number": number })).unwrap();
    let caller = Caller { request_id: Some(format!("req_{number}")), ..Caller::default() };
    Event::with_id(id, now, NewEvent { caller, ..new })
}

/// `event` for all that want it, kept in any case.
pub(crate) fn publication(event: Event) -> Publication {
    Publication { event, audience: Audience::Subscribers, idempotency: None, keep_unwanted: true }
}

/// Publishes an event of type `kind`, made at `now`.
pub(crate) async fn publish(store: &Store, kind: &str, now: Timestamp) -> Published {
    store.publish(publication(event(kind, now))).await.unwrap()
}

/// Publishes an event of type `kind` and gives the id of its delivery to `endpoint`.
pub(crate) async fn publish_to(
    store: &Store,
    endpoint: &EndpointId,
    kind: &str,
    now: Timestamp,
) -> DeliveryId {
    DeliveryId::of(publish(store, kind, now).await.event_id, endpoint)
}

/// One claim of `replica` for up to `limit` deliveries.
pub(crate) async fn claim_once(store: &Store, replica: ReplicaId, limit: usize, now: Timestamp) -> Claimed {
    let room = Room { usual: u32::MAX, ..Room::default() };
    claim_with(store, replica, limit, &room, now).await
}

/// One claim within `room`.
pub(crate) async fn claim_with(
    store: &Store,
    replica: ReplicaId,
    limit: usize,
    room: &Room,
    now: Timestamp,
) -> Claimed {
    let (breaker, until) = (BreakerConfig::default(), now.plus(LEASE));
    store.claim(Claim { replica, limit, room, breaker, now, until }).await.unwrap()
}

/// Everything that there is to claim. A store may give it bit by bit.
pub(crate) async fn claim_by(store: &Store, replica: ReplicaId, now: Timestamp) -> Vec<ClaimedDelivery> {
    let mut deliveries = Vec::new();
    loop {
        let claimed = claim_once(store, replica, 1_000, now).await;
        if claimed.deliveries.is_empty() {
            assert!(
                claimed.next_at.is_none_or(|next_at| next_at > now),
                "nothing to claim, and at once again"
            );
            return deliveries;
        }
        deliveries.extend(claimed.deliveries);
    }
}

/// Everything that there is to claim.
pub(crate) async fn claim(store: &Store, now: Timestamp) -> Vec<ClaimedDelivery> {
    claim_by(store, ONE, now).await
}

/// The only delivery that there is to claim.
pub(crate) async fn claim_only(store: &Store, now: Timestamp) -> ClaimedDelivery {
    let mut claimed = claim(store, now).await;
    assert_eq!(claimed.len(), 1, "{:?}", ids(&claimed));
    claimed.remove(0)
}

/// What was claimed, in its order.
pub(crate) fn ids(claimed: &[ClaimedDelivery]) -> Vec<DeliveryId> {
    claimed.iter().map(|claimed| claimed.delivery.id).collect()
}

/// What was claimed, in the order of ids.
pub(crate) fn sorted(mut ids: Vec<DeliveryId>) -> Vec<DeliveryId> {
    ids.sort_unstable();
    ids
}

/// An attempt that began at `now` and took 40 ms.
pub(crate) fn attempt(number: u32, failure: Option<FailureReason>, now: Timestamp) -> Attempt {
    Attempt {
        number,
        started_at: now,
        duration: Duration::from_millis(40),
        status: match failure {
            None => Some(204),
            Some(FailureReason::Status) => Some(503),
            Some(_) => None,
        },
        failure,
        response_headers: vec![("content-type".to_owned(), "text/plain".to_owned())],
        response_body: format!("attempt {number}"),
    }
}

/// What an attempt at `claimed` led to: success with [`Transition::Succeed`], else a failure.
pub(crate) fn settlement(claimed: &ClaimedDelivery, transition: Transition, now: Timestamp) -> Settlement {
    let failure = (transition != Transition::Succeed).then_some(FailureReason::Status);
    Settlement {
        lease: claimed.lease.clone(),
        attempt: attempt(claimed.delivery.attempts + 1, failure, now),
        transition,
        breaker: BreakerConfig::default(),
        disables: None,
        follow_ups: Vec::new(),
        now,
    }
}

/// Settles one delivery; says whether it was taken.
pub(crate) async fn settle(
    store: &Store,
    claimed: &ClaimedDelivery,
    transition: Transition,
    now: Timestamp,
) -> bool {
    settle_one(store, settlement(claimed, transition, now)).await
}

/// Settles one delivery; says whether it was taken.
pub(crate) async fn settle_one(store: &Store, settlement: Settlement) -> bool {
    let taken = settle_each(store, vec![settlement]).await;
    assert_eq!(taken.len(), 1);
    taken[0]
}

/// Settles deliveries; says of each whether it was taken.
pub(crate) async fn settle_each(store: &Store, settlements: Vec<Settlement>) -> Vec<bool> {
    store.settle(settlements).await.unwrap().into_iter().map(Settled::is_taken).collect()
}

/// What disables the endpoint that was called, as it was then.
pub(crate) fn disabling(claimed: &ClaimedDelivery, news: Option<Publication>) -> Disabling {
    let Endpoint { created_at, revision, .. } = *claimed.endpoint;
    Disabling { reason: DisabledReason::Gone, created_at, revision, news }
}

/// Publishes an event to `endpoint`, delivers it once, and gives the id of the delivery.
pub(crate) async fn bring_to(
    store: &Store,
    endpoint: &EndpointId,
    kind: &str,
    transition: Transition,
    now: Timestamp,
) -> DeliveryId {
    let delivery = publish_to(store, endpoint, kind, now).await;
    let claimed = claim(store, now).await;
    for claimed in &claimed {
        assert!(settle(store, claimed, transition, now).await);
    }
    assert!(ids(&claimed).contains(&delivery));
    delivery
}

/// A delivery that must be there.
pub(crate) async fn delivery(store: &Store, id: DeliveryId) -> Delivery {
    store.delivery(id).await.unwrap().unwrap().0
}

/// The state of a delivery that must be there.
pub(crate) async fn state(store: &Store, id: DeliveryId) -> DeliveryState {
    delivery(store, id).await.state
}

/// The attempts of a delivery that must be there.
pub(crate) async fn attempts(store: &Store, id: DeliveryId) -> Vec<Attempt> {
    store.delivery(id).await.unwrap().unwrap().1
}

/// All deliveries that `filter` means, by pages of `limit`.
pub(crate) async fn deliveries(store: &Store, filter: &DeliveryFilter, limit: usize) -> Vec<Delivery> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.deliveries(filter, PageRequest { after, limit }).await.unwrap();
        assert!(page.items.len() <= limit);
        found.extend(page.items);
        if page.next.is_none() {
            return found;
        }
        after = page.next;
    }
}

/// Pending, in flight, dead letters, delivered, failed and retried.
pub(crate) fn numbers(counts: &EndpointCounts) -> [u64; 6] {
    [counts.pending, counts.in_flight, counts.dead_letters, counts.delivered, counts.failed, counts.retried]
}

/// Sweeps until nothing is left to delete; gives how much was.
pub(crate) async fn sweep_all(store: &Store, before: Timestamp, now: Timestamp) -> usize {
    let (mut deleted, limit) = (0, 50);
    loop {
        let step = store.sweep(before, now, limit).await.unwrap();
        deleted += step;
        if step < limit {
            return deleted;
        }
    }
}
