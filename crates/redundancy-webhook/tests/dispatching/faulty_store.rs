//! A store in memory of which one call goes wrong.

use async_trait::async_trait;
use redundancy_store::MemoryStore;
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::delivery::{Attempt, Delivery, DeliveryFilter, DeliveryState};
use redundancy_webhook::endpoint::Endpoint;
use redundancy_webhook::event::{Event, EventType};
use redundancy_webhook::ids::{DeliveryId, EndpointId, EventId, JobId};
use redundancy_webhook::store::{
    Change, Changed, Claim, Claimed, EndpointRecord, EndpointWriteError, EventSummary, Job, Lease, Page,
    PageRequest, Publication, PublishError, Published, QueueStats, Settled, Settlement, StoreError,
    StoreHealth, WebhookStore,
};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing is done, and that is said.
    Fail,
    /// It is done, and an error is said.
    LoseAnswer,
    /// It is done late.
    Delay,
    /// It is done when every lease has long ended.
    Freeze,
}

impl Fault {
    pub(crate) const ALL: [Self; 4] = [Self::Fail, Self::LoseAnswer, Self::Delay, Self::Freeze];
}

/// The store. The calls that accept and deliver events are counted, and one of them is at fault.
#[derive(Default)]
pub(crate) struct FaultyStore {
    inner: MemoryStore,
    calls: AtomicUsize,
    fault: Option<(usize, Fault)>,
}

impl FaultyStore {
    /// Call number `at`, from 0 on, goes wrong.
    pub(crate) fn with(at: usize, fault: Fault) -> Self {
        Self { fault: Some((at, fault)), ..Self::default() }
    }

    /// How many calls there were.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    async fn perhaps<T, E: From<StoreError>>(
        &self,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        let lost = || E::from(StoreError::Unavailable("it was to go wrong".to_owned()));
        match self.fault.filter(|(at, _)| *at == number).map(|(_, fault)| fault) {
            None => call.await,
            Some(Fault::Fail) => Err(lost()),
            Some(Fault::LoseAnswer) => call.await.and_then(|_| Err(lost())),
            Some(Fault::Delay) => {
                tokio::time::sleep(Duration::from_secs(2)).await;
                call.await
            }
            Some(Fault::Freeze) => {
                tokio::time::sleep(Duration::from_mins(1)).await;
                call.await
            }
        }
    }
}

#[async_trait]
impl WebhookStore for FaultyStore {
    async fn create_endpoint(&self, endpoint: Endpoint) -> Result<(), EndpointWriteError> {
        self.inner.create_endpoint(endpoint).await
    }

    async fn replace_endpoint(
        &self,
        endpoint: Endpoint,
        forgives: bool,
        now: Timestamp,
    ) -> Result<(), EndpointWriteError> {
        self.inner.replace_endpoint(endpoint, forgives, now).await
    }

    async fn delete_endpoint(&self, id: &EndpointId, now: Timestamp) -> Result<bool, StoreError> {
        self.inner.delete_endpoint(id, now).await
    }

    async fn endpoint(&self, id: &EndpointId, now: Timestamp) -> Result<Option<EndpointRecord>, StoreError> {
        self.inner.endpoint(id, now).await
    }

    async fn endpoints(
        &self,
        page: PageRequest<EndpointId>,
        now: Timestamp,
    ) -> Result<Page<EndpointRecord, EndpointId>, StoreError> {
        self.inner.endpoints(page, now).await
    }

    async fn publish(&self, publication: Publication) -> Result<Published, PublishError> {
        self.perhaps(self.inner.publish(publication)).await
    }

    fn is_wanted(&self, kind: &EventType) -> bool {
        self.inner.is_wanted(kind)
    }

    async fn event(&self, id: EventId) -> Result<Option<(Event, u32)>, StoreError> {
        self.inner.event(id).await
    }

    async fn events(
        &self,
        since: Timestamp,
        until: Timestamp,
        page: PageRequest<EventId>,
    ) -> Result<Page<EventSummary, EventId>, StoreError> {
        self.inner.events(since, until, page).await
    }

    async fn delivery(&self, id: DeliveryId) -> Result<Option<(Delivery, Vec<Attempt>)>, StoreError> {
        self.inner.delivery(id).await
    }

    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        page: PageRequest<DeliveryId>,
    ) -> Result<Page<Delivery, DeliveryId>, StoreError> {
        self.inner.deliveries(filter, page).await
    }

    async fn change_delivery(
        &self,
        id: DeliveryId,
        change: Change,
        from: &[DeliveryState],
        now: Timestamp,
    ) -> Result<Changed, StoreError> {
        self.inner.change_delivery(id, change, from, now).await
    }

    async fn add_delivery(
        &self,
        event: EventId,
        endpoint: &EndpointId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.inner.add_delivery(event, endpoint, now).await
    }

    async fn claim(&self, claim: Claim<'_>) -> Result<Claimed, StoreError> {
        self.perhaps(self.inner.claim(claim)).await
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<Settled>, StoreError> {
        self.perhaps(self.inner.settle(settlements)).await
    }

    async fn extend(&self, leases: &[Lease], now: Timestamp, until: Timestamp) -> Result<(), StoreError> {
        self.perhaps(self.inner.extend(leases, now, until)).await
    }

    async fn release(&self, leases: Vec<Lease>, now: Timestamp) -> Result<(), StoreError> {
        self.perhaps(self.inner.release(leases, now)).await
    }

    async fn work_arrived(&self) {
        self.inner.work_arrived().await;
    }

    async fn queue_stats(&self, now: Timestamp) -> Result<QueueStats, StoreError> {
        self.inner.queue_stats(now).await
    }

    async fn put_job(&self, job: Job) -> Result<bool, StoreError> {
        self.inner.put_job(job).await
    }

    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        self.inner.job(id).await
    }

    async fn open_jobs(&self) -> Result<Vec<Job>, StoreError> {
        self.inner.open_jobs().await
    }

    async fn sweep(&self, before: Timestamp, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.inner.sweep(before, now, limit).await
    }

    async fn sync(&self) -> Result<(), StoreError> {
        self.perhaps(self.inner.sync()).await
    }

    async fn health(&self) -> StoreHealth {
        self.inner.health().await
    }
}
