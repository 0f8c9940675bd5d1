//! `redundancy bench deliver`: measures accepting and delivering events, driver and receiver included.

use super::super::{Failure, Outcome};
use super::parts::Bench;
use super::session;
use crate::cli::bench::{DeliverArgs, Store};

pub(super) fn run(args: &DeliverArgs, colour: bool) -> Result<Outcome, Failure> {
    if args.replicas > 1 && args.place.store != Store::Redis {
        let message = "--replicas: only a store in Redis can be shared. Give --store redis too";
        return Err(Failure::Usage(message.to_owned()));
    }
    let run_id = getrandom::u64().map_err(|error| Failure::Other(format!("no random numbers: {error}")))?;
    session::run(&args.place, colour, async |setup, progress, measured| {
        let bench = Bench { args, setup, run_id, progress };
        for part in args.parts() {
            measured.push(bench.measure(part).await?);
        }
        Ok(())
    })
}
