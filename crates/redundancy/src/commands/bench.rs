//! `redundancy bench`: measures this machine at the work of the service.

mod analyze;
mod deliver;
mod driver;
mod fault;
mod findings;
mod index;
mod ledger;
mod parts;
mod server;
mod session;
mod sink;
mod spread;
mod texts;
mod wire;

use super::{Failure, Outcome};
use crate::cli::bench::{BenchArgs, BenchCommand};

pub(super) fn run(args: &BenchArgs, colour: bool) -> Result<Outcome, Failure> {
    match &args.command {
        BenchCommand::Deliver(args) => deliver::run(args, colour),
        BenchCommand::Analyze(args) => analyze::run(args, colour),
        BenchCommand::Index(args) => index::run(args, colour),
    }
}
