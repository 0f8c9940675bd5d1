//! Compares a text with a candidate, exactly, and says how they belong together.

use super::print::Print;
use super::{DEFAULT_THRESHOLD, Match, MatchKind, SearchMode, SharedPassage};
use crate::document::{Document, DocumentId};
use crate::error::EngineError;
use redundancy_detect::fingerprint::{PassageOptions, Reuse, ShingleSet, Trace, passages};
use redundancy_detect::span::{OffsetMap, OffsetUnit};
use redundancy_webhook::store::StoreError;
use std::cmp::Ordering;
use std::sync::Arc;

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
    encoded: Arc<[u8]>,
    /// What had to be known already.
    trace: Option<Trace>,
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

    /// Compares the text with a candidate that has this trace, which is not read when they are equal; `None` when it is no match.
    pub(super) fn compare(
        self,
        print: &Print,
        document: &Document,
        encoded: &Arc<[u8]>,
    ) -> Result<Option<Found>, EngineError> {
        let is_exact = document.content_hash == print.content_hash;
        // Texts without words have the same none.
        let is_normalized = document.normalized_hash == print.normalized_hash && print.words > 0;
        let mut trace = None;
        let (similarity, query_in_document, document_in_query) = if is_exact || is_normalized {
            (1.0, 1.0, 1.0)
        } else {
            let mut other = trace.insert(decoded(&document.id, encoded)?).shingles();
            let other = ShingleSet::sort(&mut other);
            let own = ShingleSet::from_sorted(&print.shingles);
            let overlap = match self.mode {
                SearchMode::Near => own.similar(other, self.near()),
                SearchMode::Contained => Some(own.overlap(other)),
            };
            let Some(overlap) = overlap.filter(|overlap| overlap.shared > 0) else { return Ok(None) };
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
                let shared = trace.as_ref().map(|trace| reuse_of(print, trace)).unwrap_or_default();
                !reuse.insert(shared).passages.is_empty()
            };
            if !is_enough {
                return Ok(None);
            }
            if query_in_document >= document_in_query { MatchKind::Contained } else { MatchKind::Contains }
        };
        // In mode contained a threshold holds for near duplicates too.
        if self.mode == SearchMode::Contained
            && self.threshold.is_some_and(|threshold| query_in_document.max(document_in_query) < threshold)
        {
            return Ok(None);
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
        Ok(Some(Found { matched, encoded: Arc::clone(encoded), trace, reuse }))
    }
}

impl Found {
    /// The match with its passages, for the text that it was found for.
    pub(super) fn with_passages(
        self,
        content: &str,
        print: &Print,
        unit: OffsetUnit,
    ) -> Result<Match, EngineError> {
        let Self { mut matched, encoded, trace, reuse } = self;
        let trace = trace.map_or_else(|| decoded(&matched.document_id, &encoded), Ok)?;
        let reuse = reuse.unwrap_or_else(|| reuse_of(print, &trace));
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
        Ok(matched)
    }

    /// Whether no match can be better.
    pub(super) fn is_exact(&self) -> bool {
        self.matched.kind == MatchKind::Exact
    }
}

fn reuse_of(print: &Print, trace: &Trace) -> Reuse {
    passages(&print.trace, trace, &PassageOptions::default())
}

/// The trace of a document from its bytes.
pub(super) fn decoded(id: &DocumentId, encoded: &[u8]) -> Result<Trace, EngineError> {
    let damaged = |error| StoreError::Unreadable(format!("the trace of document {id} is damaged: {error}"));
    Ok(Trace::decode(encoded).map_err(damaged)?)
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
