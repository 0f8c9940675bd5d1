//! `redundancy man`: manual pages, made from the definition of the command line.

use std::io::{self, Write as _};

use clap::CommandFactory as _;

use super::{Failure, Outcome};
use crate::cli::Cli;

pub(super) fn run(name: Option<&str>) -> Result<Outcome, Failure> {
    let mut program = Cli::command();
    program.build();
    let command = match name {
        None => program,
        Some(name) => match program.find_subcommand(name) {
            Some(command) => command.clone(),
            None => return Err(Failure::Usage(format!("there is no command {name}; see redundancy --help"))),
        },
    };
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    io::stdout().lock().write_all(&page)?;
    Ok(Outcome::Fine)
}
