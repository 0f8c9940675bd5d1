//! Keys, tenants and the audit log in a file of their own beside the store. Other than the store it may be open in several processes at
//! once: keys are made and revoked on the command line while the service runs.

use super::{OrFailed as _, connect, files};
use async_trait::async_trait;
use redundancy_engine::StoreError;
use redundancy_engine::access::{AccessStore, ApiKey, AuditEntry, AuditId, KeyId, Tenant};
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::store::{Page, PageRequest};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};
use serde::de::DeserializeOwned;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_util::task::TaskTracker;

/// The file in the data folder.
const FILE: &str = "access.db";
/// Version of its tables.
const VERSION: i64 = 1;
/// How long to wait for another process that writes.
const BUSY: Duration = Duration::from_secs(5);

/// Nothing changes or removes an entry of the log, not even a later version of this program by mistake.
const TABLES: &str = "
CREATE TABLE keys (id BLOB PRIMARY KEY, tenant TEXT, record TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE audit (id BLOB PRIMARY KEY, tenant TEXT, record TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX audit_by_tenant ON audit (tenant, id);
CREATE TABLE tenants (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;
CREATE TRIGGER audit_is_not_removed BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;
";

/// Keeps keys, tenants and the audit log in a file.
pub struct EmbeddedAccess {
    writing: Arc<Mutex<Connection>>,
    /// Apart, so that whoever asks for a key does not wait for those who write, which may wait for another process.
    reading: Arc<Mutex<Connection>>,
    /// Each statement waits for the disk on a thread that may.
    tasks: TaskTracker,
}

impl EmbeddedAccess {
    /// Opens the file in `folder`, or makes both.
    ///
    /// # Errors
    /// [`StoreError`] when the folder cannot be used, or when the file is none of ours or of a newer version.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let path = files::private_file(folder, FILE)?;
        let mut connection = connect(&path, OpenFlags::default())?;
        connection.busy_timeout(BUSY).or_failed()?;
        connection.pragma_update(None, "journal_mode", "WAL").or_failed()?;
        connection.pragma_update(None, "synchronous", "FULL").or_failed()?;
        // Two processes can make the tables at the same time: the second waits here.
        let making = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate);
        let making = making.or_failed()?;
        let version: i64 = making.pragma_query_value(None, "user_version", |row| row.get(0)).or_failed()?;
        match version {
            0 => {
                making.execute_batch(TABLES).or_failed()?;
                making.pragma_update(None, "user_version", VERSION).or_failed()?;
            }
            VERSION => {}
            newer => {
                return Err(StoreError::Unreadable(format!(
                    "{FILE} has version {newer}, and this program knows {VERSION}: use the newer one"
                )));
            }
        }
        making.commit().or_failed()?;
        let reading = connect(&path, OpenFlags::default())?;
        reading.busy_timeout(BUSY).or_failed()?;
        let [writing, reading] = [connection, reading].map(|connection| Arc::new(Mutex::new(connection)));
        Ok(Self { writing, reading, tasks: TaskTracker::new() })
    }

    /// Writes on a thread that may block.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run(&self.writing, work).await
    }

    /// Reads on a thread that may block.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run(&self.reading, work).await
    }

    async fn run<T: Send + 'static>(
        &self,
        connection: &Arc<Mutex<Connection>>,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let connection = Arc::clone(connection);
        let done = self.tasks.spawn_blocking(move || {
            // A statement that failed leaves the connection as it was.
            work(&connection.lock().unwrap_or_else(PoisonError::into_inner))
        });
        done.await.map_err(|_| StoreError::Unavailable("the store is closed".to_owned()))?.or_failed()
    }
}

#[async_trait]
impl AccessStore for EmbeddedAccess {
    async fn put_key(&self, key: ApiKey) -> Result<(), StoreError> {
        let (id, tenant, record) = (bytes(key.id.number()), name(key.tenant.as_ref()), written(&key)?);
        self.write(move |connection| {
            let statement = "INSERT OR REPLACE INTO keys (id, tenant, record) VALUES (?1, ?2, ?3)";
            connection.prepare_cached(statement)?.execute(params![id, tenant, record]).map(drop)
        })
        .await
    }

    async fn key(&self, id: KeyId) -> Result<Option<ApiKey>, StoreError> {
        let id = bytes(id.number());
        let found = self.read(move |connection| {
            let mut statement = connection.prepare_cached("SELECT record FROM keys WHERE id = ?1")?;
            statement.query_row([id], |row| row.get::<_, String>(0)).optional()
        });
        found.await?.as_deref().map(read).transpose()
    }

    async fn keys(
        &self,
        tenant: Option<&Tenant>,
        page: PageRequest<KeyId>,
    ) -> Result<Page<ApiKey, KeyId>, StoreError> {
        let (after, tenant, limit) = (page.after.map(|id| bytes(id.number())), name(tenant), page.limit);
        let found = self.read(move |connection| {
            let statement =
                "SELECT record FROM keys WHERE id > ?1 AND (?2 IS NULL OR tenant = ?2) ORDER BY id LIMIT ?3";
            let after = after.as_ref().map_or(&[][..], |id| &id[..]);
            rows(connection, statement, params![after, tenant, one_more(limit)])
        });
        let keys = found.await?.iter().map(|record| read(record)).collect::<Result<_, _>>()?;
        Ok(Page::cut(keys, limit, |key: &ApiKey| key.id))
    }

    async fn revoke_key(&self, id: KeyId, now: Timestamp) -> Result<Option<ApiKey>, StoreError> {
        let number = bytes(id.number());
        // In one statement, so that of two who do it the first counts.
        let changed = self.write(move |connection| {
            let statement = "UPDATE keys SET record = json_set(record, '$.revoked_at', ?2) \
                             WHERE id = ?1 AND record ->> '$.revoked_at' IS NULL";
            let now = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
            connection.prepare_cached(statement)?.execute(params![number, now])
        });
        changed.await?;
        self.key(id).await
    }

    async fn record(&self, entry: AuditEntry) -> Result<(), StoreError> {
        let (id, tenant, record) = (bytes(entry.id.number()), name(entry.tenant.as_ref()), written(&entry)?);
        self.write(move |connection| {
            // One that is there already was written by an earlier try of which nobody heard.
            let statement =
                "INSERT INTO audit (id, tenant, record) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
            connection.prepare_cached(statement)?.execute(params![id, tenant, record]).map(drop)
        })
        .await
    }

    async fn audit(
        &self,
        tenant: Option<&Tenant>,
        page: PageRequest<AuditId>,
    ) -> Result<Page<AuditEntry, AuditId>, StoreError> {
        let before = page.after.map_or([u8::MAX; 17].to_vec(), |id| bytes(id.number()).to_vec());
        let (tenant, limit) = (name(tenant), page.limit);
        let found = self.read(move |connection| {
            if let Some(tenant) = tenant {
                let statement =
                    "SELECT record FROM audit WHERE tenant = ?2 AND id < ?1 ORDER BY id DESC LIMIT ?3";
                return rows(connection, statement, params![before, tenant, one_more(limit)]);
            }
            let statement = "SELECT record FROM audit WHERE id < ?1 ORDER BY id DESC LIMIT ?2";
            rows(connection, statement, params![before, one_more(limit)])
        });
        let entries = found.await?.iter().map(|record| read(record)).collect::<Result<_, _>>()?;
        Ok(Page::cut(entries, limit, |entry: &AuditEntry| entry.id))
    }

    async fn add_tenant(&self, tenant: &Tenant) -> Result<(), StoreError> {
        let name = tenant.as_str().to_owned();
        self.write(move |connection| {
            let statement = "INSERT OR IGNORE INTO tenants (name) VALUES (?1)";
            connection.prepare_cached(statement)?.execute([name]).map(drop)
        })
        .await
    }

    async fn tenants(&self) -> Result<Vec<Tenant>, StoreError> {
        let names = self.read(|connection| rows(connection, "SELECT name FROM tenants ORDER BY name", []));
        let names = names.await?.into_iter().map(|name| name.parse());
        names.collect::<Result<_, _>>().map_err(|_| damaged())
    }
}

impl fmt::Debug for EmbeddedAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedAccess").finish_non_exhaustive()
    }
}

/// A number as a key that sorts as numbers do.
const fn bytes(number: u128) -> [u8; 16] {
    number.to_be_bytes()
}

fn name(tenant: Option<&Tenant>) -> Option<String> {
    tenant.map(|tenant| tenant.as_str().to_owned())
}

fn one_more(limit: usize) -> i64 {
    i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX)
}

fn rows(
    connection: &Connection,
    statement: &str,
    values: impl rusqlite::Params,
) -> rusqlite::Result<Vec<String>> {
    connection.prepare_cached(statement)?.query_map(values, |row| row.get(0))?.collect()
}

fn written(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| damaged())
}

fn read<T: DeserializeOwned>(record: &str) -> Result<T, StoreError> {
    serde_json::from_str(record).map_err(|_| damaged())
}

fn damaged() -> StoreError {
    StoreError::Unreadable(format!("{FILE} holds something that this program did not write"))
}
