//! Stores in Redis: one after the other in a server of their own, or in one Cluster.

use crate::behaviours;
use crate::server::{Cluster, Reused, store_at, store_of};
use crate::stores::{Store, Stores};

/// Stores in a single server, one after the other.
#[derive(Default)]
pub(crate) struct Single(Reused);

/// A handle on what is in the Redis at `url`, as a replica has it.
pub(crate) async fn replica(url: &str) -> Store {
    let store = store_at(url).await;
    Store { catalog: store.clone(), webhooks: store }
}

impl Stores for Single {
    const RANDOM_SEQUENCES: u32 = 24;

    async fn fresh(&self) -> Store {
        replica(&self.0.emptied().await).await
    }

    async fn reopened(&self, _store: Store) -> Store {
        replica(&self.0.url().unwrap()).await
    }
}

/// Stores of a tenant in a single server, in which another tenant and nobody have things of the same names.
#[derive(Default)]
pub(crate) struct Tenants(Reused);

impl Stores for Tenants {
    const RANDOM_SEQUENCES: u32 = 8;

    async fn fresh(&self) -> Store {
        let url = self.0.emptied().await;
        behaviours::something_is_there(replica(&url).await).await;
        let other = store_of(&url, "other").await;
        behaviours::something_is_there(Store { catalog: other.clone(), webhooks: other }).await;
        self.reopened_at(&url).await
    }

    async fn reopened(&self, _store: Store) -> Store {
        self.reopened_at(&self.0.url().unwrap()).await
    }
}

impl Tenants {
    async fn reopened_at(&self, url: &str) -> Store {
        let store = store_of(url, "acme").await;
        Store { catalog: store.clone(), webhooks: store }
    }
}

/// Runs behaviours one after the other: a Cluster takes too long to start for one each.
macro_rules! in_turn {
    ($cluster:ident; $($name:ident)*) => {
        $(
            eprintln!(stringify!($name));
            behaviours::$name(fresh(&$cluster).await).await;
        )*
    };
}

/// An empty store in a Cluster.
async fn fresh(cluster: &Cluster) -> Store {
    replica(&cluster.emptied().await).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_behaves_as_a_single_server_does() {
    let cluster = Cluster::start().await;
    in_turn! { cluster;
        a_document_reads_back_with_all_its_fields
        what_is_put_again_replaces_what_was_there_in_whatever_collection
        what_is_removed_is_gone
        documents_are_listed_in_the_order_in_which_they_were_put
        equal_ones_come_before_those_that_share_keys_and_the_older_before_the_younger
        other_collections_are_not_looked_at
        boilerplate_leads_to_nothing_unless_there_is_nothing_else
        a_key_of_many_documents_leads_to_the_oldest
        what_is_told_of_a_document_is_stored_with_it
        a_group_is_put_in_its_order
        documents_put_by_many_at_once_are_all_there
    }
}
