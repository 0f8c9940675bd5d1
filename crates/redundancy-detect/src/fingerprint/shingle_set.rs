//! Sets of shingles, and what two of them share, counted exactly.

/// The distinct shingles of a text, in order of their hashes.
///
/// Two different shingles have the same 64-bit hash with a probability of 2⁻⁶⁴; for two texts of 100,000 shingles each the chance
/// that any of them do is one in two billion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShingleSet<'s>(&'s [u64]);

/// How much two sets share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overlap {
    /// Size of the first set.
    pub first: usize,
    /// Size of the second set.
    pub second: usize,
    /// Size of their intersection.
    pub shared: usize,
}

impl<'s> ShingleSet<'s> {
    /// Sorts `shingles` and removes repetitions: n·log n.
    #[must_use]
    pub fn sort(shingles: &'s mut Vec<u64>) -> Self {
        shingles.sort_unstable();
        shingles.dedup();
        Self(shingles)
    }

    /// A set that was sorted before, without a look at it. If `sorted` does not rise from each to the next, counts come out wrong;
    /// nothing worse happens.
    #[must_use]
    pub const fn from_sorted(sorted: &'s [u64]) -> Self {
        Self(sorted)
    }

    /// The shingles in rising order.
    #[must_use]
    pub const fn as_slice(self) -> &'s [u64] {
        self.0
    }

    /// How many there are.
    #[must_use]
    pub const fn len(self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// What the two sets share. Linear in both.
    #[must_use]
    pub fn overlap(self, other: Self) -> Overlap {
        let shared = merge(self.0, other.0, 0).unwrap_or_default();
        Overlap { first: self.len(), second: other.len(), shared }
    }

    /// What the two sets share, if their Jaccard similarity is at least `threshold`, else `None`, mostly long before the sets
    /// have been looked through.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a size is a size"
    )]
    pub fn similar(self, other: Self, threshold: f64) -> Option<Overlap> {
        let (first, second) = (self.len(), other.len());
        // shared / (first + second - shared) >= threshold, solved for shared; one less, so that rounding loses nothing.
        let needed = (threshold / (1.0 + threshold) * (first + second) as f64).floor() as usize;
        let shared = merge(self.0, other.0, needed.saturating_sub(1))?;
        let overlap = Overlap { first, second, shared };
        (overlap.jaccard() >= threshold).then_some(overlap)
    }

    /// What the two sets share, if at least the share `threshold` of this set stands in the other, else `None`, mostly before the
    /// sets have been looked through. Linear in both; where the other is far larger, linear in this one and logarithmic in the other.
    #[must_use]
    pub fn contained_in(self, other: Self, threshold: f64) -> Option<Overlap> {
        let needed = least_shared(threshold, self.len());
        let shared = if other.len() / FAR_LARGER >= self.len() {
            search(self.0, other.0, needed)?
        } else {
            merge(self.0, other.0, needed)?
        };
        let overlap = Overlap { first: self.len(), second: other.len(), shared };
        (overlap.first_in_second() >= threshold).then_some(overlap)
    }
}

/// How many of `size` elements have to be shared for a share of at least `threshold`: the least number whose quotient, as it is
/// rounded, is not below. Above `size` when no number is enough.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a size is a size")]
pub fn least_shared(threshold: f64, size: usize) -> usize {
    let is_enough = |shared: usize| crate::analyze::share(shared, size) >= threshold;
    let about = (threshold * size as f64).floor() as usize;
    // Rounding moves the product by less than one.
    (about.saturating_sub(1)..=about + 1).find(|shared| is_enough(*shared)).unwrap_or(about + 2)
}

impl Overlap {
    /// Shared / all, 0 to 1; of two empty sets 0.
    #[must_use]
    pub fn jaccard(self) -> f64 {
        crate::analyze::share(self.shared, self.first + self.second - self.shared)
    }

    /// Share of the first set that is in the second, 0 to 1; 0 of an empty set.
    #[must_use]
    pub fn first_in_second(self) -> f64 {
        crate::analyze::share(self.shared, self.first)
    }

    /// Share of the second set that is in the first, 0 to 1; 0 of an empty set.
    #[must_use]
    pub fn second_in_first(self) -> f64 {
        crate::analyze::share(self.shared, self.second)
    }
}

/// How many times as large as another a set is in which each element is searched for instead of going through it.
const FAR_LARGER: usize = 32;

/// The same as [`merge`], by a search for each element of `few` in what is left of `many`, with steps that double (Bentley and Yao,
/// "An almost optimal algorithm for unbounded searching", 1976).
fn search(few: &[u64], many: &[u64], needed: usize) -> Option<usize> {
    let (mut rest, mut shared) = (many, 0);
    for (place, wanted) in few.iter().enumerate() {
        if shared + few.len() - place < needed {
            return None;
        }
        let mut step = 1;
        while rest.get(step).is_some_and(|element| element < wanted) {
            step *= 2;
        }
        let near = rest.get(..(step + 1).min(rest.len())).unwrap_or_default();
        rest = rest.get(near.partition_point(|element| element < wanted)..).unwrap_or_default();
        shared += usize::from(rest.first() == Some(wanted));
    }
    (shared >= needed).then_some(shared)
}

/// How many steps are made between two looks at what can still be reached.
const STRIDE: usize = 32;

/// The size of the intersection of two rising lists, or `None` as soon as it is certain to be below `needed`.
fn merge(first: &[u64], second: &[u64], needed: usize) -> Option<usize> {
    let (mut at_first, mut at_second, mut shared) = (0, 0, 0);
    loop {
        if shared + (first.len() - at_first).min(second.len() - at_second) < needed {
            return None;
        }
        for _ in 0..STRIDE {
            let (Some(one), Some(other)) = (first.get(at_first), second.get(at_second)) else {
                return (shared >= needed).then_some(shared);
            };
            // No branch on the order: it cannot be predicted.
            at_first += usize::from(one <= other);
            at_second += usize::from(other <= one);
            shared += usize::from(one == other);
        }
    }
}
