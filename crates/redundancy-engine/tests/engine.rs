//! The use cases through the engine: results, refusals, work for later, and a store that fails.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

use redundancy_engine::detect::{
    analyze::AnalyzeOptions, quality::QualityOptions, similarity::SimilarityOptions,
};
use redundancy_engine::{
    AnalysisId, AnalysisState, AnalysisStore, AnalyzeRequest, Clock, CpuPoolConfig, Engine, EngineConfig,
    EngineError, Finding, IdSource, Operation, QualityRequest, Request, SimilarityRequest, StoreError,
    StoredAnalysis, Timestamp,
};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Goes on by one millisecond at each look.
#[derive(Default)]
struct Ticking(AtomicU64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000 + self.0.fetch_add(1, Ordering::Relaxed))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// Counts upwards.
#[derive(Default)]
struct Counting(AtomicU64);

impl IdSource for Counting {
    fn random_128(&self) -> u128 {
        u128::from(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// Keeps everything, unless it is told to fail.
#[derive(Default)]
struct Shelf {
    kept: Mutex<HashMap<AnalysisId, StoredAnalysis>>,
    is_away: AtomicBool,
}

#[async_trait::async_trait]
impl AnalysisStore for Shelf {
    async fn put(&self, analysis: StoredAnalysis) -> Result<(), StoreError> {
        if self.is_away.load(Ordering::Relaxed) {
            return Err(StoreError::Unavailable("told to fail".to_owned()));
        }
        self.kept.lock().unwrap().insert(analysis.id, analysis);
        Ok(())
    }

    async fn get(&self, id: AnalysisId) -> Result<Option<StoredAnalysis>, StoreError> {
        Ok(self.kept.lock().unwrap().get(&id).cloned())
    }
}

fn engine(workers: usize, queue: usize) -> (Arc<Engine>, Arc<Shelf>) {
    let shelf = Arc::new(Shelf::default());
    let config = EngineConfig { cpu: CpuPoolConfig { workers, queue } };
    let store: Arc<dyn AnalysisStore> = Arc::clone(&shelf) as _;
    (Arc::new(Engine::new(config, Arc::new(Ticking::default()), Arc::new(Counting::default()), store)), shelf)
}

fn analyze_request(content: &str) -> AnalyzeRequest {
    AnalyzeRequest { content: content.to_owned(), options: AnalyzeOptions::default() }
}

#[tokio::test]
async fn each_use_case_answers_and_is_counted() {
    let (engine, _) = engine(1, 4);
    let analysis = engine.analyze(analyze_request("one two three")).await.unwrap();
    assert_eq!(analysis.finding.counts.words, 3);
    let request = SimilarityRequest {
        text1: "a b".into(),
        text2: "a b".into(),
        threshold: 0.8,
        options: SimilarityOptions::default(),
    };
    let similarity = engine.similarity(request).await.unwrap();
    assert!(similarity.finding.is_similar());
    let request = QualityRequest { content: "We all had fun.".into(), options: QualityOptions::default() };
    let quality = engine.quality(request).await.unwrap();
    assert!(quality.finding.readability_score > 80.0);
    assert!(analysis.analysis_id < similarity.analysis_id && similarity.analysis_id < quality.analysis_id);

    let stats = engine.stats();
    let counts: Vec<_> =
        stats.operations.iter().map(|o| (o.operation, o.completed, o.failed, o.bytes)).collect();
    assert_eq!(
        counts,
        [(Operation::Analyze, 1, 0, 13), (Operation::Similarity, 1, 0, 6), (Operation::Quality, 1, 0, 15)]
    );
    assert!(stats.operations.iter().all(|operation| !operation.busy.is_zero()));
}

#[tokio::test]
async fn work_for_later_is_in_the_store_when_it_is_accepted_and_completed_when_the_engine_is_drained() {
    let (engine, _) = engine(1, 4);
    let id = engine.submit(Request::Analyze(analyze_request("one two three")), |_| ()).await.unwrap();
    assert_eq!(engine.result(id).await.unwrap().unwrap().operation, Operation::Analyze);
    engine.drain().await;
    let AnalysisState::Completed(finding) = engine.result(id).await.unwrap().unwrap().state else {
        panic!("not completed")
    };
    let Finding::Analyze(analysis) = &*finding else { panic!("another finding") };
    assert_eq!(analysis.counts.words, 3);
}

#[tokio::test]
async fn what_the_store_does_not_take_is_not_accepted() {
    let (engine, shelf) = engine(1, 0);
    shelf.is_away.store(true, Ordering::Relaxed);
    let refused = engine.submit(Request::Analyze(analyze_request("one")), |_| ()).await.unwrap_err();
    assert!(matches!(refused, EngineError::Store(StoreError::Unavailable(_))));
    // The place that was taken for it is free again.
    assert_eq!(engine.stats().pool.running + engine.stats().pool.waiting, 0);
    engine.analyze(analyze_request("one")).await.unwrap();
}

#[tokio::test]
async fn more_work_than_there_are_places_is_refused_and_counted() {
    let (engine, _) = engine(1, 1);
    let submit = || engine.submit(Request::Analyze(analyze_request("one")), |_| ());
    // The test's only thread gives accepted work no chance to begin, so each keeps its place.
    submit().await.unwrap();
    submit().await.unwrap();
    let refused = submit().await.unwrap_err();
    assert!(matches!(refused, EngineError::Busy { retry_after } if retry_after >= Duration::from_secs(1)));
    assert_eq!(engine.stats().operations[0].failed, 1);
    engine.drain().await;
    assert_eq!(engine.stats().operations[0].completed, 2);
}

#[tokio::test]
async fn a_drained_engine_takes_no_work() {
    let (engine, _) = engine(1, 1);
    engine.drain().await;
    assert_eq!(engine.analyze(analyze_request("one")).await.unwrap_err(), EngineError::ShuttingDown);
}

#[tokio::test]
async fn an_id_that_was_never_given_has_no_result() {
    let (engine, _) = engine(1, 1);
    let unknown: AnalysisId = "ana_00000000000000000000000000".parse().unwrap();
    assert!(engine.result(unknown).await.unwrap().is_none());
}
