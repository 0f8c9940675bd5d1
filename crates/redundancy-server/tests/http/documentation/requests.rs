//! What the `OpenAPI` document says of requests, held against what is taken.

use super::{Furnished, document, operations};
use crate::service::{Service, request};
use axum::body::Body;
use axum::http::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn a_body_is_required_where_nothing_is_done_without_one() {
    let document = document().await;
    let mut can_be_missing = 0;
    for (method, path, operation) in operations(&document) {
        if !operation["requestBody"].is_object() {
            continue;
        }
        let furnished = Furnished::new().await;
        let call = request(
            Method::from_bytes(method.as_bytes()).unwrap(),
            &furnished.path(&path),
            &[],
            Body::empty(),
        );
        let reply = furnished.service.call(call).await;
        let is_required = operation["requestBody"]["required"] == json!(true);
        assert_eq!(is_required, reply.status >= 400, "{method} {path}: {}", reply.text());
        can_be_missing += usize::from(!is_required);
    }
    assert_eq!(can_be_missing, 7);
}

#[tokio::test]
async fn lists_are_as_long_as_is_said() {
    let document = document().await;
    let service = Service::new();
    for (method, path, operation) in operations(&document) {
        let parameters = operation["parameters"].as_array().unwrap();
        let Some(limit) = parameters.iter().find(|parameter| parameter["name"] == "limit") else { continue };
        let schema = &limit["schema"];
        assert_eq!((&schema["minimum"], &schema["maximum"]), (&json!(1), &json!(200)), "{method} {path}");
        for (given, status) in [("0", 422), ("1", 200), ("200", 200), ("201", 422)] {
            assert_eq!(service.get(&format!("{path}?limit={given}")).await.status, status, "{path} {given}");
        }
    }
}

#[tokio::test]
async fn fields_that_cannot_be_taken_back_are_not_described_as_null() {
    let document = document().await;
    let furnished = Furnished::new().await;
    let change = "/api/v1/webhooks/endpoints/one";
    for (name, schema) in
        document["components"]["schemas"]["EndpointChange"]["properties"].as_object().unwrap()
    {
        let reply = furnished.service.patch(change, &json!({ name: null })).await;
        let kinds = [&schema["type"], &schema["oneOf"]];
        let may_be_null = kinds.iter().any(|kind| kind.to_string().contains("null") && !kind.is_null());
        assert_eq!(may_be_null, reply.status == 200, "{name}: {schema}");
    }
}

#[tokio::test]
async fn moments_are_taken_as_milliseconds_too() {
    let document = document().await;
    let moment = json!({"$ref": "#/components/schemas/Moment"});
    let is_moment = |schema: &Value| schema == &moment || schema["oneOf"][0]["$ref"] == moment["$ref"];
    let schemas = &document["components"]["schemas"];
    let furnished = Furnished::new().await;
    let since = &schemas["ReplayBody"]["properties"]["since"];
    assert!(since["$ref"] == moment["$ref"] && is_moment(&schemas["ReplayBody"]["properties"]["until"]));
    let replay = "/api/v1/webhooks/endpoints/one/replay";
    furnished.service.post(replay, &json!({"since": 0, "until": 0})).await.data_with(202);
    for path in ["/api/v1/webhooks/deliveries", "/api/v1/webhooks/dead-letters"] {
        let parameters = document["paths"][path]["get"]["parameters"].as_array().unwrap();
        for name in ["since", "until"] {
            let parameter = parameters.iter().find(|parameter| parameter["name"] == name).unwrap();
            assert!(is_moment(&parameter["schema"]), "{path} {name}");
            assert_eq!(furnished.service.get(&format!("{path}?{name}=0")).await.status, 200, "{path} {name}");
        }
    }
}
