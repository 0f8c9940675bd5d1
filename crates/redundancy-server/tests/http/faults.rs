//! Requests that will not do, and what the answer says about them.

use crate::service::{Service, request};
use axum::body::Body;
use axum::http::Method;
use redundancy_server::ServerConfig;
use serde_json::json;

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn a_body_that_cannot_be_read_is_400() {
    let service = Service::new();
    let deep = "[".repeat(100_000);
    let wide = format!("{{\"a\": [{}0]}}", "0,".repeat(100_000));
    for (body, says) in [
        ("".as_bytes(), "empty"),
        (b"  \n", "empty"),
        (b"{\"content\": ", "line 1, column 12"),
        (b"{\"content\": \"a\"\n nonsense}", "line 2"),
        (b"content=a", "line 1, column 1"),
        (b"{\"content\":\"\xff\xfe\"}", "UTF-8"),
        (b"\xff\xfe{\0}\0", "UTF-8"),
        (b"{\"content\": \"\\ud800\"}", "line 1"),
        (deep.as_bytes(), "nests deeper"),
        (wide.as_bytes(), "values"),
    ] {
        let reply = service.post_bytes("/api/v1/analyze", &[JSON], body.to_vec()).await;
        let error = reply.error(400, "ValidationError");
        assert!(error["message"].as_str().unwrap().contains(says), "{says}: {error}");
        assert_eq!(error.get("details"), None);
    }
    // Without a body there is nothing whose kind could be wrong.
    let error = service.post_bytes("/api/v1/analyze", &[], Body::empty()).await.error(400, "ValidationError");
    assert!(error["message"].as_str().unwrap().contains("empty"), "{error}");
}

#[tokio::test]
async fn a_body_that_is_not_marked_as_json_is_415() {
    let service = Service::new();
    let body = r#"{"content": "a text"}"#;
    for headers in [
        vec![],
        vec![("content-type", "text/plain")],
        vec![("content-type", "application/x-www-form-urlencoded")],
        vec![("content-type", "application/json; charset=utf-16")],
        vec![JSON, ("content-encoding", "compress")],
        vec![JSON, ("content-encoding", "gzip, br")],
    ] {
        service.post_bytes("/api/v1/analyze", &headers, body).await.error(415, "UnsupportedMediaType");
    }
    for content_type in ["application/json; charset=utf-8", "application/vnd.api+json", "APPLICATION/JSON"] {
        service.post_bytes("/api/v1/analyze", &[("content-type", content_type)], body).await.data();
    }
}

#[tokio::test]
async fn a_body_of_another_kind_than_an_object_is_422() {
    let service = Service::new();
    for body in ["[]", "null", "5", "\"a text\"", "true"] {
        let reply = service.post_bytes("/api/v1/analyze", &[JSON], body).await;
        let error = reply.error(422, "ValidationError");
        assert!(
            error["message"].as_str().unwrap().starts_with("The body must be a JSON object, not"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn every_fault_of_a_request_is_named_at_once() {
    let service = Service::new();
    let reply = service.post("/api/v1/similarity", &json!({"text1": "", "text2": 3, "threshold": 7})).await;
    reply.error(422, "ValidationError");
    assert_eq!(reply.fields(), ["/text1", "/text2", "/threshold"]);

    let body = json!({
        "content": " \n\t", "language": "english", "min_passage_words": 0, "offset_unit": "words", "user_id": "",
        "nope": 1, "a/b~c": 2,
    });
    let headers = [JSON, ("x-user-id", &*"x".repeat(257))];
    let reply = service.post_bytes("/api/v1/analyze?async=yes&x", &headers, body.to_string()).await;
    reply.error(422, "ValidationError");
    let mut fields = reply.fields();
    fields.sort();
    let expected = [
        "/a~1b~0c",
        "/content",
        "/language",
        "/min_passage_words",
        "/nope",
        "/offset_unit",
        "/user_id",
        "?async",
        "?x",
        "X-User-Id",
    ];
    assert_eq!(fields, expected);
}

#[tokio::test]
async fn a_single_fault_is_told_in_the_message() {
    let service = Service::new();
    for (path, body, message) in [
        ("/api/v1/analyze", json!({}), "/content is missing."),
        ("/api/v1/analyze", json!({"content": 5}), "/content must be a string, not a number."),
        (
            "/api/v1/analyze",
            json!({"content": "x y", "nope": 1}),
            "/nope is not a known field: leave it out or correct its name.",
        ),
        (
            "/api/v1/analyze?asink=true",
            json!({"content": "x y"}),
            "?asink is not a known query parameter: leave it out.",
        ),
        ("/api/v1/analyze?async=1", json!({"content": "x y"}), "?async must be true or false."),
        (
            "/api/v1/similarity",
            json!({"text1": "a", "text2": "b", "threshold": 7}),
            "/threshold must be between 0 and 1.",
        ),
        (
            "/api/v1/quality",
            json!({"content": "x y", "min_passage_words": 4}),
            "/min_passage_words is not a known field: leave it out or correct its name.",
        ),
    ] {
        let error = service.post(path, &body).await.error(422, "ValidationError");
        assert_eq!(error["message"], message);
    }
}

#[tokio::test]
async fn a_field_given_twice_is_a_fault() {
    let body = r#"{"content": "a text", "content": "another"}"#;
    let reply = Service::new().post_bytes("/api/v1/analyze", &[JSON], body).await;
    reply.error(422, "ValidationError");
    assert_eq!(reply.fields(), ["/content"]);
}

#[tokio::test]
async fn routes_without_a_body_refuse_query_parameters_too() {
    let service = Service::new();
    for path in ["/api/v1/stats", "/api/v1/health/status"] {
        service.get(path).await.data();
        let reply = service.get(&format!("{path}?since=1")).await;
        reply.error(422, "ValidationError");
        assert_eq!(reply.fields(), ["?since"]);
    }
}

#[tokio::test]
async fn a_text_over_the_limit_is_413_and_names_the_field() {
    let service = Service::with(ServerConfig { max_content_bytes: 100, ..ServerConfig::default() });
    service.post("/api/v1/analyze", &json!({"content": "a ".repeat(50)})).await.data();
    let reply = service.post("/api/v1/analyze", &json!({"content": "a ".repeat(51), "nope": 1})).await;
    reply.error(413, "PayloadTooLarge");
    assert_eq!(reply.fields(), ["/content", "/nope"]);
    let texts = json!({"text1": "a", "text2": "ñ".repeat(51)});
    let reply = service.post("/api/v1/similarity", &texts).await;
    let error = reply.error(413, "PayloadTooLarge");
    assert_eq!(error["message"], "/text2 has 102 bytes, and at most 100 are taken: split the text.");
}

#[tokio::test]
async fn texts_of_the_full_length_fit_however_json_writes_them() {
    let service = Service::with(ServerConfig { max_content_bytes: 100_000, ..ServerConfig::default() });
    let longest = format!("a{}", "\\u0001".repeat(99_999));
    let body = format!(r#"{{"text1": "{longest}", "text2": "{longest}"}}"#);
    service.post_bytes("/api/v1/similarity", &[JSON], body).await.data();
}

#[tokio::test]
async fn unknown_paths_and_methods_get_the_envelope() {
    let service = Service::new();
    for path in [
        "/api/v1/nothing",
        "/nothing",
        "/api/v1/analyze/",
        "/assets/nothing.css",
        "/assets/..%2FCargo.toml",
        "/assets/%FF",
        "/%00",
    ] {
        service.get(path).await.error(404, "NotFound");
    }
    for (method, path, allow) in [
        (Method::GET, "/api/v1/analyze", "POST"),
        (Method::DELETE, "/api/v1/similarity", "POST"),
        (Method::POST, "/api/v1/stats", "GET,HEAD"),
        (Method::PUT, "/health", "GET,HEAD"),
    ] {
        let reply = service.call(request(method, path, &[], Body::empty())).await;
        reply.error(405, "MethodNotAllowed");
        assert_eq!(reply.header("allow"), Some(allow), "{path}");
    }
}

#[tokio::test]
async fn head_answers_like_get_without_a_body() {
    let service = Service::new();
    for path in ["/health", "/api/v1/stats", "/", "/docs", "/openapi.json", "/metrics"] {
        let reply = service.call(request(Method::HEAD, path, &[], Body::empty())).await;
        assert_eq!((reply.status, reply.body.len()), (200, 0), "{path}");
        assert_eq!(reply.header("content-type"), service.get(path).await.header("content-type"), "{path}");
    }
}

#[tokio::test]
async fn every_answer_carries_a_request_id() {
    let service = Service::new();
    for path in [
        "/health",
        "/api/v1/stats",
        "/api/v1/analyze",
        "/nothing",
        "/",
        "/docs",
        "/assets/style.css",
        "/metrics",
    ] {
        let own = service.call(request(Method::GET, path, &[("x-request-id", "abc-1")], Body::empty())).await;
        assert_eq!(own.header("x-request-id"), Some("abc-1"), "{path}");
        let made = service.get(path).await.header("x-request-id").map(str::to_owned).unwrap();
        assert!(made.starts_with("req_"), "{path}: {made}");
        for bad in ["a b", "a;b", "", &*"x".repeat(129)] {
            let replaced =
                service.call(request(Method::GET, path, &[("x-request-id", bad)], Body::empty())).await;
            assert!(replaced.header("x-request-id").unwrap().starts_with("req_"), "{path}: {bad}");
        }
    }
}

#[tokio::test]
async fn an_answer_never_repeats_what_was_sent() {
    let service = Service::new();
    for body in [
        r#"{"content": "my secret text", "language": "my secret text"}"#,
        r#"{"content": "my secret text"#,
        r#"{"content": my secret text}"#,
        r#"{"content": {"my": "secret"}}"#,
    ] {
        let reply = service.post_bytes("/api/v1/analyze", &[JSON], body).await;
        assert!(reply.status >= 400);
        assert!(!reply.text().contains("secret"), "{}", reply.text());
    }
}

#[tokio::test]
async fn a_path_that_is_not_utf_8_names_nothing_wherever_it_leads() {
    let service = Service::new();
    let document = service.get("/openapi.json").await.json();
    let mut asked = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys().filter(|_| path.contains("{id}")) {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let body = if method == Method::PUT { r#"{"content": "a"}"# } else { "" };
            let headers = if body.is_empty() { &[][..] } else { &[JSON] };
            let path = path.replace("{id}", "%ff");
            let reply = service.call(request(method.clone(), &path, headers, body)).await;
            if method == Method::PUT {
                reply.error(422, "ValidationError");
                assert_eq!(reply.fields(), ["id"]);
            } else {
                reply.error(404, "NotFound");
            }
            asked += 1;
        }
    }
    assert!(asked > 15, "{asked}");
}
