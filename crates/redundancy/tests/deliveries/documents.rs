//! Documents over two replicas on one Redis, from outside: put, found, clustered, replaced, removed, in bulk, told of, and still
//! there after Redis was killed.

use crate::http::Message;
use crate::redis_server::RedisServer;
use crate::service::Service;
use crate::sink::Sink;
use serde_json::{Value, json};
use std::io::{BufReader, Write as _};
use std::net::TcpStream;

/// A text of `words` words, all its own.
fn text(name: &str, words: usize) -> String {
    (0..words).map(|word| format!("{name}{word}")).collect::<Vec<_>>().join(" ")
}

fn put(service: &Service, id: &str, content: &str) -> Message {
    let body = json!({"content": content, "collection": "letters", "metadata": {"from": id}});
    service.ask("PUT", &format!("/api/v1/documents/{id}"), Some(&body))
}

fn matches(service: &Service, content: &str, mode: &str) -> Vec<Value> {
    let query = json!({"content": content, "collection": "letters", "mode": mode});
    let found = service.ask("POST", "/api/v1/duplicates/search", Some(&query)).data(200);
    found["matches"].as_array().unwrap().clone()
}

/// Sends lines in one request that ends the connection, and gives the lines of the answer.
fn bulk(service: &Service, lines: &[Value]) -> Vec<Value> {
    let address = service.address().lock().unwrap().unwrap();
    let body = lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "POST /api/v1/documents/bulk HTTP/1.1\r\nHost: test\r\nContent-Type: application/x-ndjson\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    let answer = Message::read(&mut BufReader::new(stream)).unwrap().unwrap();
    String::from_utf8(answer.body).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn documents_are_put_and_found_over_replicas_and_stay() {
    let mut redis = RedisServer::start();
    // What was answered is on the disk.
    assert!(redis.ask("CONFIG SET appendfsync always").unwrap().contains("+OK"));
    let sink = Sink::new();
    let mut replicas = [Service::on_redis(&redis.url()), Service::on_redis(&redis.url())];
    for replica in &mut replicas {
        replica.start();
    }
    let [one, other] = &replicas;
    one.register("sink", &sink.url(), "*", &json!({}));

    let original = text("word", 120);
    let edited = format!("{original} and a few words more");
    assert_eq!(put(one, "first", &original).data(201)["duplicates"], json!([]));
    let added = put(other, "second", &edited).data(201);
    assert_eq!(added["duplicates"][0]["document_id"], "first");
    assert_eq!(added["duplicates"][0]["kind"], "near_duplicate");
    let found = matches(one, &edited, "near");
    let ids: Vec<&str> = found.iter().map(|found| found["document_id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["second", "first"]);
    let part = original.split(' ').skip(40).take(50).collect::<Vec<_>>().join(" ");
    assert_eq!(matches(other, &part, "contained").len(), 2);

    let lines: Vec<Value> = (0..300)
        .map(|number| {
            let content = text(&format!("b{}x", number / 2), 60);
            json!({"id": format!("bulk-{number}"), "content": content, "collection": "letters"})
        })
        .collect();
    let answers = bulk(other, &lines);
    assert_eq!(answers.len(), 300);
    assert!(answers.iter().all(|answer| answer["success"] == true), "{:?}", answers.first());
    let clusters = one.get("/api/v1/duplicates/clusters?collection=letters&limit=200");
    assert_eq!(clusters["items"].as_array().unwrap().len(), 151);

    // The second is another text now, in another place; the first goes.
    let moved = json!({"content": text("other", 50), "collection": "elsewhere", "store_text": false});
    one.ask("PUT", "/api/v1/documents/second", Some(&moved)).data(200);
    assert_eq!(other.ask("DELETE", "/api/v1/documents/first", None).status(), 204);
    assert_eq!(one.ask("GET", "/api/v1/documents/first", None).status(), 404);
    assert!(matches(one, &edited, "contained").is_empty());

    redis.kill();
    let refused = put(one, "third", &original);
    assert_eq!((refused.status(), refused.header("retry-after")), (503, Some("1")));
    redis.start_again();
    for replica in &replicas {
        replica.until("/health/ready", |answer| answer.json()["status"] == "ok");
    }
    assert_eq!(matches(one, &text("b7x", 60), "near").len(), 2);
    assert_eq!(one.get("/api/v1/documents/second")["collection"], "elsewhere");
    put(one, "third", &original).data(201);
    for replica in &replicas {
        replica.until_idle();
    }
    // Of each document that was put, of those that had duplicates, and of the one that went.
    assert_eq!(one.get("/api/v1/webhooks/stats")["delivered"], 304 + 151 + 1);
}
