//! The folder of `--output`: one run at a time writes there, and no file is replaced or removed but those that an earlier run wrote.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use super::Failure;
use super::making::{Making, lock_folder, of_killed_runs};
use crate::corpus::earlier::{KEPT_FOLDER, Listed, SUMMARY, Written};

/// Name of a file in the making that lists what in the folder belongs to runs, while results are given their names.
const MOVING: &str = "moving.json";

/// The folder.
pub(super) struct Output {
    path: PathBuf,
    /// What runs wrote into it.
    earlier: Written,
    /// What runs left that were killed while they gave results their names. It says which those are, and goes when a summary does.
    halfway: Vec<PathBuf>,
    /// Held until the end.
    _lock: File,
}

impl Output {
    /// Takes the folder for this run, and makes it if it is not there. `names` are what will be written into it. Gives back the folder
    /// in which it is made.
    pub(super) fn begin(path: &Path, names: &[&str]) -> Result<(Self, Making), Failure> {
        let made_for = missing_folders(path);
        let cannot = |error: io::Error| cannot_write_into(path, &error);
        let begun = fs::create_dir_all(path).map_err(cannot).and_then(|()| Self::take(path, names));
        match begun {
            Ok(output) => {
                let making = Making::begin(Some(path), made_for).map_err(cannot)?;
                Ok((output, making))
            }
            Err(failure) => {
                super::making::remove_empty(&made_for);
                Err(failure)
            }
        }
    }

    fn take(path: &Path, names: &[&str]) -> Result<Self, Failure> {
        let cannot = |error: io::Error| cannot_write_into(path, &error);
        let Some(lock) = lock_folder(path).map_err(cannot)? else {
            return Err(Failure::Usage(format!(
                "{}: another run is writing into this folder: wait for its end, or choose another folder",
                path.display()
            )));
        };
        let mut earlier = earlier(path)?;
        let mut halfway = Vec::new();
        for left in of_killed_runs(path).map_err(cannot)? {
            match Written::listed_in(&left.join(MOVING)).map_err(cannot)? {
                Listed::Own(files) => {
                    // What is still in there has not been given its name.
                    files
                        .iter()
                        .filter(|file| !left.join(file).exists())
                        .for_each(|file| earlier.add(file.into()));
                    halfway.push(left);
                }
                Listed::Nowhere | Listed::Foreign => fs::remove_dir_all(left).map_err(cannot)?,
            }
        }
        let output = Self { path: path.to_owned(), earlier, halfway, _lock: lock };
        output.check(names)?;
        Ok(output)
    }

    /// Refuses to replace what no run wrote.
    fn check(&self, names: &[&str]) -> Result<(), Failure> {
        match names.iter().find_map(|name| self.in_the_way(name)) {
            None => Ok(()),
            Some(foreign) => Err(Failure::Usage(format!(
                "{}: is there already, and no earlier run of dedup wrote it, so it is not replaced: choose another folder for \
                 --output, or remove it",
                foreign.display()
            ))),
        }
    }

    /// What stands where a result of this name goes, unless a run wrote it.
    fn in_the_way(&self, name: &str) -> Option<PathBuf> {
        let path = self.path.join(name);
        let there = fs::symlink_metadata(&path).ok()?;
        if name == KEPT_FOLDER && there.is_dir() {
            return self.foreign_file_in(Path::new(name));
        }
        (!there.is_file() || !self.earlier.has(Path::new(name))).then_some(path)
    }

    /// The first thing in a folder that is neither a folder nor a file that a run wrote, or that cannot be looked at.
    fn foreign_file_in(&self, folder: &Path) -> Option<PathBuf> {
        let whole = self.path.join(folder);
        let Ok(entries) = fs::read_dir(&whole).and_then(Iterator::collect::<io::Result<Vec<_>>>) else {
            return Some(whole);
        };
        entries.into_iter().find_map(|entry| {
            let inner = folder.join(entry.file_name());
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => self.foreign_file_in(&inner),
                Ok(kind) if kind.is_file() && self.earlier.has(&inner) => None,
                _ => Some(entry.path()),
            }
        })
    }

    /// Gives the results in `making` their names, the summary last, in place of those of an earlier run. `names` are those of files
    /// and of the folder of kept files, `files` the files alone.
    pub(super) fn finish(&self, making: &Path, names: &[&str], files: &Written) -> Result<(), Failure> {
        // Hours can have passed since the last look.
        self.check(names)?;
        let cannot = |error: io::Error| cannot_write_into(&self.path, &error);
        self.note_what_is_moved(making, files).map_err(cannot)?;
        self.remove_earlier(files).map_err(cannot)?;
        for name in names {
            self.give_name(making, name).map_err(cannot)?;
        }
        File::open(&self.path).and_then(|folder| folder.sync_all()).map_err(cannot)?;
        self.halfway.iter().try_for_each(fs::remove_dir_all).map_err(cannot)
    }

    /// Whoever comes after a run that was killed from now on learns from this what was written by runs.
    fn note_what_is_moved(&self, making: &Path, files: &Written) -> io::Result<()> {
        let mut all = self.earlier.clone();
        files.iter().for_each(|file| all.add(file.into()));
        let list = File::create(making.join(MOVING))?;
        let mut writer = io::BufWriter::new(list);
        serde_json::to_writer(&mut writer, &all.to_list())?;
        writer.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
    }

    /// Removes what an earlier run wrote, but for files that are replaced: beside the new results it would be taken for one of them. Its
    /// summary goes first, so that there never is one beside results that are not all its own.
    fn remove_earlier(&self, files: &Written) -> io::Result<()> {
        let summary = Path::new(SUMMARY);
        let others = self.earlier.iter().filter(|file| *file != summary);
        // The folder of kept files is moved as a whole, so the old ones go.
        let gone = others.filter(|file| file.starts_with(KEPT_FOLDER) || !files.has(file));
        let mut folders = BTreeSet::new();
        for file in [summary].into_iter().filter(|file| self.earlier.has(file)).chain(gone) {
            let inside = file.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
            let inside: Vec<&Path> = inside.collect();
            // A link in the place of a folder leads to what is somebody else's.
            let is_ours = |folder: &&Path| {
                fs::symlink_metadata(self.path.join(folder)).is_ok_and(|metadata| metadata.is_dir())
            };
            let path = self.path.join(file);
            if inside.iter().rev().all(is_ours)
                && fs::symlink_metadata(&path).is_ok_and(|file| file.is_file())
            {
                fs::remove_file(path)?;
            }
            folders.extend(inside);
        }
        let folders: Vec<PathBuf> = folders.into_iter().map(|folder| self.path.join(folder)).collect();
        super::making::remove_empty(&folders);
        Ok(())
    }

    /// Moves a result to its place. What a run wrote is replaced, a folder only if it is empty, and nothing else.
    fn give_name(&self, making: &Path, name: &str) -> io::Result<()> {
        let (from, to) = (making.join(name), self.path.join(name));
        if name == KEPT_FOLDER || (name != SUMMARY && self.earlier.has(Path::new(name))) {
            fs::rename(from, to)
        } else {
            TempPath::try_from_path(from)?.persist_noclobber(to).map_err(|error| error.error)
        }
    }
}

/// What an earlier run wrote into a folder, as its summary says.
fn earlier(path: &Path) -> Result<Written, Failure> {
    let summary = path.join(SUMMARY);
    match Written::listed_in(&summary).map_err(|error| cannot_write_into(path, &error))? {
        Listed::Own(files) => Ok(files),
        // If it is in the way, that is told of with everything else that is.
        Listed::Nowhere | Listed::Foreign => Ok(Written::default()),
    }
}

/// The folders that have to be made for `path` to be there, the outermost first.
fn missing_folders(path: &Path) -> Vec<PathBuf> {
    let is_missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
    let mut missing: Vec<PathBuf> = path.ancestors().take_while(is_missing).map(Path::to_owned).collect();
    missing.reverse();
    missing
}

pub(super) fn cannot_write_into(path: &Path, error: &io::Error) -> Failure {
    Failure::Other(format!("{} cannot be written into: {error}", path.display()))
}
