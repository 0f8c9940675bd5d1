//! The executable `redundancy`: what the user typed ([`cli`]), what the program does about it ([`commands`]), and the
//! settings of the service ([`settings`], the only place that reads the environment).
//!
//! Everything else serves the commands: [`client`] talks to a running service; [`input`] reads files and strips markup, [`corpus`] reads many; [`terminal`], [`mod@html`] and
//! [`json`] show findings to people and programs; [`certificates`] reads those of the service; [`clock`] and [`random`] are the ports of the engine to this machine.
//! What a finding is, the engine knows; how HTTP is spoken, the server.

#![forbid(unsafe_code)]

pub mod certificates;
pub mod cli;
pub mod client;
pub mod clock;
pub mod commands;
pub mod corpus;
pub mod figures;
pub mod html;
pub mod input;
pub mod json;
pub mod lines;
pub mod random;
pub mod settings;
pub mod terminal;

mod logging;
mod progress;
mod traces;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;

/// Runs the program with `arguments`, the first of which is its name, and gives its exit code: 0 fine, 1 found or
/// failed, 2 wrong use.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match cli::Cli::try_parse_from(arguments) {
        Ok(cli) => commands::run(cli),
        Err(said) => commands::without_command(&said),
    }
}
