//! Work that is accepted now and done later: `?async=true` and `GET /api/v1/analyses/{id}`.

use crate::service::{STARTED_AT_MS, Service};
use redundancy_engine::CpuPoolConfig;
use redundancy_server::ServerConfig;
use redundancy_store::MemoryStore;
use serde_json::{Value, json};
use std::sync::Arc;

/// Posts to `path` for later and gives the path of the result.
pub(crate) async fn accept(service: &Service, path: &str, body: &Value) -> String {
    let reply = service.post(&format!("{path}?async=true"), body).await;
    let json = reply.json();
    assert_eq!((reply.status, &json["success"], &json["status"]), (202, &true.into(), &202.into()), "{json}");
    assert_eq!(json["data"]["state"], "pending");
    let location = reply.header("location").unwrap().to_owned();
    assert_eq!(location, format!("/api/v1/analyses/{}", json["data"]["analysis_id"].as_str().unwrap()));
    location
}

/// What stands at `location` when the work is done.
pub(crate) async fn finished(service: &Service, location: &str) -> Value {
    loop {
        let data = service.get(location).await.data();
        if data["state"] != "pending" {
            return data;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_result_for_later_is_the_one_that_is_answered_at_once() {
    let service = Service::new();
    let twice = "It never rains but it pours, as they say in the valley. ".repeat(2);
    for (path, body) in [
        ("/api/v1/analyze", json!({"content": twice, "min_passage_words": 5, "offset_unit": "bytes"})),
        (
            "/api/v1/similarity",
            json!({"text1": "one two three four", "text2": "one two three five", "threshold": 0.1}),
        ),
        ("/api/v1/quality", json!({"content": twice, "language": "es"})),
    ] {
        let location = accept(&service, path, &body).await;
        let mut now = service.post(&format!("{path}?async=false"), &body).await.data();
        let later = finished(&service, &location).await;
        assert_eq!(later["state"], "completed");
        assert_eq!(later["operation"], path.rsplit('/').next().unwrap());
        assert_eq!(later["created_at_ms"], STARTED_AT_MS);
        now["analysis_id"] = later["analysis_id"].clone();
        assert_eq!(later["result"], now);
    }
    let metrics = service.get("/metrics").await;
    assert!(metrics.text().contains("analyses_total{operation=\"similarity\"} 2"), "{}", metrics.text());
}

#[tokio::test]
async fn an_analysis_that_nobody_asked_for_is_not_found() {
    let service = Service::new();
    for id in ["ana_00000000000000000000000000", "nonsense", "ana_%00"] {
        service.get(&format!("/api/v1/analyses/{id}")).await.error(404, "NotFound");
    }
}

#[tokio::test]
async fn a_store_without_room_accepts_nothing() {
    let cpu = CpuPoolConfig { workers: 1, queue: 8 };
    let service = Service::over(ServerConfig::default(), Arc::new(MemoryStore::new(0)), cpu);
    let reply = service.post("/api/v1/analyze?async=true", &json!({"content": "one two"})).await;
    reply.error(503, "Unavailable");
    assert!(reply.header("retry-after").is_some());
}
