//! What counts requests, in memory and in Redis: the same decisions.

use crate::server::{self, Server};
use redundancy_engine::access::{Decision, Quota, RateLimiter};
use redundancy_store::{LocalRates, RedisAccess};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// So long a window that nothing comes back while a test lasts.
const WINDOW: Duration = Duration::from_hours(1);

const fn quota(requests: u64) -> Quota {
    Quota { requests, window: WINDOW }
}

async fn take(rates: &dyn RateLimiter, caller: &str, cost: u64) -> Decision {
    rates.take(caller, quota(10), cost).await.unwrap()
}

async fn each_caller_has_a_quota_of_its_own(rates: &dyn RateLimiter) {
    for left in (0..10).rev() {
        let decision = take(rates, "a", 1).await;
        assert_eq!(
            (decision.is_allowed, decision.remaining, decision.retry_after),
            (true, left, Duration::ZERO)
        );
    }
    let refused = take(rates, "a", 1).await;
    assert_eq!((refused.is_allowed, refused.remaining), (false, 0));
    // A tenth of the window, less what has passed.
    assert!(refused.retry_after <= WINDOW / 10 && refused.retry_after > WINDOW / 20, "{refused:?}");
    assert!(refused.reset_after <= WINDOW && refused.reset_after > WINDOW / 2, "{refused:?}");
    assert!(take(rates, "b {odd} \u{e9}", 1).await.is_allowed);
}

async fn a_refused_request_costs_nothing(rates: &dyn RateLimiter) {
    assert_eq!(take(rates, "c", 8).await.remaining, 2);
    assert!(!take(rates, "c", 3).await.is_allowed);
    assert_eq!(take(rates, "c", 2).await.remaining, 0);
    assert!(take(rates, "d", 1000).await.is_allowed);
}

async fn what_was_used_comes_back(rates: &dyn RateLimiter) {
    let quota = Quota { requests: 1000, window: Duration::from_secs(1) };
    let began = Instant::now();
    let mut allowed = 0;
    while began.elapsed() < Duration::from_millis(1500) {
        allowed += u64::from(rates.take("e", quota, 100).await.unwrap().is_allowed);
    }
    let elapsed = u64::try_from(began.elapsed().as_millis()).unwrap();
    // A burst of ten, and one more for each tenth of a window.
    assert!(allowed >= 20 && allowed <= 10 + elapsed / 100 + 1, "{allowed} in {elapsed} ms");
}

async fn all(rates: &dyn RateLimiter) {
    each_caller_has_a_quota_of_its_own(rates).await;
    a_refused_request_costs_nothing(rates).await;
    what_was_used_comes_back(rates).await;
}

#[tokio::test]
async fn requests_are_counted_in_memory() {
    all(&LocalRates::new(server::clock())).await;
}

#[tokio::test]
async fn requests_are_counted_in_redis() {
    let server = Server::in_memory().await;
    all(&RedisAccess::new(server::config(&server.url(), None))).await;
}

#[tokio::test]
async fn replicas_share_one_quota() {
    let server = Server::in_memory().await;
    let replicas: Vec<_> =
        (0..3).map(|_| Arc::new(RedisAccess::new(server::config(&server.url(), None)))).collect();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..300 {
        let replica = Arc::clone(&replicas[number % 3]);
        tasks.spawn(async move { replica.take("shared", quota(100), 1).await.unwrap().is_allowed });
    }
    let allowed = tasks.join_all().await.into_iter().filter(|allowed| *allowed).count();
    assert_eq!(allowed, 100);
}

#[tokio::test]
async fn while_redis_is_away_each_replica_counts_for_itself() {
    let mut server = Server::in_memory().await;
    let rates = RedisAccess::new(server::config(&server.url(), None));
    assert!(take(&rates, "a", 10).await.is_allowed);
    server.kill();
    assert_eq!(take(&rates, "a", 4).await.remaining, 6);
    assert!(!take(&rates, "a", 7).await.is_allowed);
}
