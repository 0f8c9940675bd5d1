//! What a connection may do: many requests, slow heads, long heads, no reading.

use crate::service::Service;
use crate::socket::{Listening, post};
use redundancy_server::ServeOptions;
use std::time::Duration;

/// Longer than a connection waits before it rests.
const PAUSE: Duration = Duration::from_millis(1_100);
const GET_HEALTH: &str = "GET /health HTTP/1.1\r\nhost: test\r\n\r\n";

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let listening = Listening::new(Service::new()).await;
    let mut client = listening.connect().await;
    for _ in 0..3 {
        client.send(GET_HEALTH).await;
        assert_eq!(client.reply().await.text(), r#"{"status":"ok"}"#);
    }
    // Two at once, before the first answer.
    client.send([post("/api/v1/analyze", br#"{"content": "a text"}"#), GET_HEALTH.into()].concat()).await;
    client.reply().await.data();
    assert_eq!(client.reply().await.status, 200);
}

#[tokio::test]
async fn a_fault_does_not_end_the_connection() {
    let listening = Listening::new(Service::new()).await;
    let mut client = listening.connect().await;
    client.send(post("/api/v1/analyze", b"{}")).await;
    client.reply().await.error(422, "ValidationError");
    client.send(GET_HEALTH).await;
    assert_eq!(client.reply().await.status, 200);
}

#[tokio::test]
async fn a_head_that_does_not_end_ends_the_connection() {
    let service = Service::new();
    let options = ServeOptions {
        header_read_timeout: Duration::from_millis(100),
        ..ServeOptions::new(service.app.readiness())
    };
    let listening = Listening::with(service, options).await;
    let mut client = listening.connect().await;
    client.send("GET /health HTTP/1.1\r\nhost: test\r\nx-slow: ").await;
    // The end comes from the service: the client keeps its side open.
    assert_eq!(client.rest().await, "");
    // So does that of a connection on which nothing comes at all.
    assert_eq!(listening.connect().await.rest().await, "");
    listening.assert_well().await;
}

#[tokio::test]
async fn a_head_that_is_too_long_is_431() {
    let listening = Listening::new(Service::new()).await;
    let many = "x-many: 1\r\n".repeat(200);
    let long = format!("x-long: {}\r\n", "x".repeat(64 * 1024));
    for headers in [many, long] {
        let mut client = listening.connect().await;
        client.send(format!("GET /health HTTP/1.1\r\nhost: test\r\n{headers}\r\n")).await;
        assert!(client.rest().await.starts_with("HTTP/1.1 431"));
    }
    listening.assert_well().await;
}

#[tokio::test]
async fn what_is_no_http_does_no_harm() {
    let listening = Listening::new(Service::new()).await;
    for bytes in [
        "\0\0\0\0\r\n\r\n",
        "\u{16}\u{3}\u{1}hello TLS\r\n\r\n",
        "GET\r\n\r\n",
        "PRI",
        "PRI * HTTP/3.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut client = listening.connect().await;
        client.send(bytes).await;
        client.finish().await;
        assert!(!client.rest().await.contains("200"), "{bytes:?}");
    }
    listening.assert_well().await;
}

#[tokio::test]
async fn connections_over_the_limit_wait_for_their_turn() {
    let service = Service::new();
    let options = ServeOptions { max_connections: 1, ..ServeOptions::new(service.app.readiness()) };
    let listening = Listening::with(service, options).await;
    let mut first = listening.connect().await;
    first.send(GET_HEALTH).await;
    first.reply().await;
    let mut second = listening.connect().await;
    second.send(GET_HEALTH).await;
    // Nothing can come while the first is open; a longer wait would only make the test slower.
    let early = tokio::time::timeout(Duration::from_millis(50), second.reply()).await;
    assert!(early.is_err(), "{early:?}");
    drop(first);
    drop(second);
    listening.assert_well().await;
}

#[tokio::test]
async fn a_head_that_is_open_to_doubt_is_400_and_ends_the_connection() {
    let listening = Listening::new(Service::new()).await;
    for headers in [
        "",
        "host: a\r\nhost: b\r\n",
        "host: a\r\ntransfer-encoding: gzip, chunked\r\n",
        "host: a\r\ntransfer-encoding: chunked, chunked\r\n",
    ] {
        let mut client = listening.connect().await;
        client.send(format!("GET /health HTTP/1.1\r\n{headers}\r\n")).await;
        let reply = client.reply().await;
        reply.error(400, "ValidationError");
        assert_eq!(reply.header("connection"), Some("close"), "{headers}");
        assert_eq!(client.rest().await, "", "{headers}");
    }
    listening.assert_well().await;
}

#[tokio::test]
async fn a_client_of_http_1_0_needs_no_host() {
    let listening = Listening::new(Service::new()).await;
    let reply = listening.exchange("GET /health HTTP/1.0\r\n\r\n").await;
    assert_eq!(reply.text(), r#"{"status":"ok"}"#);
}

#[tokio::test]
async fn a_request_with_two_kinds_of_length_is_the_last_of_its_connection() {
    let listening = Listening::new(Service::new()).await;
    let mut client = listening.connect().await;
    client
        .send(format!(
            "POST /api/v1/analyze HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 5\r\n\
             transfer-encoding: chunked\r\n\r\n0\r\n\r\n{GET_HEALTH}"
        ))
        .await;
    client.reply().await.error(400, "ValidationError");
    assert_eq!(client.rest().await, "");
}

/// A connection that rests between requests has to be as good as one that does not: whatever comes in the pause and behind it counts.
#[tokio::test]
async fn a_connection_goes_on_after_a_pause_with_whatever_came_meanwhile() {
    let listening = Listening::new(Service::new()).await;
    let mut client = listening.connect().await;
    let body = br#"{"content": "one two three"}"#;
    let request = post("/api/v1/analyze", body);
    let (first_part, rest) = request.split_at(20);
    for parts in [vec![&request[..]], vec![first_part, rest], vec![&request[..1], &request[1..]]] {
        for (number, part) in parts.iter().enumerate() {
            client.send(part).await;
            if number + 1 < parts.len() {
                tokio::time::sleep(PAUSE).await;
            }
        }
        client.reply().await.data();
        tokio::time::sleep(PAUSE).await;
    }
    // Two at once, and the beginning of a third.
    client.send([&request[..], &request[..], first_part].concat()).await;
    client.reply().await.data();
    client.reply().await.data();
    tokio::time::sleep(PAUSE).await;
    client.send(rest).await;
    client.reply().await.data();
}

#[tokio::test]
async fn an_answer_that_pauses_is_not_cut_off() {
    let listening = Listening::new(Service::new()).await;
    let mut client = listening.connect().await;
    client
        .send(
            "POST /api/v1/documents/bulk HTTP/1.1\r\nhost: test\r\ncontent-type: application/x-ndjson\r\n\
             transfer-encoding: chunked\r\nconnection: close\r\n\r\n",
        )
        .await;
    for _ in 0..3 {
        client.send("1c\r\n{\"content\":\"one two three\"}\n\r\n").await;
        tokio::time::sleep(PAUSE).await;
    }
    client.send("0\r\n\r\n").await;
    assert_eq!(client.rest().await.matches("\"success\":true").count(), 3);
}
