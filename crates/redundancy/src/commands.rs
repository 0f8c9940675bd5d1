//! What the program does: one file for each command. A command gives its outcome or the reason why there is none; only
//! here do these become messages and exit codes.

mod analyze;
mod bench;
mod compare;
mod completions;
mod config;
mod connection;
mod dead_letters;
mod dedup;
mod deliveries;
mod documents;
mod endpoints;
mod health;
mod keys;
mod man;
mod openapi;
mod output;
mod positions;
mod quality;
mod report_file;
mod search;
mod send;
mod serve;
mod signals;
mod verify_webhook;

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use crate::cli::service::SettingsArgs;
use crate::cli::{Cli, Command};
use crate::settings::{Faults, Purpose, Settings, Sources};
use crate::terminal::excerpt::printable_lines;

/// Exit code: done, and nothing to complain about.
pub const FINE: u8 = 0;
/// Exit code: something was found that the user asked to be told of, or something failed.
pub const FOUND: u8 = 1;
/// Exit code: the program was asked for something that it does not understand.
pub const USAGE: u8 = 2;

/// How a command ended that could do its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing to complain about.
    Fine,
    /// Something was found that the user asked to be told of, or a part of the work failed and was reported.
    Found,
}

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Settings will not do.
    #[error(transparent)]
    Settings(#[from] Faults),
    /// Arguments do not go together.
    #[error("{0}")]
    Usage(String),
    /// What was found could not be written.
    #[error("cannot write: {0}")]
    Output(#[from] io::Error),
    /// Anything else, in words for the user.
    #[error("{0}")]
    Other(String),
}

/// Does what `cli` says and gives the exit code.
pub(crate) fn run(cli: Cli) -> ExitCode {
    let colour = cli.color.applies_to(io::stdout().is_terminal());
    let result = match cli.command {
        Command::Analyze(args) => analyze::run(&args, colour),
        Command::Compare(args) => compare::run(&args, colour),
        Command::Quality(args) => quality::run(&args, colour),
        Command::Dedup(args) => dedup::run(&args),
        Command::Serve(args) => serve::run(&args, cli.color),
        Command::Config(args) => config::run(&args),
        Command::Health(args) => health::run(&args),
        Command::Keys(args) => keys::run(&args, colour),
        Command::Endpoints(args) => endpoints::run(&args, colour),
        Command::Deliveries(args) => deliveries::run(&args, colour),
        Command::DeadLetters(args) => dead_letters::run(&args, colour),
        Command::Search(args) => search::run(&args, colour),
        Command::Send(args) => send::run(&args, colour),
        Command::VerifyWebhook(args) => verify_webhook::run(&args),
        Command::Bench(args) => bench::run(&args, colour),
        Command::Openapi => openapi::run(),
        Command::Completions { shell } => completions::run(shell),
        Command::Man { command } => man::run(command.as_deref()),
    };
    ExitCode::from(exit_code(result))
}

/// Prints what the parser of the command line has to say instead of a command, and gives the exit code: help and the
/// version, which were asked for, or what is wrong with the arguments.
pub(crate) fn without_command(said: &clap::Error) -> ExitCode {
    if said.use_stderr() {
        tell(&said.to_string());
        return ExitCode::from(USAGE);
    }
    let printed = said.print().map(|()| Outcome::Fine).map_err(Failure::Output);
    ExitCode::from(exit_code(printed))
}

fn exit_code(result: Result<Outcome, Failure>) -> u8 {
    match result {
        Ok(Outcome::Fine) => FINE,
        Ok(Outcome::Found) => FOUND,
        // Whoever read the output has seen enough, as with `| head`.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => FINE,
        Err(failure) => {
            complain(&failure.to_string());
            match failure {
                Failure::Settings(_) | Failure::Usage(_) => USAGE,
                Failure::Output(_) | Failure::Other(_) => FOUND,
            }
        }
    }
}

/// Tells the user on standard error.
fn complain(message: &str) {
    tell(&format!("redundancy: {message}\n"));
}

/// Writes to standard error. Names of files, arguments and values of settings stand in messages, and must not steer the
/// terminal.
fn tell(message: &str) {
    // Nowhere is left to say that it could not be said.
    let _ = io::stderr().write_all(printable_lines(message).as_bytes());
}

/// The settings from all sources.
fn settings(args: &SettingsArgs, purpose: Purpose) -> Result<Settings, Faults> {
    let sources = Sources::gather(args.key_values(), args.config.as_deref())?;
    Settings::read(&sources, purpose)
}
