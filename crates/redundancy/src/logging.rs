//! Where the log goes: to standard error, one line an event, for people or for machines.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::fmt;

use crate::cli::ColourChoice;
use crate::settings::{LogFormat, Telemetry};

/// From now on events are written to standard error. Called once, by the program that serves.
pub(crate) fn start(telemetry: &Telemetry, colour: ColourChoice) {
    // An error in writing would be told on standard error, which is where writing failed, and that panics.
    let log = fmt().with_max_level(telemetry.log_level).with_writer(io::stderr).log_internal_errors(false);
    // An error means that a log has been started before; then that one goes on.
    let _ = match telemetry.log_format {
        LogFormat::Json => tracing::subscriber::set_global_default(log.json().flatten_event(true).finish()),
        LogFormat::Text => {
            let colour = colour.applies_to(io::stderr().is_terminal());
            tracing::subscriber::set_global_default(log.with_ansi(colour).with_target(false).finish())
        }
    };
}
