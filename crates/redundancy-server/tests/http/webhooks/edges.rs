//! What callers get wrong: input that would be taken and then mean nothing, and deliveries that nobody would get.

use super::{
    DEAD_LETTERS, DELIVERIES, ENDPOINTS, EVENTS, Receiver, ended_job, id_of, publish, register, until,
};
use crate::service::Service;
use redundancy_server::ServerConfig;
use serde_json::{Value, json};
use std::time::Duration;

const URL: &str = "https://example.com/hooks";

#[tokio::test]
async fn headers_whose_names_differ_by_capitals_alone_are_refused() {
    let service = Service::new();
    let body =
        json!({"url": URL, "events": ["*"], "headers": {"X-Tenant": "a", "x-tenant": "b", "X-Other": "c"}});
    let reply = service.post(ENDPOINTS, &body).await;
    reply.error(422, "ValidationError");
    assert_eq!(reply.fields(), ["/headers/x-tenant"]);
    register(&service, URL, json!({"id": "one"})).await;
    let reply = service.patch(&format!("{ENDPOINTS}/one"), &json!({"headers": body["headers"]})).await;
    assert_eq!(reply.fields(), ["/headers/x-tenant"]);
}

#[tokio::test]
async fn control_characters_are_refused_wherever_people_or_programs_read_a_line() {
    let service = Service::new();
    let body = json!({
        "url": URL, "events": ["*"], "description": "one\u{1b}[2Jtwo", "secret": "sixteen bytes or more\n",
        "headers": {"X-A": "a\tb", "X-B": "a\r\nX-C: d"},
    });
    let reply = service.post(ENDPOINTS, &body).await;
    reply.error(422, "ValidationError");
    let mut fields = reply.fields();
    fields.sort();
    assert_eq!(fields, ["/description", "/headers/X-A", "/headers/X-B", "/secret"]);
    let reply =
        service.post(EVENTS, &json!({"type": "a", "data": 1, "request_id": "a\n", "user_id": "a\n"})).await;
    assert_eq!(reply.fields(), ["/request_id", "/user_id"]);
}

#[tokio::test]
async fn what_the_service_says_of_deliveries_cannot_be_published_by_callers() {
    let service = Service::new();
    for kind in ["endpoint.disabled", "delivery.exhausted", "webhook.ping"] {
        let error =
            service.post(EVENTS, &json!({"type": kind, "data": {}})).await.error(422, "ValidationError");
        assert_eq!(
            error["message"],
            "/type is a type that only the service publishes: choose a name of your own."
        );
        // Endpoints may well want them.
        register(&service, URL, json!({"events": [kind]})).await;
    }
    for kind in ["analysis.completed", "batch.failed", "document.deleted", "system.error", "delivery.started"]
    {
        publish(&service, kind).await;
    }
}

#[tokio::test]
async fn a_name_of_events_has_something_between_its_full_stops() {
    let service = Service::new();
    for kind in [".", "..", ".a", "a.", "a..b"] {
        let reply = service.post(EVENTS, &json!({"type": kind, "data": {}})).await;
        reply.error(422, "ValidationError");
        assert_eq!(reply.fields(), ["/type"], "{kind}");
    }
    let reply =
        service.post(ENDPOINTS, &json!({"url": URL, "events": ["a.b", "..*", "a..b", "*", "a.*"]})).await;
    reply.error(422, "ValidationError");
    assert_eq!(reply.fields(), ["/events/1", "/events/2"]);
}

#[tokio::test]
async fn a_time_that_ends_before_it_begins_and_a_list_of_nothing_are_refused() {
    let service = Service::new();
    register(&service, URL, json!({"id": "one"})).await;
    for list in [DELIVERIES, DEAD_LETTERS] {
        let reply = service.get(&format!("{list}?since=2&until=1")).await;
        reply.error(422, "ValidationError");
        assert_eq!(reply.fields(), ["?until"]);
        service.get(&format!("{list}?since=2&until=2")).await.data();
        for empty in ["endpoint_id", "event_id", "event_type", "since", "until", "limit", "cursor"] {
            let reply = service.get(&format!("{list}?{empty}=")).await;
            assert_eq!(reply.fields(), [format!("?{empty}")]);
        }
    }
    assert_eq!(service.get(&format!("{DELIVERIES}?state=")).await.fields(), ["?state"]);
    let reply = service.post(&format!("{DEAD_LETTERS}/requeue"), &json!({"since": 2, "until": 1})).await;
    assert_eq!(reply.fields(), ["/until"]);
    let path = format!("{ENDPOINTS}/one/replay");
    let reply = service.post(&path, &json!({"since": 2, "until": 1, "states": [], "events": []})).await;
    let mut fields = reply.fields();
    fields.sort();
    assert_eq!(fields, ["/events", "/states", "/until"]);
    // Up to now, when no end is given.
    let reply = service.post(&path, &json!({"since": "2100-01-01T00:00:00Z"})).await;
    assert_eq!(reply.fields(), ["/since"]);
}

#[tokio::test]
async fn a_list_for_an_endpoint_that_never_was_is_empty_and_a_requeue_for_it_is_not_found() {
    let service = Service::new();
    for list in [DELIVERIES, DEAD_LETTERS] {
        assert_eq!(service.get(&format!("{list}?endpoint_id=none")).await.data()["items"], json!([]));
    }
    let reply = service.post(&format!("{DEAD_LETTERS}/requeue"), &json!({"endpoint_id": "none"})).await;
    reply.error(404, "NotFound");
}

/// A dead letter of the endpoint `one`.
async fn dead_letter(service: &Service, receiver: &mut Receiver) -> String {
    let fields = json!({"id": "one", "events": ["own.type"], "retry": {"max_attempts": 1}});
    register(service, &receiver.url, fields).await;
    publish(service, "own.type").await;
    receiver.next().await;
    let dead = until(service, DEAD_LETTERS, |data| data["items"][0].is_object()).await;
    id_of(&dead["items"][0]).to_owned()
}

/// Asks for all ways to have the dead letter `id` attempted again, and checks that each is refused so. The way that means all dead
/// letters leaves it alone.
async fn all_ways_to_attempt_it_again_end_with(
    service: &Service,
    id: &str,
    status: u16,
    kind: &str,
) -> Value {
    let requeued = service.post(&format!("{DEAD_LETTERS}/requeue"), &json!({})).await;
    requeued.data_with(202);
    let job = ended_job(service, requeued.header("location").unwrap()).await;
    assert_eq!(
        (&job["state"], &job["examined"], &job["queued"]),
        (&"completed".into(), &1.into(), &0.into())
    );
    service.post(&format!("{DELIVERIES}/{id}/retry"), &json!({})).await.error(status, kind);
    let error = service.post(&format!("{DEAD_LETTERS}/{id}/requeue"), &json!({})).await.error(status, kind);
    let dead = service.get(DEAD_LETTERS).await.data();
    assert_eq!((&dead["items"][0]["id"], &dead["items"][0]["state"]), (&id.into(), &"exhausted".into()));
    error
}

#[tokio::test]
async fn what_nobody_would_get_is_not_queued_while_its_endpoint_is_inactive() {
    let service = Service::delivering();
    let mut receiver = Receiver::answering(|number| if number == 1 { 500 } else { 200 }).await;
    let id = dead_letter(&service, &mut receiver).await;
    let path = format!("{ENDPOINTS}/one");
    service.patch(&path, &json!({"is_active": false})).await.data();
    let error = all_ways_to_attempt_it_again_end_with(&service, &id, 409, "Conflict").await;
    assert!(error["message"].as_str().unwrap().contains(r#"PATCH it with {"is_active": true}"#), "{error}");
    let some = service.post(&format!("{DEAD_LETTERS}/requeue"), &json!({"endpoint_id": "one"})).await;
    some.error(409, "Conflict");
    service.post(&format!("{path}/replay"), &json!({"since": 0})).await.error(409, "Conflict");
    // It can still be laid aside, and the remedy helps.
    service.patch(&path, &json!({"is_active": true})).await.data();
    service.post(&format!("{DEAD_LETTERS}/{id}/requeue"), &json!({})).await.data();
    assert_eq!(receiver.next().await.header("x-webhook-attempt"), "2");
}

#[tokio::test]
async fn an_endpoint_does_not_get_what_was_for_another_one_that_had_its_id() {
    let service = Service::delivering();
    let mut receiver = Receiver::answering(|number| if number == 1 { 500 } else { 200 }).await;
    let id = dead_letter(&service, &mut receiver).await;
    let path = format!("{ENDPOINTS}/one");
    assert_eq!(service.delete(&path).await.status, 204);
    let laid_aside = service.delete(&format!("{DEAD_LETTERS}/{id}")).await.error(410, "Gone");
    assert!(laid_aside["message"].as_str().unwrap().contains("retention"), "{laid_aside}");
    let (mut other, fields) = (Receiver::new().await, json!({"id": "one", "events": ["own.type"]}));
    let made = register(&service, &other.url, fields).await;
    let dead = service.get(&format!("{DELIVERIES}/{id}")).await.data();
    assert!(dead["updated_at"].as_str() < made["created_at"].as_str(), "{dead} {made}");
    let error = all_ways_to_attempt_it_again_end_with(&service, &id, 410, "Gone").await;
    assert!(error["message"].as_str().unwrap().contains("replay"), "{error}");
    // Who wants that, says so.
    service.post(&format!("{path}/replay"), &json!({"since": 0})).await.data_with(202);
    assert_eq!(other.next().await.json()["id"], dead["event_id"]);
}

#[tokio::test]
async fn a_test_ends_before_the_time_for_its_request_is_over() {
    let config = ServerConfig { request_timeout: Duration::from_secs(2), ..ServerConfig::default() };
    let service = Service::with(config);
    // Takes connections and says nothing.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", silent.local_addr().unwrap());
    register(&service, &url, json!({"id": "slow", "timeout_ms": 60_000})).await;
    let tested = service.post(&format!("{ENDPOINTS}/slow/test"), &json!({})).await.data();
    assert_eq!((&tested["failure"], &tested["timeout_ms"]), (&"timeout".into(), &1500.into()));
    service.patch(&format!("{ENDPOINTS}/slow"), &json!({"timeout_ms": 100})).await.data();
    let tested = service.post(&format!("{ENDPOINTS}/slow/test"), &json!({})).await.data();
    assert_eq!((&tested["failure"], &tested["timeout_ms"]), (&"timeout".into(), &100.into()));
}

#[tokio::test]
async fn a_test_that_is_answered_410_leaves_the_endpoint_active() {
    let service = Service::delivering();
    let receiver = Receiver::answering(|_| 410).await;
    register(&service, &receiver.url, json!({"id": "one"})).await;
    let tested = service.post(&format!("{ENDPOINTS}/one/test"), &json!({})).await.data();
    assert_eq!(tested["status"], 410);
    assert_eq!(service.get(&format!("{ENDPOINTS}/one")).await.data()["is_active"], true);
}
