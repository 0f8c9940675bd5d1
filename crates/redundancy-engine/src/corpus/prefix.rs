//! Pairs of a large bucket that can be alike, found by the rarest shingles of each member: prefix filtering (Chaudhuri, Ganti,
//! Kaushik, "A Primitive Operator for Similarity Joins in Data Cleaning", ICDE 2006; Xiao and others, "Efficient Similarity Joins
//! for Near Duplicate Detection", WWW 2008, section 3). It leaves out no pair that is alike.
//!
//! A bucket is large when very many documents have the same boilerplate. What they share is frequent among them, so their rarest
//! shingles do not meet, and a bucket of n documents does not cost n² comparisons.

use super::links::Search;
use hashbrown::HashMap;
use redundancy_detect::fingerprint::least_shared;

/// The members seen so far that have a shingle among their rarest.
#[derive(Default)]
struct Posting {
    members: Vec<u32>,
    /// Whether all of them were connected when they were added: then one look tells whether another is connected to all.
    is_one: bool,
}

/// Looks at all pairs of a bucket that have one of their rarest shingles in common, in the order of the members.
pub(super) fn join(search: &mut Search<'_, '_>) {
    let frequencies = search.frequencies();
    let mut postings: HashMap<u64, Posting> = HashMap::new();
    let mut candidates = Vec::new();
    let mut by_sum: HashMap<u64, usize> = HashMap::new();
    for member in 0..search.len() {
        if has_twin(search, member, &mut by_sum) {
            continue;
        }
        candidates.clear();
        let rarest = prefix(&search.shingles(member), |shingle| frequencies.get(shingle), search.threshold());
        for shingle in &rarest {
            if let Some(posting) = postings.get_mut(shingle) {
                posting.candidates(search, member, &mut candidates);
            }
        }
        candidates.sort_unstable();
        candidates.dedup();
        for candidate in &candidates {
            search.look_at(*candidate as usize, member);
        }
        for shingle in rarest {
            postings.entry(shingle).or_default().push(search, member);
        }
    }
}

impl Posting {
    fn candidates(&mut self, search: &mut Search<'_, '_>, member: usize, candidates: &mut Vec<u32>) {
        let Some(&first) = self.members.first() else { return };
        if self.is_one && search.is_settled(first as usize, member) {
            return;
        }
        candidates.extend(self.members.iter().filter(|other| !search.is_settled(**other as usize, member)));
    }

    fn push(&mut self, search: &mut Search<'_, '_>, member: usize) {
        self.is_one = self
            .members
            .first()
            .is_none_or(|&first| self.is_one && search.is_settled(first as usize, member));
        self.members.push(u32::try_from(member).unwrap_or(u32::MAX));
    }
}

/// Whether a member before this one has the same shingles: then it is connected to it, and all that is like one is like the other. Texts of
/// few shingles have the same ones in many orders.
fn has_twin(search: &mut Search<'_, '_>, member: usize, by_sum: &mut HashMap<u64, usize>) -> bool {
    let sum = search.shingles(member).iter().fold(0_u64, |sum, shingle| sum.wrapping_add(*shingle));
    let first = *by_sum.entry(sum).or_insert(member);
    let is_twin = first != member && search.shingles(first) == search.shingles(member);
    if is_twin {
        search.look_at(first, member);
    }
    is_twin && search.is_settled(first, member)
}

/// The rarest shingles of a set, so many that two sets as alike as `threshold` have one of theirs in common, and that a set of which such
/// a share stands in another has one there: of n shingles, of which m have to be shared, n - m + 1. Those that stand in one document alone
/// are left out: no other can have them. A frequency may be too high; all sets must be given the same.
pub(super) fn prefix(shingles: &[u64], frequency: impl Fn(u64) -> u32, threshold: f64) -> Vec<u64> {
    let mut by_rarity: Vec<(u32, u64)> =
        shingles.iter().map(|shingle| (frequency(*shingle), *shingle)).collect();
    let length = (shingles.len() + 1).saturating_sub(least_shared(threshold, shingles.len()));
    if length < by_rarity.len() {
        by_rarity.select_nth_unstable(length);
        by_rarity.truncate(length);
    }
    by_rarity.into_iter().filter(|(frequency, _)| *frequency > 1).map(|(_, shingle)| shingle).collect()
}
