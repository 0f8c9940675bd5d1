//! The folder of the store, and the lock that keeps a second process out.

use redundancy_webhook::store::StoreError;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The database in its folder.
const DATABASE: &str = "redundancy.db";
/// Locked for as long as the store is open.
const LOCK: &str = "redundancy.lock";

/// Held by the one process that uses the folder. The operating system ends it with the process, however that ends.
#[derive(Debug)]
pub(super) struct FolderLock {
    _file: File,
}

/// Makes the folder if need be and locks it; gives the path of the database.
pub(super) fn take(folder: &Path) -> Result<(FolderLock, PathBuf), StoreError> {
    make(folder).map_err(|error| failed(folder, &error))?;
    let file = private().open(folder.join(LOCK)).map_err(|error| failed(folder, &error))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(StoreError::Unavailable(format!(
                "another process uses the data folder {}: stop it, or set DATA_DIR to another folder",
                folder.display()
            )));
        }
        Err(TryLockError::Error(error)) => return Err(failed(folder, &error)),
    }
    let database = folder.join(DATABASE);
    // Made here and not by SQLite, so that nobody else can read the secrets in it.
    private().open(&database).map_err(|error| failed(folder, &error))?;
    Ok((FolderLock { _file: file }, database))
}

/// A file in the folder that nobody else can read, and that several processes may use; both are made if need be.
pub(super) fn private_file(folder: &Path, name: &str) -> Result<PathBuf, StoreError> {
    let path = folder.join(name);
    make(folder).and_then(|()| private().open(&path)).map(|_| path).map_err(|error| failed(folder, &error))
}

fn failed(folder: &Path, error: &io::Error) -> StoreError {
    StoreError::Unavailable(format!("the data folder {} cannot be used: {error}", folder.display()))
}

/// The name of the index that `SQLite` has of the write-ahead log of a database.
pub(super) fn index_of_log(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push("-shm");
    name.into()
}

#[cfg(unix)]
fn make(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn make(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)
}

#[cfg(unix)]
fn private() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options
}

#[cfg(not(unix))]
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options
}
