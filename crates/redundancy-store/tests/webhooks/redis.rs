//! Stores in Redis, each in a server or a Cluster of its own.

use crate::fixture::Store;
use crate::server::{Cluster, Server, store_at};
use crate::stores::Stores;
use std::sync::{Mutex, PoisonError};

/// Stores in single servers.
#[derive(Default)]
pub(crate) struct Single(Mutex<Vec<Server>>);

/// Stores in Clusters.
#[derive(Default)]
pub(crate) struct OfCluster(Mutex<Vec<Cluster>>);

impl Stores for Single {
    const RANDOM_SEQUENCES: u32 = 12;

    async fn fresh(&self) -> Store {
        let server = Server::on_disk().await;
        let store = store_at(&server.url()).await;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(server);
        store
    }

    async fn replica(&self, _store: &Store) -> Option<Store> {
        let url = self.0.lock().unwrap_or_else(PoisonError::into_inner).last()?.url();
        Some(store_at(&url).await)
    }
}

impl Stores for OfCluster {
    const RANDOM_SEQUENCES: u32 = 3;

    async fn fresh(&self) -> Store {
        let cluster = Cluster::start().await;
        let store = store_at(&cluster.url()).await;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(cluster);
        store
    }

    async fn replica(&self, _store: &Store) -> Option<Store> {
        let url = self.0.lock().unwrap_or_else(PoisonError::into_inner).last()?.url();
        Some(store_at(&url).await)
    }
}
