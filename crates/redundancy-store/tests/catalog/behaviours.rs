//! What every store does.

use crate::fixture::{addition, collection, event_of, id, key, publication, query};
use crate::stores::Store;
use redundancy_engine::catalog::{Addition, CandidateQuery, MAX_ENTRIES_PER_KEY, Placed};
use redundancy_engine::{Catalog, Document, Timestamp};
use redundancy_webhook::store::PageRequest;
use std::sync::Arc;

async fn put(store: &Store, addition: Addition) -> Placed {
    store.catalog.put(vec![addition]).await.pop().unwrap().unwrap()
}

/// The ids of what is found.
async fn found(catalog: &dyn Catalog, query: CandidateQuery) -> Vec<String> {
    let candidates = catalog.candidates(query).await.unwrap();
    let numbers = candidates.found.iter().map(|candidate| candidate.number).collect();
    let kept = catalog.fetch(numbers).await.unwrap();
    kept.iter().map(|kept| kept.document.id.to_string()).collect()
}

/// Puts documents that others must not see.
pub(crate) async fn something_is_there(store: Store) {
    for (name, of) in [("a", "one"), ("x", "one"), ("y", "two")] {
        put(&store, addition(name, of, &[1, 2, 3], &[1, 2], 1)).await;
    }
}

pub(crate) async fn a_document_reads_back_with_all_its_fields(store: Store) {
    for at in [2, 3] {
        let name = format!("d{at}");
        let addition = addition(&name, "one", &[1], &[2], at);
        let placed = put(&store, addition.clone()).await;
        assert_eq!(placed, Placed { document: addition.document.clone(), is_new: true });
        let (document, content) = store.catalog.get(&id(&name)).await.unwrap().unwrap();
        assert_eq!((document, content), (addition.document.clone(), addition.content));
    }
    let page = PageRequest { after: None, limit: 9 };
    let numbers =
        store.catalog.list(None, page).await.unwrap().items.iter().map(|listed| listed.number).collect();
    let kept = store.catalog.fetch(numbers).await.unwrap();
    let put = [2, 3].map(|at| addition(&format!("d{at}"), "one", &[1], &[2], at).trace);
    assert!(kept.iter().map(|kept| &kept.trace).eq(&put), "other traces were read than were put");
    assert!(store.catalog.get(&id("d4")).await.unwrap().is_none());
}

pub(crate) async fn what_is_put_again_replaces_what_was_there_in_whatever_collection(store: Store) {
    put(&store, addition("a", "one", &[1], &[], 1)).await;
    let again = put(&store, addition("a", "two", &[2], &[], 4)).await;
    assert!(!again.is_new);
    assert_eq!(again.document.created_at, Timestamp::from_millis(1));
    assert_eq!(again.document.updated_at, Timestamp::from_millis(4));
    assert_eq!(store.catalog.get(&id("a")).await.unwrap().unwrap().0, again.document);
    assert!(found(&*store.catalog, query("one", &[1], &[])).await.is_empty());
    assert!(found(&*store.catalog, query("two", &[1], &[])).await.is_empty());
    assert_eq!(found(&*store.catalog, query("two", &[2], &[])).await, ["a"]);
    assert_eq!(store.catalog.counts().await.unwrap(), [(collection("two"), 1)]);
}

pub(crate) async fn what_is_removed_is_gone(store: Store) {
    put(&store, addition("a", "one", &[1], &[], 1)).await;
    put(&store, addition("b", "one", &[1], &[], 2)).await;
    let number = store.catalog.candidates(query("one", &[1], &[])).await.unwrap().found[0].number;
    let farewell = || Arc::new(|document: &Document| vec![publication(&document.id, 5)]);
    let removed = store.catalog.remove(&id("a"), farewell()).await.unwrap().unwrap();
    assert_eq!(removed, addition("a", "one", &[1], &[], 1).document);
    assert!(store.webhooks.event(event_of(&id("a"), 5)).await.unwrap().is_some());
    assert!(store.catalog.remove(&id("a"), farewell()).await.unwrap().is_none());
    assert!(store.catalog.get(&id("a")).await.unwrap().is_none());
    assert!(store.catalog.fetch(vec![number]).await.unwrap().is_empty());
    assert_eq!(found(&*store.catalog, query("one", &[1], &[])).await, ["b"]);
    assert_eq!(store.catalog.counts().await.unwrap(), [(collection("one"), 1)]);
    assert!(put(&store, addition("a", "one", &[1], &[], 3)).await.is_new);
}

pub(crate) async fn documents_are_listed_in_the_order_in_which_they_were_put(store: Store) {
    for (name, of, at) in
        [("c", "one", 1), ("a", "two", 2), ("b", "one", 3), ("d", "one", 4), ("c", "one", 5)]
    {
        put(&store, addition(name, of, &[], &[], at)).await;
    }
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = store.catalog.list(None, PageRequest { after, limit: 2 }).await.unwrap();
        seen.extend(page.items.iter().map(|listed| listed.document.id.to_string()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["a", "b", "d", "c"]);
    let one = collection("one");
    let page = store.catalog.list(Some(&one), PageRequest { after: None, limit: 3 }).await.unwrap();
    let ids: Vec<_> = page.items.iter().map(|listed| listed.document.id.as_str()).collect();
    assert_eq!((ids, page.next), (vec!["b", "d", "c"], None));
    let none = collection("none");
    assert!(
        store
            .catalog
            .list(Some(&none), PageRequest { after: None, limit: 3 })
            .await
            .unwrap()
            .items
            .is_empty()
    );
}

pub(crate) async fn equal_ones_come_before_those_that_share_keys_and_the_older_before_the_younger(
    store: Store,
) {
    put(&store, addition("two", "one", &[1, 2], &[], 1)).await;
    put(&store, addition("one", "one", &[1, 9], &[], 2)).await;
    put(&store, addition("none", "one", &[8, 9], &[], 3)).await;
    put(&store, addition("one-later", "one", &[1, 7], &[], 4)).await;
    put(&store, addition("same", "one", &[], &[], 900_000)).await;
    put(&store, addition("both", "one", &[1, 3], &[5, 6], 5)).await;
    put(&store, addition("fingerprint", "one", &[], &[6], 6)).await;
    let query = query("one", &[1, 2, 3, 4], &[5, 6]);
    let expected = ["same", "both", "two", "one", "one-later", "fingerprint"];
    assert_eq!(found(&*store.catalog, query.clone()).await, expected);
    let candidates = store.catalog.candidates(query.clone()).await.unwrap().found;
    assert_eq!((candidates[1].bands, candidates[1].fingerprints, candidates[1].is_equal), (2, 2, false));
    assert!(candidates[0].is_equal);
    assert_eq!(found(&*store.catalog, CandidateQuery { limit: 2, ..query }).await, expected[..2]);
}

pub(crate) async fn other_collections_are_not_looked_at(store: Store) {
    put(&store, addition("a", "one", &[1], &[1], 900_000)).await;
    put(&store, addition("b", "two", &[1], &[1], 900_000)).await;
    assert_eq!(found(&*store.catalog, query("one", &[1], &[1])).await, ["a"]);
    assert_eq!(found(&*store.catalog, query("two", &[1], &[1])).await, ["b"]);
    assert!(found(&*store.catalog, query("three", &[1], &[1])).await.is_empty());
}

pub(crate) async fn boilerplate_leads_to_nothing_unless_there_is_nothing_else(store: Store) {
    for at in 0..5 {
        put(&store, addition(&format!("d{at}"), "one", &[], &[1, 2, 100 + at], at)).await;
    }
    let candidates = store.catalog.candidates(query("one", &[], &[1, 2, 103])).await.unwrap();
    assert_eq!((candidates.found.len(), candidates.common), (1, 2));
    let candidates = store.catalog.candidates(query("one", &[], &[1, 2, 999])).await.unwrap();
    assert_eq!((candidates.found.len(), candidates.common), (5, 1));
}

pub(crate) async fn a_key_of_many_documents_leads_to_the_oldest(store: Store) {
    let many = MAX_ENTRIES_PER_KEY + 200;
    let additions: Vec<_> =
        (0..many).map(|at| addition(&format!("d{at}"), "one", &[1], &[], at as u64)).collect();
    assert!(store.catalog.put(additions).await.iter().all(Result::is_ok));
    let query = CandidateQuery { limit: 2 * many, ..query("one", &[1], &[]) };
    let ids = found(&*store.catalog, query).await;
    assert_eq!(ids.len(), MAX_ENTRIES_PER_KEY);
    assert_eq!(ids[0], "d0");
    assert_eq!(store.catalog.counts().await.unwrap(), [(collection("one"), many as u64)]);
}

pub(crate) async fn what_is_told_of_a_document_is_stored_with_it(store: Store) {
    let mut one = addition("a", "one", &[key(1)], &[], 1);
    one.announcement = Arc::new(|document, is_new| {
        assert_eq!(document.created_at, Timestamp::from_millis(1));
        vec![
            publication(&document.id, if is_new { 1 } else { 2 }),
            publication(&document.id, u128::from(document.updated_at.as_millis()) + 100),
        ]
    });
    let again = Addition { document: addition("a", "one", &[], &[], 9).document, ..one.clone() };
    assert!(store.catalog.put(vec![one, again]).await.iter().all(Result::is_ok));
    for number in [1, 2, 101, 109] {
        assert!(store.webhooks.event(event_of(&id("a"), number)).await.unwrap().is_some(), "{number}");
    }
}

pub(crate) async fn a_group_is_put_in_its_order(store: Store) {
    let additions = vec![
        addition("a", "one", &[1], &[], 1),
        addition("b", "one", &[1], &[], 2),
        addition("a", "one", &[2], &[], 3),
    ];
    let placed: Vec<bool> =
        store.catalog.put(additions).await.into_iter().map(|placed| placed.unwrap().is_new).collect();
    assert_eq!(placed, [true, true, false]);
    assert_eq!(found(&*store.catalog, query("one", &[1], &[])).await, ["b"]);
    assert_eq!(found(&*store.catalog, query("one", &[2], &[])).await, ["a"]);
    assert!(store.catalog.put(Vec::new()).await.is_empty());
}

pub(crate) async fn documents_put_by_many_at_once_are_all_there(store: Store) {
    let mut tasks = tokio::task::JoinSet::new();
    for at in 0..40 {
        let store = store.clone();
        tasks.spawn(async move {
            put(&store, addition(&format!("d{}", at % 30), "one", &[at, 77], &[], at)).await;
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let query = CandidateQuery { limit: 100, ..query("one", &[77], &[]) };
    assert_eq!(found(&*store.catalog, query).await.len(), 30);
    assert_eq!(store.catalog.counts().await.unwrap(), [(collection("one"), 30)]);
}
