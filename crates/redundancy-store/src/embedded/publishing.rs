//! Accepts events: the event and all its deliveries in one transaction.

use super::rows::{delivery_by_id, event_by_id, millis, number, state_number};
use super::writer::{Effect, Held, Writer, bytes};
use super::{OrFailed as _, execute};
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::delivery::{Delivery, DeliveryState};
use redundancy_webhook::event::Event;
use redundancy_webhook::ids::{DeliveryId, EndpointId, EventId};
use redundancy_webhook::store::{
    Audience, Change, Changed, Idempotency, Publication, PublishError, Published, StoreError,
};
use rusqlite::{OptionalExtension as _, params};
use std::sync::Arc;

impl Writer<'_> {
    pub(super) fn publish(
        &mut self,
        publication: Publication,
    ) -> Result<Result<Published, PublishError>, StoreError> {
        let Publication { event, audience, idempotency, keep_unwanted } = publication;
        if let Some(asked) = &idempotency
            && let Some(known) = self.known(asked, event.created_at)?
        {
            return Ok(known);
        }
        let wanting: Vec<(i64, EndpointId)> = self
            .registry
            .values()
            .filter(|registered| registered.endpoint.wants(&event.kind))
            .map(|registered| (registered.key, registered.endpoint.id.clone()))
            .filter(|(_, id)| !matches!(&audience, Audience::SubscribersBut(left_out) if left_out == id))
            .collect();
        let deliveries = u32::try_from(wanting.len()).unwrap_or(u32::MAX);
        let published = Published { event_id: event.id, deliveries, is_repeat: false };
        if wanting.is_empty() && !keep_unwanted {
            return Ok(Ok(published));
        }
        if let Some(asked) = idempotency {
            let insert = "INSERT OR REPLACE INTO idempotency (key, fingerprint, event_id, deliveries, expires) \
                VALUES (?1, ?2, ?3, ?4, ?5)";
            let id = event.id.number().to_be_bytes();
            let values = params![asked.key, asked.fingerprint, id, deliveries, millis(asked.expires_at)];
            execute(self.connection, insert, values)?;
        }
        let kind = self.types.key(self.connection, &event.kind)?;
        self.insert_event(&event, kind)?;
        let event = Arc::new(event);
        for (key, endpoint) in wanting {
            self.insert_delivery(&event, kind, key, endpoint, event.created_at)?;
        }
        Ok(Ok(published))
    }

    /// What became of the same request before.
    fn known(
        &self,
        asked: &Idempotency,
        now: Timestamp,
    ) -> Result<Option<Result<Published, PublishError>>, StoreError> {
        let query =
            "SELECT fingerprint, event_id, deliveries FROM idempotency WHERE key = ?1 AND expires > ?2";
        let mut query = self.connection.prepare_cached(query).or_failed()?;
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let found: Option<(Vec<u8>, Vec<u8>, u32)> =
            query.query_row(params![asked.key, millis(now)], read).optional().or_failed()?;
        let Some((fingerprint, event, deliveries)) = found else { return Ok(None) };
        if fingerprint != asked.fingerprint {
            return Ok(Some(Err(PublishError::KeyReused)));
        }
        let event_id = EventId::from_number(number(&event)?);
        Ok(Some(Ok(Published { event_id, deliveries, is_repeat: true })))
    }

    fn insert_event(&self, event: &Event, kind: i64) -> Result<(), StoreError> {
        let insert = "INSERT INTO events (id, type, created, body, request_id, traceparent) \
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let values = params![
            event.id.number().to_be_bytes(),
            kind,
            millis(event.created_at),
            &event.body[..],
            event.request_id,
            event.traceparent
        ];
        execute(self.connection, insert, values)?;
        Ok(())
    }

    fn insert_delivery(
        &mut self,
        event: &Arc<Event>,
        kind: i64,
        key: i64,
        endpoint: EndpointId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let delivery = Delivery::new(event.id, event.kind.clone(), endpoint, now);
        let insert = "INSERT INTO deliveries (id, event_id, type, endpoint, state, updated, due, attempts, spent) \
            VALUES (?1, ?2, ?3, ?4, 0, ?5, ?5, 0, 0)";
        let event_id = event.id.number().to_be_bytes();
        let values = params![bytes(delivery.id), event_id, kind, key, millis(now)];
        execute(self.connection, insert, values)?;
        self.effects.push(Effect::Wait { delivery, event: Some(Arc::clone(event)), from: None, left: None });
        Ok(())
    }

    /// A delivery of an event that has none to an endpoint.
    pub(super) fn add_delivery(
        &mut self,
        event: EventId,
        endpoint: &EndpointId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let Some(key) = self.registry.get(endpoint).map(|registered| registered.key) else {
            return Ok(false);
        };
        if delivery_by_id(self.connection, DeliveryId::of(event, endpoint))?.is_some() {
            return Ok(false);
        }
        let Some(event) = event_by_id(self.connection, event)? else { return Ok(false) };
        let kind = self.types.key(self.connection, &event.kind)?;
        self.insert_delivery(&Arc::new(event), kind, key, endpoint.clone(), now)?;
        Ok(true)
    }

    /// Changes a delivery; `None` when an outcome of it is on its way and comes first.
    pub(super) fn change(
        &mut self,
        id: DeliveryId,
        change: Change,
        from: &[DeliveryState],
        now: Timestamp,
    ) -> Result<Option<Changed>, StoreError> {
        let Some(before) = delivery_by_id(self.connection, id)? else { return Ok(Some(Changed::NotFound)) };
        let mut delivery = before.clone();
        if !self.registry.contains_key(&before.endpoint_id)
            || event_by_id(self.connection, before.event_id)?.is_none()
        {
            return Ok(Some(Changed::NotFound));
        }
        let left = before.due_at.map(|due| (due, id));
        {
            let mut state = self.shared.state();
            if state.schedule.is_settling(id) {
                return Ok(None);
            }
            if state.schedule.made_since(id).is_some() {
                return Ok(Some(Changed::WrongState(DeliveryState::InFlight)));
            }
            if !from.contains(&before.state) {
                return Ok(Some(Changed::WrongState(before.state)));
            }
            // At once, so that nobody is handed what is being changed; it is put back should the transaction fail.
            if let Some((due, _)) = left {
                state.schedule.remove(&before.endpoint_id, due, id);
                self.held.push(Held::Place(before.endpoint_id.clone(), (due, id)));
            }
            state.recent.take(id);
        }
        delivery.updated_at = now;
        (delivery.state, delivery.due_at) = match change {
            Change::Requeue => (DeliveryState::Pending, Some(now)),
            Change::Cancel => (DeliveryState::Cancelled, None),
        };
        if change == Change::Requeue {
            delivery.spent = 0;
        }
        let update = "UPDATE deliveries SET state = ?2, due = ?3, updated = ?4, spent = ?5 WHERE id = ?1";
        let number = state_number(delivery.state);
        let values = params![bytes(id), number, delivery.due_at.map(millis), millis(now), delivery.spent];
        execute(self.connection, update, values)?;
        self.effects.push(match change {
            Change::Requeue => {
                Effect::Wait { delivery: delivery.clone(), event: None, from: Some(before.state), left }
            }
            Change::Cancel => Effect::Moved {
                endpoint: delivery.endpoint_id.clone(),
                from: before.state,
                to: Some(DeliveryState::Cancelled),
                left,
            },
        });
        Ok(Some(Changed::Done(delivery)))
    }
}
