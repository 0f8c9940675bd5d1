//! Random moments that are the same in every run with the same seed, and how long the tests that use them go on.

use std::time::Duration;

/// From this number of generated cases on, a run is a long one.
const LONG_CASES: u64 = 10_000;

/// A stream of random numbers (`SplitMix64`).
pub(crate) struct Chance(u64);

impl Chance {
    /// The stream of this run's seed: that of generated cases, or 1.
    pub(crate) fn new() -> Self {
        let seed = number("PROPTEST_RNG_SEED").unwrap_or(1);
        println!("PROPTEST_RNG_SEED={seed}");
        Self(seed)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    pub(crate) fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to - from))
    }
}

/// How many rounds a test has: `usual`, or ten times as many in a long run.
pub(crate) fn rounds(usual: u32) -> u32 {
    let is_long = number("PROPTEST_CASES").is_some_and(|cases| cases >= LONG_CASES);
    if is_long { usual * 10 } else { usual }
}

#[expect(clippy::disallowed_methods, reason = "the seed and the number of cases of a run stand there")]
fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}
