//! `POST /api/v1/batches`: accepts a batch, as one JSON object or as lines.

use super::body::{BatchBody, LinesParameters, OperationName};
use super::{BatchData, BatchItem};
use crate::app::{App, Here};
use crate::envelope::{Envelope, Located};
use crate::error::ApiError;
use crate::request::lines::Lines;
use crate::request::query::Queried;
use crate::request::{self, Checked, Origin};
use axum::extract::{FromRequest, FromRequestParts, Request};
use redundancy_engine::batch::{BatchError, NewBatch};
use redundancy_engine::{Batch, BatchOperation, Caller};
use std::sync::Arc;

/// Texts of one item at most.
const TEXTS_PER_ITEM: usize = 2;
/// Bytes of lines that are taken note of together: as many as may be in memory before they are stored, and a line more.
const ROOM_BYTES: usize = 2 << 20;

/// Accept a batch
///
/// `items` in one JSON object, or one item on each line (`Content-Type: application/x-ndjson`, the operation as `?operation=`, which
/// goes with lines only):
/// up to 1,000,000 items of 1 GiB together. When this answers, the batch is stored with all its items and will be done, also after a
/// restart. Results stand in the order of the items; an item at fault, and a line that is no JSON, has an error for its result.
/// Analyses in a batch tell of themselves by `batch.completed` alone, documents as if they came one by one. A document without
/// an `id` gets one made of the id of the batch and its own number. Batches take turns, and leave half of the cores to others.
#[utoipa::path(
    post,
    path = "/api/v1/batches",
    operation_id = "create_batch",
    tag = "Batches",
    params(("operation" = Option<OperationName>, Query, description = "What is done with each line. Only with lines, which need it: one JSON object says it itself, and is refused with this parameter")),
    request_body(content(
        (BatchBody = "application/json", example = json!({
            "operation": "quality",
            "items": [
                {"content": "The cat sat on the mat. The dog ran to the red barn."},
                {"content": "El gato se sentó en la alfombra. El perro corrió al granero.", "language": "es"},
            ],
        })),
        (BatchItem = "application/x-ndjson"),
    )),
    responses((
        status = 202,
        description = "Accepted: how far it got will stand at the path in `Location`, results below that",
        body = Envelope<BatchData>,
    )),
)]
pub(crate) async fn accept(Here(app): Here, request: Request) -> Result<Located<BatchData>, ApiError> {
    let batch = if request::are_lines(request.headers()) {
        let (mut head, body) = request.into_parts();
        let origin = Origin::from_request_parts(&mut head, &app).await?;
        let Queried(LinesParameters { operation }) = Queried::from_request_parts(&mut head, &app).await?;
        let lines = Lines::from_request(Request::from_parts(head, body), &app).await?;
        let lines = lines.with_texts(TEXTS_PER_ITEM, &app);
        of_lines(&app, operation, origin.caller(None), lines).await?
    } else {
        let checked = Checked::<BatchBody>::from_request(request, &app).await?;
        let Checked { body: BatchBody { operation, items, user_id }, origin, reserved, .. } = checked;
        let operation = BatchOperation::of_name(operation).ok_or_else(ApiError::internal)?;
        let batch = of_list(&app, operation, origin.caller(user_id), items).await?;
        drop(reserved);
        batch
    };
    let location = format!("/api/v1/batches/{}", batch.id);
    Ok(Envelope::accepted_at(BatchData::new(&batch, app.clock().now()), &location))
}

async fn of_list(
    app: &App,
    operation: BatchOperation,
    caller: Caller,
    items: Vec<Arc<[u8]>>,
) -> Result<Batch, ApiError> {
    let mut batch = app.engine().new_batch(operation, caller);
    for item in items {
        if let Err(error) = batch.add(item).await {
            batch.abandon().await;
            return Err(refused(error));
        }
    }
    batch.accept().await.map_err(refused)
}

async fn of_lines(
    app: &App,
    operation: BatchOperation,
    caller: Caller,
    mut lines: Lines,
) -> Result<Batch, ApiError> {
    let mut batch = app.engine().new_batch(operation, caller);
    match add_lines(app, &mut batch, &mut lines).await {
        Ok(()) => batch.accept().await.map_err(refused),
        Err(error) => {
            batch.abandon().await;
            Err(error)
        }
    }
}

async fn add_lines(app: &App, batch: &mut NewBatch<'_>, lines: &mut Lines) -> Result<(), ApiError> {
    let mut room = lines.room(app);
    while let Some(line) = lines.next().await? {
        // A line that is too long is known by having nothing in it: one of those does not get here.
        let item: Arc<[u8]> = line.bytes.unwrap_or_default().into();
        if room.bytes() + item.len() > ROOM_BYTES {
            room = lines.room(app);
        }
        room.grow(item.len())?;
        batch.add(item).await.map_err(refused)?;
    }
    Ok(())
}

fn refused(error: BatchError) -> ApiError {
    let message = format!("Send less: {error}.");
    match error {
        BatchError::Empty => ApiError::invalid("The body has no items: send at least one.", Vec::new()),
        BatchError::TooManyItems | BatchError::TooManyBytes => ApiError::value_too_large(message, Vec::new()),
        BatchError::Engine(error) => error.into(),
    }
}
