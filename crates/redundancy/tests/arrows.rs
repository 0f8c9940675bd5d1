//! Holds the workspace to the arrows of ARCHITECTURE.md: which crate may depend on which, and what a crate must not
//! reach through the packages it uses. How a single file looks is the business of the `tidy` test.

use std::error::Error;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

type TestResult = Result<(), Box<dyn Error>>;

/// Every crate, and the crates of the workspace it may depend on. Dev-dependencies are free.
const ARROWS: [(&str, &[&str]); 6] = [
    ("redundancy", &["redundancy-server", "redundancy-store", "redundancy-engine"]),
    ("redundancy-server", &["redundancy-engine", "redundancy-webhook"]),
    ("redundancy-store", &["redundancy-engine", "redundancy-webhook"]),
    ("redundancy-engine", &["redundancy-detect", "redundancy-webhook"]),
    ("redundancy-detect", &[]),
    ("redundancy-webhook", &[]),
];

/// Packages that would bring a database into a crate.
const DATABASE: [&str; 7] = ["rusqlite", "libsqlite3-sys", "sqlx*", "redis*", "fred", "redb", "sled"];

/// Packages that would bring I/O, an async runtime, a clock or randomness into a crate.
const IMPURE: [&str; 20] = [
    "tokio*",
    "async-*",
    "futures*",
    "smol*",
    "mio",
    "polling",
    "socket2",
    "hyper*",
    "http",
    "axum*",
    "reqwest",
    "ureq",
    "rand",
    "rand_core",
    "getrandom",
    "fastrand",
    "chrono",
    "time",
    "jiff",
    "tracing*",
];

/// What each crate must never know, as packages it must not reach, directly or through others.
/// A `*` at the end stands for any ending.
const UNREACHABLE: [(&str, &[&[&str]]); 5] = [
    ("redundancy-detect", &[&IMPURE, &DATABASE]),
    ("redundancy-webhook", &[&["axum*"], &DATABASE]),
    ("redundancy-engine", &[&["axum*"], &DATABASE]),
    ("redundancy-server", &[&DATABASE]),
    ("redundancy-store", &[&["axum*"]]),
];

#[test]
fn the_workspace_has_the_crates_of_the_design_in_folders_of_their_names() -> TestResult {
    let metadata = workspace_metadata()?;
    let packages = metadata["packages"].as_array().ok_or("cargo metadata lists no packages")?;
    let mut names: Vec<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    names.sort_unstable();
    let mut expected = ARROWS.map(|(name, _)| name);
    expected.sort_unstable();
    assert_eq!(names, expected, "a new crate needs its arrows in ARCHITECTURE.md and here");
    for package in packages {
        let manifest = package["manifest_path"].as_str().ok_or("a package has no manifest")?;
        let folder = Path::new(manifest).parent().and_then(Path::file_name);
        assert_eq!(
            folder,
            package["name"].as_str().map(AsRef::as_ref),
            "{manifest}: folder and crate differ"
        );
    }
    Ok(())
}

#[test]
fn no_edge_of_the_workspace_is_missing_from_the_design() -> TestResult {
    let faults = forbidden_edges(&workspace_metadata()?);
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    Ok(())
}

#[test]
fn no_crate_reaches_what_it_must_never_know() -> TestResult {
    let mut faults = Vec::new();
    for (name, forbidden) in UNREACHABLE {
        let tree = cargo(&[
            "tree",
            "--package",
            name,
            "--edges",
            "normal,build",
            "--prefix",
            "none",
            "--format",
            "{p}",
            "--offline",
            "--locked",
        ])?;
        assert!(tree.starts_with(name), "cargo tree says nothing about {name}:\n{tree}");
        faults.extend(reached(name, &tree, &forbidden.concat()));
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    Ok(())
}

#[test]
fn an_edge_outside_the_design_is_found_unless_only_tests_use_it() {
    let metadata = |from: &str, to: &str, kind: Value| json!({"packages": [{"name": from, "dependencies": [{"name": to, "kind": kind, "path": "/somewhere"}]}]});
    let down = metadata("redundancy-detect", "redundancy-engine", Value::Null);
    assert_eq!(
        forbidden_edges(&down),
        ["redundancy-detect -> redundancy-engine: the design has no such arrow (see ARROWS)"]
    );
    let siblings = metadata("redundancy-server", "redundancy-store", json!("build"));
    assert_eq!(forbidden_edges(&siblings).len(), 1);
    let stranger = metadata("redundancy-extra", "redundancy-engine", Value::Null);
    assert_eq!(forbidden_edges(&stranger).len(), 1);
    let in_tests = metadata("redundancy-detect", "redundancy-engine", json!("dev"));
    assert_eq!(forbidden_edges(&in_tests), [""; 0]);
    let designed = metadata("redundancy-engine", "redundancy-detect", Value::Null);
    assert_eq!(forbidden_edges(&designed), [""; 0]);
}

#[test]
fn a_forbidden_package_is_found_by_name_or_by_beginning() {
    let tree = "redundancy-detect v0.1.0 (somewhere)\ntokio-util v0.7.1\nmio v1.0.0 (*)\ntime-of-day v1.0.0";
    assert_eq!(
        reached("redundancy-detect", tree, &["tokio*", "mio", "time"]),
        [
            "redundancy-detect reaches tokio-util v0.7.1, which it must never know (see UNREACHABLE)",
            "redundancy-detect reaches mio v1.0.0 (*), which it must never know (see UNREACHABLE)",
        ]
    );
}

/// Names every normal or build dependency between crates of the workspace that [`ARROWS`] does not list.
fn forbidden_edges(metadata: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let from = package["name"].as_str().unwrap_or_default();
        let allowed = ARROWS.iter().find(|(name, _)| *name == from).map_or(&[][..], |(_, to)| to);
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let to = dependency["name"].as_str().unwrap_or_default();
            // Only crates of the workspace are depended on by path; everything else comes from a registry.
            let inside = dependency["path"].is_string();
            if inside && dependency["kind"] != "dev" && !allowed.contains(&to) {
                faults.push(format!("{from} -> {to}: the design has no such arrow (see ARROWS)"));
            }
        }
    }
    faults
}

/// Names every line of a `cargo tree` that shows a package matching one of the `forbidden` patterns.
fn reached(from: &str, tree: &str, forbidden: &[&str]) -> Vec<String> {
    let matches = |package: &str| {
        forbidden.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(beginning) => package.starts_with(beginning),
            None => package == *pattern,
        })
    };
    tree.lines()
        .filter(|line| line.split(' ').next().is_some_and(matches))
        .map(|line| format!("{from} reaches {line}, which it must never know (see UNREACHABLE)"))
        .collect()
}

fn workspace_metadata() -> Result<Value, Box<dyn Error>> {
    let metadata = cargo(&["metadata", "--format-version", "1", "--no-deps", "--offline"])?;
    Ok(serde_json::from_str(&metadata)?)
}

/// Runs cargo in this crate's folder and returns what it printed.
fn cargo(arguments: &[&str]) -> Result<String, Box<dyn Error>> {
    let output =
        Command::new(env!("CARGO")).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(String::from_utf8(output.stdout)?)
}
