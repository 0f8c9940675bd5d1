//! Rules for source files: what they begin with, how long they may be, what they are called, and that they are done.

use std::path::Path;

use crate::{Tree, fault, numbered};

/// No Rust file is longer.
const LIMIT_LINES: usize = 800;
/// A Rust file longer than this counts against [`LONG_BUDGET`], unless it holds nothing but tests.
const LONG_LINES: usize = 400;
/// How many long files the whole repository may have. Raise it only with a reason; splitting a file is better.
const LONG_BUDGET: usize = 6;

/// Names that say nothing about what is inside. `mod` is here because a module `foo` stands in `foo.rs`.
const EMPTY_NAMES: [&str; 9] =
    ["mod", "common", "util", "utils", "helper", "helpers", "types", "misc", "shared"];

/// Words in a comment that promise work. They are put together here, so that this file keeps its own rule.
const PROMISES: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
/// Code that stands for code which is not there, or for a test that does not run.
const PLACEHOLDERS: [&str; 3] =
    [concat!("to", "do!("), concat!("un", "implemented!("), concat!("#[", "ignore")];

/// The first line says what the file is for.
pub(crate) fn begins_with_a_module_doc(path: &Path, text: &str) -> Vec<String> {
    let first = text.lines().next().unwrap_or_default();
    match first.strip_prefix("//!") {
        Some(doc) if !doc.trim().is_empty() => Vec::new(),
        _ => vec![fault(path, 1, "the file does not begin with a `//!` line that says what it is for")],
    }
}

/// The file has at most [`LIMIT_LINES`] lines.
pub(crate) fn within_the_limit(path: &Path, text: &str) -> Vec<String> {
    let lines = text.lines().count();
    if lines <= LIMIT_LINES {
        return Vec::new();
    }
    vec![fault(
        path,
        LIMIT_LINES + 1,
        format!("the file has {lines} lines, more than {LIMIT_LINES}; split it"),
    )]
}

/// If more than [`LONG_BUDGET`] files are long, all the long ones, longest first.
pub(crate) fn over_the_budget(tree: &Tree) -> Vec<String> {
    let mut long: Vec<(usize, &Path)> = tree
        .iter()
        .filter(|(path, _)| path.extension().is_some_and(|extension| extension == "rs") && !holds_tests(path))
        .map(|(path, text)| (text.lines().count(), path.as_path()))
        .filter(|(lines, _)| *lines > LONG_LINES)
        .collect();
    if long.len() <= LONG_BUDGET {
        return Vec::new();
    }
    long.sort_unstable_by(|a, b| b.cmp(a));
    let message = |lines| format!("{lines} lines; more than {LONG_BUDGET} files have over {LONG_LINES}");
    long.into_iter().map(|(lines, path)| fault(path, LONG_LINES + 1, message(lines))).collect()
}

/// Neither the file nor a folder it stands in has one of the [`EMPTY_NAMES`].
pub(crate) fn has_a_telling_name(path: &Path, _text: &str) -> Vec<String> {
    let stem = path.with_extension("");
    let names = stem.iter().filter_map(|name| name.to_str());
    names
        .filter(|name| EMPTY_NAMES.contains(name))
        .map(|name| fault(path, 1, format!("`{name}` does not say what is inside; name the purpose")))
        .collect()
}

/// No comment promises work, no placeholder stands for code, and no test is switched off.
pub(crate) fn leaves_nothing_unfinished(path: &Path, text: &str) -> Vec<String> {
    let message = |found: &str| format!("`{found}` marks something unfinished; finish it or take it out");
    let mut faults = Vec::new();
    for (number, line) in numbered(text) {
        let comment = line.find("//").or_else(|| line.find('#')).map_or("", |start| &line[start..]);
        let words: Vec<&str> = comment.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        let promises = PROMISES.iter().filter(|promise| words.contains(promise));
        let placeholders = PLACEHOLDERS.iter().filter(|placeholder| line.contains(*placeholder));
        faults.extend(promises.chain(placeholders).map(|found| fault(path, number, message(found))));
    }
    faults
}

/// Whether the file holds nothing but tests, benchmarks or fuzz targets.
fn holds_tests(path: &Path) -> bool {
    let folders = path.iter().any(|name| name == "tests" || name == "benches" || name == "fuzz");
    folders || path.file_stem().is_some_and(|stem| stem == "tests")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [&str; 0] = [];

    #[test]
    fn a_file_without_a_module_doc_is_found() {
        let rule = |text| begins_with_a_module_doc(Path::new("a.rs"), text).len();
        assert_eq!(rule("//! Counts words.\nfn a() {}"), 0);
        for bad in ["", "fn a() {}", "// not a doc", "//!\nfn a() {}", "\n//! Counts words."] {
            assert_eq!(rule(bad), 1, "{bad:?}");
        }
    }

    #[test]
    fn a_file_over_the_limit_is_found() {
        assert_eq!(within_the_limit(Path::new("a.rs"), &"\n".repeat(LIMIT_LINES)), NONE);
        let faults = within_the_limit(Path::new("a.rs"), &"\n".repeat(LIMIT_LINES + 1));
        assert_eq!(faults, ["a.rs:801: the file has 801 lines, more than 800; split it"]);
    }

    #[test]
    fn one_long_file_too_many_names_them_all_and_tests_do_not_count() {
        let long = "\n".repeat(LONG_LINES + 1);
        let mut tree: Tree = (0..LONG_BUDGET).map(|n| (format!("src/{n}.rs").into(), long.clone())).collect();
        tree.insert("tests/long.rs".into(), long.clone());
        tree.insert("src/detect/tests.rs".into(), long.clone());
        tree.insert("docs/long.md".into(), long.clone());
        assert_eq!(over_the_budget(&tree), NONE);
        tree.insert("src/last_straw.rs".into(), long);
        assert_eq!(over_the_budget(&tree).len(), LONG_BUDGET + 1);
    }

    #[test]
    fn an_empty_name_is_found_in_files_and_folders() {
        for bad in ["src/mod.rs", "src/utils.rs", "tests/common/server.rs", "crates/helpers/src/lib.rs"] {
            assert_eq!(has_a_telling_name(Path::new(bad), "").len(), 1, "{bad}");
        }
        assert_eq!(has_a_telling_name(Path::new("src/common_words.rs"), ""), NONE);
    }

    #[test]
    fn promises_placeholders_and_tests_switched_off_are_found() {
        let rule = |text: String| leaves_nothing_unfinished(Path::new("a.rs"), &text);
        for promise in PROMISES {
            assert_eq!(rule(format!("// {promise}: later")).len(), 1, "{promise}");
            assert_eq!(rule(format!("# {promise}(me) later")).len(), 1, "{promise}");
            // Spanish capitals in a text are not a promise.
            assert_eq!(rule(format!("let text = \"{promise} EL MUNDO\";")), NONE, "{promise}");
        }
        for placeholder in PLACEHOLDERS {
            assert_eq!(rule(format!("x\n    {placeholder}")).len(), 1, "{placeholder}");
        }
        assert_eq!(rule("// a method is done".to_owned()), NONE);
    }
}
