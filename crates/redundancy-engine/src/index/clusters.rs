//! Groups of documents that are duplicates of each other: connected by verified pairs.

use super::MatchKind;
use super::comparing::{Rule, decoded};
use super::print::Print;
use crate::catalog::{Candidates, DocumentNumber, Kept};
use crate::document::{CollectionName, Digest, Document, DocumentId};
use crate::engine::Engine;
use crate::error::EngineError;
use futures_util::future::try_join_all;
use redundancy_webhook::store::PageRequest;
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Arc;

/// Documents that are looked at or compared for one answer at most.
const MAX_COMPARED: usize = 20_000;
/// Members of one cluster that are told of at most.
const MAX_MEMBERS: usize = 500;
/// Candidates of one document that are compared at most.
const MAX_CANDIDATES: usize = MAX_MEMBERS;
/// Documents that are listed at once.
const PART: usize = 256;
/// Documents that are read at once, with what they are compared by.
const READ_AT_ONCE: usize = 16;

/// Documents that are connected by verified pairs.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// Its members, in the order in which they were put.
    pub members: Vec<ClusterMember>,
    /// The lowest similarity of the links by which its members were found.
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

/// What an answer has looked at so far.
#[derive(Default)]
struct Walk {
    /// Documents that were looked at or compared.
    compared: usize,
    /// Members of the clusters that were found: none of them begins another.
    members: HashSet<DocumentNumber>,
    /// What documents that were looked at say. One that says the same is younger than its duplicate: it begins no cluster.
    said: HashSet<Digest>,
}

/// A document, and what is needed to find its duplicates.
struct Member {
    number: DocumentNumber,
    id: DocumentId,
    said: Digest,
    print: Arc<Print>,
    candidates: Candidates,
}

/// A cluster in the making.
struct Growing {
    /// The number of its first member. A cluster with an older one was told of before.
    first: DocumentNumber,
    members: BTreeMap<DocumentNumber, ClusterMember>,
    /// Members whose own duplicates are yet to be looked for.
    open: VecDeque<Kept>,
    min_similarity: f64,
    is_complete: bool,
}

impl Engine {
    /// The clusters of a collection whose first members stand behind `page.after`, at most `page.limit`. An answer looks at a
    /// bounded number of documents.
    pub async fn clusters(
        &self,
        collection: &CollectionName,
        page: PageRequest<DocumentNumber>,
    ) -> Result<ClusterPage, EngineError> {
        let (mut clusters, mut after, mut walk) = (Vec::new(), page.after, Walk::default());
        let is_full =
            |clusters: &Vec<_>, walk: &Walk| clusters.len() >= page.limit || walk.compared >= MAX_COMPARED;
        loop {
            let listed =
                self.ports.catalog.list(Some(collection), PageRequest { after, limit: PART }).await?;
            for part in listed.items.chunks(READ_AT_ONCE) {
                if is_full(&clusters, &walk) {
                    return Ok(ClusterPage { clusters, next: after });
                }
                // Those that are passed over too: there may be any number of them.
                walk.compared += part.len();
                let numbers =
                    part.iter().filter(|listed| walk.may_begin(listed.number, said(&listed.document)));
                let kept = self.ports.catalog.fetch(numbers.map(|listed| listed.number).collect()).await?;
                for member in self.members(collection, kept).await? {
                    if is_full(&clusters, &walk) {
                        return Ok(ClusterPage { clusters, next: after });
                    }
                    after = Some(member.number);
                    if walk.may_begin(member.number, member.said) {
                        walk.said.insert(member.said);
                        clusters.extend(self.cluster_of(collection, member, &mut walk).await?);
                    }
                }
                // Those that were passed over, and those that went meanwhile.
                after = part.last().map_or(after, |last| Some(last.number));
            }
            if listed.next.is_none() {
                return Ok(ClusterPage { clusters, next: None });
            }
        }
    }

    /// What is needed to find the duplicates of documents.
    async fn members(
        &self,
        collection: &CollectionName,
        kept: Vec<Kept>,
    ) -> Result<Vec<Member>, EngineError> {
        if kept.is_empty() {
            return Ok(Vec::new());
        }
        let place = self.pool.wait_for_place().await?;
        let print = |kept: Kept| {
            let (trace, said) = (decoded(&kept.document.id, &kept.trace)?, said(&kept.document));
            let print = Arc::new(Print::of_kept(&kept.document, trace));
            Ok::<_, EngineError>((kept.number, kept.document.id, said, print))
        };
        let print_all = move || kept.into_iter().map(print).collect::<Result<Vec<_>, _>>();
        let printed = self.pool.run(place, print_all).await??;
        try_join_all(printed.into_iter().map(|(number, id, said, print)| async move {
            let candidates =
                self.candidates(&print, collection, Rule::of_duplicates(), MAX_CANDIDATES).await?;
            Ok(Member { number, id, said, print, candidates })
        }))
        .await
    }

    /// The cluster whose first member is `first`; `None` when it has no duplicates, or is not the first of them.
    async fn cluster_of(
        &self,
        collection: &CollectionName,
        first: Member,
        walk: &mut Walk,
    ) -> Result<Option<Cluster>, EngineError> {
        let mut growing = Growing::from(&first);
        if self.grow(first, &mut growing, walk).await?.is_none() {
            return Ok(None);
        }
        while !growing.open.is_empty() {
            if walk.compared >= MAX_COMPARED {
                growing.is_complete = false;
                break;
            }
            let open = growing.open.drain(..growing.open.len().min(READ_AT_ONCE)).collect();
            for member in self.members(collection, open).await? {
                if self.grow(member, &mut growing, walk).await?.is_none() {
                    return Ok(None);
                }
            }
        }
        if growing.members.len() == 1 {
            return Ok(None);
        }
        walk.members.extend(growing.members.keys());
        let Growing { members, min_similarity, is_complete, .. } = growing;
        Ok(Some(Cluster { members: members.into_values().collect(), min_similarity, is_complete }))
    }

    /// Adds the duplicates of a member; `None` when one of them is older than the first.
    async fn grow(
        &self,
        member: Member,
        growing: &mut Growing,
        walk: &mut Walk,
    ) -> Result<Option<()>, EngineError> {
        let found = member.candidates.found;
        growing.is_complete &= found.len() < MAX_CANDIDATES;
        let numbers = found.iter().map(|candidate| candidate.number);
        let unknown =
            |number: &DocumentNumber| *number != member.number && !growing.members.contains_key(number);
        let mut numbers: Vec<DocumentNumber> = numbers.filter(unknown).collect();
        // One that is older ends the search: those come first.
        numbers.sort_by_key(|number| *number > growing.first);
        for part in numbers.chunks(READ_AT_ONCE) {
            walk.compared += part.len();
            for (other, kind, similarity) in self.verified(&member.print, part.to_vec()).await? {
                if other.number < growing.first {
                    return Ok(None);
                }
                growing.add(other, (member.id.clone(), kind, similarity));
            }
        }
        Ok(Some(()))
    }

    /// Those of the candidates that are duplicates.
    async fn verified(
        &self,
        print: &Arc<Print>,
        candidates: Vec<DocumentNumber>,
    ) -> Result<Vec<(Kept, MatchKind, f64)>, EngineError> {
        let others = self.ports.catalog.fetch(candidates).await?;
        let place = self.pool.wait_for_place().await?;
        let print = Arc::clone(print);
        let compare = move || {
            let mut verified = Vec::new();
            for other in others {
                if let Some(found) = Rule::of_duplicates().compare(&print, &other.document, &other.trace)? {
                    verified.push((other, found.matched.kind, found.matched.similarity));
                }
            }
            Ok(verified)
        };
        self.pool.run(place, compare).await?
    }
}

impl Walk {
    /// Whether a document may begin a cluster, as far as is known.
    fn may_begin(&self, number: DocumentNumber, said: Digest) -> bool {
        !self.said.contains(&said) && !self.members.contains(&number)
    }
}

/// What a document says: its words, or its bytes where it has none.
fn said(document: &Document) -> Digest {
    if document.words > 0 { document.normalized_hash } else { document.content_hash }
}

impl Growing {
    fn from(first: &Member) -> Self {
        let member = ClusterMember { document_id: first.id.clone(), link: None };
        Self {
            first: first.number,
            members: BTreeMap::from([(first.number, member)]),
            open: VecDeque::new(),
            min_similarity: 1.0,
            is_complete: true,
        }
    }

    fn add(&mut self, member: Kept, (of, kind, similarity): (DocumentId, MatchKind, f64)) {
        if self.members.len() >= MAX_MEMBERS {
            self.is_complete = false;
            return;
        }
        let link = Some((of, kind, similarity));
        let named = ClusterMember { document_id: member.document.id.clone(), link };
        if self.members.insert(member.number, named).is_none() {
            self.min_similarity = self.min_similarity.min(similarity);
            // What has the same words has the same duplicates.
            if kind == MatchKind::NearDuplicate {
                self.open.push_back(member);
            }
        }
    }
}
