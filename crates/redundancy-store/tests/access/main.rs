//! One suite for every store of keys, tenants and the audit log, and for everything that counts requests: the doc of each method of
//! [`AccessStore`](redundancy_engine::access::AccessStore) is the contract.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests stop at the first surprise"
)]
#![allow(missing_docs, reason = "a name says what is tested")]

mod behaviours;
mod processes;
mod rates;

#[path = "../redis/server.rs"]
#[allow(dead_code, reason = "the tests of faults use all of it")]
mod server;

use redundancy_engine::access::AccessStore;
use redundancy_store::{EmbeddedAccess, MemoryAccess, RedisAccess};
use server::Server;
use std::sync::Arc;

/// A store under test, and what it needs to live.
struct Store {
    access: Arc<dyn AccessStore>,
    _needs: Box<dyn std::any::Any>,
}

async fn memory() -> Store {
    Store { access: Arc::new(MemoryAccess::default()), _needs: Box::new(()) }
}

async fn embedded() -> Store {
    let folder = tempfile::tempdir().unwrap();
    Store { access: Arc::new(EmbeddedAccess::open(folder.path()).unwrap()), _needs: Box::new(folder) }
}

async fn redis() -> Store {
    let server = Server::in_memory().await;
    Store {
        access: Arc::new(RedisAccess::new(server::config(&server.url(), None))),
        _needs: Box::new(server),
    }
}

/// Runs each behaviour on each kind of store.
macro_rules! conforms {
    ($($kind:ident)*; $behaviours:tt) => {
        $(conforms! { @ $kind $behaviours })*
    };
    (@ $kind:ident ($($behaviour:ident)*)) => {
        mod $kind {
            $(#[tokio::test]
            async fn $behaviour() {
                let store = super::$kind().await;
                super::behaviours::$behaviour(&*store.access).await;
            })*
        }
    };
}

conforms! { memory embedded redis; (
    a_key_reads_back_with_all_its_fields
    keys_are_listed_in_the_order_of_their_ids_in_parts
    keys_of_one_tenant_are_listed_alone
    a_key_is_revoked_once_and_stays_to_be_looked_at
    the_log_is_read_backwards_in_parts
    the_log_of_one_tenant_is_read_alone
    tenants_are_remembered_once
) }
