//! Pure algorithms that find redundancy in text and show where it is.
//!
//! Text goes in, findings come out: no input or output, no clock, no randomness, no state. The same bytes give the same
//! findings on every platform, nothing panics on any text, and time and memory stay in proportion to the text, however it was
//! made to hurt.
//!
//! # A tour
//!
//! A [`Text`] is cut into [words] by the rules of Unicode, and each distinct word, in its [normal form](normalize),
//! gets a number. Everything else compares numbers, and every finding points back at the original through [spans](span).
//!
//! - [`analyze()`](analyze::analyze) finds what is redundant inside one text: passages, phrases and sentences that stand more
//!   than once, and the share of words that could go.
//! - [`similarity()`](similarity::similarity) finds what two texts share: matching passages, and exact Jaccard, containment and
//!   cosine.
//! - [`quality()`](quality::quality) tells how hard a text is to read, and points at sentences that could be better.
//!
//! ```
//! use redundancy_detect::{AnalyzeOptions, Text, analyze::analyze};
//!
//! let text = Text::new("Terms may change at any time without notice to you. Also: terms may change at any time without notice to you!")?;
//! let found = analyze(&text, &AnalyzeOptions::default());
//!
//! assert_eq!(found.repeated_passages.len(), 1);
//! assert_eq!(found.repeated_passages[0].words, 10);
//! assert_eq!(found.repeated_passages[0].text, "Terms may change at any time without notice to you");
//! assert!(found.redundancy_score > 0.47);
//! # Ok::<(), redundancy_detect::TextTooLong>(())
//! ```
//!
//! # What is inside
//!
//! Repeats and matches both come from one suffix array over word numbers (`suffixes`, built by the `libsais` crate): `repeats`
//! covers a text with the longest copies of what stood earlier, `tiling` covers two texts with their longest common runs,
//! `grams` counts shared 5-grams. Sentences and paragraphs are in [`structure`], the language in [`language`].

#![forbid(unsafe_code)]

pub mod analyze;
pub mod fingerprint;
pub mod language;
pub mod normalize;
pub mod quality;
pub mod similarity;
pub mod span;
pub mod structure;
pub mod text;
pub mod vocabulary;
pub mod words;

mod grams;
mod repeats;
mod suffixes;
mod tiling;

pub use analyze::{Analysis, AnalyzeOptions};
pub use quality::{Quality, QualityOptions};
pub use similarity::{Similarity, SimilarityOptions};
pub use span::{OffsetMap, OffsetUnit, Span};
pub use text::{MAX_TEXT_BYTES, Text, TextTooLong};
