//! The stores of this crate.

use crate::stores::{Store, Stores};
use crate::unmoved::{Counted, NoTime};
use redundancy_store::{EmbeddedConfig, EmbeddedStore, MemoryStore};
use std::path::Path;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// Stores in folders.
#[derive(Default)]
pub(crate) struct EmbeddedStores(Mutex<Vec<TempDir>>);

/// What is in a folder.
pub(crate) fn open_folder(folder: &Path) -> Store {
    let folder = folder.to_owned();
    let config =
        EmbeddedConfig { folder, cipher: None, clock: Arc::new(NoTime), ids: Arc::new(Counted::default()) };
    let store = EmbeddedStore::open(config).unwrap();
    Store { batches: store.clone(), webhooks: store }
}

impl Stores for EmbeddedStores {
    const RANDOM_SEQUENCES: u32 = 16;

    async fn fresh(&self) -> Store {
        let folder = tempfile::tempdir().unwrap();
        let store = open_folder(&folder.path().join("data"));
        self.0.lock().unwrap().push(folder);
        store
    }
}

/// Stores in memory.
pub(crate) struct MemoryStores;

impl Stores for MemoryStores {
    async fn fresh(&self) -> Store {
        let store = Arc::new(MemoryStore::default());
        Store { batches: store.clone(), webhooks: store }
    }
}

#[tokio::test]
async fn items_of_a_batch_that_is_not_accepted_are_deleted_after_an_hour() {
    let folder = tempfile::tempdir().unwrap();
    let memory = MemoryStores.fresh().await;
    for store in [open_folder(folder.path()), memory] {
        crate::behaviours::items_of_a_batch_that_is_not_accepted_are_deleted_after_an_hour(store).await;
    }
}
