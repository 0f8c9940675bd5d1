//! Finds documents that have something in common with a text.

use super::comparing::{Rule, order};
use super::print::Print;
use super::{Match, SearchMode, SearchRequest, SearchResult};
use crate::catalog::{CandidateQuery, Candidates, DocumentNumber, MAX_ENTRIES_PER_KEY};
use crate::document::{CollectionName, DocumentId};
use crate::engine::Engine;
use crate::error::EngineError;
use std::sync::Arc;

/// Candidates that are compared at least, if there are so many.
const LEAST_COMPARED: usize = 128;
/// Candidates that are in memory at once. Each holds a trace, which is about as long as its text.
const COMPARED_AT_ONCE: usize = 32;
/// Below this threshold bands of texts at the threshold agree too seldom: fingerprints are asked too.
const BANDS_REACH_TO: f64 = 0.72;
/// A fingerprint in more documents than this is passed over, unless nothing else leads anywhere.
const COMMON_FROM: usize = 256;
/// So many of those that were passed over are looked for when nothing else leads anywhere.
const RESCUED: usize = 16;

/// A text and its print, shared with the jobs that compare it.
pub(super) type Printed = Arc<(Arc<str>, Print)>;

impl Engine {
    /// Finds documents that have something in common with a text.
    pub async fn search(&self, request: SearchRequest) -> Result<SearchResult, EngineError> {
        let SearchRequest { content, collection, mode, threshold, limit, offset_unit } = request;
        let rule = Rule { mode, threshold, offset_unit };
        let content: Arc<str> = content.into();
        let place = self.pool.reserve()?;
        let job = move || Ok::<_, EngineError>(Arc::new((Arc::clone(&content), Print::of(&content)?)));
        let printed = self.pool.run(place, job).await??;
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
        let found = self.candidates(&printed.1, collection, rule, limit).await?;
        let numbers: Vec<DocumentNumber> = found.found.iter().map(|candidate| candidate.number).collect();
        let mut matches = Vec::new();
        for part in numbers.chunks(COMPARED_AT_ONCE) {
            let mut kept = self.ports.catalog.fetch(part.to_vec()).await?;
            kept.retain(|kept| Some(&kept.document.id) != except);
            if kept.is_empty() {
                continue;
            }
            let printed = Arc::clone(printed);
            let compare = move || {
                let (content, print) = &*printed;
                kept.iter().filter_map(|kept| rule.compare(content, print, kept)).collect::<Vec<Match>>()
            };
            // The text is in already: what belongs to it waits instead of being turned away.
            let place = self.pool.wait_for_place().await?;
            matches.extend(self.pool.run(place, compare).await?);
        }
        matches.sort_by(order(rule.mode));
        // One document can come twice when it was put anew between two questions.
        let mut seen = std::collections::HashSet::new();
        matches.retain(|found| seen.insert(found.document_id.clone()));
        matches.truncate(limit);
        Ok(SearchResult { matches, common_fingerprints: found.passed_over.len() })
    }

    pub(super) async fn candidates(
        &self,
        print: &Print,
        collection: &CollectionName,
        rule: Rule,
        limit: usize,
    ) -> Result<Candidates, EngineError> {
        let mut keys = print.keys.clone();
        if rule.mode == SearchMode::Near && rule.near() >= BANDS_REACH_TO {
            keys.fingerprints = Vec::new();
        }
        let mut query = CandidateQuery {
            collection: collection.clone(),
            keys,
            max_frequency: COMMON_FROM,
            limit: LEAST_COMPARED.max(4 * limit),
        };
        let found = self.ports.catalog.candidates(query.clone()).await?;
        if !found.found.is_empty() || found.passed_over.is_empty() {
            return Ok(found);
        }
        // All that it consists of is common: then the least common leads on.
        query.keys.fingerprints = found.passed_over.iter().take(RESCUED).map(|(key, _)| *key).collect();
        query.max_frequency = MAX_ENTRIES_PER_KEY;
        let rescued = self.ports.catalog.candidates(query).await?;
        Ok(Candidates { found: rescued.found, passed_over: found.passed_over })
    }
}
