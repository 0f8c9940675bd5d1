//! The use cases through the engine: results, refusals, work for later, and a store that fails.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

use redundancy_engine::detect::{
    analyze::AnalyzeOptions, quality::QualityOptions, similarity::SimilarityOptions,
};
use redundancy_engine::index::Match;
use redundancy_engine::webhook::event::{Event, EventType};
use redundancy_engine::webhook::store::Publication;
use redundancy_engine::webhook::trace::NoTracer;
use redundancy_engine::{
    AnalysisId, AnalysisState, AnalysisStore, AnalyzeRequest, Caller, Clock, CpuPoolConfig, Document,
    DocumentFormat, Engine, EngineConfig, EngineError, EnginePorts, Finding, FindingFormat, IdSource,
    NoBatches, NoCatalog, Operation, QualityRequest, Request, SimilarityRequest, StoreError, StoreKind,
    StoredAnalysis, Timestamp,
};
use std::collections::HashMap;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::Poll;
use std::thread::{self, ThreadId};
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

/// Does something at the first measurement on another thread than that of the test: it is made by the first job.
struct Hooked {
    ticking: Ticking,
    is_due: AtomicBool,
    of_test: ThreadId,
    hook: Box<dyn Fn() + Send + Sync>,
}

impl Hooked {
    fn new(hook: impl Fn() + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            ticking: Ticking::default(),
            is_due: AtomicBool::new(true),
            of_test: thread::current().id(),
            hook: Box::new(hook),
        })
    }
}

impl Clock for Hooked {
    fn now(&self) -> Timestamp {
        self.ticking.now()
    }

    fn monotonic(&self) -> Duration {
        if thread::current().id() != self.of_test && self.is_due.swap(false, Ordering::Relaxed) {
            (self.hook)();
        }
        self.ticking.monotonic()
    }
}

/// Keeps everything, apart from what it is told to refuse.
#[derive(Default)]
struct Shelf {
    kept: Mutex<HashMap<AnalysisId, StoredAnalysis>>,
    /// How many puts it refuses from now on.
    refusals: AtomicUsize,
    /// Whether it refuses because of what it holds.
    is_damaged: AtomicBool,
    /// How often it was asked to finish something.
    finishes: AtomicUsize,
    /// Whether a put lets others go first.
    is_slow: AtomicBool,
    /// Whether somebody wants to hear of findings.
    is_wanted: AtomicBool,
    published: Mutex<Vec<Event>>,
    /// How often it was said that work goes on.
    goings_on: AtomicUsize,
}

/// Writes how many words there are, and for a long text fills up to its length.
struct Words;

impl FindingFormat for Words {
    fn whole(&self, _: AnalysisId, finding: &Finding) -> String {
        let Finding::Analyze(analysis) = finding else { return "0".to_owned() };
        let words = analysis.counts.words;
        let filler = if words > 1000 { "x".repeat(words * 5) } else { String::new() };
        format!(r#"{{"words":{words},"text":"{filler}"}}"#)
    }

    fn summary(&self, _: AnalysisId, _: &Finding) -> String {
        r#""summary""#.to_owned()
    }
}

impl DocumentFormat for Words {
    fn indexed(&self, _: &Document, _: bool) -> String {
        String::new()
    }

    fn deleted(&self, _: &Document) -> String {
        String::new()
    }

    fn duplicates(&self, _: &Document, _: &[Match]) -> String {
        String::new()
    }
}

#[async_trait::async_trait]
impl AnalysisStore for Shelf {
    fn kind(&self) -> StoreKind {
        StoreKind { name: "test", is_durable: false }
    }

    async fn put(&self, analysis: StoredAnalysis) -> Result<(), StoreError> {
        if self.is_slow.load(Ordering::Relaxed) {
            tokio::task::yield_now().await;
        }
        let one_less = |refusals: usize| refusals.checked_sub(1);
        if self.refusals.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok() {
            return Err(StoreError::Unavailable("told to fail".to_owned()));
        }
        self.kept.lock().unwrap().insert(analysis.id, analysis);
        Ok(())
    }

    async fn finish(
        &self,
        analysis: Option<StoredAnalysis>,
        publication: Option<Publication>,
    ) -> Result<(), StoreError> {
        self.finishes.fetch_add(1, Ordering::Relaxed);
        if self.is_damaged.load(Ordering::Relaxed) {
            return Err(StoreError::Unreadable("told to be damaged".to_owned()));
        }
        match analysis {
            Some(analysis) => self.put(analysis).await?,
            None if self.refusals.load(Ordering::Relaxed) > 0 => {
                return Err(StoreError::Unavailable("told to fail".to_owned()));
            }
            None => {}
        }
        self.published.lock().unwrap().extend(publication.map(|publication| publication.event));
        Ok(())
    }

    fn is_wanted(&self, _: &EventType) -> bool {
        self.is_wanted.load(Ordering::Relaxed)
    }

    async fn goes_on(&self, _: AnalysisId) -> Result<(), StoreError> {
        self.goings_on.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn get(&self, id: AnalysisId) -> Result<Option<StoredAnalysis>, StoreError> {
        Ok(self.kept.lock().unwrap().get(&id).cloned())
    }
}

fn engine(workers: usize, queue: usize) -> (Arc<Engine>, Arc<Shelf>) {
    engine_with(Arc::new(Ticking::default()), workers, queue)
}

fn engine_with(clock: Arc<dyn Clock>, workers: usize, queue: usize) -> (Arc<Engine>, Arc<Shelf>) {
    let shelf = Arc::new(Shelf::default());
    let config = EngineConfig { cpu: CpuPoolConfig { workers, queue } };
    let store: Arc<dyn AnalysisStore> = Arc::clone(&shelf) as _;
    let ports = EnginePorts {
        clock,
        ids: Arc::new(Counting::default()),
        store,
        format: Arc::new(Words),
        catalog: Arc::new(NoCatalog),
        documents: Arc::new(Words),
        batches: Arc::new(NoBatches),
        tracer: Arc::new(NoTracer),
    };
    (Arc::new(Engine::new(config, ports)), shelf)
}

/// Polls once.
async fn is_pending(mut future: Pin<&mut impl Future>) -> bool {
    std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_pending())).await
}

/// Completed and failed analyses of one text.
fn counts(engine: &Engine) -> (u64, u64) {
    let of_analyze = engine.stats().operations[0];
    (of_analyze.completed, of_analyze.failed)
}

fn analyze_request(content: &str) -> AnalyzeRequest {
    AnalyzeRequest { content: content.to_owned(), options: AnalyzeOptions::default() }
}

#[tokio::test]
async fn each_use_case_answers_and_is_counted() {
    let (engine, _) = engine(1, 4);
    let analysis = engine.answer(analyze_request("one two three"), Caller::default()).await.unwrap();
    assert_eq!(analysis.finding.counts.words, 3);
    let request = SimilarityRequest {
        text1: "a b".into(),
        text2: "a b".into(),
        threshold: 0.8,
        options: SimilarityOptions::default(),
    };
    let similarity = engine.answer(request, Caller::default()).await.unwrap();
    assert!(similarity.finding.is_similar());
    let request = QualityRequest { content: "We all had fun.".into(), options: QualityOptions::default() };
    let quality = engine.answer(request, Caller::default()).await.unwrap();
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
    let id = engine
        .submit(Request::Analyze(analyze_request("one two three")), Caller::default(), |_| ())
        .await
        .unwrap();
    assert_eq!(engine.result(id).await.unwrap().unwrap().operation, Operation::Analyze);
    engine.drain().await;
    let AnalysisState::Completed(result) = engine.result(id).await.unwrap().unwrap().state else {
        panic!("not completed")
    };
    assert_eq!(&*result, r#"{"words":3,"text":""}"#);
}

#[tokio::test]
async fn a_finding_that_somebody_wants_to_hear_of_is_published_before_it_is_answered() {
    let (engine, shelf) = engine(1, 4);
    let caller = Caller {
        request_id: Some("req_1".to_owned()),
        user_id: Some("ana".to_owned()),
        traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()),
    };
    engine.answer(analyze_request("one two"), caller.clone()).await.unwrap();
    assert!(shelf.published.lock().unwrap().is_empty(), "nobody wanted it");
    shelf.is_wanted.store(true, Ordering::Relaxed);
    let answered = engine.answer(analyze_request("one two"), caller.clone()).await.unwrap();
    let published = std::mem::take(&mut *shelf.published.lock().unwrap());
    let [event] = published.as_slice() else { panic!("{published:?}") };
    assert_eq!(event.kind.as_str(), "analysis.completed");
    assert_eq!((&event.request_id, &event.traceparent), (&caller.request_id, &caller.traceparent));
    assert_eq!(event.id.slot(), answered.analysis_id.slot());
    let body: serde_json::Value = serde_json::from_slice(&event.body).unwrap();
    assert_eq!((&body["data"]["words"], &body["user_id"]), (&2.into(), &"ana".into()));
}

#[tokio::test]
async fn a_finding_whose_event_the_store_does_not_take_is_not_answered() {
    let (engine, shelf) = engine(1, 4);
    shelf.is_wanted.store(true, Ordering::Relaxed);
    shelf.refusals.store(1, Ordering::Relaxed);
    let refused = engine.answer(analyze_request("one two"), Caller::default()).await.unwrap_err();
    assert!(matches!(refused, EngineError::Store(StoreError::Unavailable(_))));
}

#[tokio::test]
async fn a_finding_too_large_for_receivers_is_summed_up_in_the_event_and_whole_in_the_store() {
    let (engine, shelf) = engine(1, 4);
    shelf.is_wanted.store(true, Ordering::Relaxed);
    let long = "word ".repeat(60_000);
    let request = Request::Analyze(analyze_request(&long));
    let id = engine.submit(request, Caller::default(), |_| ()).await.unwrap();
    engine.drain().await;
    let AnalysisState::Completed(result) = engine.result(id).await.unwrap().unwrap().state else {
        panic!("not completed")
    };
    assert!(result.len() > 256 * 1024);
    let body = shelf.published.lock().unwrap()[0].body.clone();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["data"], "summary");
}

#[tokio::test]
async fn what_the_store_does_not_take_is_not_accepted_and_counts_as_failed() {
    let (engine, shelf) = engine(1, 0);
    shelf.refusals.store(1, Ordering::Relaxed);
    let refused =
        engine.submit(Request::Analyze(analyze_request("one")), Caller::default(), |_| ()).await.unwrap_err();
    assert!(matches!(refused, EngineError::Store(StoreError::Unavailable(_))));
    // The place that was taken for it is free again.
    assert_eq!(engine.stats().pool.running + engine.stats().pool.waiting, 0);
    assert_eq!(counts(&engine), (0, 1));
    engine.answer(analyze_request("one"), Caller::default()).await.unwrap();
}

#[tokio::test]
async fn a_result_that_the_store_refuses_twice_is_kept_at_the_third_time_before_its_end_is_told() {
    let (engine, shelf) = engine(1, 0);
    let (told, of_the_end) = tokio::sync::oneshot::channel();
    let on_the_shelf = Arc::clone(&shelf);
    let ended = move |state: &AnalysisState| {
        let kept: Vec<_> =
            on_the_shelf.kept.lock().unwrap().values().map(|kept| format!("{:?}", kept.state)).collect();
        told.send((format!("{state:?}"), kept)).unwrap();
    };
    engine.submit(Request::Analyze(analyze_request("one")), Caller::default(), ended).await.unwrap();
    shelf.refusals.store(2, Ordering::Relaxed);
    engine.drain().await;
    assert_eq!(of_the_end.await.unwrap(), ("Completed".to_owned(), vec!["Completed".to_owned()]));
}

#[tokio::test]
async fn a_result_that_the_store_never_takes_stays_pending_and_its_end_is_told() {
    let (engine, shelf) = engine(1, 0);
    let (told, of_the_end) = tokio::sync::oneshot::channel();
    let ended = move |state: &AnalysisState| told.send(format!("{state:?}")).unwrap();
    let id = engine.submit(Request::Analyze(analyze_request("one")), Caller::default(), ended).await.unwrap();
    shelf.refusals.store(usize::MAX, Ordering::Relaxed);
    engine.drain().await;
    assert_eq!(of_the_end.await.unwrap(), "Completed");
    assert!(matches!(engine.result(id).await.unwrap().unwrap().state, AnalysisState::Pending));
}

#[tokio::test(start_paused = true)]
async fn while_the_work_goes_on_the_store_is_told_so() {
    let (engine, shelf) = engine(1, 0);
    let id =
        engine.submit(Request::Analyze(analyze_request("one")), Caller::default(), |_| ()).await.unwrap();
    shelf.refusals.store(usize::MAX, Ordering::Relaxed);
    while shelf.goings_on.load(Ordering::Relaxed) < 2 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    shelf.refusals.store(0, Ordering::Relaxed);
    engine.drain().await;
    assert!(matches!(engine.result(id).await.unwrap().unwrap().state, AnalysisState::Completed(_)));
}

#[tokio::test]
async fn a_result_that_a_damaged_store_does_not_take_is_offered_once_and_its_end_is_told() {
    let (engine, shelf) = engine(1, 0);
    let (told, of_the_end) = tokio::sync::oneshot::channel();
    let ended = move |state: &AnalysisState| told.send(format!("{state:?}")).unwrap();
    shelf.is_damaged.store(true, Ordering::Relaxed);
    engine.submit(Request::Analyze(analyze_request("one")), Caller::default(), ended).await.unwrap();
    // Without a drain, which would end it too.
    let of_the_end = tokio::time::timeout(Duration::from_secs(30), of_the_end).await;
    assert_eq!(of_the_end.expect("it is offered for ever").unwrap(), "Completed");
    assert_eq!(shelf.finishes.load(Ordering::Relaxed), 1);
}

/// Begins an analysis of one text and gives it up while it runs, at `end`. Returns when the work has ended.
async fn given_up(end: fn()) -> Arc<Engine> {
    let (release, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    let clock = Hooked::new(move || {
        held.lock().unwrap().recv().unwrap();
        end();
    });
    let (engine, _) = engine_with(clock, 1, 0);
    {
        // One poll hands the work, which is not small, to its thread, where it is held; the answer is not taken.
        let mut work = pin!(engine.answer(analyze_request(&"one ".repeat(2_000)), Caller::default()));
        assert!(is_pending(work.as_mut()).await);
    }
    release.send(()).unwrap();
    engine.drain().await;
    engine
}

#[tokio::test]
async fn work_whose_caller_gave_up_is_counted_when_it_ends() {
    let engine = given_up(|| ()).await;
    let done = engine.stats().operations[0];
    assert_eq!((done.completed, done.failed, done.bytes), (1, 0, 8_000));
    assert!(!done.busy.is_zero());
}

#[tokio::test]
async fn a_panic_in_work_whose_caller_gave_up_is_counted_once() {
    assert_eq!(counts(&*given_up(|| panic!("on purpose")).await), (0, 1));
}

#[tokio::test]
async fn work_for_later_that_panics_is_kept_as_failed_and_counted_once() {
    let (engine, _) = engine_with(Hooked::new(|| panic!("on purpose")), 1, 0);
    let id =
        engine.submit(Request::Analyze(analyze_request("one")), Caller::default(), |_| ()).await.unwrap();
    engine.drain().await;
    assert!(matches!(engine.result(id).await.unwrap().unwrap().state, AnalysisState::Failed(_)));
    assert_eq!(counts(&engine), (0, 1));
}

#[tokio::test]
async fn more_work_than_there_are_places_is_refused_and_counted() {
    let (engine, _) = engine(1, 1);
    let submit = || engine.submit(Request::Analyze(analyze_request("one")), Caller::default(), |_| ());
    // The test's only thread gives accepted work no chance to begin, so each keeps its place.
    submit().await.unwrap();
    submit().await.unwrap();
    let refused = submit().await.unwrap_err();
    assert!(matches!(refused, EngineError::Busy { retry_after } if retry_after >= Duration::from_secs(1)));
    engine.drain().await;
    assert_eq!(counts(&engine), (2, 1));
}

#[tokio::test]
async fn an_engine_takes_no_work_from_the_moment_its_drain_begins_and_finishes_what_it_took() {
    let (engine, _) = engine(1, 4);
    // The test's only thread gives accepted work no chance to begin before the drain does.
    engine.submit(Request::Analyze(analyze_request("one")), Caller::default(), |_| ()).await.unwrap();
    let mut drained = pin!(engine.drain());
    assert!(is_pending(drained.as_mut()).await);
    assert_eq!(
        engine.answer(analyze_request("one"), Caller::default()).await.unwrap_err(),
        EngineError::ShuttingDown
    );
    let later = engine.submit(Request::Analyze(analyze_request("one")), Caller::default(), |_| ()).await;
    assert_eq!(later.unwrap_err(), EngineError::ShuttingDown);
    drained.await;
    assert_eq!(counts(&engine), (1, 2));
}

#[tokio::test]
async fn a_drain_waits_for_work_that_the_store_is_just_taking() {
    let (engine, shelf) = engine(1, 4);
    shelf.is_slow.store(true, Ordering::Relaxed);
    let mut accepted =
        pin!(engine.submit(Request::Analyze(analyze_request("one")), Caller::default(), |_| ()));
    assert!(is_pending(accepted.as_mut()).await);
    let mut drained = pin!(engine.drain());
    assert!(is_pending(drained.as_mut()).await);
    let id = accepted.await.unwrap();
    drained.await;
    assert!(matches!(engine.result(id).await.unwrap().unwrap().state, AnalysisState::Completed(_)));
}

#[tokio::test]
async fn a_drained_engine_takes_no_work() {
    let (engine, _) = engine(1, 1);
    engine.drain().await;
    assert_eq!(
        engine.answer(analyze_request("one"), Caller::default()).await.unwrap_err(),
        EngineError::ShuttingDown
    );
}

#[tokio::test]
async fn an_id_that_was_never_given_has_no_result() {
    let (engine, _) = engine(1, 1);
    let unknown: AnalysisId = "ana_00000000000000000000000000".parse().unwrap();
    assert!(engine.result(unknown).await.unwrap().is_none());
}
