//! The service is told to end while it delivers: what is under way ends or is given back, the next start does the rest, and
//! nothing that a receiver has taken is sent to it again.

use crate::service::Service;
use crate::sink::{Gate, Sink, answer};
use serde_json::json;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const EVENTS: usize = 200;
/// Events that the receiver takes at once; the others it keeps waiting.
const PROMPT: usize = 120;

/// A service that delivers, and its receiver.
struct Delivering {
    service: Service,
    sink: Sink,
    gate: Arc<Gate>,
    events: HashSet<String>,
}

impl Delivering {
    /// A receiver that has taken [`PROMPT`] events and keeps others waiting until the gate opens.
    fn start() -> Self {
        let gate = Arc::new(Gate::default());
        let (closed, calls) = (Arc::clone(&gate), AtomicUsize::new(0));
        let sink = Sink::with(move |_, stream| {
            if calls.fetch_add(1, Ordering::SeqCst) >= PROMPT {
                closed.pass();
            }
            answer(stream, 204)
        });
        let mut service = Service::embedded(&[]);
        service.start();
        // A time-out of a minute, so that nothing ends by itself.
        service.register("sink", &sink.url(), "*", &json!({"timeout_ms": 60_000, "max_in_flight": 10}));
        let events = (0..EVENTS).map(|_| service.publish("load.event")).collect();
        sink.until(|seen| seen.taken.len() == PROMPT && seen.arrived.len() > PROMPT);
        Self { service, sink, gate, events }
    }

    /// Starts it again and waits until everything has arrived.
    fn finish(&mut self) {
        self.service.start();
        self.sink.until(|seen| self.events.iter().all(|event| seen.taken.contains_key(event)));
        self.service.until_idle();
    }
}

#[test]
fn deliveries_under_way_end_before_the_service_does_and_nothing_arrives_twice() {
    let mut delivering = Delivering::start();
    delivering.service.terminate();
    delivering.gate.open();
    assert_eq!(delivering.service.ended(), Some(0), "{}", delivering.service.log());
    let before = delivering.sink.seen().arrived.len();
    delivering.finish();
    let seen = delivering.sink.seen();
    println!("{before} of {EVENTS} had arrived at the end of the first run");
    assert!(seen.arrived.values().all(|times| *times == 1), "{:?}", seen.arrived);
}

#[test]
fn deliveries_that_do_not_end_are_given_back_and_only_they_are_made_again() {
    let mut delivering = Delivering::start();
    let taken: HashSet<_> = delivering.sink.seen().taken.keys().cloned().collect();
    delivering.service.terminate();
    assert_eq!(delivering.service.ended(), Some(0), "{}", delivering.service.log());
    let begun: HashSet<_> = delivering.sink.seen().arrived.keys().cloned().collect();
    delivering.gate.open();
    delivering.finish();
    let seen = delivering.sink.seen();
    for event in &delivering.events {
        let may_arrive = if taken.contains(event) || !begun.contains(event) { 1 } else { 2 };
        assert!(seen.arrived[event] <= may_arrive, "{event} arrived {} times", seen.arrived[event]);
    }
    println!("{} of {} that were under way were made again", begun.len() - taken.len(), EVENTS);
}
