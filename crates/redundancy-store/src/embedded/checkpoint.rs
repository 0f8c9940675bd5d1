//! Moves what stands in the write-ahead log into the database, on a thread of its own, so that commits do not wait for it.
//!
//! The thread moves what is there, which takes long. Meanwhile commits add to the log, so it asks the writer to move the rest
//! before it goes on, which is little: then the log is empty, and written from its beginning again. A log that never grows is
//! written faster, since its file stays as long as it is.

use super::OrFailed as _;
use super::files::index_of_log;
use redundancy_webhook::store::StoreError;
use rusqlite::Connection;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How often the length of the log is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// From so many pages on that are in the log alone, they are moved: 32 MiB. Most of them were written many times by then, and are
/// moved once.
const MOVE_FROM_PAGES: u32 = 8192;

/// The thread. It ends when this is dropped.
pub(super) struct Checkpoints {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpoints {
    /// Starts the thread on the database at `path`. It sets `is_rest_due` when the writer should move the rest.
    pub(super) fn start(path: &Path, is_rest_due: Arc<AtomicBool>) -> Result<Self, StoreError> {
        let connection = Connection::open(path).or_failed()?;
        connection.busy_timeout(Duration::ZERO).or_failed()?;
        let index = index_of_log(path);
        let (stop, stopped) = channel::<()>();
        let work = move || {
            while stopped.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
                look(&connection, &index, &is_rest_due);
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

fn look(connection: &Connection, index: &Path, is_rest_due: &AtomicBool) {
    // There is no index before the first change.
    let Ok(log) = Log::read(index) else { return };
    if log.written.saturating_sub(log.moved) < MOVE_FROM_PAGES {
        return;
    }
    let moved = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    if let Err(error) = moved {
        // The next look goes on from there.
        tracing::debug!(%error, "the write-ahead log could not be moved yet");
    }
    is_rest_due.store(true, Ordering::Relaxed);
}

/// How many pages the log holds, and how many of them are in the database too.
#[derive(Debug, PartialEq, Eq)]
struct Log {
    written: u32,
    moved: u32,
}

impl Log {
    /// Reads it from the index that `SQLite` has of the log (`-shm`). Where it stands there is part of the format of files, see "WAL-Index
    /// Header" and "WAL-Index Checkpoint Information" in <https://sqlite.org/walformat.html>. It may be changing, which does no
    /// harm here.
    fn read(index: &Path) -> io::Result<Self> {
        let mut header = [0; 100];
        File::open(index)?.read_exact(&mut header)?;
        let number = |at: usize| {
            let bytes = header.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
            // In the byte order of the machine.
            u32::from_ne_bytes(bytes.unwrap_or_default())
        };
        Ok(Self { written: number(16), moved: number(96) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_tells_how_long_the_log_is_and_how_much_of_it_was_moved() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("some.db");
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0").unwrap();
        connection.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)").unwrap();
        let pages = |sql: &str| connection.query_row(sql, [], |row| Ok((row.get(1)?, row.get(2)?))).unwrap();
        let before = Log::read(&index_of_log(&path)).unwrap();
        assert!(before.written >= 2 && before.moved == 0, "{before:?}");
        let (written, moved): (u32, u32) = pages("PRAGMA wal_checkpoint(PASSIVE)");
        assert_eq!(Log::read(&index_of_log(&path)).unwrap(), Log { written, moved });
        assert_eq!((written, moved), (before.written, before.written));
        // Then it is written from its beginning.
        connection.execute_batch("INSERT INTO t VALUES (2)").unwrap();
        assert_eq!(Log::read(&index_of_log(&path)).unwrap(), Log { written: 1, moved: 0 });
    }
}
