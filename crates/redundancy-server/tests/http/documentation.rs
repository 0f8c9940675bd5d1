//! The `OpenAPI` document and its page, held against what the service really does.

mod links;
mod requests;

use crate::service::{Reply, Service, request};
use crate::webhooks::{self, DEAD_LETTERS, DELIVERIES, ENDPOINTS, Receiver};
use crate::{analyses, batches};
use axum::body::Body;
use axum::http::Method;
use redundancy_server::ServerConfig;
use serde_json::{Value, json};

async fn document() -> Value {
    Service::new().get("/openapi.json").await.json()
}

/// Method, path and description of every operation.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().iter();
            methods.map(|(method, operation)| (method.to_uppercase(), path.clone(), operation))
        })
        .collect()
}

fn resolved<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    match value["$ref"].as_str() {
        Some(reference) => {
            document.pointer(reference.trim_start_matches('#')).unwrap_or_else(|| panic!("{reference}"))
        }
        None => value,
    }
}

/// Checks that `value` has every required field of `schema`, no field that it does not describe, and its types.
fn assert_fits(document: &Value, schema: &Value, value: &Value, place: &str) {
    let schema = resolved(document, schema);
    let alternatives: Vec<&Value> = schema["oneOf"].as_array().into_iter().flatten().collect();
    if !alternatives.is_empty() {
        let fits = alternatives.iter().any(|one| has_type(resolved(document, one), value));
        assert!(fits, "{place}: {value} is none of {schema}");
        return;
    }
    let parts: Vec<&Value> = match schema["allOf"].as_array() {
        Some(parts) => parts.iter().map(|part| resolved(document, part)).collect(),
        None => vec![schema],
    };
    assert!(parts.iter().all(|part| has_type(part, value)), "{place}: {value} is not {schema}");
    for item in value.as_array().into_iter().flatten() {
        assert_fits(document, &schema["items"], item, &format!("{place}[]"));
    }
    let is_open =
        parts.iter().all(|part| part["properties"].is_null() && part["additionalProperties"].is_null());
    let Some(members) = value.as_object().filter(|_| !is_open) else { return };
    for required in parts.iter().flat_map(|part| part["required"].as_array().into_iter().flatten()) {
        assert!(members.contains_key(required.as_str().unwrap()), "{place} lacks {required}");
    }
    for (name, member) in members {
        let described =
            parts.iter().find_map(|part| part["properties"].get(name).or(part.get("additionalProperties")));
        let described = described.unwrap_or_else(|| panic!("{place}.{name} is not described"));
        assert_fits(document, described, member, &format!("{place}.{name}"));
    }
}

fn has_type(schema: &Value, value: &Value) -> bool {
    let is = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_u64() || value.is_i64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => false,
    };
    let names = schema["type"].as_array().cloned().unwrap_or_else(|| vec![schema["type"].clone()]);
    let has_kind = names.iter().any(|name| name.as_str().is_none_or(is));
    let listed = schema["enum"].as_array().is_none_or(|values| values.contains(value));
    has_kind && listed
}

#[tokio::test]
async fn the_document_is_openapi_3_1_and_its_references_lead_somewhere() {
    let document = document().await;
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(document.pointer(reference).is_some(), "{reference}");
    }
}

/// A service where everything that paths can name is there, and the ids of it.
struct Furnished {
    service: Service,
    _receiver: Receiver,
    ids: Vec<(&'static str, String)>,
}

impl Furnished {
    async fn new() -> Self {
        let service = Service::delivering_alone();
        let receiver = Receiver::answering(|_| 500).await;
        let location =
            analyses::accept(&service, "/api/v1/analyze", &json!({"content": "one two three"})).await;
        analyses::finished(&service, &location).await;
        let fields =
            json!({"id": "one", "events": ["own.dead", "own.waits"], "retry": {"initial_delay_ms": 600_000}});
        webhooks::register(&service, &receiver.url, fields).await;
        let event = webhooks::publish(&service, "own.waits").await;
        let path = format!("{DELIVERIES}?event_type=own.waits");
        let waits = webhooks::until(&service, &path, |data| {
            data["items"][0]["due_at"].is_string() && data["items"][0]["attempt_count"] == 1
        })
        .await;
        let waiting = webhooks::id_of(&waits["items"][0]).to_owned();
        service.patch(&format!("{ENDPOINTS}/one"), &json!({"retry": {"max_attempts": 1}})).await.data();
        webhooks::publish(&service, "own.dead").await;
        let dead = webhooks::delivery_in(&service, "event_type=own.dead", "exhausted").await;
        let requeue = service.post(&format!("{DEAD_LETTERS}/requeue"), &json!({"event_type": "none"})).await;
        let document = json!({"content": "There is a text.", "metadata": {"of": "a test"}});
        service.put("/api/v1/documents/policy-7", &document).await.data_with(201);
        let batch =
            batches::accept(&service, "quality", &[json!({"content": "The cat sat on the mat."})]).await;
        let key =
            service.post("/api/v1/keys", &json!({"name": "ci", "scopes": ["read"]})).await.data_with(201);
        let ids = vec![
            ("/api/v1/keys/", key["id"].as_str().unwrap().to_owned()),
            ("/api/v1/documents/", "policy-7".to_owned()),
            ("/api/v1/batches/", batch.rsplit('/').next().unwrap().to_owned()),
            ("/api/v1/analyses/", location.rsplit('/').next().unwrap().to_owned()),
            ("/api/v1/webhooks/endpoints/", "one".to_owned()),
            ("/api/v1/webhooks/events/", event),
            ("/api/v1/webhooks/deliveries/", waiting),
            ("/api/v1/webhooks/dead-letters/", webhooks::id_of(&dead).to_owned()),
            ("/api/v1/webhooks/jobs/", webhooks::id_of(&requeue.data_with(202)).to_owned()),
        ];
        Self { service, _receiver: receiver, ids }
    }

    /// The path with an id that is there.
    fn path(&self, template: &str) -> String {
        let known = self.ids.iter().find(|(beginning, _)| template.starts_with(beginning));
        template.replace("{id}", known.map_or("", |(_, id)| id))
    }

    /// Calls an operation with its example.
    async fn call(&self, method: &str, template: &str, operation: &Value) -> Reply {
        let example = &operation["requestBody"]["content"]["application/json"]["example"];
        let (headers, body): (&[(&str, &str)], _) = if example.is_null() {
            (&[], String::new())
        } else {
            (&[("content-type", "application/json")], example.to_string())
        };
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        self.service.call(request(method, &self.path(template), headers, body)).await
    }
}

#[tokio::test]
async fn every_route_of_the_contract_is_described_and_there() {
    let service = Service::new();
    let document = document().await;
    let mut described: Vec<String> =
        operations(&document).iter().map(|(method, path, _)| format!("{method} {path}")).collect();
    described.sort();
    let expected = [
        "DELETE /api/v1/batches/{id}",
        "DELETE /api/v1/documents/{id}",
        "DELETE /api/v1/keys/{id}",
        "DELETE /api/v1/webhooks/dead-letters/{id}",
        "DELETE /api/v1/webhooks/endpoints/{id}",
        "GET /api/v1/analyses/{id}",
        "GET /api/v1/audit",
        "GET /api/v1/batches",
        "GET /api/v1/batches/{id}",
        "GET /api/v1/batches/{id}/results",
        "GET /api/v1/documents",
        "GET /api/v1/documents/{id}",
        "GET /api/v1/duplicates/clusters",
        "GET /api/v1/health/status",
        "GET /api/v1/keys",
        "GET /api/v1/slo",
        "GET /api/v1/stats",
        "GET /api/v1/webhooks/dead-letters",
        "GET /api/v1/webhooks/deliveries",
        "GET /api/v1/webhooks/deliveries/{id}",
        "GET /api/v1/webhooks/endpoints",
        "GET /api/v1/webhooks/endpoints/{id}",
        "GET /api/v1/webhooks/endpoints/{id}/secret",
        "GET /api/v1/webhooks/event-types",
        "GET /api/v1/webhooks/events/{id}",
        "GET /api/v1/webhooks/jobs/{id}",
        "GET /api/v1/webhooks/stats",
        "GET /health",
        "GET /health/live",
        "GET /health/ready",
        "GET /metrics",
        "GET /openapi.json",
        "PATCH /api/v1/webhooks/endpoints/{id}",
        "POST /api/v1/analyze",
        "POST /api/v1/batches",
        "POST /api/v1/documents",
        "POST /api/v1/documents/bulk",
        "POST /api/v1/duplicates/search",
        "POST /api/v1/keys",
        "POST /api/v1/quality",
        "POST /api/v1/similarity",
        "POST /api/v1/webhooks/dead-letters/requeue",
        "POST /api/v1/webhooks/dead-letters/{id}/requeue",
        "POST /api/v1/webhooks/deliveries/{id}/cancel",
        "POST /api/v1/webhooks/deliveries/{id}/retry",
        "POST /api/v1/webhooks/endpoints",
        "POST /api/v1/webhooks/endpoints/{id}/replay",
        "POST /api/v1/webhooks/endpoints/{id}/rotate-secret",
        "POST /api/v1/webhooks/endpoints/{id}/test",
        "POST /api/v1/webhooks/events",
        "PUT /api/v1/documents/{id}",
    ];
    assert_eq!(described, expected);
    for (method, path, operation) in operations(&document) {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let reply = service.call(request(method, &path.replace("{id}", "none"), &[], Body::empty())).await;
        assert_ne!(reply.status, 405, "{path}");
        if reply.status == 404 {
            assert!(path.contains("{id}") && !reply.text().contains("nothing at this path"), "{path}");
        }
        let described = &operation["responses"][reply.status.to_string()];
        assert!(described.is_object(), "{path}: {}", reply.status);
    }
}

#[tokio::test]
async fn every_example_works_and_every_answer_is_as_described() {
    let document = document().await;
    let mut furnished = Furnished::new().await;
    for (method, path, operation) in operations(&document) {
        // What may have changed what is there leaves the next one things of its own.
        if path.contains("{id}") {
            furnished = Furnished::new().await;
        }
        let content = &operation["requestBody"]["content"]["application/json"];
        if content.is_object() {
            assert_fits(&document, &content["schema"], &content["example"], &path);
        }
        let reply = furnished.call(&method, &path, operation).await;
        let described = &operation["responses"][reply.status.to_string()];
        assert!(reply.status < 300 && described.is_object(), "{method} {path}: {}", reply.text());
        assert!(described["headers"]["X-Request-Id"].is_object(), "{path}");
        if reply.status == 204 {
            assert_eq!((reply.text(), &described["content"]), ("", &json!(null)), "{path}");
            continue;
        }
        let content_type = reply.header("content-type").unwrap();
        let schema = &described["content"][content_type]["schema"];
        assert!(schema.is_object(), "{path}: {content_type} is not described");
        if content_type == "application/json" {
            assert_fits(&document, schema, &reply.json(), &path);
        }
    }
}

#[tokio::test]
async fn every_error_is_as_described() {
    let service = Service::new();
    let document = document().await;
    let failure = &json!({"$ref": "#/components/schemas/Failure"});
    for (path, body) in [
        ("/api/v1/analyze", "{"),
        ("/api/v1/similarity", "{\"text1\": 1}"),
        ("/api/v1/quality", "{\"content\": \"\"}"),
        ("/api/v1/webhooks/endpoints", "{\"retry\": {\"nope\": 1}}"),
        ("/api/v1/webhooks/events", "{}"),
    ] {
        let reply = service.post_bytes(path, &[("content-type", "application/json")], body).await;
        let response = &document["paths"][path]["post"]["responses"][reply.status.to_string()];
        let response = resolved(&document, response);
        assert_eq!(&response["content"]["application/json"]["schema"], failure);
        assert_fits(&document, failure, &reply.json(), path);
        assert_fits(&document, failure, &response["content"]["application/json"]["example"], path);
    }
    for (method, path, operation) in operations(&document) {
        let responses = operation["responses"].as_object().unwrap();
        let failures: Vec<&str> =
            responses.keys().map(String::as_str).filter(|status| *status >= "400").collect();
        let has_body = operation["requestBody"].is_object();
        let mut expected = vec!["500", "504"];
        if path.starts_with("/api/") {
            expected.push("422");
        }
        if path.starts_with("/api/") || path == "/metrics" {
            expected.extend(["401", "403", "429"]);
        }
        let is_always_answered = path.contains("/health") || path == "/api/v1/slo";
        if (path.starts_with("/api/") && !is_always_answered) || path == "/health/ready" {
            expected.push("503");
        }
        // A bulk requeue may be for one endpoint.
        if (path.contains("{id}") && method != "PUT") || path.ends_with("/dead-letters/requeue") {
            expected.push("404");
        }
        if has_body {
            expected.extend(["400", "413", "415"]);
        }
        let can_conflict = ["/retry", "/cancel", "/requeue", "/rotate-secret", "/replay"]
            .iter()
            .any(|end| path.ends_with(end))
            || matches!(
                (&*method, &*path),
                ("POST", "/api/v1/webhooks/endpoints" | "/api/v1/webhooks/events")
                    | ("PATCH", _)
                    | ("DELETE", "/api/v1/webhooks/dead-letters/{id}" | "/api/v1/batches/{id}")
            );
        if can_conflict {
            expected.push("409");
        }
        if can_conflict && (path.contains("/deliveries/{id}") || path.contains("/dead-letters/{id}")) {
            expected.push("410");
        }
        expected.sort_unstable();
        assert_eq!(failures, expected, "{method} {path}");
        for status in failures.iter().filter(|status| path != "/health/ready" || **status != "503") {
            let response = resolved(&document, &responses[*status]);
            assert_eq!(&response["content"]["application/json"]["schema"], failure, "{path} {status}");
        }
    }
    let unavailable = &document["components"]["responses"]["Unavailable"];
    assert!(unavailable["headers"]["Retry-After"].is_object());
}

#[tokio::test]
async fn bodies_are_described_as_closed() {
    let document = document().await;
    for name in [
        "AnalyzeBody",
        "SimilarityBody",
        "QualityBody",
        "NewEndpointBody",
        "EndpointChange",
        "RetryBody",
        "RateLimitBody",
        "RotationBody",
        "ReplayBody",
        "EventBody",
        "DeadLetterFilterBody",
        "NoFields",
        "DocumentBody",
        "NewDocumentBody",
        "SearchBody",
        "BatchBody",
    ] {
        assert_eq!(document["components"]["schemas"][name]["additionalProperties"], false, "{name}");
    }
}

#[tokio::test]
async fn the_page_shows_every_operation_and_its_fields_without_scripts() {
    let document = document().await;
    let page = Service::new().get("/docs").await;
    for (method, path, _) in operations(&document) {
        assert!(page.text().contains(&format!("data-method=\"{method}\" data-path=\"{path}\"")), "{path}");
    }
    for field in [
        "content",
        "min_passage_words",
        "data.repeated_passages[].occurrences[].start",
        "data.containment.text1_in_text2",
        "data.metrics",
        "data.suggestions[].span.end",
        "data.parts.workers.running",
        "retry.max_attempts",
        "data.circuit.state",
        "data.items[].event_id",
        "data.attempts[].response_headers[].name",
        "data.by_endpoint[].latency_ms.p99",
    ] {
        assert!(page.text().contains(&format!("<code>{field}</code>")), "{field}");
    }
    for kind in [
        "integer from 1 to 1000, default 8",
        "integer from 100 to 60000, default 30000",
        "chars, bytes, utf16, default &quot;chars&quot;",
        "list of objects",
    ] {
        assert!(page.text().contains(kind), "{kind}");
    }
}

#[tokio::test]
async fn what_is_switched_off_is_not_described() {
    let config = ServerConfig { enable_metrics: false, ..ServerConfig::default() };
    let service = Service::with(config);
    let document = service.get("/openapi.json").await.json();
    assert!(document["paths"]["/health"].is_object() && document["paths"]["/metrics"].is_null());
    assert!(!service.get("/docs").await.text().contains("data-path=\"/metrics\""));
}

#[tokio::test]
async fn the_length_of_a_user_id_is_described_for_the_header_too() {
    let document = document().await;
    let parameters = document["paths"]["/api/v1/analyze"]["post"]["parameters"].as_array().unwrap();
    let header = parameters.iter().find(|parameter| parameter["name"] == "X-User-Id").unwrap();
    let described = &document["components"]["schemas"]["UserId"];
    assert_eq!((&described["minLength"], &described["maxLength"]), (&json!(1), &json!(256)));
    assert_eq!(&header["schema"], described);
}

#[tokio::test]
async fn probes_and_metrics_ignore_query_parameters_as_the_document_says() {
    let service = Service::new();
    let document = document().await;
    assert!(document["info"]["description"].as_str().unwrap().contains("ignore query parameters"));
    for path in ["/health", "/health/live", "/health/ready", "/metrics"] {
        assert_eq!(service.get(&format!("{path}?since=1")).await.status, 200, "{path}");
    }
}
