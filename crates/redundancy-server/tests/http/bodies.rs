//! Bodies that are compressed, too long, slow, or not what their head says.

use crate::service::{Service, packed};
use crate::socket::{Listening, announce, post};
use async_compression::Level;
use async_compression::tokio::bufread::ZstdEncoder;
use async_compression::zstd::CParameter;
use axum::body::Body;
use redundancy_server::ServerConfig;
use serde_json::json;
use std::time::Duration;

const ENCODINGS: [&str; 4] = ["gzip", "deflate", "br", "zstd"];
const BODY: &[u8] = br#"{"content": "A text that is compressed on its way."}"#;

fn headers(encoding: &str) -> [(&str, &str); 2] {
    [("content-type", "application/json"), ("content-encoding", encoding)]
}

/// Takes texts of 1 KiB, so that bodies end at 6 KiB for the text and 64 KiB for the rest.
fn small() -> Service {
    Service::with(ServerConfig { max_content_bytes: 1024, ..ServerConfig::default() })
}

const SMALL_BODY_BYTES: usize = 6 * 1024 + 64 * 1024;

#[tokio::test]
async fn bodies_in_every_encoding_are_unpacked() {
    let service = Service::new();
    let plain = service.post_bytes("/api/v1/analyze", &headers("identity"), BODY).await.data();
    for encoding in ENCODINGS {
        let data = service
            .post_bytes("/api/v1/analyze", &headers(encoding), packed(encoding, BODY).await)
            .await
            .data();
        assert_eq!(data["content_hash"], plain["content_hash"], "{encoding}");
    }
}

#[tokio::test]
async fn several_gzip_members_and_zstd_frames_are_one_body() {
    let service = Service::new();
    let (first, second) = BODY.split_at(20);
    for encoding in ["gzip", "zstd"] {
        let body = [packed(encoding, first).await, packed(encoding, second).await].concat();
        service.post_bytes("/api/v1/analyze", &headers(encoding), body).await.data();
    }
}

#[tokio::test]
async fn a_bomb_in_any_encoding_is_413() {
    let service = small();
    let unpacked = json!({"content": "a ".repeat(10 * 1024 * 1024)}).to_string();
    for encoding in ENCODINGS {
        let mut bomb = packed(encoding, unpacked.as_bytes()).await;
        // Its end is missing: who unpacks further than the cap finds that out first and answers 400.
        bomb.truncate(bomb.len() - 8);
        assert!(bomb.len() < SMALL_BODY_BYTES, "{encoding}: {} bytes are no bomb", bomb.len());
        service.post_bytes("/api/v1/analyze", &headers(encoding), bomb).await.error(413, "PayloadTooLarge");
    }
}

#[tokio::test]
async fn a_bomb_of_empty_gzip_members_is_413() {
    let empty = packed("gzip", b"").await;
    let bomb = empty.repeat(SMALL_BODY_BYTES / empty.len() + 1);
    small().post_bytes("/api/v1/analyze", &headers("gzip"), bomb).await.error(413, "PayloadTooLarge");
}

#[tokio::test]
async fn a_zstd_frame_that_asks_for_a_huge_window_is_refused() {
    let parameters = [CParameter::window_log(27)];
    let body =
        crate::service::read(ZstdEncoder::with_quality_and_params(BODY, Level::Default, &parameters)).await;
    Service::new().post_bytes("/api/v1/analyze", &headers("zstd"), body).await.error(400, "ValidationError");
}

#[tokio::test]
async fn a_body_that_is_not_what_its_encoding_says_is_400() {
    let service = Service::new();
    for encoding in ENCODINGS {
        let mut torn = packed(encoding, BODY).await;
        torn.truncate(torn.len() / 2);
        for body in [BODY.to_vec(), torn] {
            let error = service
                .post_bytes("/api/v1/analyze", &headers(encoding), body)
                .await
                .error(400, "ValidationError");
            assert!(error["message"].as_str().unwrap().contains("Content-Encoding"), "{encoding}: {error}");
        }
    }
}

#[tokio::test]
async fn the_cap_on_a_body_is_exact() {
    let service = small();
    let body = |bytes: usize| format!("{{\"content\": \"a\"}}{}", " ".repeat(bytes - 16));
    let json = [("content-type", "application/json")];
    service.post_bytes("/api/v1/analyze", &json, body(SMALL_BODY_BYTES)).await.data();
    let too_long = body(SMALL_BODY_BYTES + 1);
    service.post_bytes("/api/v1/analyze", &json, too_long.clone()).await.error(413, "PayloadTooLarge");
    for encoding in ENCODINGS {
        let packed = packed(encoding, too_long.as_bytes()).await;
        service.post_bytes("/api/v1/analyze", &headers(encoding), packed).await.error(413, "PayloadTooLarge");
    }
}

#[tokio::test]
async fn a_declared_length_over_the_cap_is_answered_before_the_body_is_sent() {
    let listening = Listening::new(small()).await;
    let mut client = listening.connect().await;
    // The client waits for `100 Continue`; the first line it gets is the refusal.
    client.send(announce("/api/v1/analyze", SMALL_BODY_BYTES + 1)).await;
    let reply = client.reply().await;
    reply.error(413, "PayloadTooLarge");
    assert_eq!(reply.header("connection"), Some("close"));
    assert_eq!(client.rest().await, "");
}

/// A small body is read before the next request; with a large one the connection ends, and the answer says so.
#[tokio::test]
async fn a_refusal_before_the_body_is_read_says_whether_the_connection_goes_on() {
    let listening = Listening::new(small()).await;
    for (length, goes_on) in [(100, true), (20_000, true), (64 * 1024 + 1, false)] {
        let mut client = listening.connect().await;
        // There is nothing at this path.
        client.send(post("/api/v1/none", &vec![b' '; length])).await;
        let reply = client.reply().await;
        reply.error(404, "NotFound");
        assert_eq!(reply.header("connection"), (!goes_on).then_some("close"), "{length}");
        if goes_on {
            client.send(post("/api/v1/analyze", BODY)).await;
            client.reply().await.data();
        } else {
            assert_eq!(client.rest().await, "");
        }
    }
    // A client that waits to be invited is not invited only to have its body thrown away.
    let mut client = listening.connect().await;
    client.send(announce("/api/v1/none", 100)).await;
    let reply = client.reply().await;
    reply.error(404, "NotFound");
    assert_eq!(reply.header("connection"), Some("close"));
}

#[tokio::test]
async fn a_client_that_sends_on_after_its_refusal_still_gets_to_read_it() {
    let listening = Listening::new(small()).await;
    let mut client = listening.connect().await;
    // More than the system buffers: the client gets through with it only if the service reads on.
    client.send(post("/api/v1/analyze", &vec![b' '; 16 * 1024 * 1024])).await;
    client.reply().await.error(413, "PayloadTooLarge");
}

#[tokio::test]
async fn a_chunked_body_is_cut_off_at_the_cap() {
    let listening = Listening::new(small()).await;
    let mut client = listening.connect().await;
    client
        .send("POST /api/v1/analyze HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n")
        .await;
    let chunk = format!("1000\r\n{}\r\n", " ".repeat(0x1000));
    // The last chunk never comes: the answer does not wait for it.
    for _ in 0..=SMALL_BODY_BYTES / 0x1000 {
        client.send(&chunk).await;
    }
    client.reply().await.error(413, "PayloadTooLarge");
    listening.assert_well().await;
}

#[tokio::test]
async fn a_chunked_body_within_the_cap_is_read() {
    let listening = Listening::new(small()).await;
    let chunked = "POST /api/v1/analyze HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n\
                   transfer-encoding: chunked\r\n\r\n10\r\n{\"content\": \"a t\r\n5\r\next\"}\r\n0\r\n\r\n";
    listening.exchange(chunked).await.data();
}

#[tokio::test]
async fn broken_chunks_do_no_harm() {
    let listening = Listening::new(small()).await;
    let mut client = listening.connect().await;
    client
        .send(
            "POST /api/v1/analyze HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n\
             transfer-encoding: chunked\r\n\r\nnonsense\r\n",
        )
        .await;
    assert!(!client.rest().await.contains("\"success\":true"));
    listening.assert_well().await;
}

#[tokio::test]
async fn a_length_that_is_less_than_what_comes_does_no_harm() {
    let listening = Listening::new(Service::new()).await;
    let mut client = listening.connect().await;
    let request = post("/api/v1/analyze", BODY);
    let lying = String::from_utf8(request)
        .unwrap()
        .replace(&format!("content-length: {}", BODY.len()), "content-length: 10");
    client.send(lying).await;
    client.reply().await.error(400, "ValidationError");
    // What came too much is no request; the connection ends.
    let rest = client.rest().await;
    assert!(rest.starts_with("HTTP/1.1 400") || rest.is_empty(), "{rest}");
    listening.assert_well().await;
}

#[tokio::test]
async fn a_length_that_is_more_than_what_comes_does_no_harm() {
    let listening = Listening::new(Service::new()).await;
    let mut client = listening.connect().await;
    client.send(announce("/api/v1/analyze", 1000)).await;
    client.invited().await;
    client.send(BODY).await;
    client.finish().await;
    assert!(!client.rest().await.contains("\"success\":true"));
    listening.assert_well().await;
}

#[tokio::test]
async fn lengths_that_contradict_each_other_are_refused() {
    let listening = Listening::new(Service::new()).await;
    for length in ["content-length: 5\r\ncontent-length: 6", "content-length: -1", "content-length: five"] {
        let mut client = listening.connect().await;
        client.send(format!("POST /api/v1/analyze HTTP/1.1\r\nhost: test\r\n{length}\r\n\r\n")).await;
        assert!(client.rest().await.starts_with("HTTP/1.1 400"), "{length}");
    }
    listening.assert_well().await;
}

#[tokio::test]
async fn a_body_that_stops_coming_ends_in_504() {
    let config = ServerConfig { request_timeout: Duration::from_millis(200), ..ServerConfig::default() };
    let listening = Listening::new(Service::with(config)).await;
    let mut client = listening.connect().await;
    client.send(announce("/api/v1/analyze", BODY.len())).await;
    client.invited().await;
    client.send(&BODY[..10]).await;
    let reply = client.reply().await;
    let error = reply.error(504, "Timeout");
    assert!(error["message"].as_str().unwrap().contains("0.2 s"), "{error}");
    assert_eq!(reply.header("connection"), Some("close"));
    assert_eq!(client.rest().await, "");
    listening.assert_well().await;
}

#[tokio::test]
async fn a_body_may_come_in_many_parts() {
    let service = Service::new();
    let parts: Vec<u8> = BODY.to_vec();
    let stream = tokio_util::io::ReaderStream::with_capacity(std::io::Cursor::new(parts), 1);
    service.post_bytes("/api/v1/analyze", &headers("identity"), Body::from_stream(stream)).await.data();
}

#[tokio::test]
async fn what_follows_the_end_of_a_compressed_stream_is_400() {
    let service = Service::new();
    for encoding in ENCODINGS {
        let mut body = packed(encoding, BODY).await;
        body.extend_from_slice(b"junk");
        let reply = service.post_bytes("/api/v1/analyze", &headers(encoding), body).await;
        let error = reply.error(400, "ValidationError");
        assert!(error["message"].as_str().unwrap().contains("Content-Encoding"), "{encoding}: {error}");
    }
}

/// The rest of a body that was refused is no request, however late it comes.
#[tokio::test]
async fn what_follows_a_refusal_that_ends_the_connection_is_not_taken_for_a_request() {
    let listening = Listening::new(small()).await;
    let head = |more: &str| {
        format!(
            "POST /api/v1/none HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n{more}\r\n\r\n"
        )
    };
    for (head, body) in [
        (head("expect: 100-continue\r\ncontent-length: 1000000"), " ".repeat(2_000)),
        (head("transfer-encoding: chunked"), "2\r\n  \r\n2\r\n  \r\n".to_owned()),
        (head("content-length: 60"), String::new()),
    ] {
        let mut client = listening.connect().await;
        client.send(head + &body).await;
        let reply = client.reply().await;
        reply.error(404, "NotFound");
        assert_eq!(reply.header("connection"), Some("close"));
        for _ in 0..4 {
            tokio::time::sleep(Duration::from_millis(300)).await;
            if client.try_send("GET /health HTTP/1.1\r\nhost: test\r\n\r\n").await.is_err() {
                break;
            }
        }
        assert_eq!(client.rest().await, "");
    }
}
