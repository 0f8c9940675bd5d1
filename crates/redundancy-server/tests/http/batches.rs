//! Batches: accepting them, their results, and their end.

use crate::documents::{DOCUMENTS, text};
use crate::logs::Log;
use crate::service::{Reply, Service};
use crate::webhooks::{self, Receiver};
use redundancy_engine::batch::{Batch, ItemFormat, ItemTask};
use redundancy_engine::index::Added;
use redundancy_engine::{AnalysisId, EngineError, Finding};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::task::TaskTracker;

pub(crate) const BATCHES: &str = "/api/v1/batches";
const LINES: [(&str, &str); 1] = [("content-type", "application/x-ndjson")];

/// Sends a batch and gives where it stands.
pub(crate) async fn accept(service: &Service, operation: &str, items: &[Value]) -> String {
    let reply = service.post(BATCHES, &json!({"operation": operation, "items": items})).await;
    located(&reply, operation, items.len())
}

fn located(reply: &Reply, operation: &str, total: usize) -> String {
    let data = reply.data_with(202);
    assert_eq!(
        (&data["operation"], &data["state"], &data["total"], &data["done"]),
        (&json!(operation), &json!("queued"), &json!(total), &json!(0)),
        "{data}"
    );
    let location = reply.header("location").unwrap();
    assert_eq!(location, format!("{BATCHES}/{}", data["batch_id"].as_str().unwrap()));
    assert!(location.contains("/bat_"), "{location}");
    location.to_owned()
}

/// Waits for the end of a batch.
pub(crate) async fn ended(service: &Service, location: &str) -> Value {
    webhooks::until(service, location, |data| data["finished_at"].is_string()).await
}

pub(crate) async fn results(service: &Service, location: &str) -> Vec<Value> {
    let reply = service.get(&format!("{location}/results")).await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/x-ndjson")));
    reply.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn items_are_answered_as_the_route_of_their_operation_does() {
    let service = Service::delivering();
    for (operation, path, good) in [
        ("analyze", "/api/v1/analyze", json!({"content": "one two one two", "min_passage_words": 2})),
        (
            "similarity",
            "/api/v1/similarity",
            json!({"text1": "one two", "text2": "two one", "threshold": 0.1}),
        ),
        ("quality", "/api/v1/quality", json!({"content": "The cat sat.", "language": "en"})),
        ("index", DOCUMENTS, json!({"id": "a", "content": "The cat sat.", "store_text": false})),
    ] {
        let items = [good.clone(), json!({"nope": 1}), json!(5), good.clone()];
        let location = accept(&service, operation, &items).await;
        let batch = ended(&service, &location).await;
        assert_eq!(
            (&batch["state"], &batch["total"], &batch["done"], &batch["failed"], &batch["eta_seconds"]),
            (&json!("completed"), &json!(4), &json!(4), &json!(2), &json!(0.0)),
            "{batch}"
        );
        let found = results(&service, &location).await;
        let states: Vec<(u64, bool)> = found
            .iter()
            .map(|line| (line["index"].as_u64().unwrap(), line["success"].as_bool().unwrap()))
            .collect();
        assert_eq!(states, [(0, true), (1, false), (2, false), (3, true)]);
        let mut direct = service.post(path, &good).await.json()["data"].clone();
        let mut data = found[0]["data"].clone();
        for answer in [&mut direct, &mut data] {
            for own in ["/analysis_id", "/document/created_at", "/document/updated_at"] {
                if let Some(own) = answer.pointer_mut(own) {
                    *own = Value::Null;
                }
            }
        }
        assert_eq!(data, direct, "{operation}");
        let error = &found[1]["error"];
        assert_eq!((&error["code"], &error["type"]), (&json!(422), &json!("ValidationError")), "{error}");
        let fields: Vec<&str> = error["details"]
            .as_array()
            .unwrap()
            .iter()
            .map(|fault| fault["field"].as_str().unwrap())
            .collect();
        assert!(fields.contains(&"/nope") && fields.len() >= 2, "{fields:?}");
        assert!(found[2]["error"]["message"].as_str().unwrap().starts_with("The item must be a JSON object"));
    }
}

#[tokio::test]
async fn lines_are_taken_and_a_broken_one_is_an_item_at_fault() {
    let service = Service::delivering();
    let path = format!("{BATCHES}?operation=quality");
    let body = "{\"content\": \"The cat sat.\"}\n\n{\"content\"\n  \n{\"content\": \"The dog ran.\"}";
    let location = located(&service.post_bytes(&path, &LINES, body).await, "quality", 3);
    assert_eq!(ended(&service, &location).await["failed"], 1);
    let found = results(&service, &location).await;
    assert_eq!(found.iter().map(|line| line["success"] == true).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(found[1]["error"]["code"], 400);
    assert!(found[1]["error"]["message"].as_str().unwrap().starts_with("The item ends in the middle"));
    // The rest can be had alone.
    let rest = service.get(&format!("{location}/results?from=2")).await;
    assert_eq!(rest.text().lines().count(), 1);
    assert_eq!(serde_json::from_str::<Value>(rest.text()).unwrap()["index"], 2);
    assert_eq!(service.get(&format!("{location}/results?from=9")).await.text(), "");
}

#[tokio::test]
async fn a_text_that_is_too_long_is_an_item_at_fault() {
    let config = redundancy_server::ServerConfig { max_content_bytes: 1000, ..Default::default() };
    let service = Service::delivering_with(config);
    let long = json!({"content": "x".repeat(1001)});
    let endless = json!({"content": "x".repeat(100_000)});
    let body = format!("{long}\n{endless}\n{{\"content\": \"The cat sat.\"}}\n");
    let reply = service.post_bytes(&format!("{BATCHES}?operation=analyze"), &LINES, body).await;
    let location = located(&reply, "analyze", 3);
    assert_eq!(ended(&service, &location).await["failed"], 2);
    let found = results(&service, &location).await;
    let codes: Vec<&Value> = found.iter().map(|line| &line["error"]["code"]).collect();
    assert_eq!(codes, [&json!(413), &json!(413), &Value::Null]);
}

#[tokio::test]
async fn what_is_wrong_with_the_whole_is_said_at_once() {
    let service = Service::new();
    for (body, fields) in [
        (json!({}), vec!["/operation", "/items"]),
        (json!({"operation": "guess", "items": [], "nope": 1}), vec!["/operation", "/items", "/nope"]),
        (json!({"operation": "index", "items": {"a": 1}}), vec!["/items"]),
        (json!({"operation": "index", "items": null}), vec!["/items"]),
        (json!({"operation": 1, "items": [1]}), vec!["/operation"]),
    ] {
        let reply = service.post(BATCHES, &body).await;
        reply.error(422, "ValidationError");
        assert_eq!(reply.fields(), fields, "{body}");
    }
    let many = format!("{{\"operation\": \"analyze\", \"items\": [{}0]}}", "0,".repeat(100_000));
    let reply = service.post_bytes(BATCHES, &[("content-type", "application/json")], many).await;
    reply.error(413, "PayloadTooLarge");
    for (query, field) in [("", "?operation"), ("?operation=guess", "?operation")] {
        let reply = service.post_bytes(&format!("{BATCHES}{query}"), &LINES, "{}").await;
        reply.error(422, "ValidationError");
        assert_eq!(reply.fields(), [field]);
    }
    let path = format!("{BATCHES}?operation=index");
    service.post_bytes(&path, &LINES, " \n\n").await.error(422, "ValidationError");
    service.post_bytes(&path, &[("content-type", "text/csv")], "a").await.error(415, "UnsupportedMediaType");
    let both = service.post(&path, &json!({"operation": "index", "items": [1]})).await;
    both.error(422, "ValidationError");
    assert_eq!(both.fields(), ["?operation"]);
    for path in ["none", "bat_06f3k9c2vtx5x8w0h3m1r7q4ze", "none/results"] {
        service.get(&format!("{BATCHES}/{path}")).await.error(404, "NotFound");
    }
    service.delete(&format!("{BATCHES}/none")).await.error(404, "NotFound");
    assert_eq!(service.get(BATCHES).await.data()["items"], json!([]));
}

#[tokio::test]
async fn a_batch_that_nobody_works_on_waits_and_can_be_cancelled() {
    let service = Service::new();
    let items = [json!({"content": "The cat sat."})];
    let location = accept(&service, "quality", &items).await;
    let queued = service.get(&location).await.data();
    assert_eq!((&queued["state"], &queued["eta_seconds"]), (&json!("queued"), &Value::Null));
    assert_eq!(results(&service, &location).await, [] as [Value; 0]);
    for _ in 0..2 {
        assert_eq!(service.delete(&location).await.data()["state"], "cancelled");
    }
    let shown = service.get(&location).await.data();
    assert!(shown["state"] == "cancelled" && shown["finished_at"].is_string(), "{shown}");

    let service = Service::delivering();
    let location = accept(&service, "quality", &items).await;
    ended(&service, &location).await;
    service.delete(&location).await.error(409, "Conflict");
}

#[tokio::test]
async fn batches_are_listed_page_by_page_the_youngest_first() {
    let service = Service::new();
    let mut ids = Vec::new();
    for _ in 0..3 {
        let location = accept(&service, "quality", &[json!({"content": "The cat sat."})]).await;
        ids.push(location.rsplit('/').next().unwrap().to_owned());
    }
    ids.sort_unstable_by(|one, other| other.cmp(one));
    let first = service.get(&format!("{BATCHES}?limit=2")).await.data();
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = service.get(&format!("{BATCHES}?limit=2&cursor={cursor}")).await.data();
    assert_eq!(rest["next_cursor"], Value::Null);
    let listed: Vec<&Value> =
        [&first, &rest].iter().flat_map(|page| page["items"].as_array().unwrap()).collect();
    let listed: Vec<&str> = listed.iter().map(|batch| batch["batch_id"].as_str().unwrap()).collect();
    assert_eq!(listed, ids);
}

#[tokio::test]
async fn the_end_of_a_batch_is_told_and_its_documents_are() {
    let service = Service::delivering();
    let mut receiver = Receiver::answering(|_| 204).await;
    webhooks::register(&service, &receiver.url, json!({"id": "all", "events": ["*"]})).await;
    let items = [
        json!({"content": text(1, 50)}),
        json!({"content": " "}),
        json!({"id": "b", "content": text(1, 50)}),
    ];
    let body = json!({"operation": "index", "items": items, "user_id": "u1"});
    let headers = [("content-type", "application/json"), ("x-request-id", "of-the-batch")];
    let reply = service.post_bytes(BATCHES, &headers, body.to_string()).await;
    let location = located(&reply, "index", 3);
    let batch = ended(&service, &location).await;
    let id = batch["batch_id"].as_str().unwrap().to_owned();
    let found = results(&service, &location).await;
    // A document without an id is named after its item, so that it can be put again without being there twice.
    assert_eq!(found[0]["data"]["document"]["id"], format!("{id}:0"));
    assert_eq!(found[1]["error"]["request_id"], "of-the-batch");
    assert_eq!(found[2]["data"]["duplicates"][0]["document_id"], format!("{id}:0"));
    let shown = service.get(&format!("{DOCUMENTS}/{id}:0")).await.data();
    assert_eq!(shown["content"], text(1, 50));

    let told = webhooks::until(&service, &format!("{}?limit=100", webhooks::DELIVERIES), |data| {
        data["items"].as_array().unwrap().iter().filter(|one| one["state"] == "succeeded").count() == 4
    })
    .await;
    let mut kinds: Vec<&str> =
        told["items"].as_array().unwrap().iter().map(|one| one["event_type"].as_str().unwrap()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["batch.completed", "document.indexed", "document.indexed", "duplicate.detected"]);
    let mut completed = receiver.next().await.json();
    while completed["type"] != "batch.completed" {
        completed = receiver.next().await.json();
    }
    assert_eq!((&completed["request_id"], &completed["user_id"]), (&json!("of-the-batch"), &json!("u1")));
    let data = &completed["data"];
    assert_eq!(
        (
            &data["batch_id"],
            &data["operation"],
            &data["state"],
            &data["total"],
            &data["done"],
            &data["failed"]
        ),
        (&json!(id), &json!("index"), &json!("completed"), &json!(3), &json!(3), &json!(1))
    );
    assert!(data["seconds"].is_number());

    // Analyses in a batch do not tell of themselves.
    let location = accept(&service, "quality", &[json!({"content": "The cat sat."})]).await;
    ended(&service, &location).await;
    let of_analyses = service.get(&format!("{}?event_type=quality.completed", webhooks::DELIVERIES)).await;
    assert_eq!(of_analyses.data()["items"], json!([]));
}

#[tokio::test]
async fn many_items_are_all_done_once_and_in_their_order() {
    let service = Service::delivering();
    let line = |number: u32| json!({"content": format!("The cat number {number} sat on the mat.")});
    let lines: Vec<String> = (0..1500).map(|number| line(number).to_string()).collect();
    let body = lines.join("\n");
    let reply = service.post_bytes(&format!("{BATCHES}?operation=index"), &LINES, body).await;
    let location = located(&reply, "index", 1500);
    // Others get their turn, whoever asks gets an answer.
    let other = accept(&service, "analyze", &[line(0)]).await;
    ended(&service, &other).await;
    service.post("/api/v1/analyze", &line(1)).await.data();
    let batch = ended(&service, &location).await;
    assert_eq!((&batch["done"], &batch["failed"]), (&json!(1500), &json!(0)));
    let found = results(&service, &location).await;
    assert!(found.len() == 1500 && found.iter().zip(0..).all(|(line, index)| line["index"] == index));
    assert_eq!(service.get("/api/v1/stats").await.data()["documents"]["indexed"], 1500);
}

/// Has a defect that shows when a finding is to be written.
struct Defective(Arc<dyn ItemFormat>);

impl ItemFormat for Defective {
    fn read(&self, batch: &Batch, index: u64, item: &[u8]) -> Result<ItemTask, String> {
        self.0.read(batch, index, item)
    }

    fn found(&self, _: u64, _: AnalysisId, _: Finding, _: Duration) -> String {
        panic!("on purpose")
    }

    fn added(&self, index: u64, added: Added) -> String {
        self.0.added(index, added)
    }

    fn refused(&self, batch: &Batch, index: u64, error: EngineError) -> String {
        self.0.refused(batch, index, error)
    }

    fn ended(&self, batch: &Batch) -> String {
        self.0.ended(batch)
    }
}

#[tokio::test]
async fn a_defect_in_an_item_is_in_its_result_and_in_its_span_and_the_next_one_is_done() {
    let written = Log::of_process();
    let service = Service::delivering_alone();
    let (engine, items) = (Arc::clone(&service.engine), Arc::new(Defective(service.app.batch_items())));
    TaskTracker::new().spawn(async move { engine.run_batches(items, std::future::pending()).await });
    let location = accept(&service, "quality", &[json!({"content": "one"}), json!({"content": ""})]).await;
    let batch = ended(&service, &location).await;
    assert_eq!(
        (&batch["state"], &batch["done"], &batch["failed"]),
        (&json!("completed"), &json!(2), &json!(2))
    );
    let results = results(&service, &location).await;
    let types: Vec<_> = results.iter().map(|line| line["error"]["type"].clone()).collect();
    assert_eq!(types, ["Internal", "ValidationError"]);
    let written = written();
    let failed = r#"analysis{operation="quality" bytes=3 otel.status_code="error" error.type="panicked"}"#;
    assert!(written.lines().any(|line| line.contains(failed) && line.contains("close")), "{written}");
}
