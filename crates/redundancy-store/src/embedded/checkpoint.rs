//! Moves what stands in the write-ahead log into the database, on a thread of its own, so that commits do not wait for it.

use super::OrFailed as _;
use super::files::log_of;
use redundancy_webhook::store::StoreError;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How often the size of the log is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// From this size on the log is moved.
const MOVE_FROM_BYTES: u64 = 16 << 20;
/// From this size on commits do wait, once: while they go on without a pause the log never becomes empty by itself.
const TOO_LARGE_BYTES: u64 = 64 << 20;

/// The thread. It ends when this is dropped.
pub(super) struct Checkpoints {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpoints {
    /// Starts the thread on the database at `path`. It sets `is_too_large` when the writer should empty the log itself.
    pub(super) fn start(path: &Path, is_too_large: Arc<AtomicBool>) -> Result<Self, StoreError> {
        let connection = Connection::open(path).or_failed()?;
        connection.busy_timeout(Duration::ZERO).or_failed()?;
        let log = log_of(path);
        let (stop, stopped) = channel::<()>();
        let work = move || {
            while stopped.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
                look(&connection, &log, &is_too_large);
            }
        };
        let thread = thread::Builder::new()
            .name("store-checkpoint".to_owned())
            .spawn(work)
            .map_err(|error| StoreError::Unavailable(format!("no thread could be started: {error}")))?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn look(connection: &Connection, log: &PathBuf, is_too_large: &AtomicBool) {
    let bytes = std::fs::metadata(log).map_or(0, |log| log.len());
    if bytes < MOVE_FROM_BYTES {
        return;
    }
    // The answer says how far it got; the next look goes on from there.
    let moved = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    if let Err(error) = moved {
        tracing::debug!(%error, "the write-ahead log could not be moved yet");
    }
    if bytes > TOO_LARGE_BYTES {
        is_too_large.store(true, Ordering::Relaxed);
    }
}
