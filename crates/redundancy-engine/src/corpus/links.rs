//! From candidates to links: which documents of a bucket are alike, counted over their whole sets of shingles.

use super::buckets::{Bucket, Buckets};
use super::first_pass::{Distinct, FirstPass};
use super::parallel::map_in_order;
use super::postings::Frequencies;
use super::prefix;
use super::sets::Sets;
use super::union_find::UnionFind;
use redundancy_detect::fingerprint::Overlap;
use std::borrow::Cow;
use std::io;
use std::num::NonZeroUsize;
use std::sync::OnceLock;

/// Two distinct documents that are alike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Link {
    pub(super) one: Distinct,
    pub(super) other: Distinct,
    pub(super) similarity: f64,
}

/// What there is to look at in all bands.
pub(super) struct Verifier<'v> {
    pub(super) found: &'v FirstPass,
    pub(super) sets: &'v Sets,
    pub(super) threshold: f64,
    /// Whether pairs that are connected already are looked at all the same.
    pub(super) wants_all_pairs: bool,
    pub(super) threads: NonZeroUsize,
    /// Counted when the first large bucket asks.
    pub(super) frequencies: OnceLock<Frequencies>,
    /// Bytes that counting may take.
    pub(super) frequencies_room: u64,
}

/// How many members a bucket may have whose pairs are all looked at. A larger one is searched by the rarest shingles of its members.
const SMALL_BUCKET: usize = 48;

/// How many buckets a thread takes at a time.
const BUCKETS_AT_ONCE: usize = 64;

impl Verifier<'_> {
    /// The links of all buckets: with [`Verifier::wants_all_pairs`] every pair of candidates at or above the threshold, else at
    /// least as many as connect all that are connected. `joined` is told of them and tells what is connected. Links come in an
    /// order that the documents alone decide.
    pub(super) fn links(
        &self,
        buckets: &Buckets,
        joined: &mut UnionFind,
        mut each: impl FnMut(Link, bool),
        mut band_done: impl FnMut(usize),
    ) -> io::Result<()> {
        for band in 0..buckets.len() {
            let buckets = buckets.band(band)?;
            // Threads look at what was connected before this band, so that what they find does not depend on their number.
            let with_roots: Vec<(Bucket<'_>, Vec<Distinct>)> = buckets
                .buckets()
                .map(|bucket| (bucket, bucket.iter().map(|member| joined.root(*member)).collect()))
                .filter(|(_, roots): &(_, Vec<Distinct>)| {
                    self.wants_all_pairs || roots.iter().any(|root| Some(root) != roots.first())
                })
                .collect();
            let chunks: Vec<_> = with_roots.chunks(BUCKETS_AT_ONCE).collect();
            let links = map_in_order(self.threads, chunks.len(), |chunk| {
                let buckets = chunks.get(chunk).copied().unwrap_or_default();
                buckets
                    .iter()
                    .flat_map(|(bucket, roots)| self.links_of_bucket(band, bucket, roots))
                    .collect::<Vec<_>>()
            });
            for link in links.into_iter().flatten() {
                let connects = joined.union(link.one, link.other);
                each(link, connects);
            }
            band_done(band);
        }
        Ok(())
    }

    fn links_of_bucket(&self, band: usize, bucket: Bucket<'_>, roots: &[Distinct]) -> Vec<Link> {
        let mut search = Search { verifier: self, band, bucket, joined: Local::of(roots), links: Vec::new() };
        let size = bucket.len();
        if size <= SMALL_BUCKET {
            for one in 0..size {
                for other in one + 1..size {
                    search.look_at(one, other);
                }
            }
        } else {
            // Versions of one document often stand behind each other: then this connects all of them.
            for one in 0..size - 1 {
                search.look_at(one, one + 1);
            }
            prefix::join(&mut search);
        }
        search.links
    }
}

/// The search for links in one bucket. Members are named by their places in it.
pub(super) struct Search<'s, 'v> {
    verifier: &'s Verifier<'v>,
    band: usize,
    bucket: Bucket<'s>,
    joined: Local,
    links: Vec<Link>,
}

impl<'s> Search<'s, '_> {
    /// How many members there are.
    pub(super) fn len(&self) -> usize {
        self.bucket.len()
    }

    /// The shingles of a member, in rising order.
    pub(super) fn shingles(&self, member: usize) -> Cow<'_, [u64]> {
        self.bucket.get(member).map(|document| self.verifier.sets.shingles(*document)).unwrap_or_default()
    }

    /// How frequent shingles are among all candidates.
    pub(super) fn frequencies(&self) -> &'s Frequencies {
        let Verifier { found, sets, frequencies, frequencies_room, .. } = self.verifier;
        frequencies.get_or_init(|| Frequencies::of(sets, found.distinct(), *frequencies_room))
    }

    /// The least similarity of a link.
    pub(super) fn threshold(&self) -> f64 {
        self.verifier.threshold
    }

    /// Whether there is nothing to be gained from a look at the two.
    pub(super) fn is_settled(&mut self, one: usize, other: usize) -> bool {
        !self.verifier.wants_all_pairs && self.joined.root(one) == self.joined.root(other)
    }

    /// Counts what two members share, unless that is settled or was done in an earlier band, and keeps the link if there is one.
    pub(super) fn look_at(&mut self, one: usize, other: usize) {
        let (Some(&first), Some(&second)) = (self.bucket.get(one), self.bucket.get(other)) else { return };
        // What has met before has been looked at.
        if self.is_settled(one, other) || self.verifier.found.bands.meet_before(self.band, first, second) {
            return;
        }
        if let Some(overlap) = self.verifier.sets.similar(first, second, self.verifier.threshold) {
            self.links.push(Link { one: first, other: second, similarity: Overlap::jaccard(overlap) });
            self.joined.union(one, other);
        }
    }
}

/// What is connected among the members of a bucket.
struct Local(UnionFind);

impl Local {
    fn of(roots: &[Distinct]) -> Self {
        let mut joined = UnionFind::new(u32::try_from(roots.len()).unwrap_or(u32::MAX));
        let mut order: Vec<(Distinct, u32)> = roots.iter().copied().zip(0..).collect();
        order.sort_unstable();
        for pair in order.windows(2) {
            if let [(root, one), (next, other)] = *pair
                && root == next
            {
                joined.union(one, other);
            }
        }
        Self(joined)
    }

    fn root(&mut self, member: usize) -> u32 {
        self.0.root(u32::try_from(member).unwrap_or(u32::MAX))
    }

    fn union(&mut self, one: usize, other: usize) {
        let [one, other] = [one, other].map(|member| u32::try_from(member).unwrap_or(u32::MAX));
        self.0.union(one, other);
    }
}
