//! The webhook port over the maps.

use super::MemoryStore;
use crate::schedule::is_next;
use async_trait::async_trait;
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::delivery::{Attempt, Delivery, DeliveryFilter, DeliveryState};
use redundancy_webhook::endpoint::Endpoint;
use redundancy_webhook::event::{Event, EventType};
use redundancy_webhook::ids::{DeliveryId, EndpointId, EventId, JobId};
use redundancy_webhook::store::{
    Change, Changed, Claim, Claimed, EndpointRecord, EndpointWriteError, EventSummary, Job, JobState, Lease,
    Page, PageRequest, Publication, PublishError, Published, QueueStats, Settled, Settlement, StoreError,
    StoreHealth, WebhookStore,
};
use std::sync::Arc;
use std::time::Duration;

#[async_trait]
impl WebhookStore for MemoryStore {
    async fn create_endpoint(&self, endpoint: Endpoint) -> Result<(), EndpointWriteError> {
        let mut tables = self.tables();
        if tables.schedule.lane(&endpoint.id).is_some() {
            return Err(EndpointWriteError::Exists);
        }
        let now = endpoint.created_at;
        tables.schedule.put_endpoint(Arc::new(endpoint), now);
        Ok(())
    }

    async fn replace_endpoint(
        &self,
        endpoint: Endpoint,
        forgives: bool,
        now: Timestamp,
    ) -> Result<(), EndpointWriteError> {
        let mut tables = self.tables();
        let id = endpoint.id.clone();
        let Some(lane) = tables.schedule.lane(&id) else { return Err(EndpointWriteError::Changed) };
        if !is_next(&lane.endpoint, &endpoint) {
            return Err(EndpointWriteError::Changed);
        }
        tables.schedule.put_endpoint(Arc::new(endpoint), now);
        if forgives {
            tables.schedule.forgive(&id, now);
        }
        drop(tables);
        self.work.notify_one();
        Ok(())
    }

    async fn delete_endpoint(&self, id: &EndpointId, now: Timestamp) -> Result<bool, StoreError> {
        Ok(self.tables().delete_endpoint(id, now))
    }

    async fn endpoint(&self, id: &EndpointId, _: Timestamp) -> Result<Option<EndpointRecord>, StoreError> {
        Ok(self.tables().schedule.record(id))
    }

    async fn endpoints(
        &self,
        page: PageRequest<EndpointId>,
        _: Timestamp,
    ) -> Result<Page<EndpointRecord, EndpointId>, StoreError> {
        Ok(self.tables().schedule.records(&page))
    }

    async fn publish(&self, publication: Publication) -> Result<Published, PublishError> {
        let published = self.tables().publish(publication)?;
        self.work.notify_one();
        Ok(published)
    }

    fn is_wanted(&self, kind: &EventType) -> bool {
        self.tables().schedule.is_wanted(kind)
    }

    async fn event(&self, id: EventId) -> Result<Option<(Event, u32)>, StoreError> {
        let tables = self.tables();
        let count = tables.counts.get(&id).copied().unwrap_or_default();
        Ok(tables.events.get(&id).map(|event| (Event::clone(event), count)))
    }

    async fn events(
        &self,
        since: Timestamp,
        until: Timestamp,
        page: PageRequest<EventId>,
    ) -> Result<Page<EventSummary, EventId>, StoreError> {
        let from = EventId::first_at(since);
        let end = EventId::first_at(until);
        let end = page.after.map_or(end, |after| after.min(end));
        if from >= end {
            return Ok(Page { items: Vec::new(), next: None });
        }
        let tables = self.tables();
        let mut events = tables.events.range(from..end).rev();
        let summary =
            |(id, event): (&EventId, &Arc<Event>)| EventSummary { id: *id, kind: event.kind.clone() };
        let items: Vec<_> = events.by_ref().take(page.limit).map(summary).collect();
        let next = events.next().and_then(|_| items.last().map(|last| last.id));
        Ok(Page { items, next })
    }

    async fn delivery(&self, id: DeliveryId) -> Result<Option<(Delivery, Vec<Attempt>)>, StoreError> {
        Ok(self.tables().delivery(id).map(|(delivery, attempts)| (delivery, attempts.clone())))
    }

    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        page: PageRequest<DeliveryId>,
    ) -> Result<Page<Delivery, DeliveryId>, StoreError> {
        Ok(self.tables().list(filter, &page))
    }

    async fn change_delivery(
        &self,
        id: DeliveryId,
        change: Change,
        from: &[DeliveryState],
        now: Timestamp,
    ) -> Result<Changed, StoreError> {
        let changed = self.tables().change(id, change, from, now);
        self.work.notify_one();
        Ok(changed)
    }

    async fn add_delivery(
        &self,
        event: EventId,
        endpoint: &EndpointId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let is_new = self.tables().add_delivery(event, endpoint, now);
        self.work.notify_one();
        Ok(is_new)
    }

    async fn claim(&self, claim: Claim<'_>) -> Result<Claimed, StoreError> {
        Ok(self.tables().claim(&claim))
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<Settled>, StoreError> {
        let mut tables = self.tables();
        let taken = settlements.into_iter().map(|settlement| tables.settle(settlement)).collect();
        drop(tables);
        self.work.notify_one();
        Ok(taken)
    }

    async fn extend(&self, leases: &[Lease], now: Timestamp, until: Timestamp) -> Result<(), StoreError> {
        self.tables().schedule.extend(leases, now, until);
        Ok(())
    }

    async fn release(&self, leases: Vec<Lease>, now: Timestamp) -> Result<(), StoreError> {
        let mut tables = self.tables();
        for lease in &leases {
            tables.release(lease, now);
        }
        drop(tables);
        self.work.notify_one();
        Ok(())
    }

    async fn work_arrived(&self) {
        self.work.notified().await;
    }

    async fn queue_stats(&self, _: Timestamp) -> Result<QueueStats, StoreError> {
        let tables = self.tables();
        let lanes = tables.schedule.lanes();
        Ok(QueueStats {
            total: tables.schedule.total(),
            by_endpoint: lanes.iter().map(|(id, lane)| (id.clone(), lane.counts.clone())).collect(),
            oldest_pending_at: tables.oldest_pending(),
        })
    }

    async fn put_job(&self, job: Job) -> Result<bool, StoreError> {
        let mut tables = self.tables();
        let known = tables.jobs.get(&job.id).map(|known| known.revision + 1);
        let is_next = known.unwrap_or_default() == job.revision;
        if is_next {
            tables.jobs.insert(job.id, job);
        }
        Ok(is_next)
    }

    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        Ok(self.tables().jobs.get(&id).cloned())
    }

    async fn open_jobs(&self) -> Result<Vec<Job>, StoreError> {
        let tables = self.tables();
        Ok(tables.jobs.values().filter(|job| job.state == JobState::Running).cloned().collect())
    }

    async fn sweep(&self, before: Timestamp, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let batches = self.batches().sweep(before, now, limit);
        Ok(batches + self.tables().sweep(before, now, limit))
    }

    async fn health(&self) -> StoreHealth {
        StoreHealth {
            kind: "memory",
            is_reachable: true,
            is_durable: false,
            latency: Duration::ZERO,
            warnings: vec!["events and deliveries are lost when the process ends".to_owned()],
        }
    }
}
