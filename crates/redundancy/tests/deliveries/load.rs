//! Clients that publish all the time, go on with whatever service answers, and remember what was accepted.

use crate::http::{Connection, Message};
use crate::service::{Address, LOOK};
use crate::sink::{Seen, Sink};
use serde_json::json;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

/// A text with a finding.
const TEXT: &str = "The lighthouse keeper counted every passing ship until the morning fog. \
    The lighthouse keeper counted every passing ship until the morning fog.";

/// Clients at work.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<Accepted>>,
}

/// What was accepted, in all.
#[derive(Default)]
pub(crate) struct Accepted {
    /// Events, by their ids.
    pub(crate) events: HashSet<String>,
    /// Analyses whose events were accepted with them.
    pub(crate) analyses: HashSet<String>,
    /// Requests of which nobody knows whether they were accepted: the service was killed before it answered.
    pub(crate) unanswered: u32,
    /// Requests that were refused for now.
    pub(crate) refused: u32,
}

impl Load {
    /// So many clients, each of which begins with another of the `services`. Every fourth one asks for analyses instead of
    /// publishing events.
    pub(crate) fn start(clients: usize, services: &[Address]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let clients = (0..clients).map(|number| {
            let (stop, services) = (Arc::clone(&stop), services.to_vec());
            thread::spawn(move || publish(number, &services, &stop))
        });
        Self { clients: clients.collect(), stop }
    }

    /// Ends it and gives what was accepted.
    pub(crate) fn end(self) -> Accepted {
        self.stop.store(true, Ordering::SeqCst);
        let mut all = Accepted::default();
        for client in self.clients {
            let accepted = client.join().expect("a client was answered in a way that it must not be");
            all.events.extend(accepted.events);
            all.analyses.extend(accepted.analyses);
            all.unanswered += accepted.unanswered;
            all.refused += accepted.refused;
        }
        all
    }
}

impl Accepted {
    /// Waits until everything has arrived at `sink`.
    #[track_caller]
    pub(crate) fn until_all_arrived(&self, sink: &Sink) {
        sink.until(|seen| {
            self.events.iter().all(|event| seen.taken.contains_key(event))
                && self.analyses.is_subset(&seen.analyses)
        });
    }

    /// Fails if more was delivered twice than can have been under way at so many kills.
    #[track_caller]
    pub(crate) fn judge(&self, title: &str, seen: &Seen, kills: u32, per_kill: u32) {
        let (accepted, duplicates) = (self.events.len() + self.analyses.len(), seen.duplicates());
        let unasked = seen.taken.len() - accepted;
        println!(
            "{title}: {accepted} accepted and delivered, 0 lost; {duplicates} duplicates after {kills} kills; {} without an \
             answer, of which {unasked} were delivered; {} refused",
            self.unanswered, self.refused
        );
        assert!(duplicates <= kills * per_kill, "{duplicates} duplicates after {kills} kills");
        assert!(unasked <= self.unanswered as usize, "{unasked} events that nobody published");
    }
}

fn publish(number: usize, services: &[Address], stop: &AtomicBool) -> Accepted {
    let mut accepted = Accepted::default();
    let mut next = number;
    while !stop.load(Ordering::SeqCst) {
        let address = *services[next % services.len()].lock().unwrap();
        next += 1;
        match address.and_then(|address| Connection::open(address).ok()) {
            Some(connection) => publish_on(connection, number, stop, &mut accepted),
            // It is being started again.
            None => thread::sleep(LOOK),
        }
    }
    accepted
}

/// Publishes until the connection ends.
fn publish_on(mut connection: Connection, number: usize, stop: &AtomicBool, accepted: &mut Accepted) {
    let asks_for_analyses = number % 4 == 3;
    let (path, body) = if asks_for_analyses {
        ("/api/v1/analyze", json!({"content": TEXT}))
    } else {
        ("/api/v1/webhooks/events", json!({"type": "load.event", "data": {"client": number}}))
    };
    while !stop.load(Ordering::SeqCst) {
        let Ok(answer) = connection.ask("POST", path, Some(&body)) else {
            accepted.unanswered += 1;
            return;
        };
        match answer.status() {
            202 => drop(accepted.events.insert(text(&answer, "event_id"))),
            200 => drop(accepted.analyses.insert(text(&answer, "analysis_id"))),
            503 => {
                accepted.refused += 1;
                return;
            }
            status => panic!("{status}: {}", String::from_utf8_lossy(&answer.body)),
        }
    }
}

fn text(answer: &Message, field: &str) -> String {
    answer.json()["data"][field].as_str().unwrap().to_owned()
}
