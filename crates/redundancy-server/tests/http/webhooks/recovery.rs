//! Endpoints that fail: circuit breakers, 410, and secrets that change.

use super::{ENDPOINTS, Receiver, publish, register, until};
use crate::service::Service;
use serde_json::json;

#[tokio::test]
async fn a_breaker_that_opens_shows_in_the_endpoint_and_in_the_metrics() {
    let service = Service::delivering();
    let mut receiver = Receiver::answering(|_| 500).await;
    let fields =
        json!({"id": "one", "events": ["own.type"], "retry": {"max_attempts": 1}, "max_in_flight": 1});
    register(&service, &receiver.url, fields).await;
    for _ in 0..6 {
        publish(&service, "own.type").await;
    }
    for _ in 0..5 {
        receiver.next().await;
    }
    let path = format!("{ENDPOINTS}/one");
    let shown = until(&service, &path, |data| data["circuit"]["state"] == "open").await;
    assert_eq!(shown["circuit"]["failures"], 5);
    assert_eq!((&shown["counts"]["dead_letters"], &shown["counts"]["pending"]), (&5.into(), &1.into()));
    let metrics = service.get("/metrics").await;
    for line in [
        r#"webhook_circuit_breaker_state{endpoint_id="one"} 1"#,
        r#"webhook_deliveries_total{status="exhausted",event_type="own.type"} 5"#,
        r#"webhook_delivery_duration_seconds_count{event_type="own.type"} 5"#,
        "webhook_queue_size 1",
        "webhook_dead_letters 5",
    ] {
        assert!(metrics.text().lines().any(|found| found == line), "{line} is not in\n{}", metrics.text());
    }
    // Making it active forgives it, once it was not.
    service.patch(&path, &json!({"is_active": false})).await.data();
    let forgiven = service.patch(&path, &json!({"is_active": true})).await.data();
    assert_eq!(
        (&forgiven["circuit"]["state"], &forgiven["circuit"]["failures"]),
        (&"closed".into(), &0.into())
    );
    receiver.next().await;
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_disabled_until_it_is_made_active() {
    let service = Service::delivering();
    let mut receiver = Receiver::answering(|number| if number == 1 { 410 } else { 200 }).await;
    register(&service, &receiver.url, json!({"id": "one", "events": ["own.type"]})).await;
    publish(&service, "own.type").await;
    receiver.next().await;
    let path = format!("{ENDPOINTS}/one");
    let disabled = until(&service, &path, |data| data["is_active"] == false).await;
    assert_eq!(disabled["disabled_reason"], "gone");
    let active = service.patch(&path, &json!({"is_active": true})).await.data();
    assert_eq!((&active["is_active"], active.get("disabled_reason")), (&true.into(), None));
    let event = publish(&service, "own.type").await;
    assert_eq!(receiver.next().await.json()["id"], event);
}

#[tokio::test]
async fn both_secrets_sign_after_a_rotation_and_one_with_no_overlap() {
    let service = Service::delivering();
    let mut receiver = Receiver::new().await;
    let endpoint = register(&service, &receiver.url, json!({"id": "one"})).await;
    let old = endpoint["secret"].as_str().unwrap();
    let rotate = format!("{ENDPOINTS}/one/rotate-secret");
    let rotated = service.post_bytes(&rotate, &[], "").await.data();
    let new = rotated["secret"].as_str().unwrap();
    // A day after the first millisecond of the service, about.
    assert!(rotated["previous_expires_at"].as_str().unwrap().starts_with("2026-01-03T"), "{rotated}");
    publish(&service, "own.type").await;
    let arrived = receiver.next().await;
    assert!(old != new && arrived.is_signed_with(old) && arrived.is_signed_with(new));
    assert_eq!(service.get(&format!("{ENDPOINTS}/one/secret")).await.data(), json!({"secret": new}));

    let own = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let rotated = service.post(&rotate, &json!({"secret": own, "overlap_seconds": 0})).await.data();
    assert_eq!(rotated["secret"], own);
    publish(&service, "own.type").await;
    let arrived = receiver.next().await;
    assert!(arrived.is_signed_with(own) && !arrived.is_signed_with(new));
    let reply = service.post(&rotate, &json!({"secret": "whsk_x", "overlap_seconds": 1e9, "nope": 1})).await;
    reply.error(422, "ValidationError");
    assert_eq!(reply.fields(), ["/secret", "/overlap_seconds", "/nope"]);
}
