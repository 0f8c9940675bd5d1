//! Deliveries: every attempt of them, and what can be done with them.

use super::{
    DEAD_LETTERS, DELIVERIES, ENDPOINTS, Receiver, delivery_in, ended_job, id_of, publish, register, until,
};
use crate::service::{Service, request};
use axum::body::Body;
use axum::http::Method;
use serde_json::{Value, json};

/// Two attempts, right after each other.
fn twice() -> Value {
    json!({"max_attempts": 2, "initial_delay_ms": 1, "multiplier": 1, "jitter": 0})
}

/// A second attempt that no test waits for.
fn late() -> Value {
    json!({"max_attempts": 2, "initial_delay_ms": 600_000})
}

#[tokio::test]
async fn what_fails_is_tried_again_becomes_a_dead_letter_and_can_be_requeued() {
    let service = Service::delivering();
    let mut receiver = Receiver::answering(|number| if number <= 2 { 500 } else { 200 }).await;
    let events = json!(["own.type"]);
    register(&service, &receiver.url, json!({"id": "one", "events": events, "retry": twice()})).await;
    let event = publish(&service, "own.type").await;
    let (first, second) = (receiver.next().await, receiver.next().await);
    assert_eq!((first.header("x-webhook-attempt"), second.header("x-webhook-attempt")), ("1", "2"));
    assert_eq!((&first.body, first.header("webhook-id")), (&second.body, &*event));

    let dead =
        until(&service, &format!("{DEAD_LETTERS}?endpoint_id=one"), |data| data["items"][0].is_object())
            .await;
    let dead = &dead["items"][0];
    assert_eq!((&dead["state"], &dead["attempt_count"]), (&"exhausted".into(), &2.into()));
    assert_eq!((&dead["last_status"], &dead["last_failure"]), (&500.into(), &"status".into()));
    let path = format!("{DEAD_LETTERS}/{}/requeue", id_of(dead));
    let requeued = service.post(&path, &json!({})).await.data();
    assert_eq!((&requeued["id"], &requeued["state"]), (&dead["id"], &"pending".into()));
    assert_eq!(receiver.next().await.header("x-webhook-attempt"), "3");

    delivery_in(&service, "endpoint_id=one", "succeeded").await;
    let shown = service.get(&format!("{DELIVERIES}/{}", id_of(dead))).await.data();
    let attempts = shown["attempts"].as_array().unwrap();
    let statuses: Vec<_> = attempts.iter().map(|attempt| attempt["status"].clone()).collect();
    assert_eq!(statuses, [500, 500, 200]);
    assert_eq!(attempts[2]["response_body"], "answer 3");
    assert!(
        attempts[2]["response_headers"]
            .as_array()
            .unwrap()
            .contains(&json!({"name": "x-receiver", "value": "test"}))
    );
    assert_eq!((&attempts[0]["failure"], &attempts[2]["failure"]), (&"status".into(), &json!(null)));
    assert!(attempts[0]["duration_ms"].as_f64().unwrap() > 0.0);
    assert_eq!(service.get(DEAD_LETTERS).await.data()["items"], json!([]));
    // No dead letter any more.
    service.post(&path, &json!({})).await.error(409, "Conflict");
    let stats = service.get("/api/v1/webhooks/stats").await.data();
    let one = &stats["by_endpoint"][0];
    assert_eq!(
        (&one["endpoint_id"], &one["delivered"], &one["failed"], &one["retried"]),
        (&"one".into(), &1.into(), &1.into(), &2.into())
    );
    assert_eq!((&one["success_rate"], &one["queue_size"]), (&0.5.into(), &0.into()));
    assert!(one["latency_ms"]["p50"].as_f64().unwrap() > 0.0);
}

#[tokio::test]
async fn a_pending_delivery_can_be_cancelled_and_retried() {
    let service = Service::delivering();
    let mut receiver = Receiver::answering(|number| if number == 1 { 500 } else { 200 }).await;
    register(&service, &receiver.url, json!({"id": "one", "retry": late()})).await;
    publish(&service, "own.type").await;
    let delivery = until(&service, DELIVERIES, |data| {
        data["items"][0]["due_at"].is_string() && data["items"][0]["attempt_count"] == 1
    })
    .await;
    let path = format!("{DELIVERIES}/{}", id_of(&delivery["items"][0]));
    assert_eq!(service.post(&format!("{path}/cancel"), &json!({})).await.data()["state"], "cancelled");
    service.post(&format!("{path}/cancel"), &json!({})).await.error(409, "Conflict");
    assert_eq!(receiver.next().await.header("x-webhook-attempt"), "1");
    // Without a body at all.
    assert_eq!(service.post_bytes(&format!("{path}/retry"), &[], "").await.data()["state"], "pending");
    assert_eq!(receiver.next().await.header("x-webhook-attempt"), "2");
    let reply = service.post(&format!("{path}/retry?now"), &json!({"nope": 1})).await;
    reply.error(422, "ValidationError");
    assert_eq!(reply.fields(), ["?now", "/nope"]);
}

#[tokio::test]
async fn a_deleted_endpoint_takes_its_pending_deliveries_along() {
    let service = Service::delivering();
    let mut receiver = Receiver::answering(|_| 500).await;
    register(&service, &receiver.url, json!({"id": "one", "retry": late()})).await;
    publish(&service, "own.type").await;
    receiver.next().await;
    let pending = until(&service, DELIVERIES, |data| data["items"][0]["attempt_count"] == 1).await;
    assert_eq!(service.delete(&format!("{ENDPOINTS}/one")).await.status, 204);
    let delivery = delivery_in(&service, "endpoint_id=one", "cancelled").await;
    assert_eq!(delivery["id"], pending["items"][0]["id"]);
    service.post(&format!("{DELIVERIES}/{}/retry", id_of(&delivery)), &json!({})).await.error(410, "Gone");
}

#[tokio::test]
async fn lists_of_deliveries_are_filtered_and_come_in_parts() {
    let service = Service::delivering();
    let mut receiver = Receiver::new().await;
    for id in ["one", "two"] {
        register(&service, &receiver.url, json!({"id": id})).await;
    }
    let events = [
        publish(&service, "own.a").await,
        publish(&service, "own.b").await,
        publish(&service, "own.a").await,
    ];
    for _ in 0..6 {
        receiver.next().await;
    }
    let done = format!("{DELIVERIES}?state=succeeded");
    until(&service, &done, |data| data["items"].as_array().unwrap().len() == 6).await;
    let count = async |query: &str| {
        service.get(&format!("{DELIVERIES}?{query}")).await.data()["items"].as_array().unwrap().len()
    };
    assert_eq!(count("endpoint_id=one").await, 3);
    assert_eq!(count("event_type=own.a").await, 4);
    assert_eq!(count(&format!("event_id={}&endpoint_id=two", events[1])).await, 1);
    assert_eq!(count("state=pending").await, 0);
    assert_eq!(count("since=2100-01-01T00:00:00Z").await, 0);
    assert_eq!(count("until=2100-01-01T00:00:00%2B01:00&since=0").await, 6);

    let (mut seen, mut query) = (Vec::new(), "limit=4".to_owned());
    loop {
        let page = service.get(&format!("{DELIVERIES}?{query}")).await.data();
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| id_of(item).to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        query = format!("limit=4&cursor={cursor}");
    }
    assert_eq!(seen.len(), 6);
    assert!(seen.is_sorted_by(|one, next| one > next), "newest first: {seen:?}");

    let query = "endpoint_id=a%20b&event_id=x&event_type=bad!&state=dead&since=yesterday&until=&limit=201&cursor=x&nope";
    let reply = service.get(&format!("{DELIVERIES}?{query}")).await;
    reply.error(422, "ValidationError");
    let expected = [
        "?endpoint_id",
        "?event_id",
        "?event_type",
        "?since",
        "?until",
        "?state",
        "?limit",
        "?cursor",
        "?nope",
    ];
    assert_eq!(reply.fields(), expected);
    service.get(&format!("{DEAD_LETTERS}?state=pending")).await.error(422, "ValidationError");
}

#[tokio::test]
async fn many_dead_letters_are_requeued_by_a_job() {
    let service = Service::delivering();
    let mut receiver = Receiver::answering(|number| if number <= 3 { 500 } else { 200 }).await;
    register(
        &service,
        &receiver.url,
        json!({"id": "one", "events": ["own.*"], "retry": {"max_attempts": 1}}),
    )
    .await;
    for kind in ["own.a", "own.b", "own.a"] {
        publish(&service, kind).await;
    }
    until(&service, DEAD_LETTERS, |data| data["items"].as_array().unwrap().len() == 3).await;
    let reply = service.post(&format!("{DEAD_LETTERS}/requeue"), &json!({"event_type": "own.a"})).await;
    let job = reply.data_with(202);
    assert_eq!((&job["kind"], &job["state"]), (&"requeue".into(), &"running".into()));
    let ended = ended_job(&service, reply.header("location").unwrap()).await;
    assert_eq!(
        (&ended["state"], &ended["queued"], &ended["id"]),
        (&"completed".into(), &2.into(), &job["id"])
    );
    for _ in 0..5 {
        receiver.next().await;
    }
    let left = until(&service, DEAD_LETTERS, |data| data["items"].as_array().unwrap().len() == 1).await;
    assert_eq!(left["items"][0]["event_type"], "own.b");
    // The last one is laid aside.
    let path = format!("{DEAD_LETTERS}/{}", id_of(&left["items"][0]));
    assert_eq!(service.delete(&path).await.status, 204);
    service.delete(&path).await.error(409, "Conflict");
    assert_eq!(service.get(DEAD_LETTERS).await.data()["items"], json!([]));
    let reply =
        service.post(&format!("{DEAD_LETTERS}/requeue"), &json!({"state": "pending", "since": "x"})).await;
    reply.error(422, "ValidationError");
    assert_eq!(reply.fields(), ["/since", "/state"]);
}

#[tokio::test]
async fn events_of_the_past_are_replayed_to_an_endpoint() {
    let service = Service::delivering();
    let mut receiver = Receiver::new().await;
    let event = publish(&service, "own.early").await;
    publish(&service, "other.early").await;
    register(&service, &receiver.url, json!({"id": "one"})).await;
    // Up to now, and the event may have been published in this very millisecond.
    let body = json!({"since": "2026-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z", "events": ["own.*"]});
    let reply = service.post(&format!("{ENDPOINTS}/one/replay"), &body).await;
    assert_eq!(reply.data_with(202)["endpoint_id"], "one");
    let ended = ended_job(&service, reply.header("location").unwrap()).await;
    assert_eq!((&ended["kind"], &ended["queued"]), (&"replay".into(), &1.into()));
    assert_eq!(receiver.next().await.json()["id"], event);
    let reply = service
        .post(&format!("{ENDPOINTS}/one/replay"), &json!({"states": ["pending"], "events": ["a*"]}))
        .await;
    reply.error(422, "ValidationError");
    assert_eq!(reply.fields(), ["/since", "/states/0", "/events/0"]);
}

#[tokio::test]
async fn a_test_event_is_sent_at_once_and_its_attempt_answered() {
    let service = Service::delivering();
    let mut receiver = Receiver::answering(|number| if number == 1 { 503 } else { 200 }).await;
    register(&service, &receiver.url, json!({"id": "one", "is_active": false})).await;
    let path = format!("{ENDPOINTS}/one/test");
    let failed = service.post(&path, &json!({})).await.data();
    assert_eq!(
        (&failed["status"], &failed["succeeded"], &failed["failure"]),
        (&503.into(), &false.into(), &"status".into())
    );
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let traceparent = format!("00-{trace}-00f067aa0ba902b7-01");
    let headers = [
        ("content-type", "application/json"),
        ("x-request-id", "tested"),
        ("x-user-id", "ana"),
        ("traceparent", traceparent.as_str()),
    ];
    let tested = service.call(request(Method::POST, &path, &headers, Body::from("{}"))).await.data();
    assert_eq!(
        (&tested["succeeded"], &tested["number"], &tested["response_body"]),
        (&true.into(), &1.into(), &"answer 2".into())
    );
    receiver.next().await;
    let arrived = receiver.next().await;
    let header = |name: &str| arrived.header(name).to_owned();
    assert!(header("traceparent").contains(trace), "{}", header("traceparent"));
    assert_eq!(header("x-request-id"), "tested");
    let arrived = arrived.json();
    assert_eq!((&arrived["type"], &arrived["id"]), (&"webhook.ping".into(), &tested["event_id"]));
    assert_eq!((&arrived["request_id"], &arrived["user_id"]), (&"tested".into(), &"ana".into()));
    assert_eq!(service.get(DELIVERIES).await.data()["items"], json!([]));
}
