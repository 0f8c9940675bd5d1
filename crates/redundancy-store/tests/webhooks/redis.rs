//! Stores in Redis: one after the other in a server of their own, or in one Cluster.

use crate::fixture::Store;
use crate::server::{Cluster, Reused, store_at, store_of};
use crate::stores::Stores;

/// Stores in a single server, one after the other.
#[derive(Default)]
pub(crate) struct Single(Reused);

impl Stores for Single {
    const RANDOM_SEQUENCES: u32 = 12;

    async fn fresh(&self) -> Store {
        store_at(&self.0.emptied().await).await
    }

    async fn replica(&self, _store: &Store) -> Option<Store> {
        Some(store_at(&self.0.url()?).await)
    }
}

/// Stores of a tenant in a single server, in which another tenant and nobody have endpoints and deliveries.
#[derive(Default)]
pub(crate) struct Tenants(Reused);

impl Stores for Tenants {
    const RANDOM_SEQUENCES: u32 = 4;

    async fn fresh(&self) -> Store {
        let url = self.0.emptied().await;
        for other in [store_at(&url).await, store_of(&url, "other").await] {
            crate::publishing::each_wanting_endpoint_gets_one_delivery_due_at_once(other).await;
        }
        store_of(&url, "acme").await
    }

    async fn replica(&self, _store: &Store) -> Option<Store> {
        Some(store_of(&self.0.url()?, "acme").await)
    }
}

/// An empty store in a Cluster.
async fn fresh(cluster: &Cluster) -> Store {
    store_at(&cluster.emptied().await).await
}

/// Runs behaviours one after the other: a Cluster takes too long to start for one each.
macro_rules! in_turn {
    ($cluster:ident; alone { $($group:ident::$name:ident)* } shared { $($shared:ident::$both:ident)* }) => {
        $(
            eprintln!(stringify!($name));
            crate::$group::$name(fresh(&$cluster).await).await;
        )*
        $(
            eprintln!(stringify!($both));
            let one = fresh(&$cluster).await;
            crate::$shared::$both(one, store_at(&$cluster.url()).await).await;
        )*
    };
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_behaves_as_a_single_server_does() {
    let cluster = Cluster::start().await;
    in_turn! { cluster;
        alone {
            endpoints::an_endpoint_reads_back_with_all_its_fields
            endpoints::a_replacement_needs_the_next_revision
            endpoints::forgiving_resets_the_guard_and_replacing_does_not
            endpoints::deleting_cancels_what_is_pending_and_says_whether_it_was_there
            endpoints::a_deleted_endpoint_can_be_registered_again
            publishing::each_wanting_endpoint_gets_one_delivery_due_at_once
            publishing::a_repeated_request_changes_nothing_and_is_answered_as_the_first
            publishing::events_are_listed_by_time_newest_first_page_by_page
            claiming::the_longest_due_of_an_endpoint_comes_first
            claiming::a_full_queue_of_one_endpoint_does_not_starve_another
            claiming::an_inactive_endpoint_waits_and_goes_on_when_it_is_active
            leases::nothing_is_handed_out_twice
            leases::a_lease_that_is_over_is_handed_out_again_with_another_token
            leases::an_extended_lease_holds_longer
            leases::a_place_under_way_is_free_again_however_it_was_left
            settling::settlements_are_taken_each_for_itself
            settling::events_that_follow_are_published_with_their_deliveries
            settling::disabling_keeps_what_is_pending_until_the_endpoint_is_active
            guards::a_half_open_breaker_lets_its_probes_out_and_closes
            guards::a_cap_in_flight_holds_over_replicas
            listing::every_filter_and_combination_means_what_it_says
            listing::pages_have_neither_gaps_nor_repeats_while_new_ones_arrive
            changing::a_dead_letter_is_queued_again_with_all_attempts_of_its_policy
            changing::a_delivery_is_added_once_and_only_if_both_ends_exist
            counting::counts_follow_deliveries_and_agree_with_each_other
            counting::the_store_says_that_it_is_well
            upkeep::a_job_is_written_by_its_revision
            upkeep::a_sweep_deletes_in_small_steps_what_is_finished
        }
        shared {
            replicas::an_endpoint_is_known_to_all_once_it_is_registered
            replicas::two_handles_never_hand_out_the_same
            replicas::a_lost_replica_loses_nothing
            replicas::everything_is_settled_exactly_once_by_many_at_a_time
            replicas::an_event_that_was_published_meanwhile_wakes
            replicas::what_came_between_the_claim_and_the_wait_is_not_missed
            replicas::whatever_makes_a_delivery_due_wakes
            replicas::what_was_changed_by_another_counts_at_once
        }
    }
}
