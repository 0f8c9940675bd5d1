//! The folder in which results are made. It goes when the run ends, however it ends: by itself, by an error, or by a signal that can
//! be caught. What a run leaves that was killed outright, the next one finds by its name and by a lock that nobody holds.

use std::fs::{self, File, TryLockError};
use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use tempfile::TempDir;
use tokio::runtime::Builder;

use super::super::signals::Signals;
use super::super::{Failure, complain};

/// Beginning of its name.
const PREFIX: &str = ".redundancy-dedup-";

/// Name of the file in it that is locked as long as the run lasts.
const LOCK: &str = "lock";

/// How often its removal is tried. A thread that is still at work can make a file in it in the meantime.
const REMOVALS: usize = 20;

/// A folder in the making: shared with the thread that waits for signals. Whoever holds it changes files.
#[derive(Clone, Default)]
pub(super) struct Shared(Arc<Mutex<State>>);

/// How far a run is.
#[derive(Default)]
pub(super) enum State {
    /// Nothing was made.
    #[default]
    Before,
    /// Results are made.
    Making(Making),
    /// All results stand under their names, or all that was made is gone again.
    After { results_stand: bool },
}

/// The folder.
pub(super) struct Making {
    path: PathBuf,
    /// Folders that were made for the results, the outermost first. Those that are empty at the end go.
    made_for: Vec<PathBuf>,
    /// Held until the end.
    _lock: File,
}

impl Shared {
    /// Waits for a signal in the background from now on. When one comes, what is in the making is removed, and the process ends.
    pub(super) fn listen() -> Result<Self, Failure> {
        let cannot = |error: io::Error| Failure::Other(format!("cannot catch signals: {error}"));
        let runtime = Builder::new_current_thread().enable_all().build().map_err(cannot)?;
        let mut signals = {
            let _inside = runtime.enter();
            Signals::listen().map_err(cannot)?
        };
        let shared = Self::default();
        let mine = shared.clone();
        thread::spawn(move || {
            let mut told = runtime.block_on(signals.next());
            // Until the process has ended nobody else gets hold of it. Work that goes on ends in waiting for it.
            let mut state = mine.hold();
            if let State::After { results_stand: true } = *state {
                // What is left is to tell of it. Whoever cannot wait for that sends another.
                complain(&format!("{} came when all results were there", told.name));
                drop(state);
                told = runtime.block_on(signals.next());
                state = mine.hold();
            }
            let name = told.name;
            complain(&if state.give_up() {
                format!("ended by {name}; nothing was written")
            } else {
                format!("ended by {name}")
            });
            std::process::exit(told.exit_code());
        });
        Ok(shared)
    }

    /// Waits until nobody changes files, and keeps others from it.
    pub(super) fn hold(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Removes what is in the making, and tells whether there was anything.
    pub(super) fn give_up(&mut self) -> bool {
        if !matches!(self, Self::Making(_)) {
            return false;
        }
        match mem::replace(self, Self::After { results_stand: false }) {
            Self::Making(making) => drop(making),
            Self::Before | Self::After { .. } => {}
        }
        true
    }
}

impl Making {
    /// Makes the folder: in `output`, or where temporary files go. `made_for` are the folders that were made for it.
    pub(super) fn begin(output: Option<&Path>, made_for: Vec<PathBuf>) -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX);
        let folder = match output {
            None => builder.tempdir(),
            Some(output) => builder.tempdir_in(output),
        };
        let folder = folder.inspect_err(|_| remove_empty(&made_for))?;
        let lock = File::create_new(folder.path().join(LOCK))?;
        lock_file(&lock)?;
        Ok(Self { path: TempDir::keep(folder), made_for, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        for _ in 0..REMOVALS {
            match fs::remove_dir_all(&self.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => thread::yield_now(),
                _ => break,
            }
        }
        remove_empty(&self.made_for);
    }
}

/// Removes those of `folders` that are empty, the innermost first.
pub(super) fn remove_empty(folders: &[PathBuf]) {
    for folder in folders.iter().rev() {
        // One with something in it is not removed, which is as it should be.
        let _ = fs::remove_dir(folder);
    }
}

/// What runs left in `output` that were killed: folders of this name with a lock that nobody holds.
pub(super) fn of_killed_runs(output: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(output)? {
        let entry = entry?;
        let is_named = entry.file_name().to_string_lossy().starts_with(PREFIX);
        if is_named && entry.file_type()?.is_dir() && is_abandoned(&entry.path()) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn is_abandoned(folder: &Path) -> bool {
    let path = folder.join(LOCK);
    fs::symlink_metadata(&path).is_ok_and(|lock| lock.is_file())
        && File::open(path).is_ok_and(|lock| lock.try_lock().is_ok())
}

/// Takes a lock that nobody else holds. On a file system without locks nothing is taken.
fn lock_file(file: &File) -> io::Result<()> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}

/// Locks a folder as long as the file is open; `None` if somebody else has locked it.
pub(super) fn lock_folder(folder: &Path) -> io::Result<Option<File>> {
    let folder = File::open(folder)?;
    match lock_file(&folder) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        locked => locked.map(|()| Some(folder)),
    }
}
