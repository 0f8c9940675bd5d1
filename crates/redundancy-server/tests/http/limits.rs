//! What happens when there is more to do than room for it.

use crate::service::{Hand, Service, packed};
use crate::socket::{Client, Listening, announce, post};
use redundancy_engine::access::Quota;
use redundancy_engine::detect::AnalyzeOptions;
use redundancy_engine::webhook::event::EventType;
use redundancy_engine::webhook::store::Publication;
use redundancy_engine::{
    AnalysisId, AnalysisStore, AnalyzeRequest, Caller, CpuPoolConfig, Request, StoreError, StoreKind,
    StoredAnalysis,
};
use redundancy_server::{Access, ServerConfig};
use redundancy_store::MemoryStore;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

const BODY: &[u8] = br#"{"content": "a text"}"#;

#[tokio::test]
async fn one_request_too_many_is_503_at_once_while_health_and_metrics_answer() {
    let config = ServerConfig { max_concurrent_requests: 1, ..ServerConfig::default() };
    let listening = Listening::new(Service::with(config)).await;
    let mut first = listening.connect().await;
    first.send(announce("/api/v1/analyze", BODY.len())).await;
    first.invited().await;

    let second = listening.exchange(post("/api/v1/analyze", BODY)).await;
    second.error(503, "Unavailable");
    assert_eq!(second.header("retry-after"), Some("1"));
    for path in ["/health", "/health/live", "/health/ready", "/api/v1/health/status", "/metrics", "/"] {
        let reply = listening.exchange(format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n")).await;
        assert_eq!(reply.status, 200, "{path}");
    }

    first.send(BODY).await;
    first.reply().await.data();
    listening.assert_well().await;
}

/// Never finishes writing, so that an analysis accepted for later keeps its place in the pool.
struct Stuck;

#[async_trait::async_trait]
impl AnalysisStore for Stuck {
    fn kind(&self) -> StoreKind {
        StoreKind { name: "test", is_durable: false }
    }

    async fn put(&self, _: StoredAnalysis) -> Result<(), StoreError> {
        std::future::pending().await
    }

    async fn finish(&self, _: Option<StoredAnalysis>, _: Option<Publication>) -> Result<(), StoreError> {
        std::future::pending().await
    }

    fn is_wanted(&self, _: &EventType) -> bool {
        false
    }

    async fn get(&self, _: AnalysisId) -> Result<Option<StoredAnalysis>, StoreError> {
        Ok(None)
    }
}

#[tokio::test]
async fn a_full_pool_is_503_with_retry_after() {
    let cpu = CpuPoolConfig { workers: 1, queue: 0 };
    let service = Service::over(ServerConfig::default(), Arc::new(Stuck), cpu);
    let occupant = AnalyzeRequest { content: "a text".to_owned(), options: AnalyzeOptions::default() };
    let body = json!({"content": "a text ".repeat(1_000)});
    let reply = tokio::select! {
        biased;
        _ = service.engine.submit(Request::Analyze(occupant), Caller::default(), |_| ()) => unreachable!("the store never finishes"),
        reply = service.post("/api/v1/quality", &body) => reply,
    };
    reply.error(503, "Unavailable");
    assert_eq!(reply.header("retry-after"), Some("1"));
    // The occupant is gone, and with it the reason to refuse.
    service.post("/api/v1/quality", &body).await.data();
}

#[tokio::test]
async fn an_engine_that_ends_is_503_with_retry_after() {
    let service = Service::new();
    service.engine.drain().await;
    let reply = service.post("/api/v1/analyze", &json!({"content": "a text"})).await;
    reply.error(503, "Unavailable");
    assert_eq!(reply.header("retry-after"), Some("1"));
}

/// The longest body of a service that takes texts of 1 KiB.
const LONGEST_BODY_BYTES: usize = 6 * 1024 + 64 * 1024;

/// Has room for the longest body of two texts, and so for the first 64 KiB of two bodies but not of three.
fn of_little_memory(store: Arc<dyn AnalysisStore>) -> Service {
    let config = ServerConfig { max_content_bytes: 1024, ..ServerConfig::default() };
    Service::with_least_body_budget(config, store)
}

/// A connection on which a body of compressed blanks stops before its end.
async fn stalled_bomb(listening: &Listening) -> Client {
    let bomb = packed("zstd", &vec![b' '; 60 * 1024]).await;
    let mut client = listening.connect().await;
    let head = announce("/api/v1/analyze", bomb.len() + 1);
    client.send(head.replace("expect:", "content-encoding: zstd\r\nexpect:")).await;
    client.invited().await;
    client.send(bomb).await;
    client
}

#[tokio::test]
async fn bodies_that_take_too_much_memory_together_are_503_until_one_is_gone() {
    let listening = Listening::new(of_little_memory(Arc::new(MemoryStore::default()))).await;
    let mut plain = listening.connect().await;
    plain.send(announce("/api/v1/analyze", BODY.len())).await;
    plain.invited().await;
    let bomb = stalled_bomb(&listening).await;

    let reply = listening.exchange(post("/api/v1/analyze", BODY)).await;
    let error = reply.error(503, "Unavailable");
    assert!(error["message"].as_str().unwrap().contains("long texts"), "{error}");
    assert_eq!((reply.header("retry-after"), reply.header("connection")), (Some("1"), Some("close")));

    plain.send(BODY).await;
    plain.reply().await.data();
    listening.assert_well().await;
    drop(bomb);
}

#[tokio::test]
async fn the_longest_body_fits_the_least_budget() {
    let service = of_little_memory(Arc::new(MemoryStore::default()));
    let json = [("content-type", "application/json")];
    let longest = LONGEST_BODY_BYTES + 6 * 1024;
    let texts = r#"{"text1": "a", "text2": "b"}"#;
    let body = format!("{texts}{}", " ".repeat(longest - texts.len()));
    for _ in 0..3 {
        service.post_bytes("/api/v1/similarity", &json, body.clone()).await.data();
    }
}

#[tokio::test]
async fn a_body_takes_memory_until_its_request_is_answered() {
    let service = of_little_memory(Arc::new(Stuck));
    let body = json!({"content": "a text"});
    // Two of these fit, but not the first 64 KiB of another beside them.
    let json = [("content-type", "application/json")];
    let long = format!("{body}{}", " ".repeat(50 * 1024));
    let unanswered = async || service.post_bytes("/api/v1/analyze?async=true", &json, long.clone()).await;
    let reply = tokio::select! {
        biased;
        _ = unanswered() => unreachable!("the store never finishes"),
        _ = unanswered() => unreachable!("the store never finishes"),
        reply = service.post("/api/v1/quality", &body) => reply,
    };
    let error = reply.error(503, "Unavailable");
    assert!(error["message"].as_str().unwrap().contains("long texts"), "{error}");
    // Those that held the memory are gone.
    service.post("/api/v1/quality", &body).await.data();
}

#[tokio::test]
async fn it_is_told_once_a_minute_that_a_caller_asks_too_often() {
    let hand = Arc::<Hand>::default();
    let quota = Quota { requests: 2, window: Duration::from_hours(1) };
    let service = Service::at(Arc::clone(&hand), |open| Access { quota, ..open });
    let endpoint = json!({"url": "https://example.com/", "events": ["rate_limit.exceeded"]});
    assert_eq!(service.post("/api/v1/webhooks/endpoints", &endpoint).await.status, 201);
    assert_eq!(service.get("/api/v1/stats").await.status, 200);
    for (seconds, told) in [(0, 1), (59, 1), (60, 2), (119, 2), (180, 3)] {
        hand.0.store(seconds, Ordering::SeqCst);
        for _ in 0..3 {
            assert_eq!(service.get("/api/v1/stats").await.status, 429);
        }
        let counts = service.webhooks.stats().await.unwrap().total;
        assert_eq!(counts.pending, told, "after {seconds} s");
    }
}
