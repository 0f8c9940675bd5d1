//! `/api/v1/batches`: many items of one operation, accepted in one request and done behind it.

mod accepting;
mod body;
mod items;
mod results;

use crate::app::{App, Here};
use crate::envelope::{Envelope, PageData};
use crate::error::{ApiError, Failure};
use crate::request::NoParameters;
use crate::request::cursor::Key;
use crate::request::path::{Id, Named};
use crate::request::query::{self, Parameters, Queried};
use crate::routes::paging::{self, PageParameters, Part};
use axum::Router;
use axum::routing::get;
use redundancy_engine::batch::Cancelled;
use redundancy_engine::{Batch, BatchId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use accepting::{__path_accept, accept};
pub(crate) use body::BatchItem;
pub(crate) use items::Items;
pub(crate) use results::{__path_results, results};

/// All routes about batches.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/batches", get(list).post(accept))
        .route("/api/v1/batches/{id}", get(show).delete(cancel))
        .route("/api/v1/batches/{id}/results", get(results))
}

impl Named for BatchId {
    const UNKNOWN: &'static str = "There is no batch with this id, or it was deleted because it is too old.";
}

/// A batch, and how far it got.
#[derive(Serialize, ToSchema)]
pub(crate) struct BatchData {
    #[schema(example = "bat_06f3k9c2vtx5x8w0h3m1r7q4ze")]
    batch_id: String,
    /// What is done with each item: `analyze`, `similarity`, `quality` or `index`.
    #[schema(example = "analyze", value_type = String)]
    operation: &'static str,
    /// `queued`, `running`, `completed` (every item has its result), `failed` (it could not go on) or `cancelled`.
    #[schema(example = "running", value_type = String)]
    state: &'static str,
    /// How many items it has.
    #[schema(example = 1000)]
    total: u64,
    /// How many items have a result, those with an error among them.
    #[schema(example = 250)]
    done: u64,
    /// For how many items the result is an error.
    #[schema(example = 1)]
    failed: u64,
    /// How long the rest will take if it goes on as it did; `null` while that is not known, and of a batch that ended early.
    #[schema(example = 4.5)]
    eta_seconds: Option<f64>,
    /// Why it could not go on; `null` unless it failed.
    error: Option<String>,
    /// When it was accepted.
    #[schema(example = "2026-01-02T03:04:05.678Z")]
    created_at: String,
    /// When its first item was begun.
    #[schema(example = "2026-01-02T03:04:05.688Z")]
    started_at: Option<String>,
    /// When it ended.
    #[schema(example = "2026-01-02T03:04:11.702Z")]
    finished_at: Option<String>,
}

impl BatchData {
    fn new(batch: &Batch, now: Timestamp) -> Self {
        Self {
            batch_id: batch.id.to_string(),
            operation: batch.operation.as_str(),
            state: batch.state.as_str(),
            total: batch.total,
            done: batch.done,
            failed: batch.failed,
            eta_seconds: batch.remaining(now).map(|remaining| remaining.as_secs_f64()),
            error: batch.error.clone(),
            created_at: batch.created_at.to_string(),
            started_at: batch.started_at.map(|moment| moment.to_string()),
            finished_at: batch.finished_at.map(|moment| moment.to_string()),
        }
    }
}

/// The part of the list that is asked for.
pub(crate) struct BatchPage(Part<BatchId>);

impl query::Query for BatchPage {
    fn read(parameters: &mut Parameters<'_>) -> Option<Self> {
        paging::part(parameters).map(Self)
    }
}

impl Key for BatchId {
    fn to_text(&self) -> String {
        self.number().to_text()
    }

    fn of_text(text: &str) -> Option<Self> {
        u128::of_text(text).map(Self::from_number)
    }
}

/// List batches
///
/// The youngest first.
#[utoipa::path(
    get,
    path = "/api/v1/batches",
    operation_id = "list_batches",
    tag = "Batches",
    params(PageParameters),
    responses((status = 200, description = "A part of the list", body = Envelope<PageData<BatchData>>)),
)]
pub(crate) async fn list(
    Here(app): Here,
    Queried(BatchPage(Part { page, list })): Queried<BatchPage>,
) -> Result<Envelope<PageData<BatchData>>, ApiError> {
    let page = app.engine().batches(page).await?;
    let now = app.clock().now();
    let items: Vec<BatchData> = page.items.iter().map(|batch| BatchData::new(batch, now)).collect();
    Ok(Envelope::ok(paging::answer(list, items, page.next.as_ref())))
}

/// Ask how far a batch got
///
/// Batches that have ended are kept for as long as events are.
#[utoipa::path(
    get,
    path = "/api/v1/batches/{id}",
    operation_id = "show_batch",
    tag = "Batches",
    params(("id" = String, Path, description = "The `batch_id` of the answer that accepted it")),
    responses((status = 200, description = "How far it got", body = Envelope<BatchData>)),
)]
pub(crate) async fn show(
    Here(app): Here,
    Id(id): Id<BatchId>,
    _: NoParameters,
) -> Result<Envelope<BatchData>, ApiError> {
    let batch = app.engine().batch(id).await?.ok_or_else(BatchId::unknown)?;
    Ok(Envelope::ok(BatchData::new(&batch, app.clock().now())))
}

/// Cancel a batch
///
/// Results that are there stay. Of items that are being done at this moment there are none, although a text that was to be put into
/// the index may be in it. Cancelling twice is the same as once.
#[utoipa::path(
    delete,
    path = "/api/v1/batches/{id}",
    operation_id = "cancel_batch",
    tag = "Batches",
    params(("id" = String, Path, description = "The id of the batch")),
    responses(
        (status = 200, description = "It is cancelled", body = Envelope<BatchData>),
        (status = 409, description = "It has ended already", body = Failure),
    ),
)]
pub(crate) async fn cancel(
    Here(app): Here,
    Id(id): Id<BatchId>,
    _: NoParameters,
) -> Result<Envelope<BatchData>, ApiError> {
    match app.engine().cancel_batch(id).await? {
        Cancelled::Done(batch) => Ok(Envelope::ok(BatchData::new(&batch, app.clock().now()))),
        Cancelled::TooLate(batch) => {
            let state = batch.state.as_str();
            Err(ApiError::conflict(format!("The batch is {state}, so there is nothing left to cancel.")))
        }
        Cancelled::NotFound => Err(BatchId::unknown()),
    }
}
