//! Redis that has lost something: everything, its scripts, or just the record of who is registered; and Redis without room.

use crate::fixture::{
    self, Store, at, claim_only, endpoint, event, event_in_slot, publication, publish, publish_to,
    register_for,
};
use crate::server::{Server, store_at};
use crate::{deliver_all, retry};
use redundancy_engine::{AnalysisState, AnalysisStore, Operation, StoredAnalysis, Timestamp};
use redundancy_webhook::ids::DeliveryId;
use redundancy_webhook::store::{PublishError, StoreError, Transition};

#[tokio::test]
async fn after_a_flush_everything_works_again_on_every_replica() {
    let server = Server::in_memory().await;
    let (one, other): (Store, Store) = (store_at(&server.url()).await, store_at(&server.url()).await);
    let main = register_for(&one, "main", "a").await;
    publish_to(&other, &main, "a", at(1)).await;
    let claimed = claim_only(&one, at(1)).await;
    publish_to(&other, &main, "a", at(1)).await;

    server.ask("FLUSHALL").await;
    assert!(!fixture::settle(&one, &claimed, Transition::Succeed, at(2)).await);
    assert!(fixture::claim(&one, at(2)).await.is_empty());
    for store in [&one, &other] {
        assert_eq!(publish(store, "a", at(3)).await.deliveries, 0, "nobody is registered any more");
        assert!(store.endpoint(&main, at(3)).await.unwrap().is_none());
    }
    register_for(&other, "main", "a").await;
    let id = publish_to(&one, &main, "a", at(4)).await;
    assert_eq!(deliver_all(&other, 4).await, [id]);
    let total = one.queue_stats(at(5)).await.unwrap().total;
    assert_eq!((total.delivered, total.pending, total.in_flight), (1, 0, 0));
}

#[tokio::test]
async fn scripts_that_were_forgotten_are_sent_again() {
    let server = Server::in_memory().await;
    let store: Store = store_at(&server.url()).await;
    let main = register_for(&store, "main", "a").await;
    for seconds in 1..4 {
        server.ask("SCRIPT FLUSH SYNC").await;
        let id = publish_to(&store, &main, "a", at(seconds)).await;
        server.ask("SCRIPT FLUSH SYNC").await;
        assert_eq!(deliver_all(&store, seconds).await, [id]);
    }
}

#[tokio::test]
async fn an_event_that_is_damaged_stops_no_other() {
    let server = Server::in_memory().await;
    let store: Store = store_at(&server.url()).await;
    let main = register_for(&store, "main", "a").await;
    // In one partition, so that one answer brings both.
    let (damaged, sound) = (event_in_slot("a", at(1), Some(3)), event_in_slot("a", at(1), Some(3)));
    let (damaged_id, sound_id) = (damaged.id, DeliveryId::of(sound.id, &main));
    for event in [damaged, sound] {
        assert_eq!(store.publish(publication(event)).await.unwrap().deliveries, 1);
    }
    server.ask(&format!("HSET {{wh:3}}:e:{:032x} c yesterday", damaged_id.number())).await;
    assert_eq!(deliver_all(&store, 1).await, [sound_id]);
}

#[tokio::test]
async fn a_registry_that_lost_its_last_change_and_partitions_that_lost_theirs_agree_again() {
    let server = Server::in_memory().await;
    let (one, other): (Store, Store) = (store_at(&server.url()).await, store_at(&server.url()).await);
    let main = register_for(&one, "main", "a").await;
    // As after a fail-over to a replica that had not heard of the last change.
    server.ask("SET {wh:reg}:version 7").await;
    for store in [&one, &other] {
        for _ in 0..20 {
            publish_to(store, &main, "a", at(1)).await;
        }
    }
    for partition in 0..16 {
        server.ask(&format!("DEL {{wh:{partition}}}:regver")).await;
    }
    for store in [&one, &other] {
        for _ in 0..20 {
            assert_eq!(publish(store, "a", at(1)).await.deliveries, 1);
        }
    }
    let late = register_for(&one, "late", "a").await;
    assert_eq!(publish(&other, "a", at(2)).await.deliveries, 2);
    assert!(other.delete_endpoint(&late, at(3)).await.unwrap());
    assert_eq!(publish(&one, "a", at(4)).await.deliveries, 1);
    assert_eq!(deliver_all(&one, 5).await.len(), 82);
}

/// As if the process that deleted the endpoint had died before it cancelled anything.
async fn break_off_deletion_of_main(server: &Server) {
    server.ask("HDEL {wh:reg}:endpoints main").await;
    server.ask("HDEL {wh:reg}:revisions main").await;
    server.ask("INCR {wh:reg}:version").await;
}

#[tokio::test]
async fn what_is_left_of_a_deleted_endpoint_does_not_come_to_the_next_one_of_its_name() {
    let server = Server::in_memory().await;
    let store: Store = store_at(&server.url()).await;
    let main = register_for(&store, "main", "a").await;
    let mut left = Vec::new();
    for _ in 0..40 {
        left.push(publish_to(&store, &main, "a", at(1)).await);
    }
    break_off_deletion_of_main(&server).await;
    register_for(&store, "main", "a").await;
    let new = publish_to(&store, &main, "a", at(2)).await;
    assert_eq!(deliver_all(&store, 2).await, [new]);
    for id in left {
        assert_eq!(fixture::state(&store, id).await.as_str(), "cancelled");
    }
}

#[tokio::test]
async fn a_deletion_that_was_broken_off_is_finished_by_the_next_claim() {
    let server = Server::in_memory().await;
    let store: Store = store_at(&server.url()).await;
    let main = register_for(&store, "main", "a").await;
    let id = publish_to(&store, &main, "a", at(1)).await;
    break_off_deletion_of_main(&server).await;
    retry(async || store.open_jobs().await).await;
    assert!(store.endpoint(&main, at(2)).await.unwrap().is_none());
    // Whoever publishes brings the partitions up to date.
    for _ in 0..200 {
        assert_eq!(publish(&store, "a", at(2)).await.deliveries, 0);
    }
    assert!(fixture::claim(&store, at(2)).await.is_empty());
    assert_eq!(fixture::state(&store, id).await.as_str(), "cancelled");
}

#[tokio::test]
async fn a_full_redis_refuses_and_goes_on_when_there_is_room() {
    let server = Server::in_memory().await;
    let store: Store = store_at(&server.url()).await;
    let main = register_for(&store, "main", "a").await;
    let id = publish_to(&store, &main, "a", at(1)).await;
    server.ask("CONFIG SET maxmemory 1").await;
    let refused = store.publish(publication(event("a", at(2)))).await.unwrap_err();
    assert!(matches!(refused, PublishError::Store(StoreError::Full(_))), "{refused:?}");
    server.ask("CONFIG SET maxmemory 0").await;
    let after = publish_to(&store, &main, "a", at(3)).await;
    assert_eq!(deliver_all(&store, 3).await, fixture::sorted(vec![id, after]));
}

#[tokio::test]
async fn health_warns_of_a_server_that_keeps_nothing_and_not_of_one_that_does() {
    let forgetful = Server::start(&["--maxmemory-policy", "allkeys-lru"]).await;
    let store: Store = store_at(&forgetful.url()).await;
    let health = store.health().await;
    assert!(health.is_reachable && !health.is_durable);
    for expected in ["appendonly", "noeviction"] {
        assert!(health.warnings.iter().any(|warning| warning.contains(expected)), "{:?}", health.warnings);
    }
    let careful = Server::on_disk().await;
    let store: Store = store_at(&careful.url()).await;
    let health = store.health().await;
    assert!(health.is_reachable && health.is_durable);
    assert!(
        health.warnings.iter().all(|warning| warning.contains("WEBHOOK_SECRET_KEY")),
        "{:?}",
        health.warnings
    );
}

#[tokio::test]
async fn a_long_queue_of_a_deleted_endpoint_is_cancelled_to_the_end() {
    let server = Server::in_memory().await;
    let store: Store = store_at(&server.url()).await;
    let main = fixture::register(&store, endpoint("main", &["a"])).await;
    // More than one step in one partition.
    let slot = Some(3);
    for _ in 0..1200 {
        store.publish(publication(event_in_slot("a", at(1), slot))).await.unwrap();
    }
    assert!(store.delete_endpoint(&main, at(2)).await.unwrap());
    let stats = store.queue_stats(at(2)).await.unwrap();
    assert_eq!((stats.total.pending, stats.by_endpoint.len()), (0, 0));
    assert!(fixture::claim(&store, at(2)).await.is_empty());
    assert_eq!(fixture::sweep_all(&store, at(100), at(100)).await, 2400);
}

#[tokio::test]
async fn an_analysis_of_which_nobody_says_that_it_goes_on_has_failed() {
    let server = Server::in_memory().await;
    let store = store_at(&server.url()).await;
    let id = "ana_00000000000000000000000001".parse().unwrap();
    let created_at = Timestamp::from_millis(1);
    let pending = |state| StoredAnalysis { id, operation: Operation::Analyze, created_at, bytes: 1, state };
    let state = async || AnalysisStore::get(&*store, id).await.unwrap().unwrap().state;
    AnalysisStore::put(&*store, pending(AnalysisState::Pending)).await.unwrap();
    assert!(matches!(state().await, AnalysisState::Pending));
    // As if its hour had begun so much earlier.
    let key = server.ask("KEYS *:a:*").await.lines().find(|line| line.contains(":a:")).unwrap().to_owned();
    server.ask(&format!("PEXPIRE {key} {}", (3600 - 121) * 1000)).await;
    assert!(matches!(state().await, AnalysisState::Failed(reason) if reason.contains("ask for it again")));
    store.goes_on(id).await.unwrap();
    assert!(matches!(state().await, AnalysisState::Pending));
    AnalysisStore::put(&*store, pending(AnalysisState::Completed("{}".into()))).await.unwrap();
    store.goes_on(id).await.unwrap();
    let left: u64 = server.ask(&format!("PTTL {key}")).await.trim().trim_start_matches(':').parse().unwrap();
    assert!(left > 23 * 3600 * 1000, "{left}");
}

#[tokio::test]
async fn an_endpoint_that_is_deleted_while_redis_is_full_is_gone_and_what_is_pending_is_cancelled_later() {
    let server = Server::in_memory().await;
    let store: Store = store_at(&server.url()).await;
    let main = register_for(&store, "main", "a").await;
    publish_to(&store, &main, "a", at(1)).await;
    server.ask("CONFIG SET maxmemory 1").await;
    assert!(store.delete_endpoint(&main, at(2)).await.unwrap());
    server.ask("CONFIG SET maxmemory 0").await;
    assert!(store.endpoint(&main, at(3)).await.unwrap().is_none());
    assert!(deliver_all(&store, 3).await.is_empty());
    let total = store.queue_stats(at(4)).await.unwrap().total;
    assert_eq!((total.pending, total.in_flight, total.delivered), (0, 0, 0));
}
