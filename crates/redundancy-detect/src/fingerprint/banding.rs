//! Locality-sensitive hashing by bands (Leskovec, Rajaraman, Ullman, "Mining of Massive Datasets", section 3.4): texts whose
//! signatures agree in all rows of at least one band are candidates.

use super::mix::{ROOT_5, fold, mix};

/// Places of a signature, unless a low threshold needs more.
const SIGNATURE_PLACES: usize = 192;

/// Share of pairs at the threshold that may fail to become candidates.
const MISSES: f64 = 1e-3;

/// How a signature is cut: `bands` times `rows` places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Banding {
    /// Bands in a signature, at least 1.
    pub bands: usize,
    /// Places in a band, at least 1.
    pub rows: usize,
}

impl Banding {
    /// The banding with the longest bands, hence the fewest needless candidates, that finds at least 999 of 1,000 pairs whose
    /// similarity is `threshold`, and more of those above. 32 bands of 6 rows for 0.8. A `threshold` outside 0.01 to 1 counts
    /// as the nearer of the two.
    #[must_use]
    pub fn for_threshold(threshold: f64) -> Self {
        let threshold = if threshold.is_nan() { 1.0 } else { threshold.clamp(0.01, 1.0) };
        let longest_first =
            (1..=SIGNATURE_PLACES).rev().map(|rows| Self { bands: SIGNATURE_PLACES / rows, rows });
        // Below about 0.04 a signature needs more places: 688 for 0.01.
        let more = (SIGNATURE_PLACES..1_000).map(|bands| Self { bands, rows: 1 });
        let mut all = longest_first.chain(more);
        all.find(|banding| banding.miss_probability(threshold) <= MISSES)
            .unwrap_or(Self { bands: 1_000, rows: 1 })
    }

    /// How many places a signature needs.
    #[must_use]
    pub const fn places(self) -> usize {
        self.bands * self.rows
    }

    /// The probability, 0 to 1, that a pair of this `similarity` does not become a candidate, if the places of a signature were
    /// independent.
    #[must_use]
    pub fn miss_probability(self, similarity: f64) -> f64 {
        (1.0 - similarity.powf(self.rows as f64)).powf(self.bands as f64)
    }

    /// The keys of the bands of `signature`, in order. Keys of different bands are unrelated, also where the rows are equal.
    pub fn keys(self, signature: &[u64]) -> impl Iterator<Item = u64> {
        signature
            .chunks_exact(self.rows)
            .take(self.bands)
            .enumerate()
            .map(|(band, rows)| rows.iter().fold(mix(band as u64), |key, row| fold(key ^ row, ROOT_5)))
    }
}
