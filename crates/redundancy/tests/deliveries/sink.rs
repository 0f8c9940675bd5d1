//! A receiver that outlives every service that calls it, and knows what it got and how often.

use crate::http::Message;
use crate::service::DEADLINE;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::io::{self, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Instant;

/// Answers a request. An error ends the connection; `true` means that the event was taken.
type Respond = dyn Fn(&Call, &mut TcpStream) -> io::Result<bool> + Send + Sync;

/// A request that arrived.
pub(crate) struct Call {
    /// The id of the event.
    pub(crate) event: String,
    message: Message,
}

/// A receiver on a free port. Dropping it ends it.
pub(crate) struct Sink {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

/// What a receiver has seen.
#[derive(Default)]
pub(crate) struct Seen {
    /// How often each event arrived.
    pub(crate) arrived: HashMap<String, u32>,
    /// How often each event was taken.
    pub(crate) taken: HashMap<String, u32>,
    /// The analyses that events were about.
    pub(crate) analyses: HashSet<String>,
}

/// What a respond function may wait for: closed at first.
#[derive(Default)]
pub(crate) struct Gate(Mutex<bool>, Condvar);

struct Shared {
    seen: Mutex<Seen>,
    changed: Condvar,
    ended: AtomicBool,
    respond: Box<Respond>,
}

impl Sink {
    /// A receiver that takes everything.
    pub(crate) fn new() -> Self {
        Self::with(|_, stream| answer(stream, 204))
    }

    /// A receiver that answers as `respond` does.
    pub(crate) fn with(
        respond: impl Fn(&Call, &mut TcpStream) -> io::Result<bool> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            seen: Mutex::default(),
            changed: Condvar::new(),
            ended: AtomicBool::new(false),
            respond: Box::new(respond),
        });
        let of_thread = Arc::clone(&shared);
        let accepting = thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if of_thread.ended.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&of_thread);
                // It ends with the connection. An error is a caller that went away, which is what callers here do.
                thread::spawn(move || shared.serve(stream));
            }
        });
        Self { address, shared, accepting: Some(accepting) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.shared.seen.lock().unwrap()
    }

    /// Waits until what was seen is as wanted.
    #[track_caller]
    pub(crate) fn until(&self, is_wanted: impl Fn(&Seen) -> bool) {
        let began = Instant::now();
        let mut seen = self.seen();
        while !is_wanted(&seen) {
            let left = DEADLINE.saturating_sub(began.elapsed());
            assert!(
                !left.is_zero(),
                "{} events arrived, {} were taken",
                seen.arrived.len(),
                seen.taken.len()
            );
            seen = self.shared.changed.wait_timeout(seen, left).unwrap().0;
        }
    }

    /// Waits until `event` has been taken.
    #[track_caller]
    pub(crate) fn until_taken(&self, event: &str) {
        self.until(|seen| seen.taken.contains_key(event));
    }
}

impl Seen {
    /// How often an event was taken that had been taken before.
    pub(crate) fn duplicates(&self) -> u32 {
        self.taken.values().map(|times| times - 1).sum()
    }
}

impl Call {
    /// The number of the attempt that it is.
    pub(crate) fn attempt(&self) -> u32 {
        self.message.header("x-webhook-attempt").unwrap().parse().unwrap()
    }

    /// A header of it.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.message.header(name)
    }

    fn analysis(&self) -> Option<String> {
        if self.message.header("x-webhook-event") != Some("analysis.completed") {
            return None;
        }
        let body: Value = self.message.json();
        Some(body["data"]["analysis_id"].as_str().expect("an analysis without an id").to_owned())
    }
}

impl Shared {
    fn serve(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut answering = stream.try_clone()?;
        let mut reader = BufReader::new(stream);
        while let Some(message) = Message::read(&mut reader)? {
            let event = message.header("webhook-id").unwrap().to_owned();
            let call = Call { event, message };
            self.note(|seen| *seen.arrived.entry(call.event.clone()).or_default() += 1);
            if (self.respond)(&call, &mut answering)? {
                self.note(|seen| {
                    seen.analyses.extend(call.analysis());
                    *seen.taken.entry(call.event).or_default() += 1;
                });
            }
        }
        Ok(())
    }

    fn note(&self, what: impl FnOnce(&mut Seen)) {
        what(&mut self.seen.lock().unwrap());
        self.changed.notify_all();
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for a connection.
        drop(TcpStream::connect(self.address));
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

impl Gate {
    pub(crate) fn open(&self) {
        *self.0.lock().unwrap() = true;
        self.1.notify_all();
    }

    /// Waits until it is open.
    pub(crate) fn pass(&self) {
        drop(self.1.wait_while(self.0.lock().unwrap(), |is_open| !*is_open).unwrap());
    }
}

/// Sends an answer without a body, and says whether it was a success.
pub(crate) fn answer(stream: &mut TcpStream, status: u16) -> io::Result<bool> {
    let length = if status == 204 { "" } else { "Content-Length: 0\r\n" };
    stream.write_all(format!("HTTP/1.1 {status} X\r\n{length}\r\n").as_bytes())?;
    Ok(status < 300)
}
