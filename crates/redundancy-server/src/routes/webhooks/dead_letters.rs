//! `/api/v1/webhooks/dead-letters`: deliveries that were given up.

use super::NoFields;
use super::deliveries::{DeliveryData, answer, check_receiver};
use super::filter::{DeadLetterFilter, DeadLetterFilterBody, DeadLetterQuery, FilterParameters};
use super::jobs::{JobData, accepted};
use crate::app::Here;
use crate::envelope::{Envelope, Located, PageData};
use crate::error::{ApiError, Failure};
use crate::request::path::Id;
use crate::request::query::Queried;
use crate::request::{Checked, NoParameters};
use crate::routes::paging::{self, Part};
use axum::http::StatusCode;
use redundancy_engine::webhook::ids::DeliveryId;
use redundancy_engine::webhook::store::Changed;

/// What to tell of a delivery that is none of these.
const RULE: &str = "it is no dead letter, and only those can be requeued or deleted here";

/// What to tell who wants to lay a dead letter aside that nobody can have attempted again.
const FORSAKEN: &str = "The endpoint or the event of this dead letter is gone, so nothing more can become of it. It goes by itself when \
                        the retention time is over.";

/// List dead letters
///
/// Deliveries that were given up, newest first. `/api/v1/webhooks/deliveries/{id}` shows their attempts.
#[utoipa::path(
    get,
    path = "/api/v1/webhooks/dead-letters",
    operation_id = "list_dead_letters",
    tag = "Deliveries",
    params(FilterParameters),
    responses((status = 200, description = "A part of the list", body = Envelope<PageData<DeliveryData>>)),
)]
pub(crate) async fn list(
    Here(app): Here,
    Queried(DeadLetterQuery { filter, part: Part { page, list } }): Queried<DeadLetterQuery>,
) -> Result<Envelope<PageData<DeliveryData>>, ApiError> {
    let page = app.webhooks().deliveries(&filter, page).await?;
    Ok(Envelope::ok(paging::answer(list, page.items, page.next.as_ref())))
}

/// Attempt a dead letter again
///
/// At once, with all attempts of its endpoint's policy.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks/dead-letters/{id}/requeue",
    operation_id = "requeue_dead_letter",
    tag = "Deliveries",
    params(("id" = String, Path, description = "The id of the delivery")),
    request_body(content = NoFields, example = json!({})),
    responses(
        (status = 200, description = "The delivery, pending again", body = Envelope<DeliveryData>),
        (status = 409, description = "The delivery is no dead letter, or its endpoint is not active", body = Failure),
        (status = 410, description = "The endpoint or the event of the delivery is gone", body = Failure),
    ),
)]
pub(crate) async fn requeue(
    Here(app): Here,
    Id(id): Id<DeliveryId>,
    _: Checked<NoFields>,
) -> Result<Envelope<DeliveryData>, ApiError> {
    check_receiver(&app, id).await?;
    let changed = app.webhooks().requeue(id).await?;
    answer(&app, id, changed, RULE).await
}

/// Attempt many dead letters again
///
/// Those that are there now and that the filter means, bit by bit and not too fast. Those whose endpoint is not active or was
/// deleted stay as they are. The answer names a job that tells how far it got.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks/dead-letters/requeue",
    operation_id = "requeue_dead_letters",
    tag = "Deliveries",
    request_body(content = DeadLetterFilterBody, example = json!({"event_type": "analysis.completed"})),
    responses(
        (status = 202, description = "Accepted: the path in `Location` tells how far it got", body = Envelope<JobData>),
        (status = 404, description = "There is no endpoint with the id in the filter", body = Failure),
        (status = 409, description = "The endpoint in the filter is not active", body = Failure),
    ),
)]
pub(crate) async fn requeue_all(
    Here(app): Here,
    Checked { body: DeadLetterFilter(filter), .. }: Checked<DeadLetterFilter>,
) -> Result<Located<JobData>, ApiError> {
    Ok(accepted(app.webhooks().requeue_all(filter).await?))
}

/// Lay a dead letter aside for good
///
/// It is cancelled and no longer listed here. Its attempts stay visible for as long as those of other deliveries.
#[utoipa::path(
    delete,
    path = "/api/v1/webhooks/dead-letters/{id}",
    operation_id = "delete_dead_letter",
    tag = "Deliveries",
    params(("id" = String, Path, description = "The id of the delivery")),
    responses(
        (status = 204, description = "Done"),
        (status = 409, description = "The delivery is no dead letter", body = Failure),
        (status = 410, description = "The endpoint or the event of the delivery is gone", body = Failure),
    ),
)]
pub(crate) async fn discard(
    Here(app): Here,
    Id(id): Id<DeliveryId>,
    _: NoParameters,
) -> Result<StatusCode, ApiError> {
    let changed = app.webhooks().discard(id).await?;
    if changed == Changed::NotFound && app.webhooks().delivery(id).await?.is_some() {
        return Err(ApiError::gone(FORSAKEN));
    }
    answer(&app, id, changed, RULE).await.map(|_| StatusCode::NO_CONTENT)
}
