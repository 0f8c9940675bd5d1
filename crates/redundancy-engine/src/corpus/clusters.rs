//! What comes out: clusters, which document of each is kept, and why the others are dropped.

use super::DedupOptions;
use super::capped::Capped;
use super::first_pass::{Distinct, FirstPass, INVALID, Invalid};
use super::links::Link;
use super::members::{Member, Members};
use super::sets::Sets;
use super::union_find::UnionFind;

/// What was found in a corpus. Documents are named by the numbers of their records, 0 for the first in the corpus.
#[derive(Debug)]
pub struct Deduplicated {
    /// Documents that could be read.
    pub documents: u64,
    /// Records, with or without a document.
    pub records: u64,
    /// Bytes of text in all documents.
    pub text_bytes: u64,
    /// Records that hold no document, in order; of very many, the first thousand.
    pub invalid: Vec<Invalid>,
    /// The numbers of all of them, in order.
    pub invalid_records: Vec<u32>,
    /// The documents that stand in clusters, in the order of the corpus.
    pub members: Vec<Member>,
    /// Documents that are duplicates of each other, in the order of their first ones. Each has two at least.
    pub clusters: Vec<Cluster>,
    /// Documents to drop, in the order of the corpus.
    pub duplicates: Vec<Duplicate>,
    /// Every pair at or above the threshold, if [`DedupOptions::all_pairs`] asked for them, sorted.
    pub pairs: Vec<Pair>,
}

/// Documents that are connected by duplicates.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// Their records, in order.
    pub records: Vec<u32>,
    /// The one that is kept.
    pub kept: u32,
    /// The least similarity among the links by which the cluster was put together: at any threshold up to it, the cluster stays whole.
    /// At a higher one it falls apart or does not: of pairs that were connected already, better ones may never have been compared. With
    /// [`Mode::Contained`](super::Mode::Contained), the least share of any document that is dropped for the kept one.
    pub min_similarity: f64,
}

/// A document to drop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Duplicate {
    /// Its record.
    pub record: u32,
    /// The document of its cluster that is kept.
    pub kept: u32,
    /// In what way it is a duplicate.
    pub kind: DuplicateKind,
    /// Its similarity to the kept one, exactly. In a cluster that is held together by links from one to the next it can be below
    /// the threshold.
    pub similarity: f64,
}

/// In what way two documents are duplicates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DuplicateKind {
    /// Byte for byte.
    Exact,
    /// After normalisation: they differ in case, punctuation or white space.
    NormalizedExact,
    /// In most of their shingles.
    NearDuplicate,
    /// Most of its shingles stand in the other, which is at least as large.
    Contained,
}

/// Two documents at or above the threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// The record of the first.
    pub one: u32,
    /// The record of the second: a later one, or the one that the first is contained in.
    pub other: u32,
    /// Their similarity.
    pub similarity: f64,
}

/// What verifying found, while it goes on.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The links that connect.
    forest: Vec<Link>,
    /// All links, if they are wanted and have room.
    all: Option<Capped<Link>>,
}

/// Which records are in which cluster.
#[derive(Debug, Default)]
pub(super) struct Clustered {
    /// All records in clusters, in order.
    pub(super) records: Vec<u32>,
    /// Records of each cluster, in order of their first.
    clusters: Vec<Vec<u32>>,
}

impl Found {
    /// With room for all links in so many bytes, if they are wanted.
    pub(super) fn new(all: Option<u64>) -> Self {
        Self { forest: Vec::new(), all: all.map(Capped::new) }
    }

    pub(super) fn add(&mut self, link: Link, connects: bool) {
        if connects {
            self.forest.push(link);
        }
        if let Some(all) = &mut self.all {
            all.push(link);
        }
    }

    /// How many pairs come of the links and of equal documents, and how many links had no room.
    pub(super) fn pairs(&self, first: &FirstPass) -> (u64, u64) {
        let left_out = self.all.as_ref().map_or(0, Capped::left_out);
        let pairs = count_pairs(first, self.links().iter().map(|link| (link.one, link.other)));
        (pairs, left_out)
    }

    fn links(&self) -> &[Link] {
        self.all.as_ref().map(Capped::items).unwrap_or_default()
    }
}

/// How many pairs there are of equal documents, and of those on either side of `links`.
pub(super) fn count_pairs(first: &FirstPass, links: impl Iterator<Item = (Distinct, Distinct)>) -> u64 {
    let counts = first.counts();
    let count = |document: Distinct| counts.get(document as usize).map_or(0, |count| u64::from(*count));
    let of_equal =
        counts.iter().map(|count| u64::from(*count)).map(|count| count * count.saturating_sub(1) / 2);
    links.map(|(one, other)| count(one) * count(other)).chain(of_equal).fold(0, u64::saturating_add)
}

impl Clustered {
    /// Groups the records by what is connected.
    pub(super) fn of(first: &FirstPass, joined: &mut UnionFind) -> Self {
        let mut by_root: Vec<(Distinct, u32)> = (first.records.iter().zip(0..))
            .filter(|(distinct, _)| **distinct != INVALID)
            .map(|(distinct, record)| (joined.root(*distinct), record))
            .collect();
        // Roots are the least members, and distinct documents are numbered by their first records.
        by_root.sort_unstable();
        let same = by_root.chunk_by(|one, next| one.0 == next.0).filter(|same| same.len() > 1);
        let clusters: Vec<Vec<u32>> =
            same.map(|same| same.iter().map(|(_, record)| *record).collect()).collect();
        let mut records: Vec<u32> = clusters.iter().flatten().copied().collect();
        records.sort_unstable();
        Self { records, clusters }
    }
}

/// Decides which documents of each cluster are kept.
pub(super) fn decide(
    first: FirstPass,
    found: &Found,
    clustered: Clustered,
    members: Members,
    sets: &Sets,
    options: &DedupOptions,
) -> Deduplicated {
    let view = View { first: &first, members: &members, sets };
    let mut clusters: Vec<Cluster> = Vec::with_capacity(clustered.clusters.len());
    let mut duplicates = Vec::with_capacity(clustered.records.len());
    for records in clustered.clusters {
        let records: Vec<u32> = records.into_iter().filter(|record| view.is_what_it_seems(*record)).collect();
        let Some(kept) = view.kept(&records) else { continue };
        duplicates.extend(
            records.iter().filter(|record| **record != kept).map(|record| view.duplicate(*record, kept)),
        );
        if records.len() > 1 {
            clusters.push(Cluster { records, kept, min_similarity: 1.0 });
        }
    }
    weaken(&mut clusters, &found.forest, &first);
    let pairs = if options.all_pairs { view.pairs(&clusters, found.links()) } else { Vec::new() };
    finish(first, members, clusters, duplicates, pairs)
}

/// Puts together what comes out.
pub(super) fn finish(
    first: FirstPass,
    members: Members,
    clusters: Vec<Cluster>,
    mut duplicates: Vec<Duplicate>,
    pairs: Vec<Pair>,
) -> Deduplicated {
    duplicates.sort_unstable_by_key(|duplicate| duplicate.record);
    Deduplicated {
        documents: first.documents(),
        records: first.records.len() as u64,
        text_bytes: first.text_bytes,
        invalid_records: (0..)
            .zip(&first.records)
            .filter(|(_, distinct)| **distinct == INVALID)
            .map(|(record, _)| record)
            .collect(),
        invalid: first.invalid,
        members: members.0,
        clusters,
        duplicates,
        pairs,
    }
}

/// Gives each cluster the similarity of its weakest link.
fn weaken(clusters: &mut [Cluster], forest: &[Link], first: &FirstPass) {
    let mut cluster_of: Vec<(u32, usize)> = clusters
        .iter()
        .enumerate()
        .flat_map(|(number, cluster)| cluster.records.iter().map(move |record| (*record, number)))
        .collect();
    cluster_of.sort_unstable();
    for link in forest {
        let record = first.firsts.get(link.one as usize).copied().unwrap_or(u32::MAX);
        let found = cluster_of.binary_search_by_key(&record, |(record, _)| *record).ok();
        let number = found.and_then(|place| cluster_of.get(place)).map(|(_, number)| *number);
        if let Some(cluster) = number.and_then(|number| clusters.get_mut(number)) {
            cluster.min_similarity = cluster.min_similarity.min(link.similarity);
        }
    }
}

/// What is looked at while it is decided.
pub(super) struct View<'v> {
    pub(super) first: &'v FirstPass,
    pub(super) members: &'v Members,
    pub(super) sets: &'v Sets,
}

impl View<'_> {
    /// The record with the highest rank, of several the first.
    pub(super) fn kept(&self, records: &[u32]) -> Option<u32> {
        let rank = |record: &u32| self.members.of(*record).map_or(f64::NEG_INFINITY, |member| member.rank);
        records.iter().rev().copied().max_by(|one, other| rank(one).total_cmp(&rank(other)))
    }

    /// Whether a document is equal to the first of those with its fingerprint. Only somebody who looks for texts with the same
    /// fingerprint will find some; such a text is no duplicate of anything.
    pub(super) fn is_what_it_seems(&self, record: u32) -> bool {
        let first = self.first.firsts.get(self.distinct(record) as usize).copied().unwrap_or(record);
        let normalized = |record: u32| self.members.of(record).map(|member| member.normalized);
        first == record || normalized(first) == normalized(record)
    }

    pub(super) fn duplicate(&self, record: u32, kept: u32) -> Duplicate {
        let content = |record: u32| self.members.of(record).map(|member| member.content);
        let kind = if self.distinct(record) != self.distinct(kept) {
            DuplicateKind::NearDuplicate
        } else if content(record) == content(kept) {
            DuplicateKind::Exact
        } else {
            DuplicateKind::NormalizedExact
        };
        Duplicate {
            record,
            kept,
            kind,
            similarity: self.similarity(self.distinct(record), self.distinct(kept)),
        }
    }

    fn similarity(&self, one: Distinct, other: Distinct) -> f64 {
        if one == other { 1.0 } else { self.sets.overlap(one, other).jaccard() }
    }

    pub(super) fn distinct(&self, record: u32) -> Distinct {
        self.first.records.get(record as usize).copied().unwrap_or(INVALID)
    }

    /// All pairs: those of equal documents, and those of all documents on either side of a link.
    fn pairs(&self, clusters: &[Cluster], links: &[Link]) -> Vec<Pair> {
        let mut order: Vec<(Distinct, u32)> = clusters
            .iter()
            .flat_map(|cluster| &cluster.records)
            .map(|record| (self.distinct(*record), *record))
            .collect();
        order.sort_unstable();
        let (distinct, records): (Vec<Distinct>, Vec<u32>) = order.into_iter().unzip();
        let equal = |one: Distinct| {
            let from = distinct.partition_point(|other| *other < one);
            let to = distinct.partition_point(|other| *other <= one);
            records.get(from..to).unwrap_or_default()
        };
        let each_once = distinct.chunk_by(|one, next| one == next).filter_map(|same| same.first());
        let mut pairs: Vec<Pair> = each_once.flat_map(|distinct| pairs_of_equal(equal(*distinct))).collect();
        for link in links {
            for one in equal(link.one) {
                pairs.extend(equal(link.other).iter().map(|other| Pair {
                    one: *one.min(other),
                    other: *one.max(other),
                    similarity: link.similarity,
                }));
            }
        }
        pairs.sort_unstable_by_key(|pair| (pair.one, pair.other));
        pairs
    }
}

/// All pairs of documents that are equal after normalisation, which come in the order of the corpus.
pub(super) fn pairs_of_equal(records: &[u32]) -> impl Iterator<Item = Pair> {
    let from = |(place, one): (usize, &u32)| {
        let one = *one;
        let later = records.iter().skip(place + 1);
        later.map(move |other| Pair { one, other: *other, similarity: 1.0 })
    };
    records.iter().enumerate().flat_map(from)
}
