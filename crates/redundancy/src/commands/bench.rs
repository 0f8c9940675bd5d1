//! `redundancy bench`: measures this machine at the work of the service.

mod deliver;
mod driver;
mod fault;
mod findings;
mod ledger;
mod parts;
mod server;
mod sink;
mod spread;
mod wire;

use super::{Failure, Outcome};
use crate::cli::bench::{BenchArgs, BenchCommand};

pub(super) fn run(args: &BenchArgs, colour: bool) -> Result<Outcome, Failure> {
    match &args.command {
        BenchCommand::Deliver(args) => deliver::run(args, colour),
    }
}
