//! `POST /api/v1/quality`: how well a text reads.

use crate::app::Here;
use crate::envelope::Envelope;
use crate::error::ApiError;
use crate::request::fields::Fields;
use crate::request::{Body, Checked, Limits, rules};
use crate::routes::analyses::{AcceptedData, Answer};
use crate::wire::values::{LanguageTag, Text, UserId};
use crate::wire::{Language, OffsetUnit, Span};
use redundancy_engine::detect::quality::{self as domain, QualityOptions};
use redundancy_engine::{Identified, QualityRequest};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A text to judge.
// Serialised nowhere: the derive is there for `deny_unknown_fields`, which the OpenAPI document takes over.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct QualityBody {
    /// The text: at least one byte, not only white space.
    #[schema(value_type = Text)]
    content: String,
    /// The language, when it is known: a tag such as `en` or `es-MX`. Detected when left out.
    #[schema(value_type = Option<LanguageTag>)]
    language: Option<String>,
    /// What the spans of the answer count.
    #[schema(default = "chars")]
    offset_unit: Option<OffsetUnit>,
    /// The user on whose behalf this is asked; also taken from the header `X-User-Id`.
    #[schema(value_type = Option<UserId>)]
    user_id: Option<String>,
}

/// How well a text reads.
#[derive(Serialize, ToSchema)]
pub(crate) struct QualityData {
    /// The id under which logs know this analysis.
    #[schema(example = "ana_06f3k9c2vtx5x8w0h3m1r7q4ze")]
    analysis_id: String,
    /// 0 (very hard to read) to 100 (very easy).
    #[schema(example = 92.4, minimum = 0.0, maximum = 100.0)]
    readability_score: f64,
    /// The score in words: Excellent from 80, Good from 60, Fair from 40, else Needs Improvement.
    #[schema(example = "Excellent", value_type = String)]
    quality_rating: &'static str,
    language: Language,
    /// The readability formulas for the language, and LIX and RIX for any.
    #[schema(value_type = BTreeMap<String, MetricValue>)]
    metrics: BTreeMap<&'static str, MetricValue>,
    lexical_diversity: LexicalDiversity,
    /// Share of the words that repeat a passage which stood earlier.
    #[schema(example = 0.0, minimum = 0.0, maximum = 1.0)]
    redundancy_score: f64,
    /// What could be better, the most important first.
    suggestions: Vec<Suggestion>,
}

/// The value of a readability formula, or the name of the band it falls into.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum MetricValue {
    Number(f64),
    #[schema(value_type = String)]
    Band(&'static str),
}

/// How varied the vocabulary of a text is.
#[derive(Serialize, ToSchema)]
struct LexicalDiversity {
    /// Type-token ratio: different words / words.
    #[schema(minimum = 0.0, maximum = 1.0)]
    ttr: f64,
    /// Measure of textual lexical diversity, in words.
    mtld: f64,
}

/// Something that could be better.
#[derive(Serialize, ToSchema)]
struct Suggestion {
    /// The kind, for programs.
    #[schema(example = "long_sentence", value_type = String)]
    code: &'static str,
    /// What to do, in the language of the text where it is Spanish, else in English.
    message: String,
    /// Where; left out when the whole text is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    span: Option<Span>,
}

/// Judge how well a text reads
///
/// Readability by the published formulas of its language, variety of words, and suggestions that point at their place.
#[utoipa::path(
    post,
    path = "/api/v1/quality",
    tag = "Detection",
    request_body(content = QualityBody, example = json!({
        "content": "The cat sat on the mat. The dog ran to the red barn. We all had fun.",
    })),
    params(("async" = Option<bool>, Query, description = "Whether to answer at once and do the work later")),
    responses(
        (status = 200, description = "How well the text reads", body = Envelope<QualityData>),
        (status = 202, description = "Accepted: the result will stand at the path in `Location`", body = Envelope<AcceptedData>),
    ),
)]
pub(crate) async fn quality(
    Here(app): Here,
    mut asked: Checked<QualityBody>,
) -> Result<Answer<QualityData>, ApiError> {
    let user_id = asked.body.user_id.take();
    app.answer(asked.map(QualityRequest::from), user_id).await
}

impl Body for QualityBody {
    const TEXTS: usize = 1;

    fn read(fields: &mut Fields<'_, '_>, limits: Limits) -> Option<Self> {
        let content = fields.required("content", rules::text(limits.max_content_bytes));
        let language = fields.optional("language", rules::language);
        let offset_unit = fields.optional("offset_unit", OffsetUnit::read);
        let user_id = fields.optional("user_id", rules::user_id);
        Some(Self { content: content?, language: language?, offset_unit: offset_unit?, user_id: user_id? })
    }
}

impl From<QualityBody> for QualityRequest {
    fn from(body: QualityBody) -> Self {
        let offset_unit = body.offset_unit.unwrap_or_default().into();
        Self { content: body.content, options: QualityOptions { language: body.language, offset_unit } }
    }
}

impl QualityData {
    /// Leaves out what grows with the text, for receivers that would get too much.
    pub(crate) fn leave_out_lists(&mut self) {
        self.suggestions.clear();
    }
}

impl From<Identified<domain::Quality>> for QualityData {
    fn from(Identified { analysis_id, finding }: Identified<domain::Quality>) -> Self {
        let metrics = finding.metrics.entries().into_iter().map(|(name, value)| (name, value.into()));
        let domain::LexicalDiversity { ttr, mtld } = finding.lexical_diversity;
        Self {
            analysis_id: analysis_id.to_string(),
            readability_score: finding.readability_score,
            quality_rating: finding.rating.as_str(),
            language: finding.language.into(),
            metrics: metrics.collect(),
            lexical_diversity: LexicalDiversity { ttr, mtld },
            redundancy_score: finding.redundancy_score,
            suggestions: finding.suggestions.into_iter().map(Suggestion::from).collect(),
        }
    }
}

impl From<domain::MetricValue> for MetricValue {
    fn from(value: domain::MetricValue) -> Self {
        match value {
            domain::MetricValue::Number(number) => Self::Number(number),
            domain::MetricValue::Band(name) => Self::Band(name),
        }
    }
}

impl From<domain::Suggestion> for Suggestion {
    fn from(suggestion: domain::Suggestion) -> Self {
        Self {
            code: suggestion.code.as_str(),
            message: suggestion.message,
            span: suggestion.span.map(Span::from),
        }
    }
}
