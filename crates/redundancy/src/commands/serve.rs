//! `redundancy serve`: puts the service together from its parts, runs it, and ends it in good order.

mod certificates;
mod issuer;
mod listening;
mod monitoring;
mod open_files;
mod parts;
mod starter;
mod stores;
mod tenants;

use std::io;
use std::num::NonZero;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use redundancy_server::{App, LogLevels, ServeOptions, router, serve};
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use self::certificates::Certificates;
use self::listening::{greet, listen};
use self::monitoring::Monitoring;
use self::parts::{Parts, Shown};
pub(super) use self::stores::redis_config;
use super::signals::Signals;
use super::{Failure, Outcome};
use crate::cli::ColourChoice;
use crate::cli::service::ServeArgs;
use crate::clock::SystemClock;
use crate::logging;
use crate::random::SystemRandom;
use crate::settings::{Purpose, Settings};
use crate::traces::{Exporting, Traces};

/// Files that are open besides connections: the log, the listener, what the runtime needs.
const OTHER_OPEN_FILES: u64 = 128;
/// How long work without a request, accepted for later, may take to finish after the last request has ended.
const DRAIN_ENGINE: Duration = Duration::from_secs(10);

pub(super) fn run(args: &ServeArgs, colour: ColourChoice) -> Result<Outcome, Failure> {
    let settings = super::settings(&args.settings, Purpose::Serve)?;
    let (traces, exporting) = traces(&settings)?.unzip();
    let log_levels = logging::start(&settings.telemetry, colour, traces.as_ref());
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let runtime = runtime(cores).map_err(|error| Failure::Other(format!("cannot start threads: {error}")))?;
    let surroundings = Surroundings { cores, log_levels, exporting };
    let outcome = runtime.block_on(service(&settings, surroundings, args.until_stdin_closes));
    // Work that was cut off must not hold up the end.
    runtime.shutdown_background();
    outcome
}

/// The spans that are collected and the one who sends them, if the settings want traces.
fn traces(settings: &Settings) -> Result<Option<(Traces, Exporting)>, Failure> {
    let Some(export) = &settings.telemetry.traces else { return Ok(None) };
    let random =
        SystemRandom::new().map_err(|error| Failure::Other(format!("no random numbers: {error}")))?;
    Ok(Some(Traces::new(export, random)))
}

fn runtime(cores: usize) -> io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(cores).thread_name("http").enable_io().enable_time().build()
}

/// What the service finds when it starts.
struct Surroundings {
    cores: usize,
    /// What is logged.
    log_levels: Arc<dyn LogLevels>,
    /// Sends spans, if there are traces.
    exporting: Option<Exporting>,
}

/// Ends the parts of the service, each at its time.
#[derive(Default)]
struct Stop {
    serving: CancellationToken,
    batches: CancellationToken,
    /// Batches that do not come to their end are left as they are.
    waiting_for_batches: CancellationToken,
    deliveries: CancellationToken,
    /// What tells others of the service.
    watching: CancellationToken,
}

/// Serves until the first signal, then lets requests finish, until the second one.
async fn service(
    settings: &Settings,
    surroundings: Surroundings,
    until_stdin_closes: bool,
) -> Result<Outcome, Failure> {
    let Surroundings { cores, log_levels, exporting } = surroundings;
    let mut signals =
        Signals::listen().map_err(|error| Failure::Other(format!("cannot catch signals: {error}")))?;
    let starter = starter::gone(until_stdin_closes);
    let listener = listen(settings.listen.address, &listening::OF_SERVICE)?;
    let address = listener.local_addr()?;
    let monitoring = Monitoring::listen(settings.listen.monitoring)?;
    let certificates = Certificates::of(&settings.transport, Arc::new(SystemClock::new()))?;
    let encryption = certificates.as_ref().map(|certificates| certificates.encryption.clone());
    let span_export = exporting.as_ref().map(Exporting::figures);
    let shown = Shown { log_levels, encryption: encryption.clone(), span_export };
    let parts = parts::build(settings, cores, shown).await?;
    let Parts { app, engine, webhooks, tenants } = parts;
    let items = app.batch_items();
    let options = ServeOptions { encryption, ..options(&app, settings.requests.timeout) };
    open_files::allow((options.max_connections + monitoring::MAX_CONNECTIONS) as u64 + OTHER_OPEN_FILES);
    greet(address, certificates.is_some(), monitoring.as_ref().map(|monitoring| monitoring.address));
    let stop = Stop::default();
    let watched = async {
        if let Some(monitoring) = monitoring {
            monitoring.run(app.clone(), options.clone(), stop.watching.cancelled()).await;
        }
    };
    let serving = serve(listener, router(app.clone()), options.clone(), stop.serving.cancelled());
    // They end with the first signal: what is left of them goes on after the next start.
    let running_batches = engine.run_batches(items, stop.batches.cancelled());
    let doing_batches = async {
        tokio::select! {
            () = running_batches => {}
            () = stop.waiting_for_batches.cancelled() => {}
        }
    };
    let delivering = webhooks.run(stop.deliveries.cancelled());
    let sending_spans = async {
        if let Some(exporting) = exporting {
            exporting.run(stop.watching.cancelled()).await;
        }
    };
    let serve_and_drain = async {
        let drained = serving.await;
        let all = async { tokio::join!(app.drain(), engine.drain(), tenants.drain()) };
        let in_time = tokio::time::timeout(DRAIN_ENGINE, all).await;
        if in_time.is_err() {
            stop.waiting_for_batches.cancel();
        }
        // Last, so that what the last requests published can still go out.
        stop.deliveries.cancel();
        // What is left of them goes on after the next start.
        let _ = tokio::time::timeout(DRAIN_ENGINE, tenants.close()).await;
        (drained, in_time.is_ok())
    };
    let work = async {
        let ended = tokio::join!(serve_and_drain, delivering, doing_batches, tenants.follow());
        // Last of all, so that the end can be watched, and the spans of what was done at the end are sent too.
        stop.watching.cancel();
        ended
    };
    let ended = async { tokio::join!(work, watched, sending_spans).0 };
    let told_twice = async {
        let signal = tokio::select! {
            told = signals.next() => told.name,
            () = starter => "the end of standard input",
        };
        tracing::info!(signal, "finishing what has begun; a second signal ends at once");
        stop.batches.cancel();
        tenants.stop_batches();
        stop.serving.cancel();
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
