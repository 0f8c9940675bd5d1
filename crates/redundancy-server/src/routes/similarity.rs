//! `POST /api/v1/similarity`: what two texts share.

use crate::app::Here;
use crate::envelope::Envelope;
use crate::error::ApiError;
use crate::request::fields::Fields;
use crate::request::{Body, Checked, Limits, rules};
use crate::routes::analyses::{AcceptedData, Answer};
use crate::wire::values::{Text, UserId};
use crate::wire::{OffsetUnit, Span};
use redundancy_engine::detect::similarity::{self as domain, DEFAULT_MIN_MATCH_WORDS, SimilarityOptions};
use redundancy_engine::{Comparison, Identified, SimilarityRequest};
use serde::Serialize;
use utoipa::ToSchema;

/// From which score on two texts count as similar, unless the caller says otherwise.
const DEFAULT_THRESHOLD: f64 = 0.8;

/// Two texts to compare.
// Serialised nowhere: the derive is there for `deny_unknown_fields`, which the OpenAPI document takes over.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SimilarityBody {
    /// The first text: at least one byte, not only white space.
    #[schema(value_type = Text)]
    text1: String,
    /// The second text: at least one byte, not only white space.
    #[schema(value_type = Text)]
    text2: String,
    /// From which score on the texts count as similar.
    #[schema(minimum = 0.0, maximum = 1.0, default = 0.8)]
    threshold: Option<f64>,
    /// How many words a run must have to count as a match; never more than the shorter text has.
    #[schema(minimum = 1, maximum = 1000, default = 4)]
    min_passage_words: Option<u16>,
    /// What the spans of the answer count.
    #[schema(default = "chars")]
    offset_unit: Option<OffsetUnit>,
    /// The user on whose behalf this is asked; also taken from the header `X-User-Id`.
    #[schema(value_type = Option<UserId>)]
    user_id: Option<String>,
}

/// What two texts share. Every figure is the same when the texts change places.
#[derive(Serialize, ToSchema)]
pub(crate) struct SimilarityData {
    /// The id under which logs know this analysis.
    #[schema(example = "ana_06f3k9c2vtx5x8w0h3m1r7q4ze")]
    analysis_id: String,
    /// 2 × words in matches / words of both texts: 1 for equal texts, 0 with no match.
    #[schema(example = 0.75, minimum = 0.0, maximum = 1.0)]
    similarity_score: f64,
    /// Whether the score reaches the threshold.
    is_similar: bool,
    /// The threshold that was applied.
    #[schema(example = 0.8, minimum = 0.0, maximum = 1.0)]
    threshold: f64,
    /// Jaccard index of the sets of word 5-grams.
    #[schema(example = 0.33, minimum = 0.0, maximum = 1.0)]
    jaccard: f64,
    containment: Containment,
    /// Cosine of the angle between the vectors of word counts.
    #[schema(example = 0.88, minimum = 0.0, maximum = 1.0)]
    cosine: f64,
    /// Passages that both have, longest first. No word is in two of them.
    matches: Vec<Match>,
    /// Words that both have, most frequent first, at most 100.
    common_words: Vec<String>,
}

/// Share of the word 5-grams of one text that stand in the other.
#[derive(Serialize, ToSchema)]
struct Containment {
    /// Of the first in the second.
    #[schema(minimum = 0.0, maximum = 1.0)]
    text1_in_text2: f64,
    /// Of the second in the first.
    #[schema(minimum = 0.0, maximum = 1.0)]
    text2_in_text1: f64,
}

/// A passage that both texts have.
#[derive(Serialize, ToSchema)]
struct Match {
    /// How many words it has.
    words: usize,
    /// How the first text writes it.
    text: String,
    /// Where it stands in the first text.
    text1: Span,
    /// Where it stands in the second text.
    text2: Span,
}

/// Compare two texts
///
/// How much they share by several measures, and which passages.
#[utoipa::path(
    post,
    path = "/api/v1/similarity",
    tag = "Detection",
    request_body(content = SimilarityBody, example = json!({
        "text1": "We keep your data for thirty days and then delete it.",
        "text2": "We keep your data for ninety days and then delete it.",
        "threshold": 0.8,
    })),
    params(("async" = Option<bool>, Query, description = "Whether to answer at once and do the work later")),
    responses(
        (status = 200, description = "What the texts share", body = Envelope<SimilarityData>),
        (status = 202, description = "Accepted: the result will stand at the path in `Location`", body = Envelope<AcceptedData>),
    ),
)]
pub(crate) async fn similarity(
    Here(app): Here,
    mut asked: Checked<SimilarityBody>,
) -> Result<Answer<SimilarityData>, ApiError> {
    let user_id = asked.body.user_id.take();
    app.answer(asked.map(SimilarityRequest::from), user_id).await
}

impl Body for SimilarityBody {
    const TEXTS: usize = 2;

    fn read(fields: &mut Fields<'_, '_>, limits: Limits) -> Option<Self> {
        let text1 = fields.required("text1", rules::text(limits.max_content_bytes));
        let text2 = fields.required("text2", rules::text(limits.max_content_bytes));
        let threshold = fields.optional("threshold", rules::share);
        let min_passage_words = fields.optional("min_passage_words", rules::passage_words);
        let offset_unit = fields.optional("offset_unit", OffsetUnit::read);
        let user_id = fields.optional("user_id", rules::user_id);
        Some(Self {
            text1: text1?,
            text2: text2?,
            threshold: threshold?,
            min_passage_words: min_passage_words?,
            offset_unit: offset_unit?,
            user_id: user_id?,
        })
    }
}

impl From<SimilarityBody> for SimilarityRequest {
    fn from(body: SimilarityBody) -> Self {
        Self {
            text1: body.text1,
            text2: body.text2,
            threshold: body.threshold.unwrap_or(DEFAULT_THRESHOLD),
            options: SimilarityOptions {
                min_passage_words: body.min_passage_words.map_or(DEFAULT_MIN_MATCH_WORDS, usize::from),
                offset_unit: body.offset_unit.unwrap_or_default().into(),
            },
        }
    }
}

impl SimilarityData {
    /// Leaves out what grows with the text, for receivers that would get too much.
    pub(crate) fn leave_out_lists(&mut self) {
        self.matches.clear();
    }
}

impl From<Identified<Comparison>> for SimilarityData {
    fn from(Identified { analysis_id, finding }: Identified<Comparison>) -> Self {
        let is_similar = finding.is_similar();
        let Comparison { similarity, threshold } = finding;
        Self {
            analysis_id: analysis_id.to_string(),
            similarity_score: similarity.similarity_score,
            is_similar,
            threshold,
            jaccard: similarity.jaccard,
            containment: similarity.containment.into(),
            cosine: similarity.cosine,
            matches: similarity.matches.into_iter().map(Match::from).collect(),
            common_words: similarity.common_words,
        }
    }
}

impl From<domain::Containment> for Containment {
    fn from(containment: domain::Containment) -> Self {
        let domain::Containment { text1_in_text2, text2_in_text1 } = containment;
        Self { text1_in_text2, text2_in_text1 }
    }
}

impl From<domain::Match> for Match {
    fn from(found: domain::Match) -> Self {
        Self { words: found.words, text: found.text, text1: found.text1.into(), text2: found.text2.into() }
    }
}
