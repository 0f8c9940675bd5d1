//! Boilerplate: which fingerprints of a query stand in so many documents that they tell nothing.

use std::cmp::Reverse;

/// Which fingerprints are too common to look for candidates with.
///
/// A licence text, a cookie notice, a footer: what stands in a great part of a collection makes every document a candidate of
/// every other, and drowns the few that share something of their own. Fingerprints that stand in many documents are therefore
/// not looked up. They are not forgotten: once two documents are candidates for another reason, their passages are compared
/// word by word, boilerplate included. And a text that has nothing else is still found by the rarest of what it has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CommonFilter {
    /// Documents that may have a fingerprint before it can be common, however small the collection.
    pub min_documents: u64,
    /// Share of the documents of the collection, 0 to 1, that may have a fingerprint before it is common.
    pub max_share: f64,
    /// How many fingerprints of a text are used at least, the rarest ones, common or not.
    pub keep: usize,
}

/// Which fingerprints of a text are to be used.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// Their places in the list that was asked about, rising.
    pub used: Vec<usize>,
    /// How many were left out for being common.
    pub left_out: usize,
}

impl Default for CommonFilter {
    /// Common is what more than 32 documents have and more than 1 % of them; the four rarest are always used.
    fn default() -> Self {
        Self { min_documents: 32, max_share: 0.01, keep: 4 }
    }
}

impl CommonFilter {
    /// How many of `documents` may have a fingerprint that is not common.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a number of documents is one"
    )]
    pub fn limit(&self, documents: u64) -> u64 {
        let share = if self.max_share.is_nan() { 1.0 } else { self.max_share.clamp(0.0, 1.0) };
        self.min_documents.max((share * documents as f64) as u64)
    }

    /// Chooses among the fingerprints of a text, of which number k stands in `frequencies[k]` of the `documents` of a collection.
    /// All that are not common, and never fewer than [`keep`](Self::keep) as long as there are: then also the rarest of the
    /// common ones, of equally rare ones the first. Fingerprints that no document has are not used and do not count, for they
    /// find nothing. n·log n at worst.
    #[must_use]
    pub fn select(&self, frequencies: &[u64], documents: u64) -> Selection {
        let limit = self.limit(documents);
        let (mut used, mut common) = (Vec::new(), Vec::new());
        for (place, &frequency) in frequencies.iter().enumerate().filter(|&(_, &frequency)| frequency > 0) {
            if frequency <= limit { used.push(place) } else { common.push((frequency, place)) }
        }
        let wanted = self.keep.saturating_sub(used.len()).min(common.len());
        if wanted > 0 {
            common.sort_unstable_by_key(|&(frequency, place)| (Reverse(frequency), Reverse(place)));
            used.extend(common.drain(common.len() - wanted..).map(|(_, place)| place));
            used.sort_unstable();
        }
        Selection { used, left_out: common.len() }
    }
}
