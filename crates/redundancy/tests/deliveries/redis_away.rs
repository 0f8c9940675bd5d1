//! Redis goes away and comes back, with what it had or with nothing: what needs it says so, the rest goes on, and all of it
//! works again afterwards.

use crate::http::Message;
use crate::redis_server::RedisServer;
use crate::service::Service;
use crate::sink::Sink;
use serde_json::{Value, json};
use std::thread;
use std::time::Duration;

/// Between two looks whether something has come.
const LOOK: Duration = Duration::from_millis(10);

fn start() -> (RedisServer, Service, Sink) {
    let redis = RedisServer::start();
    let sink = Sink::new();
    let mut service = Service::on_redis(&redis.url());
    service.start();
    register(&service, &sink);
    let event = service.publish("report.ready");
    sink.until_taken(&event);
    (redis, service, sink)
}

/// Of the service's own events it wants to be told of judgements alone.
fn register(service: &Service, sink: &Sink) {
    service.register("sink", &sink.url(), "report.*", &json!({}));
    service.register("judged", &sink.url(), "quality.completed", &json!({}));
}

fn status(answer: &Message) -> Value {
    assert_eq!(answer.status(), 200);
    answer.json()["status"].clone()
}

/// Whoever needs Redis is told to come again, and the others notice nothing.
fn is_degraded(service: &Service) {
    let refused = service.try_publish("report.ready", &json!({}));
    assert_eq!((refused.status(), refused.header("retry-after")), (503, Some("1")), "{}", refused.json());
    assert_eq!(refused.json()["error"]["type"], "Unavailable");
    let found = service.ask("POST", "/api/v1/analyze", Some(&json!({"content": "one two three"})));
    assert_eq!(found.data(200)["counts"]["words"], 3);
    // What somebody is to be told of is not done without a word to them.
    let judged = service.ask("POST", "/api/v1/quality", Some(&json!({"content": "one two three"})));
    assert_eq!(judged.status(), 503);
    assert_eq!(status(&service.ask("GET", "/health/ready", None)), "degraded");
    let health = service.get("/api/v1/health/status");
    assert_eq!(
        (&health["status"], &health["parts"]["store"]["state"]),
        (&json!("degraded"), &json!("degraded"))
    );
    assert_eq!(status(&service.ask("GET", "/health", None)), "ok");
}

/// All is as it was before.
fn is_well(service: &Service, sink: &Sink) {
    service.until("/health/ready", |answer| status(answer) == "ok");
    let event = service.publish("report.ready");
    sink.until_taken(&event);
    service.until_idle();
}

#[test]
fn a_redis_that_hangs_degrades_the_service_until_it_goes_on() {
    let (redis, service, sink) = start();
    redis.freeze();
    is_degraded(&service);
    redis.wake_up();
    is_well(&service, &sink);
}

#[test]
fn a_redis_that_dies_degrades_the_service_until_it_is_started_again() {
    let (mut redis, service, sink) = start();
    for _ in 0..2 {
        redis.kill();
        is_degraded(&service);
        redis.start_again();
        is_well(&service, &sink);
    }
    assert_eq!(sink.seen().duplicates(), 0);
}

#[test]
fn a_redis_that_is_away_does_not_fill_the_log() {
    let (mut redis, service, sink) = start();
    redis.kill();
    let told = |words: &str| service.log().matches(words).count();
    while told("cannot claim deliveries") == 0 {
        thread::sleep(LOOK);
    }
    // For as long as several more attempts take.
    thread::sleep(Duration::from_secs(1));
    redis.start_again();
    is_well(&service, &sink);
    assert_eq!(told("cannot claim deliveries"), 1);
}

#[test]
fn after_a_redis_was_emptied_endpoints_can_be_registered_again() {
    let (redis, service, sink) = start();
    assert!(redis.ask("FLUSHALL").unwrap().contains("+OK"));
    service.until("/api/v1/webhooks/endpoints/sink", |answer| answer.status() == 404);
    let unwanted = service.try_publish("report.ready", &json!({})).data(202);
    assert_eq!(unwanted["deliveries"], 0);
    register(&service, &sink);
    is_well(&service, &sink);
}
