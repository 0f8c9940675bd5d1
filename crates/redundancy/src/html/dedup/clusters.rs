//! The largest clusters: who is in them, and two texts of each beside each other.

use std::fmt::Write as _;

use redundancy_engine::corpus::DuplicateKind;

use super::{DedupFindings, Evidence, Excerpt, ShownCluster, score};
use crate::figures::{count, grouped};
use crate::html::escape::escaped;
use crate::html::marks::{Mark, marked};
use crate::html::parts::shortened;

/// How many clusters lie open; a click opens the others.
const OPEN: usize = 3;
/// How many passages are highlighted in a pair of texts.
const MAX_MATCHES: usize = 40;

/// Writes the clusters that are shown.
pub(super) fn list(html: &mut String, prefix: &str, findings: &DedupFindings<'_>) {
    let all = findings.found.clusters.len();
    let (shown, of_all) = (grouped(findings.clusters.len()), grouped(all));
    let counted = if findings.clusters.len() == all { of_all } else { format!("{shown} of {of_all}") };
    let _ = writeln!(html, "<h3>The largest clusters <small>{counted}</small></h3>");
    if findings.clusters.is_empty() {
        html.push_str("<p class=\"none\">No document is a duplicate of another.</p>\n");
        return;
    }
    for (place, cluster) in findings.clusters.iter().enumerate() {
        let _ = writeln!(
            html,
            "<details class=\"cluster\"{}><summary><b>Cluster {}</b><strong>{}</strong>\
             <span>weakest link {}</span><span>kept: <bdi>{}</bdi></span></summary>",
            if place < OPEN { " open" } else { "" },
            cluster.number,
            count(cluster.size, "document"),
            score(cluster.min_similarity),
            escaped(&shortened(&cluster.kept))
        );
        members(html, cluster);
        if let Some(evidence) = &cluster.evidence {
            texts(html, &format!("{prefix}c{}", place + 1), evidence);
        }
        html.push_str("</details>\n");
    }
}

fn members(html: &mut String, cluster: &ShownCluster) {
    let _ = writeln!(
        html,
        "<ul class=\"ids\">\n<li class=\"kept\"><b>kept</b> <bdi>{}</bdi></li>",
        escaped(&shortened(&cluster.kept))
    );
    for other in &cluster.others {
        let _ = writeln!(html, "<li>{}</li>", escaped(&shortened(other)));
    }
    let more = cluster.size.saturating_sub(cluster.others.len() + 1);
    if more > 0 {
        let _ = writeln!(html, "<li class=\"more\">and {} more</li>", grouped(more));
    }
    html.push_str("</ul>\n");
}

fn texts(html: &mut String, prefix: &str, evidence: &Evidence) {
    if evidence.kind == DuplicateKind::Exact {
        html.push_str(
            "<p class=\"none\">All of them say the same, byte for byte.</p>\n<div class=\"pair one\">\n",
        );
        side(html, "kept", &evidence.kept, &[]);
        html.push_str("</div>\n");
        return;
    }
    let _ = writeln!(
        html,
        "<p class=\"none\">The document that is kept, and the duplicate that is least similar to it ({}). What both say has the \
         same colour; what has none differs.</p>\n<div class=\"pair\">",
        score(evidence.similarity)
    );
    let marks: Vec<(Mark, Mark)> = evidence
        .matches
        .iter()
        .take(MAX_MATCHES)
        .enumerate()
        .map(|(number, found)| {
            let shown = number + 1;
            let mark = |span, own: char, twin: char| Mark {
                span,
                colour: number,
                id: format!("{prefix}{own}{shown}"),
                next: format!("{prefix}{twin}{shown}"),
                label: shown.to_string(),
                title: format!("{} in both. Go to the other place.", count(found.words, "word")),
            };
            (mark(found.text1, 'a', 'b'), mark(found.text2, 'b', 'a'))
        })
        .collect();
    let (kept, duplicate): (Vec<Mark>, Vec<Mark>) = marks.into_iter().unzip();
    side(html, "kept", &evidence.kept, &kept);
    side(html, "dropped", &evidence.duplicate, &duplicate);
    html.push_str("</div>\n");
}

fn side(html: &mut String, fate: &str, excerpt: &Excerpt, marks: &[Mark]) {
    let shown = excerpt.text.chars().count();
    let part = if shown == excerpt.characters {
        count(excerpt.characters, "character")
    } else {
        format!(
            "characters {} to {} of {}",
            grouped(excerpt.from + 1),
            grouped(excerpt.from + shown),
            grouped(excerpt.characters)
        )
    };
    let _ = writeln!(
        html,
        "<div class=\"text\">\n<h3>{fate}: <bdi>{}</bdi> <small>{part}</small></h3>",
        escaped(&shortened(&excerpt.name))
    );
    html.push_str(&marked(&excerpt.text, marks));
    html.push_str("</div>\n");
}
