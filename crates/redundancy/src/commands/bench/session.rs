//! What all measurements have in common: where data are, the figures of the machine, the end by a signal, and the table.

use std::fs::File;
use std::io::{self, Write as _};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::super::output::{print_json, terminal_columns, to_people};
use super::super::signals::Signals;
use super::super::{Failure, Outcome};
use super::fault::BenchError;
use super::findings::{COLUMNS, Findings, millis};
use super::server::Setup;
use super::spread::Spread;
use crate::cli::bench::{PlaceArgs, Store};
use crate::figures::count;
use crate::progress::Progress;
use crate::terminal::flow::Piece;
use crate::terminal::style::PLAIN;
use crate::terminal::table;

/// Writes by which the disk is measured, and how long each is: a page of a database.
const WRITES: usize = 50;
const WRITE_BYTES: usize = 4096;

/// Lets `measure` find out one thing after the other until it ends or the user has seen enough, and shows what was found.
pub(super) fn run(
    args: &PlaceArgs,
    colour: bool,
    measure: impl AsyncFnOnce(&Setup, &Progress, &mut Vec<Findings>) -> Result<(), BenchError>,
) -> Result<Outcome, Failure> {
    let folder = args.folder.clone().unwrap_or_else(std::env::temp_dir);
    let sync = sync_time(&folder)
        .map_err(|error| Failure::Other(format!("{}: cannot write there: {error}", folder.display())))?;
    let redis_url = args.redis_url.clone().filter(|_| args.store == Store::Redis);
    let setup = Setup { store: args.store, redis_url, folder: absolute(&folder)? };
    let progress = Progress::open_ended();
    // One thread for driver and receiver: on few cores they leave the others to the service, and need no locks.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Other(format!("cannot start: {error}")))?;
    let mut measured = Vec::new();
    let ended = runtime.block_on(async {
        let mut signals = Signals::listen().map_err(BenchError::machine("cannot catch signals"))?;
        // Whatever ends first, the services of the others end with them.
        tokio::select! {
            ended = measure(&setup, &progress, &mut measured) => ended,
            _ = signals.next() => Err(BenchError::Interrupted),
        }
    });
    drop(progress);
    let store = args.store.name();
    let machine = json!({ "cores": cores(), "store": store, "sync_ms": sync.map(millis) });
    let synced = sync
        .map_or_else(String::new, |sync| format!(", a synced write of 4 KiB takes {:.2} ms", millis(sync)));
    let about = format!("store {store} on {}{synced}", count(cores(), "core"));
    show(args.json, colour, &machine, &about, &measured)?;
    ended.map_err(|error| Failure::Other(error.to_string()))?;
    Ok(if measured.iter().all(Findings::is_lossless) { Outcome::Fine } else { Outcome::Found })
}

/// Shows what was measured, and what it holds for: as an object for programs and as a line for people.
pub(super) fn show(
    is_json: bool,
    colour: bool,
    machine: &Value,
    about: &str,
    measured: &[Findings],
) -> Result<(), Failure> {
    if is_json {
        let mut document: Map<String, Value> = Map::new();
        document.insert("machine".to_owned(), machine.clone());
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
        screen.line(&[Piece::new(PLAIN, about)])?;
        screen.blank()?;
        table::print(screen, terminal_columns(), &COLUMNS, &rows)
    })?;
    Ok(())
}

/// The cores that this process may use.
pub(super) fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
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
