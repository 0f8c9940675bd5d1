//! Several replicas on one Redis.

use crate::fixture::{self, ONE, Store, TWO, at, claim_by, publish_to, register_for, settle};
use crate::server::{DEADLINE, Server, store_at};
use redundancy_webhook::store::Transition;
use tokio::time::timeout;

/// Enough that looking around every now and then, instead of being woken, would take longer than the deadline.
const TIMES: u64 = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_event_that_another_replica_accepts_wakes_an_idle_one() {
    let server = Server::in_memory().await;
    let (idle, other): (Store, Store) = (store_at(&server.url()).await, store_at(&server.url()).await);
    let main = register_for(&other, "main", "a").await;
    let rounds = async {
        for time in 1..=TIMES {
            assert!(claim_by(&idle, ONE, at(time)).await.is_empty());
            let id = publish_to(&other, &main, "a", at(time)).await;
            let claimed = loop {
                idle.work_arrived().await;
                let claimed = claim_by(&idle, ONE, at(time)).await;
                if !claimed.is_empty() {
                    break claimed;
                }
            };
            assert_eq!(fixture::ids(&claimed), [id]);
            assert!(settle(&idle, &claimed[0], Transition::Succeed, at(time)).await);
        }
    };
    timeout(DEADLINE, rounds).await.expect("an idle replica is not woken");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_lost_replica_had_under_way_is_found_by_an_idle_one() {
    let server = Server::in_memory().await;
    let (lost, idle): (Store, Store) = (store_at(&server.url()).await, store_at(&server.url()).await);
    let main = register_for(&lost, "main", "a").await;
    let id = publish_to(&lost, &main, "a", at(1)).await;
    assert_eq!(fixture::ids(&claim_by(&lost, TWO, at(1)).await), [id]);
    drop(lost);
    let found = async {
        loop {
            let claimed = claim_by(&idle, ONE, at(1).plus(fixture::LEASE)).await;
            if !claimed.is_empty() {
                return claimed;
            }
            idle.work_arrived().await;
        }
    };
    assert_eq!(fixture::ids(&timeout(DEADLINE, found).await.unwrap()), [id]);
}
