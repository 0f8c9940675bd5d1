//! Random operations on a store and on the reference, compared step by step.
//!
//! Where the port leaves a choice (which of several endpoints has its turn, when a lost lease is noticed), the store
//! chooses, and the reference follows if the choice is allowed.

mod comparison;
mod run;

use crate::stores::Stores;
use crate::suite::sequences;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// Something that is done to both. Numbers choose among what there is at the time.
#[derive(Debug, Clone)]
pub(crate) enum Operation {
    Create { pattern: usize, limits: usize },
    Replace { which: usize, is_active: bool, forgives: bool, is_stale: bool },
    Delete { which: usize },
    Publish { kind: usize, key: Option<(u8, u8)>, keep_unwanted: bool, but: Option<usize> },
    Claim { limit: usize, room: Option<u32>, without: Option<usize> },
    Settle { which: usize, how: usize },
    SettleLost { which: usize, is_success: bool },
    Extend { which: usize },
    Release { which: usize },
    Change { which: usize, is_requeue: bool, from: usize },
    Add { event: usize, endpoint: usize },
    Sweep { age_seconds: u64 },
    Pass { seconds: u64 },
    LoseReplica,
    Compare,
}

/// Fails, with the shortest sequence that was found, unless the stores agree with the reference.
pub(crate) fn agrees<S: Stores>(stores: &S) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let config = Config { max_shrink_iters: 4_096, ..sequences(S::RANDOM_SEQUENCES) };
    let sequences = prop::collection::vec(operation(), 1..150);
    let result = TestRunner::new(config).run(&sequences, |operations| {
        runtime.block_on(async {
            let mut run = run::Run::new(stores.fresh().await).await;
            for operation in operations {
                run.step(operation).await;
            }
            run.compare().await;
        });
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}

fn operation() -> impl Strategy<Value = Operation> {
    let any = 0usize..1_000;
    prop_oneof![
        2 => (0usize..4, 0usize..4).prop_map(|(pattern, limits)| Operation::Create { pattern, limits }),
        2 => (any.clone(), prop::bool::weighted(0.7), any_bool(), prop::bool::weighted(0.1)).prop_map(
            |(which, is_active, forgives, is_stale)| Operation::Replace { which, is_active, forgives, is_stale }
        ),
        1 => any.clone().prop_map(|which| Operation::Delete { which }),
        14 => (
            0usize..3,
            prop::option::weighted(0.2, (0u8..3, 0u8..2)),
            any_bool(),
            prop::option::weighted(0.1, any.clone()),
        )
            .prop_map(|(kind, key, keep_unwanted, but)| Operation::Publish { kind, key, keep_unwanted, but }),
        8 => (1usize..12, prop::option::of(0u32..5), prop::option::weighted(0.2, any.clone()))
            .prop_map(|(limit, room, without)| Operation::Claim { limit, room, without }),
        14 => (any.clone(), 0usize..9).prop_map(|(which, how)| Operation::Settle { which, how }),
        2 => (any.clone(), any_bool())
            .prop_map(|(which, is_success)| Operation::SettleLost { which, is_success }),
        1 => any.clone().prop_map(|which| Operation::Extend { which }),
        2 => any.clone().prop_map(|which| Operation::Release { which }),
        3 => (any.clone(), any_bool(), 0usize..16)
            .prop_map(|(which, is_requeue, from)| Operation::Change { which, is_requeue, from }),
        2 => (any.clone(), any).prop_map(|(event, endpoint)| Operation::Add { event, endpoint }),
        1 => (0u64..200).prop_map(|age_seconds| Operation::Sweep { age_seconds }),
        4 => (1u64..90).prop_map(|seconds| Operation::Pass { seconds }),
        1 => Just(Operation::LoseReplica),
        2 => Just(Operation::Compare),
    ]
}

fn any_bool() -> impl Strategy<Value = bool> + Clone {
    prop::bool::ANY
}
