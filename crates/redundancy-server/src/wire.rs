//! Wire types that several resources share. Those of one resource stand beside its handler in [`crate::routes`].

pub(crate) mod values;

use crate::request::json::Json;
use crate::request::rules::{self, Refusal};
use redundancy_engine::detect::language::DetectedLanguage;
use redundancy_engine::detect::span;
use serde::Serialize;
use std::borrow::Cow;
use std::time::Duration;
use utoipa::ToSchema;

/// Milliseconds to the microsecond: more digits than that are noise.
pub(crate) fn millis(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}

/// A part of a text: from `start` up to, not including, `end`.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct Span {
    /// First position inside.
    #[schema(example = 0)]
    start: usize,
    /// First position behind.
    #[schema(example = 43)]
    end: usize,
}

impl From<span::Span> for Span {
    fn from(span: span::Span) -> Self {
        Self { start: span.start, end: span.end }
    }
}

/// What the positions of spans count.
#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OffsetUnit {
    /// Unicode scalar values, as Python counts.
    #[default]
    Chars,
    /// Bytes of UTF-8, as Rust and Go count.
    Bytes,
    /// UTF-16 code units, as JavaScript, Java and C# count.
    Utf16,
}

impl OffsetUnit {
    /// The rule of the field `offset_unit`.
    pub(crate) fn read(value: Json<'_>) -> Result<Self, Refusal> {
        rules::one_of(&[("chars", Self::Chars), ("bytes", Self::Bytes), ("utf16", Self::Utf16)])(value)
    }
}

impl From<OffsetUnit> for span::OffsetUnit {
    fn from(unit: OffsetUnit) -> Self {
        match unit {
            OffsetUnit::Chars => Self::Chars,
            OffsetUnit::Bytes => Self::Bytes,
            OffsetUnit::Utf16 => Self::Utf16,
        }
    }
}

/// The language of a text.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Language {
    /// ISO 639-1 code where there is one, else ISO 639-3; `und` where no language could be told.
    #[schema(example = "en", value_type = String)]
    code: Cow<'static, str>,
    /// 0 (a guess) to 1 (certain, or named by the caller).
    #[schema(example = 0.99, minimum = 0.0, maximum = 1.0)]
    confidence: f64,
}

impl From<DetectedLanguage> for Language {
    fn from(language: DetectedLanguage) -> Self {
        Self { code: language.code, confidence: language.confidence }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_have_three_decimals_at_most() {
        for (nanos, shown) in
            [(1_200_000, "1.2"), (1_100_999, "1.1"), (29_000_000_001, "29000.0"), (999, "0.0")]
        {
            assert_eq!(serde_json::to_string(&millis(Duration::from_nanos(nanos))).unwrap(), shown);
        }
    }
}
