//! What the service logs, and what it must never log.

use crate::service::{Service, request};
use crate::webhooks::{Receiver, publish, register};
use axum::body::Body;
use axum::http::Method;
use http_body_util::BodyExt as _;
use redundancy_server::{LogLevels, ServerConfig};
use serde_json::json;
use std::io;
use std::sync::{Arc, Mutex};
use tokio::io::AsyncWriteExt as _;
use tower::ServiceExt as _;
use tracing::Level;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;

/// Collects everything that is logged on this thread while it lives.
pub(crate) struct Log {
    lines: Lines,
    _guard: DefaultGuard,
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub(crate) fn begin() -> Self {
        Self::begin_at(Level::TRACE)
    }

    /// Collects what is logged on any thread from now on, and spans when they end, for as long as the process lives: for one test of a process.
    pub(crate) fn of_process() -> impl Fn() -> String {
        let lines = Lines::default();
        let subscriber = tracing_subscriber::fmt()
            .with_span_events(FmtSpan::CLOSE)
            .with_ansi(false)
            .with_writer(lines.clone())
            .finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
        move || lines.text()
    }

    fn begin_at(level: Level) -> Self {
        let lines = Lines::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_ansi(false)
            .with_writer(lines.clone())
            .finish();
        Self { lines, _guard: tracing::subscriber::set_default(subscriber) }
    }

    pub(crate) fn text(&self) -> String {
        self.lines.text()
    }
}

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Lines {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[tokio::test]
async fn one_line_tells_how_a_request_ended() {
    let log = Log::begin();
    let traceparent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let headers =
        [("content-type", "application/json"), ("x-request-id", "abc-1"), ("traceparent", &*traceparent)];
    let body = r#"{"content": "a text"}"#;
    let reply = Service::new().call(request(Method::POST, "/api/v1/analyze", &headers, body)).await;
    let text = log.text();
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("answered")).collect();
    let [line] = lines.as_slice() else { panic!("{text}") };
    for part in [
        "INFO",
        "method=POST",
        "route=/api/v1/analyze",
        "status=200",
        "duration_ms=",
        &format!("bytes={}", reply.body.len()),
        "request_id=\"abc-1\"",
        &format!("trace_id={TRACE}"),
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
}

/// The value of `name` in a line.
#[track_caller]
fn said<'l>(line: &'l str, name: &str) -> &'l str {
    let (_, rest) = line.split_once(&format!("{name}=")).unwrap_or_else(|| panic!("no {name}: {line}"));
    rest.split([' ', '}']).next().unwrap().trim_matches('"')
}

#[tokio::test]
async fn a_request_that_came_without_a_trace_has_its_own_in_its_line_and_in_what_follows() {
    let log = Log::begin();
    let service = Service::delivering();
    let mut receiver = Receiver::answering(|_| 200).await;
    register(&service, &receiver.url, json!({"id": "one"})).await;
    publish(&service, "own.type").await;
    let traceparent = receiver.next().await.header("traceparent").to_owned();
    let text = log.text();
    let traces: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("answered") && line.contains("method=POST"))
        .map(|line| said(line, "trace_id"))
        .collect();
    let [of_registration, of_event] = traces.as_slice() else { panic!("{text}") };
    assert_ne!(of_registration, of_event);
    assert_eq!(traceparent.split('-').nth(1), Some(*of_event));
}

/// The line about a request to `route`.
#[track_caller]
fn line_of<'t>(text: &'t str, route: &str) -> &'t str {
    let is_it = |line: &&str| line.contains(&format!("route={route} ")) && line.contains("duration_ms");
    let lines: Vec<&str> = text.lines().filter(is_it).collect();
    let [line] = lines.as_slice() else { panic!("{text}") };
    line
}

const BULK: &str = "/api/v1/documents/bulk";

#[tokio::test]
async fn the_line_of_an_answer_that_is_made_while_it_is_sent_tells_of_all_of_it() {
    let log = Log::begin_at(Level::INFO);
    let lines = "{\"content\": \"a text\"}\n".repeat(700);
    let headers = [("content-type", "application/x-ndjson")];
    let reply = Service::new().post_bytes(BULK, &headers, lines).await;
    assert_eq!((reply.status, reply.text().lines().count()), (200, 700));
    let text = log.text();
    let line = line_of(&text, BULK);
    assert!(line.contains("answered"), "{line}");
    assert_eq!(said(line, "bytes"), reply.body.len().to_string());
}

#[tokio::test]
async fn an_answer_whose_client_goes_away_in_its_midst_is_not_logged_as_answered() {
    let log = Log::begin_at(Level::INFO);
    let (mut sender, receiver) = tokio::io::duplex(1024);
    sender.write_all(b"{\"content\": \"a text\"}\n").await.unwrap();
    let more = Body::from_stream(tokio_util::io::ReaderStream::new(receiver));
    let asked = request(Method::POST, BULK, &[("content-type", "application/x-ndjson")], more);
    let Ok(response) = Service::new().router.oneshot(asked).await;
    let mut body = response.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(log.text(), "");
    drop(body);
    let text = log.text();
    let line = line_of(&text, BULK);
    assert!(line.contains("the connection ended before the answer") && line.contains("status=200"), "{line}");
    assert_eq!(said(line, "bytes"), first.len().to_string());
}

#[tokio::test]
async fn the_line_of_a_head_that_was_asked_for_alone_says_that_it_was_answered() {
    let log = Log::begin_at(Level::INFO);
    let service = Service::delivering();
    let accepted = service
        .post("/api/v1/batches", &json!({"operation": "quality", "items": [{"content": "a text"}]}))
        .await
        .data_with(202);
    let path = format!("/api/v1/batches/{}/results", accepted["batch_id"].as_str().unwrap());
    let reply = service.call(request(Method::HEAD, &path, &[], "")).await;
    assert_eq!((reply.status, reply.body.len()), (200, 0));
    let text = log.text();
    assert!(line_of(&text, "/api/v1/batches/{id}/results").contains("answered"), "{text}");
}

#[tokio::test]
async fn the_line_of_a_probe_that_fails_names_request_and_trace() {
    let log = Log::begin_at(Level::INFO);
    let service = Service::new();
    service.call(request(Method::POST, "/health", &[("x-request-id", "abc-2")], "")).await;
    let text = log.text();
    let line = text.lines().find(|line| line.contains("answered")).unwrap_or_else(|| panic!("{text}"));
    assert!(line.contains("INFO") && line.contains("status=405"), "{line}");
    assert_eq!((said(line, "request_id"), said(line, "trace_id").len()), ("abc-2", 32));
}

#[tokio::test]
async fn errors_are_logged_and_quiet_probes_are_not_worth_a_line() {
    let log = Log::begin();
    let service = Service::new();
    service.get("/nothing").await;
    service.get("/health").await;
    let text = log.text();
    let of = |route: &str| {
        text.lines()
            .find(|line| line.contains(&format!("route={route} ")))
            .unwrap_or_else(|| panic!("{text}"))
    };
    assert!(of("unmatched").contains("INFO") && of("unmatched").contains("status=404"), "{text}");
    assert!(of("/health").contains("DEBUG"), "{text}");
}

#[tokio::test]
async fn a_request_that_is_given_up_is_logged_too() {
    let log = Log::begin();
    let service = Service::new();
    let (_sender, receiver) = tokio::io::duplex(1);
    let never = Body::from_stream(tokio_util::io::ReaderStream::new(receiver));
    let headers = [("content-type", "application/json")];
    tokio::select! {
        biased;
        _ = service.post_bytes("/api/v1/analyze", &headers, never) => unreachable!("its body never comes"),
        () = std::future::ready(()) => {}
    }
    assert!(log.text().contains("the client went away"), "{}", log.text());
}

#[tokio::test]
async fn nothing_that_is_sent_is_logged() {
    let log = Log::begin();
    let service = Service::new();
    let json = ("content-type", "application/json");
    for body in [
        r#"{"content": "my secret text. my secret text.", "user_id": "secret"}"#,
        r#"{"content": "my secret text", "secret": 1}"#,
        r#"{"content": "my secret text"#,
        r#"{"content": secret}"#,
    ] {
        let headers =
            [json, ("x-user-id", "secret"), ("authorization", "secret"), ("x-request-id", "a secret")];
        service.post_bytes("/api/v1/analyze?secret=secret", &headers, body).await;
    }
    service.get("/secret").await;
    let text = log.text();
    assert_eq!(text.lines().filter(|line| line.contains("answered")).count(), 5, "{text}");
    assert!(!text.contains("secret"), "{text}");
}

/// Takes two levels.
#[derive(Debug, Default)]
struct Levels(Mutex<Option<String>>);

impl LogLevels for Levels {
    fn levels(&self) -> String {
        self.0.lock().unwrap().clone().unwrap_or_else(|| "info".to_owned())
    }

    fn set(&self, levels: &str) -> Result<(), String> {
        if !["info", "debug"].contains(&levels) {
            return Err("must be info or debug".to_owned());
        }
        *self.0.lock().unwrap() = Some(levels.to_owned());
        Ok(())
    }
}

#[tokio::test]
async fn levels_are_shown_changed_and_refused_by_the_field() {
    let log_levels: Option<Arc<dyn LogLevels>> = Some(Arc::<Levels>::default());
    let service = Service::with(ServerConfig { log_levels, ..ServerConfig::default() });
    let path = "/api/v1/log-level";
    assert_eq!(service.get(path).await.data()["level"], "info");
    assert_eq!(service.put(path, &json!({"level": "debug"})).await.data()["level"], "debug");
    let refused = service.put(path, &json!({"level": "loud"})).await;
    assert_eq!(refused.status, 422);
    let fault = &refused.json()["error"]["details"][0];
    assert_eq!((&fault["field"], &fault["message"]), (&json!("/level"), &json!("must be info or debug")));
    assert_eq!(service.put(path, &json!({})).await.status, 422);
    assert_eq!(service.get(path).await.data()["level"], "debug");
}

#[tokio::test]
async fn a_service_whose_levels_cannot_be_changed_has_no_such_route() {
    let service = Service::new();
    assert_eq!(service.get("/api/v1/log-level").await.status, 404);
    let document = service.get("/openapi.json").await.json();
    assert!(document["paths"]["/api/v1/log-level"].is_null(), "{document}");
}
