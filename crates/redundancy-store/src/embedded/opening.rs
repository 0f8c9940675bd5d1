//! Opens the store: the file, its tables, and what memory has to know of them.

use super::checkpoint::{Checkpoints, Rest};
use super::index::indexer::Indexer;
use super::index::loading::{self, Loaded};
use super::index::{Index, IndexOptions};
use super::readers::Readers;
use super::rows::{damaged, moment, number};
use super::writer::{Effect, Registered, Writes};
use super::{
    EmbeddedConfig, EmbeddedStore, OrFailed as _, Shared, State, analyses, batches, connect, endpoints,
    files, schema,
};
use crate::schedule::{Key, WINDOW};
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::guard::Guard;
use redundancy_webhook::ids::{DeliveryId, EndpointId};
use redundancy_webhook::store::StoreError;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};
use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

/// Statements that the writer keeps prepared.
const STATEMENTS: usize = 64;
/// Deliveries that a lane gets at once.
const PART: usize = 2048;

impl EmbeddedStore {
    /// Opens the store, or makes it. Blocks while it reads: its time grows with the number of pending deliveries, a fraction of a
    /// second for a million; and once with the size of the index when an older version wrote it.
    pub fn open(config: EmbeddedConfig) -> Result<Arc<Self>, StoreError> {
        Self::open_with(config, IndexOptions::default())
    }

    /// The same, with a say in how much of the index of documents is in memory.
    pub fn open_with(config: EmbeddedConfig, options: IndexOptions) -> Result<Arc<Self>, StoreError> {
        let EmbeddedConfig { folder, cipher, clock, ids } = config;
        let (lock, path) = files::take(&folder)?;
        let mut connection = connect(&path, OpenFlags::default())?;
        // First, so that a file of another program stays as it is.
        schema::check(&connection)?;
        prepare(&connection)?;
        schema::migrate(&mut connection)?;
        let Loaded { parts, next_document, next_segment } = loading::load(&connection, options.filter_bytes)?;
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            index: Index::new(options, parts),
            work: Notify::new(),
            batch_work: Notify::new(),
            unflushed: AtomicU64::new(0),
            write_fault: Mutex::default(),
            cipher,
            clock,
            ids,
        });
        endpoints::encrypt_plain_ones(&mut connection, &shared)?;
        analyses::fail_abandoned(&connection)?;
        batches::give_back(&connection)?;
        let registry = endpoints::registry(&connection, &shared)?;
        load(&connection, &shared, &registry)?;
        let readers = Readers::start(&path)?;
        let rest = Arc::<Rest>::default();
        let checkpoints = Checkpoints::start(&path, Arc::clone(&rest))?;
        let writes = Arc::new(Writes::start(connection, registry, next_document, Arc::clone(&shared), rest)?);
        let indexer = Indexer::start(&path, Arc::clone(&shared), Arc::clone(&writes), next_segment)?;
        let sweep_cursor = Mutex::default();
        Ok(Arc::new(Self {
            shared,
            indexer,
            writes,
            readers,
            sweep_cursor,
            _checkpoints: checkpoints,
            _lock: lock,
        }))
    }
}

fn prepare(connection: &Connection) -> Result<(), StoreError> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.busy_timeout(Duration::from_secs(5)).or_failed()?;
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).or_failed()?;
    if mode != "wal" {
        return Err(StoreError::Unavailable("the disk does not allow a write-ahead log".to_owned()));
    }
    for (name, value) in [
        // A commit returns when the log is on the disk.
        ("synchronous", "FULL"),
        // Moving the log is the business of a thread of its own.
        ("wal_autocheckpoint", "0"),
        ("journal_size_limit", "67108864"),
        // 8 MiB.
        ("cache_size", "-8192"),
        ("temp_store", "MEMORY"),
        // What is deleted is overwritten where that costs no further write.
        ("secure_delete", "FAST"),
    ] {
        connection.pragma_update(None, name, value).or_failed()?;
    }
    Ok(())
}

/// Fills memory with endpoints, their counts, and the first part of what waits for each.
fn load(
    connection: &Connection,
    shared: &Shared,
    registry: &BTreeMap<EndpointId, Registered>,
) -> Result<(), StoreError> {
    let now = shared.clock.now();
    let mut state = State::default();
    let gone = "SELECT counts FROM totals WHERE name = 'gone'";
    let gone: Option<String> = connection.query_row(gone, [], |row| row.get(0)).optional().or_failed()?;
    if let Some(gone) = gone {
        state.schedule.gone = serde_json::from_str(&gone).map_err(|_| damaged())?;
    }
    let dead_letters = "SELECT count(*) FROM endpoints e CROSS JOIN deliveries d \
        INDEXED BY deliveries_closed_by_endpoint ON d.endpoint = e.key \
        WHERE e.deleted IS NOT NULL AND d.state = 3 AND d.state >= 3";
    let dead_letters: i64 = connection.query_row(dead_letters, [], |row| row.get(0)).or_failed()?;
    let gone = &mut state.schedule.gone;
    (gone.pending, gone.in_flight, gone.dead_letters) =
        (0, 0, u64::try_from(dead_letters).unwrap_or_default());
    for (id, registered) in registry {
        load_lane(connection, &mut state, id, registered, now)?;
    }
    *shared.state() = state;
    Ok(())
}

/// Adds an endpoint to memory, with its counts and the first part of what waits for it.
fn load_lane(
    connection: &Connection,
    state: &mut State,
    id: &EndpointId,
    registered: &Registered,
    now: Timestamp,
) -> Result<(), StoreError> {
    let key = registered.key;
    state.schedule.put_endpoint(Arc::clone(&registered.endpoint), now);
    let (keys, is_all) = part(connection, key, None)?;
    let (guard, counts) = stored_state(connection, key)?;
    let counted = |index: &str, condition: &str| -> Result<u64, StoreError> {
        let query =
            format!("SELECT count(*) FROM deliveries INDEXED BY {index} WHERE endpoint = ?1 AND {condition}");
        let count: i64 = connection.query_row(&query, [key], |row| row.get(0)).or_failed()?;
        Ok(u64::try_from(count).unwrap_or_default())
    };
    let Some(lane) = state.schedule.lane_mut(id) else { return Ok(()) };
    lane.window = Some(WINDOW);
    lane.counts = counts;
    lane.counts.pending = counted("deliveries_lane", "state = 0")?;
    lane.counts.in_flight = 0;
    lane.counts.dead_letters = counted("deliveries_closed_by_endpoint", "state = 3 AND state >= 3")?;
    if let Some(mut guard) = guard {
        // Whoever was making deliveries is gone.
        guard.forget_in_flight();
        lane.retry_at = guard.breaker.open_until();
        lane.guard = guard;
    }
    let dropped = lane.dropped;
    state.schedule.refill(id, None, &keys, is_all, dropped);
    Ok(())
}

fn stored_state(
    connection: &Connection,
    key: i64,
) -> Result<(Option<Guard>, redundancy_webhook::store::EndpointCounts), StoreError> {
    let query = "SELECT guard, counts FROM endpoints WHERE key = ?1";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let (guard, counts): (Option<String>, Option<String>) =
        connection.query_row(query, [key], read).or_failed()?;
    let guard = guard.map(|guard| serde_json::from_str(&guard)).transpose().map_err(|_| damaged())?;
    let counts = counts.map(|counts| serde_json::from_str(&counts)).transpose().map_err(|_| damaged())?;
    Ok((guard, counts.unwrap_or_default()))
}

/// The next part of what waits for an endpoint behind `after`, and whether that is all.
pub(super) fn part(
    connection: &Connection,
    endpoint: i64,
    after: Option<Key>,
) -> Result<(Vec<Key>, bool), StoreError> {
    let query = "SELECT due, id FROM deliveries INDEXED BY deliveries_lane \
        WHERE endpoint = ?1 AND state = 0 AND (due, id) > (?2, ?3) ORDER BY due, id LIMIT ?4";
    let (due, id) = after.map_or((-1, 0), |(due, id)| (super::rows::millis(due), id.number()));
    let limit = i64::try_from(PART).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(query).or_failed()?;
    let mut rows = statement.query(rusqlite::params![endpoint, due, id.to_be_bytes(), limit]).or_failed()?;
    let mut keys = Vec::new();
    while let Some(row) = rows.next().or_failed()? {
        let due: i64 = row.get(0).or_failed()?;
        let id = number(row.get_ref(1).or_failed()?.as_blob().map_err(|_| damaged())?)?;
        keys.push((moment(due), DeliveryId::from_number(id)));
    }
    let is_all = keys.len() < PART;
    Ok((keys, is_all))
}

impl super::writer::Writer<'_> {
    /// Reads the next part of what waits for an endpoint, unless what was asked for has been given up since it had been so
    /// `lost` times.
    pub(super) fn refill(&mut self, endpoint: &EndpointId, lost: u64) -> Result<(), StoreError> {
        if self.shared.state().schedule.refills_lost != lost {
            return Ok(());
        }
        let Some(key) = self.registry.get(endpoint).map(|registered| registered.key) else { return Ok(()) };
        let (horizon, dropped) = match self.shared.state().schedule.lane(endpoint) {
            Some(lane) => (lane.horizon, lane.dropped),
            None => return Ok(()),
        };
        let (keys, is_all) = part(self.connection, key, horizon)?;
        let endpoint = endpoint.clone();
        self.effects.push(Effect::Refill { endpoint, from: horizon, keys, is_all, dropped, lost });
        Ok(())
    }
}
