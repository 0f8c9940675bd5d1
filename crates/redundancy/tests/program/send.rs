//! `redundancy send`: events as they go out, and their deliveries as they end.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::kit::{Place, Run};
use crate::stand_in::{Asked, Reply, StandIn};

fn run(place: &Place, service: &StandIn, arguments: &[&str]) -> Run {
    place.run(&[arguments, &["--url", &service.url()]].concat())
}

fn accepted(deliveries: u64) -> Reply {
    Reply::data(202, &json!({"event_id": "evt_1", "deliveries": deliveries}))
}

fn delivery(id: &str, state: &str) -> Value {
    json!({"id": id, "event_id": "evt_1", "event_type": "a.b", "endpoint_id": "main", "state": state, "attempt_count": 1})
}

/// Answers as a service whose one delivery is pending at the first look and then `state`.
fn with_delivery(state: &'static str) -> impl Fn(&Asked) -> Reply {
    let looks = AtomicU64::new(0);
    move |asked| {
        if asked.line.starts_with("POST") {
            return accepted(1);
        }
        let state = if looks.fetch_add(1, Ordering::SeqCst) == 0 { "pending" } else { state };
        Reply::data(200, &json!({"items": [delivery("dlv_1", state)], "next_cursor": null}))
    }
}

#[test]
fn data_goes_out_byte_for_byte() {
    let service = StandIn::new(|_| accepted(2));
    // Read as numbers and written again, these would be others.
    let data = r#"{"b": 1.10, "a": 12345678901234567890123}"#;
    let place = Place::new().file("event.json", data);
    let shown = run(&place, &service, &["send", "a.b", "--data", data]).ended_with(0);
    assert_eq!(shown.out, "evt_1 is accepted, with 2 deliveries\n");
    run(&place, &service, &["send", "a.b", "--data", "@event.json"]).ended_with(0);
    place.run_on(data, &["send", "a.b", "--data", "-", "--url", &service.url()]).ended_with(0);
    let asked = service.asked();
    assert_eq!(asked[0].line, "POST /api/v1/webhooks/events");
    for asked in asked {
        assert_eq!(asked.body, format!(r#"{{"type":"a.b","data":{data}}}"#));
    }
}

#[test]
fn key_and_user_go_along() {
    let service = StandIn::new(|_| accepted(1));
    let arguments = ["send", "a.b", "--idempotency-key", "report-7", "--user", "u1", "--json"];
    let shown = run(&Place::new(), &service, &arguments).ended_with(0);
    assert_eq!(shown.json(), json!({"event_id": "evt_1", "deliveries": 1}));
    let asked = service.asked().remove(0);
    assert_eq!(asked.header("idempotency-key"), Some("report-7"));
    assert_eq!(asked.json(), json!({"type": "a.b", "data": {}, "user_id": "u1"}));
}

#[test]
fn waiting_ends_with_the_deliveries_and_the_exit_code_tells_how() {
    for (state, shown, code) in [("succeeded", "succeeded", 0), ("exhausted", "given up", 1)] {
        let service = StandIn::new(with_delivery(state));
        let run = run(&Place::new(), &service, &["send", "a.b", "--wait"]).ended_with(code);
        assert!(run.out.contains("dlv_1") && run.out.contains(shown), "{}", run.out);
        assert_eq!(service.lines()[1..], ["GET /api/v1/webhooks/deliveries?event_id=evt_1&limit=1"; 2]);
    }
    let service = StandIn::new(with_delivery("succeeded"));
    let json = run(&Place::new(), &service, &["send", "a.b", "--wait", "--json"]).ended_with(0).json();
    assert_eq!(json, json!({"event_id": "evt_1", "deliveries": [delivery("dlv_1", "succeeded")]}));
}

#[test]
fn waiting_is_over_when_the_time_is() {
    let service = StandIn::new(with_delivery("pending"));
    let run = run(&Place::new(), &service, &["send", "a.b", "--wait", "1"]).ended_with(1);
    assert!(run.err.contains("1 delivery has not ended after 1 s"), "{}", run.err);
}

#[test]
fn an_event_that_nobody_wants_is_not_waited_for() {
    let service = StandIn::new(|_| accepted(0));
    let shown = run(&Place::new(), &service, &["send", "a.b", "--wait"]).ended_with(0);
    assert_eq!(shown.out, "evt_1 is accepted, with 0 deliveries\n");
    assert_eq!(service.lines().len(), 1);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let service = StandIn::new(|_| accepted(0));
    let missing = run(&Place::new(), &service, &["send", "a.b", "--data", "@gone.json"]).ended_with(1);
    assert!(missing.err.contains("gone.json: cannot be read"), "{}", missing.err);
    let broken = Place::new().file("a.json", "{");
    let wrong = run(&broken, &service, &["send", "a.b", "--data", "@a.json"]).ended_with(2);
    assert!(wrong.err.contains("a.json: this is no JSON"), "{}", wrong.err);
    assert_eq!(service.lines().len(), 0);
}
