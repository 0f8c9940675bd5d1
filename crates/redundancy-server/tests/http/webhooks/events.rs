//! Publishing events, and what receivers and callers see of them.

use super::{ENDPOINTS, EVENTS, Receiver, publish, register};
use crate::service::{Service, request};
use axum::http::Method;
use redundancy_server::ServerConfig;
use serde_json::json;

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn an_event_arrives_signed_with_the_fields_and_headers_of_the_contract() {
    let service = Service::delivering();
    let mut receiver = Receiver::new().await;
    let endpoint =
        register(&service, &receiver.url, json!({"events": ["analysis.*"], "headers": {"X-Tenant": "a"}}))
            .await;
    let reply = service.post(EVENTS, &json!({"type": "analysis.completed", "data": {"n": 1}})).await;
    let data = reply.data_with(202);
    assert_eq!(data["deliveries"], 1);
    let arrived = receiver.next().await;
    let secret = endpoint["secret"].as_str().unwrap();
    assert!(arrived.is_signed_with(secret) && !arrived.is_signed_with("another secret of enough bytes"));
    let body = arrived.json();
    assert_eq!(body["id"], data["event_id"]);
    assert_eq!((&body["type"], &body["data"]), (&"analysis.completed".into(), &json!({"n": 1})));
    assert_eq!((&body["user_id"], body["request_id"].as_str()), (&json!(null), reply.header("x-request-id")));
    for (name, value) in [
        ("webhook-id", data["event_id"].as_str().unwrap()),
        ("x-webhook-event", "analysis.completed"),
        ("x-webhook-attempt", "1"),
        ("content-type", "application/json"),
        ("x-tenant", "a"),
        ("x-request-id", reply.header("x-request-id").unwrap()),
    ] {
        assert_eq!(arrived.header(name), value, "{name}");
    }
    let event = service.get(reply.header("location").unwrap()).await.data();
    assert_eq!((&event["id"], &event["timestamp"]), (&body["id"], &body["timestamp"]));
    assert_eq!((&event["data"], &event["deliveries"]), (&json!({"n": 1}), &1.into()));
}

#[tokio::test]
async fn data_is_passed_on_character_by_character() {
    let service = Service::delivering();
    let mut receiver = Receiver::new().await;
    register(&service, &receiver.url, json!({})).await;
    let data = r#"{"b": 1.0, "a": 123456789012345678901234567890,  "e":1e2, "s":"\u00f1"}"#;
    let body = format!(r#"{{"data": {data}, "type": "own.type"}}"#);
    let id = service.post_bytes(EVENTS, &[JSON], body).await.data_with(202)["event_id"].clone();
    let arrived = receiver.next().await;
    let text = str::from_utf8(&arrived.body).unwrap();
    assert!(text.contains(&format!(r#""data":{data},"#)), "{text}");
    let shown = service.get(&format!("{EVENTS}/{}", id.as_str().unwrap())).await;
    assert!(shown.text().contains(&format!(r#""data":{data},"#)), "{}", shown.text());
}

#[tokio::test]
async fn an_event_tells_where_it_comes_from() {
    let service = Service::delivering();
    let mut receiver = Receiver::new().await;
    register(&service, &receiver.url, json!({})).await;
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let headers = [JSON, ("x-request-id", "abc-1"), ("x-user-id", "José"), ("traceparent", traceparent)];
    let body = json!({"type": "own.type", "data": null});
    service.post_bytes(EVENTS, &headers, body.to_string()).await.data_with(202);
    let arrived = receiver.next().await;
    assert_eq!(arrived.header("traceparent"), traceparent);
    assert_eq!(
        (&arrived.json()["request_id"], &arrived.json()["user_id"]),
        (&"abc-1".into(), &"José".into())
    );
    // What the body says goes before the headers.
    let body = json!({"type": "own.type", "data": null, "request_id": "other", "user_id": "someone"});
    service.post_bytes(EVENTS, &headers, body.to_string()).await.data_with(202);
    let arrived = receiver.next().await.json();
    assert_eq!((&arrived["request_id"], &arrived["user_id"]), (&"other".into(), &"someone".into()));
}

#[tokio::test]
async fn a_request_with_the_same_key_is_done_once() {
    let service = Service::delivering();
    let mut receiver = Receiver::new().await;
    register(&service, &receiver.url, json!({})).await;
    let headers = [JSON, ("idempotency-key", "k1")];
    let body = json!({"type": "own.type", "data": {"n": 1}}).to_string();
    let first = service.post_bytes(EVENTS, &headers, body.clone()).await.data_with(202);
    let again = service.post_bytes(EVENTS, &headers, body).await.data_with(202);
    assert_eq!(first, again);
    let other = json!({"type": "own.type", "data": {"n": 2}}).to_string();
    service.post_bytes(EVENTS, &headers, other).await.error(409, "Conflict");
    let last = publish(&service, "own.last").await;
    // Deliveries to one receiver are made side by side.
    let mut arrived = Vec::new();
    for _ in 0..2 {
        arrived.push(receiver.next().await.json()["id"].as_str().unwrap().to_owned());
    }
    arrived.sort();
    assert_eq!(arrived, [first["event_id"].as_str().unwrap(), &*last]);
}

#[tokio::test]
async fn every_fault_of_an_event_is_named_at_once() {
    let service = Service::new();
    let headers = [JSON, ("idempotency-key", "two words"), ("x-user-id", "")];
    let body = json!({"type": "bad name!", "request_id": "a b", "nope": 1}).to_string();
    let reply = service.post_bytes(&format!("{EVENTS}?async=true"), &headers, body).await;
    reply.error(422, "ValidationError");
    let mut fields = reply.fields();
    fields.sort();
    let expected = ["/data", "/nope", "/request_id", "/type", "?async", "Idempotency-Key", "X-User-Id"];
    assert_eq!(fields, expected);
    let twice = [JSON, ("x-user-id", "one"), ("x-user-id", "another")];
    let reply = service.post_bytes(EVENTS, &twice, r#"{"type":"a","data":1}"#).await;
    reply.error(422, "ValidationError");
    assert_eq!(reply.fields(), ["X-User-Id"]);
    let twice = [JSON, ("content-type", "text/plain")];
    let reply = service.post_bytes(EVENTS, &twice, r#"{"type":"a","data":1}"#).await;
    reply.error(415, "UnsupportedMediaType");
    for key in ["", &"x".repeat(256), "ñ"] {
        let headers = [JSON, ("idempotency-key", key)];
        let reply = service.call(request(Method::POST, EVENTS, &headers, r#"{"type":"a","data":1}"#)).await;
        reply.error(422, "ValidationError");
        assert_eq!(reply.fields(), ["Idempotency-Key"]);
    }
}

#[tokio::test]
async fn data_may_have_as_many_bytes_as_a_text() {
    let service = Service::with(ServerConfig { max_content_bytes: 100_000, ..ServerConfig::default() });
    let event = |zeros: usize| json!({"type": "own.type", "data": vec![0; zeros]});
    service.post(EVENTS, &event(49_999)).await.data_with(202);
    let reply = service.post(EVENTS, &event(50_000)).await;
    reply.error(413, "PayloadTooLarge");
    assert_eq!(reply.fields(), ["/data"]);
}

#[tokio::test]
async fn an_analysis_is_told_to_those_who_want_to_hear_of_it() {
    let service = Service::delivering();
    let mut receiver = Receiver::new().await;
    register(&service, &receiver.url, json!({"events": ["analysis.completed"]})).await;
    let headers = [JSON, ("x-request-id", "abc-1"), ("x-user-id", "someone")];
    let body = json!({"content": "One text. One text."}).to_string();
    let found = service.post_bytes("/api/v1/analyze", &headers, body).await.data();
    let arrived = receiver.next().await.json();
    assert_eq!((&arrived["type"], &arrived["data"]), (&"analysis.completed".into(), &found));
    assert_eq!((&arrived["request_id"], &arrived["user_id"]), (&"abc-1".into(), &"someone".into()));
}

#[tokio::test]
async fn endpoints_get_the_types_that_they_want_only() {
    let service = Service::delivering();
    let (mut some, mut all) = (Receiver::new().await, Receiver::new().await);
    register(&service, &some.url, json!({"id": "some", "events": ["batch.*"]})).await;
    register(&service, &all.url, json!({"id": "all"})).await;
    publish(&service, "analysis.completed").await;
    publish(&service, "batch.failed").await;
    assert_eq!(some.next().await.json()["type"], "batch.failed");
    let mut kinds = [all.next().await.json()["type"].clone(), all.next().await.json()["type"].clone()];
    kinds.sort_by_key(ToString::to_string);
    assert_eq!(kinds, ["analysis.completed", "batch.failed"]);
    service.patch(&format!("{ENDPOINTS}/all"), &json!({"is_active": false})).await.data();
    let data = service.post(EVENTS, &json!({"type": "analysis.completed", "data": {}})).await.data_with(202);
    assert_eq!(data["deliveries"], 0);
}

#[tokio::test]
async fn the_kinds_of_events_are_listed() {
    let data = Service::new().get("/api/v1/webhooks/event-types").await.data();
    let kinds: Vec<_> =
        data["items"].as_array().unwrap().iter().map(|item| item["type"].as_str().unwrap()).collect();
    assert!(
        kinds.len() == 13 && kinds.contains(&"analysis.completed") && kinds.contains(&"webhook.ping"),
        "{kinds:?}"
    );
}
