//! Traces across the whole way, from a caller to a receiver, as a collector sees them that is not ours.

use crate::rotel::{Rotel, Span};
use crate::service::Service;
use crate::sink::{Sink, answer};
use crate::stand_in::{Reply, StandIn};
use serde_json::json;
use std::sync::{Arc, Mutex};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";
const STATUS: &str = "/api/v1/health/status";

/// The headers `traceparent` and `tracestate` of requests.
type Told = Arc<Mutex<Vec<(String, Option<String>)>>>;

/// A service that exports its spans soon, with settings besides.
fn traced(settings: &[(&str, &str)]) -> Service {
    let usual = [("ENABLE_TRACING", "true"), ("OTEL_BSP_SCHEDULE_DELAY", "10")];
    Service::embedded(&[&usual, settings].concat())
}

/// A receiver that answers with these statuses, and with 204 from then on; and the contexts that it was told.
fn sink(statuses: &'static [u16]) -> (Sink, Told) {
    let told = Told::default();
    let of_sink = Arc::clone(&told);
    let sink = Sink::with(move |call, stream| {
        let header = |name| call.header(name).map(str::to_owned);
        of_sink.lock().unwrap().push((header("traceparent").unwrap(), header("tracestate")));
        let number = usize::try_from(call.attempt()).unwrap() - 1;
        answer(stream, statuses.get(number).copied().unwrap_or(204))
    });
    (sink, told)
}

/// Has a text analysed as a part of the caller's trace.
#[track_caller]
fn analyze(service: &Service, path: &str) -> u16 {
    let traceparent = format!("00-{TRACE}-{PARENT}-01");
    let headers = [("traceparent", traceparent.as_str()), ("tracestate", "congo=t61")];
    let body = json!({"content": "one two three"}).to_string();
    service.ask_with(&headers, "POST", path, &body).status()
}

#[track_caller]
fn named<'s>(spans: &'s [Span], name: &str) -> &'s Span {
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no {name} in {spans:#?}"))
}

fn have(spans: &[Span], names: &[&str]) -> bool {
    names.iter().all(|name| spans.iter().any(|span| span.name == *name))
}

/// Traces a request from its caller to the receiver of its event, with a collector that is reached as `settings` say.
fn follow_a_request(settings: &[(&str, &str)], rotel: &Rotel) {
    let (sink, told) = sink(&[]);
    let mut service = traced(settings);
    service.start();
    service.register("ep", &sink.url(), "analysis.*", &json!({}));
    assert_eq!(analyze(&service, "/api/v1/analyze"), 200);
    sink.until(|seen| !seen.taken.is_empty());
    let names = ["POST /api/v1/analyze", "analysis", "webhook.deliver", "webhook.worker"];
    let spans = rotel.until(|spans| have(spans, &names));

    let shown =
        service.until(STATUS, |answer| answer.data(200)["parts"]["traces"]["exported"] != 0).data(200);
    let shown = &shown["parts"]["traces"];
    assert_eq!((&shown["state"], &shown["dropped"]), (&json!("ok"), &json!(0)));
    assert!(shown["latency_ms"].is_number(), "{shown}");
    let metrics = service.ask("GET", "/metrics", None).body;
    let metrics = String::from_utf8(metrics).unwrap();
    assert!(metrics.contains("\ntrace_spans_dropped_total 0"), "{metrics}");
    assert!(!metrics.contains("\ntrace_spans_exported_total 0"), "{metrics}");

    let [request, analysis, deliver, worker] = names.map(|name| named(&spans, name));
    assert_eq!((request.trace.as_str(), request.parent.as_str()), (TRACE, PARENT));
    assert_eq!((analysis.trace.as_str(), &analysis.parent), (TRACE, &request.id));
    assert_eq!((deliver.trace.as_str(), &deliver.parent), (TRACE, &request.id));
    assert_eq!(deliver.links, std::slice::from_ref(&worker.id));
    let receiver = (format!("00-{TRACE}-{}-01", deliver.id), Some("congo=t61".to_owned()));
    assert_eq!(*told.lock().unwrap(), [receiver]);

    assert_eq!((request.kind.as_str(), request.state.as_str()), ("SPAN_KIND_SERVER", "congo=t61"));
    let attribute = |span: &Span, name: &str| span.attributes.get(name).cloned().unwrap_or_default();
    for (name, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/api/v1/analyze"),
        ("url.path", "/api/v1/analyze"),
        ("http.response.status_code", "200"),
    ] {
        assert_eq!(attribute(request, name), value, "{name}");
    }
    assert!(attribute(request, "request_id").starts_with("req_"));
    assert_eq!(attribute(analysis, "operation"), "analyze");
    for (name, value) in [
        ("status", "success"),
        ("endpoint_id", "ep"),
        ("event_type", "analysis.completed"),
        ("attempt", "1"),
        ("http.response.status_code", "204"),
    ] {
        assert_eq!(attribute(deliver, name), value, "{name}");
    }
    assert!(attribute(deliver, "duration").parse::<f64>().unwrap() > 0.0);
    assert_eq!(attribute(worker, "worker.id").len(), 16);
}

#[test]
fn everything_that_follows_from_a_request_is_in_its_callers_trace_over_grpc() {
    let rotel = Rotel::start();
    let endpoint = format!("http://127.0.0.1:{}", rotel.grpc_port);
    let settings = [("OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")];
    follow_a_request(&settings, &rotel);
}

#[test]
fn everything_that_follows_from_a_request_is_in_its_callers_trace_over_http() {
    let rotel = Rotel::start();
    let endpoint = format!("http://127.0.0.1:{}", rotel.http_port);
    follow_a_request(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)], &rotel);
}

#[test]
fn a_delivery_that_another_process_makes_later_is_in_the_trace_too_and_tells_of_its_failures() {
    let rotel = Rotel::start();
    let endpoint = format!("http://127.0.0.1:{}", rotel.http_port);
    let (sink, _) = sink(&[500]);
    let mut service = traced(&[("OTLP_ENDPOINT", &endpoint)]);
    service.start();
    let later = json!({"retry": {"max_attempts": 3, "initial_delay_ms": 3000, "multiplier": 1, "max_delay_ms": 3000}});
    service.register("ep", &sink.url(), "analysis.*", &later);
    // Work for later, whose span begins when the request has been answered.
    assert_eq!(analyze(&service, "/api/v1/analyze?async=true"), 202);
    sink.until(|seen| !seen.arrived.is_empty());
    service.terminate();
    assert_eq!(service.ended(), Some(0));
    service.start();
    sink.until(|seen| !seen.taken.is_empty());
    let delivered = |spans: &[Span]| {
        let mut found: Vec<_> = spans.iter().filter(|span| span.name == "webhook.deliver").cloned().collect();
        // While a span is being printed its attributes are not there yet.
        found.sort_by_key(|span| span.attributes.get("attempt").cloned());
        found
    };
    let spans = rotel.until(|spans| delivered(spans).len() == 2 && have(spans, &["analysis"]));
    let request = named(&spans, "POST /api/v1/analyze");
    assert_eq!(
        (named(&spans, "analysis").trace.as_str(), &named(&spans, "analysis").parent),
        (TRACE, &request.id)
    );
    let [failed, succeeded] = <[Span; 2]>::try_from(delivered(&spans)).unwrap();
    for span in [&failed, &succeeded] {
        assert_eq!((span.trace.as_str(), &span.parent), (TRACE, &request.id));
    }
    assert_eq!((failed.attributes["attempt"].as_str(), succeeded.attributes["attempt"].as_str()), ("1", "2"));
    assert_eq!(
        (failed.attributes["status"].as_str(), failed.attributes["error.type"].as_str()),
        ("failure", "500")
    );
    assert_eq!(failed.status, "STATUS_CODE_ERROR");
    assert!(
        failed.text.contains("exception") && failed.text.contains("the receiver answered 500"),
        "{}",
        failed.text
    );
    assert_eq!(
        (succeeded.status.as_str(), succeeded.attributes["status"].as_str()),
        ("STATUS_CODE_UNSET", "success")
    );
    assert_ne!(failed.links, succeeded.links);
}

#[test]
fn what_the_caller_keeps_is_kept_and_the_sampler_decides_on_the_rest() {
    let rotel = Rotel::start();
    let endpoint = format!("http://127.0.0.1:{}", rotel.http_port);
    let settings = [("OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_TRACES_SAMPLER", "parentbased_always_off")];
    let mut service = traced(&settings);
    service.start();
    service.get("/api/v1/stats");
    assert_eq!(analyze(&service, "/api/v1/analyze"), 200);
    service.terminate();
    // What is left is sent before it ends.
    assert_eq!(service.ended(), Some(0));
    let spans = rotel.until(|spans| have(spans, &["POST /api/v1/analyze"]));
    assert!(spans.iter().all(|span| span.trace == TRACE), "{spans:#?}");
}

#[test]
fn a_collector_that_is_away_costs_nothing_but_spans() {
    // Nobody can listen on port 1 but an administrator, and nobody does.
    let endpoint = "http://127.0.0.1:1";
    let settings = [
        ("OTLP_ENDPOINT", endpoint),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "100"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "10"),
    ];
    let mut service = traced(&settings);
    service.start();
    for _ in 0..100 {
        assert_eq!(analyze(&service, "/api/v1/analyze"), 200);
    }
    let shown = service.until(STATUS, |answer| answer.data(200)["parts"]["traces"]["dropped"] != 0).data(200);
    assert_eq!((&shown["status"], &shown["parts"]["traces"]["state"]), (&json!("ok"), &json!("degraded")));
    service.terminate();
    assert_eq!(service.ended(), Some(0));
    let log = service.log();
    assert_eq!(log.matches("spans cannot be exported and are dropped").count(), 1, "{log}");
    assert!(log.contains("no connection"), "{log}");
}

#[test]
fn analyses_of_a_batch_are_in_the_trace_of_whoever_sent_it() {
    let rotel = Rotel::start();
    let endpoint = format!("http://127.0.0.1:{}", rotel.http_port);
    let mut service = traced(&[("OTLP_ENDPOINT", &endpoint)]);
    service.start();
    let traceparent = format!("00-{TRACE}-{PARENT}-01");
    let body =
        json!({"operation": "quality", "items": [{"content": "one two three"}, {"content": "four five"}]});
    let path = "/api/v1/batches";
    let accepted = service.ask_with(&[("traceparent", &traceparent)], "POST", path, &body.to_string());
    assert_eq!(accepted.status(), 202);
    let analyses = |spans: &[Span]| -> Vec<Span> {
        spans.iter().filter(|span| span.name == "analysis").cloned().collect()
    };
    let spans = rotel.until(|spans| analyses(spans).len() == 2 && have(spans, &["POST /api/v1/batches"]));
    let request = named(&spans, "POST /api/v1/batches");
    for analysis in analyses(&spans) {
        assert_eq!((analysis.trace.as_str(), &analysis.parent), (TRACE, &request.id));
        assert_eq!(analysis.attributes["operation"], "quality");
    }
}

#[test]
fn a_receiver_is_told_of_too_many_requests_in_the_trace_of_the_first_one_too_many() {
    let (sink, told) = sink(&[]);
    let mut service =
        Service::embedded(&[("RATE_LIMIT_REQUESTS", "2"), ("RATE_LIMIT_WINDOW_SECONDS", "3600")]);
    service.start();
    service.register("ep", &sink.url(), "rate_limit.exceeded", &json!({}));
    let statuses = ["1", "2", "3"].map(|number| {
        let traceparent = format!("00-{}-{PARENT}-01", number.repeat(32));
        service.ask_with(&[("traceparent", &traceparent)], "GET", "/api/v1/stats", "").status()
    });
    assert_eq!(statuses, [200, 429, 429]);
    sink.until(|seen| !seen.taken.is_empty());
    let (traceparent, _) = told.lock().unwrap()[0].clone();
    assert!(traceparent.starts_with(&format!("00-{}-", "2".repeat(32))), "{traceparent}");
}

#[test]
fn spans_that_the_collector_rejects_are_counted_as_dropped() {
    // An answer in protobuf: of the batch that came, one span is rejected.
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 4\r\nConnection: close\r\n\r\n";
    let rejecting = StandIn::new(|_| Reply::Raw([head.as_bytes(), &[0x0a, 2, 8, 1]].concat()));
    let mut service = traced(&[("OTLP_ENDPOINT", &rejecting.url())]);
    service.start();
    assert_eq!(analyze(&service, "/api/v1/analyze"), 200);
    service.until(STATUS, |answer| answer.data(200)["parts"]["traces"]["dropped"] != 0);
}
