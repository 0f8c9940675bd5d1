//! Holds every file of the repository to the rules that no compiler checks: module docs, sizes, names, white space,
//! links. Each rule is a function with tests of its own beside it; here they meet the real files. Which crate may
//! depend on which is the business of the `arrows` test.

mod links;
mod source;
mod text;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

type TestResult = io::Result<()>;

/// Every file of the repository by its path from the root. Text files come with their text, others are empty.
type Tree = BTreeMap<PathBuf, String>;

/// Folders that hold what programs made or fetched, not what people wrote.
const NOT_OURS: [&str; 6] = ["target", ".git", ".venv", "node_modules", "__pycache__", "data"];

const RUST: &[&str] = &["rs"];
/// What people write and programs run. Files without an extension are scripts where they begin with `#!`.
const CODE: &[&str] = &["rs", "sh", "py", "js", "ts", "toml", "yml", "yaml", "sql", "lua", "css", "html"];
const TEXT: &[&str] =
    &["rs", "sh", "py", "js", "ts", "toml", "yml", "yaml", "sql", "lua", "css", "html", "md", "txt", "json"];

#[test]
fn every_rust_file_begins_with_a_module_doc() -> TestResult {
    hold(RUST, source::begins_with_a_module_doc)
}

#[test]
fn no_rust_file_is_longer_than_the_limit() -> TestResult {
    hold(RUST, source::within_the_limit)
}

#[test]
fn few_rust_files_are_long() -> TestResult {
    let tree = read_tree()?;
    assert_eq!(source::over_the_budget(&tree), [""; 0]);
    Ok(())
}

#[test]
fn every_module_has_a_name_that_says_what_it_is_for() -> TestResult {
    hold(RUST, source::has_a_telling_name)
}

#[test]
fn nothing_is_left_unfinished() -> TestResult {
    hold(CODE, source::leaves_nothing_unfinished)
}

#[test]
fn no_line_has_tabs_or_trailing_white_space() -> TestResult {
    hold(TEXT, text::has_clean_white_space)
}

#[test]
fn no_merge_marker_is_left() -> TestResult {
    hold(TEXT, text::has_no_merge_markers)
}

#[test]
fn nothing_depends_on_the_machine_it_was_written_on() -> TestResult {
    hold(TEXT, text::names_no_place_of_one_machine)
}

#[test]
fn every_link_in_the_documents_leads_somewhere() -> TestResult {
    let tree = read_tree()?;
    let faults: Vec<String> =
        chosen(&tree, &["md"]).flat_map(|(path, text)| links::dead(path, text, &tree)).collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    Ok(())
}

/// Applies `rule` to every file with one of the `extensions` and fails with all that it found.
fn hold(extensions: &[&str], rule: fn(&Path, &str) -> Vec<String>) -> TestResult {
    let tree = read_tree()?;
    assert!(chosen(&tree, extensions).count() > 0, "no file to hold to the rule was found");
    let faults: Vec<String> = chosen(&tree, extensions).flat_map(|(path, text)| rule(path, text)).collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    Ok(())
}

/// The files with one of the `extensions`; a script without one counts as `sh`.
fn chosen<'tree>(tree: &'tree Tree, extensions: &[&str]) -> impl Iterator<Item = (&'tree Path, &'tree str)> {
    tree.iter().map(|(path, text)| (path.as_path(), text.as_str())).filter(move |(path, text)| {
        match path.extension().and_then(OsStr::to_str) {
            Some(extension) => extensions.contains(&extension),
            None => text.starts_with("#!") && extensions.contains(&"sh"),
        }
    })
}

fn read_tree() -> io::Result<Tree> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut tree = Tree::new();
    read_folder(&root, Path::new(""), &mut tree)?;
    Ok(tree)
}

/// Adds the files below `folder`, which is a path from `root`, to `tree`. Symbolic links are not followed.
fn read_folder(root: &Path, folder: &Path, tree: &mut Tree) -> io::Result<()> {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let (name, kind) = (entry.file_name(), entry.file_type()?);
        let path = folder.join(&name);
        if kind.is_file() {
            let bytes = fs::read(entry.path())?;
            tree.insert(path, String::from_utf8(bytes).unwrap_or_default());
        } else if kind.is_dir() && !NOT_OURS.iter().any(|not_ours| name == *not_ours) {
            read_folder(root, &path, tree)?;
        }
    }
    Ok(())
}

/// A fault as editors and terminals understand it: `path:line: message`.
fn fault(path: &Path, line: usize, message: impl std::fmt::Display) -> String {
    format!("{}:{line}: {message}", path.display())
}

/// The lines of `text` with their numbers, counted from 1.
fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.lines())
}
