//! `/api/v1/duplicates/…`: what of the index is like a text, and which documents are like each other.

pub(crate) mod clusters;

use crate::app::{App, Here};
use crate::envelope::Envelope;
use crate::error::ApiError;
use crate::metrics::IndexWork;
use crate::request::fields::Fields;
use crate::request::{Body, Checked, Limits, rules};
use crate::routes::documents::MatchData;
use crate::wire::OffsetUnit;
use crate::wire::values::{Collection, Text, UserId};
use axum::Router;
use axum::routing::{get, post};
use redundancy_engine::CollectionName;
use redundancy_engine::index::{DEFAULT_MATCHES, SearchMode, SearchRequest, SearchResult};
use serde::Serialize;
use utoipa::ToSchema;

/// Most matches in an answer.
const MAX_MATCHES: u16 = 100;

/// All routes about duplicates.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/duplicates/search", post(search))
        .route("/api/v1/duplicates/clusters", get(clusters::clusters))
}

/// A text whose duplicates are looked for.
// Serialised nowhere: the derive is there for `deny_unknown_fields`, which the OpenAPI document takes over.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchBody {
    /// The text: at least one byte, not only white space.
    #[schema(value_type = Text)]
    content: String,
    /// Where to look. Other collections are not looked at.
    #[schema(value_type = Option<Collection>, default = "default")]
    collection: Option<CollectionName>,
    /// How much a document must have in common with the text. In mode `near` its Jaccard similarity must reach this, 0.8 when left
    /// out. In mode `contained` the share of the text that is in the document, or that of the document that is in the text, must;
    /// when left out any passage of at least 12 words is enough. Documents with the same words always match.
    #[schema(minimum = 0.0, maximum = 1.0)]
    threshold: Option<f64>,
    /// `near` looks for documents that are like the text as a whole; `contained` also for those that share passages with it: a
    /// paragraph copied out of a long document, or several sources in one text.
    #[schema(default = "near")]
    mode: Option<Mode>,
    /// How many matches at most.
    #[schema(minimum = 1, maximum = 100, default = 10)]
    limit: Option<u16>,
    /// What the spans of the answer count.
    #[schema(default = "chars")]
    offset_unit: Option<OffsetUnit>,
    /// The user on whose behalf this is asked; also taken from the header `X-User-Id`.
    #[schema(value_type = Option<UserId>)]
    user_id: Option<String>,
}

/// What to look for.
#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = SearchMode)]
enum Mode {
    /// Documents that are like the text as a whole.
    #[default]
    Near,
    /// Documents that share passages with the text as well.
    Contained,
}

/// Documents that have something in common with a text.
#[derive(Serialize, ToSchema)]
pub(crate) struct SearchData {
    /// The matches, best first.
    matches: Vec<MatchData>,
    /// How many fingerprints of the text led to no document because they stand in too many of the collection: boilerplate. What is
    /// common that way is still shown in passages of documents that were found otherwise.
    common_fingerprints: usize,
}

/// Search the index for duplicates of a text
///
/// Candidates are found by equal keys; every match that is answered was compared with the text exactly.
#[utoipa::path(
    post,
    path = "/api/v1/duplicates/search",
    operation_id = "search_duplicates",
    tag = "Documents",
    request_body(content = SearchBody, example = json!({
        "content": "We keep your data for thirty days and then delete it.",
        "collection": "policies",
        "mode": "near",
        "threshold": 0.8,
    })),
    responses((status = 200, description = "What was found", body = Envelope<SearchData>)),
)]
pub(crate) async fn search(
    Here(app): Here,
    Checked { body, reserved: _reserved, .. }: Checked<SearchBody>,
) -> Result<Envelope<SearchData>, ApiError> {
    let detection = app.metrics().detection();
    let searching = app.engine().search(body.into());
    let result = detection.timed(app.clock(), IndexWork::Search, searching).await?;
    detection.matches(IndexWork::Search, &result.matches);
    Ok(Envelope::ok(result.into()))
}

impl Body for SearchBody {
    const TEXTS: usize = 1;
    const MAY_WAIT: bool = false;

    fn read(fields: &mut Fields<'_, '_>, limits: Limits) -> Option<Self> {
        let content = fields.required("content", rules::text(limits.max_content_bytes));
        let collection = fields.optional("collection", rules::parsed);
        let threshold = fields.optional("threshold", rules::share);
        let modes = [("near", Mode::Near), ("contained", Mode::Contained)];
        let mode = fields.optional("mode", rules::one_of(&modes));
        let limit = fields.optional("limit", rules::whole_number(1..=MAX_MATCHES));
        let offset_unit = fields.optional("offset_unit", OffsetUnit::read);
        let user_id = fields.optional("user_id", rules::user_id);
        Some(Self {
            content: content?,
            collection: collection?,
            threshold: threshold?,
            mode: mode?,
            limit: limit?,
            offset_unit: offset_unit?,
            user_id: user_id?,
        })
    }
}

impl From<SearchBody> for SearchRequest {
    fn from(body: SearchBody) -> Self {
        Self {
            content: body.content,
            collection: body.collection.unwrap_or_default(),
            mode: match body.mode.unwrap_or_default() {
                Mode::Near => SearchMode::Near,
                Mode::Contained => SearchMode::Contained,
            },
            threshold: body.threshold,
            limit: body.limit.map_or(DEFAULT_MATCHES, usize::from),
            offset_unit: body.offset_unit.unwrap_or_default().into(),
        }
    }
}

impl From<SearchResult> for SearchData {
    fn from(result: SearchResult) -> Self {
        Self {
            matches: result.matches.into_iter().map(MatchData::from).collect(),
            common_fingerprints: result.common_fingerprints,
        }
    }
}
