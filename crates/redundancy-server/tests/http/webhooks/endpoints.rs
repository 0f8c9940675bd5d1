//! Registering, showing, changing and deleting endpoints.

use super::{ENDPOINTS, id_of, register};
use crate::service::Service;
use serde_json::json;

const URL: &str = "https://example.com/hooks";

#[tokio::test]
async fn an_endpoint_is_registered_and_its_secret_shown_once() {
    let service = Service::new();
    let reply =
        service.post(ENDPOINTS, &json!({"url": URL, "events": ["analysis.completed", "batch.*"]})).await;
    let data = reply.data_with(201);
    let id = id_of(&data).to_owned();
    assert!(id.starts_with("ep_") && data["secret"].as_str().unwrap().starts_with("whsec_"), "{data}");
    assert_eq!(reply.header("location"), Some(&*format!("{ENDPOINTS}/{id}")));
    let mut shown = service.get(&format!("{ENDPOINTS}/{id}")).await.data();
    assert_eq!(service.get(ENDPOINTS).await.data(), json!({"items": [shown], "next_cursor": null}));
    let retry = json!({
        "max_attempts": 8, "initial_delay_ms": 5000, "multiplier": 4.0, "max_delay_ms": 36_000_000, "jitter": 0.2,
        "schedule_ms": null,
    });
    let expected = json!({
        "id": id, "url": URL, "events": ["analysis.completed", "batch.*"], "description": null, "headers": {},
        "timeout_ms": 30000, "retry": retry, "rate_limit": null, "max_in_flight": 32, "is_active": true,
        "signature": "v1", "metadata": {},
        "circuit": {"state": "closed", "since": "2026-01-02T03:04:05.678Z", "failures": 0},
        "counts": {"pending": 0, "in_flight": 0, "dead_letters": 0, "delivered": 0, "failed": 0, "retried": 0},
        "created_at": "2026-01-02T03:04:05.678Z", "updated_at": "2026-01-02T03:04:05.678Z",
    });
    assert_eq!(shown, expected);
    shown["secret"] = data["secret"].clone();
    assert_eq!(data, shown);
}

#[tokio::test]
async fn the_same_id_again_is_a_conflict() {
    let service = Service::new();
    register(&service, URL, json!({"id": "main-webhook"})).await;
    let body = json!({"id": "main-webhook", "url": URL, "events": ["*"]});
    service.post(ENDPOINTS, &body).await.error(409, "Conflict");
}

#[tokio::test]
async fn every_fault_of_an_endpoint_is_named_at_once() {
    let service = Service::new();
    let few = json!({"id": "a b", "url": "ftp://x", "events": ["bad name!"]});
    let reply = service.post(ENDPOINTS, &few).await;
    reply.error(422, "ValidationError");
    assert_eq!(reply.fields(), ["/id", "/url", "/events/0"]);

    // What a field rule sees and what only the rules for endpoints see, in one answer.
    let many = json!({
        "url": "http://10.0.0.1/", "events": [], "secret": "short", "timeout_ms": 5, "max_in_flight": -1,
        "retry": {"max_attempts": 0, "multiplier": "x", "jitter": 2, "schedule_ms": [1, null], "nope": 1},
        "rate_limit": {"requests": 0}, "headers": {"Host": "x", "X-A": 1}, "metadata": [], "signature": "v2",
        "is_active": "yes", "created_at": 1,
    });
    let reply = service.post(ENDPOINTS, &many).await;
    reply.error(422, "ValidationError");
    let mut fields = reply.fields();
    fields.sort();
    // `/headers/Host` shows when the other headers are sound.
    let expected = [
        "/created_at",
        "/events",
        "/headers/X-A",
        "/is_active",
        "/max_in_flight",
        "/metadata",
        "/rate_limit/per_seconds",
        "/retry/jitter",
        "/retry/max_attempts",
        "/retry/multiplier",
        "/retry/nope",
        "/retry/schedule_ms/1",
        "/secret",
        "/signature",
        "/timeout_ms",
        "/url",
    ];
    assert_eq!(fields, expected);
    service.post(ENDPOINTS, &json!({})).await.error(422, "ValidationError");
    assert_eq!(service.get(ENDPOINTS).await.data()["items"], json!([]));
}

#[tokio::test]
async fn messages_about_fields_read_as_sentences() {
    let service = Service::new();
    for (body, message) in [
        (json!({"url": "ftp://x", "events": ["*"]}), "/url must begin with http:// or https://."),
        (json!({"url": URL, "events": ["*"], "timeout_ms": 1}), "/timeout_ms must be from 100 to 60000."),
        (
            json!({"url": URL, "events": ["*"], "headers": {"Host": "x"}}),
            "/headers/Host is set by the service: leave it out.",
        ),
        (json!({"url": URL, "events": "*"}), "/events must be a list, not a string."),
        (json!({"url": URL, "events": null}), "/events must not be null."),
        (json!({"url": URL}), "/events is missing."),
    ] {
        assert_eq!(service.post(ENDPOINTS, &body).await.error(422, "ValidationError")["message"], message);
    }
}

#[tokio::test]
async fn whole_numbers_may_be_written_with_a_fraction_of_nothing() {
    let data = register(&Service::new(), URL, json!({"timeout_ms": 8000.0, "max_in_flight": 2e0})).await;
    assert_eq!((&data["timeout_ms"], &data["max_in_flight"]), (&8000.into(), &2.into()));
}

#[tokio::test]
async fn a_patch_changes_what_is_given_and_null_takes_back_to_the_default() {
    let service = Service::new();
    let fields = json!({
        "id": "one", "description": "first", "headers": {"X-A": "1"}, "metadata": {"team": 7}, "timeout_ms": 500,
        "rate_limit": {"requests": 5, "per_seconds": 1}, "max_in_flight": 3,
        "retry": {"max_attempts": 3, "jitter": 0, "schedule_ms": [1, 2]},
    });
    let before = register(&service, URL, fields).await;
    let path = format!("{ENDPOINTS}/one");
    let change = json!({"events": ["batch.*"], "retry": {"initial_delay_ms": 7, "schedule_ms": null}, "signature": "v1a"});
    let after = service.patch(&path, &change).await.data();
    assert_eq!(after["events"], json!(["batch.*"]));
    assert_eq!(after["retry"]["schedule_ms"], json!(null));
    for (field, expected) in [("max_attempts", 3), ("initial_delay_ms", 7), ("max_delay_ms", 36_000_000)] {
        assert_eq!(after["retry"][field], expected, "{field}");
    }
    assert!(after["public_key"].as_str().unwrap().starts_with("whpk_"));
    for field in
        ["description", "headers", "metadata", "timeout_ms", "rate_limit", "max_in_flight", "url", "id"]
    {
        assert_eq!(after[field], before[field], "{field}");
    }
    let cleared = json!({
        "description": null, "headers": null, "metadata": null, "timeout_ms": null, "rate_limit": null,
        "max_in_flight": null, "retry": null,
    });
    let after = service.patch(&path, &cleared).await.data();
    let expected = json!([null, {}, {}, 30000, null, 32]);
    let found = ["description", "headers", "metadata", "timeout_ms", "rate_limit", "max_in_flight"];
    assert_eq!(json!(found.map(|field| after[field].clone())), expected);
    assert_eq!((&after["retry"]["max_attempts"], &after["retry"]["jitter"]), (&8.into(), &0.2.into()));
    assert_eq!(service.get(&path).await.data(), after);
}

#[tokio::test]
async fn a_patch_that_will_not_do_names_every_fault_and_changes_nothing() {
    let service = Service::new();
    register(&service, URL, json!({"id": "one"})).await;
    let path = format!("{ENDPOINTS}/one");
    let before = service.get(&path).await.data();
    let wrong = json!({
        "id": "two", "created_at": "x", "secret": "a secret of enough bytes", "url": null, "is_active": null,
        "timeout_ms": 1, "retry": {"nope": 1, "jitter": -1}, "circuit": {}, "description": "changed",
    });
    let reply = service.patch(&path, &wrong).await;
    reply.error(422, "ValidationError");
    let mut fields = reply.fields();
    fields.sort();
    let expected = [
        "/circuit",
        "/created_at",
        "/id",
        "/is_active",
        "/retry/jitter",
        "/retry/nope",
        "/secret",
        "/timeout_ms",
        "/url",
    ];
    assert_eq!(fields, expected);
    assert_eq!(service.get(&path).await.data(), before);
    service.patch(&format!("{ENDPOINTS}/none"), &json!({})).await.error(404, "NotFound");
}

#[tokio::test]
async fn a_deleted_endpoint_is_gone() {
    let service = Service::new();
    register(&service, URL, json!({"id": "one"})).await;
    let path = format!("{ENDPOINTS}/one");
    let reply = service.delete(&path).await;
    assert_eq!((reply.status, reply.text()), (204, ""));
    service.delete(&path).await.error(404, "NotFound");
    service.get(&path).await.error(404, "NotFound");
    assert_eq!(service.get(ENDPOINTS).await.data()["items"], json!([]));
}

#[tokio::test]
async fn a_long_list_comes_in_parts_and_a_made_up_cursor_is_refused() {
    let service = Service::new();
    for number in 0..5 {
        register(&service, URL, json!({"id": format!("e{number}")})).await;
    }
    let (mut seen, mut query) = (Vec::new(), "limit=2".to_owned());
    loop {
        let page = service.get(&format!("{ENDPOINTS}?{query}")).await.data();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        seen.extend(items.iter().map(|item| id_of(item).to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        query = format!("limit=2&cursor={cursor}");
    }
    assert_eq!(seen, ["e0", "e1", "e2", "e3", "e4"]);
    let reply = service.get(&format!("{ENDPOINTS}?limit=0&cursor=nonsense&page=2")).await;
    reply.error(422, "ValidationError");
    assert_eq!(reply.fields(), ["?limit", "?cursor", "?page"]);
}

#[tokio::test]
async fn what_is_not_there_is_404_in_the_envelope() {
    let service = Service::new();
    for (resource, id) in [
        ("endpoints", "none"),
        ("endpoints", "a%20b"),
        ("endpoints", "%FF"),
        ("endpoints", "none/secret"),
        ("events", "evt_00000000000000000000000000"),
        ("events", "nonsense"),
        ("deliveries", "dlv_00000000000000000000000000"),
        ("jobs", "job_00000000000000000000000000"),
        ("jobs", "dlv_00000000000000000000000000"),
    ] {
        service.get(&format!("/api/v1/webhooks/{resource}/{id}")).await.error(404, "NotFound");
    }
    for action in [
        "endpoints/none/test",
        "endpoints/none/rotate-secret",
        "deliveries/dlv_00000000000000000000000000/retry",
        "deliveries/dlv_00000000000000000000000000/cancel",
        "dead-letters/dlv_00000000000000000000000000/requeue",
    ] {
        service.post(&format!("/api/v1/webhooks/{action}"), &json!({})).await.error(404, "NotFound");
    }
    let replay = service.post(&format!("{ENDPOINTS}/none/replay"), &json!({"since": 0})).await;
    replay.error(404, "NotFound");
    service.delete("/api/v1/webhooks/dead-letters/nonsense").await.error(404, "NotFound");
}
