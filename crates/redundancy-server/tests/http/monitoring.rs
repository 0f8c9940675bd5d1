//! Health, statistics and metrics.

use crate::service::{STARTED_AT_MS, Service, request};
use axum::body::Body;
use axum::http::Method;
use redundancy_server::ServerConfig;
use serde_json::json;

#[tokio::test]
async fn probes_get_a_plain_answer() {
    let service = Service::new();
    for path in ["/health", "/health/live", "/health/ready"] {
        let reply = service.get(path).await;
        assert_eq!((reply.status, reply.json()), (200, json!({"status": "ok"})), "{path}");
        assert_eq!(reply.header("content-type"), Some("application/json"));
    }
}

#[tokio::test]
async fn a_draining_service_is_alive_but_not_ready() {
    let service = Service::new();
    service.app.readiness().start_draining();
    let ready = service.get("/health/ready").await;
    assert_eq!((ready.status, ready.json()), (503, json!({"status": "draining"})));
    assert_eq!(service.get("/health").await.status, 200);
    assert_eq!(service.get("/health/live").await.status, 200);
    assert_eq!(service.get("/api/v1/health/status").await.data()["status"], "draining");
}

#[tokio::test]
async fn health_status_shows_the_parts() {
    let config =
        ServerConfig { version: "1.2.3".to_owned(), profile: "lambda".to_owned(), ..ServerConfig::default() };
    let data = Service::with(config).get("/api/v1/health/status").await.data();
    assert_eq!(
        (&data["status"], &data["version"], &data["profile"]),
        (&"ok".into(), &"1.2.3".into(), &"lambda".into())
    );
    assert!(data["uptime_seconds"].as_f64().unwrap() > 0.0);
    let since = "2026-01-02T03:04:05.678Z";
    for (figure, expected) in [("total", 2), ("running", 0), ("waiting", 0), ("waiting_limit", 8)] {
        assert_eq!(data["parts"]["workers"][figure], expected, "{figure}");
    }
    assert_eq!(data["parts"]["brokers"], json!({}));
    for (part, health) in data["parts"].as_object().unwrap().iter().filter(|(part, _)| *part != "brokers") {
        assert_eq!((&health["state"], &health["since"]), (&"ok".into(), &since.into()), "{part}");
        assert!(health["latency_ms"].is_number(), "{part}: {health}");
    }
    let store = &data["parts"]["store"];
    assert_eq!(
        (&store["state"], &store["kind"], &store["durable"]),
        (&"ok".into(), &"memory".into(), &false.into())
    );
    assert!(store["latency_ms"].as_f64().is_some() && store["warnings"].is_array(), "{store}");
    let queue = &data["parts"]["queue"];
    for field in ["queue_size", "in_flight", "dead_letters", "oldest_pending_seconds"] {
        assert_eq!(queue[field].as_f64(), Some(0.0), "{field}: {queue}");
    }
    let memory = &data["parts"]["memory"];
    assert_eq!((&memory["state"], &memory["bodies_bytes"]), (&"ok".into(), &0.into()));
    assert!(memory["bodies_limit_bytes"].as_u64().unwrap() > 0);
    if cfg!(target_os = "linux") {
        assert!(data["parts"]["memory"]["resident_bytes"].as_u64().unwrap() > 1024 * 1024);
    }
}

#[tokio::test]
async fn stats_count_what_was_done() {
    let service = Service::new();
    for _ in 0..2 {
        service.post("/api/v1/analyze", &json!({"content": "12345678"})).await.data();
    }
    service.post("/api/v1/similarity", &json!({"text1": "1234", "text2": "12"})).await.data();
    service.post("/api/v1/analyze", &json!({"content": ""})).await.error(422, "ValidationError");
    let data = service.get("/api/v1/stats").await.data();
    assert_eq!(data["started_at_ms"], STARTED_AT_MS);
    assert!(data["uptime_seconds"].as_f64().unwrap() > 0.0);
    let counted: Vec<_> = data["operations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (
                one["operation"].as_str().unwrap(),
                one["completed"].as_u64().unwrap(),
                one["bytes"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(counted, [("analyze", 2, 16), ("similarity", 1, 6), ("quality", 0, 0)]);
    assert!(data["operations"][0]["busy_seconds"].as_f64().unwrap() > 0.0);
    assert!(data["operations"][0]["per_second"].as_f64().unwrap() > 0.0);
    assert_eq!(data["operations"][2]["per_second"], 0.0);
    assert_eq!(data["workers"]["total"], 2);
}

#[tokio::test]
async fn metrics_count_requests_and_analyses() {
    let service = Service::new();
    service.post("/api/v1/analyze", &json!({"content": "a text"})).await.data();
    service.post("/api/v1/analyze", &json!({})).await;
    for path in ["/made-up/1", "/made-up/2"] {
        service.get(path).await;
    }
    let metrics = service.get("/metrics").await;
    assert_eq!(metrics.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    for line in [
        r#"http_requests_total{method="POST",route="/api/v1/analyze",status="200"} 1"#,
        r#"http_requests_total{method="POST",route="/api/v1/analyze",status="422"} 1"#,
        r#"http_requests_total{method="GET",route="unmatched",status="404"} 2"#,
        r#"http_request_duration_seconds_count{method="POST",route="/api/v1/analyze"} 2"#,
        r#"analyses_total{operation="analyze"} 1"#,
        r#"analyses_total{operation="quality"} 0"#,
        r#"analysis_duration_seconds_count{operation="analyze"} 1"#,
        "# TYPE http_requests_total counter",
        "# TYPE analysis_duration_seconds histogram",
        "# TYPE process_start_time_seconds gauge",
    ] {
        assert!(metrics.text().lines().any(|found| found == line), "{line} is not in\n{}", metrics.text());
    }
    if cfg!(target_os = "linux") {
        for name in
            ["resident_memory_bytes", "virtual_memory_bytes", "cpu_seconds_total", "open_fds", "max_fds"]
        {
            assert!(metrics.text().contains(&format!("\nprocess_{name} ")), "{name}\n{}", metrics.text());
        }
    }
}

#[tokio::test]
async fn open_metrics_are_written_for_those_who_ask() {
    let accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";
    let scrape = request(Method::GET, "/metrics", &[("accept", accept)], Body::empty());
    let metrics = Service::new().call(scrape).await;
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(metrics.header("content-type"), Some(content_type));
    assert!(metrics.text().contains("\n# TYPE analyses counter\nanalyses_total{"), "{}", metrics.text());
    assert!(metrics.text().ends_with("# EOF\n"));
}

#[tokio::test]
async fn metrics_can_be_switched_off() {
    let service = Service::with(ServerConfig { enable_metrics: false, ..ServerConfig::default() });
    service.get("/metrics").await.error(404, "NotFound");
}

#[tokio::test]
async fn two_services_in_one_process_count_for_themselves() {
    let (busy, idle) = (Service::new(), Service::new());
    busy.post("/api/v1/analyze", &json!({"content": "a text"})).await.data();
    let counted = async |service: &Service| {
        service.get("/api/v1/stats").await.data()["operations"][0]["completed"].clone()
    };
    assert_eq!((counted(&busy).await, counted(&idle).await), (1.into(), 0.into()));
    assert!(!idle.get("/metrics").await.text().contains("/api/v1/analyze"));
}

#[tokio::test]
async fn metrics_with_an_address_of_their_own_are_there_alone_and_health_is_at_both() {
    let service = Service::with(ServerConfig { metrics_apart: true, ..ServerConfig::default() });
    service.get("/metrics").await.error(404, "NotFound");
    let documented = service.get("/openapi.json").await.json();
    assert!(documented["paths"].get("/metrics").is_none());
    let monitoring = service.monitoring();
    for path in ["/health", "/health/live", "/health/ready", "/api/v1/health/status", "/metrics"] {
        let reply = monitoring.get(path).await;
        assert_eq!((reply.status, reply.header("x-content-type-options")), (200, Some("nosniff")), "{path}");
    }
    for path in ["/", "/docs", "/api/v1/stats", "/api/v1/webhooks/endpoints"] {
        monitoring.get(path).await.error(404, "NotFound");
    }
    let switched_off = ServerConfig { enable_metrics: false, metrics_apart: true, ..ServerConfig::default() };
    let monitoring = Service::with(switched_off).monitoring();
    monitoring.get("/metrics").await.error(404, "NotFound");
    assert_eq!(monitoring.get("/health").await.status, 200);
}

#[tokio::test]
async fn objectives_tell_what_was_promised_kept_and_left() {
    let config = ServerConfig { max_concurrent_requests: 1, ..ServerConfig::default() };
    let service = Service::with(config);
    let objectives = async || service.get("/api/v1/slo").await.data()["objectives"].clone();
    let expected = [("api_availability", 0.999), ("api_latency", 0.99), ("delivery_success", 0.99)];
    let fresh = objectives().await;
    for (objective, (name, share)) in fresh.as_array().unwrap().iter().zip(expected) {
        assert_eq!((&objective["name"], &objective["objective"]), (&name.into(), &share.into()));
        assert_eq!((&objective["current"], &objective["budget_left"]), (&json!(null), &1.0.into()));
    }
    for _ in 0..3 {
        service.post("/api/v1/analyze", &json!({"content": "a text"})).await.data();
    }
    // What callers do wrong is no fault of the service, and what looks at it does not count.
    service.post("/api/v1/analyze", &json!({})).await;
    service.get("/api/v1/health/status").await.data();
    let kept = objectives().await;
    for objective in &kept.as_array().unwrap()[..2] {
        assert_eq!((&objective["events"], &objective["missed"]), (&4.into(), &0.into()), "{objective}");
        assert_eq!((&objective["current"], &objective["budget_left"]), (&1.0.into(), &1.0.into()));
    }
}

#[tokio::test]
async fn requests_that_are_turned_away_are_counted_and_miss_the_objective() {
    let config = ServerConfig { max_concurrent_requests: 0, ..ServerConfig::default() };
    let service = Service::with(config);
    for _ in 0..2 {
        service.post("/api/v1/analyze", &json!({"content": "a text"})).await.error(503, "Unavailable");
    }
    let slo = service.get("/api/v1/slo").await.data();
    let availability = &slo["objectives"][0];
    assert_eq!((&availability["events"], &availability["missed"]), (&2.into(), &2.into()));
    assert_eq!(availability["current"], 0.0);
    assert!(availability["budget_left"].as_f64().unwrap() < -900.0, "{availability}");
    let metrics = service.get("/metrics").await;
    for line in [
        r#"http_requests_shed_total{reason="requests"} 2.0"#,
        r#"http_requests_shed_total{reason="workers"} 0.0"#,
        r#"slo_events_total{objective="api_availability"} 2.0"#,
        r#"slo_missed_events_total{objective="api_availability"} 2.0"#,
        r#"slo_missed_events_total{objective="api_latency"} 0.0"#,
        r#"slo_objective_ratio{objective="delivery_success"} 0.99"#,
    ] {
        assert!(metrics.text().lines().any(|found| found == line), "{line} is not in\n{}", metrics.text());
    }
}

#[tokio::test]
async fn metrics_show_how_full_the_service_is_and_what_runs() {
    let config = ServerConfig { version: "1.2.3".to_owned(), ..ServerConfig::default() };
    let service = Service::with(config);
    service.put("/api/v1/documents/one", &json!({"content": "one text that is kept"})).await.data_with(201);
    service.put("/api/v1/documents/two", &json!({"content": "one text that is kept"})).await.data_with(201);
    service.post("/api/v1/duplicates/search", &json!({"content": "one text that is kept"})).await.data();
    let metrics = service.get("/metrics").await;
    for line in [
        r#"redundancy_build_info{version="1.2.3",profile="server",store="memory"} 1.0"#,
        "http_requests_in_flight 0.0",
        "http_requests_in_flight_limit 4096.0",
        "http_request_bodies_bytes 0.0",
        "cpu_pool_workers 2.0",
        "cpu_pool_waiting 0.0",
        "cpu_pool_waiting_limit 8.0",
        r#"store_up{kind="memory"} 1.0"#,
        "webhook_deliveries_in_flight 0.0",
        r#"webhook_endpoints{state="active"} 0"#,
        r#"webhook_attempt_failures_total{reason="dns"} 0"#,
        r#"webhook_endpoints_disabled_total{reason="gone"} 0"#,
        r#"analyses_failed_total{operation="analyze"} 0.0"#,
        r#"index_duration_seconds_count{operation="put"} 2"#,
        r#"index_duration_seconds_count{operation="search"} 1"#,
        r#"document_matches_total{operation="put",kind="exact"} 1"#,
        r#"document_matches_total{operation="search",kind="exact"} 2"#,
        r#"batch_items_total{operation="index",result="done"} 0"#,
        "documents_indexed 2",
    ] {
        assert!(metrics.text().lines().any(|found| found == line), "{line} is not in\n{}", metrics.text());
    }
}
