//! How the suite gets its stores, and the list of all behaviours.

use crate::fixture::Store;

/// Makes stores of one kind. What they need beside themselves, such as a folder or a server, lives as long as this does.
pub(crate) trait Stores {
    /// How many sequences of random operations are compared with the reference.
    const RANDOM_SEQUENCES: u32 = 64;

    /// An empty store.
    async fn fresh(&self) -> Store;

    /// Another handle on what is in `store`, as another replica has it; `None` where a store has one process only.
    async fn replica(&self, _store: &Store) -> Option<Store> {
        None
    }
}

/// Runs the whole suite on the stores that `$stores` makes, each behaviour as a test of its own in the module `$name`.
macro_rules! conforms {
    ($name:ident, $stores:expr) => {
        mod $name {
            behaviours! { $stores;
                alone {
                    endpoints {
                        an_endpoint_reads_back_with_all_its_fields
                        an_id_that_is_taken_is_refused
                        a_replacement_needs_the_next_revision
                        forgiving_resets_the_guard_and_replacing_does_not
                        deleting_cancels_what_is_pending_and_says_whether_it_was_there
                        what_is_under_way_to_a_deleted_endpoint_is_cancelled_unless_it_succeeds
                        a_deleted_endpoint_can_be_registered_again
                        endpoints_are_listed_by_id_page_by_page
                    }
                    publishing {
                        each_wanting_endpoint_gets_one_delivery_due_at_once
                        an_inactive_endpoint_gets_nothing_new
                        one_endpoint_can_be_left_out
                        an_unwanted_event_is_kept_only_if_asked
                        an_event_reads_back_with_the_same_bytes
                        a_repeated_request_changes_nothing_and_is_answered_as_the_first
                        a_key_with_another_request_is_refused
                        an_expired_key_is_forgotten_by_the_sweep
                        what_is_wanted_follows_the_endpoints
                        events_are_listed_by_time_newest_first_page_by_page
                    }
                    claiming {
                        the_longest_due_of_an_endpoint_comes_first
                        a_claim_brings_all_that_an_attempt_needs
                        no_claim_gives_more_than_its_limit
                        a_full_queue_of_one_endpoint_does_not_starve_another
                        endpoints_that_are_held_do_not_hide_another_however_little_is_claimed
                        room_bounds_what_one_claim_gives_of_an_endpoint
                        what_is_not_due_waits_and_the_claim_says_until_when
                        an_empty_store_waits_for_no_time
                        a_busy_store_names_the_end_of_the_first_lease
                        an_inactive_endpoint_waits_and_goes_on_when_it_is_active
                    }
                    leases {
                        nothing_is_handed_out_twice
                        a_lease_that_is_over_is_handed_out_again_with_another_token
                        an_extended_lease_holds_longer
                        a_lease_that_is_over_cannot_be_extended
                        what_is_given_back_is_due_at_once_and_lost_no_attempt
                        giving_back_under_a_lost_lease_changes_nothing
                        a_place_under_way_is_free_again_however_it_was_left
                    }
                    settling {
                        a_success_finishes_a_delivery
                        a_failure_waits_for_its_next_attempt
                        an_exhausted_delivery_is_a_dead_letter
                        attempts_keep_their_order_and_all_their_fields
                        settlements_are_taken_each_for_itself
                        a_failure_under_a_lost_lease_changes_nothing
                        a_failure_after_the_end_of_its_lease_changes_nothing
                        a_late_success_counts_unless_the_delivery_is_finished
                        nothing_is_settled_twice
                        events_that_follow_are_published_with_their_deliveries
                        disabling_keeps_what_is_pending_until_the_endpoint_is_active
                    }
                    disabling {
                        an_endpoint_that_was_changed_since_is_not_disabled
                        an_endpoint_that_was_registered_again_has_nothing_to_do_with_the_first
                        a_change_of_a_deleted_endpoint_does_not_get_into_the_next_of_its_name
                        an_endpoint_is_disabled_once_and_told_of_once
                        what_began_before_the_breaker_opened_is_no_probe
                    }
                    guards {
                        a_breaker_opens_after_failures_and_the_claim_says_until_when
                        a_change_that_is_refused_forgives_nothing
                        a_half_open_breaker_lets_its_probes_out_and_closes
                        a_failed_probe_opens_the_breaker_again
                        failing_since_is_the_first_failure_without_a_success_after_it
                        a_rate_limit_holds_over_claims_and_says_when_it_ends
                        what_is_given_back_costs_no_rate
                        a_cap_in_flight_holds_over_replicas
                        a_held_endpoint_does_not_hold_another
                    }
                    listing {
                        every_filter_and_combination_means_what_it_says
                        deliveries_are_listed_newest_first_page_by_page
                        pages_have_neither_gaps_nor_repeats_while_new_ones_arrive
                        what_is_not_there_is_not_found
                    }
                    changing {
                        a_dead_letter_is_queued_again_with_all_attempts_of_its_policy
                        a_pending_delivery_can_be_cancelled
                        a_waiting_retry_can_be_made_due_at_once
                        a_delivery_in_another_state_is_left_alone
                        what_is_gone_cannot_be_changed
                        a_delivery_is_added_once_and_only_if_both_ends_exist
                    }
                    counting {
                        counts_follow_deliveries_and_agree_with_each_other
                        the_total_remembers_deleted_endpoints
                        the_oldest_pending_is_told
                        the_store_says_that_it_is_well
                    }
                    upkeep {
                        a_job_is_written_by_its_revision
                        open_jobs_are_those_that_run
                        a_sweep_deletes_in_small_steps_what_is_finished
                        a_sweep_keeps_what_is_not_finished_and_what_is_young
                    }
                }
                shared {
                    replicas {
                        an_endpoint_is_known_to_all_once_it_is_registered
                        two_handles_never_hand_out_the_same
                        a_lost_replica_loses_nothing
                        everything_is_settled_exactly_once_by_many_at_a_time
                        an_event_that_was_published_meanwhile_wakes
                        what_came_between_the_claim_and_the_wait_is_not_missed
                        whatever_makes_a_delivery_due_wakes
                        what_was_changed_by_another_counts_at_once
                    }
                }
            }

            #[test]
            fn random_operations_agree_with_the_model() {
                $crate::agreement::agrees(&$stores);
            }
        }
    };
}

/// A module for each group of behaviours, and in it a test for each.
macro_rules! behaviours {
    ($stores:expr; alone { $($group:ident { $($name:ident)* })* } shared { $($both:ident { $($of_both:ident)* })* }) => {
        $(mod $group {
            #[allow(unused_imports, reason = "stores may be made of what is beside them")]
            use super::super::*;
            $(#[tokio::test]
            async fn $name() {
                let stores = $stores;
                $crate::$group::$name($crate::stores::Stores::fresh(&stores).await).await;
            })*
        })*
        $(mod $both {
            #[allow(unused_imports, reason = "stores may be made of what is beside them")]
            use super::super::*;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $of_both() {
                let stores = $stores;
                let one = $crate::stores::Stores::fresh(&stores).await;
                let other = $crate::stores::Stores::replica(&stores, &one).await;
                let other = other.unwrap_or_else(|| one.clone());
                $crate::$both::$of_both(one, other).await;
            })*
        })*
    };
}
