//! Threads that read, each with a connection of its own: `SQLite` blocks its caller, and the async threads must not be blocked.

use super::{OrFailed as _, connect};
use redundancy_webhook::store::StoreError;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use tokio::sync::oneshot;

/// How many queries run at the same time.
const THREADS: usize = 2;
/// Statements that a connection keeps prepared.
const STATEMENTS: usize = 64;

type Query = Box<dyn FnOnce(&Connection) + Send>;

/// The threads. They end when this is dropped.
pub(super) struct Readers {
    queries: Option<Sender<Query>>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    /// Starts the threads on the database at `path`.
    pub(super) fn start(path: &Path) -> Result<Self, StoreError> {
        let (queries, arriving) = channel::<Query>();
        let arriving = Arc::new(Mutex::new(arriving));
        let mut threads = Vec::new();
        for number in 0..THREADS {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = connect(path, flags)?;
            connection.set_prepared_statement_cache_capacity(STATEMENTS);
            connection.pragma_update(None, "cache_size", -2000).or_failed()?;
            connection.busy_timeout(std::time::Duration::from_secs(2)).or_failed()?;
            let arriving = Arc::clone(&arriving);
            let thread = thread::Builder::new()
                .name(format!("store-read-{number}"))
                .spawn(move || work(&connection, &arriving))
                .map_err(|error| StoreError::Unavailable(format!("no thread could be started: {error}")))?;
            threads.push(thread);
        }
        Ok(Self { queries: Some(queries), threads })
    }

    /// Runs `query` on one of the threads.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let closed = || StoreError::Unavailable("the store is closed".to_owned());
        let (answer, answered) = oneshot::channel();
        let queries = self.queries.as_ref().ok_or_else(closed)?;
        let query: Query = Box::new(move |connection| {
            // Whoever asked may have gone.
            let _ = answer.send(query(connection));
        });
        queries.send(query).map_err(|_| closed())?;
        answered.await.unwrap_or_else(|_| Err(closed()))
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.queries = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn work(connection: &Connection, arriving: &Mutex<Receiver<Query>>) {
    loop {
        let next = arriving.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match next {
            Ok(query) => query(connection),
            Err(_) => return,
        }
    }
}
