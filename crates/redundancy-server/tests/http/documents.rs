//! Documents: putting them into the index, one or many at a time, looking at them, and removing them.

use crate::service::{Reply, Service, request};
use crate::webhooks::{self, Receiver};
use axum::body::{Body, Bytes};
use axum::http::Method;
use http_body_util::BodyExt;
use redundancy_server::ServerConfig;
use serde_json::{Value, json};
use std::time::Duration;
use tower::ServiceExt;

pub(crate) const DOCUMENTS: &str = "/api/v1/documents";
const BULK: &str = "/api/v1/documents/bulk";
const LINES: [(&str, &str); 1] = [("content-type", "application/x-ndjson")];

/// A text of `words` words that shares none with those of other `seed`s.
pub(crate) fn text(seed: u32, words: u32) -> String {
    (0..words).map(|word| format!("w{seed}x{word}")).collect::<Vec<_>>().join(" ") + " "
}

#[tokio::test]
async fn a_document_is_put_shown_put_again_and_removed() {
    let service = Service::new();
    let path = format!("{DOCUMENTS}/policy:1");
    let body =
        json!({"content": "Ñandú and rhea.", "collection": "birds", "metadata": {"n": 1.0, "deep": [{}]}});
    let put = service.put(&path, &body).await;
    let created = put.data_with(201);
    assert_eq!(put.header("location"), Some(&*path));
    assert_eq!(created["duplicates"], json!([]));
    let document = &created["document"];
    assert_eq!(
        (&document["id"], &document["collection"], &document["characters"], &document["words"]),
        (&json!("policy:1"), &json!("birds"), &json!(15), &json!(3))
    );
    assert!(put.text().contains(r#""metadata":{"deep":[{}],"n":1.0}"#), "{}", put.text());
    assert!(document["content"].is_null() && document["text_stored"] == true);

    let shown = service.get(&path).await.data();
    assert_eq!(
        (&shown["content"], &shown["content_hash"]),
        (&json!("Ñandú and rhea."), &document["content_hash"])
    );

    let body = json!({"content": "Ostrich.", "store_text": false});
    let replaced = service.put(&path, &body).await.data();
    assert_eq!(replaced["document"]["collection"], "default");
    let shown = service.get(&path).await.data();
    assert_eq!(
        (&shown["text_stored"], &shown["content"], &shown["metadata"]),
        (&json!(false), &Value::Null, &json!({}))
    );

    assert_eq!(service.delete(&path).await.status, 204);
    service.get(&path).await.error(404, "NotFound");
    service.delete(&path).await.error(404, "NotFound");
}

#[tokio::test]
async fn every_fault_of_a_document_is_named() {
    let service = Service::new();
    let body =
        json!({"id": "a b", "content": " ", "collection": "", "metadata": [], "store_text": 1, "nope": 1});
    let error = service.post(DOCUMENTS, &body).await.error(422, "ValidationError");
    let fields: Vec<&str> =
        error["details"].as_array().unwrap().iter().map(|fault| fault["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["/id", "/content", "/collection", "/metadata", "/store_text", "/nope"]);
    let metadata = json!({"content": "a", "metadata": {"long": "x".repeat(16 * 1024)}});
    service.post(DOCUMENTS, &metadata).await.error(413, "PayloadTooLarge");
    let error = service.put(&format!("{DOCUMENTS}/a%20b"), &json!({"content": "a"})).await;
    assert_eq!(error.error(422, "ValidationError")["details"][0]["field"], "id");
    let with_id = service.put(&format!("{DOCUMENTS}/a"), &json!({"content": "a", "id": "a"})).await;
    assert_eq!(with_id.error(422, "ValidationError")["details"][0]["field"], "/id");
}

#[tokio::test]
async fn an_id_that_no_path_leads_to_is_refused_wherever_it_is_chosen() {
    let service = Service::new();
    for id in ["bulk", ".", ".."] {
        let reply = service.post(DOCUMENTS, &json!({"id": id, "content": "a"})).await;
        let error = reply.error(422, "ValidationError");
        assert_eq!(reply.fields(), ["/id"]);
        assert!(error["message"].as_str().unwrap().contains("choose another id"), "{error}");
        let lines = service.post_bytes(BULK, &LINES, json!({"id": id, "content": "a"}).to_string()).await;
        assert_eq!(answers(&lines)[0]["error"]["details"][0]["field"], "/id");
    }
    for path in ["%62ulk", ".", "%2e", ".."] {
        let reply = service.put(&format!("{DOCUMENTS}/{path}"), &json!({"content": "a"})).await;
        reply.error(422, "ValidationError");
        assert_eq!(reply.fields(), ["id"]);
    }
    assert_eq!(service.get("/api/v1/stats").await.data()["documents"]["indexed"], 0);
}

#[tokio::test]
async fn what_is_put_hears_of_its_duplicates_in_its_own_collection() {
    let service = Service::new();
    let original = text(1, 100);
    let changed = original.replace("w1x50 ", "other ");
    service.put(&format!("{DOCUMENTS}/first"), &json!({"content": original})).await.data_with(201);
    service.put(&format!("{DOCUMENTS}/far"), &json!({"content": text(2, 100)})).await.data_with(201);
    let elsewhere = json!({"content": original, "collection": "elsewhere"});
    assert_eq!(service.post(DOCUMENTS, &elsewhere).await.data_with(201)["duplicates"], json!([]));
    for (content, kind) in [
        (original.clone(), "exact"),
        (original.to_uppercase(), "normalized_exact"),
        (changed, "near_duplicate"),
    ] {
        let added = service.post(DOCUMENTS, &json!({"content": content})).await.data_with(201);
        let first =
            added["duplicates"].as_array().unwrap().iter().find(|found| found["document_id"] == "first");
        assert_eq!(first.unwrap()["kind"], kind);
        let id = added["document"]["id"].as_str().unwrap();
        assert!(id.starts_with("doc_"));
        assert_eq!(service.delete(&format!("{DOCUMENTS}/{id}")).await.status, 204);
    }
    // A document does not duplicate what it replaces.
    let again = service.put(&format!("{DOCUMENTS}/first"), &json!({"content": original})).await.data();
    assert_eq!(again["duplicates"], json!([]));
}

#[tokio::test]
async fn documents_are_listed_page_by_page_in_the_order_in_which_they_were_put() {
    let service = Service::new();
    for (id, collection) in [("c", "one"), ("a", "two"), ("b", "one"), ("d", "one")] {
        let body = json!({"content": id, "collection": collection});
        service.put(&format!("{DOCUMENTS}/{id}"), &body).await.data_with(201);
    }
    let list = async |query: &str| {
        let data = service.get(&format!("{DOCUMENTS}?{query}")).await.data();
        let ids: Vec<String> = data["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["id"].as_str().unwrap().to_owned())
            .collect();
        (ids, data["next_cursor"].as_str().map(str::to_owned))
    };
    assert_eq!(list("").await.0, ["c", "a", "b", "d"]);
    let (ids, cursor) = list("collection=one&limit=2").await;
    assert_eq!(ids, ["c", "b"]);
    let (ids, cursor) = list(&format!("collection=one&limit=2&cursor={}", cursor.unwrap())).await;
    assert_eq!((ids, cursor), (vec!["d".to_owned()], None));
    service.get(&format!("{DOCUMENTS}?collection=a%20b&cursor=x")).await.error(422, "ValidationError");
    let stats = service.get("/api/v1/stats").await.data();
    assert_eq!(
        stats["documents"],
        json!({"indexed": 4, "collections": [{"collection": "one", "documents": 3}, {"collection": "two", "documents": 1}]})
    );
    assert!(service.get("/metrics").await.text().contains("documents_indexed 4\n"));
}

#[tokio::test]
async fn events_tell_of_documents_and_their_duplicates() {
    let service = Service::delivering();
    let receiver = Receiver::answering(|_| 200).await;
    let fields = json!({"id": "docs", "events": ["document.*", "duplicate.detected"]});
    webhooks::register(&service, &receiver.url, fields).await;
    let content = text(1, 60);
    service.put(&format!("{DOCUMENTS}/one"), &json!({"content": content})).await.data_with(201);
    service.put(&format!("{DOCUMENTS}/two"), &json!({"content": content})).await.data_with(201);
    assert_eq!(service.delete(&format!("{DOCUMENTS}/one")).await.status, 204);
    let data = webhooks::until(&service, "/api/v1/webhooks/deliveries", |data| {
        data["items"].as_array().unwrap().len() == 4
    })
    .await;
    let mut types: Vec<&str> =
        data["items"].as_array().unwrap().iter().map(|item| item["event_type"].as_str().unwrap()).collect();
    types.sort_unstable();
    assert_eq!(types, ["document.deleted", "document.indexed", "document.indexed", "duplicate.detected"]);
    let detected = data["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|item| item["event_type"] == "duplicate.detected")
        .unwrap();
    let event = format!("/api/v1/webhooks/events/{}", detected["event_id"].as_str().unwrap());
    let event = service.get(&event).await.data();
    assert_eq!(event["data"]["document"]["id"], "two");
    assert_eq!(event["data"]["duplicates"][0]["document_id"], "one");
}

fn answers(reply: &Reply) -> Vec<Value> {
    reply.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn many_documents_are_answered_line_by_line_and_a_bad_line_is_not_the_end() {
    let service = Service::new();
    let content = text(1, 80);
    let lines = [
        json!({"id": "a", "content": content}).to_string(),
        "{\"content\": 1, \"nope\": 2}".to_owned(),
        String::new(),
        "{".to_owned(),
        json!({"id": "b", "content": content}).to_string(),
        json!({"id": "a", "content": text(2, 80)}).to_string(),
        json!({"id": "c", "content": content, "collection": "other"}).to_string(),
        json!({"id": "d", "content": content}).to_string(),
    ];
    let reply = service.post_bytes(BULK, &LINES, lines.join("\n")).await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/x-ndjson")));
    let answers = answers(&reply);
    let summary: Vec<_> = answers
        .iter()
        .map(|answer| {
            let status = answer["status"].as_u64().or(answer["error"]["code"].as_u64()).unwrap();
            (answer["line"].as_u64().unwrap(), status)
        })
        .collect();
    assert_eq!(summary, [(1, 201), (2, 422), (4, 400), (5, 201), (6, 200), (7, 201), (8, 201)]);
    assert_eq!(answers[1]["error"]["details"].as_array().unwrap().len(), 2);
    assert_eq!(
        answers[2]["error"]["message"],
        "Line 4 ends in the middle of the JSON, at column 1. Send it whole."
    );
    let duplicates = |answer: &Value| {
        let found = answer["data"]["duplicates"].as_array().unwrap().iter();
        found.map(|found| found["document_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    // As if they had been put one after the other: what `a` was before is not there any more for `d`.
    assert_eq!(duplicates(&answers[3]), ["a"]);
    assert!(duplicates(&answers[4]).is_empty() && duplicates(&answers[5]).is_empty());
    assert_eq!(duplicates(&answers[6]), ["b"]);
    assert_eq!(service.get("/api/v1/stats").await.data()["documents"]["indexed"], 4);
}

#[tokio::test]
async fn what_is_wrong_with_a_line_is_told_of_that_line() {
    let service = Service::new();
    let deep = "[".repeat(100);
    let lines =
        [&b"{\"content\": \"a\"}"[..], b"7", b"", b"{\"content\": \"\xff\"}", b"{no}", deep.as_bytes()];
    let reply = service.post_bytes(BULK, &LINES, lines.join(&b'\n')).await;
    let messages: Vec<String> = answers(&reply)[1..]
        .iter()
        .map(|answer| answer["error"]["message"].as_str().unwrap().to_owned())
        .collect();
    for (message, begins) in messages.iter().zip([
        "Line 2 must be a JSON object, not a number",
        "Line 4 is not UTF-8",
        "Line 5 is not valid JSON at column 2",
        "Line 6 nests deeper",
    ]) {
        assert!(message.starts_with(begins), "{message}");
    }
    assert_eq!(messages.len(), 4);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_told_with_the_line_it_broke_off_in() {
    let service = Service::new();
    let (send, parts) = tokio::sync::mpsc::channel::<Result<Bytes, std::io::Error>>(1);
    let body = futures_util::stream::unfold(parts, |mut parts| async { Some((parts.recv().await?, parts)) });
    let request = request(Method::POST, BULK, &LINES, Body::from_stream(body));
    let Ok(response) = service.router.clone().oneshot(request).await;
    let mut answer = response.into_body();
    for _ in 1..=3 {
        send.send(Ok("{\"content\": \"a\"}\n".into())).await.unwrap();
        answer.frame().await.unwrap().unwrap();
    }
    send.send(Err(std::io::ErrorKind::ConnectionReset.into())).await.unwrap();
    let frame = answer.frame().await.unwrap().unwrap().into_data().unwrap();
    let line: Value = serde_json::from_slice(&frame).unwrap();
    assert_eq!((&line["line"], &line["success"]), (&json!(4), &json!(false)));
}

#[tokio::test]
async fn a_line_that_is_too_long_is_skipped() {
    let config = ServerConfig { max_content_bytes: 1024, ..Default::default() };
    let service = Service::with(config);
    let body = format!("{{\"content\": \"{}\"}}\n{{\"content\": \"b\"}}", "x".repeat(200 * 1024));
    let reply = service.post_bytes(BULK, &LINES, body).await;
    let answers = answers(&reply);
    assert_eq!((&answers[0]["error"]["code"], &answers[1]["status"]), (&json!(413), &json!(201)));
    assert!(answers[0]["error"]["message"].as_str().unwrap().starts_with("Line 1 is longer"));
}

#[tokio::test]
async fn a_line_is_answered_before_the_next_one_is_sent() {
    let service = Service::new();
    let (send, lines) = tokio::sync::mpsc::channel::<Bytes>(1);
    let body = futures_util::stream::unfold(lines, |mut lines| async {
        Some((Ok::<_, std::convert::Infallible>(lines.recv().await?), lines))
    });
    let request = request(Method::POST, BULK, &LINES, Body::from_stream(body));
    let Ok(response) = service.router.clone().oneshot(request).await;
    let mut answer = response.into_body();
    for number in 1..=3 {
        send.send(format!("{{\"content\": \"text {number}\"}}\n").into()).await.unwrap();
        let frame = answer.frame().await.unwrap().unwrap().into_data().unwrap();
        let line: Value = serde_json::from_slice(&frame).unwrap();
        assert_eq!(line["line"], number);
    }
    drop(send);
    assert!(answer.frame().await.is_none());
}

#[tokio::test]
async fn a_line_that_does_not_come_to_its_end_is_given_up_although_something_comes() {
    let config = ServerConfig { request_timeout: Duration::from_millis(100), ..ServerConfig::default() };
    let service = Service::with(config);
    let bytes = futures_util::stream::unfold("{\"content\": \"", |piece| async move {
        tokio::time::sleep(Duration::from_millis(5)).await;
        Some((Ok::<_, std::convert::Infallible>(Bytes::from(piece)), "a"))
    });
    let reply = service.call(request(Method::POST, BULK, &LINES, Body::from_stream(bytes)));
    let reply = tokio::time::timeout(Duration::from_secs(20), reply).await.unwrap();
    let last: Value = serde_json::from_str(reply.text().lines().last().unwrap()).unwrap();
    assert_eq!(last["error"]["type"], "Timeout", "{last}");
}
