//! `redundancy deliveries` and `redundancy dead-letters`: what they ask the service for, and what they show of the answers.

use serde_json::{Value, json};

use crate::kit::{Place, Run};
use crate::stand_in::{Reply, StandIn};

fn run(service: &StandIn, arguments: &[&str]) -> Run {
    Place::new().run(&[arguments, &["--url", &service.url()]].concat())
}

fn delivery(id: &str) -> Value {
    json!({"id": id, "event_id": "evt_1", "event_type": "analysis.completed", "endpoint_id": "main", "state": "pending",
           "created_at": "2026-01-02T03:04:05.678Z", "updated_at": "2026-01-02T03:04:05.678Z",
           "due_at": "2026-01-02T03:09:05Z", "attempt_count": 2, "last_status": 503, "last_failure": "status"})
}

#[test]
fn filters_become_a_query_and_pages_are_followed_up_to_the_limit() {
    let service = StandIn::new(|asked| {
        let count = if asked.line.contains("limit=200") { 200 } else { 5 };
        let items: Vec<Value> = (0..count).map(|number| delivery(&format!("dlv_{number}"))).collect();
        let cursor = if asked.line.contains("cursor=") { "third" } else { "second" };
        Reply::data(200, &json!({"items": items, "next_cursor": cursor}))
    });
    let filters = [
        "deliveries",
        "list",
        "--endpoint",
        "main",
        "--event",
        "evt_1",
        "--type",
        "a.b",
        "--state",
        "in_flight",
        "--since",
        "2026-01-02T04:04:05+01:00",
        "--until",
        "2026-01-03T00:00:00Z",
        "--limit",
        "205",
    ];
    let shown = run(&service, &filters).ended_with(0);
    let query = "endpoint_id=main&event_id=evt_1&event_type=a.b&since=2026-01-02T03%3A04%3A05Z&\
                 until=2026-01-03T00%3A00%3A00Z&state=in_flight";
    let path = "GET /api/v1/webhooks/deliveries";
    assert_eq!(
        service.lines(),
        [format!("{path}?{query}&limit=200"), format!("{path}?{query}&limit=5&cursor=second")]
    );
    assert_eq!(shown.out.matches("dlv_").count(), 205);
    assert!(shown.out.contains("--limit shows more"), "{}", shown.out);
    let programs = run(&service, &["deliveries", "list", "--limit", "3", "--json"]).ended_with(0).json();
    assert_eq!(
        (programs["items"].as_array().unwrap().len(), &programs["next_cursor"]),
        (3, &json!("second"))
    );
}

#[test]
fn a_list_without_items_says_so() {
    let service = StandIn::new(|_| Reply::data(200, &json!({"items": [], "next_cursor": null})));
    assert_eq!(run(&service, &["deliveries", "list"]).ended_with(0).out, "There are no such deliveries.\n");
    assert_eq!(
        run(&service, &["dead-letters", "list"]).ended_with(0).out,
        "There are no such dead letters.\n"
    );
    assert_eq!(service.lines()[1], "GET /api/v1/webhooks/dead-letters?limit=50");
}

#[test]
fn show_has_a_table_of_attempts_and_the_last_answer() {
    let service = StandIn::new(|_| {
        let mut shown = delivery("dlv_1");
        shown["attempts"] = json!([
            {"number": 1, "started_at": "2026-01-02T03:04:05.678Z", "duration_ms": 2.5, "status": null,
             "failure": "connect", "response_headers": {}, "response_body": ""},
            {"number": 2, "started_at": "2026-01-02T03:04:10Z", "duration_ms": 30000, "status": 503,
             "failure": "status", "response_headers": {}, "response_body": format!("busy\n{}", "line\n".repeat(50))},
        ]);
        Reply::data(200, &shown)
    });
    let shown = run(&service, &["deliveries", "show", "dlv_1"]).ended_with(0);
    assert_eq!(service.lines(), ["GET /api/v1/webhooks/deliveries/dlv_1"]);
    for part in [
        "evt_1 (analysis.completed)",
        "next attempt  2026-01-02 03:09:05Z",
        "no connection",
        "2.5 ms",
        "status 503",
        "30.0 s",
        "see its log",
        "  busy\n  line",
    ] {
        assert!(shown.out.contains(part), "{}\nlacks {part}", shown.out);
    }
    assert!(shown.out.lines().count() < 40, "{}", shown.out);
}

#[test]
fn one_that_cannot_be_retried_does_not_stop_the_others() {
    let service = StandIn::new(|asked| {
        if asked.line.contains("dlv_2") {
            Reply::error(409, "it is in flight", &Value::Null)
        } else {
            Reply::data(200, &delivery("dlv_1"))
        }
    });
    let shown = run(&service, &["deliveries", "retry", "dlv_1", "dlv_2", "dlv_3"]).ended_with(1);
    assert_eq!(shown.out, "dlv_1 is queued\ndlv_3 is queued\n");
    assert_eq!(shown.err, "redundancy: dlv_2: it is in flight (409)\n");
    assert_eq!(service.lines()[2], "POST /api/v1/webhooks/deliveries/dlv_3/retry");
}

#[test]
fn dead_letters_are_requeued_one_by_one() {
    let service = StandIn::new(|_| Reply::data(200, &delivery("dlv_1")));
    run(&service, &["dead-letters", "requeue", "dlv_1", "dlv_2"]).ended_with(0);
    assert_eq!(
        service.lines(),
        ["dlv_1", "dlv_2"].map(|id| format!("POST /api/v1/webhooks/dead-letters/{id}/requeue"))
    );
}

#[test]
fn all_dead_letters_are_requeued_by_a_job_that_is_followed_to_its_end() {
    let looks = std::sync::atomic::AtomicU64::new(0);
    let service = StandIn::new(move |asked| {
        let job = |state: &str, queued: u64| json!({"id": "job_1", "state": state, "queued": queued, "examined": queued});
        if asked.line.starts_with("POST") {
            return Reply::data(202, &job("running", 0));
        }
        match looks.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => Reply::data(200, &job("running", 100)),
            _ => Reply::data(200, &job("completed", 150)),
        }
    });
    let shown = run(&service, &["dead-letters", "requeue", "--all", "--endpoint", "main", "--type", "a.b"])
        .ended_with(0);
    assert_eq!(shown.out, "150 dead letters are queued again\n");
    assert_eq!(service.asked()[0].json(), json!({"endpoint_id": "main", "event_type": "a.b"}));
    assert_eq!(service.lines()[1..], ["GET /api/v1/webhooks/jobs/job_1"; 2]);
}

#[test]
fn a_job_that_fails_is_told_by_the_exit_code() {
    let service = StandIn::new(|_| Reply::data(202, &json!({"id": "job_1", "state": "failed", "queued": 1})));
    let shown = run(&service, &["dead-letters", "requeue", "--all"]).ended_with(1);
    assert_eq!(shown.out, "1 dead letter is queued again\n");
    assert_eq!(service.asked()[0].json(), json!({}));
}
