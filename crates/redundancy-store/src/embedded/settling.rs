//! Outcomes of attempts: known in memory at once, written with the next transaction.

use super::rows::{delivery_by_id, millis, state_number};
use super::writer::{Effect, Write, Writer, bytes};
use super::{EmbeddedStore, OrFailed as _, Shared, State};
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::delivery::{Attempt, DeliveryState};
use redundancy_webhook::endpoint::{DisabledReason, Endpoint};
use redundancy_webhook::guard::Limits;
use redundancy_webhook::ids::{DeliveryId, EndpointId};
use redundancy_webhook::store::{Publication, Settlement, StoreError, Transition};
use rusqlite::params;
use std::sync::atomic::Ordering;

/// What is to be written of an attempt.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    pub(super) delivery: DeliveryId,
    endpoint: EndpointId,
    attempt: Attempt,
    state: DeliveryState,
    due: Option<Timestamp>,
    disables: Option<DisabledReason>,
    follow_ups: Vec<Publication>,
    now: Timestamp,
}

/// The writing thread has seen these: what is read from now on in a transaction of its knows of them.
pub(super) fn received(shared: &Shared, outcomes: &[Outcome]) {
    let mut state = shared.state();
    for outcome in outcomes.iter().filter(|outcome| outcome.state.is_final()) {
        state.schedule.settled(outcome.delivery);
    }
}

impl EmbeddedStore {
    pub(super) async fn settle_all(&self, settlements: Vec<Settlement>) -> Result<Vec<bool>, StoreError> {
        let mut taken = vec![false; settlements.len()];
        let mut late = Vec::new();
        {
            let mut state = self.shared.state();
            let mut outcomes = Vec::with_capacity(settlements.len());
            for (index, settlement) in settlements.into_iter().enumerate() {
                if state.schedule.begin_settling(&settlement.lease).is_some() {
                    outcomes.push(state.settle(settlement));
                    if let Some(taken) = taken.get_mut(index) {
                        *taken = true;
                    }
                } else if settlement.transition == Transition::Succeed {
                    late.push((index, settlement));
                }
            }
            let count = outcomes.len() as u64;
            if count > 0 {
                // Sent before anything is put back: whoever reads what waits after that finds these written.
                let retries: Vec<_> = outcomes
                    .iter()
                    .filter_map(|outcome| Some((outcome.endpoint.clone(), outcome.due?, outcome.delivery)))
                    .collect();
                self.shared.unflushed.fetch_add(count, Ordering::AcqRel);
                self.writes.send(Write::Lazy(outcomes))?;
                for (endpoint, due, id) in retries {
                    state.schedule.settled(id);
                    state.schedule.add(&endpoint, due, id);
                }
            }
        }
        self.shared.work.notify_one();
        for (index, settlement) in late {
            let is_taken = self.write(move |writer| writer.settle_late(settlement)).await?;
            if let Some(taken) = taken.get_mut(index) {
                *taken = is_taken;
            }
        }
        Ok(taken)
    }
}

impl State {
    /// Takes an outcome into guard and counts, and says what is to be written.
    fn settle(&mut self, settlement: Settlement) -> Outcome {
        let Settlement { lease, attempt, transition, breaker, disables, follow_ups, now } = settlement;
        let (state, due) = match transition {
            Transition::Succeed => (DeliveryState::Succeeded, None),
            Transition::RetryAt(_) if self.schedule.lane(&lease.endpoint).is_none() => {
                (DeliveryState::Cancelled, None)
            }
            Transition::RetryAt(at) => (DeliveryState::Pending, Some(at)),
            Transition::Exhaust => (DeliveryState::Exhausted, None),
        };
        self.moved(&lease.endpoint, Some(DeliveryState::InFlight), Some(state));
        if let Some(lane) = self.schedule.lane_mut(&lease.endpoint) {
            lane.counts.attempted(attempt.number, attempt.is_success(), attempt.duration);
            let (rate, max_in_flight) = (lane.endpoint.rate_limit, lane.endpoint.max_in_flight);
            let limits = Limits { breaker, rate, max_in_flight };
            self.schedule.record(&lease, Some(attempt.is_success()), Some(&limits), now);
        }
        Outcome {
            delivery: lease.delivery,
            endpoint: lease.endpoint,
            attempt,
            state,
            due,
            disables,
            follow_ups,
            now,
        }
    }
}

impl Writer<'_> {
    pub(super) fn settle(&mut self, outcome: &Outcome) -> Result<(), StoreError> {
        let Outcome { delivery, endpoint, attempt, state, due, disables, follow_ups, now } = outcome;
        let failure = attempt.failure.map(redundancy_webhook::FailureReason::as_str);
        let update = "UPDATE deliveries SET state = ?2, due = ?3, updated = ?4, attempts = ?5, spent = spent + 1, \
            last_status = ?6, last_failure = ?7 WHERE id = ?1";
        let values = params![
            bytes(*delivery),
            state_number(*state),
            due.map(millis),
            millis(*now),
            attempt.number,
            attempt.status,
            failure
        ];
        let found =
            self.connection.prepare_cached(update).and_then(|mut update| update.execute(values)).or_failed()?;
        if found > 0 {
            self.insert_attempt(*delivery, attempt)?;
        }
        self.touched.insert(endpoint.clone());
        if let Some(reason) = disables {
            self.disable(endpoint, *reason, *now)?;
        }
        for follow_up in follow_ups {
            // The only refusal is a reused key, and these have none.
            let _ = self.publish(follow_up.clone())?;
        }
        Ok(())
    }

    fn insert_attempt(&self, delivery: DeliveryId, attempt: &Attempt) -> Result<(), StoreError> {
        let insert = "INSERT OR REPLACE INTO attempts \
            (delivery, number, started, duration_us, status, failure, headers, body) \
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let headers = serde_json::to_string(&attempt.response_headers).unwrap_or_else(|_| "[]".to_owned());
        let values = params![
            bytes(delivery),
            attempt.number,
            millis(attempt.started_at),
            i64::try_from(attempt.duration.as_micros()).unwrap_or(i64::MAX),
            attempt.status,
            attempt.failure.map(redundancy_webhook::FailureReason::as_str),
            headers,
            attempt.response_body
        ];
        self.connection.prepare_cached(insert).and_then(|mut insert| insert.execute(values)).or_failed()?;
        Ok(())
    }

    fn disable(&mut self, id: &EndpointId, reason: DisabledReason, now: Timestamp) -> Result<(), StoreError> {
        let Some(known) = self.registry.get(id).filter(|known| known.endpoint.is_active) else { return Ok(()) };
        let mut endpoint = Endpoint::clone(&known.endpoint);
        endpoint.is_active = false;
        endpoint.disabled_reason = Some(reason);
        endpoint.updated_at = now;
        endpoint.revision += 1;
        let key = known.key;
        self.put_endpoint(key, endpoint, false, now)
    }

    /// A success whose lease was over: it counts, unless the delivery has ended otherwise.
    fn settle_late(&mut self, settlement: Settlement) -> Result<bool, StoreError> {
        let id = settlement.lease.delivery;
        let Some(delivery) = delivery_by_id(self.connection, id)? else { return Ok(false) };
        if delivery.state.is_final() {
            return Ok(false);
        }
        let from = {
            let mut state = self.shared.state();
            if let Some(due) = delivery.due_at {
                state.schedule.remove(&delivery.endpoint_id, due, id);
            }
            let is_leased = state.schedule.lease(id).is_some();
            state.schedule.end_other(id);
            if let Some(lane) = state.schedule.lane_mut(&delivery.endpoint_id) {
                let attempt = &settlement.attempt;
                lane.counts.attempted(attempt.number, attempt.is_success(), attempt.duration);
            }
            if is_leased { DeliveryState::InFlight } else { DeliveryState::Pending }
        };
        let Settlement { lease, attempt, disables, follow_ups, now, .. } = settlement;
        let to = DeliveryState::Succeeded;
        let endpoint = lease.endpoint.clone();
        let outcome =
            Outcome { delivery: id, endpoint, attempt, state: to, due: None, disables, follow_ups, now };
        self.settle(&outcome)?;
        self.effects.push(Effect::Moved { endpoint: lease.endpoint, from, to: Some(to) });
        Ok(true)
    }
}
