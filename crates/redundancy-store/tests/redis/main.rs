//! What the store in Redis does when Redis is killed, restarted, paused, flushed, full, moved, or was never there. Every test
//! starts servers of its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests stop at the first surprise"
)]
#![allow(missing_docs, reason = "a name says what is tested")]

mod away;
mod documents;
mod failover;
mod lost;
mod replicas;
#[allow(dead_code, reason = "the suites of stores use all of it")]
mod server;
mod settling;

#[path = "../webhooks/fixture.rs"]
#[allow(dead_code, reason = "the conformance suite uses all of it")]
mod fixture;

#[path = "../catalog/fixture.rs"]
#[allow(dead_code, reason = "the conformance suite uses all of it")]
mod documents_fixture;

use redundancy_webhook::ids::DeliveryId;
use redundancy_webhook::store::{StoreError, Transition};
use std::time::Instant;

/// Calls until Redis is there again and the answer is no error of the store.
async fn retry<T, E: std::fmt::Debug>(mut call: impl AsyncFnMut() -> Result<T, E>) -> T {
    let began = Instant::now();
    loop {
        match call().await {
            Ok(value) => return value,
            Err(error) => assert!(began.elapsed() < server::DEADLINE, "{error:?}"),
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// Whether it is said that Redis is away, in a few words.
fn is_unavailable(error: &StoreError) -> bool {
    matches!(error, StoreError::Unavailable(text) if text.len() < 60)
}

/// Delivers everything that is due at `now`, and gives what it was.
async fn deliver_all(store: &fixture::Store, seconds: u64) -> Vec<DeliveryId> {
    let claimed = fixture::claim(store, fixture::at(seconds)).await;
    for one in &claimed {
        assert!(fixture::settle(store, one, Transition::Succeed, fixture::at(seconds)).await);
    }
    fixture::sorted(fixture::ids(&claimed))
}
