//! Groups of documents that are duplicates of each other: connected by verified pairs.

use super::MatchKind;
use super::comparing::Rule;
use super::print::Print;
use super::searching::{Printed, decoded};
use crate::catalog::{DocumentNumber, Kept};
use crate::document::{CollectionName, DocumentId};
use crate::engine::Engine;
use crate::error::EngineError;
use redundancy_webhook::store::PageRequest;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Documents whose duplicates are looked for in one answer at most, members of clusters included.
const MAX_LOOKED_AT: usize = 2_000;
/// Members of one cluster that are told of at most.
const MAX_MEMBERS: usize = 500;
/// Duplicates of one document that are followed.
const MAX_FOLLOWED: usize = 100;
/// Documents that are read at once.
const PART: usize = 64;

/// Documents that are connected by verified pairs.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// Its members, in the order in which they were put.
    pub members: Vec<ClusterMember>,
    /// The lowest similarity of all pairs that hold it together.
    pub min_similarity: f64,
    /// Whether all members are named: there may be more than an answer holds.
    pub is_complete: bool,
}

/// A document in a cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterMember {
    /// The document.
    pub document_id: DocumentId,
    /// How it belongs to the document through which it was found, and how alike they are; nothing of the first.
    pub link: Option<(DocumentId, MatchKind, f64)>,
}

/// A part of the clusters of a collection.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterPage {
    /// The clusters, in the order of their first members.
    pub clusters: Vec<Cluster>,
    /// Where to go on; `None` at the end. There may be more also where this part has no clusters.
    pub next: Option<DocumentNumber>,
}

impl Engine {
    /// The clusters of a collection whose first members stand behind `page.after`, at most `page.limit`. An answer looks at a
    /// bounded number of documents.
    pub async fn clusters(
        &self,
        collection: &CollectionName,
        page: PageRequest<DocumentNumber>,
    ) -> Result<ClusterPage, EngineError> {
        let (mut clusters, mut after, mut looked_at) = (Vec::new(), page.after, 0);
        loop {
            let request = PageRequest { after, limit: PART };
            let listed = self.ports.catalog.list(Some(collection), request).await?;
            let numbers = listed.items.iter().map(|listed| listed.number).collect();
            for kept in self.ports.catalog.fetch(numbers).await? {
                if clusters.len() >= page.limit || looked_at >= MAX_LOOKED_AT {
                    return Ok(ClusterPage { clusters, next: after });
                }
                after = Some(kept.number);
                clusters.extend(self.cluster_of(collection, kept, &mut looked_at).await?);
            }
            // Documents that went meanwhile are not there to be looked at.
            after = listed.items.last().map_or(after, |last| Some(last.number));
            if listed.next.is_none() {
                return Ok(ClusterPage { clusters, next: None });
            }
        }
    }

    /// The cluster whose first member is `first`; `None` when it has no duplicates, or is not the first of them.
    async fn cluster_of(
        &self,
        collection: &CollectionName,
        first: Kept,
        looked_at: &mut usize,
    ) -> Result<Option<Cluster>, EngineError> {
        let beginning = first.number;
        let mut members: BTreeMap<DocumentNumber, ClusterMember> = BTreeMap::new();
        members.insert(beginning, ClusterMember { document_id: first.document.id.clone(), link: None });
        let mut open = VecDeque::from([first]);
        let (mut min_similarity, mut is_complete) = (1.0_f64, true);
        while let Some(kept) = open.pop_front() {
            if *looked_at >= MAX_LOOKED_AT && kept.number != beginning {
                is_complete = false;
                break;
            }
            *looked_at += 1;
            let own_id = kept.document.id.clone();
            for (other, kind, similarity) in self.duplicates_of(collection, kept).await? {
                if other.number < beginning {
                    return Ok(None);
                }
                if members.len() >= MAX_MEMBERS {
                    is_complete = false;
                    break;
                }
                min_similarity = min_similarity.min(similarity);
                members.entry(other.number).or_insert_with(|| {
                    let link = Some((own_id.clone(), kind, similarity));
                    let member = ClusterMember { document_id: other.document.id.clone(), link };
                    open.push_back(other);
                    member
                });
            }
        }
        let members: Vec<_> = members.into_values().collect();
        Ok((members.len() > 1).then_some(Cluster { members, min_similarity, is_complete }))
    }

    /// The verified duplicates of a document.
    async fn duplicates_of(
        &self,
        collection: &CollectionName,
        kept: Kept,
    ) -> Result<Vec<(Kept, MatchKind, f64)>, EngineError> {
        let rule = Rule::of_duplicates();
        let place = self.pool.wait_for_place().await?;
        let own = kept.number;
        let print = move || Ok::<_, EngineError>(Print::of_kept(&kept.document, decoded(&kept)?));
        let print = self.pool.run(place, print).await??;
        let printed: Printed = Arc::new((Arc::from(""), print));
        let found = self.candidates(&printed.1, collection, rule, MAX_FOLLOWED).await?;
        let numbers = found.found.iter().map(|candidate| candidate.number).filter(|number| *number != own);
        let others = self.ports.catalog.fetch(numbers.collect()).await?;
        let place = self.pool.wait_for_place().await?;
        let compare = move || {
            let mut verified = Vec::new();
            for other in others {
                let trace = decoded(&other)?;
                if let Some(found) = rule.compare(&printed.1, &other.document, trace) {
                    verified.push((other, found.matched.kind, found.matched.similarity));
                }
            }
            Ok(verified)
        };
        self.pool.run(place, compare).await?
    }
}
