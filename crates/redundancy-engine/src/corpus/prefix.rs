//! Pairs of a large bucket that can be alike, found by the rarest shingles of each member: prefix filtering (Chaudhuri, Ganti,
//! Kaushik, "A Primitive Operator for Similarity Joins in Data Cleaning", ICDE 2006; Xiao and others, "Efficient Similarity Joins
//! for Near Duplicate Detection", WWW 2008, section 3). It leaves out no pair that is alike.
//!
//! A bucket is large when very many documents have the same boilerplate. What they share is frequent among them, so their rarest
//! shingles do not meet, and a bucket of n documents does not cost n² comparisons.

use super::links::Search;
use hashbrown::HashMap;

/// The members seen so far that have a shingle among their rarest.
#[derive(Default)]
struct Posting {
    members: Vec<u32>,
    /// Whether all of them were connected when they were added: then one look tells whether another is connected to all.
    is_one: bool,
}

/// Looks at all pairs of a bucket that have one of their rarest shingles in common, in the order of the members.
pub(super) fn join(search: &mut Search<'_, '_>) {
    let frequencies = frequencies(search);
    let mut postings: HashMap<u64, Posting> = HashMap::new();
    let mut candidates = Vec::new();
    for member in 0..search.len() {
        candidates.clear();
        let prefix = prefix(&search.shingles(member), &frequencies, search.threshold());
        for shingle in &prefix {
            if let Some(posting) = postings.get_mut(shingle) {
                posting.candidates(search, member, &mut candidates);
            }
        }
        candidates.sort_unstable();
        candidates.dedup();
        for candidate in &candidates {
            search.look_at(*candidate as usize, member);
        }
        for shingle in prefix {
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

/// In how many members each shingle stands.
fn frequencies(search: &Search<'_, '_>) -> HashMap<u64, u32> {
    let mut frequencies = HashMap::new();
    for member in 0..search.len() {
        for shingle in search.shingles(member).iter() {
            *frequencies.entry(*shingle).or_insert(0) += 1;
        }
    }
    frequencies
}

/// The rarest shingles of a set, so many that two sets as alike as `threshold` have one of theirs in common, and that a set of which such
/// a share stands in another has one there: of n shingles n - ⌈threshold · n⌉ + 1. Those that stand in one member alone are left out: no
/// other can have them.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a size is a size")]
pub(super) fn prefix(shingles: &[u64], frequencies: &HashMap<u64, u32>, threshold: f64) -> Vec<u64> {
    let mut by_rarity: Vec<(u32, u64)> = shingles
        .iter()
        .map(|shingle| (frequencies.get(shingle).copied().unwrap_or_default(), *shingle))
        .collect();
    by_rarity.sort_unstable();
    // Rounded down, less one: a pair that rounding would lose is looked at.
    let needed = (threshold * shingles.len() as f64).floor() as usize;
    let length = (shingles.len() + 2).saturating_sub(needed).min(shingles.len());
    by_rarity
        .into_iter()
        .take(length)
        .filter(|(frequency, _)| *frequency > 1)
        .map(|(_, shingle)| shingle)
        .collect()
}
