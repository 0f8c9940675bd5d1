//! Compares a text with a candidate, exactly, and says how they belong together.

use super::print::{Print, decoded};
use super::{DEFAULT_THRESHOLD, Match, MatchKind, SearchMode};
use crate::catalog::Kept;
use redundancy_detect::fingerprint::ShingleSet;
use redundancy_detect::span::OffsetUnit;
use std::cmp::Ordering;

/// What makes a candidate a match.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    pub(super) mode: SearchMode,
    pub(super) threshold: Option<f64>,
    pub(super) offset_unit: OffsetUnit,
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

    /// Compares the text with a candidate; `None` when it is no match.
    pub(super) fn compare(self, _content: &str, print: &Print, kept: &Kept) -> Option<Match> {
        let document = &kept.document;
        let (own, other) = (&print.shingles, decoded(&kept.trace));
        let (own, other) = (ShingleSet::from_sorted(own)?, ShingleSet::from_sorted(&other)?);
        let is_exact = document.content_hash == print.content_hash;
        // Texts without words have the same none.
        let is_normalized = document.normalized_hash == print.normalized_hash && print.words > 0;
        let overlap = own.overlap(other);
        let (similarity, within, around) = if is_exact || is_normalized {
            (1.0, 1.0, 1.0)
        } else {
            (overlap.jaccard(), overlap.first_in_second(), overlap.second_in_first())
        };
        let kind = if is_exact {
            MatchKind::Exact
        } else if is_normalized {
            MatchKind::NormalizedExact
        } else if similarity >= self.near() && overlap.shared > 0 {
            MatchKind::NearDuplicate
        } else {
            return None;
        };
        Some(Match {
            document_id: document.id.clone(),
            collection: document.collection.clone(),
            kind,
            similarity,
            query_in_document: within,
            document_in_query: around,
            passages: Vec::new(),
        })
    }
}

/// The order of matches: the best first, equally good ones by their ids.
pub(super) fn order(mode: SearchMode) -> impl Fn(&Match, &Match) -> Ordering {
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
