//! Stores in Redis: one after the other in a server of their own, and in a Cluster.

use crate::fixture::{LEASE, accepted, claim, id, last, read, taken};
use crate::server::{Cluster, Reused, Server, store_at, store_of};
use crate::stores::{Store, Stores};
use redundancy_engine::BatchState;

/// Stores in a single server, one after the other.
#[derive(Default)]
pub(crate) struct Single(Reused);

async fn store(url: &str) -> Store {
    let store = store_at(url).await;
    Store { batches: store.clone(), webhooks: store }
}

impl Stores for Single {
    const RANDOM_SEQUENCES: u32 = 12;

    async fn fresh(&self) -> Store {
        store(&self.0.emptied().await).await
    }
}

/// Stores of a tenant in a single server.
#[derive(Default)]
pub(crate) struct Tenants(Reused);

impl Stores for Tenants {
    const RANDOM_SEQUENCES: u32 = 4;

    async fn fresh(&self) -> Store {
        let store = store_of(&self.0.emptied().await, "acme").await;
        Store { batches: store.clone(), webhooks: store }
    }
}

#[tokio::test]
async fn what_a_lost_replica_had_taken_is_done_by_another() {
    let server = Server::in_memory().await;
    let (one, other) = (store(&server.url()).await, store(&server.url()).await);
    let id = id(10, 1);
    accepted(&one, id, 3).await;
    taken(&one, 1, 20, 9).await;
    drop(one);
    assert!(other.batches.take(claim(2, 20 + LEASE - 1, 9)).await.unwrap().is_none());
    let chunk = taken(&other, 2, 20 + LEASE, 9).await;
    assert!(other.batches.settle(last(&chunk, 30 + LEASE, BatchState::Completed)).await.unwrap());
    assert_eq!(read(&other, id).await.done, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_behaves_as_a_single_server_does() {
    let cluster = Cluster::start().await;
    let fresh = async || store(&cluster.emptied().await).await;
    crate::behaviours::batches_take_turns(fresh().await).await;
    crate::behaviours::the_last_settlement_ends_the_batch_and_tells_of_it(fresh().await).await;
    crate::behaviours::batches_are_listed_the_youngest_first_page_by_page(fresh().await).await;
    crate::behaviours::old_batches_are_deleted_once_they_have_ended(fresh().await).await;
}
