//! What happens when there is more to do than room for it.

use crate::service::Service;
use crate::socket::{Listening, announce, post};
use redundancy_engine::detect::AnalyzeOptions;
use redundancy_engine::{
    AnalysisId, AnalysisStore, AnalyzeRequest, CpuPoolConfig, Request, StoreError, StoredAnalysis,
};
use redundancy_server::ServerConfig;
use serde_json::json;
use std::sync::Arc;

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
    async fn put(&self, _: StoredAnalysis) -> Result<(), StoreError> {
        std::future::pending().await
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
    let body = json!({"content": "a text"});
    let reply = tokio::select! {
        biased;
        _ = service.engine.submit(Request::Analyze(occupant), |_| ()) => unreachable!("the store never finishes"),
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
