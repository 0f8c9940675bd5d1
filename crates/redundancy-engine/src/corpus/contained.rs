//! Documents that are contained in larger ones: most of their shingles stand there.
//!
//! Each document is found by its rarest shingles, as in `prefix`: so many that one of them stands in any document that contains it.
//! From the largest document on, those whose rarest shingles stand in it are counted over their whole sets. None is missed. A document that
//! was found in a larger one that is kept contains nothing itself that counts, so copies and boilerplate do not make this quadratic.

use super::DedupOptions;
use super::clusters::{self, Cluster, Deduplicated, Duplicate, DuplicateKind, Pair, View};
use super::first_pass::{Distinct, FirstPass, INVALID};
use super::members::Members;
use super::parallel::map_in_order;
use super::postings::{Frequencies, Postings};
use super::prefix::prefix;
use super::sets::Sets;
use redundancy_detect::fingerprint::least_shared;
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

/// Which documents are contained in which.
#[derive(Debug)]
pub(super) struct Contained {
    /// For each distinct document the one of those that are kept that holds most of it; of several the first in the order of `Search`.
    holders: Vec<Option<Holder>>,
    /// All containments, if they were asked for. Of two documents of equal size each may be contained in the other.
    all: Vec<Containment>,
}

#[derive(Debug, Clone, Copy)]
struct Holder {
    document: Distinct,
    share: f64,
    /// How many were found.
    found: u32,
}

/// A document that was found in as many that are kept is not looked for in others: copies of a page with small changes are
/// in each other all of them.
const HOLDERS: u32 = 16;

/// How many documents are looked at before what was found counts. It begins with one, because the largest may hold most others.
const AT_ONCE: usize = 4_096;

/// How many of them a thread takes at a time.
const FOR_A_THREAD: usize = 16;

/// The search through all documents.
struct Search<'s> {
    sets: &'s Sets,
    threshold: f64,
    wants_all: bool,
    /// The place of each document in the order: from the largest to the smallest, of equal ones those to be kept first.
    places: Vec<u32>,
    holders: Vec<Option<Holder>>,
    all: Vec<Containment>,
    /// Documents by their rarest shingles.
    postings: Postings,
    /// Entries in it of documents that are not looked for any more.
    idle: usize,
}

impl Contained {
    /// Finds all that is contained, at least by `threshold`. Of documents of equal size, that with the higher rank comes first; `ranks` has
    /// that of each distinct document.
    pub(super) fn of(
        sets: &Sets,
        ranks: &[f64],
        (threshold, wants_all): (f64, bool),
        threads: NonZeroUsize,
        mut looked_at: impl FnMut(usize),
    ) -> Self {
        let rank = |document: Distinct| ranks.get(document as usize).copied().unwrap_or(f64::NEG_INFINITY);
        let mut order: Vec<Distinct> = (0..).zip(ranks).map(|(document, _)| document).collect();
        order.sort_by(|one, other| {
            let by_size = sets.len(*other).cmp(&sets.len(*one));
            by_size.then(rank(*other).total_cmp(&rank(*one))).then(one.cmp(other))
        });
        let mut search = Search::new(sets, &order, threshold, wants_all, threads);
        let (mut done, mut at_once) = (0, 1);
        while let Some(outers) =
            order.get(done..order.len().min(done + at_once)).filter(|some| !some.is_empty())
        {
            search.look_into(outers, threads);
            done += outers.len();
            at_once = AT_ONCE.min(2 * at_once);
            looked_at(done);
        }
        search.all.sort_unstable_by_key(|containment| (containment.inner, containment.outer));
        Self { holders: search.holders, all: search.all }
    }

    /// The documents that are part of what was found, some more than once.
    pub(super) fn documents(&self) -> impl Iterator<Item = Distinct> {
        let held =
            (0..).zip(&self.holders).filter_map(|(inner, holder)| Some([inner, holder.as_ref()?.document]));
        let pairs = self.all.iter().map(|containment| [containment.inner, containment.outer]);
        held.chain(pairs).flatten()
    }

    /// Drops what is contained in a document that is kept.
    pub(super) fn decide(
        &self,
        first: FirstPass,
        members: Members,
        sets: &Sets,
        options: &DedupOptions,
    ) -> Deduplicated {
        let view = View { first: &first, members: &members, sets };
        let mut groups: BTreeMap<Distinct, Vec<u32>> = BTreeMap::new();
        for member in members.0.iter().filter(|member| view.is_what_it_seems(member.record)) {
            groups.entry(view.distinct(member.record)).or_default().push(member.record);
        }
        let mut clusters: BTreeMap<u32, Cluster> = BTreeMap::new();
        let mut duplicates = Vec::new();
        for (distinct, records) in &groups {
            let holder = self.holders.get(*distinct as usize).copied().flatten();
            let holding = holder.map_or(*distinct, |holder| holder.document);
            let Some(kept) = groups.get(&holding).and_then(|records| view.kept(records)) else { continue };
            let share = holder.map_or(1.0, |holder| holder.share);
            let cluster = clusters.entry(kept).or_insert_with(|| Cluster {
                records: Vec::new(),
                kept,
                min_similarity: 1.0,
            });
            cluster.records.extend(records);
            cluster.min_similarity = cluster.min_similarity.min(share);
            duplicates.extend(records.iter().filter(|record| **record != kept).map(|record| match holder {
                None => view.duplicate(*record, kept),
                Some(_) => {
                    Duplicate { record: *record, kept, kind: DuplicateKind::Contained, similarity: share }
                }
            }));
        }
        let mut clusters: Vec<Cluster> =
            clusters.into_values().filter(|cluster| cluster.records.len() > 1).collect();
        for cluster in &mut clusters {
            cluster.records.sort_unstable();
        }
        clusters.sort_unstable_by_key(|cluster| cluster.records.first().copied());
        let all_pairs = if options.all_pairs { pairs(&groups, &self.all) } else { Vec::new() };
        clusters::finish(first, members, clusters, duplicates, all_pairs)
    }
}

impl<'s> Search<'s> {
    fn new(
        sets: &'s Sets,
        order: &[Distinct],
        threshold: f64,
        wants_all: bool,
        threads: NonZeroUsize,
    ) -> Self {
        let mut places = vec![0; order.len()];
        for (document, place) in order.iter().zip(0..) {
            if let Some(slot) = places.get_mut(*document as usize) {
                *slot = place;
            }
        }
        let frequencies = Frequencies::of(sets, number(places.len()));
        let entries = map_in_order(threads, places.len().div_ceil(AT_ONCE), |part| {
            let documents = part * AT_ONCE..places.len().min((part + 1) * AT_ONCE);
            let entries_of = |document| {
                let rarest = prefix(&sets.shingles(document), |shingle| frequencies.get(shingle), threshold);
                rarest.into_iter().map(move |shingle| (shingle, document))
            };
            documents.map(number).flat_map(entries_of).collect::<Vec<_>>()
        });
        let postings = Postings::of(entries.concat());
        let holders = vec![None; places.len()];
        Self { sets, threshold, wants_all, places, holders, all: Vec::new(), postings, idle: 0 }
    }

    /// Finds what is contained in `outers`, which come in order.
    fn look_into(&mut self, outers: &[Distinct], threads: NonZeroUsize) {
        let parts: Vec<&[Distinct]> = outers.chunks(FOR_A_THREAD).collect();
        let found = map_in_order(threads, parts.len(), |part| {
            let outers = parts.get(part).copied().unwrap_or_default();
            outers.iter().map(|outer| self.inside(*outer)).collect::<Vec<_>>()
        });
        for (outer, found) in outers.iter().zip(found.into_iter().flatten()) {
            for containment in &found {
                self.note(*containment, self.is_kept(*outer));
            }
            if self.wants_all {
                self.all.extend(found);
            }
        }
        if self.idle > self.postings.len() / 2 {
            self.postings = Postings::of(self.postings.entries(|document| self.is_open(document)));
            self.idle = 0;
        }
    }

    /// What is contained in `outer`.
    fn inside(&self, outer: Distinct) -> Vec<Containment> {
        if !self.wants_all && !self.is_kept(outer) {
            return Vec::new();
        }
        let shingles = self.sets.shingles(outer);
        let candidates = shingles.iter().flat_map(|shingle| self.postings.of_shingle(*shingle));
        let mut candidates: Vec<Distinct> =
            candidates.copied().filter(|inner| self.is_looked_for(*inner, outer)).collect();
        candidates.sort_unstable();
        candidates.dedup();
        let verify = |inner: Distinct| {
            let overlap = self.sets.contained(inner, outer, self.threshold)?;
            Some(Containment { inner, outer, share: overlap.first_in_second() })
        };
        candidates.into_iter().filter_map(verify).collect()
    }

    fn is_looked_for(&self, inner: Distinct, outer: Distinct) -> bool {
        if self.wants_all {
            inner != outer && self.sets.len(inner) <= self.sets.len(outer)
        } else {
            self.is_behind(inner, outer) && self.is_open(inner)
        }
    }

    /// Counts a containment in a document that `is_kept`.
    fn note(&mut self, containment: Containment, is_kept: bool) {
        let Containment { inner, outer, share } = containment;
        if !is_kept || !self.is_behind(inner, outer) {
            return;
        }
        let Some(holder) = self.holders.get_mut(inner as usize) else { return };
        let best = holder.filter(|best| best.share >= share);
        let found = holder.map_or(0, |holder| holder.found) + 1;
        *holder =
            Some(best.map_or(Holder { document: outer, share, found }, |best| Holder { found, ..best }));
        if !self.wants_all && !self.is_open(inner) {
            self.idle += 1 + self.sets.len(inner) - least_shared(self.threshold, self.sets.len(inner));
        }
    }

    /// Whether `inner` comes after `outer`.
    fn is_behind(&self, inner: Distinct, outer: Distinct) -> bool {
        self.places.get(inner as usize) > self.places.get(outer as usize)
    }

    /// Whether a document is in none of those that were looked into.
    fn is_kept(&self, document: Distinct) -> bool {
        self.holders.get(document as usize).is_some_and(Option::is_none)
    }

    /// Whether a document may still be found in one that holds more of it.
    fn is_open(&self, document: Distinct) -> bool {
        let holder = self.holders.get(document as usize).copied().flatten();
        holder.is_none_or(|holder| holder.share < 1.0 && holder.found < HOLDERS)
    }
}

fn number(document: usize) -> Distinct {
    Distinct::try_from(document).unwrap_or(INVALID)
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
