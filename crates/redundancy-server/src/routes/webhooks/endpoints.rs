//! `/api/v1/webhooks/endpoints`: who is told of which events, where and how.

pub(crate) mod body;
pub(crate) mod ping;
pub(crate) mod replay;
mod schema;
pub(crate) mod secrets;
mod shown;

use crate::app::Here;
use crate::envelope::{Envelope, Located, PageData};
use crate::error::{ApiError, Failure};
use crate::middleware::audit::FieldsSet;
use crate::request::path::{Id, Named};
use crate::request::query::Queried;
use crate::request::{Checked, NoParameters};
use crate::routes::paging::{self, EndpointPage, PageParameters, Part};
use axum::Extension;
use axum::http::StatusCode;
use body::{EndpointBody, Patch};
use redundancy_engine::webhook::guard::Guard;
use redundancy_engine::webhook::ids::EndpointId;
use redundancy_engine::webhook::store::{EndpointCounts, EndpointRecord};
use schema::{EndpointChange, NewEndpointBody};
use shown::{EndpointData, RegisteredData};

/// Register an endpoint
///
/// From when this answers, the endpoint gets every event that it wants. The answer shows the signing secret; later only
/// `/secret` does.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks/endpoints",
    operation_id = "register_endpoint",
    tag = "Endpoints",
    request_body(content = NewEndpointBody, example = json!({
        "id": "main-webhook",
        "url": "https://example.com/hooks",
        "events": ["analysis.completed", "batch.*"],
        "description": "Tells the warehouse",
        "retry": {"max_attempts": 8, "initial_delay_ms": 5000},
        "rate_limit": {"requests": 100, "per_seconds": 1},
    })),
    responses(
        (status = 201, description = "Registered", body = Envelope<RegisteredData>),
        (status = 409, description = "There is an endpoint with this id", body = Failure),
    ),
)]
pub(crate) async fn register(
    Here(app): Here,
    Checked { body: EndpointBody(new), .. }: Checked<EndpointBody>,
) -> Result<Located<RegisteredData>, ApiError> {
    let endpoint = app.webhooks().register(new).await?;
    let secret = endpoint.secret.reveal();
    let location = format!("/api/v1/webhooks/endpoints/{}", endpoint.id);
    let guard = Guard::new(endpoint.created_at);
    let record = EndpointRecord { endpoint, guard, counts: EndpointCounts::default() };
    Ok(Envelope::created(RegisteredData::new(record, secret), &location))
}

/// List endpoints
///
/// In the order of their ids.
#[utoipa::path(
    get,
    path = "/api/v1/webhooks/endpoints",
    operation_id = "list_endpoints",
    tag = "Endpoints",
    params(PageParameters),
    responses((status = 200, description = "A part of the list", body = Envelope<PageData<EndpointData>>)),
)]
pub(crate) async fn list(
    Here(app): Here,
    Queried(EndpointPage(Part { page, list })): Queried<EndpointPage>,
) -> Result<Envelope<PageData<EndpointData>>, ApiError> {
    let page = app.webhooks().endpoints(page).await?;
    Ok(Envelope::ok(paging::answer(list, page.items, page.next.as_ref())))
}

/// Show an endpoint
///
/// And how its deliveries go. A password in its URL and the values of its own headers are masked.
#[utoipa::path(
    get,
    path = "/api/v1/webhooks/endpoints/{id}",
    operation_id = "show_endpoint",
    tag = "Endpoints",
    params(("id" = String, Path, description = "The id of the endpoint")),
    responses((status = 200, description = "The endpoint", body = Envelope<EndpointData>)),
)]
pub(crate) async fn show(
    Here(app): Here,
    Id(id): Id<EndpointId>,
    _: NoParameters,
) -> Result<Envelope<EndpointData>, ApiError> {
    let record = app.webhooks().endpoint(&id).await?.ok_or_else(EndpointId::unknown)?;
    Ok(Envelope::ok(record.into()))
}

/// Change an endpoint
///
/// Fields that are left out stay as they are. `null` takes an optional field back to its default. A list or an object that is
/// given replaces the old one; only of `retry` each member stands for itself. Making an endpoint active that was not forgives its
/// failures: the circuit breaker closes, and `disabled_reason` goes.
#[utoipa::path(
    patch,
    path = "/api/v1/webhooks/endpoints/{id}",
    operation_id = "change_endpoint",
    tag = "Endpoints",
    params(("id" = String, Path, description = "The id of the endpoint")),
    request_body(content = EndpointChange, example = json!({"is_active": true, "timeout_ms": 10000, "rate_limit": null})),
    responses(
        (status = 200, description = "The endpoint as it is now", body = Envelope<EndpointData>),
        (status = 409, description = "Others changed it at the same time, again and again", body = Failure),
    ),
)]
pub(crate) async fn change(
    Here(app): Here,
    Id(id): Id<EndpointId>,
    Checked { body: patch, .. }: Checked<Patch>,
) -> Result<(Extension<FieldsSet>, Envelope<EndpointData>), ApiError> {
    let record = app.webhooks().update(&id, |endpoint| patch.apply(endpoint)).await?;
    Ok((Extension(FieldsSet(patch.fields_set())), Envelope::ok(record.into())))
}

/// Delete an endpoint
///
/// What is pending for it is cancelled.
#[utoipa::path(
    delete,
    path = "/api/v1/webhooks/endpoints/{id}",
    operation_id = "delete_endpoint",
    tag = "Endpoints",
    params(("id" = String, Path, description = "The id of the endpoint")),
    responses((status = 204, description = "Deleted")),
)]
pub(crate) async fn remove(
    Here(app): Here,
    Id(id): Id<EndpointId>,
    _: NoParameters,
) -> Result<StatusCode, ApiError> {
    if app.webhooks().remove(&id).await? { Ok(StatusCode::NO_CONTENT) } else { Err(EndpointId::unknown()) }
}
