//! Moves what stands in the write-ahead log into the database, on a thread of its own, so that commits do not wait for it.
//!
//! The thread moves what is there, which takes long. Meanwhile commits add to the log, so it asks the writer to move the rest
//! before it goes on, which is little: then the log is empty, and written from its beginning again. A log that never grows is
//! written faster, since its file stays as long as it is.

use super::files::index_of_log;
use super::{OrFailed as _, connect};
use redundancy_webhook::store::StoreError;
use rusqlite::{Connection, OpenFlags};
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How often the length of the log is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// From so many pages on that are in the log alone, they are moved: 32 MiB. Most of them were written many times by then, and are
/// moved once.
const MOVE_FROM_PAGES: u32 = 8192;
/// From so many pages on that the log holds the writer waits for readers, so that it ends: 128 MiB.
const TOO_LONG_PAGES: u32 = 4 * MOVE_FROM_PAGES;

/// What the writer is asked to do.
#[derive(Debug, Default)]
pub(super) struct Rest(AtomicU8);

/// A part of the log that the writer moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Part {
    /// None.
    Nothing = 0,
    /// What readers do not need.
    Free = 1,
    /// All of it: readers are waited for.
    All = 2,
}

impl Rest {
    fn ask(&self, part: Part) {
        self.0.store(part as u8, Ordering::Relaxed);
    }

    /// Does what was asked for, on the connection of the writer between two transactions.
    pub(super) fn move_if_due(&self, connection: &Connection) {
        let mode = match self.0.swap(Part::Nothing as u8, Ordering::Relaxed) {
            0 => return,
            1 => "PRAGMA wal_checkpoint(PASSIVE)",
            _ => "PRAGMA wal_checkpoint(RESTART)",
        };
        // What cannot be moved now is moved the next time.
        let _ = connection.query_row(mode, [], |_| Ok(()));
    }
}

/// The thread. It ends when this is dropped.
pub(super) struct Checkpoints {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpoints {
    /// Starts the thread on the database at `path`. It asks the writer for the `rest`.
    pub(super) fn start(path: &Path, rest: Arc<Rest>) -> Result<Self, StoreError> {
        let connection = connect(path, OpenFlags::default())?;
        connection.busy_timeout(Duration::ZERO).or_failed()?;
        let mut index = Index { path: index_of_log(path), file: None };
        let (stop, stopped) = channel::<()>();
        let work = move || {
            while stopped.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
                look(&connection, &mut index, &rest);
            }
            drop(connection);
            // Not before: see there.
            drop(index);
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

fn look(connection: &Connection, index: &mut Index, rest: &Rest) {
    // There is no index before the first change.
    let Ok(log) = index.read() else { return };
    if log.written.saturating_sub(log.moved) < MOVE_FROM_PAGES {
        return;
    }
    let moved = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    if let Err(error) = moved {
        // The next look goes on from there.
        tracing::debug!(%error, "the write-ahead log could not be moved yet");
    }
    rest.ask(if log.written < TOO_LONG_PAGES { Part::Free } else { Part::All });
}

/// The index that `SQLite` has of the log (`-shm`).
///
/// It stays open until the last connection of this process is closed: closing a file, whichever descriptor it was opened by,
/// ends all locks that the process holds on it (`fcntl_locking(2)`; section 2.2 of <https://sqlite.org/howtocorrupt.html>), and by
/// these `SQLite` tells other processes that the log is in use.
struct Index {
    path: PathBuf,
    file: Option<File>,
}

/// How many pages the log holds, and how many of them are in the database too.
#[derive(Debug, PartialEq, Eq)]
struct Log {
    written: u32,
    moved: u32,
}

impl Index {
    /// How long the log is. Where that stands in the index is part of the format of files: "WAL-Index Header" and "WAL-Index
    /// Checkpoint Information" in <https://sqlite.org/walformat.html>. It may be changing, which does no harm here.
    fn read(&mut self) -> io::Result<Log> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(File::open(&self.path)?),
        };
        let mut header = [0; 100];
        file.rewind()?;
        file.read_exact(&mut header)?;
        let number = |at: usize| {
            let bytes = header.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
            // In the byte order of the machine.
            u32::from_ne_bytes(bytes.unwrap_or_default())
        };
        Ok(Log { written: number(16), moved: number(96) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_os = "linux")]
    use std::os::linux::fs::MetadataExt as _;
    use tempfile::TempDir;

    /// A database with something in its log, in a folder that goes with the first.
    fn database() -> (TempDir, Connection, Index) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("some.db");
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0").unwrap();
        connection.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)").unwrap();
        (folder, connection, Index { path: index_of_log(&path), file: None })
    }

    #[test]
    fn the_index_tells_how_long_the_log_is_and_how_much_of_it_was_moved() {
        let (_folder, connection, mut index) = database();
        let pages = |sql: &str| connection.query_row(sql, [], |row| Ok((row.get(1)?, row.get(2)?))).unwrap();
        let before = index.read().unwrap();
        assert!(before.written >= 2 && before.moved == 0, "{before:?}");
        let (written, moved): (u32, u32) = pages("PRAGMA wal_checkpoint(PASSIVE)");
        assert_eq!(index.read().unwrap(), Log { written, moved });
        assert_eq!((written, moved), (before.written, before.written));
        // Then it is written from its beginning.
        connection.execute_batch("INSERT INTO t VALUES (2)").unwrap();
        assert_eq!(index.read().unwrap(), Log { written: 1, moved: 0 });
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn looking_leaves_the_locks_of_the_process_alone() {
        let (_folder, connection, mut index) = database();
        let path = index.path.clone();
        let locks = || {
            let inode = std::fs::metadata(&path).unwrap().st_ino().to_string();
            let all = std::fs::read_to_string("/proc/locks").unwrap();
            all.lines().filter(|line| line.contains(&format!(":{inode} "))).count()
        };
        let before = locks();
        assert!(before > 0, "SQLite holds no lock on its index");
        for _ in 0..3 {
            look(&connection, &mut index, &Rest::default());
        }
        assert_eq!(locks(), before);
    }
}
