//! `/api/v1/webhooks/deliveries`: every delivery and every attempt.

use super::NoFields;
use super::filter::{DeliveryQuery, FilterParameters};
use crate::app::{App, Here};
use crate::envelope::{Envelope, PageData};
use crate::error::{ApiError, Failure};
use crate::request::path::{Id, Named};
use crate::request::query::Queried;
use crate::request::{Checked, NoParameters};
use crate::routes::paging::{self, Part};
use crate::wire::millis;
use redundancy_engine::webhook::FailureReason;
use redundancy_engine::webhook::delivery::{Attempt, Delivery, DeliveryState};
use redundancy_engine::webhook::ids::DeliveryId;
use redundancy_engine::webhook::store::Changed;
use redundancy_engine::webhook::webhooks::Obstacle;
use serde::Serialize;
use utoipa::ToSchema;

/// What to tell of a delivery that cannot be attempted again.
const GONE: &str = "The endpoint or the event of this delivery is gone. It cannot be attempted again. An endpoint that has the \
                    same id now gets past events by its replay.";

/// One event on its way to one endpoint.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeliveryData {
    #[schema(example = "dlv_06f3k9c2vtx5x8w0h3m1r7q4ze")]
    id: String,
    #[schema(example = "evt_06f3k9c2vtx5x8w0h3m1r7q4ze")]
    event_id: String,
    #[schema(example = "analysis.completed")]
    event_type: String,
    #[schema(example = "main-webhook")]
    endpoint_id: String,
    state: StateName,
    /// Attempts that were made.
    attempt_count: u32,
    /// The status of the last answer; `null` when there was none.
    #[schema(example = 200)]
    last_status: Option<u16>,
    /// Why the last attempt failed; `null` when it did not.
    #[schema(example = "timeout", value_type = Option<String>)]
    last_failure: Option<&'static str>,
    /// When it was accepted.
    #[schema(example = "2026-01-02T03:04:05.678Z")]
    created_at: String,
    /// When it got into its state, or was last attempted.
    #[schema(example = "2026-01-02T03:04:05.690Z")]
    updated_at: String,
    /// When the next attempt is due; `null` unless it is pending.
    due_at: Option<String>,
}

/// One event on its way to one endpoint, and every attempt.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeliveryDetail {
    #[serde(flatten)]
    delivery: DeliveryData,
    /// In their order.
    attempts: Vec<AttemptData>,
}

/// One attempt.
#[derive(Serialize, ToSchema)]
pub(crate) struct AttemptData {
    /// 1 for the first one of its delivery.
    #[schema(example = 1)]
    number: u32,
    /// When it began.
    #[schema(example = "2026-01-02T03:04:05.680Z")]
    started_at: String,
    /// From then to its end.
    #[schema(example = 12.5)]
    duration_ms: f64,
    /// Whether the receiver took the event.
    succeeded: bool,
    /// The status of the answer; `null` when there was none.
    #[schema(example = 200)]
    status: Option<u16>,
    /// Why it failed: `dns`, `blocked_address`, `connect`, `tls`, `timeout`, `status`, `body_too_large` or `protocol`; `null`
    /// when it did not.
    #[schema(value_type = Option<String>)]
    failure: Option<&'static str>,
    /// The headers of the answer, in their order.
    response_headers: Vec<HeaderData>,
    /// The first 16 KiB of the answer's body. What is no UTF-8 is replaced.
    response_body: String,
}

/// One header.
#[derive(Serialize, ToSchema)]
struct HeaderData {
    #[schema(example = "content-type")]
    name: String,
    #[schema(example = "text/plain")]
    value: String,
}

/// How far a delivery got.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DeliveryState)]
enum StateName {
    /// It waits for its time, or for its endpoint.
    Pending,
    /// An attempt is being made.
    InFlight,
    /// The receiver took it.
    Succeeded,
    /// It was given up: a dead letter.
    Exhausted,
    /// Somebody did not want it any more, or its endpoint was deleted.
    Cancelled,
}

/// List deliveries
///
/// Newest first. All filters that are given must hold.
#[utoipa::path(
    get,
    path = "/api/v1/webhooks/deliveries",
    operation_id = "list_deliveries",
    tag = "Deliveries",
    params(
        FilterParameters,
        ("state" = Option<StateName>, Query, description = "Only deliveries in this state: `pending`, `in_flight`, `succeeded`, `exhausted`, `cancelled`"),
    ),
    responses((status = 200, description = "A part of the list", body = Envelope<PageData<DeliveryData>>)),
)]
pub(crate) async fn list(
    Here(app): Here,
    Queried(DeliveryQuery { filter, part: Part { page, list } }): Queried<DeliveryQuery>,
) -> Result<Envelope<PageData<DeliveryData>>, ApiError> {
    let page = app.webhooks().deliveries(&filter, page).await?;
    Ok(Envelope::ok(paging::answer(list, page.items, page.next.as_ref())))
}

/// Show a delivery and all its attempts
#[utoipa::path(
    get,
    path = "/api/v1/webhooks/deliveries/{id}",
    operation_id = "show_delivery",
    tag = "Deliveries",
    params(("id" = String, Path, description = "The id of the delivery")),
    responses((status = 200, description = "The delivery", body = Envelope<DeliveryDetail>)),
)]
pub(crate) async fn show(
    Here(app): Here,
    Id(id): Id<DeliveryId>,
    _: NoParameters,
) -> Result<Envelope<DeliveryDetail>, ApiError> {
    let (delivery, attempts) = app.webhooks().delivery(id).await?.ok_or_else(DeliveryId::unknown)?;
    Ok(Envelope::ok(DeliveryDetail {
        delivery: delivery.into(),
        attempts: attempts.into_iter().map(AttemptData::from).collect(),
    }))
}

/// Attempt a delivery again now
///
/// With all attempts of its endpoint's policy. One that waits for its next attempt does not wait any longer.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks/deliveries/{id}/retry",
    operation_id = "retry_delivery",
    tag = "Deliveries",
    params(("id" = String, Path, description = "The id of the delivery")),
    request_body(content = NoFields, example = json!({})),
    responses(
        (status = 200, description = "The delivery, pending again", body = Envelope<DeliveryData>),
        (status = 409, description = "An attempt is being made, or the endpoint is not active", body = Failure),
        (status = 410, description = "The endpoint or the event of the delivery is gone", body = Failure),
    ),
)]
pub(crate) async fn retry(
    Here(app): Here,
    Id(id): Id<DeliveryId>,
    _: Checked<NoFields>,
) -> Result<Envelope<DeliveryData>, ApiError> {
    check_receiver(&app, id).await?;
    let changed = app.webhooks().retry(id).await?;
    answer(&app, id, changed, "an attempt is being made already").await
}

/// Attempt a delivery no more
#[utoipa::path(
    post,
    path = "/api/v1/webhooks/deliveries/{id}/cancel",
    operation_id = "cancel_delivery",
    tag = "Deliveries",
    params(("id" = String, Path, description = "The id of the delivery")),
    request_body(content = NoFields, example = json!({})),
    responses(
        (status = 200, description = "The delivery, cancelled", body = Envelope<DeliveryData>),
        (status = 409, description = "It is not waiting", body = Failure),
        (status = 410, description = "The endpoint or the event of the delivery is gone", body = Failure),
    ),
)]
pub(crate) async fn cancel(
    Here(app): Here,
    Id(id): Id<DeliveryId>,
    _: Checked<NoFields>,
) -> Result<Envelope<DeliveryData>, ApiError> {
    let changed = app.webhooks().cancel(id).await?;
    answer(&app, id, changed, "only one that is pending can be cancelled").await
}

/// Refuses what would queue a delivery that nobody gets.
pub(super) async fn check_receiver(app: &App, id: DeliveryId) -> Result<(), ApiError> {
    match app.webhooks().obstacle(id).await? {
        None => Ok(()),
        Some(Obstacle::EndpointGone) => Err(ApiError::gone(GONE)),
        Some(Obstacle::EndpointInactive) => Err(ApiError::inactive()),
    }
}

/// The answer to a change. `rule` says which states allow it.
pub(super) async fn answer(
    app: &App,
    id: DeliveryId,
    changed: Changed,
    rule: &str,
) -> Result<Envelope<DeliveryData>, ApiError> {
    match changed {
        Changed::Done(delivery) => Ok(Envelope::ok(delivery.into())),
        Changed::WrongState(state) => {
            Err(ApiError::conflict(format!("The delivery is {}: {rule}.", state.as_str())))
        }
        Changed::NotFound if app.webhooks().delivery(id).await?.is_some() => Err(ApiError::gone(GONE)),
        Changed::NotFound => Err(DeliveryId::unknown()),
    }
}

impl From<Delivery> for DeliveryData {
    fn from(delivery: Delivery) -> Self {
        Self {
            id: delivery.id.to_string(),
            event_id: delivery.event_id.to_string(),
            event_type: delivery.event_type.to_string(),
            endpoint_id: delivery.endpoint_id.to_string(),
            state: delivery.state.into(),
            attempt_count: delivery.attempts,
            last_status: delivery.last_status,
            last_failure: delivery.last_failure.map(FailureReason::as_str),
            created_at: delivery.created_at.to_string(),
            updated_at: delivery.updated_at.to_string(),
            due_at: delivery.due_at.map(|due_at| due_at.to_string()),
        }
    }
}

impl From<Attempt> for AttemptData {
    fn from(attempt: Attempt) -> Self {
        let headers = attempt.response_headers.into_iter();
        Self {
            number: attempt.number,
            started_at: attempt.started_at.to_string(),
            duration_ms: millis(attempt.duration),
            succeeded: attempt.failure.is_none(),
            status: attempt.status,
            failure: attempt.failure.map(FailureReason::as_str),
            response_headers: headers.map(|(name, value)| HeaderData { name, value }).collect(),
            response_body: attempt.response_body,
        }
    }
}

impl From<DeliveryState> for StateName {
    fn from(state: DeliveryState) -> Self {
        match state {
            DeliveryState::Pending => Self::Pending,
            DeliveryState::InFlight => Self::InFlight,
            DeliveryState::Succeeded => Self::Succeeded,
            DeliveryState::Exhausted => Self::Exhausted,
            DeliveryState::Cancelled => Self::Cancelled,
        }
    }
}
