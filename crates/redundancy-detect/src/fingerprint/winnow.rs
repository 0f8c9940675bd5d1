//! Winnowing (Schleimer, Wilkerson, Aiken, "Winnowing: Local Algorithms for Document Fingerprinting", SIGMOD 2003, section 3
//! and, for texts of little variety, section 5.1, "robust winnowing").

/// How many shingles a window has unless the caller says otherwise: with shingles of five words, two texts that share a run of
/// twelve words share a fingerprint.
pub const WINDOW: usize = 8;

/// A shingle that was picked out of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint {
    /// The hash of the shingle. Small hashes are picked more often: the high bits are no fair choice of a bucket.
    pub hash: u64,
    /// The number of the shingle in the text, which is the number of its first word.
    pub position: u32,
}

/// Picks shingles of a text such that any `window` shingles in a row have a pick among them, on average 2 of `window` + 1, and
/// that two texts that share a run of `window` shingles, wherever in them it stands, share a pick.
///
/// Each window picks its least hash: the one that the window before picked, if that is still there and still the least, else
/// the last of the least. So a text that is one word over and over has one pick in `window` shingles and not one in each.
/// A text of fewer shingles is one window, a `window` of 0 counts as 1. In rising order of positions; shingles from 2³² on are
/// left out. Linear time for hashes that are spread; at worst, for hashes that rise to the end, `window` steps for each.
#[must_use]
pub fn winnow(shingles: &[u64], window: usize) -> Vec<Fingerprint> {
    let window = window.clamp(1, shingles.len().max(1));
    let mut picks = Vec::with_capacity(2 * shingles.len() / (window + 1) + 1);
    let mut picked: Option<Fingerprint> = None;
    for (start, hashes) in (0_u32..).zip(shingles.windows(window)) {
        let kept = picked.filter(|kept| kept.position >= start);
        let least = match (kept, hashes.last()) {
            // What was the least of the window before is compared with what is new in this one.
            (Some(kept), Some(&newest)) if newest >= kept.hash => continue,
            (Some(_), Some(_)) => hashes.len() - 1,
            _ => last_of_least(hashes),
        };
        let (Some(&hash), Ok(offset)) = (hashes.get(least), u32::try_from(least)) else { continue };
        let Some(position) = start.checked_add(offset) else { break };
        picked = Some(Fingerprint { hash, position });
        picks.extend(picked);
    }
    picks
}

/// Where the least of `hashes` stands, of equal ones the last.
fn last_of_least(hashes: &[u64]) -> usize {
    let (mut place, mut least) = (0, u64::MAX);
    for (at, &hash) in hashes.iter().enumerate() {
        if hash <= least {
            (place, least) = (at, hash);
        }
    }
    place
}
