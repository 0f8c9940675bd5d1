//! Documents that are contained in larger ones: most of their shingles stand there.
//!
//! Each document is found by its rarest shingles, as in `prefix`: so many that one of them stands in any document that contains it.
//! From the largest document on, those whose rarest shingles stand in it are counted over their whole sets. None is missed. A document that
//! was found in a larger one that is kept contains nothing itself that counts, so copies and boilerplate do not make this quadratic.

use super::DedupOptions;
use super::capped::Capped;
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
    /// All containments, if they were asked for and have room. Of two documents of equal size each may be contained in the other.
    all: Capped<Containment>,
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

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// The least share of a document that stands in another.
    pub(super) threshold: f64,
    /// Whether all containments are wanted.
    pub(super) all: bool,
    /// Bytes of memory for what documents are found by. Where they have no room all at once, the search goes through the larger documents
    /// several times, each time for some of the others.
    pub(super) room: u64,
}

/// The search through all documents.
struct Search<'s> {
    sets: &'s Sets,
    wanted: Wanted,
    threads: NonZeroUsize,
    /// All documents, in the order of `places`.
    order: &'s [Distinct],
    /// The place of each document in the order: from the largest to the smallest, of equal ones those to be kept first.
    places: Vec<u32>,
    holders: Vec<Option<Holder>>,
    all: Capped<Containment>,
    /// Documents that are looked for now, by their rarest shingles.
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
        wanted: Wanted,
        threads: NonZeroUsize,
        mut looked_at: impl FnMut(usize),
    ) -> Self {
        let rank = |document: Distinct| ranks.get(document as usize).copied().unwrap_or(f64::NEG_INFINITY);
        let mut order: Vec<Distinct> = (0..).zip(ranks).map(|(document, _)| document).collect();
        order.sort_by(|one, other| {
            let by_size = sets.len(*other).cmp(&sets.len(*one));
            by_size.then(rank(*other).total_cmp(&rank(*one))).then(one.cmp(other))
        });
        let mut search = Search::new(sets, &order, wanted, threads);
        let frequencies = Frequencies::of(sets, number(order.len()), wanted.room / 2);
        let mut sought = 0;
        while sought < order.len() {
            let first = sought;
            sought = search.seek(first, &frequencies);
            search.look_into_larger(first, sought, &mut looked_at);
        }
        search.all.items_mut().sort_unstable_by_key(|containment| (containment.inner, containment.outer));
        Self { holders: search.holders, all: search.all }
    }

    /// The documents that are part of what was found, some more than once.
    pub(super) fn documents(&self) -> impl Iterator<Item = Distinct> {
        let held =
            (0..).zip(&self.holders).filter_map(|(inner, holder)| Some([inner, holder.as_ref()?.document]));
        let pairs = self.all.items().iter().map(|containment| [containment.inner, containment.outer]);
        held.chain(pairs).flatten()
    }

    /// How many pairs come of them and of equal documents, and how many containments had no room.
    pub(super) fn pairs(&self, first: &FirstPass) -> (u64, u64) {
        let found = self.all.items().iter().map(|containment| (containment.inner, containment.outer));
        (clusters::count_pairs(first, found), self.all.left_out())
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
        let all_pairs = if options.all_pairs { pairs(&groups, self.all.items()) } else { Vec::new() };
        clusters::finish(first, members, clusters, duplicates, all_pairs)
    }
}

impl<'s> Search<'s> {
    fn new(sets: &'s Sets, order: &'s [Distinct], wanted: Wanted, threads: NonZeroUsize) -> Self {
        let mut places = vec![0; order.len()];
        for (document, place) in order.iter().zip(0..) {
            if let Some(slot) = places.get_mut(*document as usize) {
                *slot = place;
            }
        }
        let holders = vec![None; places.len()];
        let postings = Postings::of(Vec::new());
        Self {
            sets,
            wanted,
            threads,
            order,
            places,
            holders,
            all: Capped::new(2 * wanted.room),
            postings,
            idle: 0,
        }
    }

    /// Makes the documents from the place `first` on those that are looked for, as many as there is room for, and tells the place behind them.
    fn seek(&mut self, first: usize, frequencies: &Frequencies) -> usize {
        let entries_of = |document: Distinct| {
            let shingles = self.sets.shingles(document);
            let rarest = prefix(&shingles, |shingle| frequencies.get(shingle), self.wanted.threshold);
            rarest.into_iter().map(move |shingle| (shingle, document))
        };
        // While they are sorted there are two of each.
        let room = self.wanted.room / (2 * size_of::<(u64, Distinct)>() as u64);
        // A document of 64 KB or so has as many entries as a part has room for.
        let in_a_part = usize::try_from(room >> 11).unwrap_or(AT_ONCE).clamp(16, AT_ONCE);
        let step = in_a_part * self.threads.get();
        let mut entries = Vec::new();
        let mut behind = first;
        while behind < self.order.len() && entries.len() as u64 <= room {
            let documents = self.order.get(behind..self.order.len().min(behind + step)).unwrap_or_default();
            let parts: Vec<_> = documents.chunks(in_a_part).collect();
            let found = map_in_order(self.threads, parts.len(), |part| {
                let documents = parts.get(part).copied().unwrap_or_default();
                documents.iter().copied().flat_map(entries_of).collect::<Vec<_>>()
            });
            entries.extend(found.into_iter().flatten());
            behind += documents.len();
        }
        self.postings = Postings::of(entries);
        self.idle = 0;
        behind
    }

    /// Looks for the documents at the places from `first` to `behind` in all that may contain them. How many are looked into at a time depends
    /// on their places alone, so that what is found does not depend on how many are looked for.
    fn look_into_larger(&mut self, first: usize, behind: usize, looked_at: &mut impl FnMut(usize)) {
        let (mut done, mut at_once) = (0, 1);
        // A document of the same size stands behind one that it may contain, and counts only among all containments.
        let end = if self.wanted.all { self.order.len() } else { behind };
        while done < end {
            let outers = self.order.get(done..self.order.len().min(done + at_once)).unwrap_or_default();
            self.look_into(outers);
            done += outers.len();
            at_once = AT_ONCE.min(2 * at_once);
            if done > first {
                looked_at(done.min(behind));
            }
        }
    }

    /// Finds what is contained in `outers`, which come in order.
    fn look_into(&mut self, outers: &[Distinct]) {
        let parts: Vec<&[Distinct]> = outers.chunks(FOR_A_THREAD).collect();
        let found = map_in_order(self.threads, parts.len(), |part| {
            let outers = parts.get(part).copied().unwrap_or_default();
            outers.iter().map(|outer| self.inside(*outer)).collect::<Vec<_>>()
        });
        for (outer, found) in outers.iter().zip(found.into_iter().flatten()) {
            for containment in &found {
                self.note(*containment, self.is_kept(*outer));
            }
            if self.wanted.all {
                for containment in found {
                    self.all.push(containment);
                }
            }
        }
        if self.idle > self.postings.len() / 2 {
            self.postings = Postings::of(self.postings.entries(|document| self.is_open(document)));
            self.idle = 0;
        }
    }

    /// What is contained in `outer`.
    fn inside(&self, outer: Distinct) -> Vec<Containment> {
        if !self.wanted.all && !self.is_kept(outer) {
            return Vec::new();
        }
        let shingles = self.sets.shingles(outer);
        let candidates = shingles.iter().flat_map(|shingle| self.postings.of_shingle(*shingle));
        let mut candidates: Vec<Distinct> =
            candidates.copied().filter(|inner| self.is_looked_for(*inner, outer)).collect();
        candidates.sort_unstable();
        candidates.dedup();
        let verify = |inner: Distinct| {
            let overlap = self.sets.contained(inner, outer, self.wanted.threshold)?;
            Some(Containment { inner, outer, share: overlap.first_in_second() })
        };
        candidates.into_iter().filter_map(verify).collect()
    }

    fn is_looked_for(&self, inner: Distinct, outer: Distinct) -> bool {
        if self.wanted.all {
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
        if !self.wanted.all && !self.is_open(inner) {
            self.idle += 1 + self.sets.len(inner) - least_shared(self.wanted.threshold, self.sets.len(inner));
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
