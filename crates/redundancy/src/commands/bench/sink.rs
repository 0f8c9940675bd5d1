//! The receiver: takes deliveries and writes down when they came. What it answers depends on the path of the endpoint.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::driver::number_in;
use super::fault::BenchError;
use super::ledger::Ledger;
use super::wire::{self, Wire};

const DONE: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";
const FAILED: &[u8] = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n";

/// How an endpoint behaves; its name is the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// Answers at once that all is well.
    Healthy,
    /// Takes the request and never answers.
    Hanging,
    /// Fails the first attempt of each event.
    FailingOnce,
}

/// A running receiver. Dropping it closes all its connections.
pub(super) struct Sink {
    address: SocketAddr,
    run: Arc<Mutex<Run>>,
    _tasks: JoinSet<()>,
}

/// Which run of the service its connections come from.
#[derive(Default)]
struct Run {
    number: usize,
    first_arrival: Option<Duration>,
}

impl Sink {
    /// Listens on a free port, and writes down in `ledger` what comes.
    pub(super) async fn open(ledger: &Arc<Ledger>) -> Result<Self, BenchError> {
        let open = async {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            io::Result::Ok((listener.local_addr()?, listener))
        };
        let (address, listener) = open.await.map_err(BenchError::machine("the receiver cannot listen"))?;
        let run = Arc::<Mutex<Run>>::default();
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(ledger), Arc::clone(&run)));
        Ok(Self { address, run, _tasks: tasks })
    }

    /// The address of an endpoint that behaves like that.
    pub(super) fn url(&self, manner: Manner) -> String {
        format!("http://{}/{}", self.address, manner.name())
    }

    /// From now on, connections come from a new run of the service.
    pub(super) fn begin_run(&self) {
        let mut run = self.run.lock().unwrap_or_else(PoisonError::into_inner);
        *run = Run { number: run.number + 1, first_arrival: None };
    }

    /// When the first delivery of this run came, by the time of the ledger.
    pub(super) fn first_arrival(&self) -> Option<Duration> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner).first_arrival
    }
}

impl Manner {
    const ALL: [Self; 3] = [Self::Healthy, Self::Hanging, Self::FailingOnce];

    const fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Hanging => "hanging",
            Self::FailingOnce => "failing-once",
        }
    }

    fn of(target: &str) -> Self {
        let name = target.trim_start_matches('/');
        Self::ALL.into_iter().find(|manner| manner.name() == name).unwrap_or(Self::Healthy)
    }
}

async fn accept(listener: TcpListener, ledger: Arc<Ledger>, run: Arc<Mutex<Run>>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = listener.accept().await;
        while connections.try_join_next().is_some() {}
        // An error is one of the connection that nobody has any more.
        if let Ok(wire) = accepted.and_then(|(stream, _)| Wire::new(stream)) {
            let number = run.lock().unwrap_or_else(PoisonError::into_inner).number;
            let (ledger, run) = (Arc::clone(&ledger), Arc::clone(&run));
            connections.spawn(async move {
                // The service may end a connection at any time.
                let _ = receive(wire, &ledger, &run, number).await;
            });
        }
    }
}

async fn receive(mut wire: Wire, ledger: &Ledger, run: &Mutex<Run>, number: usize) -> io::Result<()> {
    let mut is_first = true;
    while let Some((manner, body)) = wire.receive(|buffer| wire::target(buffer, Manner::of)).await? {
        if manner == Manner::Hanging {
            wire.closed().await;
            return Ok(());
        }
        let event = number_in(wire.body(body)).unwrap_or(usize::MAX);
        let is_new = ledger.arrived(event);
        if std::mem::take(&mut is_first) {
            let mut run = run.lock().unwrap_or_else(PoisonError::into_inner);
            if run.number == number && run.first_arrival.is_none() {
                run.first_arrival = Some(ledger.now());
            }
        }
        let answer = if manner == Manner::FailingOnce && is_new { FAILED } else { DONE };
        wire.send(answer).await?;
    }
    Ok(())
}
