//! Random sequences of operations, on a store and on the plainest thing that does the same.

use crate::fixture::{LEASE, at, batch, claim, id, item, read, results};
use crate::stores::{Store, Stores};
use crate::suite::sequences;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use redundancy_engine::batch::{BatchEnd, Cancelled, ChunkLease, ChunkSettlement, ItemResult};
use redundancy_engine::{Batch, BatchId, BatchState};
use std::collections::VecDeque;

/// One step of a random sequence.
#[derive(Debug, Clone)]
enum Step {
    /// A batch of so many items is accepted.
    Accept(u64),
    /// So many items are taken.
    Take(usize),
    /// A lease of those that were given, or of before, settles so many items.
    Settle(usize, usize),
    /// A lease is extended.
    Extend(usize),
    /// A batch is cancelled.
    Cancel(usize),
    /// So many milliseconds pass.
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => (1..7_u64).prop_map(Step::Accept),
        6 => (1..4_usize).prop_map(Step::Take),
        7 => (0..5_usize, 0..4_usize).prop_map(|(back, count)| Step::Settle(back, count)),
        1 => (0..5_usize).prop_map(Step::Extend),
        1 => (0..6_usize).prop_map(Step::Cancel),
        3 => prop_oneof![Just(1), Just(LEASE / 2), Just(LEASE)].prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 1..60)
}

/// What is known of a batch.
struct Row {
    batch: Batch,
    lease: Option<(u128, u64)>,
    results: Vec<String>,
}

/// Batches, and the order in which they come.
#[derive(Default)]
struct Model {
    rows: Vec<Row>,
    queue: VecDeque<BatchId>,
}

impl Model {
    fn row(&mut self, id: BatchId) -> &mut Row {
        self.rows.iter_mut().find(|row| row.batch.id == id).unwrap()
    }

    /// Takes the next chunk; gives its batch and its numbers.
    fn take(&mut self, token: u128, now: u64, max_items: usize) -> Option<(BatchId, Vec<u64>)> {
        let queue = self.queue.clone();
        let id = queue.into_iter().find(|id| self.row(*id).lease.is_none_or(|(_, until)| until <= now))?;
        let row = self.row(id);
        row.lease = Some((token, now + LEASE));
        row.batch.state = BatchState::Running;
        row.batch.started_at.get_or_insert(at(now));
        Some((id, (row.batch.done..row.batch.total).take(max_items).collect()))
    }

    fn settle(&mut self, settlement: &ChunkSettlement) -> bool {
        let id = settlement.lease.batch;
        let row = self.row(id);
        let is_held = row.lease.is_some_and(|(token, _)| token == settlement.lease.token);
        if !is_held || row.batch.done != settlement.first || row.batch.state.is_final() {
            return false;
        }
        row.lease = None;
        row.batch.done += settlement.results.len() as u64;
        row.batch.failed += settlement.results.iter().filter(|result| result.is_failed).count() as u64;
        row.results.extend(settlement.results.iter().map(|result| result.line.to_string()));
        let is_over = settlement.end.is_some();
        if let Some(end) = &settlement.end {
            (row.batch.state, row.batch.finished_at) = (end.state, Some(settlement.now));
        }
        self.queue.retain(|known| *known != id);
        if !is_over {
            self.queue.push_back(id);
        }
        true
    }

    fn cancel(&mut self, id: BatchId, now: u64) -> Cancelled {
        self.queue.retain(|known| *known != id);
        let row = self.row(id);
        if matches!(row.batch.state, BatchState::Completed | BatchState::Failed) {
            return Cancelled::TooLate(row.batch.clone());
        }
        row.lease = None;
        if row.batch.state != BatchState::Cancelled {
            (row.batch.state, row.batch.finished_at) = (BatchState::Cancelled, Some(at(now)));
        }
        Cancelled::Done(row.batch.clone())
    }
}

/// Runs random sequences on stores of this kind and on models.
pub(crate) fn agrees<S: Stores>(stores: &S) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    TestRunner::new(sequences(S::RANDOM_SEQUENCES))
        .run(&steps(), |steps| {
            runtime.block_on(async { compare(&stores.fresh().await, steps).await });
            Ok(())
        })
        .unwrap();
}

async fn compare(store: &Store, steps: Vec<Step>) {
    let (mut model, mut now, mut token) = (Model::default(), 1000, 0);
    // Leases that were given, with the number of the first item.
    let mut given: Vec<(ChunkLease, u64)> = Vec::new();
    for step in steps {
        now += 1;
        token += 1;
        match step {
            Step::Accept(total) => {
                let new = Batch { created_at: at(now), ..batch(id(now, token), total) };
                let items = (0..total).map(|number| item(&number.to_string())).collect();
                store.batches.add_items(new.id, 0, items).await.unwrap();
                store.batches.accept(new.clone()).await.unwrap();
                model.queue.push_back(new.id);
                model.rows.push(Row { batch: new, lease: None, results: Vec::new() });
            }
            Step::Take(max_items) => {
                let chunk = store.batches.take(claim(token, now, max_items)).await.unwrap();
                let numbers = chunk.as_ref().map(|chunk| {
                    let number =
                        |item: &std::sync::Arc<[u8]>| std::str::from_utf8(item).unwrap().parse().unwrap();
                    (chunk.batch.id, chunk.items.iter().map(number).collect())
                });
                assert_eq!(numbers, model.take(token, now, max_items));
                if let Some(chunk) = chunk {
                    assert_eq!(chunk.batch, model.row(chunk.batch.id).batch);
                    given.push((chunk.lease, chunk.batch.done));
                }
            }
            Step::Settle(back, count) => {
                let Some((lease, first)) = given.iter().rev().nth(back) else { continue };
                let batch = model.row(lease.batch).batch.clone();
                let left = batch.total - first;
                let results: Vec<ItemResult> = (*first..)
                    .take(count.min(usize::try_from(left).unwrap()))
                    .map(|number| ItemResult { line: number.to_string().into(), is_failed: number % 2 == 1 })
                    .collect();
                let is_last = results.len() as u64 == left;
                let end = BatchEnd { state: BatchState::Completed, error: None, publication: None };
                let (lease, first, end) = (*lease, *first, is_last.then_some(end));
                let settlement = ChunkSettlement { lease, first, results, end, now: at(now) };
                let expected = model.settle(&settlement);
                assert_eq!(store.batches.settle(settlement).await.unwrap(), expected);
            }
            Step::Extend(back) => {
                let Some((lease, _)) = given.iter().rev().nth(back) else { continue };
                store.batches.extend(*lease, at(now + LEASE)).await.unwrap();
                let held = model.row(lease.batch).lease.as_mut();
                if let Some((_, until)) = held.filter(|(token, _)| *token == lease.token) {
                    *until = now + LEASE;
                }
            }
            Step::Cancel(which) => {
                let Some(row) = model.rows.get(which) else { continue };
                let id = row.batch.id;
                let cancelled = model.cancel(id, now);
                assert_eq!(store.batches.cancel(id, at(now)).await.unwrap(), cancelled);
            }
            Step::Wait(millis) => now += millis,
        }
    }
    for row in &model.rows {
        assert_eq!(read(store, row.batch.id).await, row.batch);
        let found = results(store, row.batch.id).await;
        assert_eq!(found.iter().map(|line| &**line).collect::<Vec<_>>(), row.results);
    }
}
