//! Tenants are walls: whatever one of them has, another does not see, whatever it asks and whatever the store.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::caller::Caller;
use crate::kit::{PASSAGE, Place, Service};
use crate::redis_server::RedisServer;

const KEYS: &str = "aaaaaaaaaaaaaaaa:admin:one,bbbbbbbbbbbbbbbb:admin:two,cccccccccccccccc:admin";

/// Between two looks whether something has come. Nobody reads the log meanwhile, so it must not grow too long.
const LOOK: Duration = Duration::from_millis(10);

/// The service on each kind of store.
fn each_store(test: impl Fn(&Service)) {
    let access = [("AUTH_MODE", "api_key"), ("API_KEYS", KEYS)];
    for store in ["memory", "embedded"] {
        let settings = [&access[..], &[("WEBHOOK_STORAGE_TYPE", store)]].concat();
        let place = Place::new();
        test(&place.serve(&settings));
    }
    let (redis, place) = (RedisServer::start(), Place::new());
    let url = redis.url();
    test(&place.serve(&[&access[..], &[("REDIS_URL", &url)]].concat()));
}

/// Makes one of everything, and gives for each kind of path the id of what is there.
fn everything(caller: &Caller<'_>) -> BTreeMap<&'static str, String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let endpoint = json!({"id": "shop", "url": "https://example.com/", "events": ["*"]});
    caller.done("POST", "/api/v1/webhooks/endpoints", Some(&endpoint), 201);
    caller.done("PUT", "/api/v1/documents/page", Some(&json!({"content": PASSAGE})), 201);
    let event =
        caller.done("POST", "/api/v1/webhooks/events", Some(&json!({"type": "a.b", "data": {}})), 202);
    let event = text(&event["event_id"]);
    let deliveries = caller.done("GET", &format!("/api/v1/webhooks/deliveries?event_id={event}"), None, 200);
    let delivery = text(&deliveries["items"][0]["id"]);
    let later = caller.done("POST", "/api/v1/analyze?async=true", Some(&json!({"content": PASSAGE})), 202);
    let batch = json!({"operation": "analyze", "items": [{"content": PASSAGE}]});
    let batch = caller.done("POST", "/api/v1/batches", Some(&batch), 202);
    let replay = json!({"since": "2026-01-01T00:00:00Z"});
    let job = caller.done("POST", "/api/v1/webhooks/endpoints/shop/replay", Some(&replay), 202);
    let job = ["id", "job_id"].iter().find_map(|name| job[*name].as_str()).unwrap().to_owned();
    let key = caller.done("POST", "/api/v1/keys", Some(&json!({"name": "k", "scopes": ["read"]})), 201);
    BTreeMap::from([
        ("/api/v1/webhooks/endpoints", "shop".to_owned()),
        ("/api/v1/documents", "page".to_owned()),
        ("/api/v1/webhooks/events", event),
        ("/api/v1/webhooks/deliveries", delivery.clone()),
        ("/api/v1/webhooks/dead-letters", delivery),
        ("/api/v1/analyses", text(&later["analysis_id"])),
        ("/api/v1/batches", text(&batch["batch_id"])),
        ("/api/v1/webhooks/jobs", job),
        ("/api/v1/keys", text(&key["id"])),
    ])
}

/// A body that would do if the thing were there.
fn body(method: &str, path: &str) -> Option<Value> {
    match (method, path) {
        ("PATCH", _) => Some(json!({"description": "theirs"})),
        ("POST", path) if path.ends_with("/replay") => Some(json!({"since": "2026-01-01T00:00:00Z"})),
        ("POST", _) => Some(json!({})),
        _ => None,
    }
}

#[test]
fn nothing_of_a_tenant_is_there_for_another_by_any_path_of_the_documentation() {
    each_store(|service| {
        let [one, two, nobody] =
            ["aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb", "cccccccccccccccc"].map(|key| Caller::new(service, key));
        let things = everything(&one);
        let document = one.get("/openapi.json").json();
        let mut seen = Vec::new();
        for (template, operations) in document["paths"].as_object().unwrap() {
            let Some((kind, rest)) = template.split_once("/{id}") else { continue };
            let id = things.get(kind).unwrap_or_else(|| panic!("nothing is made for {template}"));
            let path = format!("{kind}/{id}{rest}");
            for method in operations.as_object().unwrap().keys().map(|method| method.to_ascii_uppercase()) {
                // What is put under an id is another tenant's own; that is looked at below.
                if method == "PUT" {
                    continue;
                }
                for (stranger, runs_the_service) in [(&two, false), (&nobody, true)] {
                    // Whoever runs the service sees to all keys.
                    if kind == "/api/v1/keys" && runs_the_service {
                        continue;
                    }
                    let answer = stranger.ask(&method, &path, body(&method, template).as_ref());
                    assert_eq!(answer.status, 404, "{method} {path}: {}", answer.body);
                }
                seen.push(format!("{method} {template}"));
            }
        }
        assert!(seen.len() >= 20, "{seen:?}");
        // All of it is still there for its owner.
        for (kind, id) in
            things.iter().filter(|(kind, _)| !kind.contains("dead-letters") && !kind.contains("keys"))
        {
            assert_eq!(one.get(&format!("{kind}/{id}")).status, 200, "{kind}/{id}");
        }
    });
}

#[test]
fn lists_searches_and_counts_show_a_tenant_its_own_things_only() {
    each_store(|service| {
        let [one, two] = ["aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb"].map(|key| Caller::new(service, key));
        let things = everything(&one);
        let document = one.get("/openapi.json").json();
        for (path, operations) in document["paths"].as_object().unwrap() {
            let is_list =
                operations["get"].is_object() && path.starts_with("/api/v1/") && !path.contains('{');
            if !is_list || !two.get(path).json()["data"]["items"].is_array() {
                continue;
            }
            let items =
                |caller: &Caller<'_>| caller.get(path).json()["data"]["items"].as_array().unwrap().len();
            let dead_letters = path.contains("dead-letters");
            let event_types = path.contains("event-types");
            assert!(items(&one) > 0 || dead_letters || path.contains("clusters"), "{path}");
            assert!(items(&two) == 0 || event_types, "{path}");
        }
        // What is asked for by the ids of another's things.
        let event = &things["/api/v1/webhooks/events"];
        for filter in ["endpoint_id=shop", &format!("event_id={event}")] {
            for list in ["deliveries", "dead-letters"] {
                let path = format!("/api/v1/webhooks/{list}?{filter}");
                assert_eq!(two.done("GET", &path, None, 200)["items"], json!([]), "{path}");
            }
        }
        let requeue = json!({"endpoint_id": "shop"});
        assert_eq!(two.post("/api/v1/webhooks/dead-letters/requeue", &requeue).status, 404);
        let stats = two.done("GET", "/api/v1/webhooks/stats", None, 200);
        assert_eq!((&stats["by_endpoint"], &stats["queue_size"]), (&json!([]), &json!(0)), "{stats}");
        let search = json!({"content": PASSAGE, "threshold": 0.1});
        let found = |caller: &Caller<'_>| {
            caller.done("POST", "/api/v1/duplicates/search", Some(&search), 200)["matches"]
                .as_array()
                .unwrap()
                .len()
        };
        assert_eq!((found(&one), found(&two)), (1, 0));
        // The same names stand for other things.
        let other = json!({"content": "Something else that nobody has said before."});
        let put = two.done("PUT", "/api/v1/documents/page", Some(&other), 201);
        assert_eq!(put["duplicates"], json!([]));
        assert_eq!(one.done("GET", "/api/v1/documents/page", None, 200)["content"], PASSAGE);
        let endpoint = json!({"id": "shop", "url": "https://example.org/", "events": ["x.y"]});
        two.done("POST", "/api/v1/webhooks/endpoints", Some(&endpoint), 201);
        assert_eq!(
            one.done("GET", "/api/v1/webhooks/endpoints/shop", None, 200)["url"],
            "https://example.com/"
        );
        // An event of one tenant goes to none of another's endpoints.
        let event = json!({"type": "x.y", "data": {}});
        assert_eq!(one.done("POST", "/api/v1/webhooks/events", Some(&event), 202)["deliveries"], 1);
        two.done("DELETE", "/api/v1/webhooks/endpoints/shop", None, 204);
        assert_eq!(two.done("POST", "/api/v1/webhooks/events", Some(&event), 202)["deliveries"], 0);
    });
}

#[test]
fn what_a_tenant_has_is_there_after_a_restart_and_goes_on_without_being_asked_for() {
    let place = Place::new();
    let settings = [("AUTH_MODE", "api_key"), ("API_KEYS", KEYS)];
    let service = place.serve(&settings);
    let one = Caller::new(&service, "aaaaaaaaaaaaaaaa");
    let batch = json!({"operation": "index", "items": [{"id": "x", "content": PASSAGE}]});
    let batch =
        one.done("POST", "/api/v1/batches", Some(&batch), 202)["batch_id"].as_str().unwrap().to_owned();
    drop(service);
    let service = place.serve(&settings);
    let one = Caller::new(&service, "aaaaaaaaaaaaaaaa");
    let path = format!("/api/v1/batches/{batch}");
    while one.done("GET", &path, None, 200)["state"] != "completed" {
        std::thread::sleep(LOOK);
    }
    assert_eq!(one.done("GET", "/api/v1/documents/x", None, 200)["content"], PASSAGE);
    assert!(place.path().join("data/tenants/one").is_dir());
    service.signal("TERM");
    let (code, log) = service.ended();
    assert_eq!(code, Some(0), "{log}");
}

#[test]
fn an_administrator_of_a_tenant_makes_keys_of_that_tenant_alone() {
    let place = Place::new();
    let service = place.serve(&[("AUTH_MODE", "api_key"), ("API_KEYS", KEYS)]);
    let one = Caller::new(&service, "aaaaaaaaaaaaaaaa");
    let made = one.done("POST", "/api/v1/keys", Some(&json!({"name": "k", "scopes": ["admin"]})), 201);
    assert_eq!(made["tenant"], "one");
    let foreign = json!({"name": "k", "scopes": ["admin"], "tenant": "two"});
    assert_eq!(one.post("/api/v1/keys", &foreign).status, 403);
    assert_eq!(one.get("/metrics").status, 403);
    assert_eq!(one.get("/api/v1/health/status").status, 403);
}

#[test]
fn metrics_are_about_all_tenants_together() {
    let place = Place::new();
    let service = place.serve(&[("AUTH_MODE", "api_key"), ("API_KEYS", KEYS)]);
    let [one, two, nobody] =
        ["aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb", "cccccccccccccccc"].map(|key| Caller::new(&service, key));
    for caller in [&one, &two, &nobody] {
        let endpoint = json!({"id": "shop", "url": "https://example.com/", "events": ["*"]});
        caller.done("POST", "/api/v1/webhooks/endpoints", Some(&endpoint), 201);
        caller.done("PUT", "/api/v1/documents/page", Some(&json!({"content": PASSAGE})), 201);
    }
    let metrics = nobody.get("/metrics").body;
    for line in [
        "documents_indexed 3",
        "webhook_endpoints{state=\"active\"} 3",
        "webhook_circuit_breaker_state{endpoint_id=\"shop\"} 0",
        "webhook_circuit_breaker_state{endpoint_id=\"one/shop\"} 0",
        "webhook_circuit_breaker_state{endpoint_id=\"two/shop\"} 0",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} is not in\n{metrics}");
    }
}
