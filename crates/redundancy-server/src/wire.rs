//! Wire types that several resources share. Those of one resource stand beside its handler in [`crate::routes`].

use crate::request::json::Json;
use crate::request::rules::{self, Refusal};
use redundancy_engine::detect::language::DetectedLanguage;
use redundancy_engine::detect::span;
use serde::Serialize;
use std::borrow::Cow;
use utoipa::ToSchema;

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
