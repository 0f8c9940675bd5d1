//! Rules for every text file: white space, merge markers, and nothing that holds on one machine only.

use std::path::Path;

use crate::{fault, numbered};

/// Beginnings of paths that exist on one machine only, put together here so that this file keeps its own rule.
const PRIVATE_PATHS: [&str; 2] = [concat!("/wo", "rk/"), concat!("/ro", "ot/")];
/// Packages come from whatever registry cargo, pip and npm are set up with, so none is named.
const REGISTRY_HOSTS: [&str; 4] = [
    concat!("crates", ".io"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("npmjs", ".org"),
];
/// Files that package managers write name the registry by their own format.
const LOCK_FILES: [&str; 2] = ["Cargo.lock", "package-lock.json"];

/// No tab, no white space at the end of a line, and exactly one line break at the end of the file.
pub(crate) fn has_clean_white_space(path: &Path, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for (number, line) in numbered(text) {
        if line.contains('\t') {
            faults.push(fault(path, number, "a tab; indent with spaces, write \\t in a string"));
        }
        if line.ends_with(char::is_whitespace) {
            faults.push(fault(path, number, "white space at the end of the line"));
        }
    }
    if !text.is_empty() && (!text.ends_with('\n') || text.ends_with("\n\n")) {
        faults.push(fault(path, text.lines().count(), "the file does not end in exactly one line break"));
    }
    faults
}

/// No line begins as the lines do that git writes around a conflict.
pub(crate) fn has_no_merge_markers(path: &Path, text: &str) -> Vec<String> {
    let markers = ["<", "|", ">"].map(|sign| sign.repeat(7));
    numbered(text)
        .filter(|(_, line)| markers.iter().any(|marker| line.starts_with(marker)))
        .map(|(number, _)| fault(path, number, "a merge marker; resolve the conflict"))
        .collect()
}

/// No path of one machine and no package registry is named.
pub(crate) fn names_no_place_of_one_machine(path: &Path, text: &str) -> Vec<String> {
    if LOCK_FILES.iter().any(|name| path.ends_with(name)) {
        return Vec::new();
    }
    let mut faults = Vec::new();
    for (number, line) in numbered(text) {
        for private in PRIVATE_PATHS.iter().filter(|private| has_path(line, private)) {
            faults.push(fault(
                path,
                number,
                format!("`{private}` is a path of one machine; say it relatively"),
            ));
        }
        for host in REGISTRY_HOSTS.iter().filter(|host| line.contains(*host)) {
            faults.push(fault(
                path,
                number,
                format!("`{host}`: leave the registry to the machine's settings"),
            ));
        }
    }
    faults
}

/// Whether an absolute path in `line` begins with `beginning`; `net/work/` is not one.
fn has_path(line: &str, beginning: &str) -> bool {
    line.match_indices(beginning).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "._-~}".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [&str; 0] = [];

    #[test]
    fn tabs_trailing_white_space_and_a_wrong_end_are_found() {
        let rule = |text| has_clean_white_space(Path::new("a.md"), text).len();
        assert_eq!(rule("# Title\n\ntext\n"), 0);
        for bad in ["a\tb\n", "a \n", "a\u{a0}\n", "a", "a\n\n"] {
            assert_eq!(rule(bad), 1, "{bad:?}");
        }
    }

    #[test]
    fn each_merge_marker_is_found() {
        let conflict = format!(
            "{} ours\na\n{} base\n=======\nb\n{} theirs\n",
            "<".repeat(7),
            "|".repeat(7),
            ">".repeat(7)
        );
        assert_eq!(has_no_merge_markers(Path::new("a.rs"), &conflict).len(), 3);
        assert_eq!(has_no_merge_markers(Path::new("a.md"), "Title\n=======\n> quoted\n"), NONE);
    }

    #[test]
    fn a_path_of_one_machine_is_found() {
        let rule = |text: String| names_no_place_of_one_machine(Path::new("a.md"), &text);
        for path in PRIVATE_PATHS {
            assert_eq!(rule(format!("see {path}main")).len(), 1, "{path}");
            assert_eq!(rule(format!("line\n`{path}main`")).len(), 1, "{path}");
            assert_eq!(rule(format!("net{path}main and ..{path}main")), NONE, "{path}");
        }
    }

    #[test]
    fn a_package_registry_is_found_outside_lock_files() {
        for host in REGISTRY_HOSTS {
            let text = format!("get it from https://{host}/");
            assert_eq!(names_no_place_of_one_machine(Path::new("a.md"), &text).len(), 1, "{host}");
            assert_eq!(names_no_place_of_one_machine(Path::new("Cargo.lock"), &text), NONE, "{host}");
        }
    }
}
