//! What metrics, health and statistics say of deliveries, and what becomes of requests while the store is away.

use super::failing_store::FailingStore;
use super::{DELIVERIES, ENDPOINTS, EVENTS, Receiver, delivery_in, publish, register};
use crate::service::{Reply, Service};
use redundancy_engine::StoreError;
use redundancy_store::MemoryStore;
use serde_json::json;
use std::sync::Arc;

fn assert_has_lines(metrics: &Reply, lines: &[&str]) {
    for line in lines {
        assert!(metrics.text().lines().any(|found| found == *line), "{line} is not in\n{}", metrics.text());
    }
}

#[tokio::test]
async fn every_metric_is_there_from_the_start() {
    let metrics = Service::new().get("/metrics").await;
    let expected = [
        r#"webhook_deliveries_total{status="succeeded",event_type="analysis.completed"} 0"#,
        r#"webhook_delivery_duration_seconds_count{event_type="analysis.completed"} 0"#,
        "# TYPE webhook_circuit_breaker_state gauge",
        "webhook_queue_size 0",
        "webhook_dead_letters 0",
        "webhook_oldest_pending_seconds 0.0",
        "webhook_retries_total 0",
        "webhook_rate_limited_total 0",
    ];
    assert_has_lines(&metrics, &expected);
    for bound in ["0.001", "0.1", "0.5", "1.0", "2.0", "5.0", "10.0", "30.0"] {
        let bucket = format!("webhook_delivery_duration_seconds_bucket{{le=\"{bound}\",");
        assert!(metrics.text().contains(&bucket), "{bucket}\n{}", metrics.text());
    }
}

#[tokio::test]
async fn attempts_are_counted_by_what_became_of_the_delivery() {
    let service = Service::delivering();
    let mut receiver = Receiver::answering(|number| if number == 1 { 429 } else { 200 }).await;
    let retry = json!({"initial_delay_ms": 1, "jitter": 0});
    register(&service, &receiver.url, json!({"id": "one", "retry": retry})).await;
    publish(&service, "own.type").await;
    for _ in 0..2 {
        receiver.next().await;
    }
    delivery_in(&service, "endpoint_id=one", "succeeded").await;
    let expected = [
        r#"webhook_deliveries_total{status="failed",event_type="own.type"} 1"#,
        r#"webhook_deliveries_total{status="succeeded",event_type="own.type"} 1"#,
        r#"webhook_delivery_duration_seconds_count{event_type="own.type"} 2"#,
        r#"webhook_circuit_breaker_state{endpoint_id="one"} 0"#,
        "webhook_retries_total 1",
        "webhook_rate_limited_total 1",
    ];
    assert_has_lines(&service.get("/metrics").await, &expected);
    let more = [
        r#"webhook_attempt_failures_total{reason="status"} 1"#,
        r#"webhook_endpoints{state="active"} 1"#,
        r#"slo_events_total{objective="delivery_success"} 1.0"#,
        r#"slo_missed_events_total{objective="delivery_success"} 0.0"#,
    ];
    assert_has_lines(&service.get("/metrics").await, &more);
    let stats = service.get("/api/v1/stats").await.data()["webhooks"].clone();
    assert_eq!(
        (&stats["delivered"], &stats["retried"], &stats["queue_size"]),
        (&1.into(), &1.into(), &0.into())
    );

    // An endpoint that is deleted takes its line along, as soon as the store is asked anew.
    assert_eq!(service.delete(&format!("{ENDPOINTS}/one")).await.status, 204);
    let look = async {
        while service.get("/metrics").await.text().contains(r#"{endpoint_id="one"}"#) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(super::DEADLINE, look).await.unwrap();
}

#[tokio::test]
async fn a_store_that_is_away_makes_the_service_degraded_and_its_routes_unavailable() {
    let store = Arc::new(FailingStore::default());
    let service = Service::delivering_from(Arc::new(MemoryStore::default()), store.clone());
    register(&service, "https://example.com/", json!({"id": "one"})).await;
    store.fail_with(Some(StoreError::Unavailable("a secret address".to_owned())));
    let event = json!({"type": "own.type", "data": 1});
    let endpoint = json!({"url": "https://example.com/", "events": ["*"]});
    let replies = [
        service.post(EVENTS, &event).await,
        service.post(ENDPOINTS, &endpoint).await,
        service.get(ENDPOINTS).await,
        service.patch(&format!("{ENDPOINTS}/one"), &json!({"is_active": false})).await,
        service.delete(&format!("{ENDPOINTS}/one")).await,
        service.get(DELIVERIES).await,
        service.get("/api/v1/webhooks/stats").await,
    ];
    for reply in &replies {
        reply.error(503, "Unavailable");
        assert!(
            reply.header("retry-after").is_some() && !reply.text().contains("secret"),
            "{}",
            reply.text()
        );
    }
    let ready = service.get("/health/ready").await;
    assert_eq!((ready.status, ready.json()), (200, json!({"status": "degraded"})));
    assert_eq!(service.get("/health").await.json(), json!({"status": "ok"}));
    let health = service.get("/api/v1/health/status").await.data();
    assert_eq!(
        (&health["status"], &health["parts"]["store"]["state"]),
        (&"degraded".into(), &"degraded".into())
    );
    assert_eq!(
        (&health["parts"]["queue"]["state"], &health["parts"]["workers"]["state"]),
        (&"degraded".into(), &"ok".into())
    );
    // A probe had seen it of both.
    assert_eq!(health["parts"]["queue"]["since"], health["parts"]["store"]["since"]);
    assert_eq!(service.get("/api/v1/stats").await.data()["webhooks"], json!(null));
    assert_has_lines(&service.get("/metrics").await, &[r#"store_up{kind="memory"} 0.0"#]);
    // Detection needs no store.
    service.post("/api/v1/analyze", &json!({"content": "a text"})).await.data();

    store.fail_with(Some(StoreError::Full("disk".to_owned())));
    service.post(EVENTS, &event).await.error(503, "Unavailable");
    store.fail_with(Some(StoreError::Unreadable("a secret row".to_owned())));
    let reply = service.post(EVENTS, &event).await;
    reply.error(500, "Internal");
    assert!(!reply.text().contains("secret"), "{}", reply.text());
    store.fail_with(None);
    service.post(EVENTS, &event).await.data_with(202);
    assert_eq!(service.get("/health/ready").await.json(), json!({"status": "ok"}));
    let metrics = service.get("/metrics").await;
    assert_has_lines(&metrics, &[r#"store_up{kind="memory"} 1.0"#]);
}
