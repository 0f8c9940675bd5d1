//! `redundancy endpoints`: what it asks the service for, and what it shows of the answers.

use serde_json::{Value, json};

use crate::kit::{Place, Run, run_on_terminal};
use crate::stand_in::{Asked, Reply, StandIn};

fn run(service: &StandIn, arguments: &[&str]) -> Run {
    Place::new().run(&[arguments, &["--url", &service.url()]].concat())
}

fn endpoint(id: &str) -> Value {
    json!({
        "id": id, "url": "https://example.org/hooks", "events": ["analysis.completed", "batch.*"],
        "description": "for the archive", "headers": {"X-Tenant": "blue"}, "timeout_ms": 30000,
        "retry": {"max_attempts": 8, "initial_delay_ms": 5000, "multiplier": 4.0, "max_delay_ms": 36_000_000, "jitter": 0.2},
        "rate_limit": {"requests": 10, "per_seconds": 60}, "max_in_flight": 4, "is_active": true,
        "signature": "v1", "disabled_reason": null, "created_at": "2026-01-02T03:04:05.678Z",
        "circuit": {"state": "closed", "since": "2026-01-02T03:04:05.678Z", "failures": 2},
        "counts": {"pending": 1, "in_flight": 2, "dead_letters": 3, "delivered": 4000, "failed": 5},
    })
}

#[test]
fn add_sends_what_was_typed_and_shows_the_secret_once() {
    let service = StandIn::new(|_| {
        let mut made = endpoint("main-webhook");
        made["secret"] = json!("whsec_c2VjcmV0");
        Reply::data(201, &made)
    });
    let arguments = [
        "endpoints",
        "add",
        "https://example.org/hooks",
        "--events",
        "analysis.completed,batch.*",
        "--events",
        "x.y",
        "--id",
        "main-webhook",
        "--secret",
        "whsec_c2VjcmV0",
        "--description",
        "for the archive",
        "--header",
        "X-Tenant: blue",
        "--header",
        "X-B:c",
        "--timeout-ms",
        "500",
        "--max-attempts",
        "3",
        "--rate",
        "10/1s",
        "--max-in-flight",
        "4",
        "--signature",
        "v1a",
        "--inactive",
    ];
    let shown = run(&service, &arguments).ended_with(0);
    assert_eq!(shown.out.matches("whsec_c2VjcmV0").count(), 1, "{}", shown.out);
    assert!(shown.out.contains("Store it now"), "{}", shown.out);
    let asked = service.asked().remove(0);
    assert_eq!(asked.line, "POST /api/v1/webhooks/endpoints");
    assert_eq!(asked.header("content-type"), Some("application/json"));
    assert_eq!(
        asked.json(),
        json!({
            "url": "https://example.org/hooks", "events": ["analysis.completed", "batch.*", "x.y"], "id": "main-webhook",
            "secret": "whsec_c2VjcmV0", "description": "for the archive", "headers": {"X-Tenant": "blue", "X-B": "c"},
            "timeout_ms": 500, "retry": {"max_attempts": 3}, "rate_limit": {"requests": 10, "per_seconds": 1},
            "max_in_flight": 4, "signature": "v1a", "is_active": false,
        })
    );
}

#[test]
fn add_leaves_to_the_service_what_was_not_typed() {
    let service = StandIn::new(|_| Reply::data(201, &endpoint("ep_1")));
    let shown = run(&service, &["endpoints", "add", "https://a", "--events", "*", "--json"]).ended_with(0);
    assert_eq!(shown.json()["id"], "ep_1");
    assert_eq!(service.asked()[0].json(), json!({"url": "https://a", "events": ["*"]}));
}

#[test]
fn list_is_a_table_of_all_pages() {
    let service = StandIn::new(|asked| {
        let mut gone = endpoint("b");
        gone["disabled_reason"] = json!("gone");
        let mut open = endpoint("c-with-a-long-name");
        open["circuit"]["state"] = json!("open");
        if asked.line.contains("cursor=next%2F2") {
            Reply::data(200, &json!({"items": [gone, open], "next_cursor": null}))
        } else {
            Reply::data(200, &json!({"items": [endpoint("a")], "next_cursor": "next/2"}))
        }
    });
    let shown = run(&service, &["endpoints", "list"]).ended_with(0);
    let rows: Vec<Vec<&str>> =
        shown.out.lines().map(|line| line.split("  ").map(str::trim).collect()).collect();
    let cells = |row: &[&str]| {
        row.iter().filter(|cell| !cell.is_empty()).map(ToString::to_string).collect::<Vec<_>>()
    };
    let (url, events) = ("https://example.org/hooks", "analysis.completed, batch.*");
    assert_eq!(cells(&rows[0]), ["id", "url", "events", "state", "pending", "dead", "delivered"]);
    assert_eq!(cells(&rows[1]), ["a", url, events, "active", "1", "3", "4000"]);
    assert_eq!(cells(&rows[2]), ["b", url, events, "disabled: gone", "1", "3", "4000"]);
    assert_eq!(cells(&rows[3]), ["c-with-a-long-name", url, events, "circuit open", "1", "3", "4000"]);
    let programs = run(&service, &["endpoints", "list", "--json"]).ended_with(0).json();
    assert_eq!(programs["items"].as_array().unwrap().len(), 3);
    assert_eq!(programs["next_cursor"], Value::Null);
}

#[test]
fn a_table_fits_the_terminal() {
    let service = StandIn::new(|_| Reply::data(200, &json!({"items": [endpoint("a")], "next_cursor": null})));
    let url = service.url();
    let place = Place::new();
    let out = run_on_terminal(&place, &[("NO_COLOR", "1")], &["endpoints", "list", "--url", &url]);
    // The terminal that `script` makes has no size of its own, which counts as unknown; the shell gives it one.
    assert!(out.contains("analysis.completed"), "{out}");
    let mut narrow = std::process::Command::new("script");
    let program =
        format!("stty cols 70 rows 40; '{}' endpoints list --url {url}", env!("CARGO_BIN_EXE_redundancy"));
    narrow.args(["--quiet", "--flush", "--return", "--command", &program, "/dev/null"]);
    narrow
        .current_dir(place.path())
        .env_clear()
        .env("TERM", "xterm")
        .env("NO_COLOR", "1")
        .env("PATH", "/usr/bin:/bin");
    let out = String::from_utf8(narrow.output().unwrap().stdout).unwrap();
    assert!(out.contains("delivered"), "{out}");
    for line in out.lines() {
        assert!(line.trim_end().chars().count() <= 70, "{out}");
    }
}

#[test]
fn a_list_whose_pages_go_round_in_a_circle_ends() {
    let service = StandIn::new(|_| Reply::data(200, &json!({"items": [], "next_cursor": "again"})));
    run(&service, &["endpoints", "list"]).ended_with(1);
    assert_eq!(service.lines().len(), 2);
}

#[test]
fn show_tells_everything_about_one() {
    let service = StandIn::new(|_| Reply::data(200, &endpoint("a/b")));
    let shown = run(&service, &["endpoints", "show", "a/b"]).ended_with(0);
    assert_eq!(service.lines(), ["GET /api/v1/webhooks/endpoints/a%2Fb"]);
    for part in [
        "for the archive",
        "closed since 2026-01-02 03:04:05Z",
        "2 failures in a row",
        "4000 delivered, 1 pending, 2 in flight, 5 given up (3 of them dead letters now)",
        "8 attempts, the second after 5.0 s, then each delay 4 times as long, at most 10 h, ±20 %",
        "30.0 s",
        "10 in 1 min",
        "4 at most",
        "X-Tenant: blue",
    ] {
        // A line may be broken anywhere.
        let words = shown.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(part), "{}\nlacks {part}", shown.out);
    }
}

#[test]
fn a_test_that_fails_says_why_and_what_to_do() {
    let attempt = |status: Value, failure: Value| {
        json!({"number": 1, "started_at": "2026-01-02T03:04:05Z", "duration_ms": 31.4, "status": status,
               "failure": failure, "response_headers": {}, "response_body": "no such\u{1b} hook"})
    };
    for (status, failure, code, parts) in [
        (json!(204), Value::Null, 0, ["the receiver took it: status 204 after 31 ms", ""]),
        (json!(404), json!("status"), 1, ["did not take it: status 404", "check the URL of the endpoint"]),
        (Value::Null, json!("connect"), 1, ["no connection", "see whether the receiver runs"]),
        (Value::Null, json!("blocked_address"), 1, ["may not be called", "WEBHOOK_ALLOWED_NETWORKS"]),
    ] {
        let answer = attempt(status, failure);
        let service = StandIn::new(move |_| Reply::data(200, &answer));
        let shown = run(&service, &["endpoints", "test", "a"]).ended_with(code);
        assert_eq!(service.lines(), ["POST /api/v1/webhooks/endpoints/a/test"]);
        for part in parts {
            assert!(shown.out.contains(part), "{}\nlacks {part}", shown.out);
        }
        assert!(shown.out.contains("no such\u{fffd} hook"), "{}", shown.out);
        run(&service, &["endpoints", "test", "a", "--json"]).ended_with(code).json();
    }
}

#[test]
fn enable_and_disable_change_one_field() {
    let service = StandIn::new(|_| Reply::data(200, &endpoint("a")));
    run(&service, &["endpoints", "disable", "a"]).ended_with(0);
    run(&service, &["endpoints", "enable", "a"]).ended_with(0);
    let asked: Vec<(String, Value)> =
        service.asked().into_iter().map(|asked| (asked.line.clone(), asked.json())).collect();
    let line = "PATCH /api/v1/webhooks/endpoints/a";
    assert_eq!(
        asked,
        [(line.to_owned(), json!({"is_active": false})), (line.to_owned(), json!({"is_active": true}))]
    );
}

#[test]
fn a_new_secret_is_shown_with_the_time_when_the_old_one_ends() {
    let service = StandIn::new(|_| {
        Reply::data(200, &json!({"secret": "whsec_bmV3", "previous_expires_at": "2026-01-02T03:04:05Z"}))
    });
    let shown = run(&service, &["endpoints", "rotate-secret", "a", "--overlap", "2h"]).ended_with(0);
    assert!(
        shown.out.contains("whsec_bmV3") && shown.out.contains("until 2026-01-02 03:04:05Z"),
        "{}",
        shown.out
    );
    run(&service, &["endpoints", "rotate-secret", "a", "--secret", "whsec_bmV3", "--json"])
        .ended_with(0)
        .json();
    let bodies: Vec<Value> = service.asked().iter().map(Asked::json).collect();
    assert_eq!(bodies, [json!({"overlap_seconds": 7200}), json!({"secret": "whsec_bmV3"})]);
}

#[test]
fn remove_deletes_and_needs_no_answer() {
    let service = StandIn::new(|asked| match asked.line.as_str() {
        "DELETE /api/v1/webhooks/endpoints/a" => Reply::json(204, &Value::Null),
        _ => Reply::error(404, "there is no endpoint with this id", &Value::Null),
    });
    let shown = run(&service, &["endpoints", "remove", "a"]).ended_with(0);
    assert!(shown.out.contains("a is deleted"), "{}", shown.out);
    let missing = run(&service, &["endpoints", "remove", "b"]).ended_with(1);
    assert!(missing.err.contains("there is no endpoint with this id (404)"), "{}", missing.err);
}

#[test]
fn what_cannot_be_meant_is_wrong_use_and_asks_nobody() {
    for (arguments, said) in [
        (&["endpoints"][..], "Usage"),
        (&["endpoints", "add", "https://a"], "--events"),
        (&["endpoints", "add", "https://a", "--events", "*", "--rate", "10"], "10/1s"),
        (&["endpoints", "add", "https://a", "--events", "*", "--header", "x"], "'X-Tenant: blue'"),
        (&["endpoints", "add", "https://a", "--events", "*", "--signature", "v2"], "v1a"),
        (&["endpoints", "rotate-secret", "a", "--overlap", "1"], "24h"),
        (&["endpoints", "list", "--limit", "0"], "from 1 to"),
        (&["endpoints", "list", "--url", "ftp://a"], "http://127.0.0.1:8000"),
        (&["deliveries", "list", "--since", "yesterday"], "2026-01-02T03:04:05Z"),
        (&["deliveries", "list", "--state", "lost"], "exhausted"),
        (&["deliveries", "retry"], "<ID>"),
        (&["dead-letters", "requeue"], "--all"),
        (&["dead-letters", "requeue", "a", "--all"], "--all"),
        (&["dead-letters", "requeue", "a", "--endpoint", "b"], "filters go with --all"),
        (&["send", "a.b", "--data", "{not json"], "give JSON"),
        (&["send", "a.b", "--wait", "0"], "number of seconds"),
        (&["send", "a.b", "--idempotency-key", "a\nb"], "visible ASCII"),
    ] {
        let run = Place::new().run(arguments).ended_with(2);
        let all = [run.out, run.err].concat();
        assert!(all.contains(said), "{arguments:?}: {all}");
    }
}

#[test]
fn every_command_has_examples() {
    for arguments in [
        "endpoints",
        "endpoints add",
        "endpoints list",
        "endpoints show",
        "endpoints test",
        "endpoints enable",
        "endpoints disable",
        "endpoints rotate-secret",
        "endpoints remove",
        "deliveries",
        "deliveries list",
        "deliveries show",
        "deliveries retry",
        "dead-letters",
        "dead-letters list",
        "dead-letters requeue",
        "send",
    ] {
        let words: Vec<&str> = arguments.split(' ').chain(["--help"]).collect();
        let run = Place::new().run(&words).ended_with(0);
        assert!(
            run.out.contains("Example") && run.out.contains(&format!("  redundancy {arguments}")),
            "{}",
            run.out
        );
    }
}
