//! The memory store, which can be told to fail.

use async_trait::async_trait;
use redundancy_engine::Timestamp;
use redundancy_engine::webhook::delivery::{Attempt, Delivery, DeliveryFilter, DeliveryState};
use redundancy_engine::webhook::endpoint::Endpoint;
use redundancy_engine::webhook::event::{Event, EventType};
use redundancy_engine::webhook::ids::{DeliveryId, EndpointId, EventId, JobId};
use redundancy_engine::webhook::store::{
    Change, Changed, Claim, Claimed, EndpointRecord, EndpointWriteError, EventSummary, Job, Lease, Page,
    PageRequest, Publication, PublishError, Published, QueueStats, Settled, Settlement, StoreError,
    StoreHealth, WebhookStore,
};
use redundancy_store::MemoryStore;
use std::sync::Mutex;

#[derive(Default)]
pub(crate) struct FailingStore {
    inner: MemoryStore,
    error: Mutex<Option<StoreError>>,
}

impl FailingStore {
    /// From now on every call fails with `error`, or none does.
    pub(crate) fn fail_with(&self, error: Option<StoreError>) {
        *self.error.lock().unwrap() = error;
    }

    fn inner(&self) -> Result<&MemoryStore, StoreError> {
        self.error.lock().unwrap().clone().map_or(Ok(&self.inner), Err)
    }
}

#[async_trait]
impl WebhookStore for FailingStore {
    async fn create_endpoint(&self, endpoint: Endpoint) -> Result<(), EndpointWriteError> {
        self.inner()?.create_endpoint(endpoint).await
    }

    async fn replace_endpoint(
        &self,
        endpoint: Endpoint,
        forgives: bool,
        now: Timestamp,
    ) -> Result<(), EndpointWriteError> {
        self.inner()?.replace_endpoint(endpoint, forgives, now).await
    }

    async fn delete_endpoint(&self, id: &EndpointId, now: Timestamp) -> Result<bool, StoreError> {
        self.inner()?.delete_endpoint(id, now).await
    }

    async fn endpoint(&self, id: &EndpointId, now: Timestamp) -> Result<Option<EndpointRecord>, StoreError> {
        self.inner()?.endpoint(id, now).await
    }

    async fn endpoints(
        &self,
        page: PageRequest<EndpointId>,
        now: Timestamp,
    ) -> Result<Page<EndpointRecord, EndpointId>, StoreError> {
        self.inner()?.endpoints(page, now).await
    }

    async fn publish(&self, publication: Publication) -> Result<Published, PublishError> {
        self.inner()?.publish(publication).await
    }

    fn is_wanted(&self, kind: &EventType) -> bool {
        self.inner.is_wanted(kind)
    }

    async fn event(&self, id: EventId) -> Result<Option<(Event, u32)>, StoreError> {
        self.inner()?.event(id).await
    }

    async fn events(
        &self,
        since: Timestamp,
        until: Timestamp,
        page: PageRequest<EventId>,
    ) -> Result<Page<EventSummary, EventId>, StoreError> {
        self.inner()?.events(since, until, page).await
    }

    async fn delivery(&self, id: DeliveryId) -> Result<Option<(Delivery, Vec<Attempt>)>, StoreError> {
        self.inner()?.delivery(id).await
    }

    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        page: PageRequest<DeliveryId>,
    ) -> Result<Page<Delivery, DeliveryId>, StoreError> {
        self.inner()?.deliveries(filter, page).await
    }

    async fn change_delivery(
        &self,
        id: DeliveryId,
        change: Change,
        from: &[DeliveryState],
        now: Timestamp,
    ) -> Result<Changed, StoreError> {
        self.inner()?.change_delivery(id, change, from, now).await
    }

    async fn add_delivery(
        &self,
        event: EventId,
        endpoint: &EndpointId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.inner()?.add_delivery(event, endpoint, now).await
    }

    async fn claim(&self, claim: Claim<'_>) -> Result<Claimed, StoreError> {
        self.inner()?.claim(claim).await
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<Settled>, StoreError> {
        self.inner()?.settle(settlements).await
    }

    async fn extend(&self, leases: &[Lease], now: Timestamp, until: Timestamp) -> Result<(), StoreError> {
        self.inner()?.extend(leases, now, until).await
    }

    async fn release(&self, leases: Vec<Lease>, now: Timestamp) -> Result<(), StoreError> {
        self.inner()?.release(leases, now).await
    }

    async fn work_arrived(&self) {
        self.inner.work_arrived().await;
    }

    async fn queue_stats(&self, now: Timestamp) -> Result<QueueStats, StoreError> {
        self.inner()?.queue_stats(now).await
    }

    async fn put_job(&self, job: Job) -> Result<bool, StoreError> {
        self.inner()?.put_job(job).await
    }

    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        self.inner()?.job(id).await
    }

    async fn open_jobs(&self) -> Result<Vec<Job>, StoreError> {
        self.inner()?.open_jobs().await
    }

    async fn sweep(&self, before: Timestamp, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.inner()?.sweep(before, now, limit).await
    }

    async fn health(&self) -> StoreHealth {
        let health = self.inner.health().await;
        StoreHealth { is_reachable: self.inner().is_ok(), ..health }
    }
}
