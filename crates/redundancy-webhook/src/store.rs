//! The storage port: what delivery needs from a store. Each method is a unit of atomicity, not a table: what it changes is
//! changed together or not at all, and is durable in the store when it returns.
//!
//! Not for deciding anything: when to retry, when a breaker opens and which endpoint wants which event are pure functions
//! of this crate, which stores call where they have to.

mod dispatch;
mod jobs;
mod stats;

use crate::clock::Timestamp;
use crate::delivery::{Attempt, Delivery, DeliveryFilter, DeliveryState};
use crate::endpoint::Endpoint;
use crate::event::{Event, EventType};
use crate::guard::Guard;
use crate::ids::{DeliveryId, EndpointId, EventId, JobId};
use async_trait::async_trait;
use ring::digest;

pub use dispatch::{
    Claim, Claimed, ClaimedDelivery, Disabling, Lease, Room, Settled, Settlement, Transition,
};
pub use jobs::{Job, JobKind, JobState};
pub use stats::{EndpointCounts, LatencyHistogram, QueueStats, StoreHealth};

/// A store could not do what it was asked. Nothing was changed, unless the connection to the store was lost while it worked:
/// then the change may have happened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It is away, or too slow; the same call may work later.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// It has no room; the same call works when there is some.
    #[error("the store is full: {0}")]
    Full(String),
    /// What it holds cannot be read by this version of the program.
    #[error("the store holds something unreadable: {0}")]
    Unreadable(String),
}

/// An event on its way into the store.
#[derive(Debug, Clone)]
pub struct Publication {
    /// The event.
    pub event: Event,
    /// Who gets it.
    pub audience: Audience,
    /// Makes a repeated request harmless.
    pub idempotency: Option<Idempotency>,
    /// Whether the event is kept when no endpoint wants it.
    pub keep_unwanted: bool,
}

/// Who gets an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// Every endpoint that wants its type.
    Subscribers,
    /// The same, but for one: it need not be told of its own failures.
    SubscribersBut(EndpointId),
}

/// The key of a request that may be sent more than once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// What the caller calls the request.
    pub key: String,
    /// A digest of what was asked. The same key with another one is a mistake.
    pub fingerprint: [u8; 32],
    /// When the key is forgotten.
    pub expires_at: Timestamp,
}

/// The [slot](EventId::slot) of an event that is published under the idempotency key `key`: the first byte of its SHA-256. A
/// store that spreads events over partitions finds the key with its event.
#[must_use]
pub fn idempotency_slot(key: &str) -> u8 {
    digest::digest(&digest::SHA256, key.as_bytes()).as_ref().first().copied().unwrap_or_default()
}

/// An event was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// Its id. When the request is a repeated one, that of the first.
    pub event_id: EventId,
    /// How many deliveries it has.
    pub deliveries: u32,
    /// Whether the same request came before, and this one changed nothing.
    pub is_repeat: bool,
}

/// Why an event was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The same idempotency key came before with another request.
    #[error("this idempotency key was used for another request")]
    KeyReused,
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why an endpoint was not written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointWriteError {
    /// There is one with this id.
    #[error("there is an endpoint with this id")]
    Exists,
    /// There is none with this id, or it was changed meanwhile.
    #[error("the endpoint was changed or deleted meanwhile")]
    Changed,
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An endpoint and how its deliveries go.
#[derive(Debug, Clone)]
pub struct EndpointRecord {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// Its breaker and its limits.
    pub guard: Guard,
    /// Counts of its deliveries.
    pub counts: EndpointCounts,
}

impl EndpointRecord {
    /// As it is at `now`: stores know of its breaker what the last delivery made of it.
    #[must_use]
    pub(crate) fn at(mut self, now: Timestamp) -> Self {
        self.guard.breaker = self.guard.breaker.at(now);
        self
    }
}

/// What somebody wants to become of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is attempted again at once, with all attempts of its policy.
    Requeue,
    /// It is not attempted any more.
    Cancel,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    /// As was wanted. This is the delivery now.
    Done(Delivery),
    /// Its state does not allow it.
    WrongState(DeliveryState),
    /// There is no such delivery, or its endpoint or event is gone.
    NotFound,
}

/// Which part of a list is wanted. Lists of deliveries and events begin with the newest, lists of endpoints go by id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest<K> {
    /// What comes behind the item with this key; from the beginning without it.
    pub after: Option<K>,
    /// So many items at most, at least 1.
    pub limit: usize,
}

impl<K> PageRequest<K> {
    /// The same with another kind of key.
    #[must_use]
    pub fn map<L>(self, change: impl FnOnce(K) -> L) -> PageRequest<L> {
        PageRequest { after: self.after.map(change), limit: self.limit }
    }
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T, K> {
    /// The items.
    pub items: Vec<T>,
    /// The key to go on after; `None` at the end.
    pub next: Option<K>,
}

impl<T, K> Page<T, K> {
    /// The first `limit` of `items`, of which one more was looked up: if it is there, the page after this one goes on behind the last
    /// of them.
    #[must_use]
    pub fn cut(mut items: Vec<T>, limit: usize, key: impl FnOnce(&T) -> K) -> Self {
        let has_more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| has_more).map(key);
        Self { items, next }
    }
}

/// An event without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventSummary {
    /// Its id.
    pub id: EventId,
    /// Its type.
    pub kind: EventType,
}

/// Keeps endpoints, events, deliveries and everything that delivery has to remember, shared by all replicas.
#[async_trait]
pub trait WebhookStore: Send + Sync {
    /// Registers an endpoint. From when this returns, every event that any replica accepts and that the endpoint wants has a
    /// delivery to it.
    async fn create_endpoint(&self, endpoint: Endpoint) -> Result<(), EndpointWriteError>;

    /// Writes `endpoint` in place of the one with its id, which must have been registered at the same time and have a revision of
    /// one less. With `forgives` its guard forgets failures. From when this returns, every replica publishes by it.
    async fn replace_endpoint(
        &self,
        endpoint: Endpoint,
        forgives: bool,
        now: Timestamp,
    ) -> Result<(), EndpointWriteError>;

    /// Deletes an endpoint and cancels its pending deliveries; says whether it was there. A delivery under way is
    /// cancelled unless its attempt succeeds.
    async fn delete_endpoint(&self, id: &EndpointId, now: Timestamp) -> Result<bool, StoreError>;

    /// An endpoint.
    async fn endpoint(&self, id: &EndpointId, now: Timestamp) -> Result<Option<EndpointRecord>, StoreError>;

    /// Endpoints, by id.
    async fn endpoints(
        &self,
        page: PageRequest<EndpointId>,
        now: Timestamp,
    ) -> Result<Page<EndpointRecord, EndpointId>, StoreError>;

    /// Accepts an event: writes it and one delivery, due at once, for each endpoint that gets it, all of them or none. With an
    /// idempotency key that was seen before nothing is written.
    async fn publish(&self, publication: Publication) -> Result<Published, PublishError>;

    /// Whether an event of type `kind` would have a delivery now, as far as this replica knows: it may be a moment behind
    /// others. Cheap, and answered also while the store is away.
    fn is_wanted(&self, kind: &EventType) -> bool;

    /// An event, and how many deliveries it has.
    async fn event(&self, id: EventId) -> Result<Option<(Event, u32)>, StoreError>;

    /// Events made from `since` on and before `until`, newest first.
    async fn events(
        &self,
        since: Timestamp,
        until: Timestamp,
        page: PageRequest<EventId>,
    ) -> Result<Page<EventSummary, EventId>, StoreError>;

    /// A delivery and its attempts, in their order.
    async fn delivery(&self, id: DeliveryId) -> Result<Option<(Delivery, Vec<Attempt>)>, StoreError>;

    /// Deliveries that `filter` means, newest first.
    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        page: PageRequest<DeliveryId>,
    ) -> Result<Page<Delivery, DeliveryId>, StoreError>;

    /// Changes a delivery if it is in one of the states `from`.
    async fn change_delivery(
        &self,
        id: DeliveryId,
        change: Change,
        from: &[DeliveryState],
        now: Timestamp,
    ) -> Result<Changed, StoreError>;

    /// Makes a delivery of an event to an endpoint, due at once, if there is none; says whether there was none and both exist.
    async fn add_delivery(
        &self,
        event: EventId,
        endpoint: &EndpointId,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Hands out pending deliveries that are due, under leases: fairly, the endpoints in turn, each as its guard and its
    /// [`Room`] allow, the longest due first. Deliveries whose lease is over count as pending again.
    async fn claim(&self, claim: Claim<'_>) -> Result<Claimed, StoreError>;

    /// Takes notice of attempts that ended. Each is taken for itself, all or nothing: the attempt, what becomes of the delivery,
    /// the guard, and the events that follow. One whose lease is over changes nothing, unless it succeeded and the delivery is
    /// not finished otherwise. Says of each what became of it. Once this has returned, losing it to a crash costs at most
    /// another attempt: it need not be durable at once.
    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<Settled>, StoreError>;

    /// Says that deliveries are still being made: their leases, as far as they are not over, hold until `until`.
    async fn extend(&self, leases: &[Lease], now: Timestamp, until: Timestamp) -> Result<(), StoreError>;

    /// Gives deliveries back that were claimed and not attempted: they are due at once.
    async fn release(&self, leases: Vec<Lease>, now: Timestamp) -> Result<(), StoreError>;

    /// Waits until there may be something to claim that the last [`Claim`] did not know of. May return without reason; never
    /// misses one that came after the last claim began, except for what other replicas do while the store is away.
    async fn work_arrived(&self);

    /// Counts of deliveries, in all and by endpoint.
    async fn queue_stats(&self, now: Timestamp) -> Result<QueueStats, StoreError>;

    /// Writes `job` in place of the one with its id, whose revision must be one less (0 and none for a new one); says whether
    /// it was.
    async fn put_job(&self, job: Job) -> Result<bool, StoreError>;

    /// A job.
    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError>;

    /// Jobs that are not finished.
    async fn open_jobs(&self) -> Result<Vec<Job>, StoreError>;

    /// Deletes finished deliveries made before `before`, with their attempts, events without deliveries made before it,
    /// finished jobs made before it, and idempotency keys that have expired by `now`: up to about `limit` of each. Says how many
    /// it deleted; less than `limit` means that nothing is left to delete.
    async fn sweep(&self, before: Timestamp, now: Timestamp, limit: usize) -> Result<usize, StoreError>;

    /// Waits until everything that was taken is durable, outcomes of attempts included.
    async fn sync(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// How the store does. Never waits longer than a few seconds.
    async fn health(&self) -> StoreHealth;
}
