//! Nothing secret and no text stands in the log, however much is logged and whatever goes wrong, and neither in traces.

use crate::rotel::Rotel;
use crate::service::Service;
use crate::sink::{Sink, answer};
use serde_json::json;

/// Stands in every secret and every text.
const MARKER: &str = "hunter2marker";
/// `hunter2marker` and some more, in the alphabet of signing secrets.
const SIGNING_SECRET: &str = "whsec_aHVudGVyMm1hcmtlcmFuZG1vcmVvZml0";

/// Says what it got in its answers.
fn talkative() -> Sink {
    Sink::with(|call, stream| {
        use std::io::Write as _;
        if call.attempt() == 1 {
            let body = format!(
                "HTTP/1.1 500 X\r\nX-Said: {MARKER}\r\nContent-Length: {}\r\n\r\n{MARKER}",
                MARKER.len()
            );
            stream.write_all(body.as_bytes())?;
            return Ok(false);
        }
        answer(stream, 204)
    })
}

/// Requests of every kind, those that are done and those that are refused.
fn ask_everything(service: &Service) {
    let headers = [
        ("Authorization", "Bearer hunter2marker"),
        ("X-Api-Key", MARKER),
        ("Cookie", "session=hunter2marker"),
        ("X-User-Id", MARKER),
        ("Idempotency-Key", MARKER),
    ];
    let text = json!({"content": MARKER}).to_string();
    for (method, path, body) in [
        ("POST", "/api/v1/analyze", text.as_str()),
        ("POST", "/api/v1/analyze?async=true", &text),
        ("POST", "/api/v1/analyze?key=hunter2marker", &text),
        ("POST", "/api/v1/analyze", "{\"content\": hunter2marker"),
        ("POST", "/api/v1/analyze", "{\"hunter2marker\": 1}"),
        ("PUT", "/api/v1/documents/d", &text),
        ("PUT", "/api/v1/log-level", "{\"level\": \"hunter2marker\"}"),
        ("POST", "/api/v1/webhooks/events", "{\"type\": \"own.type\", \"data\": {\"a\": \"hunter2marker\"}}"),
        ("GET", "/api/v1/webhooks/endpoints/taken/secret", ""),
        ("GET", "/api/v1/webhooks/endpoints/lost", ""),
        ("GET", "/hunter2marker?a=hunter2marker", ""),
    ] {
        service.ask_with(&headers, method, path, body);
    }
}

#[test]
fn no_secret_and_no_text_stands_in_the_log_or_in_traces() {
    let rotel = Rotel::start();
    let endpoint = format!("http://127.0.0.1:{}", rotel.grpc_port);
    for log_format in ["json", "text"] {
        let mut service = Service::embedded(&[
            ("LOG_LEVEL", "trace"),
            ("LOG_FORMAT", log_format),
            ("ENABLE_TRACING", "true"),
            ("OTLP_ENDPOINT", &endpoint),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=hunter2marker"),
            ("WEBHOOK_SECRET_KEY", "hunter2marker-and-more-of-it"),
        ]);
        service.start();
        let sink = talkative();
        let fields = json!({"secret": SIGNING_SECRET, "headers": {"X-Key": MARKER}, "description": MARKER});
        let url = sink.url().replace("http://", &format!("http://user:{MARKER}@"));
        service.register("taken", &format!("{url}{MARKER}?key={MARKER}"), "*", &fields);
        // Nobody listens there.
        service.register("lost", &format!("http://user:{MARKER}@127.0.0.1:1/{MARKER}"), "*", &fields);
        ask_everything(&service);
        sink.until(|seen| seen.taken.len() >= 4);
        service.terminate();
        assert!(service.ended().is_some());
        let log = service.log();
        // It is the log of all that, at its most talkative.
        for part in ["/api/v1/webhooks/events", "422", "TRACE"] {
            assert!(log.contains(part), "{part}: {log}");
        }
        for secret in [MARKER, "aHVudGVyMm1hcmtlcm", "aHVudGVyMm1hcmtlc"] {
            let told: Vec<_> = log.lines().filter(|line| line.contains(secret)).collect();
            assert!(told.is_empty(), "{log_format}: {}", told.join("\n"));
        }
    }
    let spans = rotel.until(|spans| spans.iter().any(|span| span.name == "webhook.deliver"));
    let told: Vec<_> = spans.iter().filter(|span| span.text.contains(MARKER)).collect();
    // The path is what the caller asked for, and stands in its span, unlike the query.
    assert!(told.iter().all(|span| span.name == "GET"), "{told:#?}");
    assert!(!rotel.text().contains("a=hunter2marker"));
}

#[test]
fn no_credential_of_a_caller_and_nothing_that_checks_it_stands_in_the_log() {
    let key = "hunter2marker-of-an-operator";
    let token = "hunter2marker.eyJzdWIiOiJodW50ZXIybWFya2VyIn0.hunter2marker";
    let by_key = [("AUTH_MODE", "api_key"), ("API_KEYS", key)];
    let by_token = [("AUTH_MODE", "jwt"), ("JWT_SECRET", "hunter2marker-and-so-much-more-of-it")];
    for (settings, credential, status) in [(by_key, key, 200), (by_token, token, 401)] {
        let mut service = Service::embedded(&[&settings[..], &[("LOG_LEVEL", "trace")]].concat());
        service.start();
        for credential in [credential, MARKER] {
            for (name, value) in
                [("X-Api-Key", credential), ("Authorization", &format!("Bearer {credential}"))]
            {
                let answer = service.ask_with(&[(name, value)], "GET", "/api/v1/stats", "");
                let expected = if credential == MARKER { 401 } else { status };
                assert_eq!(answer.status(), expected, "{name} of {settings:?}");
            }
        }
        service.terminate();
        assert!(service.ended().is_some());
        let log = service.log();
        assert!(log.contains("/api/v1/stats"), "{log}");
        let told: Vec<_> = log.lines().filter(|line| line.contains("hunter2")).collect();
        assert!(told.is_empty(), "{}", told.join("\n"));
    }
}
