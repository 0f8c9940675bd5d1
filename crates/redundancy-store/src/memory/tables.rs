//! Events, deliveries and what belongs to them, as maps.

use crate::schedule::Schedule;
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::delivery::{Attempt, Delivery, DeliveryFilter, DeliveryState};
use redundancy_webhook::endpoint::Endpoint;
use redundancy_webhook::event::Event;
use redundancy_webhook::guard::Limits;
use redundancy_webhook::ids::{DeliveryId, EndpointId, EventId, JobId};
use redundancy_webhook::store::{
    Audience, Change, Changed, Claim, Claimed, ClaimedDelivery, EndpointCounts, Job, Page, PageRequest,
    Publication, PublishError, Published, Settlement, StoreError, Transition,
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
    keys: HashMap<String, RememberedKey>,
    pub(super) jobs: BTreeMap<JobId, Job>,
    /// Counts of endpoints that were deleted.
    pub(super) gone: EndpointCounts,
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
            keys: HashMap::new(),
            jobs: BTreeMap::new(),
            gone: EndpointCounts::default(),
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
            self.keys.insert(asked.key, RememberedKey { fingerprint, expires_at, event: event.id, deliveries });
        }
        self.counts.insert(event.id, 0);
        let event = Arc::new(event);
        self.events.insert(event.id, Arc::clone(&event));
        for endpoint in wanting {
            self.insert(&event, &endpoint.id, now);
        }
        Ok(published)
    }

    fn insert(&mut self, event: &Event, endpoint: &EndpointId, now: Timestamp) {
        let delivery = Delivery::new(event.id, event.kind.clone(), endpoint.clone(), now);
        let id = delivery.id;
        self.by_endpoint.entry(endpoint.clone()).or_default().insert(id);
        *self.counts.entry(event.id).or_default() += 1;
        self.deliveries.insert(id, Record { delivery, attempts: Vec::new() });
        self.moved(endpoint, None, Some(DeliveryState::Pending));
        self.schedule.add(endpoint, now, id);
    }

    pub(super) fn add_delivery(&mut self, event: EventId, endpoint: &EndpointId, now: Timestamp) -> bool {
        let Some(event) = self.events.get(&event).cloned() else { return false };
        let is_new = !self.deliveries.contains_key(&DeliveryId::of(event.id, endpoint));
        let can = is_new && self.schedule.lane(endpoint).is_some();
        if can {
            self.insert(&event, endpoint, now);
        }
        can
    }

    pub(super) fn claim(&mut self, claim: &Claim<'_>) -> Claimed {
        let taking = self.schedule.claim(claim);
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

    pub(super) fn settle(&mut self, settlement: Settlement) -> bool {
        let Settlement { lease, attempt, transition, breaker, disables, follow_ups, now } = settlement;
        let is_leased = self.schedule.begin_settling(&lease).is_some();
        let Some(record) = self.deliveries.get(&lease.delivery) else {
            self.schedule.settled(lease.delivery);
            return false;
        };
        let from = if is_leased { DeliveryState::InFlight } else { record.delivery.state };
        let is_late_success = transition == Transition::Succeed && !from.is_final();
        if !is_leased && !is_late_success {
            return false;
        }
        if !is_leased {
            // Whoever has it now finds that there is nothing left to settle.
            let due = record.delivery.due_at.unwrap_or_default();
            self.schedule.remove(&lease.endpoint, due, lease.delivery);
        }
        let from = if self.schedule.lease(lease.delivery).is_some() { DeliveryState::InFlight } else { from };
        if is_leased {
            self.schedule.settled(lease.delivery);
        } else {
            self.schedule.end_other(lease.delivery);
        }
        let is_here = self.schedule.lane(&lease.endpoint).is_some();
        let (state, due_at) = match transition {
            Transition::Succeed => (DeliveryState::Succeeded, None),
            Transition::RetryAt(_) if !is_here => (DeliveryState::Cancelled, None),
            Transition::RetryAt(at) => (DeliveryState::Pending, Some(at)),
            Transition::Exhaust => (DeliveryState::Exhausted, None),
        };
        self.record_guard(&lease, &attempt, breaker, now, is_leased);
        self.moved(&lease.endpoint, Some(from), Some(state));
        if let Some(record) = self.deliveries.get_mut(&lease.delivery) {
            let delivery = &mut record.delivery;
            (delivery.state, delivery.due_at, delivery.updated_at) = (state, due_at, now);
            delivery.attempts = attempt.number;
            delivery.spent += 1;
            (delivery.last_status, delivery.last_failure) = (attempt.status, attempt.failure);
            self.bytes += attempt_bytes(&attempt);
            record.attempts.push(attempt);
        }
        if state.is_final() {
            self.finished.insert(lease.delivery);
        }
        if let Some(due) = due_at {
            self.schedule.add(&lease.endpoint, due, lease.delivery);
        }
        if let Some(reason) = disables
            && let Some(lane) = self.schedule.lane(&lease.endpoint)
            && lane.endpoint.is_active
        {
            let mut endpoint = Endpoint::clone(&lane.endpoint);
            endpoint.is_active = false;
            endpoint.disabled_reason = Some(reason);
            endpoint.updated_at = now;
            endpoint.revision += 1;
            self.schedule.put_endpoint(Arc::new(endpoint), now);
        }
        for follow_up in follow_ups {
            // A store without room for the news has had room for what it is about.
            let _ = self.publish(follow_up);
        }
        true
    }

    fn record_guard(
        &mut self,
        lease: &redundancy_webhook::store::Lease,
        attempt: &Attempt,
        breaker: redundancy_webhook::breaker::BreakerConfig,
        now: Timestamp,
        is_leased: bool,
    ) {
        if let Some(lane) = self.schedule.lane_mut(&lease.endpoint) {
            lane.counts.attempted(attempt.number, attempt.is_success(), attempt.duration);
            let limits =
                Limits { breaker, rate: lane.endpoint.rate_limit, max_in_flight: lane.endpoint.max_in_flight };
            if is_leased {
                self.schedule.record(lease, Some(attempt.is_success()), Some(&limits), now);
            }
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
        if !from.contains(&delivery.state) || delivery.state == DeliveryState::InFlight {
            return Changed::WrongState(delivery.state);
        }
        let endpoint = delivery.endpoint_id.clone();
        let is_possible =
            self.schedule.lane(&endpoint).is_some() && self.events.contains_key(&delivery.event_id);
        if change == Change::Requeue && !is_possible {
            return Changed::NotFound;
        }
        if let Some(due) = delivery.due_at {
            self.schedule.remove(&endpoint, due, id);
        }
        let (state, due_at) = match change {
            Change::Requeue => (DeliveryState::Pending, Some(now)),
            Change::Cancel => (DeliveryState::Cancelled, None),
        };
        self.moved(&endpoint, Some(delivery.state), Some(state));
        if let Some(record) = self.deliveries.get_mut(&id) {
            let delivery = &mut record.delivery;
            (delivery.state, delivery.due_at, delivery.updated_at) = (state, due_at, now);
            if change == Change::Requeue {
                delivery.spent = 0;
            }
        }
        if state.is_final() { self.finished.insert(id) } else { self.finished.remove(&id) };
        if due_at.is_some() {
            self.schedule.add(&endpoint, now, id);
        }
        self.delivery(id).map_or(Changed::NotFound, |(delivery, _)| Changed::Done(delivery))
    }

    /// Cancels everything that waits for an endpoint, and forgets the endpoint.
    pub(super) fn delete_endpoint(&mut self, id: &EndpointId, now: Timestamp) -> bool {
        let Some(lane) = self.schedule.remove_endpoint(id) else { return false };
        let mut counts = lane.counts;
        for (_, delivery) in lane.waiting {
            counts.moved(Some(DeliveryState::Pending), Some(DeliveryState::Cancelled));
            if let Some(record) = self.deliveries.get_mut(&delivery) {
                record.delivery.state = DeliveryState::Cancelled;
                (record.delivery.due_at, record.delivery.updated_at) = (None, now);
                self.finished.insert(delivery);
            }
        }
        self.gone.add(&counts);
        true
    }

    /// A delivery as it is now, and its attempts.
    pub(super) fn delivery(&self, id: DeliveryId) -> Option<(Delivery, &Vec<Attempt>)> {
        let record = self.deliveries.get(&id)?;
        let mut delivery = record.delivery.clone();
        if self.schedule.lease(id).is_some() {
            delivery.state = DeliveryState::InFlight;
            delivery.due_at = None;
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

    pub(super) fn sweep(&mut self, before: Timestamp, now: Timestamp, limit: usize) -> usize {
        let end = DeliveryId::first_at(before);
        let old: Vec<_> = self.finished.range(..end).take(limit).copied().collect();
        let mut deleted = old.len();
        old.into_iter().for_each(|id| self.forget(id));
        let counts = &self.counts;
        let unwanted: Vec<_> = self
            .events
            .range(..EventId::first_at(before))
            .map(|(id, _)| *id)
            .filter(|id| counts.get(id).is_none_or(|count| *count == 0))
            .take(limit)
            .collect();
        deleted += unwanted.len();
        unwanted.into_iter().for_each(|id| self.forget_event(id));
        self.keys.retain(|_, known| known.expires_at > now);
        let is_kept = |job: &Job| job.created_at >= before || job.state == redundancy_webhook::store::JobState::Running;
        self.jobs.retain(|_, job| is_kept(job));
        deleted
    }

    /// Makes room for `more` bytes by forgetting the oldest finished deliveries.
    fn make_room(&mut self, more: usize) -> Result<(), StoreError> {
        while self.bytes + more > self.capacity_bytes {
            let Some(oldest) = self.finished.first().copied() else {
                return Err(StoreError::Full("the memory for events and deliveries is used up".to_owned()));
            };
            self.forget(oldest);
        }
        self.bytes += more;
        Ok(())
    }

    fn forget(&mut self, id: DeliveryId) {
        self.finished.remove(&id);
        let Some(record) = self.deliveries.remove(&id) else { return };
        let Delivery { event_id, endpoint_id, state, .. } = record.delivery;
        self.moved(&endpoint_id, Some(state), None);
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
                self.forget_event(event_id);
            }
        }
    }

    fn forget_event(&mut self, id: EventId) {
        self.counts.remove(&id);
        if let Some(event) = self.events.remove(&id) {
            self.bytes = self.bytes.saturating_sub(event_bytes(&event));
        }
    }

    fn moved(&mut self, endpoint: &EndpointId, from: Option<DeliveryState>, to: Option<DeliveryState>) {
        match self.schedule.lane_mut(endpoint) {
            Some(lane) => lane.counts.moved(from, to),
            None => self.gone.moved(from, to),
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
