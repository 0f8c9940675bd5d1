//! Events, deliveries and what belongs to them, as maps.

use crate::schedule::{GivenBack, Outcome, Schedule, show_being_made};
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::delivery::{Attempt, Delivery, DeliveryFilter, DeliveryState};
use redundancy_webhook::endpoint::Endpoint;
use redundancy_webhook::event::Event;
use redundancy_webhook::ids::{DeliveryId, EndpointId, EventId, JobId};
use redundancy_webhook::store::{
    Audience, Change, Changed, Claim, Claimed, ClaimedDelivery, Job, JobState, Lease, Page, PageRequest,
    Publication, PublishError, Published, Settled, Settlement, StoreError, Transition,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// What a record takes beside the bytes of its text, about.
const RECORD_BYTES: usize = 512;

#[derive(Debug)]
pub(super) struct Tables {
    pub(super) schedule: Schedule,
    pub(super) events: BTreeMap<EventId, Arc<Event>>,
    deliveries: BTreeMap<DeliveryId, Record>,
    /// Deliveries that are finished, oldest first: what may be forgotten.
    finished: BTreeSet<DeliveryId>,
    by_endpoint: HashMap<EndpointId, BTreeSet<DeliveryId>>,
    /// How many deliveries an event has.
    pub(super) counts: HashMap<EventId, u32>,
    /// Events that have none.
    bare: BTreeSet<EventId>,
    keys: HashMap<String, RememberedKey>,
    pub(super) jobs: BTreeMap<JobId, Job>,
    bytes: usize,
    capacity_bytes: usize,
}

#[derive(Debug, Clone)]
struct Record {
    delivery: Delivery,
    attempts: Vec<Attempt>,
}

#[derive(Debug)]
struct RememberedKey {
    fingerprint: [u8; 32],
    expires_at: Timestamp,
    event: EventId,
    deliveries: u32,
}

impl Tables {
    pub(super) fn new(capacity_bytes: usize) -> Self {
        Self {
            schedule: Schedule::default(),
            events: BTreeMap::new(),
            deliveries: BTreeMap::new(),
            finished: BTreeSet::new(),
            by_endpoint: HashMap::new(),
            counts: HashMap::new(),
            bare: BTreeSet::new(),
            keys: HashMap::new(),
            jobs: BTreeMap::new(),
            bytes: 0,
            capacity_bytes,
        }
    }

    pub(super) fn publish(&mut self, publication: Publication) -> Result<Published, PublishError> {
        let Publication { event, audience, idempotency, keep_unwanted } = publication;
        let now = event.created_at;
        if let Some(asked) = &idempotency
            && let Some(known) = self.keys.get(&asked.key).filter(|known| known.expires_at > now)
        {
            if known.fingerprint != asked.fingerprint {
                return Err(PublishError::KeyReused);
            }
            return Ok(Published { event_id: known.event, deliveries: known.deliveries, is_repeat: true });
        }
        let wanting: Vec<Arc<Endpoint>> = self
            .schedule
            .lanes()
            .values()
            .map(|lane| &lane.endpoint)
            .filter(|endpoint| endpoint.wants(&event.kind) && !is_left_out(&audience, &endpoint.id))
            .cloned()
            .collect();
        let deliveries = u32::try_from(wanting.len()).unwrap_or(u32::MAX);
        let published = Published { event_id: event.id, deliveries, is_repeat: false };
        if wanting.is_empty() && !keep_unwanted {
            return Ok(published);
        }
        self.make_room(event_bytes(&event) + wanting.len() * RECORD_BYTES)?;
        if let Some(asked) = idempotency {
            let (fingerprint, expires_at) = (asked.fingerprint, asked.expires_at);
            self.keys
                .insert(asked.key, RememberedKey { fingerprint, expires_at, event: event.id, deliveries });
        }
        self.counts.insert(event.id, 0);
        if wanting.is_empty() {
            self.bare.insert(event.id);
        }
        let event = Arc::new(event);
        self.events.insert(event.id, Arc::clone(&event));
        for endpoint in wanting {
            self.insert(&event, &endpoint.id, now);
        }
        Ok(published)
    }

    /// Publishes all of them or none. They have no idempotency keys.
    pub(super) fn publish_all(&mut self, publications: Vec<Publication>) -> Result<(), StoreError> {
        // Never less than what they really take: those that nobody wants take nothing.
        let lanes = self.schedule.lanes().len();
        let most = |publication: &Publication| event_bytes(&publication.event) + lanes * RECORD_BYTES;
        let bytes = publications.iter().map(most).sum();
        self.make_room(bytes)?;
        // There is room now, and each takes its own.
        self.bytes = self.bytes.saturating_sub(bytes);
        for publication in publications {
            match self.publish(publication) {
                Ok(_) | Err(PublishError::KeyReused) => {}
                Err(PublishError::Store(error)) => return Err(error),
            }
        }
        Ok(())
    }

    fn insert(&mut self, event: &Event, endpoint: &EndpointId, now: Timestamp) {
        let delivery = Delivery::new(event.id, event.kind.clone(), endpoint.clone(), now);
        let id = delivery.id;
        self.by_endpoint.entry(endpoint.clone()).or_default().insert(id);
        *self.counts.entry(event.id).or_default() += 1;
        self.bare.remove(&event.id);
        self.deliveries.insert(id, Record { delivery, attempts: Vec::new() });
        self.schedule.moved(endpoint, None, Some(DeliveryState::Pending));
        self.schedule.add(endpoint, now, id);
    }

    pub(super) fn add_delivery(&mut self, event: EventId, endpoint: &EndpointId, now: Timestamp) -> bool {
        let Some(event) = self.events.get(&event).cloned() else { return false };
        let is_new = !self.deliveries.contains_key(&DeliveryId::of(event.id, endpoint));
        let can = is_new && self.schedule.lane(endpoint).is_some();
        if can {
            // A delivery more of what is kept already is not worth a refusal.
            self.bytes += RECORD_BYTES;
            self.insert(&event, endpoint, now);
        }
        can
    }

    pub(super) fn claim(&mut self, claim: &Claim<'_>) -> Claimed {
        let taking = self.schedule.claim(claim);
        for lease in taking.cancelled {
            self.enter(lease.delivery, DeliveryState::Cancelled, None, claim.now);
        }
        let deliveries = taking
            .taken
            .into_iter()
            .filter_map(|taken| {
                let delivery = self.delivery(taken.lease.delivery)?.0;
                let event = Arc::clone(self.events.get(&delivery.event_id)?);
                let (endpoint, failing_since, lease) = (taken.endpoint, taken.failing_since, taken.lease);
                Some(ClaimedDelivery { delivery, event, endpoint, failing_since, lease })
            })
            .collect();
        Claimed { deliveries, next_at: taking.next_at }
    }

    pub(super) fn settle(&mut self, settlement: Settlement) -> Settled {
        let lease = &settlement.lease;
        let Some(outcome) = self.schedule.settle(&settlement).or_else(|| self.settle_late(&settlement))
        else {
            return Settled::Refused;
        };
        self.schedule.settled(lease.delivery, lease.token);
        let (id, endpoint) = (lease.delivery, lease.endpoint.clone());
        let Settlement { attempt, disables, follow_ups, now, .. } = settlement;
        self.enter(id, outcome.state, outcome.due, now);
        if let Some(record) = self.deliveries.get_mut(&id) {
            let delivery = &mut record.delivery;
            delivery.attempts += 1;
            delivery.spent += 1;
            (delivery.last_status, delivery.last_failure) = (attempt.status, attempt.failure);
            self.bytes += attempt_bytes(&attempt);
            record.attempts.push(attempt);
        }
        if let Some(due) = outcome.due {
            self.schedule.add(&endpoint, due, id);
        }
        let news = disables.filter(|_| outcome.has_disabled).and_then(|disables| disables.news);
        for follow_up in follow_ups.into_iter().chain(news) {
            // A store without room for the news has had room for what it is about.
            let _ = self.publish(follow_up);
        }
        if outcome.has_disabled { Settled::Disabled } else { Settled::Taken }
    }

    /// A success whose lease is over counts, unless the delivery is finished.
    fn settle_late(&mut self, settlement: &Settlement) -> Option<Outcome> {
        let record = self.deliveries.get(&settlement.lease.delivery)?;
        let is_made = self.schedule.made_since(record.delivery.id).is_some();
        if settlement.transition != Transition::Succeed || (record.delivery.state.is_final() && !is_made) {
            return None;
        }
        self.schedule.settle_late(settlement, record.delivery.due_at);
        Some(Outcome { state: DeliveryState::Succeeded, due: None, has_disabled: false })
    }

    pub(super) fn release(&mut self, lease: &Lease, now: Timestamp) {
        let Some(given_back) = self.schedule.give_back(lease, now) else { return };
        self.schedule.settled(lease.delivery, lease.token);
        match given_back {
            GivenBack::Waits => {
                self.enter(lease.delivery, DeliveryState::Pending, Some(now), now);
                self.schedule.add(&lease.endpoint, now, lease.delivery);
            }
            GivenBack::Cancelled => self.enter(lease.delivery, DeliveryState::Cancelled, None, now),
        }
    }

    /// Writes the state of a delivery into its record. It is counted and scheduled apart.
    fn enter(&mut self, id: DeliveryId, state: DeliveryState, due_at: Option<Timestamp>, now: Timestamp) {
        let Some(record) = self.deliveries.get_mut(&id) else { return };
        let delivery = &mut record.delivery;
        (delivery.state, delivery.due_at, delivery.updated_at) = (state, due_at, now);
        if state.is_final() {
            self.finished.insert(id);
        } else {
            self.finished.remove(&id);
        }
    }

    pub(super) fn change(
        &mut self,
        id: DeliveryId,
        change: Change,
        from: &[DeliveryState],
        now: Timestamp,
    ) -> Changed {
        let Some((delivery, _)) = self.delivery(id) else { return Changed::NotFound };
        let endpoint = delivery.endpoint_id.clone();
        if self.schedule.lane(&endpoint).is_none() || !self.events.contains_key(&delivery.event_id) {
            return Changed::NotFound;
        }
        if !from.contains(&delivery.state) || delivery.state == DeliveryState::InFlight {
            return Changed::WrongState(delivery.state);
        }
        if let Some(due) = delivery.due_at {
            self.schedule.remove(&endpoint, due, id);
        }
        let (state, due_at) = match change {
            Change::Requeue => (DeliveryState::Pending, Some(now)),
            Change::Cancel => (DeliveryState::Cancelled, None),
        };
        self.schedule.moved(&endpoint, Some(delivery.state), Some(state));
        self.enter(id, state, due_at, now);
        if change == Change::Requeue {
            if let Some(record) = self.deliveries.get_mut(&id) {
                record.delivery.spent = 0;
            }
            self.schedule.add(&endpoint, now, id);
        }
        self.delivery(id).map_or(Changed::NotFound, |(delivery, _)| Changed::Done(delivery))
    }

    /// Cancels everything that waits for an endpoint, and forgets the endpoint.
    pub(super) fn delete_endpoint(&mut self, id: &EndpointId, now: Timestamp) -> bool {
        let Some(lane) = self.schedule.remove_endpoint(id) else { return false };
        for (_, delivery) in lane.waiting {
            self.enter(delivery, DeliveryState::Cancelled, None, now);
        }
        true
    }

    /// A delivery as it is now, and its attempts.
    pub(super) fn delivery(&self, id: DeliveryId) -> Option<(Delivery, &Vec<Attempt>)> {
        let record = self.deliveries.get(&id)?;
        let mut delivery = record.delivery.clone();
        if let Some(since) = self.schedule.made_since(id) {
            show_being_made(&mut delivery, since);
        }
        Some((delivery, &record.attempts))
    }

    pub(super) fn list(
        &self,
        filter: &DeliveryFilter,
        page: &PageRequest<DeliveryId>,
    ) -> Page<Delivery, DeliveryId> {
        let from = filter.since.map_or(DeliveryId::from_number(0), DeliveryId::first_at);
        let until = filter.until.map_or(DeliveryId::from_number(u128::MAX), DeliveryId::first_at);
        let until = page.after.map_or(until, |after| after.min(until));
        if from >= until {
            return Page { items: Vec::new(), next: None };
        }
        let none = BTreeSet::new();
        let ids: Box<dyn Iterator<Item = &DeliveryId>> = match (&filter.endpoint_id, filter.state) {
            (Some(endpoint), _) => {
                Box::new(self.by_endpoint.get(endpoint).unwrap_or(&none).range(from..until).rev())
            }
            (None, Some(DeliveryState::Exhausted | DeliveryState::Cancelled)) => {
                Box::new(self.finished.range(from..until).rev())
            }
            (None, _) => Box::new(self.deliveries.range(from..until).rev().map(|(id, _)| id)),
        };
        let mut found = ids
            .filter_map(|id| self.delivery(*id).map(|(delivery, _)| delivery))
            .filter(|delivery| filter.matches(delivery));
        let items: Vec<_> = found.by_ref().take(page.limit).collect();
        let next = found.next().and_then(|_| items.last().map(|last| last.id));
        Page { items, next }
    }

    pub(super) fn oldest_pending(&self) -> Option<Timestamp> {
        let waiting = self.schedule.lanes().values().flat_map(|lane| lane.waiting.iter());
        waiting.map(|(_, id)| id.made_at()).min()
    }

    /// Deletes up to `limit` of each kind of what is old; says how much.
    pub(super) fn sweep(&mut self, before: Timestamp, now: Timestamp, limit: usize) -> usize {
        let old: Vec<_> = self.finished.range(..DeliveryId::first_at(before)).take(limit).copied().collect();
        for id in &old {
            self.forget(*id);
        }
        let events = self.bare.range(..EventId::first_at(before));
        let events: Vec<_> = events.take(limit).copied().collect();
        for id in &events {
            self.forget_event(*id);
        }
        let keys = self.keys.iter().filter(|(_, known)| known.expires_at <= now);
        let keys: Vec<_> = keys.map(|(key, _)| key.clone()).take(limit).collect();
        for key in &keys {
            self.keys.remove(key);
        }
        let jobs = self.jobs.values().filter(|job| job.created_at < before && job.state != JobState::Running);
        let jobs: Vec<_> = jobs.map(|job| job.id).take(limit).collect();
        for id in &jobs {
            self.jobs.remove(id);
        }
        old.len() + events.len() + keys.len() + jobs.len()
    }

    /// Makes room for `more` bytes by forgetting the oldest finished deliveries, then the oldest events without any.
    fn make_room(&mut self, more: usize) -> Result<(), StoreError> {
        while self.bytes + more > self.capacity_bytes {
            if let Some(oldest) = self.finished.first().copied() {
                self.forget(oldest);
            } else if let Some(oldest) = self.bare.first().copied() {
                self.forget_event(oldest);
            } else {
                return Err(StoreError::Full("the memory for events and deliveries is used up".to_owned()));
            }
        }
        self.bytes += more;
        Ok(())
    }

    fn forget(&mut self, id: DeliveryId) {
        self.finished.remove(&id);
        let Some(record) = self.deliveries.remove(&id) else { return };
        let Delivery { event_id, endpoint_id, state, .. } = record.delivery;
        self.schedule.moved(&endpoint_id, Some(state), None);
        if let Some(ids) = self.by_endpoint.get_mut(&endpoint_id) {
            ids.remove(&id);
            if ids.is_empty() {
                self.by_endpoint.remove(&endpoint_id);
            }
        }
        let bytes = RECORD_BYTES + record.attempts.iter().map(attempt_bytes).sum::<usize>();
        self.bytes = self.bytes.saturating_sub(bytes);
        if let Some(count) = self.counts.get_mut(&event_id) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.bare.insert(event_id);
            }
        }
    }

    fn forget_event(&mut self, id: EventId) {
        self.counts.remove(&id);
        self.bare.remove(&id);
        if let Some(event) = self.events.remove(&id) {
            self.bytes = self.bytes.saturating_sub(event_bytes(&event));
        }
    }
}

fn is_left_out(audience: &Audience, endpoint: &EndpointId) -> bool {
    match audience {
        Audience::Subscribers => false,
        Audience::SubscribersBut(left_out) => left_out == endpoint,
    }
}

fn event_bytes(event: &Event) -> usize {
    event.body.len() + RECORD_BYTES
}

fn attempt_bytes(attempt: &Attempt) -> usize {
    let headers: usize = attempt.response_headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    attempt.response_body.len() + headers + 64
}
