//! How the suite gets its stores, and the list of all behaviours.

use redundancy_engine::Catalog;
use redundancy_webhook::store::WebhookStore;
use std::sync::Arc;

/// A store under test: one and the same behind both ports.
#[derive(Clone)]
pub(crate) struct Store {
    pub(crate) catalog: Arc<dyn Catalog>,
    pub(crate) webhooks: Arc<dyn WebhookStore>,
}

/// Makes stores of one kind. What they need beside themselves lives as long as this does.
pub(crate) trait Stores {
    /// How many sequences of random operations are compared with the reference.
    const RANDOM_SEQUENCES: u32 = 64;

    /// An empty store.
    async fn fresh(&self) -> Store;

    /// What is left of `store` after it was closed and opened again.
    async fn reopened(&self, store: Store) -> Store {
        store
    }
}

/// Runs the whole suite on the stores that `$stores` makes, each behaviour as a test of its own in the module `$name`.
macro_rules! conforms {
    ($name:ident, $stores:expr) => {
        suite! { $name, $stores;
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
    };
}
