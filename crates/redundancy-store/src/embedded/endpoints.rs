//! Endpoints in the database.

use super::rows::{millis, state_number};
use super::writer::{Effect, Registered, Writer};
use super::{OrFailed as _, Shared, execute};
use crate::schedule::is_next;
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::delivery::DeliveryState;
use redundancy_webhook::endpoint::Endpoint;
use redundancy_webhook::ids::EndpointId;
use redundancy_webhook::record::{has_plain_secret, read_endpoint, write_endpoint};
use redundancy_webhook::store::{EndpointWriteError, StoreError};
use rusqlite::{Connection, params};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Deliveries that are cancelled in one transaction when their endpoint is deleted.
pub(super) const CANCEL_STEP: usize = 2000;

/// All endpoints, by id.
pub(super) fn registry(
    connection: &Connection,
    shared: &Shared,
) -> Result<BTreeMap<EndpointId, Registered>, StoreError> {
    let mut statement =
        connection.prepare("SELECT key, record FROM endpoints WHERE record IS NOT NULL").or_failed()?;
    let mut rows = statement.query([]).or_failed()?;
    let mut registry = BTreeMap::new();
    while let Some(row) = rows.next().or_failed()? {
        let (key, record): (i64, Vec<u8>) = (row.get(0).or_failed()?, row.get(1).or_failed()?);
        let endpoint = Arc::new(read_endpoint(&record, shared.cipher.as_ref())?);
        registry.insert(endpoint.id.clone(), Registered { key, endpoint });
    }
    Ok(registry)
}

/// Encrypts secrets that were written before there was a key, and leaves no trace of them in the file. That rewrites the file,
/// once: it takes its time and as much room again.
pub(super) fn encrypt_plain_ones(connection: &mut Connection, shared: &Shared) -> Result<(), StoreError> {
    let Some(cipher) = &shared.cipher else { return Ok(()) };
    let registry = registry(connection, shared)?;
    let transaction = connection.transaction().or_failed()?;
    for registered in registry.values() {
        let query = "SELECT record FROM endpoints WHERE key = ?1";
        let record: Vec<u8> = transaction.query_row(query, [registered.key], |row| row.get(0)).or_failed()?;
        if has_plain_secret(&record) {
            let record = write_endpoint(&registered.endpoint, Some(cipher), shared.ids.random_128());
            let update = "UPDATE endpoints SET record = ?2 WHERE key = ?1";
            transaction.execute(update, params![registered.key, record]).or_failed()?;
            // Should the process end before the traces are gone, the next one goes on.
            let mark = "INSERT OR REPLACE INTO totals (name, counts) VALUES ('traces', '')";
            transaction.execute(mark, []).or_failed()?;
        }
    }
    transaction.commit().or_failed()?;
    let marked = "SELECT EXISTS (SELECT 1 FROM totals WHERE name = 'traces')";
    if connection.query_row(marked, [], |row| row.get(0)).or_failed()? {
        connection.execute_batch("VACUUM").or_failed()?;
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).or_failed()?;
        connection.execute("DELETE FROM totals WHERE name = 'traces'", []).or_failed()?;
    }
    Ok(())
}

impl Writer<'_> {
    /// Registers an endpoint; `None` when that is to be tried again.
    pub(super) fn create_endpoint(
        &mut self,
        endpoint: Endpoint,
    ) -> Result<Option<Result<(), EndpointWriteError>>, StoreError> {
        if self.registry.contains_key(&endpoint.id) {
            return Ok(Some(Err(EndpointWriteError::Exists)));
        }
        // One that was deleted leaves its number, and perhaps deliveries that are still to be cancelled: in transactions of their
        // own while they are many, and the last of them in this one, so that none is left for the new one.
        if self.cancel_deliveries_of_deleted(Some(&endpoint.id))? >= CANCEL_STEP {
            return Ok(None);
        }
        let insert = "INSERT INTO endpoints (id) VALUES (?1) ON CONFLICT (id) DO UPDATE SET deleted = NULL \
            RETURNING key";
        let key: i64 = self
            .connection
            .prepare_cached(insert)
            .and_then(|mut insert| insert.query_row([endpoint.id.as_str()], |row| row.get(0)))
            .or_failed()?;
        let now = endpoint.created_at;
        self.put_endpoint(key, endpoint, false, now)?;
        Ok(Some(Ok(())))
    }

    pub(super) fn replace_endpoint(
        &mut self,
        endpoint: Endpoint,
        forgives: bool,
        now: Timestamp,
    ) -> Result<Result<(), EndpointWriteError>, StoreError> {
        let Some(known) = self.registry.get(&endpoint.id) else {
            return Ok(Err(EndpointWriteError::Changed));
        };
        if !is_next(&known.endpoint, &endpoint) {
            return Ok(Err(EndpointWriteError::Changed));
        }
        let key = known.key;
        self.put_endpoint(key, endpoint, forgives, now)?;
        Ok(Ok(()))
    }

    pub(super) fn put_endpoint(
        &mut self,
        key: i64,
        endpoint: Endpoint,
        forgives: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let nonce = self.shared.ids.random_128();
        let record = write_endpoint(&endpoint, self.shared.cipher.as_ref(), nonce);
        let update = "UPDATE endpoints SET record = ?2 WHERE key = ?1";
        execute(self.connection, update, params![key, record])?;
        let endpoint = Arc::new(endpoint);
        self.registry.insert(endpoint.id.clone(), Registered { key, endpoint: Arc::clone(&endpoint) });
        self.effects.push(Effect::Endpoint { endpoint, forgives, now });
        Ok(())
    }

    /// Deletes an endpoint and cancels the first of its deliveries; says whether it was there. The others count as cancelled
    /// from now on and are written by the clean-up.
    pub(super) fn delete_endpoint(&mut self, id: &EndpointId, now: Timestamp) -> Result<bool, StoreError> {
        let Some(registered) = self.registry.remove(id) else { return Ok(false) };
        let update =
            "UPDATE endpoints SET record = NULL, guard = NULL, counts = NULL, deleted = ?2 WHERE key = ?1";
        execute(self.connection, update, params![registered.key, millis(now)])?;
        self.cancel_deliveries_of_deleted(Some(id))?;
        self.touched.insert(id.clone());
        self.effects.push(Effect::EndpointGone(id.clone()));
        Ok(true)
    }

    /// Cancels some deliveries that wait for endpoints that are deleted: of one of them, or of all. Says how many.
    pub(super) fn cancel_deliveries_of_deleted(
        &mut self,
        id: Option<&EndpointId>,
    ) -> Result<usize, StoreError> {
        let find = "SELECT key, deleted FROM endpoints WHERE deleted IS NOT NULL AND (?1 IS NULL OR id = ?1)";
        let keys: Vec<(i64, i64)> = {
            let mut find = self.connection.prepare_cached(find).or_failed()?;
            let id = id.map(EndpointId::as_str);
            let rows = find.query_map([id], |row| Ok((row.get(0)?, row.get(1)?))).or_failed()?;
            rows.collect::<Result<_, _>>().or_failed()?
        };
        let cancelled = state_number(DeliveryState::Cancelled);
        let update = "UPDATE deliveries SET state = ?2, due = NULL, updated = ?3 WHERE id IN \
            (SELECT id FROM deliveries INDEXED BY deliveries_lane WHERE endpoint = ?1 AND state = 0 LIMIT ?4)";
        let mut count = 0;
        for (key, deleted) in keys {
            let step = i64::try_from(CANCEL_STEP.saturating_sub(count)).unwrap_or_default();
            if step == 0 {
                break;
            }
            count += execute(self.connection, update, params![key, cancelled, deleted, step])?;
        }
        Ok(count)
    }

    /// Writes guards and counts of the endpoints that this transaction touched.
    pub(super) fn write_touched(&mut self) -> Result<(), StoreError> {
        let update = "UPDATE endpoints SET guard = ?2, counts = ?3 WHERE key = ?1";
        let mut is_gone_touched = false;
        for id in std::mem::take(&mut self.touched) {
            let Some(key) = self.registry.get(&id).map(|registered| registered.key) else {
                is_gone_touched = true;
                continue;
            };
            let (guard, mut counts) = {
                let state = self.shared.state();
                let Some(lane) = state.schedule.lane(&id) else { continue };
                (serde_json::to_string(&lane.guard), lane.counts.clone())
            };
            for effect in &self.effects {
                // Memory hears of these when they are on the disk.
                if let Effect::SettledLate { settlement, .. } = effect
                    && settlement.lease.endpoint == id
                {
                    counts.moved(None, Some(DeliveryState::Succeeded));
                    counts.attempted(settlement.attempt.number, true, settlement.attempt.duration);
                }
            }
            let (guard, counts) =
                (guard.unwrap_or_default(), serde_json::to_string(&counts).unwrap_or_default());
            execute(self.connection, update, params![key, guard, counts])?;
        }
        if is_gone_touched { self.write_gone() } else { Ok(()) }
    }

    /// Writes what is known of endpoints that were deleted, those of this transaction included.
    fn write_gone(&self) -> Result<(), StoreError> {
        let gone = {
            let state = self.shared.state();
            let mut gone = state.schedule.gone.clone();
            for effect in &self.effects {
                if let Effect::EndpointGone(id) = effect
                    && let Some(lane) = state.schedule.lane(id)
                {
                    gone.add(&lane.counts);
                }
            }
            serde_json::to_string(&gone).unwrap_or_default()
        };
        let total = "INSERT OR REPLACE INTO totals (name, counts) VALUES ('gone', ?1)";
        self.connection.execute(total, [gone]).or_failed()?;
        Ok(())
    }
}
