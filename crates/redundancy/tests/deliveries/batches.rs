//! The process is killed in the midst of batches, and told to end: every item has one result in the end, and the end is told.

use crate::chance::{Chance, rounds};
use crate::http::Message;
use crate::redis_server::RedisServer;
use crate::service::{DEADLINE, LOOK, Service};
use crate::sink::Sink;
use serde_json::{Value, json};
use std::thread;
use std::time::Instant;

const BATCHES: &str = "/api/v1/batches";
/// Every so many items one is at fault.
const FAULTY: usize = 50;

/// Items of `words` words each.
fn items(count: usize, words: usize) -> Vec<Value> {
    let text =
        |item: usize| (0..words).map(|word| format!("w{}", (item * 31 + word * 7) % 997)).collect::<Vec<_>>();
    let item = |item| {
        if item % FAULTY == FAULTY - 1 {
            json!({"nope": 1})
        } else {
            json!({"content": text(item).join(" ")})
        }
    };
    (0..count).map(item).collect()
}

/// Sends a batch and gives its path.
fn accept(service: &Service, operation: &str, items: &[Value]) -> String {
    let body = json!({"operation": operation, "items": items});
    let accepted = service.ask("POST", BATCHES, Some(&body)).data(202);
    format!("{BATCHES}/{}", accepted["batch_id"].as_str().unwrap())
}

fn has_ended(answer: &Message) -> bool {
    answer.data(200)["finished_at"].is_string()
}

/// How many items are done.
fn done(service: &Service, path: &str) -> u64 {
    service.get(path)["done"].as_u64().unwrap()
}

/// Checks that every item has the one result that it should have.
fn judge(service: &Service, path: &str, count: usize) {
    let batch = service.until(path, has_ended).data(200);
    assert_eq!(
        (&batch["state"], &batch["total"], &batch["done"], &batch["failed"]),
        (&json!("completed"), &json!(count), &json!(count), &json!(count / FAULTY)),
        "{batch}"
    );
    let answer = service.ask("GET", &format!("{path}/results"), None);
    assert_eq!(answer.status(), 200);
    let lines: Vec<Value> = String::from_utf8(answer.body)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), count);
    for (index, line) in lines.iter().enumerate() {
        let is_sound = index % FAULTY != FAULTY - 1;
        assert_eq!((&line["index"], &line["success"]), (&json!(index), &json!(is_sound)), "{line}");
    }
}

#[test]
fn batches_go_on_after_a_kill_from_where_they_stood() {
    let sink = Sink::new();
    let mut service = Service::embedded(&[]);
    service.start();
    service.register("sink", &sink.url(), "batch.*", &json!({}));
    let paths = [
        (accept(&service, "analyze", &items(1500, 120)), 1500),
        (accept(&service, "index", &items(1200, 60)), 1200),
        (accept(&service, "quality", &items(900, 120)), 900),
    ];
    let all_done = |service: &Service| paths.iter().map(|(path, _)| done(service, path)).sum::<u64>();
    let (mut chance, mut before) = (Chance::new(), 0);
    for round in 0..rounds(6) {
        let began = Instant::now();
        while all_done(&service) == before {
            assert!(began.elapsed() < DEADLINE, "nothing goes on: {}", service.log());
            thread::sleep(LOOK);
        }
        thread::sleep(chance.millis(0, 100));
        service.kill();
        service.start();
        // Nothing that had a result has lost it.
        let now = all_done(&service);
        assert!(now > before, "{now} of {before}");
        assert!(round > 0 || now < 3600, "it was not killed in the midst of its work");
        before = now;
        if now == 3600 {
            break;
        }
    }
    for (path, count) in &paths {
        judge(&service, path, *count);
    }
    // A document that was put twice is there once.
    let indexed = &service.get("/api/v1/stats")["documents"]["indexed"];
    assert_eq!(*indexed, 1200 - 1200 / FAULTY);
    service.until_idle();
    assert_eq!(sink.seen().taken.len(), 3);
    service.terminate();
    assert_eq!(service.ended(), Some(0), "{}", service.log());
}

#[test]
fn a_batch_under_way_does_not_hold_up_the_end_and_goes_on_after_it() {
    let mut service = Service::embedded(&[]);
    service.start();
    let path = accept(&service, "analyze", &items(3000, 200));
    service.until(&path, |answer| answer.data(200)["done"].as_u64() > Some(0));
    service.terminate();
    assert_eq!(service.ended(), Some(0), "{}", service.log());
    service.start();
    judge(&service, &path, 3000);
}

#[test]
fn others_are_served_while_a_great_batch_runs_and_it_can_be_cancelled() {
    let mut service = Service::embedded(&[]);
    service.start();
    let great = accept(&service, "analyze", &items(8000, 150));
    service.until(&great, |answer| {
        let batch = answer.data(200);
        batch["state"] == "running" && batch["done"].as_u64() > Some(0) && batch["eta_seconds"].is_number()
    });
    let small = accept(&service, "quality", &items(100, 50));
    let asked = json!({"content": "one two three"});
    service.ask("POST", "/api/v1/analyze", Some(&asked)).data(200);
    judge(&service, &small, 100);
    let batch = service.get(&great);
    assert!(batch["state"] == "running" && batch["done"].as_u64() < Some(8000), "{batch}");
    let cancelled = service.ask("DELETE", &great, None).data(200);
    assert_eq!(cancelled["state"], "cancelled");
    let kept = service.ask("GET", &format!("{great}/results"), None);
    let lines = String::from_utf8(kept.body).unwrap().lines().count() as u64;
    assert_eq!(Some(lines), cancelled["done"].as_u64());
    // It stays so, and nothing holds up the end.
    service.terminate();
    assert_eq!(service.ended(), Some(0), "{}", service.log());
    service.start();
    assert_eq!((service.get(&great)["state"].clone(), done(&service, &great)), (json!("cancelled"), lines));
}

#[test]
fn a_batch_of_a_replica_that_was_killed_is_done_by_another() {
    let redis = RedisServer::start();
    let [mut one, mut other] = [Service::on_redis(&redis.url()), Service::on_redis(&redis.url())];
    one.start();
    let path = accept(&one, "quality", &items(3000, 120));
    one.until(&path, |answer| answer.data(200)["done"].as_u64() > Some(0));
    one.kill();
    other.start();
    let before = other.get(&path);
    assert!(before["state"] == "running" && before["done"].as_u64() < Some(3000), "{before}");
    judge(&other, &path, 3000);
}
