//! The file that a report is written to: never one of the texts, and never anything but a plain file.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::Failure;
use crate::input::Input;

/// Refuses a report at `path` that would take the place of one of the `inputs`, by whatever name or link, or of
/// something that is no plain file. Asked before anything is read, so that nobody waits for a refusal.
pub(super) fn check<'a>(path: &Path, inputs: impl IntoIterator<Item = &'a Input>) -> Result<(), Failure> {
    // What is not there yet is none of the inputs; what else keeps the report from being written is told when it is.
    let Ok(report) = fs::metadata(path) else { return Ok(()) };
    let refused = |reason: &str| Err(Failure::Usage(format!("--html {}: {reason}", path.display())));
    if !report.is_file() {
        return refused("is there and is no plain file: choose another name for the report");
    }
    let same = |input: &&Input| metadata(input).is_ok_and(|input| is_same(&input, &report));
    match inputs.into_iter().find(same) {
        Some(Input::Stdin) => {
            refused("is the file on standard input, and would be lost: choose another name for the report")
        }
        Some(Input::File(_)) => {
            refused("is one of the texts, and would be lost: choose another name for the report")
        }
        None => Ok(()),
    }
}

/// Writes `page`.
pub(super) fn write(path: &Path, page: &str) -> Result<(), Failure> {
    fs::write(path, page)
        .map_err(|error| Failure::Other(format!("{} cannot be written: {error}", path.display())))
}

fn metadata(input: &Input) -> io::Result<Metadata> {
    match input {
        Input::Stdin => File::from(io::stdin().as_fd().try_clone_to_owned()?).metadata(),
        Input::File(path) => fs::metadata(path),
    }
}

/// Links, symbolic or hard, lead to the same number on the same device.
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}
