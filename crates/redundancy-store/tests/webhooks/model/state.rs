//! What the reference holds, and everything that happens to it but dispatching.

use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::delivery::{Attempt, Delivery, DeliveryState};
use redundancy_webhook::event::Event;
use redundancy_webhook::ids::{DeliveryId, EndpointId, EventId, JobId};
use redundancy_webhook::store::{
    Audience, Change, Changed, EndpointCounts, EndpointRecord, Idempotency, Job, JobState, Lease,
    Publication, PublishError, Published, QueueStats,
};
use std::collections::BTreeMap;

/// Everything there is.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) endpoints: BTreeMap<EndpointId, EndpointRecord>,
    pub(crate) events: BTreeMap<EventId, Event>,
    pub(crate) deliveries: BTreeMap<DeliveryId, Kept>,
    pub(crate) jobs: BTreeMap<JobId, Job>,
    keys: BTreeMap<String, (Idempotency, EventId)>,
    total: EndpointCounts,
    pub(super) last_token: u64,
    pub(super) turn: usize,
}

/// A delivery with what belongs to it.
pub(crate) struct Kept {
    pub(crate) delivery: Delivery,
    pub(crate) attempts: Vec<Attempt>,
    /// Who makes it, and until when.
    pub(crate) lease: Option<(Lease, Timestamp)>,
    /// Whether its endpoint was deleted.
    pub(crate) is_orphan: bool,
}

impl State {
    /// Moves a delivery to the state `to`, due at `due_at`; counts it, and ends its lease.
    pub(super) fn enter(
        &mut self,
        id: DeliveryId,
        to: DeliveryState,
        due_at: Option<Timestamp>,
        now: Timestamp,
    ) {
        let Some(kept) = self.deliveries.get_mut(&id) else { return };
        let from = kept.delivery.state;
        (kept.delivery.state, kept.delivery.due_at, kept.delivery.updated_at) = (to, due_at, now);
        kept.lease = None;
        let (endpoint, is_orphan) = (kept.delivery.endpoint_id.clone(), kept.is_orphan);
        self.count(&endpoint, is_orphan, |counts| counts.moved(Some(from), Some(to)));
    }

    /// Counts something of an endpoint, if it is there and not another one of the same name, and in the total.
    pub(super) fn count(
        &mut self,
        endpoint: &EndpointId,
        is_orphan: bool,
        count: impl Fn(&mut EndpointCounts),
    ) {
        count(&mut self.total);
        if let Some(record) = self.endpoints.get_mut(endpoint).filter(|_| !is_orphan) {
            count(&mut record.counts);
        }
    }

    pub(super) fn deliveries_of(&self, event: EventId) -> u32 {
        let count = self.deliveries.values().filter(|kept| kept.delivery.event_id == event).count();
        u32::try_from(count).unwrap()
    }

    pub(super) fn publish(&mut self, publication: Publication) -> Result<Published, PublishError> {
        let Publication { event, audience, idempotency, keep_unwanted } = publication;
        if let Some(idempotency) = &idempotency
            && let Some((known, event_id)) = self.keys.get(&idempotency.key)
        {
            return if known.fingerprint == idempotency.fingerprint {
                let deliveries = self.deliveries_of(*event_id);
                Ok(Published { event_id: *event_id, deliveries, is_repeat: true })
            } else {
                Err(PublishError::KeyReused)
            };
        }
        let (event_id, now) = (event.id, event.created_at);
        let is_told = |id: &EndpointId| match &audience {
            Audience::Subscribers => true,
            Audience::SubscribersBut(one) => id != one,
        };
        let wanting = self.endpoints.values().map(|record| &record.endpoint);
        let wanting = wanting.filter(|endpoint| endpoint.wants(&event.kind) && is_told(&endpoint.id));
        let wanting: Vec<EndpointId> = wanting.map(|endpoint| endpoint.id.clone()).collect();
        let deliveries = u32::try_from(wanting.len()).unwrap();
        if deliveries > 0 || keep_unwanted {
            self.events.insert(event_id, event);
        }
        for endpoint in wanting {
            self.add_delivery(event_id, &endpoint, now);
        }
        if let Some(idempotency) = idempotency {
            self.keys.insert(idempotency.key.clone(), (idempotency, event_id));
        }
        Ok(Published { event_id, deliveries, is_repeat: false })
    }

    pub(super) fn add_delivery(&mut self, event: EventId, endpoint: &EndpointId, now: Timestamp) -> bool {
        let Some(kind) = self.events.get(&event).map(|event| event.kind.clone()) else { return false };
        let id = DeliveryId::of(event, endpoint);
        if !self.endpoints.contains_key(endpoint) || self.deliveries.contains_key(&id) {
            return false;
        }
        let delivery = Delivery::new(event, kind, endpoint.clone(), now);
        self.deliveries.insert(id, Kept { delivery, attempts: Vec::new(), lease: None, is_orphan: false });
        self.count(endpoint, false, |counts| counts.moved(None, Some(DeliveryState::Pending)));
        true
    }

    pub(super) fn change(
        &mut self,
        id: DeliveryId,
        change: Change,
        from: &[DeliveryState],
        now: Timestamp,
    ) -> Changed {
        let Some(kept) = self.deliveries.get_mut(&id) else { return Changed::NotFound };
        let delivery = &mut kept.delivery;
        if !self.endpoints.contains_key(&delivery.endpoint_id)
            || !self.events.contains_key(&delivery.event_id)
        {
            return Changed::NotFound;
        }
        if !from.contains(&delivery.state) {
            return Changed::WrongState(delivery.state);
        }
        match change {
            Change::Requeue => {
                delivery.spent = 0;
                self.enter(id, DeliveryState::Pending, Some(now), now);
            }
            Change::Cancel => self.enter(id, DeliveryState::Cancelled, None, now),
        }
        Changed::Done(self.deliveries[&id].delivery.clone())
    }

    pub(super) fn stats(&self) -> QueueStats {
        let pending = self.deliveries.values().map(|kept| &kept.delivery);
        let pending = pending.filter(|delivery| delivery.state == DeliveryState::Pending);
        let counts = self.endpoints.iter().map(|(id, record)| (id.clone(), record.counts.clone()));
        QueueStats {
            total: self.total.clone(),
            by_endpoint: counts.collect(),
            oldest_pending_at: pending.map(|delivery| delivery.created_at).min(),
        }
    }

    pub(super) fn sweep(&mut self, before: Timestamp, now: Timestamp, limit: usize) -> usize {
        let done = self.deliveries.values().map(|kept| &kept.delivery);
        let done = done.filter(|delivery| delivery.state.is_final() && delivery.created_at < before);
        let done: Vec<DeliveryId> = done.map(|delivery| delivery.id).take(limit).collect();
        for id in &done {
            if let Some(kept) = self.deliveries.remove(id) {
                let from = Some(kept.delivery.state);
                self.count(&kept.delivery.endpoint_id, kept.is_orphan, |counts| counts.moved(from, None));
            }
        }
        let bare = self.events.values().filter(|event| event.created_at < before);
        let bare = bare.filter(|event| self.deliveries_of(event.id) == 0).map(|event| event.id);
        let bare: Vec<EventId> = bare.take(limit).collect();
        self.events.retain(|id, _| !bare.contains(id));
        let jobs = self.jobs.values().filter(|job| job.state != JobState::Running && job.created_at < before);
        let jobs: Vec<JobId> = jobs.map(|job| job.id).take(limit).collect();
        self.jobs.retain(|id, _| !jobs.contains(id));
        let keys = self.keys.values().filter(|(known, _)| known.expires_at <= now);
        let keys: Vec<String> = keys.map(|(known, _)| known.key.clone()).take(limit).collect();
        self.keys.retain(|key, _| !keys.contains(key));
        done.len() + bare.len() + jobs.len() + keys.len()
    }
}
