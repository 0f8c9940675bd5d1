//! Documents in a Redis that is shared, killed, emptied, full, or fails over.

use crate::documents_fixture::{addition, event_of, id, publication, query};
use crate::fixture;
use crate::server::{Cluster, Server, store_at, store_with};
use crate::{is_unavailable, retry};
use redundancy_engine::catalog::{Addition, Placed};
use redundancy_engine::{Catalog, Document, StoreError};
use redundancy_store::RedisStore;
use redundancy_webhook::ids::DeliveryId;
use redundancy_webhook::store::{PageRequest, WebhookStore};
use std::sync::Arc;
use std::time::Duration;

async fn try_put(store: &RedisStore, addition: Addition) -> Result<Placed, StoreError> {
    Catalog::put(store, vec![addition]).await.pop().unwrap()
}

async fn put(store: &RedisStore, addition: Addition) -> Placed {
    try_put(store, addition).await.unwrap()
}

async fn remove(store: &RedisStore, name: &str) -> Option<Document> {
    store.remove(&id(name), Arc::new(|_| Vec::new())).await.unwrap()
}

/// The ids of the documents of a collection that have a band.
async fn having(store: &RedisStore, of: &str, band: u64) -> Vec<String> {
    let found = store.candidates(query(of, &[band], &[])).await.unwrap().found;
    let kept = store.fetch(found.iter().map(|found| found.number).collect()).await.unwrap();
    kept.iter().map(|kept| kept.document.id.to_string()).collect()
}

/// The ids of all documents, in their order.
async fn all(store: &RedisStore) -> Vec<String> {
    let (mut ids, mut after) = (Vec::new(), None);
    loop {
        let page = store.list(None, PageRequest { after, limit: 100 }).await.unwrap();
        ids.extend(page.items.iter().map(|listed| listed.document.id.to_string()));
        after = page.next;
        if after.is_none() {
            return ids;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_replica_puts_another_finds_at_once() {
    let server = Server::in_memory().await;
    let replicas = [store_at(&server.url()).await, store_at(&server.url()).await];
    for at in 0..60 {
        let (one, other) = (&replicas[at % 2], &replicas[(at + 1) % 2]);
        let (name, at) = (format!("d{at}"), at as u64);
        assert!(put(one, addition(&name, "one", &[at], &[], at)).await.is_new);
        assert_eq!(having(other, "one", at).await, [name.as_str()]);
        assert!(!put(other, addition(&name, "one", &[at + 100], &[], at)).await.is_new);
        assert!(having(one, "one", at).await.is_empty());
        assert_eq!(all(one).await.last(), Some(&name));
    }
}

#[tokio::test]
async fn an_endpoint_that_another_replica_registered_hears_of_documents() {
    let server = Server::in_memory().await;
    let (one, other) = (store_at(&server.url()).await, store_at(&server.url()).await);
    let webhooks: fixture::Store = one.clone();
    let mut expected = Vec::new();
    // Each endpoint is news to the replica that puts or removes.
    for (name, number) in [("main", 1), ("second", 2)] {
        let endpoint = fixture::register_for(&webhooks, name, "document.indexed").await;
        expected.push(DeliveryId::of(event_of(&id("a"), number), &endpoint));
        if number == 1 {
            let mut addition = addition("a", "one", &[1], &[], 1);
            addition.announcement = Arc::new(|document, _| vec![publication(&document.id, 1)]);
            put(&other, addition).await;
        } else {
            let farewell = Arc::new(|document: &Document| vec![publication(&document.id, 2)]);
            assert!(other.remove(&id("a"), farewell).await.unwrap().is_some());
            expected.push(DeliveryId::of(event_of(&id("a"), 2), &fixture::id("main")));
        }
    }
    assert_eq!(fixture::ids(&fixture::claim(&webhooks, fixture::at(1)).await).len(), 3);
    for delivery in expected {
        assert_eq!(fixture::state(&webhooks, delivery).await.as_str(), "in_flight");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_put_the_same_documents_at_once_agree_in_the_end() {
    let server = Server::in_memory().await;
    let mut tasks = tokio::task::JoinSet::new();
    for replica in 0..4_u64 {
        let store = store_at(&server.url()).await;
        tasks.spawn(async move {
            for round in 0..5 {
                let group: Vec<_> = (0..60)
                    .map(|number| {
                        let at = replica * 1000 + round * 100 + number;
                        addition(&format!("d{}", at * 7 % 50), "one", &[77, replica], &[], at)
                    })
                    .collect();
                assert!(Catalog::put(&*store, group).await.iter().all(Result::is_ok));
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let store = store_at(&server.url()).await;
    let mut ids = all(&store).await;
    assert_eq!(ids.len(), 50);
    let mut found = having(&store, "one", 77).await;
    ids.sort();
    found.sort();
    assert_eq!(found, ids);
    let mut of_replicas = 0;
    for replica in 0..4 {
        of_replicas += having(&store, "one", replica).await.len();
    }
    assert_eq!(of_replicas, 50, "each belongs to the replica that put it last");
}

#[tokio::test]
async fn documents_are_still_there_after_a_kill() {
    let mut server = Server::on_disk().await;
    let store = store_at(&server.url()).await;
    let group = (0..200).map(|at| addition(&format!("d{at}"), "one", &[at % 20], &[], at)).collect();
    assert!(Catalog::put(&*store, group).await.iter().all(Result::is_ok));
    assert!(remove(&store, "d7").await.is_some());
    server.kill();
    let refused = try_put(&store, addition("late", "one", &[], &[], 1)).await.unwrap_err();
    assert!(is_unavailable(&refused), "{refused}");
    assert!(is_unavailable(&store.candidates(query("one", &[1], &[])).await.unwrap_err()));
    assert!(is_unavailable(&store.remove(&id("d1"), Arc::new(|_| Vec::new())).await.unwrap_err()));
    server.start_again().await;
    retry(async || try_put(&store, addition("late", "one", &[7], &[], 1)).await).await;
    assert_eq!(having(&store, "one", 7).await.len(), 10);
    assert_eq!(all(&store).await.len(), 200);
    assert_eq!(all(&store).await.last().unwrap(), "late");
    let (document, text) = Catalog::get(&*store, &id("d8")).await.unwrap().unwrap();
    assert_eq!((document.characters, text.as_deref()), (8, Some("text 8 ñ")));
}

#[tokio::test]
async fn a_document_whose_answer_is_lost_is_put_or_not_and_never_by_halves() {
    let server = Server::in_memory().await;
    let store = store_with(&server.url(), Duration::from_millis(300)).await;
    put(&store, addition("other", "one", &[1], &[], 1)).await;
    server.freeze();
    assert!(is_unavailable(&try_put(&store, addition("a", "one", &[1], &[], 2)).await.unwrap_err()));
    server.wake_up();
    retry(async || try_put(&store, addition("a", "one", &[1], &[], 3)).await).await;
    assert_eq!(having(&store, "one", 1).await, ["other", "a"]);
    assert_eq!(store.counts().await.unwrap()[0].1, 2);
    assert!(remove(&store, "a").await.is_some());
    assert_eq!(having(&store, "one", 1).await, ["other"]);
}

#[tokio::test]
async fn after_a_flush_documents_can_be_put_again() {
    let server = Server::in_memory().await;
    let (one, other) = (store_at(&server.url()).await, store_at(&server.url()).await);
    put(&one, addition("a", "one", &[1], &[], 1)).await;
    server.ask("FLUSHALL").await;
    assert!(all(&other).await.is_empty() && having(&other, "one", 1).await.is_empty());
    assert!(put(&other, addition("a", "one", &[1], &[], 2)).await.is_new);
    assert_eq!(having(&one, "one", 1).await, ["a"]);
}

#[tokio::test]
async fn the_order_goes_on_when_the_counter_was_lost() {
    let server = Server::in_memory().await;
    let store = store_at(&server.url()).await;
    let name = |at: u64| format!("d{at}");
    for at in 0..40 {
        put(&store, addition(&name(at), "one", &[], &[], at)).await;
    }
    server.ask("DEL {wh:docs}:last").await;
    // The first ones of each partition find out.
    let group = (40..200).map(|at| addition(&name(at), "one", &[], &[], at)).collect();
    assert!(Catalog::put(&*store, group).await.iter().all(Result::is_ok));
    for at in 200..220 {
        put(&store, addition(&name(at), "one", &[], &[], at)).await;
    }
    let listed = all(&store).await;
    assert_eq!(listed.len(), 220);
    let last: Vec<String> = (200..220).map(name).collect();
    assert_eq!(listed[200..], last);
}

#[tokio::test]
async fn a_full_redis_refuses_documents_whole_and_lets_them_go() {
    let server = Server::in_memory().await;
    let store = store_at(&server.url()).await;
    for at in 0..30 {
        put(&store, addition(&format!("d{at}"), "one", &[1], &[2], at)).await;
    }
    server.ask("CONFIG SET maxmemory 1").await;
    for name in ["d1", "new"] {
        let refused = try_put(&store, addition(name, "one", &[9], &[], 50)).await.unwrap_err();
        assert!(matches!(refused, StoreError::Full(_)), "{refused:?}");
    }
    assert!(having(&store, "one", 9).await.is_empty());
    assert_eq!(having(&store, "one", 1).await.len(), 30);
    assert!(remove(&store, "d1").await.is_some());
    assert_eq!(having(&store, "one", 1).await.len(), 29);
    server.ask("CONFIG SET maxmemory 0").await;
    assert!(put(&store, addition("d1", "one", &[1], &[], 60)).await.is_new);
    assert_eq!(having(&store, "one", 1).await.len(), 30);
}

#[tokio::test]
async fn nothing_is_left_of_documents_that_are_gone() {
    let server = Server::in_memory().await;
    let store = store_at(&server.url()).await;
    // Keys of all, of some and of one, so that lists of counters become long and hashes many.
    let keys = |at: u64| [1, 2 + at % 9, 20 + at, 2000 + at, 4000 + at, 6000 + at];
    for round in 0..2_u64 {
        let group = (0..1500).map(|at| addition(&format!("d{at}"), "one", &keys(at), &keys(at + round), at));
        assert!(Catalog::put(&*store, group.collect()).await.iter().all(Result::is_ok));
    }
    assert_eq!(having(&store, "one", 3).await.len(), 100, "the query has a limit");
    for at in 0..1500 {
        assert!(remove(&store, &format!("d{at}")).await.is_some());
    }
    for left in ["doc:*", "docs*", "ids:*", "sizes", "post:*", "many:*"] {
        let keys =
            server.ask(&format!("EVAL \"return #redis.call('KEYS', ARGV[1])\" 0 {{wh:*}}:{left}")).await;
        assert_eq!(keys.trim(), ":0", "{left}");
    }
    let load = server.ask("HMGET {wh:3}:load n b").await;
    assert_eq!(load.split_whitespace().collect::<Vec<_>>(), ["*2", "$1", "0", "$1", "1"]);
}

#[tokio::test]
async fn a_document_is_not_put_without_its_events() {
    let server = Server::in_memory().await;
    let store = store_at(&server.url()).await;
    let mut one = addition("a", "one", &[1], &[], 1);
    let elsewhere = (0..20).map(|at| id(&format!("b{at}"))).find(|other| other.slot() != id("a").slot());
    let elsewhere = elsewhere.unwrap();
    one.announcement =
        Arc::new(move |document, _| vec![publication(&document.id, 1), publication(&elsewhere, 2)]);
    assert!(try_put(&store, one).await.is_err());
    assert!(Catalog::get(&*store, &id("a")).await.unwrap().is_none());
    assert!(store.event(event_of(&id("a"), 1)).await.unwrap().is_none());
}

#[tokio::test]
async fn a_document_of_a_newer_program_is_refused_and_stops_no_other() {
    let server = Server::in_memory().await;
    let store = store_at(&server.url()).await;
    put(&store, addition("new", "one", &[1], &[], 1)).await;
    server.ask(&format!("SETRANGE {{wh:{}}}:doc:new 12 9", id("new").slot())).await;
    let group = ["a", "new", "b"].map(|name| addition(name, "one", &[2], &[], 2));
    let results = Catalog::put(&*store, group.into()).await;
    assert!(results[0].is_ok() && results[2].is_ok());
    assert!(matches!(results[1], Err(StoreError::Unreadable(_))), "{:?}", results[1]);
    let read = Catalog::get(&*store, &id("new")).await.unwrap_err();
    assert!(matches!(read, StoreError::Unreadable(_)), "{read:?}");
    assert_eq!(having(&store, "one", 2).await, ["a", "b"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_are_found_after_a_fail_over() {
    let mut cluster = Cluster::start().await;
    let store = store_at(&cluster.url()).await;
    // In every partition, so on every master.
    let group = (0..100).map(|at| addition(&format!("d{at}"), "one", &[at, 500], &[], at)).collect();
    assert!(Catalog::put(&*store, group).await.iter().all(Result::is_ok));
    for index in 0..3 {
        cluster.until_replicated(index).await;
    }
    cluster.nodes[0].kill();
    for at in 100..120 {
        // An answer that was lost makes no second document: it has the same id.
        retry(async || try_put(&store, addition(&format!("d{at}"), "one", &[at], &[], at)).await).await;
    }
    for at in [0, 50, 99, 119] {
        assert_eq!(having(&store, "one", at).await, [format!("d{at}")]);
    }
    let listed = all(&store).await;
    assert_eq!((listed.len(), listed[119].as_str()), (120, "d119"));
    assert_eq!(having(&store, "one", 500).await.len(), 100);
}
