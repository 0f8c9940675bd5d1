//! The process is killed at random moments, on the embedded store: nothing that was accepted is lost.

use crate::chance::{Chance, rounds};
use crate::load::Load;
use crate::service::Service;
use crate::sink::{Sink, answer};
use serde_json::json;
use std::thread;

/// Clients that publish.
const CLIENTS: usize = 8;
/// Deliveries that may be under way at a kill: the cap of each endpoint, and outcomes that are not on the disk yet.
const UNDER_WAY: u32 = 200;

#[test]
fn nothing_that_was_accepted_is_lost_when_the_process_is_killed() {
    let steady = Sink::new();
    // Refuses every third event at first, so that there are always retries to be remembered.
    let moody = Sink::with(|call, stream| {
        let refuses = call.attempt() == 1 && call.event.bytes().map(u32::from).sum::<u32>() % 3 == 0;
        answer(stream, if refuses { 500 } else { 204 })
    });
    let mut service = Service::embedded(&[]);
    service.start();
    service.register("steady", &steady.url(), "*", &json!({}));
    service.register("moody", &moody.url(), "*", &json!({}));
    let load = Load::start(CLIENTS, &[service.address()]);
    let (mut chance, kills) = (Chance::new(), rounds(50));
    for round in 0..kills {
        // Counted from the start of the process in some rounds, so that starting is interrupted too.
        if round % 5 == 4 {
            thread::sleep(chance.millis(0, 150));
        } else {
            service.until_started();
            thread::sleep(chance.millis(50, 700));
        }
        service.kill();
        service.launch();
    }
    service.until_started();
    let accepted = load.end();
    for (title, sink) in [("steady", &steady), ("moody", &moody)] {
        accepted.until_all_arrived(sink);
        service.until_idle();
        accepted.judge(title, &sink.seen(), kills, UNDER_WAY);
    }
    assert!(accepted.events.len() > kills as usize && accepted.analyses.len() > kills as usize);
    service.terminate();
    assert_eq!(service.ended(), Some(0), "{}", service.log());
}
