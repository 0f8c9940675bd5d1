//! Webhooks from end to end: the real service, the commands that talk to it, and a receiver that keeps what it gets.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use serde_json::{Value, json};

use crate::kit::{PASSAGE, Place, Run, Service};
use crate::stand_in::{Reply, StandIn};

/// The loopback addresses are not public, and all receivers here are on them.
const LOOPBACK_ALLOWED: [(&str, &str); 2] =
    [("WEBHOOK_ALLOWED_NETWORKS", "127.0.0.0/8,::1"), ("WEBHOOK_STORAGE_TYPE", "memory")];

/// A service and a receiver that answers with a status that the test may change.
struct Loop {
    place: Place,
    service: Service,
    receiver: StandIn,
    status: Arc<AtomicU16>,
}

impl Loop {
    fn new(status: u16) -> Self {
        let place = Place::new();
        let service = place.serve(&LOOPBACK_ALLOWED);
        let status = Arc::new(AtomicU16::new(status));
        let of_receiver = Arc::clone(&status);
        let receiver = StandIn::new(move |_| Reply::json(of_receiver.load(Ordering::SeqCst), &Value::Null));
        Self { place, service, receiver, status }
    }

    fn run(&self, arguments: &[&str]) -> Run {
        self.place.run(&[arguments, &["--url", &self.service.url()]].concat())
    }

    /// Registers the receiver for `events` and gives the secret.
    fn register(&self, id: &str, events: &str) -> String {
        let url = format!("{}/hooks", self.receiver.url());
        let arguments =
            ["endpoints", "add", &url, "--id", id, "--events", events, "--max-attempts", "1", "--json"];
        let made = self.run(&arguments).ended_with(0).json();
        made["secret"].as_str().unwrap().to_owned()
    }
}

#[test]
fn an_event_arrives_with_a_signature_that_verifies() {
    let whole = Loop::new(204);
    let secret = whole.register("main-webhook", "report.*");
    let data = r#"{"b": 1.10, "a": 12345678901234567890123}"#;
    whole.run(&["send", "report.ready", "--data", data, "--user", "u1", "--wait"]).ended_with(0);
    let asked = whole.receiver.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].line, "POST /hooks");
    assert!(asked[0].body.contains(data), "{}", asked[0].body);
    assert_eq!(asked[0].json()["user_id"], "u1");
    let header = |name: &str| asked[0].header(name).unwrap();
    let place = Place::new().file("body.json", &asked[0].body);
    let verify = |secret: &str| {
        place.run(&[
            "verify-webhook",
            "--secret",
            secret,
            "--id",
            header("webhook-id"),
            "--timestamp",
            header("webhook-timestamp"),
            "--signature",
            header("webhook-signature"),
            "body.json",
        ])
    };
    verify(&secret).ended_with(0);
    verify("whsec_AAECAwQFBgcICQoLDA0ODw==").ended_with(1);
}

#[test]
fn a_finding_of_the_service_arrives_as_an_event() {
    let whole = Loop::new(204);
    whole.register("main-webhook", "analysis.*");
    let content = format!("{PASSAGE} {PASSAGE}");
    let found = whole.service.post("/api/v1/analyze", &json!({"content": content, "user_id": "u1"}));
    assert_eq!(found.status, 200, "{}", found.body);
    let arrived = ["deliveries", "list", "--type", "analysis.completed", "--state", "succeeded", "--json"];
    while whole.run(&arrived).ended_with(0).json()["items"] == json!([]) {}
    let event = whole.receiver.asked().remove(0).json();
    assert_eq!((&event["type"], &event["user_id"]), (&json!("analysis.completed"), &json!("u1")));
    assert_eq!(event["data"]["analysis_id"], found.json()["data"]["analysis_id"]);
}

#[test]
fn what_a_receiver_did_not_take_is_a_dead_letter_and_arrives_when_it_is_requeued() {
    let whole = Loop::new(500);
    whole.register("main-webhook", "report.*");
    let failed = whole.run(&["send", "report.ready", "--wait"]).ended_with(1);
    assert!(failed.out.contains("given up") && failed.out.contains("status 500"), "{}", failed.out);
    let dead = whole.run(&["dead-letters", "list", "--since", "1h", "--json"]).ended_with(0).json();
    let id = dead["items"][0]["id"].as_str().unwrap();
    let shown = whole.run(&["deliveries", "show", id]).ended_with(0);
    assert!(shown.out.contains("The receiver failed: see its log."), "{}", shown.out);
    whole.status.store(204, Ordering::SeqCst);
    let queued = whole.run(&["dead-letters", "requeue", "--all", "--endpoint", "main-webhook"]).ended_with(0);
    assert_eq!(queued.out, "1 dead letter is queued again\n");
    while whole.run(&["deliveries", "show", id, "--json"]).ended_with(0).json()["state"] != "succeeded" {}
    let list = whole.run(&["deliveries", "list", "--state", "succeeded"]).ended_with(0);
    assert!(list.out.contains(id), "{}", list.out);
    assert_eq!(whole.run(&["dead-letters", "list"]).ended_with(0).out, "There are no such dead letters.\n");
    let attempts: Vec<_> = whole
        .receiver
        .asked()
        .iter()
        .map(|asked| asked.header("x-webhook-attempt").unwrap().to_owned())
        .collect();
    assert_eq!(attempts, ["1", "2"]);
    // One that has arrived is not sent again.
    whole.run(&["dead-letters", "requeue", id]).ended_with(1);
}

#[test]
fn a_receiver_that_is_gone_is_disabled_until_it_is_enabled() {
    let whole = Loop::new(410);
    whole.register("main-webhook", "report.*");
    whole.run(&["send", "report.ready", "--wait"]).ended_with(1);
    let list = whole.run(&["endpoints", "list"]).ended_with(0);
    assert!(list.out.contains("disabled: gone"), "{}", list.out);
    whole.status.store(204, Ordering::SeqCst);
    whole.run(&["endpoints", "enable", "main-webhook"]).ended_with(0);
    whole.run(&["send", "report.ready", "--wait"]).ended_with(0);
    whole.run(&["endpoints", "disable", "main-webhook"]).ended_with(0);
    let unwanted = whole.run(&["send", "report.ready", "--wait"]).ended_with(0);
    assert!(unwanted.out.contains("with 0 deliveries"), "{}", unwanted.out);
}

#[test]
fn a_test_tells_whether_a_receiver_is_there() {
    let whole = Loop::new(204);
    whole.register("main-webhook", "report.*");
    whole.run(&["endpoints", "test", "main-webhook"]).ended_with(0);
    whole.status.store(404, Ordering::SeqCst);
    let failed = whole.run(&["endpoints", "test", "main-webhook"]).ended_with(1);
    assert!(failed.out.contains("check the URL of the endpoint"), "{}", failed.out);
    let missing = whole.run(&["endpoints", "test", "nobody"]).ended_with(1);
    assert!(missing.err.contains("(404)"), "{}", missing.err);
}

#[test]
fn a_rotated_secret_signs_beside_the_one_before() {
    let whole = Loop::new(204);
    let old = whole.register("main-webhook", "report.*");
    let rotated = whole.run(&["endpoints", "rotate-secret", "main-webhook", "--overlap", "1h", "--json"]);
    let new = rotated.ended_with(0).json()["secret"].as_str().unwrap().to_owned();
    whole.run(&["send", "report.ready", "--wait"]).ended_with(0);
    let asked = whole.receiver.asked();
    let place = Place::new().file("body.json", &asked[0].body);
    let header = |name: &str| asked[0].header(name).unwrap();
    for secret in [&old, &new] {
        place
            .run(&[
                "verify-webhook",
                "--secret",
                secret,
                "--id",
                header("webhook-id"),
                "--timestamp",
                header("webhook-timestamp"),
                "--signature",
                header("webhook-signature"),
                "body.json",
            ])
            .ended_with(0);
    }
    assert_ne!(old, new);
}

#[test]
fn the_same_request_is_done_once() {
    let whole = Loop::new(204);
    whole.register("main-webhook", "report.*");
    let send = |data: &str| {
        whole.run(&["send", "report.ready", "--idempotency-key", "k1", "--data", data, "--wait"])
    };
    let (first, again) = (send("1").ended_with(0), send("1").ended_with(0));
    assert_eq!(first.out.lines().next(), again.out.lines().next());
    assert!(send("2").ended_with(1).err.contains("(409)"));
    assert_eq!(whole.receiver.asked().len(), 1);
}

#[test]
fn everything_that_is_wrong_with_an_endpoint_is_told_at_once() {
    let service = Place::new().serve(&[("WEBHOOK_STORAGE_TYPE", "memory")]);
    let arguments = [
        "endpoints",
        "add",
        "http://127.0.0.1:1/",
        "--events",
        "not an event",
        "--timeout-ms",
        "1",
        "--header",
        "Host: a",
        "--url",
        &service.url(),
    ];
    let refused = Place::new().run(&arguments).ended_with(1);
    for field in ["/url: ", "/events/0: ", "/timeout_ms: ", "/headers/Host: "] {
        assert!(refused.err.contains(field), "{}\nlacks {field}", refused.err);
    }
}

#[test]
fn removing_an_endpoint_twice_is_an_error() {
    let whole = Loop::new(204);
    whole.register("main-webhook", "*");
    whole.run(&["endpoints", "remove", "main-webhook"]).ended_with(0);
    whole.run(&["endpoints", "remove", "main-webhook"]).ended_with(1);
    let left = whole.run(&["endpoints", "list", "--json"]).ended_with(0).json();
    assert_eq!(left["items"], json!([]));
}
