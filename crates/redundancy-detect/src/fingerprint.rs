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
//! Texts that share no more than a passage are found another way:
//!
//! 1. [`Trace`] keeps of a text, instead of the text, a short hash of each word and where the word stands.
//! 2. [`winnow()`] picks some of the shingles of a trace, by a rule that picks the same one out of every run of words that two
//!    texts share. Texts that have a pick in common are candidates; [`CommonFilter`] leaves out picks that half the collection
//!    has.
//! 3. [`passages()`] compares the traces of two candidates word by word and tells which passages they share, and [`Trace::span`]
//!    where these stand.
//!
//! All hashes here are fixed functions, the same on every platform: they are written to disk and compared with those of
//! other runs. [`FINGERPRINT_VERSION`] tells when they change.

mod banding;
mod common_filter;
mod mix;
mod passages;
mod shingle_set;
mod shingler;
mod sketcher;
mod trace;
mod winnow;
mod word_hash;

pub use banding::Banding;
pub use common_filter::{CommonFilter, Selection};
pub use passages::{Passage, PassageOptions, Reuse, passages};
pub use shingle_set::{Overlap, ShingleSet, least_shared};
pub use shingler::{HashedWord, Shingler, Shingling, UnknownShingling};
pub use sketcher::Sketcher;
pub use trace::{TRACE_SHINGLE_WORDS, Trace, TraceError};
pub use winnow::{Fingerprint, WINDOW, winnow};

/// Version of the hashes of words, shingles, traces, signatures and bands. It goes up whenever any of them would come out
/// differently; fingerprints of different versions, or of different [versions of the normal
/// form](crate::normalize::NORMALIZATION_VERSION), must not be compared.
pub const FINGERPRINT_VERSION: u32 = 1;
