//! What an earlier run of `dedup` wrote into a folder. Only a summary with the mark of this program says so, and only the files that
//! it lists were written by it: whatever else is there belongs to somebody else.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Name of the summary of a run, which lists what the run wrote.
pub const SUMMARY: &str = "summary.json";

/// Name of the folder with copies of files that are documents.
pub const KEPT_FOLDER: &str = "kept";

/// The value of the field `written_by` in a summary.
pub const MARK: &str = "redundancy dedup";

/// All names that a run gives to files, but for those in [`KEPT_FOLDER`].
const NAMES: [&str; 9] = [
    "kept.jsonl",
    "kept.csv",
    "kept.tsv",
    "kept.parquet",
    "duplicates.jsonl",
    "clusters.jsonl",
    "pairs.jsonl",
    "report.html",
    SUMMARY,
];

/// Longest summary that is read, in bytes: with room for the names of some millions of kept files.
const MAX_SUMMARY_BYTES: u64 = 1 << 28;

/// Files that runs wrote into a folder, by their paths in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written(BTreeSet<PathBuf>);

/// What stands where a list of files is looked for.
#[derive(Debug, PartialEq, Eq)]
pub enum Listed {
    /// Nothing.
    Nowhere,
    /// A list of this program.
    Own(Written),
    /// Something else.
    Foreign,
}

/// The part of a summary that lists files.
#[derive(Debug, Serialize, Deserialize)]
pub struct List {
    written_by: String,
    files: Vec<Name>,
}

/// A path: as text where it can be, else its bytes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Name {
    Text(String),
    Bytes(Vec<u8>),
}

impl Written {
    /// What the file at `path` lists.
    ///
    /// # Errors
    /// When something is there that cannot be read.
    pub fn listed_in(path: &Path) -> io::Result<Listed> {
        let metadata = match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Listed::Nowhere),
            metadata => metadata?,
        };
        if !metadata.is_file() {
            return Ok(Listed::Foreign);
        }
        let mut text = Vec::new();
        File::open(path)?.take(MAX_SUMMARY_BYTES + 1).read_to_end(&mut text)?;
        if text.len() as u64 > MAX_SUMMARY_BYTES {
            return Ok(Listed::Foreign);
        }
        let list = serde_json::from_slice::<List>(&text).ok().filter(|list| list.written_by == MARK);
        let files = list.and_then(|list| list.files.into_iter().map(Name::into_path).collect());
        Ok(files.map_or(Listed::Foreign, |files| Listed::Own(Self(files))))
    }

    /// Whether a run wrote the file at `path`, which is relative to the folder.
    #[must_use]
    pub fn has(&self, path: &Path) -> bool {
        self.0.contains(path)
    }

    /// Counts the file at `path`, which is relative to the folder, as written.
    pub fn add(&mut self, path: PathBuf) {
        self.0.insert(path);
    }

    /// The files, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Path> {
        self.0.iter().map(PathBuf::as_path)
    }

    /// The list as it stands in a summary.
    #[must_use]
    pub fn to_list(&self) -> List {
        let name = |path: &PathBuf| {
            path.to_str().map_or_else(
                || Name::Bytes(path.as_os_str().as_bytes().to_vec()),
                |text| Name::Text(text.to_owned()),
            )
        };
        List { written_by: MARK.to_owned(), files: self.0.iter().map(name).collect() }
    }
}

impl Name {
    /// The path, unless it is none that a run could have written.
    fn into_path(self) -> Option<PathBuf> {
        let path = match self {
            Self::Text(text) => PathBuf::from(text),
            Self::Bytes(bytes) => PathBuf::from(OsString::from_vec(bytes)),
        };
        is_possible(&path).then_some(path)
    }
}

/// Whether a run can have written a file of this path: never outside of its folder, and never of a name that it does not give.
fn is_possible(path: &Path) -> bool {
    let parts: Vec<Component<'_>> = path.components().collect();
    let is_kept = parts.len() > 1 && parts.first() == Some(&Component::Normal(KEPT_FOLDER.as_ref()));
    let is_named = NAMES.iter().any(|name| path.as_os_str() == *name);
    (is_kept || is_named) && parts.iter().all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(summary: &str) -> Listed {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(SUMMARY);
        fs::write(&path, summary).unwrap();
        Written::listed_in(&path).unwrap()
    }

    #[test]
    fn a_list_says_what_it_was_made_of_whatever_the_names() {
        let mut written = Written::default();
        written.add(SUMMARY.into());
        written.add("kept/a/ñ.txt".into());
        written.add(PathBuf::from(OsString::from_vec(b"kept/\xff".to_vec())));
        let list = serde_json::to_string(&written.to_list()).unwrap();
        assert_eq!(listed(&list), Listed::Own(written));
    }

    #[test]
    fn a_list_without_the_mark_or_of_other_files_is_foreign() {
        for foreign in [
            "",
            "{\"mine\":1}",
            "{\"files\":[\"summary.json\"]}",
            "{\"written_by\":\"me\",\"files\":[\"summary.json\"]}",
            "{\"written_by\":\"redundancy dedup\"}",
            "{\"written_by\":\"redundancy dedup\",\"files\":[\"notes.txt\"]}",
            "{\"written_by\":\"redundancy dedup\",\"files\":[\"kept\"]}",
            "{\"written_by\":\"redundancy dedup\",\"files\":[\"kept/../../a\"]}",
            "{\"written_by\":\"redundancy dedup\",\"files\":[\"/kept/a\"]}",
        ] {
            assert_eq!(listed(foreign), Listed::Foreign, "{foreign}");
        }
    }
}
