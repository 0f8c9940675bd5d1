//! Compares a text with a candidate, exactly, and says how they belong together.

use super::print::Print;
use super::{DEFAULT_THRESHOLD, Match, MatchKind, SearchMode, SharedPassage};
use crate::document::Document;
use redundancy_detect::fingerprint::{PassageOptions, Reuse, ShingleSet, Trace, passages};
use redundancy_detect::span::{OffsetMap, OffsetUnit};
use std::cmp::Ordering;

/// What makes a candidate a match.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    pub(super) mode: SearchMode,
    pub(super) threshold: Option<f64>,
    pub(super) offset_unit: OffsetUnit,
}

/// A match whose passages are not told yet.
pub(super) struct Found {
    pub(super) matched: Match,
    trace: Trace,
    /// If they had to be known already.
    reuse: Option<Reuse>,
}

impl Rule {
    /// What makes a document a duplicate of another.
    pub(super) const fn of_duplicates() -> Self {
        Self { mode: SearchMode::Near, threshold: Some(DEFAULT_THRESHOLD), offset_unit: OffsetUnit::Chars }
    }

    /// From which Jaccard similarity on texts are near duplicates.
    pub(super) fn near(self) -> f64 {
        match self.mode {
            SearchMode::Near => self.threshold.unwrap_or(DEFAULT_THRESHOLD),
            SearchMode::Contained => DEFAULT_THRESHOLD,
        }
    }

    /// Compares the text with a candidate that has this trace; `None` when it is no match.
    pub(super) fn compare(self, print: &Print, document: &Document, trace: Trace) -> Option<Found> {
        let is_exact = document.content_hash == print.content_hash;
        // Texts without words have the same none.
        let is_normalized = document.normalized_hash == print.normalized_hash && print.words > 0;
        let (similarity, query_in_document, document_in_query) = if is_exact || is_normalized {
            (1.0, 1.0, 1.0)
        } else {
            let mut other = trace.shingles();
            let other = ShingleSet::sort(&mut other);
            let own = ShingleSet::from_sorted(&print.shingles);
            let overlap = match self.mode {
                SearchMode::Near => own.similar(other, self.near())?,
                SearchMode::Contained => own.overlap(other),
            };
            if overlap.shared == 0 {
                return None;
            }
            (overlap.jaccard(), overlap.first_in_second(), overlap.second_in_first())
        };
        let mut reuse = None;
        let kind = if is_exact {
            MatchKind::Exact
        } else if is_normalized {
            MatchKind::NormalizedExact
        } else if similarity >= self.near() {
            MatchKind::NearDuplicate
        } else {
            let is_enough = if let Some(threshold) = self.threshold {
                query_in_document.max(document_in_query) >= threshold
            } else {
                let shared = passages(&print.trace, &trace, &PassageOptions::default());
                !reuse.insert(shared).passages.is_empty()
            };
            if !is_enough {
                return None;
            }
            if query_in_document >= document_in_query { MatchKind::Contained } else { MatchKind::Contains }
        };
        // In mode contained a threshold holds for near duplicates too.
        if self.mode == SearchMode::Contained
            && self.threshold.is_some_and(|threshold| query_in_document.max(document_in_query) < threshold)
        {
            return None;
        }
        let matched = Match {
            document_id: document.id.clone(),
            collection: document.collection.clone(),
            kind,
            similarity,
            query_in_document,
            document_in_query,
            passages: Vec::new(),
        };
        Some(Found { matched, trace, reuse })
    }
}

impl Found {
    /// The match with its passages, for the text that it was found for.
    pub(super) fn with_passages(self, content: &str, print: &Print, unit: OffsetUnit) -> Match {
        let Self { mut matched, trace, reuse } = self;
        let reuse = reuse.unwrap_or_else(|| passages(&print.trace, &trace, &PassageOptions::default()));
        let offsets = OffsetMap::new(content, unit);
        let shown = |passage: redundancy_detect::fingerprint::Passage| {
            let bytes = print.trace.span(passage.query, OffsetUnit::Bytes);
            SharedPassage {
                words: passage.equal_words,
                text: bytes.slice(content).to_owned(),
                query: offsets.span(bytes),
                document: trace.span(passage.document, unit),
            }
        };
        matched.passages = reuse.passages.into_iter().map(shown).collect();
        matched
    }
}

/// The order of matches: the best first, equally good ones by their ids.
pub(super) fn order(mode: SearchMode) -> impl Fn(&Found, &Found) -> Ordering {
    let order = order_of_matches(mode);
    move |one, other| order(&one.matched, &other.matched)
}

/// The same of matches.
pub(super) fn order_of_matches(mode: SearchMode) -> impl Fn(&Match, &Match) -> Ordering {
    let is_equal = |found: &Match| match found.kind {
        MatchKind::Exact => 2,
        MatchKind::NormalizedExact => 1,
        MatchKind::NearDuplicate | MatchKind::Contained | MatchKind::Contains => 0,
    };
    let shared = move |found: &Match| match mode {
        SearchMode::Near => found.similarity,
        SearchMode::Contained => found.query_in_document.max(found.document_in_query),
    };
    move |one, other| {
        is_equal(other)
            .cmp(&is_equal(one))
            .then_with(|| shared(other).total_cmp(&shared(one)))
            .then_with(|| other.similarity.total_cmp(&one.similarity))
            .then_with(|| one.document_id.cmp(&other.document_id))
    }
}
