//! A process that is killed while it accepts batches and does their items.

use crate::fixture::{accepted, claim, id, item, last, results, settlement};
use crate::real::open_folder;
use crate::stores::Store;
use crate::victim::{self, Victim};
use redundancy_engine::{BatchId, BatchState};
use redundancy_webhook::store::PageRequest;
use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;

/// The test below, which starts itself as the process that is killed.
const TEST: &str = "crash::every_item_of_what_was_accepted_has_one_result_in_the_end";
/// How often the process is killed.
const ROUNDS: u64 = 8;
/// Items of a batch.
const ITEMS: u64 = 40;

/// Accepts batches and does items, and says what was acknowledged, until it is killed.
async fn work(round: u64, folder: &Path) {
    let store = open_folder(folder);
    for step in 1..10_000_u64 {
        let id = id(round, u128::from(step));
        accepted(&store, id, ITEMS).await;
        writeln!(std::io::stdout().lock(), "accepted {id}").unwrap();
        // One that is never accepted.
        store
            .batches
            .add_items(self::id(round, u128::from(step) << 32), 0, vec![item("lost")])
            .await
            .unwrap();
        for token in 0..3 {
            do_some(&store, token, 11).await;
        }
    }
}

/// Does up to `max_items` items of the batch whose turn it is; says whether there was one.
async fn do_some(store: &Store, token: u128, max_items: usize) -> bool {
    let Some(chunk) = store.batches.take(claim(token, 20, max_items)).await.unwrap() else { return false };
    let is_last = chunk.batch.done + chunk.items.len() as u64 == chunk.batch.total;
    let settlement = if is_last {
        last(&chunk, 30, BatchState::Completed)
    } else {
        settlement(&chunk, chunk.items.len(), 30)
    };
    assert!(store.batches.settle(settlement).await.unwrap());
    true
}

#[test]
fn every_item_of_what_was_accepted_has_one_result_in_the_end() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    if let Some((round, folder)) = victim::task() {
        runtime.block_on(work(round, Path::new(&folder)));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged: BTreeSet<BatchId> = BTreeSet::new();
    for round in 1..=ROUNDS {
        let (mut victim, mut count) = (Victim::start(TEST, round, folder.path()), 0);
        let lines = (round * 37 % 61) + 1;
        for line in victim.lines() {
            // The last line may be half a line.
            acknowledged.extend(line.strip_prefix("accepted ").and_then(|id| id.parse::<BatchId>().ok()));
            count += 1;
            if count == lines {
                victim.kill();
            }
        }
        assert!(count >= lines, "it ended by itself after {count} lines");
        let store = open_folder(folder.path());
        runtime.block_on(check(&store, &acknowledged, round == ROUNDS));
    }
}

/// Checks that everything acknowledged is there; at the end, that it can be done.
async fn check(store: &Store, acknowledged: &BTreeSet<BatchId>, is_end: bool) {
    if is_end {
        while do_some(store, 9, 1000).await {}
    }
    for id in acknowledged {
        let batch = store.batches.batch(*id).await.unwrap().unwrap();
        let lines = results(store, *id).await;
        assert_eq!((batch.total, batch.done), (ITEMS, lines.len() as u64));
        assert!(lines.iter().zip(0..).all(|(line, number)| line.contains(&format!("{{\"of\":{number},"))));
        assert!(!is_end || batch.state == BatchState::Completed);
    }
    let page = store.batches.batches(PageRequest { limit: 10_000, after: None }).await.unwrap();
    assert!(page.items.len() >= acknowledged.len());
}
