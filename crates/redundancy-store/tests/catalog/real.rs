//! The stores of this crate.

use crate::stores::{Store, Stores};
use redundancy_store::MemoryStore;
use std::sync::Arc;

/// Stores in memory.
pub(crate) struct MemoryStores;

impl Stores for MemoryStores {
    async fn fresh(&self) -> Store {
        let store = Arc::new(MemoryStore::default());
        Store { catalog: store.clone(), webhooks: store }
    }
}
