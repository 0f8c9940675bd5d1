//! Redis that is away for a while: killed, paused, or not started yet.

use crate::fixture::{
    self, Store, at, claim_once, endpoint, event, publication, publish_to, register_for, settlement, sorted,
};
use crate::server::{Server, store_at, store_with};
use crate::{deliver_all, is_unavailable, retry};
use redundancy_webhook::breaker::BreakerConfig;
use redundancy_webhook::store::{Claim, Claimed, PublishError, Room, StoreError, Transition};
use std::time::{Duration, Instant};

/// Claims without believing that it works.
async fn try_claim(store: &Store) -> Result<Claimed, StoreError> {
    let room = Room { usual: u32::MAX, ..Room::default() };
    let (breaker, now, until) = (BreakerConfig::default(), at(9), at(39));
    store.claim(Claim { replica: fixture::ONE, limit: 100, room: &room, breaker, now, until }).await
}

#[tokio::test]
async fn what_was_accepted_is_delivered_after_a_kill_and_what_was_settled_is_not_delivered_again() {
    let mut server = Server::on_disk().await;
    let store: Store = store_at(&server.url()).await;
    let main = register_for(&store, "main", "a").await;
    let mut all = Vec::new();
    for _ in 0..20 {
        all.push(publish_to(&store, &main, "a", at(1)).await);
    }
    let claimed = claim_once(&store, fixture::ONE, 8, at(2)).await.deliveries;
    let settled: Vec<_> = claimed.iter().take(5).collect();
    for one in &settled {
        assert!(fixture::settle(&store, one, Transition::Succeed, at(2)).await);
    }

    server.kill();
    let refused = store.publish(publication(event("a", at(3)))).await.unwrap_err();
    assert!(matches!(&refused, PublishError::Store(error) if is_unavailable(error)), "{refused:?}");
    assert!(is_unavailable(&store.queue_stats(at(3)).await.unwrap_err()));
    assert!(is_unavailable(&try_claim(&store).await.unwrap_err()));
    let kind = "a".parse().unwrap();
    assert!(store.is_wanted(&kind), "is answered without Redis");
    assert!(!store.health().await.is_reachable);

    server.start_again().await;
    retry(async || try_claim(&store).await.map(|claimed| assert_eq!(claimed.deliveries.len(), 12))).await;
    // The leases of before the kill still held, and end; so do those of the claim above.
    let again = deliver_all(&store, 100).await;
    all.retain(|id| settled.iter().all(|one| one.delivery.id != *id));
    assert_eq!(again, sorted(all));
    assert!(store.health().await.is_reachable);
}

#[tokio::test]
async fn a_pause_longer_than_the_time_out_is_an_error_and_then_everything_goes_on() {
    let server = Server::in_memory().await;
    let store: Store = store_with(&server.url(), Duration::from_millis(300)).await;
    // One place only: a pause must not take it for ever.
    let mut main = endpoint("main", &["a"]);
    main.max_in_flight = 1;
    let main = fixture::register(&store, main).await;
    for _ in 0..3 {
        publish_to(&store, &main, "a", at(1)).await;
    }
    let claimed = claim_once(&store, fixture::ONE, 9, at(2)).await.deliveries;
    assert_eq!(claimed.len(), 1);

    server.freeze();
    let settled = || settlement(&claimed[0], Transition::Succeed, at(3));
    assert!(is_unavailable(&store.settle(vec![settled()]).await.unwrap_err()));
    assert!(is_unavailable(&try_claim(&store).await.unwrap_err()));
    server.wake_up();

    // It may have been taken during the pause: then its place is free by another way.
    retry(async || store.settle(vec![settled()]).await).await;
    let next = retry(async || try_claim(&store).await).await;
    let late = retry(async || {
        store.release(next.deliveries.iter().map(|one| one.lease.clone()).collect(), at(9)).await
    });
    late.await;
    // What a claim took during the pause is free when its lease is over.
    let mut delivered = Vec::new();
    for seconds in [100, 200, 300] {
        delivered.extend(deliver_all(&store, seconds).await);
    }
    assert_eq!(delivered.len(), 2);
}

#[tokio::test]
async fn a_store_can_be_made_while_redis_is_away_and_works_when_it_comes() {
    let mut server = Server::in_memory().await;
    server.kill();
    let store: Store = store_at(&server.url()).await;
    assert!(!store.is_wanted(&"a".parse().unwrap()));
    assert!(is_unavailable(&store.open_jobs().await.unwrap_err()));
    server.start_again().await;
    retry(async || store.create_endpoint(endpoint("main", &["a"])).await).await;
    let id = publish_to(&store, &fixture::id("main"), "a", at(1)).await;
    assert_eq!(deliver_all(&store, 2).await, [id]);
}

#[tokio::test]
async fn waiting_for_work_does_not_spin_while_redis_is_away() {
    let mut server = Server::in_memory().await;
    let store: Store = store_at(&server.url()).await;
    server.kill();
    let began = Instant::now();
    for _ in 0..4 {
        assert!(is_unavailable(&try_claim(&store).await.unwrap_err()));
        store.work_arrived().await;
    }
    // The pauses double: 100, 200, 400 and 800 ms.
    assert!(began.elapsed() >= Duration::from_millis(1500), "{:?}", began.elapsed());
    server.start_again().await;
    retry(async || try_claim(&store).await).await;
}

#[tokio::test]
async fn closing_ends_the_tasks_of_a_store_even_while_redis_is_away() {
    let mut server = Server::in_memory().await;
    let store = store_at(&server.url()).await;
    server.kill();
    tokio::time::timeout(crate::server::DEADLINE, store.close()).await.unwrap();
}
