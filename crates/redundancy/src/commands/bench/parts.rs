//! The parts of the measurement, one file each, and what they share.

mod backlog;
mod hanging;
mod latency;
mod pending;
mod restart;
mod retries;
mod throughput;

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::net::TcpSocket;
use tokio::time::sleep;

use super::driver::{Driver, Template, ask};
use super::fault::BenchError;
use super::findings::Findings;
use super::ledger::Ledger;
use super::server::{Server, Setup};
use super::sink::{Manner, Sink};
use crate::cli::bench::{DeliverArgs, Part};
use crate::figures::{count, grouped};
use crate::progress::Progress;

const ENDPOINTS: &str = "/api/v1/webhooks/endpoints";
/// Between two looks at how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Longer than a lease, so that also what a killed process held arrives.
const STALLED_AFTER: Duration = Duration::from_mins(1);

/// What all parts share.
pub(super) struct Bench<'a> {
    /// How much to measure.
    pub(super) args: &'a DeliverArgs,
    /// How to start services.
    pub(super) setup: &'a Setup,
    /// In the types of all events of this run, so that nothing left in a store gets them.
    pub(super) run_id: u64,
    /// Shows how far it is.
    pub(super) progress: &'a Progress,
}

/// A service, a receiver, a driver, and the endpoints between them.
struct Stage<'a> {
    bench: &'a Bench<'a>,
    part: Part,
    server: Server,
    /// More replicas beside it.
    others: Vec<Server>,
    sink: Sink,
    ledger: Arc<Ledger>,
    endpoints: Vec<String>,
}

impl Bench<'_> {
    /// Measures one part.
    pub(super) async fn measure(&self, part: Part) -> Result<Findings, BenchError> {
        self.progress.begin(part.name());
        match part {
            Part::Throughput => throughput::measure(self).await,
            Part::Latency => latency::measure(self).await,
            Part::Hanging => hanging::measure(self).await,
            Part::Pending => pending::measure(self).await,
            Part::Backlog => backlog::measure(self).await,
            Part::Restart => restart::measure(self).await,
            Part::Retries => retries::measure(self).await,
        }
    }

    fn findings(&self, part: Part) -> Findings {
        Findings::new(part.name(), self.setup.store)
    }

    /// How many events a run at a steady pace has.
    const fn paced_events(&self) -> usize {
        self.args.rate.saturating_mul(self.args.seconds)
    }

    /// Starts a service with `settings`, and a receiver of up to `events` events.
    async fn stage(
        &self,
        part: Part,
        events: usize,
        settings: &[(&str, &str)],
    ) -> Result<Stage<'_>, BenchError> {
        let ledger = Arc::new(Ledger::new(events));
        let sink = Sink::open(&ledger).await?;
        let server = self.setup.start(settings).await?;
        let mut others = Vec::new();
        for _ in 1..self.args.replicas {
            others.push(self.setup.start(settings).await?);
        }
        Ok(Stage { bench: self, part, server, others, sink, ledger, endpoints: Vec::new() })
    }
}

impl Stage<'_> {
    /// The type of the events for the endpoint with that number.
    fn kind(&self, number: usize) -> String {
        format!("bench.{}.{:x}.e{number}", self.part.name(), self.bench.run_id)
    }

    /// Registers an endpoint of the receiver for the events of its number, with `more` of its fields.
    async fn endpoint(&mut self, number: usize, manner: Manner, more: &Value) -> Result<(), BenchError> {
        self.endpoint_at(number, &self.sink.url(manner), more).await
    }

    /// Registers an endpoint at `url`.
    async fn endpoint_at(&mut self, number: usize, url: &str, more: &Value) -> Result<(), BenchError> {
        let mut fields = json!({ "url": url, "events": [self.kind(number)] });
        if let (Some(fields), Some(more)) = (fields.as_object_mut(), more.as_object()) {
            fields.extend(more.clone());
        }
        let made = ask(self.server.address(), "POST", ENDPOINTS, &fields.to_string(), 201).await?;
        self.endpoints.extend(made.get("id").and_then(Value::as_str).map(str::to_owned));
        Ok(())
    }

    /// A driver whose events go to the endpoints of those numbers by turns, and are written down in `ledger`.
    fn driver(&self, numbers: Range<usize>, ledger: &Arc<Ledger>) -> Driver {
        let templates = numbers.map(|number| Template::new(&self.kind(number))).collect();
        let addresses = self.servers().map(Server::address).collect();
        Driver { addresses, connected: Arc::default(), ledger: Arc::clone(ledger), templates }
    }

    /// All replicas.
    fn servers(&self) -> impl Iterator<Item = &Server> {
        std::iter::once(&self.server).chain(&self.others)
    }

    /// The time of processors that all replicas have used.
    fn cpu_seconds(&self) -> Option<f64> {
        self.servers().map(Server::cpu_seconds).sum()
    }

    /// Waits until so many events have arrived, or none has for long.
    async fn until_arrived(&self, number: usize) {
        let mut last = (Instant::now(), self.ledger.count_arrived());
        while last.1 < number && last.0.elapsed() < STALLED_AFTER {
            self.bench.progress.begin(&format!(
                "{}: {} of {} delivered",
                self.part.name(),
                grouped(last.1),
                count(number, "event")
            ));
            sleep(LOOK_EVERY).await;
            let arrived = self.ledger.count_arrived();
            if arrived > last.1 {
                last = (Instant::now(), arrived);
            }
        }
    }

    /// Removes what outlives the service in a store that does.
    async fn end(self) -> Result<(), BenchError> {
        if self.bench.setup.redis_url.is_some() {
            for id in &self.endpoints {
                ask(self.server.address(), "DELETE", &format!("{ENDPOINTS}/{id}"), "", 204).await?;
            }
        }
        Ok(())
    }
}

/// A port that refuses connections for as long as it is held: it is taken, and nobody listens.
struct DeadPort {
    address: SocketAddr,
    _held: TcpSocket,
}

impl DeadPort {
    fn take() -> Result<Self, BenchError> {
        let take = || {
            let held = TcpSocket::new_v4()?;
            held.bind((Ipv4Addr::LOCALHOST, 0).into())?;
            Ok(Self { address: held.local_addr()?, _held: held })
        };
        take().map_err(BenchError::machine("cannot take a port"))
    }

    fn url(&self) -> String {
        format!("http://{}/dead", self.address)
    }
}
