//! The rule for links in Markdown: one within the repository leads to a file, a folder or a heading that exists.
//! Links to other places are not followed, because a test must not depend on them.

use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};

use crate::{Tree, fault, numbered};

/// Every link of the document `text`, which stands at `path`, that leads nowhere in `tree`.
pub(crate) fn dead(path: &Path, text: &str, tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    for (number, line) in prose(text) {
        for target in targets(&line) {
            if let Err(reason) = follow(path, &target, tree) {
                faults.push(fault(path, number, format!("`{target}`: {reason}")));
            }
        }
    }
    faults
}

/// Goes where a link of the document at `path` leads; the error says why that is nowhere.
fn follow(path: &Path, target: &str, tree: &Tree) -> Result<(), &'static str> {
    if has_scheme(target) {
        return Ok(());
    }
    let (file, anchor) = target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
    let destination = if file.is_empty() { path.to_owned() } else { resolve(path, file)? };
    match tree.get(&destination) {
        Some(text) => match anchor {
            Some(anchor) if is_markdown(&destination) && !anchors(text).contains(anchor) => {
                Err("there is no such heading")
            }
            _ => Ok(()),
        },
        None if tree.keys().any(|file| file.starts_with(&destination)) => Ok(()),
        None => Err("there is no such file"),
    }
}

/// The path from the root of the repository to `file`, which is named relative to the document at `path`.
fn resolve(path: &Path, file: &str) -> Result<PathBuf, &'static str> {
    let mut resolved = path.parent().map(Path::to_owned).unwrap_or_default();
    for component in Path::new(file).components() {
        match component {
            Component::CurDir => {}
            Component::Normal(name) => resolved.push(name),
            Component::ParentDir if resolved.pop() => {}
            Component::ParentDir => return Err("it leads out of the repository"),
            Component::RootDir | Component::Prefix(_) => return Err("write it relative to this file"),
        }
    }
    Ok(resolved)
}

fn has_scheme(target: &str) -> bool {
    let scheme = target.split(':').next().unwrap_or_default();
    scheme.len() < target.len() && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

fn is_markdown(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "md")
}

/// Where the links in one line of prose lead: inline links and images, reference definitions, HTML attributes.
fn targets(line: &str) -> Vec<String> {
    let mut found: Vec<String> = line
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', ' ']).next())
        .map(|target| target.trim_matches(['<', '>']).to_owned())
        .collect();
    if line.starts_with('[') {
        let definition = line.split_once("]: ").and_then(|(_, rest)| rest.split_whitespace().next());
        found.extend(definition.map(str::to_owned));
    }
    for attribute in ["href=\"", "src=\""] {
        found.extend(
            line.split(attribute).skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned),
        );
    }
    found
}

/// The anchors of a document's headings (`## Like this`), made as code forges make them: lower case, white space
/// becomes hyphens, other punctuation goes, and a repeated one gets a number.
fn anchors(text: &str) -> HashSet<String> {
    let mut anchors = HashSet::new();
    for (_, line) in headings(text) {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        let anchor: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
        let numbered = (1..).map(|n| format!("{anchor}-{n}"));
        let mut free =
            std::iter::once(anchor.clone()).chain(numbered).filter(|anchor| !anchors.contains(anchor));
        let free = free.next();
        anchors.extend(free);
    }
    anchors
}

fn headings(text: &str) -> impl Iterator<Item = (usize, &str)> {
    outside_fences(text).filter(|(_, line)| {
        let level = line.bytes().take_while(|byte| *byte == b'#').count();
        (1..=6).contains(&level) && line[level..].starts_with(' ')
    })
}

/// The lines outside fenced code, with inline code blanked out: what looks like a link in code is none.
fn prose(text: &str) -> impl Iterator<Item = (usize, String)> {
    outside_fences(text).map(|(number, line)| {
        let parts = line.split('`').enumerate();
        (number, parts.map(|(n, part)| if n % 2 == 0 { part } else { "code" }).collect())
    })
}

fn outside_fences(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut inside = false;
    numbered(text).filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~");
        inside ^= fence;
        !inside && !fence
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Tree {
        let files = [
            ("README.md", "# Title\n\n## Quick start\n\n```sh\n# not a heading\n```\n"),
            ("docs/guide.md", "# Guide\n\n## ¿Qué es `it`, then?\n\n## Twice\n\n## Twice\n"),
            ("crates/redundancy/src/main.rs", ""),
        ];
        files.into_iter().map(|(path, text)| (path.into(), text.to_owned())).collect()
    }

    #[test]
    fn links_that_lead_somewhere_are_fine() {
        for target in [
            "../README.md",
            "guide.md",
            "./guide.md",
            "../crates/redundancy",
            "../crates/redundancy/src/main.rs#L3",
            "#guide",
            "#qué-es-it-then",
            "#twice",
            "#twice-1",
            "../README.md#quick-start",
            "https://example.com/a#b",
            "mailto:someone@example.com",
        ] {
            let text = format!("See [this]({target}).");
            assert_eq!(dead(Path::new("docs/guide.md"), &text, &tree()), [""; 0], "{target}");
        }
    }

    #[test]
    fn links_that_lead_nowhere_are_found_with_their_line() {
        for (target, reason) in [
            ("gone.md", "there is no such file"),
            ("README.md", "there is no such file"),
            ("../crates/redun", "there is no such file"),
            ("../../beside.md", "it leads out of the repository"),
            ("/README.md", "write it relative to this file"),
            ("#gone", "there is no such heading"),
            ("#twice-2", "there is no such heading"),
            ("../README.md#not-a-heading", "there is no such heading"),
        ] {
            let text = format!("Title\n\nSee [this]({target}).");
            let expected = format!("docs/guide.md:3: `{target}`: {reason}");
            assert_eq!(dead(Path::new("docs/guide.md"), &text, &tree()), [expected]);
        }
    }

    #[test]
    fn links_are_seen_in_every_form() {
        for text in [
            "[a](gone.md \"title\")",
            "![a](<gone.md>)",
            "[a](guide.md) and [b](gone.md)",
            "[a]: gone.md",
            "<img src=\"gone.md\">",
            "<a href=\"gone.md\">a</a>",
            "[`code`](gone.md)",
        ] {
            assert_eq!(dead(Path::new("docs/guide.md"), text, &tree()).len(), 1, "{text}");
        }
    }

    #[test]
    fn what_looks_like_a_link_in_code_is_none() {
        for text in ["`[a](gone.md)`", "```text\n[a](gone.md)\n```\n"] {
            assert_eq!(dead(Path::new("docs/guide.md"), text, &tree()), [""; 0], "{text}");
        }
    }
}
