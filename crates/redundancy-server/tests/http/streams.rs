//! Bodies and answers of many lines: packed ones, hostile ones, and those that stay open.

use crate::batches;
use crate::service::{Service, packed, request, unpacked};
use axum::body::Body;
use axum::http::Method;
use http_body_util::BodyExt as _;
use serde_json::json;
use tower::ServiceExt as _;

const BULK: &str = "/api/v1/documents/bulk";
const LINES: (&str, &str) = ("content-type", "application/x-ndjson");
const ENCODINGS: [&str; 3] = ["gzip", "br", "zstd"];

#[tokio::test]
async fn answers_of_many_lines_come_whole_in_every_encoding() {
    let service = Service::delivering();
    let line = format!("{}\n", json!({"content": "The cat sat on the mat. ".repeat(20)}));
    let batch = batches::accept(&service, "quality", &[json!({"content": "The cat sat on the mat."})]).await;
    batches::ended(&service, &batch).await;
    for encoding in ENCODINGS {
        for body in ["", &line, &line.repeat(20)] {
            let headers = [LINES, ("accept-encoding", encoding)];
            let reply = service.post_bytes(BULK, &headers, body.to_owned()).await;
            let text = match reply.header("content-encoding") {
                None => reply.body.clone(),
                Some(sent) => unpacked(sent, &reply.body).await,
            };
            let lines = String::from_utf8(text).unwrap().lines().count();
            assert_eq!((reply.status, lines), (200, body.lines().count()), "{encoding}");
        }
        let asked = request(
            Method::GET,
            &format!("{batch}/results"),
            &[("accept-encoding", encoding)],
            Body::empty(),
        );
        let reply = service.call(asked).await;
        assert_eq!(reply.status, 200, "{encoding}");
    }
}

#[tokio::test]
async fn lines_that_unpack_out_of_all_proportion_are_413() {
    let service = Service::new();
    for content in ["\n", "{}\n", " "] {
        let unpacked = content.repeat((12 << 20) / content.len());
        for encoding in ENCODINGS {
            let bomb = packed(encoding, unpacked.as_bytes()).await;
            assert!(bomb.len() < 20_000, "{encoding}: {} bytes are no bomb", bomb.len());
            let headers = [LINES, ("content-encoding", encoding)];
            let path = "/api/v1/batches?operation=quality";
            service.post_bytes(path, &headers, bomb).await.error(413, "PayloadTooLarge");
        }
    }
}

#[tokio::test]
async fn many_documents_that_are_alike_may_be_packed_small() {
    let service = Service::new();
    let line = format!("{}\n", json!({"content": "The cat sat on the mat. ".repeat(20), "id": "one"}));
    let body = packed("zstd", line.repeat(2_000).as_bytes()).await;
    assert!(body.len() < 2_000, "{} bytes", body.len());
    let reply = service.post_bytes(BULK, &[LINES, ("content-encoding", "zstd")], body).await;
    assert_eq!((reply.status, reply.text().lines().count()), (200, 2_000));
}

/// Lines are read without waiting while there are any, and others have to get their turn all the same.
#[tokio::test]
async fn lines_without_anything_in_them_do_not_keep_others_waiting() {
    let service = Service::new();
    for blank in ["\n", " \n"] {
        let asked = request(Method::POST, BULK, &[LINES], Body::from(blank.repeat(4 << 20)));
        let answer = service.router.clone().oneshot(asked).await.unwrap();
        let mut reading = std::pin::pin!(answer.into_body().collect());
        let mut turns = 0;
        loop {
            tokio::select! {
                biased;
                ended = &mut reading => break drop(ended.unwrap()),
                () = tokio::task::yield_now() => turns += 1,
            }
        }
        // One for every 128 KiB at least.
        assert!(turns >= blank.len() * 32, "{turns} turns");
    }
}

#[tokio::test]
async fn short_lines_take_no_more_memory_than_they_are() {
    let service = Service::new();
    // As many as fit into 1 MB of the budget, if each takes a line's room; a KiB each would be all of it.
    let lines = "{}\n".repeat(262_100);
    let (sender, open) = tokio::sync::mpsc::channel::<Result<String, std::io::Error>>(1);
    sender.send(Ok(lines)).await.unwrap();
    let body = Body::from_stream(futures_util::stream::unfold(open, |mut open| async {
        open.recv().await.map(|part| (part, open))
    }));
    let asked = request(Method::POST, "/api/v1/batches?operation=quality", &[LINES], body);
    let accepting = service.router.clone().oneshot(asked);
    let meanwhile = async {
        // The channel has room for the second when the lines before the first are read.
        for _ in 0..2 {
            sender.send(Ok("{}\n".to_owned())).await.unwrap();
        }
        service.post("/api/v1/analyze", &json!({"content": "a text"})).await.data();
        drop(sender);
    };
    let (accepted, ()) = tokio::join!(accepting, meanwhile);
    assert_eq!(accepted.unwrap().status(), 202);
}
