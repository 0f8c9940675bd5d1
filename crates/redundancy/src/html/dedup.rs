//! Duplicates across a corpus: totals, how they are spread, and the largest clusters with the evidence for each.

mod clusters;
mod plots;

use std::fmt::Write as _;

use redundancy_engine::corpus::{Deduplicated, DuplicateKind};
use redundancy_engine::detect::similarity::Match;

use super::Section;
use super::escape::escaped;
use super::parts::{Card, Mood, cards};
use crate::figures::{count, grouped, of, percent};
use plots::{Bar, Plot};

/// Sizes of clusters are counted in these steps: the least and the most of each.
const SIZE_STEPS: [(usize, usize); 8] =
    [(2, 2), (3, 3), (4, 4), (5, 9), (10, 19), (20, 49), (50, 99), (100, usize::MAX)];
/// Similarities are counted in steps of one part of so many.
const SIMILARITY_STEPS: u32 = 50;

/// What a page about the duplicates in a corpus tells.
#[derive(Debug)]
pub struct DedupFindings<'f> {
    /// What was looked into.
    pub name: String,
    /// What was found.
    pub found: &'f Deduplicated,
    /// Bytes of input, unpacked.
    pub bytes: u64,
    /// How long it took.
    pub seconds: f64,
    /// Documents read in each second.
    pub documents_per_second: u64,
    /// What was asked for, by name.
    pub parameters: Vec<(&'static str, String)>,
    /// What the figures mean, in sentences.
    pub meaning: String,
    /// The largest clusters, the largest first.
    pub clusters: Vec<ShownCluster>,
}

/// A cluster that is shown.
#[derive(Debug)]
pub struct ShownCluster {
    /// Its number among all clusters, 1 for the first.
    pub number: usize,
    /// How many documents are in it.
    pub size: usize,
    /// What the one is called that is kept.
    pub kept: String,
    /// What some of the others are called.
    pub others: Vec<String>,
    /// Its weakest link.
    pub min_similarity: f64,
    /// Two documents of it, unless they could not be read again.
    pub evidence: Option<Evidence>,
}

/// The document that is kept, beside the duplicate that is least similar to it.
#[derive(Debug)]
pub struct Evidence {
    /// The one that is kept.
    pub kept: Excerpt,
    /// The duplicate.
    pub duplicate: Excerpt,
    /// In what way it is a duplicate.
    pub kind: DuplicateKind,
    /// How similar the two documents are.
    pub similarity: f64,
    /// What the two excerpts share, with spans in bytes of them; the longest first.
    pub matches: Vec<Match>,
}

/// A part of a document.
#[derive(Debug)]
pub struct Excerpt {
    /// What the document is called.
    pub name: String,
    /// The part.
    pub text: String,
    /// How many characters stand before it.
    pub from: usize,
    /// How many characters the document has.
    pub characters: usize,
}

/// The section about a corpus; ids in it begin with `prefix`.
pub(super) fn section(prefix: &str, findings: &DedupFindings<'_>) -> Section {
    let mut body = totals(findings);
    body.push_str("<div class=\"plots\">\n");
    if !findings.found.clusters.is_empty() {
        body.push_str(&sizes(findings.found).html());
        body.push_str(&similarities(findings.found).html());
    }
    body.push_str("</div>\n");
    kinds(&mut body, findings.found);
    clusters::list(&mut body, prefix, findings);
    parameters(&mut body, findings);
    Section { name: findings.name.clone(), headline: percent(share(findings.found)).trim().to_owned(), body }
}

/// A name in words of a kind of duplicates.
const fn kind_name(kind: DuplicateKind) -> &'static str {
    match kind {
        DuplicateKind::Exact => "Byte for byte",
        DuplicateKind::NormalizedExact => "But for case, punctuation and space",
        DuplicateKind::NearDuplicate => "In most of their shingles",
        DuplicateKind::Contained => "Contained in a larger one",
    }
}

/// A similarity with four decimals. What is not 1 is not shown as 1.
fn score(similarity: f64) -> String {
    if similarity < 1.0 { format!("{:.4}", similarity.min(0.9999)) } else { "1".to_owned() }
}

/// Which part of the documents is dropped.
fn share(found: &Deduplicated) -> f64 {
    found.duplicates.len() as f64 / found.documents.max(1) as f64
}

fn totals(findings: &DedupFindings<'_>) -> String {
    let found = findings.found;
    let duplicates = found.duplicates.len() as u64;
    let kept = found.documents.saturating_sub(duplicates);
    let megabytes = findings.bytes as f64 / 1e6;
    let largest = found.clusters.iter().map(|cluster| cluster.records.len()).max().unwrap_or(0);
    let card = |name, number: u64, note| Card {
        name,
        figure: grouped(number),
        share: None,
        note,
        mood: Mood::Neutral,
    };
    let cards = cards(&[
        card("Documents", found.documents, &format!("in {megabytes:.1} MB of input")),
        Card { mood: Mood::Good, ..card("Kept", kept, "one of each cluster, and all that are in none") },
        Card { mood: Mood::Fair, ..card("Duplicates", duplicates, "dropped, each for one that is kept") },
        Card {
            name: "Share",
            figure: percent(share(found)),
            share: Some(share(found)),
            note: "of the documents are dropped",
            mood: Mood::Fair,
        },
        card(
            "Clusters",
            found.clusters.len() as u64,
            &format!("the largest of {}", count(largest, "document")),
        ),
        Card {
            mood: if found.invalid_records.is_empty() { Mood::Neutral } else { Mood::Poor },
            ..card(
                "Invalid",
                found.invalid_records.len() as u64,
                &format!("{} that could not be read", of(found.invalid_records.len() as u64, "record")),
            )
        },
        card(
            "Throughput",
            findings.documents_per_second,
            &format!(
                "{} a second; {:.1} s in all",
                of(findings.documents_per_second, "document"),
                findings.seconds
            ),
        ),
    ]);
    format!("<div class=\"totals\">\n{cards}</div>\n")
}

fn sizes(found: &Deduplicated) -> Plot<'static> {
    let bars = SIZE_STEPS.map(|(least, most)| {
        let sizes = found.clusters.iter().map(|cluster| cluster.records.len());
        let label = match (least, most) {
            (least, usize::MAX) => format!("{least}+"),
            (least, most) if least == most => least.to_string(),
            (least, most) => format!("{least}–{most}"),
        };
        Bar {
            tip: format!("{label} documents"),
            label,
            count: sizes.filter(|size| (least..=most).contains(size)).count(),
            is_apart: false,
            is_edge: false,
        }
    });
    Plot {
        title: "How large the clusters are",
        across: "documents in a cluster",
        noun: "cluster",
        bars: bars.into(),
    }
}

fn similarities(found: &Deduplicated) -> Plot<'static> {
    let edge = |step: u32| f64::from(step) / f64::from(SIMILARITY_STEPS);
    let mut counts = vec![0_usize; SIMILARITY_STEPS as usize];
    let mut exact = 0;
    for duplicate in &found.duplicates {
        let step = (0..SIMILARITY_STEPS).rev().find(|step| edge(*step) <= duplicate.similarity).unwrap_or(0);
        if duplicate.similarity >= 1.0 {
            exact += 1;
        } else if let Some(count) = counts.get_mut(step as usize) {
            *count += 1;
        }
    }
    let mut bars: Vec<Bar> = (0..)
        .zip(counts)
        .skip_while(|(_, count)| *count == 0)
        .map(|(step, count)| Bar {
            label: format!("{:.2}", edge(step)),
            tip: format!("{:.2} to below {:.2}", edge(step), edge(step + 1)),
            count,
            is_apart: false,
            is_edge: true,
        })
        .collect();
    bars.push(Bar {
        label: "1".to_owned(),
        tip: "exactly 1".to_owned(),
        count: exact,
        is_apart: true,
        is_edge: false,
    });
    Plot {
        title: "How similar the dropped are to the kept",
        across: "similarity to the kept document; the last bar: exactly 1",
        noun: "duplicate",
        bars,
    }
}

fn kinds(html: &mut String, found: &Deduplicated) {
    html.push_str(
        "<h3>In what way they are duplicates</h3>\n<table class=\"wide\"><thead><tr><th>Equal to the kept one</th>\
         <th>Duplicates</th><th>Of all duplicates</th></tr></thead><tbody>\n",
    );
    let all = found.duplicates.len();
    for kind in [
        DuplicateKind::Exact,
        DuplicateKind::NormalizedExact,
        DuplicateKind::NearDuplicate,
        DuplicateKind::Contained,
    ] {
        let number = found.duplicates.iter().filter(|duplicate| duplicate.kind == kind).count();
        let share = percent(number as f64 / all.max(1) as f64);
        let _ = writeln!(
            html,
            "<tr><th>{}</th><td>{}</td><td>{}</td></tr>",
            kind_name(kind),
            grouped(number),
            escaped(share.trim())
        );
    }
    html.push_str("</tbody></table>\n");
}

fn parameters(html: &mut String, findings: &DedupFindings<'_>) {
    html.push_str("<h3>How it was found</h3>\n<div class=\"method\">\n<table><tbody>\n");
    for (name, value) in &findings.parameters {
        let _ = writeln!(html, "<tr><th>{}</th><td>{}</td></tr>", escaped(name), escaped(value));
    }
    let _ = writeln!(html, "</tbody></table>\n<p>{}</p>\n</div>", escaped(&findings.meaning));
}
