//! Documents that are contained in larger ones: most of their shingles stand there.
//!
//! Candidates share a winnowing fingerprint ([`winnow`](redundancy_detect::fingerprint::winnow())); what a document shares with another is
//! then counted over whole sets. A small document has few fingerprints, and none may be left when a word is changed: small ones are found by
//! their rarest shingles, as in `prefix`, and none is missed.

use super::DedupOptions;
use super::clusters::{self, Cluster, Deduplicated, Duplicate, DuplicateKind, Pair, View};
use super::first_pass::{Distinct, FirstPass};
use super::members::Members;
use super::parallel::map_in_order;
use super::prefix::prefix;
use super::sets::Sets;
use hashbrown::HashMap;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;

/// A document that is contained in one at least as large.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Containment {
    pub(super) inner: Distinct,
    pub(super) outer: Distinct,
    /// Share of the shingles of the inner one that the outer one has.
    pub(super) share: f64,
}

/// Most shingles of a document that counts as small.
const SMALL: usize = 64;

/// How many documents are looked at by a thread at a time.
const AT_ONCE: usize = 256;

/// Of the fingerprints of a document, the share that is looked up, the rarest first. Two documents that share no more than the others
/// are not found; but what shares a good part of the text shares fingerprints all over it.
const LOOKED_UP: f64 = 0.7;

/// Fingerprints that stand in more documents are boilerplate, and not looked up, but for the rarest few of each document.
const COMMON: usize = 1_000;

/// How many fingerprints of a document are looked up however common they are.
const ALWAYS: usize = 4;

/// Where fingerprints stand: sorted pairs of hash and document.
struct Index(Vec<(u64, Distinct)>);

/// All containments of at least `threshold`, in order of the inner and then the outer documents. Of two of equal size each is contained in the other.
pub(super) fn containments(
    sets: &Sets,
    first: &FirstPass,
    threshold: f64,
    threads: NonZeroUsize,
) -> Vec<Containment> {
    let index = Index::of(first.distinct(), sets);
    let small = small_documents(first.distinct(), sets, threshold);
    let documents = first.distinct() as usize;
    let chunks = map_in_order(threads, documents.div_ceil(AT_ONCE), |chunk| {
        let range = chunk * AT_ONCE..documents.min((chunk + 1) * AT_ONCE);
        let mut found = Vec::new();
        for document in range.filter_map(|document| Distinct::try_from(document).ok()) {
            let verify = |inner: Distinct, outer: Distinct| verify(sets, inner, outer, threshold);
            found.extend(
                index
                    .candidates(&sets.fingerprints(document), document)
                    .filter_map(|outer| verify(document, outer)),
            );
            let shingles = sets.shingles(document);
            let inner = shingles.iter().filter_map(|shingle| small.get(shingle)).flatten();
            let mut inner: Vec<Distinct> = inner.copied().filter(|inner| *inner != document).collect();
            inner.sort_unstable();
            inner.dedup();
            found.extend(inner.into_iter().filter_map(|inner| verify(inner, document)));
        }
        found
    });
    let mut found: Vec<Containment> = chunks.into_iter().flatten().collect();
    found.sort_unstable_by_key(|containment| (containment.inner, containment.outer));
    found.dedup_by_key(|containment| (containment.inner, containment.outer));
    found
}

/// Decides which documents are kept when those that are contained in others go: from the largest on, each is dropped that is
/// contained in one that is kept. It joins the cluster of the one that holds most of it.
pub(super) fn decide(
    first: FirstPass,
    found: &[Containment],
    members: Members,
    sets: &Sets,
    options: &DedupOptions,
) -> Deduplicated {
    let view = View { first: &first, members: &members, sets };
    let mut groups: BTreeMap<Distinct, Vec<u32>> = BTreeMap::new();
    for member in members.0.iter().filter(|member| view.is_what_it_seems(member.record)) {
        groups.entry(view.distinct(member.record)).or_default().push(member.record);
    }
    let mut order: Vec<(Distinct, u32)> =
        groups.iter().filter_map(|(distinct, records)| Some((*distinct, view.kept(records)?))).collect();
    let rank = |record: u32| view.members.of(record).map_or(f64::NEG_INFINITY, |member| member.rank);
    order.sort_by(|(one, first), (other, second)| {
        let by_size = sets.len(*other).cmp(&sets.len(*one));
        by_size.then(rank(*second).total_cmp(&rank(*first))).then(first.cmp(second))
    });
    // The record that is kept for each document that is, and the cluster of it.
    let mut kept: BTreeMap<Distinct, u32> = BTreeMap::new();
    let mut clusters: BTreeMap<u32, Cluster> = BTreeMap::new();
    let mut duplicates = Vec::new();
    for (distinct, record) in order {
        let from = found.partition_point(|containment| containment.inner < distinct);
        let outer = found.iter().skip(from).take_while(|containment| containment.inner == distinct);
        let holders = outer.filter_map(|containment| {
            kept.get(&containment.outer).map(|record| (containment.share, *record))
        });
        let holder = holders.max_by(|one, other| one.0.total_cmp(&other.0).then(other.1.cmp(&one.1)));
        let records = groups.get(&distinct).map(Vec::as_slice).unwrap_or_default();
        let (share, holder) = holder.unwrap_or((1.0, record));
        if holder == record {
            kept.insert(distinct, record);
        }
        let cluster = clusters.entry(holder).or_insert_with(|| Cluster {
            records: Vec::new(),
            kept: holder,
            min_similarity: 1.0,
        });
        cluster.records.extend(records);
        cluster.min_similarity = cluster.min_similarity.min(share);
        duplicates.extend(records.iter().filter(|equal| **equal != holder).map(|equal| {
            if holder == record {
                view.duplicate(*equal, holder)
            } else {
                Duplicate { record: *equal, kept: holder, kind: DuplicateKind::Contained, similarity: share }
            }
        }));
    }
    let mut clusters: Vec<Cluster> =
        clusters.into_values().filter(|cluster| cluster.records.len() > 1).collect();
    for cluster in &mut clusters {
        cluster.records.sort_unstable();
    }
    clusters.sort_unstable_by_key(|cluster| cluster.records.first().copied());
    let all_pairs = if options.all_pairs { pairs(&groups, found) } else { Vec::new() };
    clusters::finish(first, members, clusters, duplicates, all_pairs)
}

/// All pairs of a document and one that it is contained in, equal ones included.
fn pairs(groups: &BTreeMap<Distinct, Vec<u32>>, found: &[Containment]) -> Vec<Pair> {
    let records = |distinct: Distinct| groups.get(&distinct).map(Vec::as_slice).unwrap_or_default();
    let mut pairs: Vec<Pair> = groups.values().flat_map(|equal| clusters::pairs_of_equal(equal)).collect();
    for containment in found {
        for one in records(containment.inner) {
            let outer = records(containment.outer).iter();
            pairs.extend(outer.map(|other| Pair { one: *one, other: *other, similarity: containment.share }));
        }
    }
    pairs.sort_unstable_by_key(|pair| (pair.one, pair.other));
    pairs
}

fn verify(sets: &Sets, inner: Distinct, outer: Distinct, threshold: f64) -> Option<Containment> {
    if sets.len(inner) > sets.len(outer) {
        return None;
    }
    let share = sets.overlap(inner, outer).first_in_second();
    (share >= threshold).then_some(Containment { inner, outer, share })
}

/// Small documents by those of their shingles of which one at least stands in any document that contains them.
fn small_documents(documents: Distinct, sets: &Sets, threshold: f64) -> HashMap<u64, Vec<Distinct>> {
    let small: Vec<Distinct> = (0..documents).filter(|document| sets.len(*document) <= SMALL).collect();
    let mut frequencies: HashMap<u64, u32> = HashMap::new();
    for document in &small {
        frequencies.extend(sets.shingles(*document).iter().map(|shingle| (*shingle, 0)));
    }
    if !frequencies.is_empty() {
        for document in 0..documents {
            for shingle in sets.shingles(document).iter() {
                if let Some(frequency) = frequencies.get_mut(shingle) {
                    *frequency += 1;
                }
            }
        }
    }
    let mut found: HashMap<u64, Vec<Distinct>> = HashMap::new();
    for document in small {
        for shingle in prefix(&sets.shingles(document), &frequencies, threshold) {
            found.entry(shingle).or_default().push(document);
        }
    }
    found
}

impl Index {
    fn of(documents: Distinct, sets: &Sets) -> Self {
        let mut entries: Vec<_> = (0..documents)
            .flat_map(|document| {
                sets.fingerprints(document).into_owned().into_iter().map(move |hash| (hash, document))
            })
            .collect();
        entries.sort_unstable();
        entries.dedup();
        Self(entries)
    }

    /// The documents with one of the rarer `fingerprints`, in order, without `document` itself.
    fn candidates(&self, fingerprints: &[u64], document: Distinct) -> impl Iterator<Item = Distinct> {
        let mut lists: Vec<&[(u64, Distinct)]> =
            fingerprints.iter().map(|hash| self.documents_with(*hash)).collect();
        lists.sort_unstable_by_key(|list| (list.len(), list.first().copied()));
        lists.dedup();
        let wanted = share_of(LOOKED_UP, lists.len());
        let is_used =
            |(place, list): &(usize, &[_])| *place < ALWAYS || (*place <= wanted && list.len() <= COMMON);
        let used = lists.into_iter().enumerate().filter(is_used).flat_map(|(_, list)| list);
        let mut candidates: Vec<Distinct> =
            used.map(|(_, other)| *other).filter(|other| *other != document).collect();
        candidates.sort_unstable();
        candidates.dedup();
        candidates.into_iter()
    }

    fn documents_with(&self, hash: u64) -> &[(u64, Distinct)] {
        let from = self.0.partition_point(|(other, _)| *other < hash);
        let to = self.0.partition_point(|(other, _)| *other <= hash);
        self.0.get(from..to).unwrap_or_default()
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a size is a size")]
fn share_of(share: f64, size: usize) -> usize {
    (share * size as f64).ceil() as usize
}
