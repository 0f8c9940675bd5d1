//! `redundancy completions`: what a shell needs to complete the command line.

use std::io::{self, Write as _};

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::{Failure, Outcome};
use crate::cli::Cli;

pub(super) fn run(shell: Shell) -> Result<Outcome, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "redundancy", &mut script);
    io::stdout().lock().write_all(&script)?;
    Ok(Outcome::Fine)
}
