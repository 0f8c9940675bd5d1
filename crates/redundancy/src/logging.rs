//! Where the log goes: to standard error, one line an event, for people or for machines.

use std::io::{self, IsTerminal as _};
use std::panic::{self, PanicHookInfo};

use tracing_subscriber::fmt;

use crate::cli::ColourChoice;
use crate::settings::{LogFormat, Telemetry};

/// From now on events are written to standard error, panics among them. Called once, by the program that serves.
pub(crate) fn start(telemetry: &Telemetry, colour: ColourChoice) {
    log_panics();
    // An error in writing would be told on standard error, which is where writing failed, and that panics.
    let log = fmt().with_max_level(telemetry.log_level).with_writer(io::stderr).log_internal_errors(false);
    // An error means that a log has been started before; then that one goes on.
    let _ = match telemetry.log_format {
        LogFormat::Json => tracing::subscriber::set_global_default(
            log.json().flatten_event(true).with_span_list(false).finish(),
        ),
        LogFormat::Text => {
            let colour = colour.applies_to(io::stderr().is_terminal());
            tracing::subscriber::set_global_default(log.with_ansi(colour).with_target(false).finish())
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
