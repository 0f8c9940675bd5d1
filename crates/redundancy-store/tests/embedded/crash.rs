//! A process that is killed while it works.

use crate::fixture::{ONE, Store, at_millis, claim_once, event, publication, register_for, settlement};
use crate::folder::{ask, open};
use crate::victim::{self, Victim};
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::delivery::DeliveryState;
use redundancy_webhook::ids::{DeliveryId, EventId};
use redundancy_webhook::store::Transition;
use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use tokio::task::JoinSet;

/// The test below, which starts itself as the process that is killed.
const TEST: &str = "crash::what_was_acknowledged_survives_a_kill_at_any_moment";
/// How often the process is killed.
const ROUNDS: u64 = 15;
/// Tasks that publish at the same time.
const PUBLISHERS: u64 = 8;
/// Events of a round and a task at most; a round ends long before.
const MAX_EVENTS: u64 = 100_000;

/// Publishes, delivers, and says what was acknowledged, until it is killed.
async fn work(round: u64, folder: &Path) {
    let store: Store = open(folder);
    if round == 0 {
        register_for(&store, "one", "*").await;
        register_for(&store, "two", "a").await;
    }
    let mut tasks = JoinSet::new();
    for task in 0..PUBLISHERS {
        let store = store.clone();
        tasks.spawn(async move {
            for number in 0..MAX_EVENTS {
                // Ids differ from those of other rounds by their time.
                let event = event("a", at_millis(round * 10_000_000 + number));
                let id = event.id;
                store.publish(publication(event)).await.unwrap();
                writeln!(std::io::stdout().lock(), "accepted {task} {id}").unwrap();
            }
        });
    }
    let now = at_millis(1_000_000_000);
    loop {
        let claimed = claim_once(&store, ONE, 20, now).await.deliveries;
        let settlements: Vec<_> = claimed
            .iter()
            .enumerate()
            .map(|(index, claimed)| {
                let retry = Transition::RetryAt(now.plus(std::time::Duration::from_hours(1)));
                settlement(claimed, if index % 7 == 6 { retry } else { Transition::Succeed }, now)
            })
            .collect();
        store.settle(settlements).await.unwrap();
        tokio::task::yield_now().await;
    }
}

/// Starts a process that works, kills it when it has acknowledged `count` events, and gives what it acknowledged.
fn kill_after(count: usize, round: u64, folder: &Path) -> BTreeSet<EventId> {
    let mut victim = Victim::start(TEST, round, folder);
    let mut accepted = BTreeSet::new();
    let mut is_killed = false;
    for line in victim.lines() {
        if let Some(Ok(id)) = line
            .split_once("accepted ")
            .and_then(|(_, rest)| rest.split_once(' ').map(|(_, id)| id.parse::<EventId>()))
        {
            accepted.insert(id);
        }
        if accepted.len() >= count && !is_killed {
            victim.kill();
            is_killed = true;
        }
    }
    assert!(is_killed, "it ended by itself after {} events", accepted.len());
    accepted
}

#[test]
fn what_was_acknowledged_survives_a_kill_at_any_moment() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    if let Some((round, folder)) = victim::task() {
        runtime.block_on(work(round, Path::new(&folder)));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut accepted = BTreeSet::new();
    for round in 0..ROUNDS {
        // Moments that have nothing to do with the size of a transaction.
        let count = usize::try_from((round * round * 37 + round * 101) % 700 + 1).unwrap();
        let new = kill_after(count, round, folder.path());
        let integrity: String = ask(folder.path(), "PRAGMA integrity_check");
        assert_eq!(integrity, "ok", "round {round}");
        let store: Store = open(folder.path());
        runtime.block_on(check(&store, &new));
        accepted.extend(new);
    }
    // Nor has a later round taken anything from an earlier one.
    let store: Store = open(folder.path());
    runtime.block_on(check(&store, &accepted));
}

/// Checks that every event is there with both of its deliveries, and that nothing hangs in the air.
async fn check(store: &Store, accepted: &BTreeSet<EventId>) {
    let endpoints = ["one", "two"].map(|name| name.parse().unwrap());
    for id in accepted {
        let (event, count) = store.event(*id).await.unwrap().expect("an acknowledged event is lost");
        assert_eq!((event.id, count), (*id, 2));
        for endpoint in &endpoints {
            let (delivery, attempts) =
                store.delivery(DeliveryId::of(*id, endpoint)).await.unwrap().expect("a delivery is lost");
            assert_eq!(delivery.attempts as usize, attempts.len());
            match delivery.state {
                DeliveryState::Pending => assert!(delivery.due_at.is_some()),
                DeliveryState::Succeeded => assert_eq!(attempts.len(), 1),
                DeliveryState::InFlight | DeliveryState::Exhausted | DeliveryState::Cancelled => {
                    panic!("{:?}", delivery.state);
                }
            }
        }
    }
    let stats = store.queue_stats(Timestamp::default()).await.unwrap();
    assert!(stats.total.pending + stats.total.delivered >= 2 * accepted.len() as u64);
}
