//! Finds documents that have something in common with a text.

use super::comparing::{Found, Rule, order};
use super::print::Print;
use super::{Match, SearchMode, SearchRequest, SearchResult};
use crate::catalog::{CandidateQuery, Candidates, DocumentNumber, Keys};
use crate::document::{CollectionName, DocumentId};
use crate::engine::Engine;
use crate::error::EngineError;
use redundancy_detect::fingerprint::CommonFilter;
use std::collections::HashSet;
use std::sync::Arc;

/// Candidates that are compared at least, if there are so many.
const LEAST_COMPARED: usize = 128;
/// Candidates that are in memory at once. Each holds a trace, which is about as long as its text.
const COMPARED_AT_ONCE: usize = 32;
/// Below this threshold bands of texts at the threshold agree too seldom: fingerprints are asked too.
const BANDS_REACH_TO: f64 = 0.72;
/// A text and its print, shared with the jobs that compare it.
pub(super) type Printed = Arc<(Arc<str>, Print)>;

impl Engine {
    /// Finds documents that have something in common with a text.
    pub async fn search(&self, request: SearchRequest) -> Result<SearchResult, EngineError> {
        let SearchRequest { content, collection, mode, threshold, limit, offset_unit } = request;
        let rule = Rule { mode, threshold, offset_unit };
        let place = self.pool.reserve_for(content.len())?;
        let printed = self.pool.run(place, move || printed(content.into())).await??;
        self.matches(&printed, &collection, None, rule, limit).await
    }

    /// The matches of a text in a collection, but for the document `except`.
    pub(super) async fn matches(
        &self,
        printed: &Printed,
        collection: &CollectionName,
        except: Option<&DocumentId>,
        rule: Rule,
        limit: usize,
    ) -> Result<SearchResult, EngineError> {
        let compared = LEAST_COMPARED.max(4 * limit);
        let candidates = self.candidates(&printed.1, collection, rule, compared).await?;
        let numbers: Vec<DocumentNumber> =
            candidates.found.iter().map(|candidate| candidate.number).collect();
        let mut found: Vec<Found> = Vec::new();
        for part in numbers.chunks(COMPARED_AT_ONCE) {
            let mut kept = self.ports.catalog.fetch(part.to_vec()).await?;
            kept.retain(|kept| Some(&kept.document.id) != except);
            if kept.is_empty() {
                continue;
            }
            let printed = Arc::clone(printed);
            let compare = move || {
                let compared = kept
                    .iter()
                    .filter_map(|kept| rule.compare(&printed.1, &kept.document, &kept.trace).transpose());
                compared.collect::<Result<Vec<Found>, EngineError>>()
            };
            // The text is in already: what belongs to it waits instead of being turned away.
            let place = self.pool.wait_for_place().await?;
            found.extend(self.pool.run(place, compare).await??);
            found.sort_by(order(rule.mode));
            // One document can come twice when it was put anew between two questions.
            let mut seen = HashSet::new();
            found.retain(|found| seen.insert(found.matched.document_id.clone()));
            found.truncate(limit);
            // Candidates that are left are younger, and at best as good.
            if found.len() == limit && found.iter().all(Found::is_exact) {
                break;
            }
        }
        let matches = if found.is_empty() { Vec::new() } else { self.shown(printed, found, rule).await? };
        Ok(SearchResult { matches, common_fingerprints: candidates.common })
    }

    /// Finds the passages of matches.
    async fn shown(
        &self,
        printed: &Printed,
        found: Vec<Found>,
        rule: Rule,
    ) -> Result<Vec<Match>, EngineError> {
        let printed = Arc::clone(printed);
        let show = move || {
            let (content, print) = &*printed;
            found.into_iter().map(|found| found.with_passages(content, print, rule.offset_unit)).collect()
        };
        let place = self.pool.wait_for_place().await?;
        self.pool.run(place, show).await?
    }

    /// Candidates for matches of a text, at most `limit`.
    pub(super) async fn candidates(
        &self,
        print: &Print,
        collection: &CollectionName,
        rule: Rule,
        limit: usize,
    ) -> Result<Candidates, EngineError> {
        let are_bands_enough = rule.mode == SearchMode::Near && rule.near() >= BANDS_REACH_TO;
        let fingerprints = if are_bands_enough { Vec::new() } else { print.asked() };
        let keys = Keys { bands: print.keys.bands.clone(), fingerprints, ..print.keys };
        let query =
            CandidateQuery { collection: collection.clone(), keys, common: CommonFilter::default(), limit };
        Ok(self.ports.catalog.candidates(query).await?)
    }
}

/// The print of a text, with the text. Keeps a core busy.
pub(super) fn printed(content: Arc<str>) -> Result<Printed, EngineError> {
    let print = Print::of(&content)?;
    Ok(Arc::new((content, print)))
}
