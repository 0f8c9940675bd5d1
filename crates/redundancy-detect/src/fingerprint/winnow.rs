//! Winnowing (Schleimer, Wilkerson, Aiken, "Winnowing: Local Algorithms for Document Fingerprinting", SIGMOD 2003, section 3
//! and, for texts of little variety, section 5.1, "robust winnowing").

use std::collections::VecDeque;

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
/// left out. Linear time, whatever the window.
#[must_use]
pub fn winnow(shingles: &[u64], window: usize) -> Vec<Fingerprint> {
    let window = window.clamp(1, shingles.len().max(1));
    let mut picks = Vec::with_capacity(2 * shingles.len() / (window + 1) + 1);
    // What can still become the least of a window: hashes rise from front to back, and of equal ones the last is there.
    let mut waiting: VecDeque<Fingerprint> = VecDeque::with_capacity(window + 1);
    let mut picked: Option<Fingerprint> = None;
    for (position, &hash) in (0_u32..).zip(shingles) {
        while waiting.back().is_some_and(|last| last.hash >= hash) {
            waiting.pop_back();
        }
        waiting.push_back(Fingerprint { hash, position });
        let seen = position as usize + 1;
        let Some(start) = seen.checked_sub(window) else { continue };
        while waiting.front().is_some_and(|first| (first.position as usize) < start) {
            waiting.pop_front();
        }
        let Some(&least) = waiting.front() else { continue };
        if picked.is_none_or(|kept| (kept.position as usize) < start || kept.hash != least.hash) {
            picks.push(least);
            picked = Some(least);
        }
    }
    picks
}
