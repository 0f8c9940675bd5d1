//! A store in Redis 7, one server or a Cluster, for any number of replicas.
//!
//! Everything that must change together lies in one partition and is changed by one Lua script; the scripts and the keys are
//! described in `redis/script/shared.lua`. Partitions are spread over the nodes of a Cluster by the hash tags of their keys.
//! Which endpoint gets an event, when a delivery is tried again and what a guard lets through is decided by pure code outside;
//! scripts check that what was decided still holds.
//!
//! Redis that is away makes every method fail with [`StoreError::Unavailable`] within seconds, and everything goes on by itself
//! when it is back, also after a fail-over and after it has lost everything. What it has lost is lost.
//!
//! Documents lie in the partitions of their ids with what they are found by (`redis/script/documents.lua`). Few partitions have
//! some: a search asks all of these.
//!
//! The guards of endpoints lie elsewhere than their deliveries, so the two are written one after the other: a crash in between
//! costs a place under way until its time is over, or one attempt more than a limit allows, and never a delivery.

pub(crate) mod access;
mod address;
mod analyses;
mod batch_record;
mod batches;
mod catalog;
mod change;
mod claim;
mod decode;
mod fault;
mod finding;
mod gathering;
mod guards;
mod jobs;
mod key;
mod link;
mod publish;
mod putting;
mod read;
mod record;
mod registry;
mod reply;
mod script;
mod settle;
mod share;
mod stats;
mod wake;

use self::claim::Width;
use self::gathering::Gathering;
use self::guards::{Changes, Guards};
use self::link::Link;
use self::registry::Registry;
use self::wake::Wake;
use async_trait::async_trait;
use redundancy_engine::access::Tenant;
use redundancy_webhook::clock::{Clock, IdSource, Timestamp};
use redundancy_webhook::delivery::{Attempt, Delivery, DeliveryFilter, DeliveryState};
use redundancy_webhook::endpoint::Endpoint;
use redundancy_webhook::event::{Event, EventType};
use redundancy_webhook::ids::{DeliveryId, EndpointId, EventId, JobId};
use redundancy_webhook::record::SecretCipher;
use redundancy_webhook::store::{
    Audience, Change, Changed, Claim, Claimed, EndpointRecord, EndpointWriteError, EventSummary, Job, Lease,
    Page, PageRequest, Publication, PublishError, Published, QueueStats, Settled, Settlement, StoreError,
    StoreHealth, WebhookStore,
};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use address::{InvalidRedisAddress, RedisAddress};

/// How long Redis may take for anything, unless the caller says otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(2);

/// What a [`RedisStore`] needs.
pub struct RedisConfig {
    /// Where Redis is.
    pub address: RedisAddress,
    /// How long connecting and each request may take.
    pub timeout: Duration,
    /// Encrypts what is secret of endpoints, if there is a key.
    pub cipher: Option<SecretCipher>,
    /// Random numbers.
    pub ids: Arc<dyn IdSource>,
    /// For measuring only: every time that is kept comes from the caller.
    pub clock: Arc<dyn Clock>,
    /// Whose things are kept: a store of one tenant sees nothing of another's.
    pub tenant: Option<Tenant>,
}

/// A store in Redis.
pub struct RedisStore {
    link: Arc<Link>,
    registry: Arc<Registry>,
    guards: Guards,
    wake: Arc<Wake>,
    unsure: settle::Unsure,
    ids: Arc<dyn IdSource>,
    clock: Arc<dyn Clock>,
    /// Claims of one replica go one after the other: each looks at what the one before left.
    claiming: Gathering,
    settling: Gathering,
    /// Bounds the groups of documents that are put.
    putting: Semaphore,
    /// Bounds the queries for documents.
    finding: Semaphore,
    width: Width,
    /// There may be a batch to go on with.
    batch_work: Notify,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl RedisStore {
    /// A store in the Redis of `config`, and the tasks that keep it up to date. It may be away; then the store is of use as soon as it
    /// is there. Fails only when Redis holds endpoints that cannot be read.
    pub async fn connect(config: RedisConfig) -> Result<Arc<Self>, StoreError> {
        let RedisConfig { address, timeout, cipher, ids, clock, tenant } = config;
        let link = Arc::new(Link::new(address, timeout, tenant.as_ref()));
        let registry = Arc::new(Registry::new(Arc::clone(&link), cipher, Arc::clone(&ids)));
        if let Err(error @ StoreError::Unreadable(_)) = registry.refresh().await {
            return Err(error);
        }
        let (tasks, stop, wake) = (TaskTracker::new(), CancellationToken::new(), Arc::new(Wake::new()));
        let listening = {
            let (wake, link, registry, stop) =
                (Arc::clone(&wake), Arc::clone(&link), Arc::clone(&registry), stop.clone());
            async move { wake.listen(&link, &registry, stop).await }
        };
        tasks.spawn(listening);
        let beating = {
            let (registry, stop) = (Arc::clone(&registry), stop.clone());
            async move { wake::beat(&registry, stop).await }
        };
        tasks.spawn(beating);
        tasks.close();
        let guards = Guards::new(Arc::clone(&link));
        let (claiming, settling) = (Gathering::new(), Gathering::new());
        let (width, unsure) = (Width::new(), settle::Unsure::default());
        Ok(Arc::new(Self {
            link,
            registry,
            guards,
            wake,
            unsure,
            ids,
            clock,
            claiming,
            settling,
            putting: Semaphore::new(putting::GROUPS),
            finding: Semaphore::new(finding::QUERIES),
            width,
            batch_work: Notify::new(),
            tasks,
            stop,
        }))
    }

    /// Ends the tasks of the store and its connections. What is called afterwards connects again.
    pub async fn close(&self) {
        self.stop.cancel();
        self.tasks.wait().await;
        self.link.close();
    }
}

impl Drop for RedisStore {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").finish_non_exhaustive()
    }
}

impl fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisConfig")
            .field("address", &self.address)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl WebhookStore for RedisStore {
    async fn create_endpoint(&self, endpoint: Endpoint) -> Result<(), EndpointWriteError> {
        self.registry.create(&endpoint, endpoint.created_at).await?;
        self.guards.forget(&endpoint.id);
        Ok(())
    }

    async fn replace_endpoint(
        &self,
        endpoint: Endpoint,
        forgives: bool,
        now: Timestamp,
    ) -> Result<(), EndpointWriteError> {
        // Only once it is written: a change that is refused forgives nothing.
        let forgive = async {
            if !forgives {
                return Ok(());
            }
            let mut changes = [Changes::new(endpoint.id.clone(), vec![guards::Change::Reset])];
            self.guards.change(&mut changes, now).await
        };
        self.registry.replace(&endpoint, now, Box::pin(forgive)).await
    }

    async fn delete_endpoint(&self, id: &EndpointId, now: Timestamp) -> Result<bool, StoreError> {
        let was_there = self.registry.delete(id, now).await?;
        self.guards.forget(id);
        Ok(was_there)
    }

    async fn endpoint(&self, id: &EndpointId, now: Timestamp) -> Result<Option<EndpointRecord>, StoreError> {
        let endpoints = self.registry.refresh().await?;
        let Some(endpoint) = endpoints.get(id) else { return Ok(None) };
        Ok(self.records(&[Arc::clone(endpoint)], now).await?.pop())
    }

    async fn endpoints(
        &self,
        page: PageRequest<EndpointId>,
        now: Timestamp,
    ) -> Result<Page<EndpointRecord, EndpointId>, StoreError> {
        let endpoints = self.registry.refresh().await?;
        let wanted: Vec<Arc<Endpoint>> =
            endpoints.after(page.after.as_ref()).take(page.limit.saturating_add(1)).cloned().collect();
        let Page { items, next } = Page::cut(wanted, page.limit, |endpoint| endpoint.id.clone());
        Ok(Page { items: self.records(&items, now).await?, next })
    }

    async fn publish(&self, publication: Publication) -> Result<Published, PublishError> {
        self.accept(&publication, None).await
    }

    fn is_wanted(&self, kind: &EventType) -> bool {
        self.registry.known().recipients(kind, &Audience::Subscribers).next().is_some()
    }

    async fn event(&self, id: EventId) -> Result<Option<(Event, u32)>, StoreError> {
        self.read_event(id).await
    }

    async fn events(
        &self,
        since: Timestamp,
        until: Timestamp,
        page: PageRequest<EventId>,
    ) -> Result<Page<EventSummary, EventId>, StoreError> {
        self.list_events(since, until, &page).await
    }

    async fn delivery(&self, id: DeliveryId) -> Result<Option<(Delivery, Vec<Attempt>)>, StoreError> {
        self.read_delivery(id).await
    }

    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        page: PageRequest<DeliveryId>,
    ) -> Result<Page<Delivery, DeliveryId>, StoreError> {
        self.list_deliveries(filter, &page).await
    }

    async fn change_delivery(
        &self,
        id: DeliveryId,
        change: Change,
        from: &[DeliveryState],
        now: Timestamp,
    ) -> Result<Changed, StoreError> {
        self.change(id, change, from, now).await
    }

    async fn add_delivery(
        &self,
        event: EventId,
        endpoint: &EndpointId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.add(event, endpoint, now).await
    }

    async fn claim(&self, claim: Claim<'_>) -> Result<Claimed, StoreError> {
        self.hand_out(&claim).await
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<Settled>, StoreError> {
        self.settle_all(&settlements).await
    }

    async fn extend(&self, leases: &[Lease], now: Timestamp, until: Timestamp) -> Result<(), StoreError> {
        self.extend_all(leases, now, until).await
    }

    async fn release(&self, leases: Vec<Lease>, now: Timestamp) -> Result<(), StoreError> {
        self.release_all(&leases, now).await
    }

    async fn work_arrived(&self) {
        self.wake.wait().await;
    }

    async fn queue_stats(&self, _now: Timestamp) -> Result<QueueStats, StoreError> {
        self.count_all().await
    }

    async fn put_job(&self, job: Job) -> Result<bool, StoreError> {
        self.write_job(&job).await
    }

    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        self.read_job(id).await
    }

    async fn open_jobs(&self) -> Result<Vec<Job>, StoreError> {
        self.read_open_jobs().await
    }

    async fn sweep(&self, before: Timestamp, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.delete_old(before, now, limit).await
    }

    async fn health(&self) -> StoreHealth {
        self.ask_health().await
    }
}
