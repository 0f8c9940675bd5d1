//! `redundancy serve`: puts the service together from its parts, runs it, and ends it in good order.

mod issuer;
mod open_files;
mod parts;
mod starter;
mod stores;
mod tenants;

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::num::NonZero;
use std::thread;
use std::time::Duration;

use redundancy_server::{App, ServeOptions, router, serve};
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use self::parts::Parts;
pub(super) use self::stores::redis_config;
use super::signals::Signals;
use super::{Failure, Outcome};
use crate::cli::ColourChoice;
use crate::cli::service::ServeArgs;
use crate::logging;
use crate::settings::{Purpose, Settings};

/// Files that are open besides connections: the log, the listener, what the runtime needs.
const OTHER_OPEN_FILES: u64 = 128;
/// Connections that wait to be accepted at most: a burst of clients should not be turned away.
const BACKLOG: u32 = 1024;
/// How long work without a request, accepted for later, may take to finish after the last request has ended.
const DRAIN_ENGINE: Duration = Duration::from_secs(10);

pub(super) fn run(args: &ServeArgs, colour: ColourChoice) -> Result<Outcome, Failure> {
    let settings = super::settings(&args.settings, Purpose::Serve)?;
    logging::start(&settings.telemetry, colour);
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let runtime = runtime(cores).map_err(|error| Failure::Other(format!("cannot start threads: {error}")))?;
    let outcome = runtime.block_on(service(&settings, cores, args.until_stdin_closes));
    // Work that was cut off must not hold up the end.
    runtime.shutdown_background();
    outcome
}

fn runtime(cores: usize) -> io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(cores).thread_name("http").enable_io().enable_time().build()
}

/// Serves until the first signal, then lets requests finish, until the second one.
async fn service(settings: &Settings, cores: usize, until_stdin_closes: bool) -> Result<Outcome, Failure> {
    let mut signals =
        Signals::listen().map_err(|error| Failure::Other(format!("cannot catch signals: {error}")))?;
    let starter = starter::gone(until_stdin_closes);
    let listener = listen(settings.listen.address)?;
    let address = listener.local_addr()?;
    let Parts { app, engine, webhooks, tenants } = parts::build(settings, cores).await?;
    let items = app.batch_items();
    let options = options(&app, settings.requests.timeout);
    open_files::allow(options.max_connections as u64 + OTHER_OPEN_FILES);
    greet(address);
    let (stop, stopped) = oneshot::channel::<()>();
    let (stop_batches, batches_stopped) = oneshot::channel::<()>();
    let (stop_deliveries, deliveries_stopped) = oneshot::channel::<()>();
    let serving = serve(listener, router(app), options, async {
        let _ = stopped.await;
    });
    // They end with the first signal: what is left of them goes on after the next start.
    let running_batches = engine.run_batches(items, async {
        let _ = batches_stopped.await;
    });
    let (give_up_batches, batches_given_up) = oneshot::channel::<()>();
    let doing_batches = async {
        tokio::select! {
            () = running_batches => {}
            Ok(()) = batches_given_up => {}
        }
    };
    let delivering = webhooks.run(async {
        let _ = deliveries_stopped.await;
    });
    let ended = async {
        let serve_and_drain = async {
            let drained = serving.await;
            let all = async { tokio::join!(engine.drain(), tenants.drain()) };
            let in_time = tokio::time::timeout(DRAIN_ENGINE, all).await;
            if in_time.is_err() {
                let _ = give_up_batches.send(());
            }
            // Last, so that what the last requests published can still go out.
            let _ = stop_deliveries.send(());
            tenants.close().await;
            (drained, in_time.is_ok())
        };
        tokio::join!(serve_and_drain, delivering, doing_batches, tenants.follow())
    };
    let told_twice = async {
        let signal = tokio::select! {
            told = signals.next() => told.name,
            () = starter => "the end of standard input",
        };
        tracing::info!(signal, "finishing what has begun; a second signal ends at once");
        let _ = stop_batches.send(());
        tenants.stop_batches();
        let _ = stop.send(());
        signals.next().await.name
    };
    tokio::select! {
        ((drained, all_done), deliveries, (), ()) = ended => {
            tracing::info!(
                finished = drained.finished,
                cut_off = drained.cut_off,
                deliveries_given_back = deliveries.broken_off,
                "ended"
            );
            let clean = drained.cut_off == 0 && all_done;
            Ok(if clean { Outcome::Fine } else { Outcome::Found })
        }
        signal = told_twice => {
            tracing::warn!(signal, "ended at once");
            Ok(Outcome::Found)
        }
    }
}

/// How connections are served. No head of a request may take longer than a whole request.
fn options(app: &App, request_timeout: Duration) -> ServeOptions {
    let defaults = ServeOptions::new(app.readiness());
    ServeOptions { header_read_timeout: defaults.header_read_timeout.min(request_timeout), ..defaults }
}

fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    let socket = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // A restart must not wait for the connections of the run before to time out.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    socket().map_err(|error| Failure::Other(format!("cannot listen on {address}: {}", remedy(&error))))
}

fn remedy(error: &io::Error) -> String {
    let known = [
        (
            io::ErrorKind::AddrInUse,
            "another program uses this port; stop it, or choose another one with PORT or --port",
        ),
        (
            io::ErrorKind::PermissionDenied,
            "the system does not allow this port; choose one above 1023 with PORT or --port",
        ),
        (
            io::ErrorKind::AddrNotAvailable,
            "this machine does not have that address; choose another one with HOST or --host",
        ),
    ];
    let remedy = known.into_iter().find(|(kind, _)| *kind == error.kind());
    remedy.map_or_else(|| error.to_string(), |(_, remedy)| remedy.to_owned())
}

/// Says where the service is. The log goes to standard error, so this line is all that stands on standard output.
fn greet(address: SocketAddr) {
    // A service that nobody listens to on standard output is none the worse for it.
    let _ = writeln!(
        io::stdout(),
        "redundancy {} listens on http://{address} (Ctrl-C ends it; the API is explained at http://{address}/docs)",
        env!("CARGO_PKG_VERSION")
    );
}
