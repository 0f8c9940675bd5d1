//! Receivers that do the worst they can: each costs a few places for as long as its time-out, and others notice nothing.

use crate::service::Service;
use crate::sink::{Call, Gate, Sink};
use serde_json::{Value, json};
use std::io::{self, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Events for each bad receiver, and for the good one.
const BAD_EVENTS: usize = 8;
const GOOD_EVENTS: usize = 200;
/// Deliveries under way at the same time in the whole service: hardly more than bad receivers get at first.
const PLACES: &str = "24";

/// A bad receiver and its name.
type Bad = (&'static str, Sink);

fn drip(_: &Call, stream: &mut TcpStream) -> io::Result<bool> {
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")?;
    loop {
        stream.write_all(b"x")?;
        thread::sleep(Duration::from_secs(1));
    }
}

fn drip_the_head(_: &Call, stream: &mut TcpStream) -> io::Result<bool> {
    for byte in b"HTTP/1.1 200 OK\r\nX-Long: ".iter().chain([b'x'].iter().cycle()) {
        stream.write_all(&[*byte])?;
        thread::sleep(Duration::from_secs(1));
    }
    Ok(false)
}

fn close_in_mid_body(_: &Call, stream: &mut TcpStream) -> io::Result<bool> {
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")?;
    Err(io::ErrorKind::Other.into())
}

/// Sends the body until nobody reads it any more.
fn announce_ten_gigabytes(_: &Call, stream: &mut TcpStream) -> io::Result<bool> {
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n")?;
    loop {
        stream.write_all(&[b'x'; 4096])?;
    }
}

fn pour_without_end(_: &Call, stream: &mut TcpStream) -> io::Result<bool> {
    stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
    loop {
        stream.write_all(b"1000\r\n")?;
        stream.write_all(&[b'x'; 4096])?;
        stream.write_all(b"\r\n")?;
    }
}

fn talk_garbage(_: &Call, stream: &mut TcpStream) -> io::Result<bool> {
    stream.write_all(b"SSH-2.0-OpenSSH_9.2p1\r\n\xff\x00\xfe")?;
    Err(io::ErrorKind::Other.into())
}

fn answer_with_garbage(_: &Call, stream: &mut TcpStream) -> io::Result<bool> {
    stream
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Type: \xff\r\n\r\n\xff\x00\xfe\xfd")?;
    Ok(true)
}

/// All of them. The silent one says nothing until the gate opens.
fn bad_receivers(gate: &Arc<Gate>) -> Vec<Bad> {
    let closed = Arc::clone(gate);
    let silent = Sink::with(move |_, _| {
        closed.pass();
        Err(io::ErrorKind::Other.into())
    });
    vec![
        ("silent", silent),
        ("drip", Sink::with(drip)),
        ("drip-head", Sink::with(drip_the_head)),
        ("mid-body", Sink::with(close_in_mid_body)),
        ("ten-gigabytes", Sink::with(announce_ten_gigabytes)),
        ("without-end", Sink::with(pour_without_end)),
        ("garbage", Sink::with(talk_garbage)),
        ("garbage-body", Sink::with(answer_with_garbage)),
    ]
}

/// A service that calls bad receivers with so long a time-out, one attempt for each event.
fn service_with(bad: &[Bad], timeout: Duration) -> Service {
    let mut service = Service::embedded(&[("WEBHOOK_WORKERS", "1"), ("WEBHOOK_POOL_SIZE", PLACES)]);
    service.start();
    let timeout_ms = u64::try_from(timeout.as_millis()).unwrap();
    let fields = json!({"timeout_ms": timeout_ms, "retry": {"max_attempts": 1}});
    for (name, sink) in bad {
        service.register(name, &sink.url(), "bad.*", &fields);
    }
    service
}

#[test]
fn others_get_everything_while_bad_receivers_hold_their_calls_open() {
    let gate = Arc::new(Gate::default());
    let bad = bad_receivers(&gate);
    // The longest there is: nothing below waits for it.
    let service = service_with(&bad, Duration::from_mins(1));
    let good = Sink::new();
    service.register("good", &good.url(), "good.*", &json!({}));
    for _ in 0..BAD_EVENTS {
        service.publish("bad.event");
    }
    for (_, sink) in &bad {
        sink.until(|seen| !seen.arrived.is_empty());
    }
    let events: Vec<_> = (0..GOOD_EVENTS).map(|_| service.publish("good.event")).collect();
    good.until(|seen| events.iter().all(|event| seen.taken.contains_key(event)));
    assert_eq!(good.seen().duplicates(), 0);
    // The bad ones have not become better meanwhile.
    for endpoint in ["silent", "drip", "drip-head"] {
        let path = format!("/api/v1/webhooks/deliveries?endpoint_id={endpoint}&state=in_flight");
        let under_way = service.get(&path)["items"].as_array().unwrap().len();
        assert!((1..=4).contains(&under_way), "{endpoint}: {under_way}");
    }
    gate.open();
}

#[test]
fn a_bad_receiver_costs_no_more_than_its_time_out_and_its_attempts_say_what_it_did() {
    let gate = Arc::new(Gate::default());
    let bad = bad_receivers(&gate);
    let timeout = Duration::from_millis(1500);
    let service = service_with(&bad, timeout);
    service.publish("bad.event");
    service.until_idle();
    for (endpoint, state, failure, status) in [
        ("silent", "exhausted", json!("timeout"), json!(null)),
        ("drip", "exhausted", json!("timeout"), json!(null)),
        ("drip-head", "exhausted", json!("timeout"), json!(null)),
        ("mid-body", "exhausted", json!("protocol"), json!(null)),
        ("ten-gigabytes", "exhausted", json!("body_too_large"), json!(null)),
        ("without-end", "succeeded", json!(null), json!(200)),
        ("garbage", "exhausted", json!("protocol"), json!(null)),
        ("garbage-body", "succeeded", json!(null), json!(200)),
    ] {
        let delivery =
            &service.get(&format!("/api/v1/webhooks/deliveries?endpoint_id={endpoint}"))["items"][0];
        let shown = service.get(&format!("/api/v1/webhooks/deliveries/{}", delivery["id"].as_str().unwrap()));
        assert_eq!(shown["state"], state, "{endpoint}: {shown}");
        let attempts = shown["attempts"].as_array().unwrap();
        assert_eq!(attempts.len(), 1, "{endpoint}");
        let attempt: &Value = &attempts[0];
        assert_eq!((&attempt["failure"], &attempt["status"]), (&failure, &status), "{endpoint}: {attempt}");
        assert!(attempt["response_body"].as_str().unwrap().len() <= 16 * 1024, "{endpoint}");
        if failure == "timeout" {
            let duration_ms = attempt["duration_ms"].as_f64().unwrap();
            assert!(duration_ms >= timeout.as_secs_f64() * 1000.0, "{endpoint}: {duration_ms}");
        }
    }
    gate.open();
}
