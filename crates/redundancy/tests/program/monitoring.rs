//! Health and metrics at an address of their own.

use std::io::Write as _;

use serde_json::json;

use crate::kit::{PASSAGE, Place};

#[test]
fn metrics_move_to_their_own_address_and_health_is_at_both() {
    let service = Place::new().serve(&[("METRICS_LISTEN", "127.0.0.1:0")]);
    let metrics = service.get_monitoring("/metrics");
    assert_eq!(metrics.status, 200);
    assert!(metrics.body.contains("process_start_time_seconds"), "{}", metrics.body);
    assert_eq!(service.get("/metrics").status, 404);
    for path in ["/health", "/health/ready", "/api/v1/health/status"] {
        assert_eq!((service.get(path).status, service.get_monitoring(path).status), (200, 200), "{path}");
    }
    assert_eq!(service.get_monitoring("/api/v1/stats").status, 404);
}

#[test]
fn it_is_told_when_others_can_reach_the_address_where_nobody_is_asked() {
    let settings = [("METRICS_LISTEN", "0.0.0.0:0")];
    let line = Place::new().serve(&settings).wait_for_log("nobody is asked there who they are");
    assert!(line.contains("METRICS_LISTEN") && line.contains("WARN"), "{line}");
    let service = Place::new().serve(&[("METRICS_LISTEN", "127.0.0.1:0")]);
    service.signal("TERM");
    assert!(!service.ended().1.contains("nobody is asked"));
}

#[test]
fn an_address_of_metrics_that_is_taken_is_named_with_its_setting() {
    let place = Place::new();
    let service = place.serve(&[]);
    let variables = [("METRICS_LISTEN", &*service.address.to_string()), ("DATA_DIR", "other")];
    let run = place.run_with(&variables, &["serve", "--port", "0"]).ended_with(1);
    assert!(run.err.contains("choose another one with METRICS_LISTEN"), "{}", run.err);
}

#[test]
fn while_the_service_drains_its_address_of_metrics_says_so() {
    let mut service = Place::new().serve(&[("METRICS_LISTEN", "127.0.0.1:0")]);
    let body = json!({"content": PASSAGE}).to_string();
    let mut stream = service.connect();
    let head = format!(
        "POST /api/v1/analyze HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Expect: 100-continue\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut interim = [0; 25];
    std::io::Read::read_exact(&mut stream, &mut interim).unwrap();
    service.signal("TERM");
    service.wait_for_log("finishing what has begun");
    // The request that has no body yet keeps the service from ending, so this comes to an end only when it drains.
    while service.get_monitoring("/health/ready").status == 200 {}
    assert_eq!(service.get_monitoring("/metrics").status, 200);
    stream.write_all(body.as_bytes()).unwrap();
    let (code, log) = service.ended();
    assert_eq!(code, Some(0), "{log}");
}
