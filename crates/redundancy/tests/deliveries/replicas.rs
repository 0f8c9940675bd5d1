//! Two replicas on one Redis: one takes over what the other one had begun when it was killed, and either delivers what the
//! other one accepted.

use crate::chance::{Chance, rounds};
use crate::load::Load;
use crate::redis_server::RedisServer;
use crate::service::Service;
use crate::sink::{Gate, Sink, answer};
use serde_json::json;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

/// Clients that publish.
const CLIENTS: usize = 8;
/// Deliveries that may be under way at a kill: the cap of the endpoint, which the replicas share, and outcomes that are on
/// their way to Redis.
const UNDER_WAY: u32 = 200;

fn two_replicas(redis: &RedisServer) -> [Service; 2] {
    let mut replicas = [Service::on_redis(&redis.url()), Service::on_redis(&redis.url())];
    for replica in &mut replicas {
        replica.start();
    }
    replicas
}

#[test]
fn nothing_that_was_accepted_is_lost_when_one_of_two_replicas_is_killed() {
    let redis = RedisServer::start();
    let sink = Sink::new();
    let mut replicas = two_replicas(&redis);
    replicas[0].register("sink", &sink.url(), "*", &json!({}));
    let load = Load::start(CLIENTS, &[replicas[0].address(), replicas[1].address()]);
    let (mut chance, kills) = (Chance::new(), rounds(20));
    for _ in 1..kills {
        thread::sleep(chance.millis(100, 1000));
        let one = &mut replicas[usize::from(chance.below(2) == 1)];
        one.until_started();
        one.kill();
        one.launch();
    }
    for replica in &mut replicas {
        replica.until_started();
    }
    thread::sleep(chance.millis(100, 1000));
    // The last one is not started again: the other one has to do what it had begun.
    let [killed, left] = &mut replicas;
    killed.kill();
    let began = Instant::now();
    let accepted = load.end();
    accepted.until_all_arrived(&sink);
    println!("all had arrived {:.1} s after the last kill", began.elapsed().as_secs_f64());
    left.until_idle();
    accepted.judge("redis", &sink.seen(), kills, UNDER_WAY);
    assert!(accepted.events.len() > kills as usize && accepted.analyses.len() > kills as usize);
    left.terminate();
    assert_eq!(left.ended(), Some(0), "{}", left.log());
}

#[test]
fn what_a_killed_replica_had_begun_is_delivered_by_another() {
    let redis = RedisServer::start();
    let gate = Arc::new(Gate::default());
    let closed = Arc::clone(&gate);
    let sink = Sink::with(move |_, stream| {
        closed.pass();
        answer(stream, 204)
    });
    let mut first = Service::on_redis(&redis.url());
    first.start();
    first.register("sink", &sink.url(), "*", &json!({}));
    let events: Vec<_> = (0..3).map(|_| first.publish("load.event")).collect();
    sink.until(|seen| seen.arrived.len() == events.len());
    first.kill();
    gate.open();
    let mut second = Service::on_redis(&redis.url());
    second.start();
    let began = Instant::now();
    sink.until(|seen| events.iter().all(|event| seen.arrived[event] == 2));
    println!("taken over {:.1} s after the other replica started", began.elapsed().as_secs_f64());
    second.until_idle();
}

#[test]
fn an_event_arrives_whichever_replica_accepted_it() {
    let redis = RedisServer::start();
    let sink = Sink::new();
    let replicas = two_replicas(&redis);
    replicas[0].register("sink", &sink.url(), "*", &json!({}));
    let mut millis = Vec::new();
    for _ in 0..25 {
        for replica in &replicas {
            // Nothing is under way, so that somebody has to be woken.
            let event = replica.publish("load.event");
            let began = Instant::now();
            sink.until_taken(&event);
            millis.push(began.elapsed().as_secs_f64() * 1000.0);
        }
    }
    millis.sort_by(f64::total_cmp);
    println!(
        "p50 {:.1} ms, longest {:.1} ms after the answer",
        millis[millis.len() / 2],
        millis[millis.len() - 1]
    );
    assert_eq!(sink.seen().duplicates(), 0);
}
