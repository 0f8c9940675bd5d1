//! The driver: publishes events, at full speed or at a steady pace. At a steady pace an event counts from when it should have
//! been sent, and is sent then, whatever became of those before it.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::fault::BenchError;
use super::ledger::Ledger;
use super::wire::{self, Wire};

/// In the data of every event, before its number.
const MARK: &str = "\"bench_event\":\"";
const DIGITS: usize = 8;
/// What else is in the data, so that an event is as long as usual ones.
const FILLING: &str = "A finding of the service tells which document it is about, what was found in it, and where it \
                       stands; a few hundred bytes are usual.";
/// No answer takes longer, unless the service hangs.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);
/// Before the next try, if the service has no room, or is not there.
const PAUSE: Duration = Duration::from_millis(2);
const ACCEPTED: u16 = 202;
const BUSY: [u16; 2] = [429, 503];

/// The request that publishes an event of a type; only the number differs from one to the next.
#[derive(Clone)]
pub(super) struct Template {
    request: Vec<u8>,
    digits: Range<usize>,
}

/// Whatever publishes.
#[derive(Clone)]
pub(super) struct Driver {
    /// Where the replicas of the service are; connections go to each in turn.
    pub(super) addresses: Arc<[SocketAddr]>,
    /// How many connections there were.
    pub(super) connected: Arc<AtomicUsize>,
    /// What happens to each event.
    pub(super) ledger: Arc<Ledger>,
    /// One for each type; events take turns.
    pub(super) templates: Arc<[Template]>,
}

/// What did not go smoothly in a run at full speed.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    /// How often the service had no room.
    pub(super) refused: AtomicUsize,
    /// Events of which nobody knows whether the service has them: the connection broke before it answered.
    pub(super) unanswered: AtomicUsize,
}

/// What to do when a connection breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnBreak {
    /// Give up.
    Fail,
    /// Connect again, for as long as it takes.
    Reconnect,
}

impl Template {
    /// The request for events of that type.
    pub(super) fn new(kind: &str) -> Self {
        let before = format!("{{\"type\":\"{kind}\",\"data\":{{{MARK}");
        let behind = format!("\",\"text\":\"{FILLING}\"}}}}");
        let head = head("POST", "/api/v1/webhooks/events", before.len() + DIGITS + behind.len());
        let start = head.len() + before.len();
        let request = format!("{head}{before}{:0DIGITS$}{behind}", 0).into_bytes();
        Self { request, digits: start..start + DIGITS }
    }

    /// Writes the request for that event.
    fn write(&self, event: usize, request: &mut Vec<u8>) {
        request.clear();
        request.extend_from_slice(&self.request);
        if let Some(digits) = request.get_mut(self.digits.clone()) {
            let mut rest = event;
            for digit in digits.iter_mut().rev() {
                *digit = b'0' + u8::try_from(rest % 10).unwrap_or_default();
                rest /= 10;
            }
        }
    }
}

impl Driver {
    /// Publishes `events` as fast as `connections` can.
    pub(super) async fn flood(
        &self,
        events: Range<usize>,
        connections: usize,
        on_break: OnBreak,
    ) -> Result<Troubles, BenchError> {
        let next = Arc::new(AtomicUsize::new(events.start));
        let troubles = Arc::new(Troubles::default());
        let mut tasks = JoinSet::new();
        for _ in 0..connections.min(events.len()) {
            let (driver, next, troubles) = (self.clone(), Arc::clone(&next), Arc::clone(&troubles));
            tasks.spawn(async move { driver.pour(&next, events.end, on_break, &troubles).await });
        }
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        Ok(Arc::into_inner(troubles).unwrap_or_default())
    }

    /// Publishes one event after the other.
    async fn pour(
        &self,
        next: &AtomicUsize,
        end: usize,
        on_break: OnBreak,
        troubles: &Troubles,
    ) -> Result<(), BenchError> {
        let mut request = Vec::new();
        let mut connection = None;
        loop {
            let event = next.fetch_add(1, Ordering::Relaxed);
            if event >= end {
                return Ok(());
            }
            let mut wire = match connection.take() {
                Some(wire) => wire,
                None => self.connect(on_break).await?,
            };
            loop {
                match self.publish(&mut wire, event, &mut request).await {
                    Ok(true) => connection = Some(wire),
                    Ok(false) => {
                        troubles.refused.fetch_add(1, Ordering::Relaxed);
                        sleep(PAUSE).await;
                        continue;
                    }
                    Err(BenchError::Connection(_)) if on_break == OnBreak::Reconnect => {
                        troubles.unanswered.fetch_add(1, Ordering::Relaxed);
                    }
                    Err(error) => return Err(error),
                }
                break;
            }
        }
    }

    async fn connect(&self, on_break: OnBreak) -> Result<Wire, BenchError> {
        let turn = self.connected.fetch_add(1, Ordering::Relaxed);
        let address = self.addresses.get(turn % self.addresses.len().max(1)).copied();
        let address = address.ok_or(BenchError::NotStarted("there is no service".to_owned()))?;
        loop {
            match Wire::connect(address).await {
                Ok(wire) => return Ok(wire),
                Err(_) if on_break == OnBreak::Reconnect => sleep(PAUSE).await,
                Err(error) => return Err(BenchError::Connection(error)),
            }
        }
    }

    /// Publishes the events `0..number`, so many a second.
    pub(super) async fn pace(&self, number: usize, rate: usize) -> Result<(), BenchError> {
        let idle = Arc::new(Mutex::new(Vec::new()));
        let mut tasks: JoinSet<Result<(), BenchError>> = JoinSet::new();
        let mut ticks = self.ticks(number, rate);
        while let Some(event) = ticks.recv().await {
            let (driver, idle) = (self.clone(), Arc::clone(&idle));
            tasks.spawn(async move {
                let free = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
                let (mut wire, mut request) = match free {
                    Some(free) => free,
                    None => (driver.connect(OnBreak::Fail).await?, Vec::new()),
                };
                while !driver.publish(&mut wire, event, &mut request).await? {
                    sleep(PAUSE).await;
                }
                idle.lock().unwrap_or_else(PoisonError::into_inner).push((wire, request));
                Ok(())
            });
            while let Some(ended) = tasks.try_join_next() {
                ended??;
            }
        }
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        Ok(())
    }

    /// Tells when to send which event, from a thread of its own: the timers of the runtime are no finer than 1 ms, which is
    /// as long as what is measured.
    fn ticks(&self, number: usize, rate: usize) -> mpsc::Receiver<usize> {
        let (tell, told) = mpsc::channel(1024);
        let ledger = Arc::clone(&self.ledger);
        thread::spawn(move || {
            let start = ledger.now();
            let each = Duration::from_secs(1) / u32::try_from(rate).unwrap_or(u32::MAX);
            for event in 0..number {
                let due = start + each * u32::try_from(event).unwrap_or(u32::MAX);
                thread::sleep(due.saturating_sub(ledger.now()));
                ledger.sent(event, due);
                // Nobody wants to know any more if the run has ended early.
                if tell.blocking_send(event).is_err() {
                    return;
                }
            }
        });
        told
    }

    /// Publishes one event, and gives whether the service had room for it.
    async fn publish(
        &self,
        wire: &mut Wire,
        event: usize,
        request: &mut Vec<u8>,
    ) -> Result<bool, BenchError> {
        if let Some(template) = self.templates.get(event % self.templates.len().max(1)) {
            template.write(event, request);
        }
        let (status, body) = exchange(wire, request).await?;
        if status == ACCEPTED {
            self.ledger.accepted(event);
            return Ok(true);
        }
        if BUSY.contains(&status) {
            return Ok(false);
        }
        Err(refused("an event", status, wire.body(body)))
    }
}

/// The number of the event whose delivery has that body.
pub(super) fn number_in(body: &[u8]) -> Option<usize> {
    let mark = body.windows(MARK.len()).position(|window| window == MARK.as_bytes())?;
    let digits = body.get(mark + MARK.len()..)?.get(..DIGITS)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Asks the service for something and gives `data` of its answer, which must have the status that is expected.
pub(super) async fn ask(
    address: SocketAddr,
    method: &str,
    path: &str,
    body: &str,
    expected: u16,
) -> Result<Value, BenchError> {
    let mut wire = Wire::connect(address).await.map_err(BenchError::Connection)?;
    let request = format!("{}{body}", head(method, path, body.len()));
    let (status, place) = exchange(&mut wire, request.as_bytes()).await?;
    let body = wire.body(place);
    if status != expected {
        return Err(refused(path, status, body));
    }
    let answer = serde_json::from_slice::<Value>(body).unwrap_or_default();
    Ok(answer.get("data").cloned().unwrap_or_default())
}

async fn exchange(wire: &mut Wire, request: &[u8]) -> Result<(u16, Range<usize>), BenchError> {
    let answered = async {
        wire.send(request).await?;
        wire.receive(wire::status).await
    };
    let answer = timeout(PATIENCE, answered).await.map_err(|_| BenchError::Silent(PATIENCE))?;
    answer.map_err(BenchError::Connection)?.ok_or_else(|| {
        BenchError::Connection(std::io::Error::new(
            std::io::ErrorKind::UnexpectedEof,
            "closed without answer",
        ))
    })
}

fn refused(asked: &str, status: u16, body: &[u8]) -> BenchError {
    let body = String::from_utf8_lossy(body).chars().take(500).collect();
    BenchError::Refused { asked: asked.to_owned(), status, body }
}

fn head(method: &str, path: &str, body_bytes: usize) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {body_bytes}\r\n\r\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_carries_its_number() {
        let template = Template::new("bench.a");
        let mut request = Vec::new();
        for event in [0, 7, 12_345_678] {
            template.write(event, &mut request);
            assert_eq!(number_in(&request), Some(event), "{}", String::from_utf8_lossy(&request));
        }
        assert_eq!(number_in(b"{\"bench_event\":\"12"), None);
    }
}
