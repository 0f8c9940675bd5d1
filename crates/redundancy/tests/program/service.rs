//! The service from its start to its end, and the commands that talk to it.

use std::io::Write as _;

use serde_json::json;

use crate::kit::{Answer, PASSAGE, Place, is_hangup_heeded};

#[test]
fn it_says_where_it_is_and_answers_there() {
    let service = Place::new().serve(&[]);
    let answer = service.get("/health");
    assert_eq!((answer.status, answer.json()), (200, json!({"status": "ok"})));
    let found = service.post("/api/v1/analyze", &json!({"content": format!("{PASSAGE} {PASSAGE}")}));
    assert_eq!(found.json()["data"]["redundancy_score"], 0.5);
}

#[test]
fn it_ends_in_good_order_on_any_of_its_signals() {
    for signal in ["TERM", "INT", "HUP"] {
        if signal == "HUP" && !is_hangup_heeded() {
            continue;
        }
        let service = Place::new().serve(&[]);
        assert_eq!(service.get("/health").status, 200);
        service.signal(signal);
        let (code, log) = service.ended();
        assert_eq!(code, Some(0), "{signal}: {log}");
        assert!(log.contains(&format!("SIG{signal}")), "{log}");
    }
}

/// The head of a request whose body has not come yet, and its body.
fn request_in_two_parts() -> (String, String) {
    let body = json!({"content": PASSAGE}).to_string();
    let head = format!(
        "POST /api/v1/analyze HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Expect: 100-continue\r\nConnection: close\r\n\r\n",
        body.len()
    );
    (head, body)
}

/// Reads the interim answer that says that the service works on the request.
fn wait_until_read(stream: &mut std::net::TcpStream) {
    use std::io::Read as _;
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).unwrap();
    assert_eq!(interim, *b"HTTP/1.1 100 Continue\r\n\r\n");
}

#[test]
fn a_request_under_way_is_finished_before_it_ends() {
    let service = Place::new().serve(&[]);
    let (head, body) = request_in_two_parts();
    let mut stream = service.connect();
    stream.write_all(head.as_bytes()).unwrap();
    wait_until_read(&mut stream);
    service.signal("TERM");
    stream.write_all(body.as_bytes()).unwrap();
    let answer = Answer::read(stream);
    assert_eq!((answer.status, answer.json()["success"].clone()), (200, json!(true)));
    let (code, log) = service.ended();
    assert_eq!(code, Some(0), "{log}");
}

#[test]
fn a_second_signal_ends_it_at_once_and_the_exit_code_tells() {
    let service = Place::new().serve(&[]);
    let (head, _) = request_in_two_parts();
    let mut stream = service.connect();
    stream.write_all(head.as_bytes()).unwrap();
    wait_until_read(&mut stream);
    service.signal("TERM");
    service.signal("INT");
    let (code, log) = service.ended();
    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains("ended at once"), "{log}");
}

#[test]
fn two_services_run_beside_each_other() {
    let place = Place::new();
    let (one, two) = (place.serve(&[("DATA_DIR", "one")]), place.serve(&[("DATA_DIR", "two")]));
    assert_ne!(one.address, two.address);
    drop(one);
    assert_eq!(two.get("/health").status, 200);
}

#[test]
fn a_data_folder_in_use_is_named_with_the_setting_that_changes_it() {
    let place = Place::new();
    let _service = place.serve(&[("DATA_DIR", "here")]);
    let run = place.run_with(&[("DATA_DIR", "here")], &["serve", "--port", "0"]).ended_with(1);
    assert!(run.err.contains("another process uses the data folder here"), "{}", run.err);
    assert!(run.err.contains("DATA_DIR"), "{}", run.err);
}

#[test]
fn a_port_in_use_is_named_with_the_setting_that_changes_it() {
    let place = Place::new();
    let service = place.serve(&[]);
    let port = service.address.port().to_string();
    let run = place.run(&["serve", "--port", &port]).ended_with(1);
    assert!(
        run.err.contains(&format!("cannot listen on 127.0.0.1:{port}: another program uses this port")),
        "{}",
        run.err
    );
    assert!(run.err.contains("PORT"), "{}", run.err);
}

#[test]
fn it_takes_more_connections_than_a_shell_gives_files_to_a_program() {
    let service = Place::new().serve_with_open_files(40);
    let idle: Vec<_> = (0..100).map(|_| service.connect()).collect();
    assert_eq!(service.get("/health").status, 200);
    assert_eq!(idle.len(), 100);
}

#[test]
fn settings_reach_the_service() {
    let variables = [
        ("MAX_CONTENT_BYTES", "10"),
        ("ENABLE_METRICS", "false"),
        ("K_SERVICE", "f"),
        ("CORS_ORIGINS", "https://app.example.org"),
    ];
    let service = Place::new().serve(&variables);
    let answer = service.post("/api/v1/analyze", &json!({"content": "more than ten bytes"}));
    assert_eq!(answer.status, 413);
    assert_eq!(service.get("/metrics").status, 404);
    let status = service.get("/api/v1/health/status").json()["data"].take();
    assert_eq!(status["profile"], "function");
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn everybody_is_let_in_from_outside_only_if_that_is_said() {
    let place = Place::new();
    let run = place.run(&["serve", "--host", "0.0.0.0", "--port", "0"]).ended_with(2);
    assert!(run.err.contains("HOST") && run.err.contains("ALLOW_ANONYMOUS=true"), "{}", run.err);
}

#[test]
fn the_log_is_json_in_a_pipe_and_text_if_that_is_wanted() {
    let place = Place::new();
    let log = |format: &[(&str, &str)]| {
        let service = place.serve(format);
        service.signal("TERM");
        service.ended().1
    };
    let machines = log(&[]);
    assert!(machines.lines().count() > 0);
    for line in machines.lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(event["message"].is_string() && event["level"].is_string(), "{line}");
    }
    let people = log(&[("LOG_FORMAT", "text")]);
    assert!(people.contains("INFO") && !people.starts_with('{'), "{people}");
    assert_eq!(log(&[("LOG_LEVEL", "error")]), "");
}

#[test]
fn a_log_that_nobody_reads_any_more_does_no_harm() {
    let mut service = Place::new().serve(&[("LOG_LEVEL", "trace")]);
    service.close_log();
    for _ in 0..3 {
        assert_eq!(service.post("/api/v1/analyze", &json!({"content": PASSAGE})).status, 200);
    }
}

#[test]
fn no_text_of_a_document_is_logged() {
    let service = Place::new().serve(&[("LOG_LEVEL", "trace")]);
    for path in ["analyze", "quality"] {
        assert_eq!(
            service.post(&format!("/api/v1/{path}"), &json!({"content": "xylophone zebra quokka"})).status,
            200
        );
    }
    assert_eq!(service.post("/api/v1/analyze", &json!({"content": 1, "quokka": "xylophone"})).status, 422);
    service.signal("TERM");
    let (_, log) = service.ended();
    assert!(log.contains("/api/v1/analyze"), "{log}");
    for word in ["xylophone", "zebra", "quokka"] {
        assert!(!log.contains(word), "{log}");
    }
}

#[test]
fn health_asks_a_running_service() {
    let place = Place::new();
    let service = place.serve(&[]);
    let port = service.address.port().to_string();
    let people = place.run(&["health", "--url", &service.url()]).ended_with(0);
    assert!(people.out.contains("is ready: status ok, version"), "{}", people.out);
    let programs = place.run_with(&[("PORT", &port)], &["health", "--json"]).ended_with(0);
    assert_eq!(programs.json()["status"], "ok");
    // Nothing listens on a port that only the system may give away.
    let gone = place.run(&["health", "--port", "1"]).ended_with(1);
    assert!(gone.err.contains("cannot connect to http://127.0.0.1:1:"), "{}", gone.err);
    let wrong = place.run(&["health", "--url", "ftp://127.0.0.1"]).ended_with(2);
    assert!(wrong.err.contains("http://127.0.0.1:8000"), "{}", wrong.err);
}

#[test]
fn openapi_prints_what_the_service_serves() {
    let place = Place::new();
    let served = place.serve(&[]).get("/openapi.json").json();
    assert_eq!(place.run(&["openapi"]).ended_with(0).json(), served);
}
