//! What matters to browsers: CORS, security headers, compressed answers, pages.

use crate::service::{Reply, Service, request, unpacked};
use axum::body::Body;
use axum::http::{Method, Request};
use redundancy_server::ServerConfig;
use serde_json::json;

async fn preflight(service: &Service, origin: &str) -> Reply {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type,x-request-id"),
    ];
    service.call(request(Method::OPTIONS, "/api/v1/analyze", &headers, Body::empty())).await
}

#[tokio::test]
async fn a_preflight_from_a_known_origin_is_allowed() {
    let service = Service::new();
    for port in [3000, 5173, 4200, 8080, 5000] {
        let origin = format!("http://localhost:{port}");
        let reply = preflight(&service, &origin).await;
        assert!((200..300).contains(&reply.status));
        assert_eq!(reply.header("access-control-allow-origin"), Some(&*origin));
        assert_eq!(reply.header("access-control-max-age"), Some("7200"));
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        let listed = |name: &str, wanted: &str| {
            reply.header(name).unwrap().split(',').any(|one| one.trim().eq_ignore_ascii_case(wanted))
        };
        assert!(listed("access-control-allow-methods", "POST"));
        assert!(listed("access-control-allow-headers", "content-type"));
        assert!(listed("access-control-allow-headers", "x-request-id"));
        assert!(listed("access-control-allow-headers", "idempotency-key"));
        for method in ["GET", "PUT", "PATCH", "DELETE"] {
            assert!(listed("access-control-allow-methods", method), "{method}");
        }
        assert!(listed("vary", "origin"));
    }
}

#[tokio::test]
async fn a_stranger_gets_no_permission() {
    let service = Service::new();
    for origin in ["http://evil.example", "https://localhost:5173", "http://localhost:51730", "null"] {
        assert_eq!(preflight(&service, origin).await.header("access-control-allow-origin"), None, "{origin}");
        let reply = service.call(request(Method::GET, "/health", &[("origin", origin)], Body::empty())).await;
        assert_eq!(reply.header("access-control-allow-origin"), None, "{origin}");
    }
}

#[tokio::test]
async fn a_page_of_a_stranger_changes_nothing_even_without_a_body() {
    let service = Service::new();
    let retry = "/api/v1/webhooks/deliveries/dlv_00000000000000000000000000/retry";
    let call = async |method: Method, site: &str, origin: &str| {
        let headers = [("sec-fetch-site", site), ("origin", origin)];
        service.call(request(method, retry, &headers, Body::empty())).await
    };
    let (stranger, known) = ("https://evil.example", "http://localhost:5173");
    for site in ["cross-site", "same-site"] {
        call(Method::POST, site, stranger).await.error(403, "Forbidden");
        assert_eq!(call(Method::POST, site, known).await.status, 404, "{site}");
    }
    for site in ["same-origin", "none"] {
        assert_eq!(call(Method::POST, site, stranger).await.status, 404, "{site}");
    }
    // A server that passes on what its visitor's browser says has a key, which no page has.
    let passed_on = [("sec-fetch-site", "cross-site"), ("origin", stranger), ("x-api-key", "a key")];
    assert_eq!(service.call(request(Method::POST, retry, &passed_on, Body::empty())).await.status, 404);
    // To look is no change, and whether the page may see the answer is up to CORS.
    assert_eq!(call(Method::GET, "cross-site", stranger).await.status, 405);
}

#[tokio::test]
async fn where_a_browser_does_not_say_whose_page_asks_its_origin_must_be_the_host_or_a_known_one() {
    let service = Service::new();
    let retry = "/api/v1/webhooks/deliveries/dlv_00000000000000000000000000/retry";
    let status = async |path: &str, origin: &str| {
        service.call(request(Method::POST, path, &[("origin", origin)], Body::empty())).await.status
    };
    for stranger in ["http://evil.example", "null", "http://test.evil.example", "http://test:8000", ""] {
        assert_eq!(status(retry, stranger).await, 403, "{stranger}");
    }
    for same in ["http://test", "https://test", "http://TEST", "http://test:80", "http://localhost:5173"] {
        assert_eq!(status(retry, same).await, 404, "{same}");
    }
    for (host, origin, found) in [
        ("test:8000", "http://test:8000", 404),
        ("test:8000", "http://test", 403),
        ("test:80", "http://test", 404),
        ("[::1]:8000", "http://[::1]:8000", 404),
        ("[::1]", "http://[::1]:8000", 403),
    ] {
        let asked = Request::builder().method(Method::POST).uri(retry).header("host", host);
        let reply = service.call(asked.header("origin", origin).body(Body::empty()).unwrap()).await;
        assert_eq!(reply.status, found, "{host} {origin}");
    }
    // As HTTP/2 and proxies ask, with the host in the path.
    let whole = format!("http://test:80{retry}");
    assert_eq!((status(&whole, "http://test").await, status(&whole, "http://other").await), (404, 403));
}

#[tokio::test]
async fn answers_and_errors_can_be_read_by_a_known_origin() {
    let service = Service::new();
    for path in ["/health", "/api/v1/analyze", "/nothing"] {
        let from = [("origin", "http://localhost:5173")];
        let reply = service.call(request(Method::GET, path, &from, Body::empty())).await;
        assert_eq!(reply.header("access-control-allow-origin"), Some("http://localhost:5173"), "{path}");
        let exposed = reply.header("access-control-expose-headers").unwrap();
        assert!(exposed.contains("x-request-id") && exposed.contains("retry-after"), "{exposed}");
        let varies =
            reply.headers.get_all("vary").iter().any(|vary| vary.to_str().unwrap().contains("origin"));
        assert!(varies, "{path}");
    }
}

#[tokio::test]
async fn the_origins_are_those_of_the_settings() {
    let origins = ["https://app.example.com"].map(|origin| origin.parse().unwrap());
    let service = Service::with(ServerConfig { cors_origins: origins.to_vec(), ..ServerConfig::default() });
    let allowed = preflight(&service, "https://app.example.com").await;
    assert_eq!(allowed.header("access-control-allow-origin"), Some("https://app.example.com"));
    assert_eq!(
        preflight(&service, "http://localhost:3000").await.header("access-control-allow-origin"),
        None
    );

    let any =
        Service::with(ServerConfig { cors_origins: vec!["*".parse().unwrap()], ..ServerConfig::default() });
    assert_eq!(preflight(&any, "http://anywhere").await.header("access-control-allow-origin"), Some("*"));

    let none = Service::with(ServerConfig { cors_origins: Vec::new(), ..ServerConfig::default() });
    assert_eq!(preflight(&none, "http://localhost:3000").await.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn every_answer_has_the_security_headers() {
    let service = Service::new();
    for path in [
        "/health",
        "/api/v1/stats",
        "/api/v1/analyze",
        "/nothing",
        "/",
        "/docs",
        "/assets/style.css",
        "/openapi.json",
    ] {
        let reply = service.get(path).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(reply.header(name), Some(value), "{path}: {name}");
        }
        assert!(reply.header("permissions-policy").unwrap().contains("camera=()"), "{path}");
        let policy = reply.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
    }
}

#[tokio::test]
async fn what_the_api_answers_is_not_kept() {
    let service = Service::new();
    for path in ["/api/v1/stats", "/api/v1/analyze", "/health", "/metrics"] {
        assert_eq!(service.get(path).await.header("cache-control"), Some("no-store"), "{path}");
    }
    for path in ["/", "/docs", "/assets/style.css", "/openapi.json"] {
        assert_eq!(service.get(path).await.header("cache-control"), Some("no-cache"), "{path}");
    }
}

fn varies(reply: &Reply) -> bool {
    reply.headers.get_all("vary").iter().any(|vary| vary.to_str().unwrap().contains("accept-encoding"))
}

#[tokio::test]
async fn long_answers_are_compressed_as_the_client_can_read() {
    let service = Service::new();
    let content = "The same words stand here once more. ".repeat(200);
    service.put("/api/v1/documents/long", &json!({"content": content})).await;
    let plain = service.get("/api/v1/documents/long").await;
    assert_eq!(plain.header("content-encoding"), None);
    for encoding in ["gzip", "br", "zstd"] {
        let accept = [("accept-encoding", encoding)];
        let reply =
            service.call(request(Method::GET, "/api/v1/documents/long", &accept, Body::empty())).await;
        assert_eq!(reply.header("content-encoding"), Some(encoding));
        assert!(reply.body.len() < plain.body.len() / 2, "{encoding}: {} bytes", reply.body.len());
        assert_eq!(unpacked(encoding, &reply.body).await, plain.body, "{encoding}");
        assert!(varies(&reply), "{encoding}");
    }
}

#[tokio::test]
async fn pages_are_packed_once_and_handed_out_packed_or_plain() {
    let service = Service::new();
    let plain = service.get("/openapi.json").await;
    assert!(plain.header("content-encoding").is_none() && varies(&plain));
    for (accepted, sent) in [("br, gzip;q=0.5", Some("gzip")), ("br, zstd", None), ("gzip;q=0", None)] {
        let headers = [("accept-encoding", accepted)];
        let reply = service.call(request(Method::GET, "/openapi.json", &headers, Body::empty())).await;
        assert_eq!(reply.header("content-encoding"), sent, "{accepted}");
        assert!(varies(&reply), "{accepted}");
        let body = if sent.is_some() { unpacked("gzip", &reply.body).await } else { reply.body };
        assert_eq!(body, plain.body, "{accepted}");
    }
}

#[tokio::test]
async fn short_answers_are_not_compressed() {
    let service = Service::new();
    let accept = [("accept-encoding", "gzip, br, zstd")];
    let reply = service.call(request(Method::GET, "/health", &accept, Body::empty())).await;
    assert_eq!((reply.header("content-encoding"), reply.text()), (None, r#"{"status":"ok"}"#));
}

#[tokio::test]
async fn pages_and_their_files_come_from_this_server_alone() {
    let service = Service::new();
    for path in ["/", "/docs"] {
        let page = service.get(path).await;
        assert_eq!(
            (page.status, page.header("content-type")),
            (200, Some("text/html; charset=utf-8")),
            "{path}"
        );
        let html = page.text();
        // What the policy of the page would block: code and styles inside the page, and anything from elsewhere.
        for forbidden in [
            "<script>",
            "<style",
            " style=\"",
            " onclick=",
            "src=\"http",
            "href=\"http",
            "src=\"//",
            "@import",
        ] {
            assert!(!html.contains(forbidden), "{path}: {forbidden}");
        }
        let mut files = 0;
        for (_, rest) in html.match_indices("assets/").map(|(start, _)| html.split_at(start)) {
            let file = rest.split('"').next().unwrap();
            assert_eq!(service.get(&format!("/{file}")).await.status, 200, "{path}: {file}");
            files += 1;
        }
        assert!(files >= 3, "{path}: {files}");
    }
    for (file, media_type) in [
        ("style.css", "text/css; charset=utf-8"),
        ("access.js", "text/javascript; charset=utf-8"),
        ("dashboard.js", "text/javascript; charset=utf-8"),
        ("docs.js", "text/javascript; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
    ] {
        let reply = service.get(&format!("/assets/{file}")).await;
        assert_eq!(reply.header("content-type"), Some(media_type));
        assert!(!reply.text().contains("innerHTML") && !reply.text().contains("url(http"), "{file}");
    }
}

#[tokio::test]
async fn every_element_that_the_dashboard_script_asks_for_is_on_the_page() {
    let service = Service::new();
    let (page, script) = (service.get("/").await, service.get("/assets/dashboard.js").await);
    let wanted: Vec<&str> =
        script.text().split("element(\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(wanted.len() > 10);
    for id in wanted {
        assert!(page.text().contains(&format!("id=\"{id}\"")), "{id}");
    }
}

#[tokio::test]
async fn a_client_that_refuses_plain_answers_gets_what_it_takes_or_else_a_plain_one() {
    let service = Service::new();
    for (accepted, sent) in [
        ("*;q=0", None),
        ("identity;q=0", None),
        ("identity; Q=0.000, deflate", None),
        ("br;q=0, *;q=0", None),
        ("identity;q=0, gzip", Some("gzip")),
        ("gzip, *;q=0", Some("gzip")),
        ("identity, *;q=0.1", None),
    ] {
        for path in ["/openapi.json", "/health"] {
            let headers = [("accept-encoding", accepted)];
            let reply = service.call(request(Method::GET, path, &headers, Body::empty())).await;
            let expected = sent.filter(|_| path == "/openapi.json");
            assert_eq!(
                (reply.status, reply.header("content-encoding")),
                (200, expected),
                "{accepted} {path}"
            );
        }
    }
}

#[tokio::test]
async fn options_on_an_unknown_path_is_404_but_a_preflight_is_not() {
    let service = Service::new();
    service.call(request(Method::OPTIONS, "/nope", &[], Body::empty())).await.error(404, "NotFound");
    let headers = [("origin", "http://localhost:5173"), ("access-control-request-method", "GET")];
    assert_eq!(service.call(request(Method::OPTIONS, "/nope", &headers, Body::empty())).await.status, 200);
    let known = service.call(request(Method::OPTIONS, "/health", &[], Body::empty())).await;
    assert_eq!(known.status, 200);
}

#[tokio::test]
async fn every_field_of_the_api_page_has_an_id_and_a_name() {
    let script = Service::new().get("/assets/docs.js").await;
    assert!(script.text().contains("body.id = ") && script.text().contains("body.name = "));
}

#[tokio::test]
async fn who_has_a_page_or_a_file_is_told_that_it_is_the_same() {
    let service = Service::new();
    for path in ["/openapi.json", "/docs", "/", "/assets/style.css"] {
        let first = service.get(path).await;
        let tag = first.header("etag").unwrap().to_owned();
        assert_eq!((first.status, first.header("cache-control")), (200, Some("no-cache")), "{path}");
        let again = request(Method::GET, path, &[("if-none-match", &tag)], Body::empty());
        let again = service.call(again).await;
        assert_eq!((again.status, again.text(), again.header("etag")), (304, "", Some(&*tag)), "{path}");
        // The browser takes over the headers of both.
        for name in ["content-security-policy", "cache-control"] {
            assert_eq!(again.header(name), first.header(name), "{path}: {name}");
        }
    }
}
