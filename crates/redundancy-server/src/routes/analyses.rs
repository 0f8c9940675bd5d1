//! Analyses that were accepted for later: the answer that accepts one, and `GET /api/v1/analyses/{id}`.

use super::analyze::AnalyzeData;
use super::quality::QualityData;
use super::similarity::SimilarityData;
use crate::app::Here;
use crate::envelope::Envelope;
use crate::error::ApiError;
use crate::request::NoParameters;
use crate::request::path::{Id, Named};
use axum::http::HeaderValue;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use redundancy_engine::{AnalysisId, AnalysisState, Finding, FindingFormat, Identified, StoredAnalysis};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// The answer to a request for an analysis: what it found, or where that will stand.
pub(crate) enum Answer<T> {
    Now(Envelope<T>),
    Later(Envelope<AcceptedData>),
}

/// An analysis that is yet to be done.
#[derive(Serialize, ToSchema)]
pub(crate) struct AcceptedData {
    /// The id to ask for the result with.
    #[schema(example = "ana_06f3k9c2vtx5x8w0h3m1r7q4ze")]
    analysis_id: String,
    state: Progress,
}

/// How far an analysis got.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = AnalysisState)]
enum Progress {
    /// Accepted, not yet finished.
    Pending,
    /// Finished: the result is there.
    Completed,
    /// It could not be done, and is not tried again.
    Failed,
}

/// An analysis that was accepted for later, and what became of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct AnalysisData {
    #[schema(example = "ana_06f3k9c2vtx5x8w0h3m1r7q4ze")]
    analysis_id: String,
    /// What was asked for.
    #[schema(example = "analyze", value_type = String)]
    operation: &'static str,
    state: Progress,
    /// When it was accepted, in milliseconds since the Unix epoch.
    #[schema(example = 1_767_323_045_678_u64)]
    created_at_ms: u64,
    /// What it found, as the synchronous route answers it. Only of a completed one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<FindingData>)]
    result: Option<Box<RawValue>>,
    /// Why there is no result. Only of a failed one.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// What an analysis found, by its operation.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum FindingData {
    Analyze(AnalyzeData),
    Similarity(SimilarityData),
    Quality(QualityData),
}

impl Named for AnalysisId {
    const UNKNOWN: &'static str = "There is no analysis with this id, or it was forgotten: ask for it anew.";
}

/// Ask for an analysis that was accepted for later
///
/// Finished analyses are kept for a while: the oldest go first when the store needs room.
#[utoipa::path(
    get,
    path = "/api/v1/analyses/{id}",
    tag = "Detection",
    params(("id" = String, Path, description = "The `analysis_id` of the answer that accepted it")),
    responses((status = 200, description = "How far it got, and what it found", body = Envelope<AnalysisData>)),
)]
pub(crate) async fn analysis(
    Here(app): Here,
    Id(id): Id<AnalysisId>,
    _: NoParameters,
) -> Result<Envelope<AnalysisData>, ApiError> {
    let kept = app.engine().result(id).await?.ok_or_else(AnalysisId::unknown)?;
    Ok(Envelope::ok(kept.into()))
}

impl<T> Answer<T> {
    pub(crate) fn now(data: T) -> Self {
        Self::Now(Envelope::ok(data))
    }

    pub(crate) fn later(id: AnalysisId) -> Self {
        Self::Later(Envelope::accepted(AcceptedData {
            analysis_id: id.to_string(),
            state: Progress::Pending,
        }))
    }
}

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        match self {
            Self::Now(envelope) => envelope.into_response(),
            Self::Later(envelope) => {
                let location = format!("/api/v1/analyses/{}", envelope.data().analysis_id);
                let mut response = envelope.into_response();
                if let Ok(location) = HeaderValue::try_from(location) {
                    response.headers_mut().insert(LOCATION, location);
                }
                response
            }
        }
    }
}

impl From<StoredAnalysis> for AnalysisData {
    fn from(kept: StoredAnalysis) -> Self {
        let (state, result, error) = match kept.state {
            AnalysisState::Pending => (Progress::Pending, None, None),
            AnalysisState::Completed(result) => {
                (Progress::Completed, RawValue::from_string(result.to_string()).ok(), None)
            }
            AnalysisState::Failed(reason) => (Progress::Failed, None, Some(reason)),
        };
        let (analysis_id, operation) = (kept.id.to_string(), kept.operation.as_str());
        Self { analysis_id, operation, state, created_at_ms: kept.created_at.as_millis(), result, error }
    }
}

/// Writes findings as the routes answer them: for analyses that are asked for later, and for events.
#[derive(Debug, Clone, Copy, Default)]
pub struct FindingsAsJson;

impl FindingFormat for FindingsAsJson {
    fn whole(&self, id: AnalysisId, finding: &Finding) -> String {
        write(&FindingData::new(id, finding.clone()))
    }

    fn summary(&self, id: AnalysisId, finding: &Finding) -> String {
        let mut data = FindingData::new(id, finding.clone());
        match &mut data {
            FindingData::Analyze(data) => data.leave_out_lists(),
            FindingData::Similarity(data) => data.leave_out_lists(),
            FindingData::Quality(data) => data.leave_out_lists(),
        }
        write(&Summary { is_truncated: true, data })
    }
}

/// A finding without its lists, and the word that they were left out.
#[derive(Serialize)]
struct Summary {
    is_truncated: bool,
    #[serde(flatten)]
    data: FindingData,
}

fn write(data: &impl Serialize) -> String {
    // Strings, numbers and lists of them: that cannot fail.
    serde_json::to_string(data).unwrap_or_default()
}

impl FindingData {
    fn new(analysis_id: AnalysisId, finding: Finding) -> Self {
        match finding {
            Finding::Analyze(finding) => Self::Analyze(Identified { analysis_id, finding }.into()),
            Finding::Similarity(finding) => Self::Similarity(Identified { analysis_id, finding }.into()),
            Finding::Quality(finding) => Self::Quality(Identified { analysis_id, finding }.into()),
        }
    }
}
