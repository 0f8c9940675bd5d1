//! The `OpenAPI` document and its page, held against what the service really does.

use crate::analyses;
use crate::service::{Service, request};
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

/// The id of an analysis that was accepted for later, and done.
async fn accepted(service: &Service) -> String {
    let location = analyses::accept(service, "/api/v1/analyze", &json!({"content": "one two three"})).await;
    analyses::finished(service, &location).await;
    location.rsplit('/').next().unwrap().to_owned()
}

#[tokio::test]
async fn every_route_of_the_contract_is_described_and_there() {
    let service = Service::new();
    let document = document().await;
    let mut described: Vec<String> =
        operations(&document).iter().map(|(method, path, _)| format!("{method} {path}")).collect();
    described.sort();
    let expected = [
        "GET /api/v1/analyses/{id}",
        "GET /api/v1/health/status",
        "GET /api/v1/stats",
        "GET /health",
        "GET /health/live",
        "GET /health/ready",
        "GET /metrics",
        "GET /openapi.json",
        "POST /api/v1/analyze",
        "POST /api/v1/quality",
        "POST /api/v1/similarity",
    ];
    assert_eq!(described, expected);
    let id = accepted(&service).await;
    for (method, path, _) in operations(&document) {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let path = path.replace("{id}", &id);
        let status = service.call(request(method, &path, &[], Body::empty())).await.status;
        assert!(!matches!(status, 404 | 405), "{path}: {status}");
    }
}

#[tokio::test]
async fn every_example_works_and_every_answer_is_as_described() {
    let service = Service::new();
    let id = accepted(&service).await;
    let document = document().await;
    for (method, path, operation) in operations(&document) {
        let content = &operation["requestBody"]["content"]["application/json"];
        let reply = if method == "POST" {
            assert_fits(&document, &content["schema"], &content["example"], &path);
            service.post(&path, &content["example"]).await
        } else {
            service.get(&path.replace("{id}", &id)).await
        };
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        let described = &operation["responses"]["200"]["content"];
        let content_type = reply.header("content-type").unwrap();
        let schema = &described[content_type]["schema"];
        assert!(schema.is_object(), "{path}: {content_type} is not described");
        if content_type == "application/json" {
            assert_fits(&document, schema, &reply.json(), &path);
        }
        assert!(operation["responses"]["200"]["headers"]["X-Request-Id"].is_object(), "{path}");
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
    ] {
        let reply = service.post_bytes(path, &[("content-type", "application/json")], body).await;
        let response = &document["paths"][path]["post"]["responses"][reply.status.to_string()];
        let response = resolved(&document, response);
        assert_eq!(&response["content"]["application/json"]["schema"], failure);
        assert_fits(&document, failure, &reply.json(), path);
        assert_fits(&document, failure, &response["content"]["application/json"]["example"], path);
    }
    for (_, path, operation) in operations(&document) {
        let statuses: Vec<&str> =
            operation["responses"].as_object().unwrap().keys().map(String::as_str).collect();
        let expected: &[&str] = match path.as_str() {
            "/api/v1/analyze" | "/api/v1/similarity" | "/api/v1/quality" => {
                &["200", "202", "400", "413", "415", "422", "500", "503", "504"]
            }
            "/api/v1/analyses/{id}" => &["200", "404", "422", "500", "503", "504"],
            "/api/v1/stats" => &["200", "422", "500", "503", "504"],
            "/api/v1/health/status" => &["200", "422", "500", "504"],
            "/health/ready" => &["200", "500", "503", "504"],
            _ => &["200", "500", "504"],
        };
        assert_eq!(statuses, expected, "{path}");
    }
    let unavailable = &document["components"]["responses"]["Unavailable"];
    assert!(unavailable["headers"]["Retry-After"].is_object());
}

#[tokio::test]
async fn bodies_are_described_as_closed() {
    let document = document().await;
    for name in ["AnalyzeBody", "SimilarityBody", "QualityBody"] {
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
    ] {
        assert!(page.text().contains(&format!("<code>{field}</code>")), "{field}");
    }
    for kind in [
        "integer from 1 to 1000, default 8",
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
    assert_eq!(header["schema"], json!({"type": "string", "minLength": 1, "maxLength": 256}));
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
