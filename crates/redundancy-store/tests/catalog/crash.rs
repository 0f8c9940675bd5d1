//! A process that is killed while it puts, replaces and removes documents.

use crate::fixture::{addition, id, query};
use crate::real::open_folder;
use crate::stores::Store;
use crate::victim::{self, Victim};
use redundancy_engine::catalog::CandidateQuery;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

/// The test below, which starts itself as the process that is killed.
const TEST: &str = "crash::what_was_acknowledged_survives_a_kill_at_any_moment";
/// How often the process is killed.
const ROUNDS: u64 = 8;
/// Documents of a group.
const GROUP: u64 = 5;
/// Names that are used again and again.
const NAMES: u64 = 300;

/// Changes documents and says what was acknowledged, until it is killed.
async fn work(round: u64, folder: &Path) {
    let store = open_folder(folder);
    let say = |text: String| writeln!(std::io::stdout().lock(), "{text}").unwrap();
    for step in 1..10_000 {
        let at = round * 50_000 + step * GROUP;
        if step % 4 == 0 {
            let name = format!("d{}", at * 7 % NAMES);
            say(format!("begun {name}"));
            store.catalog.remove(&id(&name), Arc::new(|_| Vec::new())).await.unwrap();
            say(format!("removed {name}"));
            continue;
        }
        let group: Vec<_> = (at..at + GROUP).map(|at| (format!("d{}", at * 11 % NAMES), at)).collect();
        for (name, _) in &group {
            say(format!("begun {name}"));
        }
        let additions =
            group.iter().map(|(name, at)| addition(name, "one", &[*at], &[*at, 3], *at)).collect();
        assert!(store.catalog.put(additions).await.iter().all(Result::is_ok));
        for (name, at) in &group {
            say(format!("put {name} {at}"));
        }
    }
}

/// What is known of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// It was put then.
    Put(u64),
    /// It is not there.
    Gone,
    /// A change of it was begun and not acknowledged.
    Open,
}

/// Starts a process that works, kills it when it has said so many lines, and takes note of what it said.
fn kill_after(lines: usize, round: u64, folder: &Path, known: &mut BTreeMap<String, Known>) {
    let mut victim = Victim::start(TEST, round, folder);
    let mut count = 0;
    for line in victim.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["begun", name] => known.insert(name.to_owned(), Known::Open),
            ["removed", name] => known.insert(name.to_owned(), Known::Gone),
            ["put", name, at] if at.len() >= 2 => {
                at.parse().ok().and_then(|at| known.insert(name.to_owned(), Known::Put(at)))
            }
            _ => None,
        };
        count += 1;
        if count == lines {
            victim.kill();
        }
    }
    assert!(count >= lines, "it ended by itself after {count} lines");
}

#[test]
fn what_was_acknowledged_survives_a_kill_at_any_moment() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    if let Some((round, folder)) = victim::task() {
        runtime.block_on(work(round, Path::new(&folder)));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut known = BTreeMap::new();
    for round in 1..=ROUNDS {
        let lines = usize::try_from((round * round * 371 + round * 101) % 1500 + 1).unwrap();
        kill_after(lines, round, folder.path(), &mut known);
        let store = open_folder(folder.path());
        runtime.block_on(check(&store, &mut known));
    }
}

/// Checks that everything acknowledged is there, whole and found, and nothing else.
async fn check(store: &Store, known: &mut BTreeMap<String, Known>) {
    let mut count = 0;
    for (name, known) in known {
        let found = store.catalog.get(&id(name)).await.unwrap();
        let at = found.as_ref().map(|(document, _)| document.characters);
        match *known {
            Known::Put(expected) => assert_eq!(at, Some(expected), "{name}"),
            Known::Gone => assert_eq!(at, None, "{name}"),
            Known::Open => *known = at.map_or(Known::Gone, Known::Put),
        }
        let Some(at) = at else { continue };
        count += 1;
        let candidates = store.catalog.candidates(query("one", &[at], &[])).await.unwrap();
        let numbers = candidates.found.iter().map(|candidate| candidate.number).collect();
        let kept = store.catalog.fetch(numbers).await.unwrap();
        assert_eq!(kept.len(), 1, "{name}");
        let expected = addition(name, "one", &[], &[], at);
        assert_eq!((kept[0].document.id.as_str(), &kept[0].trace), (name.as_str(), &expected.trace));
        assert_eq!(found.unwrap().1, expected.content);
    }
    let counts = store.catalog.counts().await.unwrap();
    assert_eq!(counts.iter().map(|(_, count)| count).sum::<u64>(), count);
    let all = CandidateQuery { limit: 10_000, ..query("one", &[], &[3]) };
    let all = CandidateQuery {
        common: redundancy_engine::detect::fingerprint::CommonFilter { min_documents: 1000, ..all.common },
        ..all
    };
    assert_eq!(store.catalog.candidates(all).await.unwrap().found.len() as u64, count);
}
