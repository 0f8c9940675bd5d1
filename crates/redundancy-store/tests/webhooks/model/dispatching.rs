//! How the reference hands deliveries out and takes them back.

use super::state::State;
use redundancy_webhook::breaker::BreakerConfig;
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::delivery::{Delivery, DeliveryState};
use redundancy_webhook::endpoint::Endpoint;
use redundancy_webhook::guard::{Admission, Limits};
use redundancy_webhook::ids::{DeliveryId, EndpointId};
use redundancy_webhook::store::{
    Claim, ClaimedDelivery, EndpointRecord, Lease, Settled, Settlement, Transition,
};
use std::sync::Arc;

impl State {
    /// Makes deliveries pending whose lease is over; they are due since then.
    pub(crate) fn take_back_lost(&mut self, now: Timestamp) {
        let leases = self.deliveries.values().filter_map(|kept| kept.lease.clone());
        let lost: Vec<(Lease, Timestamp)> = leases.filter(|(_, until)| *until <= now).collect();
        for (lease, until) in lost {
            if let Some(record) = self.endpoints.get_mut(&lease.endpoint) {
                let limits = limits_of(&record.endpoint, BreakerConfig::default());
                record.guard.settle(lease.replica, None, &limits, now);
            }
            self.wait_again(lease.delivery, until, now);
        }
    }

    /// The deliveries to `endpoint` that could be handed out if nothing held them back, the longest due first.
    pub(crate) fn due(&self, endpoint: &EndpointId, now: Timestamp) -> Vec<&Delivery> {
        let deliveries = self.deliveries.values().map(|kept| &kept.delivery);
        let mut due: Vec<&Delivery> = deliveries
            .filter(|delivery| delivery.endpoint_id == *endpoint && delivery.state == DeliveryState::Pending)
            .filter(|delivery| delivery.due_at.is_some_and(|due_at| due_at <= now))
            .collect();
        due.sort_by_key(|delivery| (delivery.due_at, delivery.id));
        due
    }

    /// How many deliveries each endpoint may be handed out now, for all that has to do with it alone.
    pub(crate) fn allowed(&self, claim: &Claim<'_>) -> Vec<(EndpointId, u32)> {
        let active = self.endpoints.iter().filter(|(_, record)| record.endpoint.is_active);
        active
            .map(|(id, record)| {
                let due = u32::try_from(self.due(id, claim.now).len()).unwrap();
                (id.clone(), would_admit(record, due.min(claim.room.of(id)), claim).granted)
            })
            .collect()
    }

    /// What a claim gives: of each endpoint in turn the longest due, until there is enough.
    pub(super) fn choose(&mut self, claim: &Claim<'_>) -> Vec<DeliveryId> {
        let queue = |(id, allowed): (EndpointId, u32)| {
            let due = self.due(&id, claim.now).into_iter().take(allowed as usize);
            due.map(|delivery| delivery.id).collect::<Vec<_>>().into_iter()
        };
        let mut queues: Vec<_> = self.allowed(claim).into_iter().map(queue).collect();
        let begin = self.turn % queues.len().max(1);
        queues.rotate_left(begin);
        let mut chosen = Vec::new();
        while chosen.len() < claim.limit && queues.iter().any(|queue| queue.len() > 0) {
            for queue in &mut queues {
                if chosen.len() < claim.limit {
                    chosen.extend(queue.next());
                    self.turn += 1;
                }
            }
        }
        chosen
    }

    /// Gives leases to the deliveries `chosen`, whose guards must let them out.
    pub(crate) fn hand_out(&mut self, chosen: &[DeliveryId], claim: &Claim<'_>) -> Vec<ClaimedDelivery> {
        chosen.iter().map(|id| self.hand_out_one(*id, claim)).collect()
    }

    fn hand_out_one(&mut self, id: DeliveryId, claim: &Claim<'_>) -> ClaimedDelivery {
        self.enter(id, DeliveryState::InFlight, None, claim.now);
        self.last_token += 1;
        let kept = self.deliveries.get_mut(&id).unwrap();
        let delivery = kept.delivery.clone();
        let record = self.endpoints.get_mut(&delivery.endpoint_id).unwrap();
        let limits = limits_of(&record.endpoint, claim.breaker);
        let admission = record.guard.admit(claim.replica, &limits, 1, claim.now, claim.until);
        assert_eq!(admission.granted, 1, "the guard does not let {id} out");
        let lease = Lease {
            delivery: id,
            endpoint: delivery.endpoint_id.clone(),
            replica: claim.replica,
            token: self.last_token,
        };
        kept.lease = Some((lease.clone(), claim.until));
        ClaimedDelivery {
            event: Arc::new(self.events[&delivery.event_id].clone()),
            endpoint: Arc::new(record.endpoint.clone()),
            failing_since: record.guard.failing_since,
            delivery,
            lease,
        }
    }

    /// When something may be handed out that is not now: a delivery is due and its guard lets it out, or a lease of another
    /// replica is over.
    pub(crate) fn next_at(&self, claim: &Claim<'_>) -> Option<Timestamp> {
        let active = self.endpoints.iter().filter(|(_, record)| record.endpoint.is_active);
        let let_out = active.filter_map(|(id, record)| {
            let to_it = self.deliveries.values().filter(|kept| kept.delivery.endpoint_id == *id);
            let first_due = to_it.filter_map(|kept| kept.delivery.due_at).min()?;
            let mut moment = first_due.max(claim.now);
            loop {
                let admission = would_admit(record, 1, &Claim { now: moment, ..*claim });
                if admission.granted > 0 {
                    return Some(moment);
                }
                moment = admission.retry_at.filter(|retry_at| *retry_at > moment)?;
            }
        });
        let leases =
            self.deliveries.values().filter(|kept| self.endpoints.contains_key(&kept.delivery.endpoint_id));
        let leases = leases.filter_map(|kept| kept.lease.as_ref());
        let lost = leases.filter(|(lease, _)| lease.replica != claim.replica).map(|(_, until)| *until);
        let_out.chain(lost).filter(|moment| *moment > claim.now).min()
    }

    pub(super) fn settle(&mut self, settlement: Settlement) -> Settled {
        let Settlement { lease, attempt, transition, breaker, disables, follow_ups, now } = settlement;
        let holds = self.holds(&lease, now);
        let Some(kept) = self.deliveries.get_mut(&lease.delivery) else { return Settled::Refused };
        if !holds && (!attempt.is_success() || kept.delivery.state.is_final()) {
            return Settled::Refused;
        }
        // Whoever makes it meanwhile makes it in vain.
        let in_vain = kept.lease.take().filter(|_| !holds).map(|(other, _)| other.replica);
        let delivery = &mut kept.delivery;
        delivery.attempts += 1;
        delivery.spent += 1;
        (delivery.last_status, delivery.last_failure) = (attempt.status, attempt.failure);
        let is_orphan = kept.is_orphan;
        let (mut settled, mut news) = (Settled::Taken, None);
        kept.attempts.push(attempt.clone());
        match transition {
            Transition::Succeed => self.enter(lease.delivery, DeliveryState::Succeeded, None, now),
            _ if is_orphan => self.enter(lease.delivery, DeliveryState::Cancelled, None, now),
            Transition::RetryAt(at) => self.enter(lease.delivery, DeliveryState::Pending, Some(at), now),
            Transition::Exhaust => self.enter(lease.delivery, DeliveryState::Exhausted, None, now),
        }
        self.count(&lease.endpoint, is_orphan, |counts| {
            counts.attempted(attempt.number, attempt.is_success(), attempt.duration);
        });
        if let Some(record) = self.endpoints.get_mut(&lease.endpoint).filter(|_| !is_orphan) {
            let limits = limits_of(&record.endpoint, breaker);
            if let Some(other) = in_vain {
                record.guard.settle(other, None, &limits, now);
            }
            record.guard.settle(lease.replica, Some((&attempt).into()), &limits, now);
            if let Some(disables) = disables.filter(|disables| disables.is_meant(&record.endpoint)) {
                record.endpoint.is_active = false;
                record.endpoint.disabled_reason = Some(disables.reason);
                record.endpoint.revision += 1;
                record.endpoint.updated_at = now;
                settled = Settled::Disabled;
                news = disables.news;
            }
        }
        for publication in follow_ups.into_iter().chain(news) {
            self.publish(publication).unwrap();
        }
        settled
    }

    pub(super) fn extend(&mut self, lease: &Lease, now: Timestamp, until: Timestamp) {
        if !self.holds(lease, now) {
            return;
        }
        if let Some(record) = self.endpoints.get_mut(&lease.endpoint) {
            record.guard.extend(lease.replica, until);
        }
        if let Some(kept) = self.deliveries.get_mut(&lease.delivery) {
            kept.lease = Some((lease.clone(), until));
        }
    }

    pub(super) fn release(&mut self, lease: &Lease, now: Timestamp) {
        if !self.holds(lease, now) {
            return;
        }
        if let Some(record) = self.endpoints.get_mut(&lease.endpoint) {
            record.guard.give_back(lease.replica, 1);
        }
        self.wait_again(lease.delivery, now, now);
    }

    fn wait_again(&mut self, id: DeliveryId, due_at: Timestamp, now: Timestamp) {
        if self.deliveries[&id].is_orphan {
            self.enter(id, DeliveryState::Cancelled, None, now);
        } else {
            self.enter(id, DeliveryState::Pending, Some(due_at), now);
        }
    }

    fn holds(&self, lease: &Lease, now: Timestamp) -> bool {
        let held = self.deliveries.get(&lease.delivery).and_then(|kept| kept.lease.as_ref());
        held.is_some_and(|(held, until)| held == lease && *until > now)
    }
}

/// How many of `wanted` deliveries the guard of an endpoint would let out.
fn would_admit(record: &EndpointRecord, wanted: u32, claim: &Claim<'_>) -> Admission {
    let limits = limits_of(&record.endpoint, claim.breaker);
    record.guard.clone().admit(claim.replica, &limits, wanted, claim.now, claim.until)
}

fn limits_of(endpoint: &Endpoint, breaker: BreakerConfig) -> Limits {
    Limits { breaker, rate: endpoint.rate_limit, max_in_flight: endpoint.max_in_flight }
}
