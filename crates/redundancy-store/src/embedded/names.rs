//! Small numbers for names that stand in every row.

use super::OrFailed as _;
use redundancy_webhook::event::EventType;
use redundancy_webhook::store::StoreError;
use rusqlite::{Connection, OptionalExtension as _};
use std::collections::HashMap;

/// Numbers of event types that the writer has used.
#[derive(Debug, Default)]
pub(super) struct EventTypes(HashMap<EventType, i64>);

/// More names than a sane system has; beyond it they are looked up each time.
const MAX_KNOWN: usize = 1024;

impl EventTypes {
    /// The number of an event type; a new one gets the next.
    pub(super) fn key(&mut self, connection: &Connection, kind: &EventType) -> Result<i64, StoreError> {
        if let Some(key) = self.0.get(kind) {
            return Ok(*key);
        }
        let known = "SELECT key FROM event_types WHERE name = ?1";
        let key = connection.query_row(known, [kind.as_str()], |row| row.get(0)).optional().or_failed()?;
        let key = if let Some(key) = key {
            key
        } else {
            let insert = "INSERT INTO event_types (name) VALUES (?1)";
            connection.execute(insert, [kind.as_str()]).or_failed()?;
            connection.last_insert_rowid()
        };
        if self.0.len() < MAX_KNOWN {
            self.0.insert(kind.clone(), key);
        }
        Ok(key)
    }

    /// Forgets everything: a transaction that made names was undone.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }
}
