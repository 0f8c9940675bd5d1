//! `redundancy bench deliver`: measures accepting and delivering events, driver and receiver included.

use std::fs::File;
use std::io::{self, Write as _};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tokio::signal::unix::{SignalKind, signal};

use super::super::output::{print_json, terminal_columns, to_people};
use super::super::{Failure, Outcome};
use super::fault::BenchError;
use super::findings::{COLUMNS, Findings, millis};
use super::parts::Bench;
use super::server::Setup;
use super::spread::Spread;
use crate::cli::bench::{DeliverArgs, Store};
use crate::figures::count;
use crate::progress::Progress;
use crate::terminal::flow::Piece;
use crate::terminal::style::PLAIN;
use crate::terminal::table;

/// Writes by which the disk is measured, and how long each is: a page of a database.
const WRITES: usize = 50;
const WRITE_BYTES: usize = 4096;

/// What the figures hold for.
struct Machine {
    cores: usize,
    store: &'static str,
    sync: Option<Duration>,
}

pub(super) fn run(args: &DeliverArgs, colour: bool) -> Result<Outcome, Failure> {
    if args.replicas > 1 && args.store != Store::Redis {
        let message = "--replicas: only a store in Redis can be shared. Give --store redis too";
        return Err(Failure::Usage(message.to_owned()));
    }
    let folder = args.folder.clone().unwrap_or_else(std::env::temp_dir);
    let machine = Machine {
        cores: thread::available_parallelism().map_or(1, NonZero::get),
        store: args.store.name(),
        sync: sync_time(&folder)
            .map_err(|error| Failure::Other(format!("{}: cannot write there: {error}", folder.display())))?,
    };
    let run_id = getrandom::u64().map_err(|error| Failure::Other(format!("no random numbers: {error}")))?;
    let redis_url = args.redis_url.clone().filter(|_| args.store == Store::Redis);
    let setup = Setup { store: args.store, redis_url, folder: absolute(&folder)? };
    let bench = Bench { args, setup, run_id, progress: Progress::open_ended() };
    // One thread for driver and receiver: on few cores they leave the others to the service, and need no locks.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Other(format!("cannot start: {error}")))?;
    let mut measured = Vec::new();
    let ended = runtime.block_on(measure(&bench, &mut measured));
    drop(bench);
    show(args, colour, &machine, &measured)?;
    ended.map_err(|error| Failure::Other(error.to_string()))?;
    Ok(if measured.iter().all(Findings::is_lossless) { Outcome::Fine } else { Outcome::Found })
}

/// Measures part after part, until the user has seen enough. What has been measured by then stays.
async fn measure(bench: &Bench<'_>, measured: &mut Vec<Findings>) -> Result<(), BenchError> {
    let signals = || io::Result::Ok((signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?));
    let (mut interrupt, mut terminate) = signals().map_err(BenchError::machine("cannot catch signals"))?;
    let all = async {
        for part in bench.args.parts() {
            measured.push(bench.measure(part).await?);
        }
        Ok(())
    };
    // Whatever ends first, the services of the others end with them.
    tokio::select! {
        ended = all => ended,
        _ = interrupt.recv() => Err(BenchError::Interrupted),
        _ = terminate.recv() => Err(BenchError::Interrupted),
    }
}

fn show(args: &DeliverArgs, colour: bool, machine: &Machine, measured: &[Findings]) -> Result<(), Failure> {
    if args.json {
        let mut document: Map<String, Value> = Map::new();
        let sync_ms = machine.sync.map(millis);
        let about = json!({ "cores": machine.cores, "store": machine.store, "sync_ms": sync_ms });
        document.insert("machine".to_owned(), about);
        document.extend(measured.iter().map(Findings::entry));
        let missed: Vec<_> = measured.iter().flat_map(Findings::missed).collect();
        document.insert("missed".to_owned(), json!(missed));
        return Ok(print_json(&document)?);
    }
    if measured.is_empty() {
        return Ok(());
    }
    let rows: Vec<Vec<Piece>> = measured.iter().flat_map(Findings::rows).cloned().collect();
    to_people(colour, |screen| {
        let sync = machine.sync.map_or_else(String::new, |sync| {
            format!(", a synced write of 4 KiB takes {:.2} ms", millis(sync))
        });
        let about = format!("store {} on {}{sync}", machine.store, count(machine.cores, "core"));
        screen.line(&[Piece::new(PLAIN, about)])?;
        screen.blank()?;
        table::print(screen, terminal_columns(), &COLUMNS, &rows)
    })?;
    Ok(())
}

/// How long a small write takes until it is safe on the disk of that folder, as a rule.
fn sync_time(folder: &Path) -> io::Result<Option<Duration>> {
    let mut file: File = tempfile::tempfile_in(folder)?;
    let mut times = Vec::new();
    for _ in 0..WRITES {
        let begun = Instant::now();
        file.write_all(&[0x5a; WRITE_BYTES])?;
        file.sync_data()?;
        times.push(begun.elapsed());
    }
    Ok(times.into_iter().collect::<Spread>().at(50))
}

/// The service runs in a folder of its own, so a relative path would lead elsewhere.
fn absolute(folder: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(folder)
        .map_err(|error| Failure::Other(format!("{}: cannot be found: {error}", folder.display())))
}
