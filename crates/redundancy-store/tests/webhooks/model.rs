//! The storage port in its slowest and most obvious form: maps under one mutex, searched from end to end. It is the reference
//! that stores are compared with.
//!
//! Not for use: nothing is fast, nothing lasts.

mod dispatching;
mod state;

use crate::fixture::Store;
use crate::stores::Stores;
use async_trait::async_trait;
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::delivery::{Attempt, Delivery, DeliveryFilter, DeliveryState};
use redundancy_webhook::endpoint::Endpoint;
use redundancy_webhook::event::{Event, EventType};
use redundancy_webhook::guard::Guard;
use redundancy_webhook::ids::{DeliveryId, EndpointId, EventId, JobId};
use redundancy_webhook::store::{
    Change, Changed, Claim, Claimed, EndpointCounts, EndpointRecord, EndpointWriteError, EventSummary, Job,
    JobState, Lease, Page, PageRequest, Publication, PublishError, Published, QueueStats, Settled,
    Settlement, StoreError, StoreHealth, WebhookStore,
};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::Notify;

pub(crate) use state::State;

/// The reference.
#[derive(Default)]
pub(crate) struct Model {
    state: Mutex<State>,
    arrived: Notify,
}

/// Makes references.
pub(crate) struct Models;

impl Stores for Models {
    async fn fresh(&self) -> Store {
        Arc::new(Model::default())
    }
}

impl Model {
    /// Everything there is.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

#[async_trait]
impl WebhookStore for Model {
    async fn create_endpoint(&self, endpoint: Endpoint) -> Result<(), EndpointWriteError> {
        let mut state = self.state();
        if state.endpoints.contains_key(&endpoint.id) {
            return Err(EndpointWriteError::Exists);
        }
        let (guard, counts) = (Guard::new(endpoint.created_at), EndpointCounts::default());
        state.endpoints.insert(endpoint.id.clone(), EndpointRecord { endpoint, guard, counts });
        Ok(())
    }

    async fn replace_endpoint(
        &self,
        endpoint: Endpoint,
        forgives: bool,
        now: Timestamp,
    ) -> Result<(), EndpointWriteError> {
        let mut state = self.state();
        let record = state
            .endpoints
            .get_mut(&endpoint.id)
            .filter(|record| record.endpoint.created_at == endpoint.created_at)
            .filter(|record| record.endpoint.revision + 1 == endpoint.revision)
            .ok_or(EndpointWriteError::Changed)?;
        record.endpoint = endpoint;
        if forgives {
            record.guard.reset(now);
        }
        self.arrived.notify_one();
        Ok(())
    }

    async fn delete_endpoint(&self, id: &EndpointId, now: Timestamp) -> Result<bool, StoreError> {
        let mut state = self.state();
        let ids: Vec<DeliveryId> = state
            .deliveries
            .values()
            .filter(|kept| kept.delivery.endpoint_id == *id)
            .map(|kept| kept.delivery.id)
            .collect();
        for delivery in ids {
            if let Some(kept) = state.deliveries.get_mut(&delivery) {
                kept.is_orphan = true;
                if kept.delivery.state == DeliveryState::Pending {
                    state.enter(delivery, DeliveryState::Cancelled, None, now);
                }
            }
        }
        Ok(state.endpoints.remove(id).is_some())
    }

    async fn endpoint(&self, id: &EndpointId, _now: Timestamp) -> Result<Option<EndpointRecord>, StoreError> {
        Ok(self.state().endpoints.get(id).cloned())
    }

    async fn endpoints(
        &self,
        page: PageRequest<EndpointId>,
        _now: Timestamp,
    ) -> Result<Page<EndpointRecord, EndpointId>, StoreError> {
        let state = self.state();
        let behind = state
            .endpoints
            .values()
            .filter(|record| page.after.as_ref().is_none_or(|id| record.endpoint.id > *id));
        Ok(cut(behind.cloned().collect(), page.limit, |record| record.endpoint.id.clone()))
    }

    async fn publish(&self, publication: Publication) -> Result<Published, PublishError> {
        let published = self.state().publish(publication)?;
        self.arrived.notify_one();
        Ok(published)
    }

    fn is_wanted(&self, kind: &EventType) -> bool {
        self.state().endpoints.values().any(|record| record.endpoint.wants(kind))
    }

    async fn event(&self, id: EventId) -> Result<Option<(Event, u32)>, StoreError> {
        let state = self.state();
        Ok(state.events.get(&id).map(|event| (event.clone(), state.deliveries_of(id))))
    }

    async fn events(
        &self,
        since: Timestamp,
        until: Timestamp,
        page: PageRequest<EventId>,
    ) -> Result<Page<EventSummary, EventId>, StoreError> {
        let state = self.state();
        let meant = state.events.values().rev().filter(|event| {
            (since..until).contains(&event.created_at) && page.after.is_none_or(|after| event.id < after)
        });
        let summaries = meant.map(|event| EventSummary { id: event.id, kind: event.kind.clone() }).collect();
        Ok(cut(summaries, page.limit, |summary: &EventSummary| summary.id))
    }

    async fn delivery(&self, id: DeliveryId) -> Result<Option<(Delivery, Vec<Attempt>)>, StoreError> {
        let state = self.state();
        Ok(state.deliveries.get(&id).map(|kept| (kept.delivery.clone(), kept.attempts.clone())))
    }

    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        page: PageRequest<DeliveryId>,
    ) -> Result<Page<Delivery, DeliveryId>, StoreError> {
        let state = self.state();
        let meant = state.deliveries.values().rev().map(|kept| &kept.delivery).filter(|delivery| {
            filter.matches(delivery) && page.after.is_none_or(|after| delivery.id < after)
        });
        Ok(cut(meant.cloned().collect(), page.limit, |delivery: &Delivery| delivery.id))
    }

    async fn change_delivery(
        &self,
        id: DeliveryId,
        change: Change,
        from: &[DeliveryState],
        now: Timestamp,
    ) -> Result<Changed, StoreError> {
        let changed = self.state().change(id, change, from, now);
        self.arrived.notify_one();
        Ok(changed)
    }

    async fn add_delivery(
        &self,
        event: EventId,
        endpoint: &EndpointId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let is_added = self.state().add_delivery(event, endpoint, now);
        self.arrived.notify_one();
        Ok(is_added)
    }

    async fn claim(&self, claim: Claim<'_>) -> Result<Claimed, StoreError> {
        let mut state = self.state();
        state.take_back_lost(claim.now);
        let chosen = state.choose(&claim);
        let deliveries = state.hand_out(&chosen, &claim);
        Ok(Claimed { deliveries, next_at: state.next_at(&claim) })
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<Settled>, StoreError> {
        let mut state = self.state();
        let taken = settlements.into_iter().map(|settlement| state.settle(settlement)).collect();
        self.arrived.notify_one();
        Ok(taken)
    }

    async fn extend(&self, leases: &[Lease], now: Timestamp, until: Timestamp) -> Result<(), StoreError> {
        let mut state = self.state();
        for lease in leases {
            state.extend(lease, now, until);
        }
        Ok(())
    }

    async fn release(&self, leases: Vec<Lease>, now: Timestamp) -> Result<(), StoreError> {
        let mut state = self.state();
        for lease in leases {
            state.release(&lease, now);
        }
        self.arrived.notify_one();
        Ok(())
    }

    async fn work_arrived(&self) {
        self.arrived.notified().await;
    }

    async fn queue_stats(&self, _now: Timestamp) -> Result<QueueStats, StoreError> {
        Ok(self.state().stats())
    }

    async fn put_job(&self, job: Job) -> Result<bool, StoreError> {
        let mut state = self.state();
        let next = state.jobs.get(&job.id).map_or(0, |kept| kept.revision + 1);
        let is_next = job.revision == next;
        if is_next {
            state.jobs.insert(job.id, job);
        }
        Ok(is_next)
    }

    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        Ok(self.state().jobs.get(&id).cloned())
    }

    async fn open_jobs(&self) -> Result<Vec<Job>, StoreError> {
        let state = self.state();
        Ok(state.jobs.values().filter(|job| job.state == JobState::Running).cloned().collect())
    }

    async fn sweep(&self, before: Timestamp, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        Ok(self.state().sweep(before, now, limit))
    }

    async fn health(&self) -> StoreHealth {
        StoreHealth {
            kind: "memory",
            is_reachable: true,
            is_durable: false,
            latency: Duration::ZERO,
            warnings: Vec::new(),
        }
    }
}

/// The first `limit` of `items`, and the key to go on after if there are more.
fn cut<T, K>(mut items: Vec<T>, limit: usize, key: impl Fn(&T) -> K) -> Page<T, K> {
    let has_more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| has_more).map(key);
    Page { items, next }
}
