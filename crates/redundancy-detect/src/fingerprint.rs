//! What is kept of a text so that its duplicates can be found again without it.
//!
//! Not findings: a fingerprint names candidates, and whether two texts are duplicates is decided by comparing their whole
//! sets of shingles ([`ShingleSet`]). The way from text to answer:
//!
//! 1. [`Shingler`] hashes the words of a text and the runs of words or characters in it, its shingles, in one pass.
//! 2. [`Sketcher`] boils the set of shingles down to a signature of fixed size, and [`Banding`] cuts the signature into bands.
//!    Texts that have a band in common are candidates.
//! 3. [`ShingleSet`] counts what two candidates share, exactly.
//!
//! All hashes here are fixed functions, the same on every platform: they are written to disk and compared with those of
//! other runs. [`FINGERPRINT_VERSION`] tells when they change.

mod banding;
mod mix;
mod shingle_set;
mod shingler;
mod sketcher;
mod word_hash;

pub use banding::Banding;
pub use shingle_set::{Overlap, ShingleSet};
pub use shingler::{HashedWord, Shingler, Shingling, UnknownShingling};
pub use sketcher::Sketcher;

/// Version of the hashes of words, shingles, signatures and bands. It goes up whenever any of them would come out
/// differently; fingerprints of different versions, or of different [versions of the normal
/// form](crate::normalize::NORMALIZATION_VERSION), must not be compared.
pub const FINGERPRINT_VERSION: u32 = 1;
