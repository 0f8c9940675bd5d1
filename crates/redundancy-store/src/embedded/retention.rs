//! Deletes what is too old, a step at a time.

use super::rows::{damaged, millis, number, state_number};
use super::writer::{Effect, Writer, bytes};
use super::{OrFailed as _, execute};
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::delivery::DeliveryState;
use redundancy_webhook::ids::{DeliveryId, EndpointId, EventId, JobId};
use redundancy_webhook::store::StoreError;
use rusqlite::params;

/// Deliveries or events that are looked at in one step, for each that may be deleted: those that stay are passed over.
const LOOKS_PER_DELETED: usize = 4;
/// But at least so many.
const MIN_LOOKS: usize = 2000;

/// Where a step of the clean-up goes on.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cursor {
    /// With the deliveries behind this one.
    Deliveries(Option<DeliveryId>),
    /// With the events behind this one. Events go once their deliveries have gone.
    Events(Option<EventId>),
}

/// What a step of the clean-up did.
pub(super) struct Swept {
    pub(super) deleted: usize,
    /// Where the next step goes on; `None` when this one has come to the end.
    pub(super) next: Option<Cursor>,
}

impl Default for Cursor {
    fn default() -> Self {
        Self::Deliveries(None)
    }
}

impl Writer<'_> {
    pub(super) fn sweep(
        &mut self,
        before: Timestamp,
        now: Timestamp,
        limit: usize,
        cursor: Cursor,
    ) -> Result<Swept, StoreError> {
        if self.cancel_deliveries_of_deleted(None)? > 0 {
            return Ok(Swept { deleted: 0, next: Some(cursor) });
        }
        let (mut deleted, next) = match cursor {
            Cursor::Deliveries(after) => {
                let (deleted, last) = self.delete_deliveries(before, limit, after)?;
                let next = last.map_or(Cursor::Events(None), |last| Cursor::Deliveries(Some(last)));
                (deleted, Some(next))
            }
            Cursor::Events(after) => {
                let (deleted, last) = self.delete_events(before, limit, after)?;
                (deleted, last.map(|last| Cursor::Events(Some(last))))
            }
        };
        deleted += self.sweep_batches(before, now, limit)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let expired = "DELETE FROM idempotency WHERE key IN \
            (SELECT key FROM idempotency WHERE expires <= ?1 LIMIT ?2)";
        deleted += execute(self.connection, expired, params![millis(now), limit])?;
        let oldest = JobId::first_at(before).number().to_be_bytes();
        let jobs =
            "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE id < ?1 AND is_open = 0 LIMIT ?2)";
        deleted += execute(self.connection, jobs, params![oldest, limit])?;
        let analyses = "DELETE FROM analyses WHERE rowid IN \
            (SELECT rowid FROM analyses WHERE id < ?1 AND state <> 'pending' LIMIT ?2)";
        deleted += execute(self.connection, analyses, params![oldest, limit])?;
        Ok(Swept { deleted, next })
    }

    /// Deletes finished deliveries made before `before`, from the cursor on; says how many, and where to go on.
    fn delete_deliveries(
        &mut self,
        before: Timestamp,
        limit: usize,
        cursor: Option<DeliveryId>,
    ) -> Result<(usize, Option<DeliveryId>), StoreError> {
        let (mut old, last) = self.old_deliveries(before, limit, cursor)?;
        {
            // What is cancelled with its endpoint may be under way.
            let state = self.shared.state();
            old.retain(|(id, ..)| state.schedule.made_since(*id).is_none());
        }
        for (id, state, endpoint) in &old {
            execute(self.connection, "DELETE FROM attempts WHERE delivery = ?1", params![bytes(*id)])?;
            execute(self.connection, "DELETE FROM deliveries WHERE id = ?1", params![bytes(*id)])?;
            if let Some(endpoint) = endpoint {
                self.effects.push(Effect::Moved {
                    endpoint: endpoint.clone(),
                    from: *state,
                    to: None,
                    left: None,
                });
            }
        }
        Ok((old.len(), last))
    }

    /// Finished deliveries made before `before`, from the cursor on, and where to go on.
    #[expect(clippy::type_complexity, reason = "a list and a cursor")]
    fn old_deliveries(
        &self,
        before: Timestamp,
        limit: usize,
        cursor: Option<DeliveryId>,
    ) -> Result<(Vec<(DeliveryId, DeliveryState, Option<EndpointId>)>, Option<DeliveryId>), StoreError> {
        let query = "SELECT d.id, d.state, e.id FROM deliveries d NOT INDEXED \
            JOIN endpoints e ON e.key = d.endpoint WHERE d.id < ?1 AND d.id > ?2 ORDER BY d.id LIMIT ?3";
        let end = bytes(DeliveryId::first_at(before));
        let from = bytes(cursor.unwrap_or(DeliveryId::from_number(0)));
        let most = looks(limit);
        let looks = i64::try_from(most).unwrap_or(i64::MAX);
        let mut statement = self.connection.prepare_cached(query).or_failed()?;
        let mut rows = statement.query(params![end, from, looks]).or_failed()?;
        let (mut old, mut last, mut looked) = (Vec::new(), None, 0);
        while let Some(row) = rows.next().or_failed()? {
            let id = number(row.get_ref(0).or_failed()?.as_blob().map_err(|_| damaged())?)?;
            let id = DeliveryId::from_number(id);
            let state: i64 = row.get(1).or_failed()?;
            let endpoint: String = row.get(2).or_failed()?;
            looked += 1;
            last = Some(id);
            let state = [DeliveryState::Succeeded, DeliveryState::Exhausted, DeliveryState::Cancelled]
                .into_iter()
                .find(|known| state_number(*known) == state);
            if let Some(state) = state {
                old.push((id, state, endpoint.parse().ok()));
                if old.len() >= limit {
                    break;
                }
            }
        }
        let is_all = old.len() < limit && looked < most;
        Ok((old, if is_all { None } else { last }))
    }

    /// Deletes events made before `before`, from the cursor on, that have no deliveries; says how many, and where to go on.
    fn delete_events(
        &self,
        before: Timestamp,
        limit: usize,
        cursor: Option<EventId>,
    ) -> Result<(usize, Option<EventId>), StoreError> {
        let end = EventId::first_at(before).number().to_be_bytes();
        let from = cursor.unwrap_or(EventId::from_number(0)).number().to_be_bytes();
        let find = "SELECT seq, id FROM events INDEXED BY events_by_id WHERE id < ?1 AND id > ?2 \
            ORDER BY id LIMIT ?3";
        let looks = looks(limit);
        let found: Vec<(i64, Vec<u8>)> = {
            let mut find = self.connection.prepare_cached(find).or_failed()?;
            let values = params![end, from, i64::try_from(looks).unwrap_or(i64::MAX)];
            let rows = find.query_map(values, |row| Ok((row.get(0)?, row.get(1)?))).or_failed()?;
            rows.collect::<Result<_, _>>().or_failed()?
        };
        let mut is_all = found.len() < looks;
        let (mut deleted, mut last) = (0, None);
        for (seq, id) in found {
            if deleted >= limit {
                is_all = false;
                break;
            }
            let event = EventId::from_number(number(&id)?);
            last = Some(event);
            if super::queries::deliveries_of(self.connection, event)? == 0 {
                deleted += execute(self.connection, "DELETE FROM events WHERE seq = ?1", params![seq])?;
            }
        }
        Ok((deleted, if is_all { None } else { last }))
    }
}

/// How many rows a step that may delete `limit` looks at.
fn looks(limit: usize) -> usize {
    limit.saturating_mul(LOOKS_PER_DELETED).max(MIN_LOOKS)
}
