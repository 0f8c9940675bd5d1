//! A store in one file of `SQLite`: for one process on one machine, without set-up. What it has acknowledged survives a crash and a
//! loss of power.
//!
//! One thread writes. Everything that arrives while it waits for the disk goes into the next transaction together, so that
//! many events share one fsync ([group commit](https://doi.org/10.1145/971699.318972)). Outcomes of attempts may wait a few
//! milliseconds for such company: losing one costs another attempt, and nothing more. What is due is known in memory
//! (`schedule`), so that handing out a delivery writes nothing.
//!
//! The database is in WAL mode with `synchronous=FULL`: a commit has returned when the log is on the disk.

pub(crate) mod access;
mod alone;
mod analyses;
mod batch_rows;
mod batches;
mod catalog;
mod checkpoint;
mod claiming;
mod documents;
mod endpoints;
mod files;
mod index;
mod names;
mod opening;
mod packs;
mod publishing;
mod queries;
mod readers;
mod recent;
mod retention;
mod rows;
mod schema;
mod settling;
#[cfg(test)]
mod tests;
mod webhooks;
mod writer;

use crate::schedule::Schedule;
use index::Index;
pub use index::IndexOptions;
use index::indexer::Indexer;
use readers::Readers;
use recent::Recent;
use redundancy_webhook::clock::{Clock, IdSource};
use redundancy_webhook::record::SecretCipher;
use redundancy_webhook::store::StoreError;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use writer::{Write, Writes};

/// How to open the store.
pub struct EmbeddedConfig {
    /// The folder that holds the database; made if it is not there. One process at a time may use it.
    pub folder: PathBuf,
    /// Encrypts signing secrets.
    pub cipher: Option<SecretCipher>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Random numbers.
    pub ids: Arc<dyn IdSource>,
}

/// Keeps everything in one file. Closes it when dropped: what was accepted is on the disk then.
pub struct EmbeddedStore {
    shared: Arc<Shared>,
    /// Ends before the thread that writes for it.
    indexer: Indexer,
    writes: Arc<Writes>,
    readers: Readers,
    /// Where the clean-up goes on.
    sweep_cursor: Mutex<retention::Cursor>,
    _checkpoints: checkpoint::Checkpoints,
    _lock: files::FolderLock,
}

/// What callers and the writing thread share.
struct Shared {
    state: Mutex<State>,
    /// Which documents have which key.
    index: Index,
    /// There may be something to claim.
    work: Notify,
    /// There may be a batch to go on with.
    batch_work: Notify,
    /// Outcomes that were taken and are not on the disk yet.
    unflushed: AtomicU64,
    /// Why the last transaction could not be written, until one can be.
    write_fault: Mutex<Option<StoreError>>,
    cipher: Option<SecretCipher>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
}

/// What is known in memory.
#[derive(Debug, Default)]
struct State {
    schedule: Schedule,
    recent: Recent,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing under the lock can panic halfway.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_fault(&self) -> MutexGuard<'_, Option<StoreError>> {
        self.write_fault.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EmbeddedStore {
    /// Has the writing thread do `apply` in its next transaction, and waits until that is on the disk. It is done a second time
    /// when a change of somebody else has spoilt the first transaction.
    async fn write<T: Send + 'static>(
        &self,
        apply: impl FnMut(&mut writer::Writer<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (write, answer) = Write::urgent(apply);
        self.writes.send(write)?;
        answer.await.unwrap_or_else(|_| Err(StoreError::Unavailable("the store is closed".to_owned())))
    }

    /// Waits until every outcome that was taken can be read.
    async fn flush(&self) -> Result<(), StoreError> {
        if self.shared.unflushed.load(Ordering::Acquire) == 0 {
            return Ok(());
        }
        self.write(|_| Ok(())).await
    }

    /// Reads with `query`, on another thread, what has been written by now.
    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&rusqlite::Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.flush().await?;
        self.readers.run(query).await
    }
}

/// An error of `SQLite` as one of the port.
fn store_error(error: &rusqlite::Error) -> StoreError {
    use rusqlite::ffi::ErrorCode;
    // What it says is for those who run the service: it may name what callers need not know.
    tracing::debug!(%error, "a statement failed");
    let extended = error.sqlite_error().map(|error| error.extended_code);
    match error.sqlite_error_code() {
        // No room for the index of the write-ahead log is no room.
        Some(ErrorCode::SystemIoFailure) if extended == Some(rusqlite::ffi::SQLITE_IOERR_SHMSIZE) => {
            StoreError::Full("the disk is full".to_owned())
        }
        Some(ErrorCode::DiskFull) => StoreError::Full("the disk is full".to_owned()),
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            StoreError::Unreadable("the file is damaged or is no database".to_owned())
        }
        Some(code) => StoreError::Unavailable(format!("SQLite says {code:?}")),
        None => StoreError::Unavailable("SQLite gave an answer of the wrong kind".to_owned()),
    }
}

/// The result of a statement as one of the port.
trait OrFailed<T> {
    fn or_failed(self) -> Result<T, StoreError>;
}

impl<T> OrFailed<T> for rusqlite::Result<T> {
    fn or_failed(self) -> Result<T, StoreError> {
        self.map_err(|error| store_error(&error))
    }
}

/// Opens the database at `path`. Plans of statements do not depend on the values that are bound: else `SQLite`, built with
/// statistics of values, makes a plan anew for each value of a range, which takes longer than most statements here do.
fn connect(path: &Path, flags: rusqlite::OpenFlags) -> Result<rusqlite::Connection, StoreError> {
    let connection = rusqlite::Connection::open_with_flags(path, flags).or_failed()?;
    let setting = rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG;
    connection.set_db_config(setting, true).or_failed()?;
    Ok(connection)
}

/// Runs a statement that is used again and again. Gives how many rows it changed.
fn execute(
    connection: &rusqlite::Connection,
    statement: &str,
    values: impl rusqlite::Params,
) -> Result<usize, StoreError> {
    connection.prepare_cached(statement).and_then(|mut statement| statement.execute(values)).or_failed()
}
