//! Where the log goes: to standard error, one line an event, for people or for machines. Spans for traces go where
//! [`crate::traces`] sends them.

mod levels;

use std::io::{self, IsTerminal as _};
use std::panic::{self, PanicHookInfo};
use std::sync::Arc;

use redundancy_engine::webhook::trace;
use redundancy_server::LogLevels;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer, Registry, fmt, registry};

use self::levels::LevelsInForce;
use crate::cli::ColourChoice;
use crate::settings::{LogFormat, Telemetry};
use crate::traces::Traces;

/// From now on events are written to standard error, panics among them, and spans are collected for `traces` if there are any.
/// Called once, by the program that serves. Gives what changes the levels of the log.
pub(crate) fn start(
    telemetry: &Telemetry,
    colour: ColourChoice,
    traces: Option<&Traces>,
) -> Arc<dyn LogLevels> {
    log_panics();
    let levels = LevelsInForce::new(telemetry.log_level.clone());
    // An error in writing would be told on standard error, which is where writing failed, and that panics.
    let log = fmt::layer().with_writer(io::stderr).log_internal_errors(false);
    match telemetry.log_format {
        LogFormat::Json => {
            write(log.json().flatten_event(true).with_span_list(false), levels.clone(), traces);
        }
        LogFormat::Text => {
            let colour = colour.applies_to(io::stderr().is_terminal());
            write(log.with_ansi(colour).with_target(false), levels.clone(), traces);
        }
    }
    Arc::new(levels)
}

fn write<L: Layer<Registry> + Send + Sync>(log: L, levels: LevelsInForce, traces: Option<&Traces>) {
    // An error means that a log has been started before; then that one goes on.
    let _ = match traces {
        None => tracing::subscriber::set_global_default(registry().with(log).with(levels)),
        Some(traces) => {
            let spans = tracing_opentelemetry::layer()
                .with_tracer(traces.tracer())
                // Which file, which level and which thread it was helps nobody who looks at a trace.
                .with_location(false)
                .with_level(false)
                .with_target(false)
                .with_threads(false)
                .with_tracked_inactivity(false)
                .with_context_activation(false)
                .with_filter(filter_fn(|metadata| metadata.target() == trace::TARGET));
            tracing::subscriber::set_global_default(registry().with(log.with_filter(levels)).with(spans))
        }
    };
}

/// From now on a panic is logged with its place only. What it says can quote the text that was worked on, and no text is ever
/// logged.
fn log_panics() {
    panic::set_hook(Box::new(|panic| {
        tracing::error!(place = place(panic), "a defect of the program ended a piece of work");
    }));
}

/// Where in the source a panic happened.
fn place(panic: &PanicHookInfo<'_>) -> String {
    panic.location().map_or_else(|| "unknown".to_owned(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn a_panic_is_told_by_its_place_and_not_by_what_it_says() {
        let (tell, told) = mpsc::channel();
        panic::set_hook(Box::new(move |panic| tell.send(place(panic)).unwrap()));
        panic::catch_unwind(|| panic!("the text that was worked on")).unwrap_err();
        // Other tests may share the process.
        let _ = panic::take_hook();
        let place = told.recv().unwrap();
        assert!(place.contains("logging.rs:") && !place.contains("worked on"), "{place}");
    }
}
