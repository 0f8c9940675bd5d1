//! Pure algorithms that find redundancy in text and show where it is.

#![forbid(unsafe_code)]

pub mod analyze;
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

pub use analyze::{Analysis, AnalyzeOptions, analyze};
pub use quality::{Quality, QualityOptions, quality};
pub use similarity::{Similarity, SimilarityOptions, similarity};
pub use span::{OffsetMap, OffsetUnit, Span};
pub use text::{MAX_TEXT_BYTES, Text, TextTooLong};
