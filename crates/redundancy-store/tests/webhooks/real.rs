//! The stores of this crate that need nothing but a folder.

use crate::fixture::Store;
use crate::stores::Stores;
use crate::unmoved::{Counted, NoTime};
use redundancy_store::{EmbeddedConfig, EmbeddedStore, MemoryStore};
use redundancy_webhook::record::SecretCipher;
use std::sync::Arc;
use tempfile::TempDir;

/// Stores in memory.
#[derive(Default)]
pub(crate) struct MemoryStores;

impl Stores for MemoryStores {
    async fn fresh(&self) -> Store {
        Arc::new(MemoryStore::default())
    }
}

/// Stores in folders, with encrypted secrets.
#[derive(Default)]
pub(crate) struct EmbeddedStores {
    folders: std::sync::Mutex<Vec<TempDir>>,
}

impl Stores for EmbeddedStores {
    const RANDOM_SEQUENCES: u32 = 24;

    async fn fresh(&self) -> Store {
        let folder = tempfile::tempdir().unwrap();
        let config = EmbeddedConfig {
            folder: folder.path().join("data"),
            cipher: Some(SecretCipher::new("a key for the tests of stores").unwrap()),
            clock: Arc::new(NoTime),
            ids: Arc::new(Counted::default()),
        };
        self.folders.lock().unwrap().push(folder);
        EmbeddedStore::open(config).unwrap()
    }
}
