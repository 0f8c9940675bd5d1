//! The tables, and how an older file becomes one of today.

use super::OrFailed as _;
use redundancy_webhook::store::StoreError;
use rusqlite::Connection;

/// Marks the file as ours: "RDNC".
const APPLICATION_ID: i64 = 0x5244_4e43;

/// Each step leads from the version of its index to the next one. Steps are never changed once they were released.
///
/// - Deliveries are clustered by id, and ids begin with the time: inserts go to the end, and every list comes in its order out
///   of an index.
/// - What is being made is not written down: whoever opens the file finds those deliveries pending.
/// - `lane` holds what waits, in the order in which it is due; `closed` what did not succeed. Both are partial: the great
///   majority of deliveries passes through the first and never gets into the second.
/// - The row of an endpoint outlives it, with the time at which it was `deleted`: its deliveries are cancelled bit by bit.
/// - The `place` of an attempt among those of its delivery is its number, unless a lost lease has made two of the same number.
/// - A document has the next number each time it is put. `fresh_keys` holds the keys of documents that are in no segment,
///   `blocks` those of the others: see `index`. `tombstones` are numbers of documents that are gone while a segment may still
///   name them. `fresh_traces` become `packs` together with that, because a page holds one trace and a little more. `dropped_segments` segments whose blocks are yet to be deleted.
/// - A batch has its place in the queue, `turn`, from its acceptance until it ends. Its items and their results lie at its key and
///   their number: `key << 32 | number`. `has_items` tells that there may be items left.
/// - A segment counts as dropped from before its first block is written until the last one is.
/// - A segment without any `summaries` gets them again from `blocks` when the file is opened, as after their form has changed.
/// - The deliveries of an event need no index: their ids begin with the same millisecond.
const STEPS: [&str; 4] = ["
CREATE TABLE endpoints (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    record BLOB,
    guard TEXT,
    counts TEXT,
    deleted INTEGER
) STRICT;
CREATE TABLE event_types (key INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    type INTEGER NOT NULL,
    created INTEGER NOT NULL,
    body BLOB NOT NULL,
    request_id TEXT,
    traceparent TEXT
) STRICT;
CREATE UNIQUE INDEX events_by_id ON events (id);
CREATE TABLE deliveries (
    id BLOB PRIMARY KEY,
    event_id BLOB NOT NULL,
    type INTEGER NOT NULL,
    endpoint INTEGER NOT NULL,
    state INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    due INTEGER,
    attempts INTEGER NOT NULL,
    spent INTEGER NOT NULL,
    last_status INTEGER,
    last_failure TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_by_endpoint ON deliveries (endpoint, id);
CREATE INDEX deliveries_by_type ON deliveries (type, id);
CREATE INDEX deliveries_lane ON deliveries (endpoint, due, id) WHERE state = 0;
CREATE INDEX deliveries_closed ON deliveries (state, id) WHERE state >= 3;
CREATE INDEX deliveries_closed_by_endpoint ON deliveries (endpoint, state, id) WHERE state >= 3;
CREATE TABLE attempts (
    delivery BLOB NOT NULL,
    place INTEGER NOT NULL,
    number INTEGER NOT NULL,
    started INTEGER NOT NULL,
    duration_us INTEGER NOT NULL,
    status INTEGER,
    failure TEXT,
    headers TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (delivery, place)
) STRICT, WITHOUT ROWID;
CREATE TABLE idempotency (
    key TEXT PRIMARY KEY,
    fingerprint BLOB NOT NULL,
    event_id BLOB NOT NULL,
    deliveries INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_by_expiry ON idempotency (expires);
CREATE TABLE jobs (id BLOB PRIMARY KEY, revision INTEGER NOT NULL, is_open INTEGER NOT NULL, record BLOB NOT NULL)
    STRICT, WITHOUT ROWID;
CREATE INDEX jobs_open ON jobs (id) WHERE is_open = 1;
CREATE TABLE analyses (
    id BLOB PRIMARY KEY,
    operation TEXT NOT NULL,
    created INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    state TEXT NOT NULL,
    result TEXT
) STRICT;
CREATE TABLE totals (name TEXT PRIMARY KEY, counts TEXT NOT NULL) STRICT, WITHOUT ROWID;
", "
CREATE TABLE collections (key INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE documents (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    collection INTEGER NOT NULL,
    content_hash BLOB NOT NULL,
    normalized_hash BLOB NOT NULL,
    characters INTEGER NOT NULL,
    words INTEGER NOT NULL,
    metadata TEXT NOT NULL,
    text_stored INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
) STRICT;
CREATE TABLE fresh_traces (number INTEGER PRIMARY KEY, trace BLOB NOT NULL) STRICT;
CREATE TABLE packs (last INTEGER PRIMARY KEY, traces BLOB NOT NULL) STRICT;
CREATE UNIQUE INDEX documents_by_id ON documents (id);
CREATE INDEX documents_by_collection ON documents (collection, number);
CREATE TABLE texts (number INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;
CREATE TABLE fresh_keys (number INTEGER PRIMARY KEY, keys BLOB NOT NULL) STRICT;
CREATE TABLE tombstones (number INTEGER PRIMARY KEY) STRICT;
CREATE TABLE segments (
    key INTEGER PRIMARY KEY,
    level INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    entries INTEGER NOT NULL
) STRICT;
CREATE TABLE dropped_segments (key INTEGER PRIMARY KEY) STRICT;
CREATE TABLE blocks (number INTEGER PRIMARY KEY, entries BLOB NOT NULL) STRICT;
CREATE TABLE summaries (number INTEGER PRIMARY KEY, entries BLOB NOT NULL) STRICT;
", "
CREATE TABLE batches (
    key INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    operation TEXT,
    state TEXT NOT NULL,
    turn INTEGER,
    lease BLOB,
    leased_until INTEGER,
    has_items INTEGER NOT NULL,
    total INTEGER NOT NULL,
    done INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    created INTEGER,
    started INTEGER,
    finished INTEGER,
    error TEXT,
    request_id TEXT,
    user_id TEXT,
    traceparent TEXT
) STRICT;
CREATE UNIQUE INDEX batches_by_id ON batches (id);
CREATE INDEX batches_by_turn ON batches (turn) WHERE turn IS NOT NULL;
CREATE INDEX batches_to_clear ON batches (key) WHERE turn IS NULL AND has_items = 1;
CREATE TABLE batch_items (place INTEGER PRIMARY KEY, item BLOB NOT NULL) STRICT;
CREATE TABLE batch_results (place INTEGER PRIMARY KEY, line TEXT NOT NULL) STRICT;
", "
DELETE FROM summaries;
WITH RECURSIVE found (key) AS (
    SELECT min(number) >> 24 FROM blocks
    UNION ALL
    SELECT (SELECT min(number) >> 24 FROM blocks WHERE number >= (found.key + 1) << 24) FROM found WHERE found.key IS NOT NULL
)
INSERT OR IGNORE INTO dropped_segments (key)
    SELECT key FROM found WHERE key IS NOT NULL AND key NOT IN (SELECT key FROM segments);
"];

/// The version of a database that this program can use, or why it cannot. Changes nothing.
pub(super) fn check(connection: &Connection) -> Result<usize, StoreError> {
    let read = |name: &str| connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0));
    let (version, application) = (read("user_version").or_failed()?, read("application_id").or_failed()?);
    let count = "SELECT count(*) FROM sqlite_schema";
    let tables: i64 = connection.query_row(count, [], |row| row.get(0)).or_failed()?;
    let is_empty = version == 0 && application == 0 && tables == 0;
    if !is_empty && application != APPLICATION_ID {
        return Err(StoreError::Unreadable("redundancy.db is a database of another program".to_owned()));
    }
    let newest = STEPS.len();
    usize::try_from(version).ok().filter(|version| *version <= newest).ok_or_else(|| {
        StoreError::Unreadable(format!(
            "redundancy.db has format {version}, and this version of the program reads up to {newest}: use a newer one"
        ))
    })
}

/// Brings the database to the version of this program.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let (known, newest) = (check(connection)?, STEPS.len());
    if known == newest {
        return Ok(());
    }
    let transaction = connection.transaction().or_failed()?;
    for step in STEPS.iter().skip(known) {
        transaction.execute_batch(step).or_failed()?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID).or_failed()?;
    transaction.pragma_update(None, "user_version", i64::try_from(newest).unwrap_or(i64::MAX)).or_failed()?;
    transaction.commit().or_failed()
}
