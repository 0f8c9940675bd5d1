//! How the suite gets its stores, and the list of all behaviours.

use redundancy_engine::BatchStore;
use redundancy_webhook::store::WebhookStore;
use std::sync::Arc;

/// A store under test: one and the same behind both ports.
#[derive(Clone)]
pub(crate) struct Store {
    pub(crate) batches: Arc<dyn BatchStore>,
    pub(crate) webhooks: Arc<dyn WebhookStore>,
}

/// Makes stores of one kind. What they need beside themselves lives as long as this does.
pub(crate) trait Stores {
    /// How many sequences of random operations are compared with the reference.
    const RANDOM_SEQUENCES: u32 = 48;

    /// An empty store.
    async fn fresh(&self) -> Store;
}

/// Runs the whole suite on the stores that `$stores` makes, each behaviour as a test of its own in the module `$name`.
macro_rules! conforms {
    ($name:ident, $stores:expr) => {
        suite! { $name, $stores;
            a_batch_reads_back_with_all_its_fields
            nothing_is_seen_of_a_batch_until_it_is_accepted
            a_batch_is_accepted_only_with_all_its_items
            a_chunk_has_as_many_items_as_were_asked_for_and_one_at_least
            results_are_read_in_parts_without_gaps
            batches_take_turns
            a_chunk_belongs_to_one_until_its_time_is_over
            what_is_given_back_is_handed_out_again_from_where_it_stood
            the_last_settlement_ends_the_batch_and_tells_of_it
            a_batch_that_cannot_go_on_keeps_what_it_has
            a_cancelled_batch_takes_no_results_and_is_handed_out_no_more
            what_has_ended_is_not_cancelled
            batches_are_listed_the_youngest_first_page_by_page
            old_batches_are_deleted_once_they_have_ended
            an_accepted_batch_wakes_who_waits
        }
    };
}
