//! One suite for every store: what the engine may rely on, whatever is behind the port.

#![allow(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use redundancy_engine::{
    AnalysisId, AnalysisState, AnalysisStore, Operation, StoreError, StoredAnalysis, Timestamp,
};
use redundancy_store::MemoryStore;

/// The `number`th id in order of time.
fn id(number: u8) -> AnalysisId {
    format!("ana_000000000000000000000000{}{}", number / 10, number % 10).parse().unwrap()
}

fn analysis(number: u8, state: AnalysisState) -> StoredAnalysis {
    let created_at = Timestamp::from_millis(u64::from(number));
    StoredAnalysis { id: id(number), operation: Operation::Analyze, created_at, bytes: 1 << 20, state }
}

fn failed(number: u8) -> StoredAnalysis {
    analysis(number, AnalysisState::Failed("on purpose".to_owned()))
}

async fn what_is_put_is_given_back(store: &dyn AnalysisStore) {
    store.put(failed(1)).await.unwrap();
    let kept = store.get(id(1)).await.unwrap().unwrap();
    assert_eq!((kept.id, kept.created_at), (id(1), Timestamp::from_millis(1)));
    assert!(matches!(kept.state, AnalysisState::Failed(reason) if reason == "on purpose"));
}

async fn what_is_put_again_replaces_what_was_kept(store: &dyn AnalysisStore) {
    store.put(analysis(2, AnalysisState::Pending)).await.unwrap();
    store.put(failed(2)).await.unwrap();
    assert!(matches!(store.get(id(2)).await.unwrap().unwrap().state, AnalysisState::Failed(_)));
}

async fn what_is_put_again_with_another_size_counts_for_that_size(store: &dyn AnalysisStore) {
    // The largest all but fills a store of the usual size, so that a wrong sum comes to light when room is made.
    for bytes in [1 << 20, 31 << 20, 2 << 20, 31 << 20] {
        store.put(StoredAnalysis { bytes, ..failed(3) }).await.unwrap();
        assert_eq!(store.get(id(3)).await.unwrap().unwrap().bytes, bytes);
    }
    for number in [4, 5, 6] {
        store.put(StoredAnalysis { bytes: 20 << 20, ..failed(number) }).await.unwrap();
        assert_eq!(store.get(id(number)).await.unwrap().unwrap().bytes, 20 << 20);
    }
}

async fn what_was_never_put_is_not_there(store: &dyn AnalysisStore) {
    assert!(store.get(id(99)).await.unwrap().is_none());
}

async fn conforms(store: &dyn AnalysisStore) {
    what_is_put_is_given_back(store).await;
    what_is_put_again_replaces_what_was_kept(store).await;
    what_is_put_again_with_another_size_counts_for_that_size(store).await;
    what_was_never_put_is_not_there(store).await;
}

#[tokio::test]
async fn the_memory_store_conforms() {
    conforms(&MemoryStore::default()).await;
}

#[tokio::test]
async fn a_full_memory_store_forgets_the_oldest_finished_analysis_first() {
    let store = MemoryStore::new(3 << 20);
    store.put(analysis(1, AnalysisState::Pending)).await.unwrap();
    for number in [2, 3, 4] {
        store.put(failed(number)).await.unwrap();
    }
    let is_kept = async |number| store.get(id(number)).await.unwrap().is_some();
    assert!(is_kept(1).await && !is_kept(2).await && is_kept(3).await && is_kept(4).await);
}

#[tokio::test]
async fn a_memory_store_full_of_unfinished_work_refuses_more_and_loses_none() {
    let store = MemoryStore::new(2 << 20);
    for number in [1, 2] {
        store.put(analysis(number, AnalysisState::Pending)).await.unwrap();
    }
    assert!(matches!(store.put(analysis(3, AnalysisState::Pending)).await, Err(StoreError::Full(_))));
    store.put(failed(1)).await.unwrap();
    store.put(analysis(3, AnalysisState::Pending)).await.unwrap();
    assert!(store.get(id(1)).await.unwrap().is_none() && store.get(id(2)).await.unwrap().is_some());
}

#[tokio::test]
async fn what_can_never_fit_is_refused_with_its_reason_and_nothing_is_forgotten_for_it() {
    let store = MemoryStore::new(3 << 20);
    store.put(analysis(1, AnalysisState::Pending)).await.unwrap();
    for number in [2, 3] {
        store.put(failed(number)).await.unwrap();
    }
    let refused = async |bytes| match store.put(StoredAnalysis { bytes, ..failed(4) }).await.unwrap_err() {
        StoreError::Full(reason) => reason,
        other @ (StoreError::Unavailable(_) | StoreError::Unreadable(_)) => panic!("{other}"),
    };
    assert_eq!(
        refused(4 << 20).await,
        "the analysis counts for 4194304 bytes, and the store takes 3145728 in all"
    );
    assert_eq!(
        refused(3 << 20).await,
        "the analysis counts for 3145728 bytes, and the 1 that wait to be done leave 2097152"
    );
    for number in [1, 2, 3] {
        assert!(store.get(id(number)).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn a_refused_replacement_leaves_what_was_there() {
    let store = MemoryStore::new(3 << 20);
    for number in [1, 2] {
        store.put(analysis(number, AnalysisState::Pending)).await.unwrap();
    }
    let larger = StoredAnalysis { bytes: 3 << 20, ..failed(2) };
    assert!(matches!(store.put(larger).await, Err(StoreError::Full(_))));
    let kept = store.get(id(2)).await.unwrap().unwrap();
    assert!(kept.bytes == 1 << 20 && matches!(kept.state, AnalysisState::Pending));
}

#[tokio::test]
async fn a_replacement_may_take_the_room_of_what_it_replaces_and_then_of_finished_ones() {
    let store = MemoryStore::new(3 << 20);
    store.put(failed(1)).await.unwrap();
    store.put(analysis(2, AnalysisState::Pending)).await.unwrap();
    store.put(StoredAnalysis { bytes: 2 << 20, ..analysis(2, AnalysisState::Pending) }).await.unwrap();
    assert!(store.get(id(1)).await.unwrap().is_some());
    store.put(StoredAnalysis { bytes: 3 << 20, ..failed(2) }).await.unwrap();
    assert!(store.get(id(1)).await.unwrap().is_none() && store.get(id(2)).await.unwrap().is_some());
}

#[tokio::test]
async fn an_analysis_that_is_pending_again_is_not_forgotten() {
    let store = MemoryStore::new(2 << 20);
    store.put(failed(1)).await.unwrap();
    store.put(analysis(1, AnalysisState::Pending)).await.unwrap();
    for number in [2, 3] {
        store.put(failed(number)).await.unwrap();
    }
    let is_kept = async |number| store.get(id(number)).await.unwrap().is_some();
    assert!(is_kept(1).await && !is_kept(2).await && is_kept(3).await);
}
