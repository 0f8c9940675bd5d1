//! `POST /api/v1/analyze`: what is redundant inside one text.

use crate::app::Here;
use crate::envelope::Envelope;
use crate::error::ApiError;
use crate::request::fields::Fields;
use crate::request::{Body, Checked, Limits, rules};
use crate::routes::analyses::{AcceptedData, Answer};
use crate::wire::values::{LanguageTag, Text, UserId};
use crate::wire::{Language, OffsetUnit, Span};
use redundancy_engine::detect::analyze::{self as domain, AnalyzeOptions, DEFAULT_MIN_PASSAGE_WORDS};
use redundancy_engine::{AnalyzeRequest, Identified};
use serde::Serialize;
use utoipa::ToSchema;

/// A text to look into.
// Serialised nowhere: the derive is there for `deny_unknown_fields`, which the OpenAPI document takes over.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnalyzeBody {
    /// The text: at least one byte, not only white space.
    #[schema(value_type = Text)]
    content: String,
    /// The language, when it is known: a tag such as `en` or `es-MX`. Detected when left out.
    #[schema(value_type = Option<LanguageTag>)]
    language: Option<String>,
    /// How many words a run must have to count as a passage.
    #[schema(minimum = 1, maximum = 1000, default = 8)]
    min_passage_words: Option<u16>,
    /// What the spans of the answer count.
    #[schema(default = "chars")]
    offset_unit: Option<OffsetUnit>,
    /// The user on whose behalf this is asked; also taken from the header `X-User-Id`.
    #[schema(value_type = Option<UserId>)]
    user_id: Option<String>,
}

/// What is redundant in a text.
#[derive(Serialize, ToSchema)]
pub(crate) struct AnalyzeData {
    /// The id under which logs know this analysis.
    #[schema(example = "ana_06f3k9c2vtx5x8w0h3m1r7q4ze")]
    analysis_id: String,
    /// BLAKE3 of the exact bytes.
    #[schema(example = "blake3:9c22ff5f21f0b81b113e63f7db6da94fedef11b2119b4088b89664fb9a3cb658")]
    content_hash: String,
    /// BLAKE3 of the normalised words: equal for texts that differ in case, punctuation and white space only.
    #[schema(example = "blake3:5e1f2e5b2b6a5b8d4b6f3d0f8e6ad6f9a2f7b1f5e7c3a1f0d9b8c7e6f5a4b3c2")]
    normalized_hash: String,
    language: Language,
    counts: Counts,
    /// Share of the words that repeat a passage which stood earlier: what could go without losing anything.
    #[schema(example = 0.5, minimum = 0.0, maximum = 1.0)]
    redundancy_score: f64,
    /// 1 - unique words / words.
    #[schema(example = 0.58, minimum = 0.0, maximum = 1.0)]
    lexical_redundancy: f64,
    /// Original bytes / bytes after DEFLATE at level 6.
    #[schema(example = 1.6)]
    compression_ratio: f64,
    /// Passages that stand more than once, longest first.
    repeated_passages: Vec<RepeatedPassage>,
    /// Runs too short for a passage that stand more than once.
    repeated_phrases: Vec<RepeatedPhrase>,
    /// Sentences that stand more than once.
    duplicate_sentences: Vec<DuplicateSentence>,
}

/// How much of what a text has.
#[derive(Serialize, ToSchema)]
#[schema(as = TextCounts)]
struct Counts {
    /// Unicode scalar values.
    characters: usize,
    words: usize,
    /// Different words after normalisation.
    unique_words: usize,
    sentences: usize,
    paragraphs: usize,
}

/// A run of words that stands more than once.
#[derive(Serialize, ToSchema)]
struct RepeatedPassage {
    /// How many words it has.
    words: usize,
    /// The text of its first occurrence.
    text: String,
    /// Where it stands, in order and without overlap.
    occurrences: Vec<Span>,
}

/// A short run of words that stands more than once.
#[derive(Serialize, ToSchema)]
struct RepeatedPhrase {
    /// The text of its first occurrence.
    phrase: String,
    /// How many words it has.
    words: usize,
    /// How often it stands in the text.
    count: usize,
}

/// A sentence that stands more than once.
#[derive(Serialize, ToSchema)]
struct DuplicateSentence {
    /// The text of its first occurrence.
    text: String,
    /// Where it stands.
    occurrences: Vec<Span>,
}

/// Find what is redundant inside one text
///
/// Repeated passages, phrases and sentences with their places, and figures that sum them up.
#[utoipa::path(
    post,
    path = "/api/v1/analyze",
    tag = "Detection",
    request_body(content = AnalyzeBody, example = json!({
        "content": "We keep your data safe and never sell it to anyone. Ask us at any time. \
                    We keep your data safe and never sell it to anyone.",
        "min_passage_words": 8,
    })),
    params(("async" = Option<bool>, Query, description = "Whether to answer at once and do the work later")),
    responses(
        (status = 200, description = "What is redundant in the text", body = Envelope<AnalyzeData>),
        (status = 202, description = "Accepted: the result will stand at the path in `Location`", body = Envelope<AcceptedData>),
    ),
)]
pub(crate) async fn analyze(
    Here(app): Here,
    mut asked: Checked<AnalyzeBody>,
) -> Result<Answer<AnalyzeData>, ApiError> {
    let user_id = asked.body.user_id.take();
    app.answer(asked.map(AnalyzeRequest::from), user_id).await
}

impl Body for AnalyzeBody {
    const TEXTS: usize = 1;

    fn read(fields: &mut Fields<'_, '_>, limits: Limits) -> Option<Self> {
        let content = fields.required("content", rules::text(limits.max_content_bytes));
        let language = fields.optional("language", rules::language);
        let min_passage_words = fields.optional("min_passage_words", rules::passage_words);
        let offset_unit = fields.optional("offset_unit", OffsetUnit::read);
        let user_id = fields.optional("user_id", rules::user_id);
        Some(Self {
            content: content?,
            language: language?,
            min_passage_words: min_passage_words?,
            offset_unit: offset_unit?,
            user_id: user_id?,
        })
    }
}

impl From<AnalyzeBody> for AnalyzeRequest {
    fn from(body: AnalyzeBody) -> Self {
        Self {
            content: body.content,
            options: AnalyzeOptions {
                language: body.language,
                min_passage_words: body.min_passage_words.map_or(DEFAULT_MIN_PASSAGE_WORDS, usize::from),
                offset_unit: body.offset_unit.unwrap_or_default().into(),
            },
        }
    }
}

impl AnalyzeData {
    /// Leaves out what grows with the text, for receivers that would get too much.
    pub(crate) fn leave_out_lists(&mut self) {
        self.repeated_passages.clear();
        self.repeated_phrases.clear();
        self.duplicate_sentences.clear();
    }
}

impl From<Identified<domain::Analysis>> for AnalyzeData {
    fn from(Identified { analysis_id, finding }: Identified<domain::Analysis>) -> Self {
        Self {
            analysis_id: analysis_id.to_string(),
            content_hash: format!("blake3:{}", finding.content_hash.to_hex()),
            normalized_hash: format!("blake3:{}", finding.normalized_hash.to_hex()),
            language: finding.language.into(),
            counts: finding.counts.into(),
            redundancy_score: finding.redundancy_score,
            lexical_redundancy: finding.lexical_redundancy,
            compression_ratio: finding.compression_ratio,
            repeated_passages: finding.repeated_passages.into_iter().map(RepeatedPassage::from).collect(),
            repeated_phrases: finding.repeated_phrases.into_iter().map(RepeatedPhrase::from).collect(),
            duplicate_sentences: finding
                .duplicate_sentences
                .into_iter()
                .map(DuplicateSentence::from)
                .collect(),
        }
    }
}

impl From<domain::Counts> for Counts {
    fn from(counts: domain::Counts) -> Self {
        let domain::Counts { characters, words, unique_words, sentences, paragraphs } = counts;
        Self { characters, words, unique_words, sentences, paragraphs }
    }
}

impl From<domain::RepeatedPassage> for RepeatedPassage {
    fn from(passage: domain::RepeatedPassage) -> Self {
        let occurrences = passage.occurrences.into_iter().map(Span::from).collect();
        Self { words: passage.words, text: passage.text, occurrences }
    }
}

impl From<domain::RepeatedPhrase> for RepeatedPhrase {
    fn from(phrase: domain::RepeatedPhrase) -> Self {
        Self { phrase: phrase.phrase, words: phrase.words, count: phrase.count }
    }
}

impl From<domain::DuplicateSentence> for DuplicateSentence {
    fn from(sentence: domain::DuplicateSentence) -> Self {
        Self { text: sentence.text, occurrences: sentence.occurrences.into_iter().map(Span::from).collect() }
    }
}
