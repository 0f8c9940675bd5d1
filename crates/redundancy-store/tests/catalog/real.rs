//! The stores of this crate.

use crate::stores::{Store, Stores};
use crate::unmoved::{Counted, NoTime};
use redundancy_store::{EmbeddedConfig, EmbeddedStore, IndexOptions, MemoryStore};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// Stores in folders.
#[derive(Default)]
pub(crate) struct EmbeddedStores {
    folders: Mutex<Vec<TempDir>>,
    options: IndexOptions,
    /// How often one was opened again.
    reopened: AtomicUsize,
}

impl EmbeddedStores {
    /// Stores that keep next to nothing in memory, so that whatever is put goes through segments and merges of them.
    pub(crate) fn of_little_memory() -> Self {
        Self { options: IndexOptions { recent_entries: 4, filter_bytes: 1024 }, ..Self::default() }
    }

    fn folder(&self) -> PathBuf {
        self.folders.lock().unwrap().last().unwrap().path().join("data")
    }

    fn open(&self) -> Store {
        open_with(&self.folder(), self.options)
    }
}

/// What is in a folder, with next to nothing of the index in memory.
pub(crate) fn open_folder(folder: &Path) -> Store {
    open_with(folder, IndexOptions { recent_entries: 40, filter_bytes: 4096 })
}

fn open_with(folder: &Path, options: IndexOptions) -> Store {
    let folder = folder.to_owned();
    let config =
        EmbeddedConfig { folder, cipher: None, clock: Arc::new(NoTime), ids: Arc::new(Counted::default()) };
    let store = EmbeddedStore::open_with(config, options).unwrap();
    Store { catalog: store.clone(), webhooks: store }
}

impl Stores for EmbeddedStores {
    const RANDOM_SEQUENCES: u32 = 16;

    async fn fresh(&self) -> Store {
        self.folders.lock().unwrap().push(tempfile::tempdir().unwrap());
        self.open()
    }

    async fn reopened(&self, store: Store) -> Store {
        drop(store);
        // Every other time without what can be made again.
        if self.reopened.fetch_add(1, Ordering::Relaxed) % 2 == 1 {
            let file = self.folder().join("redundancy.db");
            let deleted = Connection::open(file).unwrap().execute("DELETE FROM summaries", []);
            deleted.unwrap();
        }
        self.open()
    }
}

/// Stores in memory.
pub(crate) struct MemoryStores;

impl Stores for MemoryStores {
    async fn fresh(&self) -> Store {
        let store = Arc::new(MemoryStore::default());
        Store { catalog: store.clone(), webhooks: store }
    }
}
