//! `/api/v1/documents`: the documents of the index.

mod body;
pub(crate) mod bulk;
pub(crate) mod list;
mod shown;
mod telling;

use crate::app::{App, Here};
use crate::envelope::Envelope;
use crate::error::{ApiError, FieldFault};
use crate::metrics::IndexWork;
use crate::middleware::held_answers::in_turn;
use crate::request::path::{Id, Named, Segment};
use crate::request::{Checked, NoParameters, Origin};
use crate::wire::values::DocumentName;
use axum::Router;
use axum::handler::Handler as _;
use axum::http::StatusCode;
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use redundancy_engine::DocumentId;
use redundancy_engine::document::InvalidName;
use redundancy_engine::index::NewText;

use body::DocumentBody;
pub(crate) use body::NewDocumentBody;
pub(crate) use list::CollectionPage;
pub(crate) use shown::{AddedData, DocumentData, MatchData, kind_name};

/// All routes about documents.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/documents", get(list::list).post(add))
        .route("/api/v1/documents/bulk", post(bulk::add_all))
        .route("/api/v1/documents/{id}", get(show.layer(from_fn(in_turn))).put(put).delete(remove))
}

impl Named for DocumentId {
    const UNKNOWN: &'static str = "There is no document with this id.";
}

/// Put a document under an id of your own
///
/// In place of the document with this id, whatever collection that is in. The answer names the documents of its collection
/// that it duplicates, as they were before: those with the same bytes, with the same words, or with a Jaccard similarity of 0.8
/// and more. When this answers, document, index entries and events are stored, all together. Documents that are put at the
/// same time by different requests need not find each other.
#[utoipa::path(
    put,
    path = "/api/v1/documents/{id}",
    operation_id = "put_document",
    tag = "Documents",
    params(("id" = DocumentName, Path, description = "The id of the document: 1 to 128 of `[A-Za-z0-9._:-]`, but not `bulk`, `.` or `..`")),
    request_body(content = DocumentBody, example = json!({
        "content": "We keep your data for thirty days and then delete it.",
        "collection": "policies",
        "metadata": {"source": "https://example.com/privacy"},
    })),
    responses(
        (status = 200, description = "Put in place of another", body = Envelope<AddedData>),
        (status = 201, description = "Put, and there was none with its id", body = Envelope<AddedData>),
    ),
)]
pub(crate) async fn put(
    Here(app): Here,
    Segment(id): Segment,
    Checked { body, origin, reserved: _reserved, .. }: Checked<DocumentBody>,
) -> Result<Response, ApiError> {
    let id = id.ok_or(InvalidName::Document).and_then(|id| DocumentId::chosen(&id));
    let id = id.map_err(|error| {
        let fault = FieldFault { field: "id".to_owned(), message: error.to_string() };
        ApiError::invalid(format!("The id in the path {error}."), vec![fault])
    })?;
    store(&app, body.into_text(Some(id), origin)).await
}

/// Put a document
///
/// As under an id of your own; without an `id` it gets a new one.
#[utoipa::path(
    post,
    path = "/api/v1/documents",
    operation_id = "add_document",
    tag = "Documents",
    request_body(content = NewDocumentBody, example = json!({
        "content": "We keep your data for ninety days and then delete it.",
        "collection": "policies",
    })),
    responses(
        (status = 200, description = "Put in place of the document with its id", body = Envelope<AddedData>),
        (status = 201, description = "Put, and there was none with its id", body = Envelope<AddedData>),
    ),
)]
pub(crate) async fn add(
    Here(app): Here,
    Checked { body, origin, reserved: _reserved, .. }: Checked<NewDocumentBody>,
) -> Result<Response, ApiError> {
    store(&app, body.into_text(origin)).await
}

async fn store(app: &App, text: NewText) -> Result<Response, ApiError> {
    let detection = app.metrics().detection();
    let added = detection.timed(app.clock(), IndexWork::Put, app.engine().add(text)).await?;
    detection.matches(IndexWork::Put, &added.duplicates);
    let location = format!("/api/v1/documents/{}", added.document.id);
    let is_new = added.is_new;
    let data = AddedData::from(added);
    Ok(if is_new {
        Envelope::created(data, &location).into_response()
    } else {
        Envelope::ok(data).into_response()
    })
}

/// Show a document
///
/// With its text, if that is stored.
#[utoipa::path(
    get,
    path = "/api/v1/documents/{id}",
    operation_id = "show_document",
    tag = "Documents",
    params(("id" = String, Path, description = "The id of the document")),
    responses((status = 200, description = "The document", body = Envelope<DocumentData>)),
)]
pub(crate) async fn show(
    Here(app): Here,
    Id(id): Id<DocumentId>,
    _: NoParameters,
) -> Result<Envelope<DocumentData>, ApiError> {
    let (document, content) = app.engine().document(&id).await?.ok_or_else(DocumentId::unknown)?;
    Ok(Envelope::ok(DocumentData::new(&document, content.as_deref())))
}

/// Remove a document
///
/// From then on nothing leads to it.
#[utoipa::path(
    delete,
    path = "/api/v1/documents/{id}",
    operation_id = "delete_document",
    tag = "Documents",
    params(("id" = String, Path, description = "The id of the document")),
    responses((status = 204, description = "Done")),
)]
pub(crate) async fn remove(
    Here(app): Here,
    Id(id): Id<DocumentId>,
    origin: Origin,
    _: NoParameters,
) -> Result<StatusCode, ApiError> {
    let was_there = app.engine().remove_document(&id, &origin.caller(None)).await?;
    if was_there { Ok(StatusCode::NO_CONTENT) } else { Err(DocumentId::unknown()) }
}
