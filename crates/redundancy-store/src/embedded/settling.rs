//! Outcomes of attempts: known in memory at once, written with the next transaction.

use super::rows::{delivery_by_id, millis, state_number};
use super::writer::{Effect, Held, Write, Writer, bytes};
use super::{EmbeddedStore, OrFailed as _, Shared, State, execute};
use crate::schedule::{GivenBack, disabled};
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::delivery::{Attempt, DeliveryState};
use redundancy_webhook::ids::{DeliveryId, EndpointId};
use redundancy_webhook::store::{Disabling, Lease, Publication, Settled, Settlement, StoreError, Transition};
use rusqlite::{OptionalExtension as _, params};
use std::sync::atomic::Ordering;

/// What is to be written of a lease that ended.
#[derive(Debug, Clone)]
pub(super) struct Ended {
    pub(super) delivery: DeliveryId,
    token: u64,
    endpoint: EndpointId,
    state: DeliveryState,
    due: Option<Timestamp>,
    now: Timestamp,
    /// `None` when no attempt was made.
    attempted: Option<Attempted>,
}

/// An attempt and what follows from it.
#[derive(Debug, Clone)]
struct Attempted {
    attempt: Attempt,
    disables: Option<Disabling>,
    follow_ups: Vec<Publication>,
}

impl Ended {
    /// The end of a lease without an attempt.
    fn unattempted(lease: Lease, state: DeliveryState, due: Option<Timestamp>, now: Timestamp) -> Self {
        let Lease { delivery, endpoint, token, .. } = lease;
        Self { delivery, token, endpoint, state, due, now, attempted: None }
    }
}

/// The writing thread has seen these: what is read from now on in a transaction of its knows of them.
pub(super) fn received(shared: &Shared, ended: &[Ended]) {
    let mut state = shared.state();
    for ended in ended {
        state.schedule.settled(ended.delivery, ended.token);
    }
}

impl EmbeddedStore {
    pub(super) async fn settle_all(&self, settlements: Vec<Settlement>) -> Result<Vec<Settled>, StoreError> {
        let mut taken = vec![Settled::Refused; settlements.len()];
        let mut late = Vec::new();
        {
            let mut state = self.shared.state();
            let mut ended = Vec::with_capacity(settlements.len());
            for ((index, settlement), taken) in settlements.into_iter().enumerate().zip(&mut taken) {
                if let Some(outcome) = state.schedule.settle(&settlement) {
                    let Settlement { lease, attempt, disables, follow_ups, now, .. } = settlement;
                    let disables = disables.filter(|_| outcome.has_disabled);
                    *taken = if disables.is_some() { Settled::Disabled } else { Settled::Taken };
                    let attempted = Some(Attempted { attempt, disables, follow_ups });
                    let without = Ended::unattempted(lease, outcome.state, outcome.due, now);
                    ended.push(Ended { attempted, ..without });
                } else if settlement.transition == Transition::Succeed {
                    late.push((index, settlement));
                }
            }
            self.write_down(&mut state, ended)?;
        }
        self.shared.work.notify_one();
        for (index, settlement) in late {
            if self.settle_late(settlement).await?
                && let Some(taken) = taken.get_mut(index)
            {
                *taken = Settled::Taken;
            }
        }
        Ok(taken)
    }

    pub(super) fn release_all(&self, leases: Vec<Lease>, now: Timestamp) -> Result<(), StoreError> {
        let mut state = self.shared.state();
        let mut ended = Vec::with_capacity(leases.len());
        for lease in leases {
            match state.schedule.give_back(&lease, now) {
                Some(GivenBack::Waits) => {
                    ended.push(Ended::unattempted(lease, DeliveryState::Pending, Some(now), now));
                }
                Some(GivenBack::Cancelled) => {
                    ended.push(Ended::unattempted(lease, DeliveryState::Cancelled, None, now));
                }
                None => {}
            }
        }
        self.write_down(&mut state, ended)?;
        drop(state);
        self.shared.work.notify_one();
        Ok(())
    }

    /// Writes down that deliveries to endpoints that are gone were given up with the leases they had.
    pub(super) fn write_cancelled(
        &self,
        state: &mut State,
        leases: Vec<Lease>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let cancelled = |lease| Ended::unattempted(lease, DeliveryState::Cancelled, None, now);
        self.write_down(state, leases.into_iter().map(cancelled).collect())
    }

    /// Sends what ended to the writing thread, then adds what waits again: whoever reads what waits after that finds it written.
    /// The leases of all of it are there until the thread has received it, so that what it has read before is told from what
    /// waits now.
    fn write_down(&self, state: &mut State, ended: Vec<Ended>) -> Result<(), StoreError> {
        if ended.is_empty() {
            return Ok(());
        }
        let waiting: Vec<_> = ended
            .iter()
            .filter_map(|ended| Some((ended.endpoint.clone(), ended.due?, ended.delivery)))
            .collect();
        self.shared.unflushed.fetch_add(ended.len() as u64, Ordering::AcqRel);
        self.writes.send(Write::Lazy(ended))?;
        for (endpoint, due, id) in waiting {
            state.schedule.add(&endpoint, due, id);
        }
        Ok(())
    }

    /// A success whose lease was over: it counts, unless the delivery has ended otherwise.
    async fn settle_late(&self, settlement: Settlement) -> Result<bool, StoreError> {
        loop {
            let settlement = settlement.clone();
            if let Some(is_taken) = self.write(move |writer| writer.settle_late(settlement.clone())).await? {
                return Ok(is_taken);
            }
        }
    }
}

impl Writer<'_> {
    pub(super) fn settle(&mut self, ended: &Ended) -> Result<(), StoreError> {
        let Ended { delivery, endpoint, state, due, now, attempted, .. } = ended;
        match attempted {
            None => {
                let update = "UPDATE deliveries SET state = max(state, ?2), due = iif(state = 4, NULL, ?3), \
                    updated = ?4 WHERE id = ?1 AND state IN (0, 4)";
                let values = params![bytes(*delivery), state_number(*state), due.map(millis), millis(*now)];
                execute(self.connection, update, values)?;
            }
            Some(Attempted { attempt, disables, follow_ups }) => {
                self.write_attempt(*delivery, attempt, *state, *due, *now)?;
                let news = match disables {
                    Some(disables) if self.disable(endpoint, disables, *now)? => disables.news.as_ref(),
                    _ => None,
                };
                for follow_up in follow_ups.iter().chain(news) {
                    // The only refusal is a reused key, and these have none.
                    let _ = self.publish(follow_up.clone())?;
                }
            }
        }
        self.touched.insert(endpoint.clone());
        Ok(())
    }

    /// Writes an attempt and what became of its delivery, unless that is finished. What is cancelled may be under way to an
    /// endpoint that was deleted, and remains so unless it succeeds: also when memory did not know of it yet.
    fn write_attempt(
        &self,
        delivery: DeliveryId,
        attempt: &Attempt,
        state: DeliveryState,
        due: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let failure = attempt.failure.map(redundancy_webhook::FailureReason::as_str);
        let update = "UPDATE deliveries SET state = iif(state = 4 AND ?2 <> 2, 4, ?2), \
            due = iif(state = 4, NULL, ?3), updated = ?4, attempts = attempts + 1, \
            spent = spent + 1, last_status = ?5, last_failure = ?6 WHERE id = ?1 AND state IN (0, 4) \
            RETURNING attempts";
        let values = params![
            bytes(delivery),
            state_number(state),
            due.map(millis),
            millis(now),
            attempt.status,
            failure
        ];
        let place: Option<i64> = self
            .connection
            .prepare_cached(update)
            .and_then(|mut update| update.query_row(values, |row| row.get(0)).optional())
            .or_failed()?;
        let Some(place) = place else { return Ok(()) };
        let insert = "INSERT INTO attempts \
            (delivery, place, number, started, duration_us, status, failure, headers, body) \
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        let headers = serde_json::to_string(&attempt.response_headers).unwrap_or_else(|_| "[]".to_owned());
        let values = params![
            bytes(delivery),
            place,
            attempt.number,
            millis(attempt.started_at),
            i64::try_from(attempt.duration.as_micros()).unwrap_or(i64::MAX),
            attempt.status,
            failure,
            headers,
            attempt.response_body
        ];
        execute(self.connection, insert, values)?;
        Ok(())
    }

    /// Disables an endpoint unless it was changed meanwhile, which memory may not have known; says whether it did.
    fn disable(&mut self, id: &EndpointId, disables: &Disabling, now: Timestamp) -> Result<bool, StoreError> {
        let Some(known) = self.registry.get(id).filter(|known| disables.is_meant(&known.endpoint)) else {
            return Ok(false);
        };
        let (key, endpoint) = (known.key, disabled(&known.endpoint, disables.reason, now));
        self.put_endpoint(key, endpoint, false, now)?;
        Ok(true)
    }

    /// Takes a success whose lease was over, unless the delivery has ended otherwise. `None` when another outcome is on its way
    /// and comes first.
    pub(super) fn settle_late(&mut self, settlement: Settlement) -> Result<Option<bool>, StoreError> {
        let id = settlement.lease.delivery;
        let Some(delivery) = delivery_by_id(self.connection, id)? else { return Ok(Some(false)) };
        {
            let mut state = self.shared.state();
            if state.schedule.is_settling(id) {
                return Ok(None);
            }
            let is_made = state.schedule.made_since(id).is_some();
            if delivery.state.is_final() && !is_made {
                return Ok(Some(false));
            }
            // At once, so that nothing else becomes of it before this is on the disk; undone should the transaction fail.
            if is_made {
                state.schedule.make_in_vain(id);
                self.held.push(Held::Lease(id));
            } else if let Some(due) = delivery.due_at {
                state.schedule.remove(&delivery.endpoint_id, due, id);
                self.held.push(Held::Place(delivery.endpoint_id.clone(), (due, id)));
            }
            state.recent.take(id);
        }
        self.write_attempt(id, &settlement.attempt, DeliveryState::Succeeded, None, settlement.now)?;
        for follow_up in &settlement.follow_ups {
            let _ = self.publish(follow_up.clone())?;
        }
        self.touched.insert(settlement.lease.endpoint.clone());
        self.effects.push(Effect::SettledLate { settlement: Box::new(settlement), due: delivery.due_at });
        Ok(Some(true))
    }
}
