//! `/api/v1/webhooks/…`: who is told of events, the events, and every delivery of them.

pub(crate) mod dead_letters;
pub(crate) mod deliveries;
pub(crate) mod endpoints;
pub(crate) mod events;
mod filter;
pub(crate) mod jobs;
pub(crate) mod stats;

use crate::app::App;
use crate::middleware::held_answers::in_turn;
use crate::request::fields::Fields;
use crate::request::path::Named;
use crate::request::{Body, Limits};
use axum::Router;
use axum::handler::Handler as _;
use axum::middleware::from_fn;
use axum::routing::{delete, get, post};
use redundancy_engine::webhook::ids::{DeliveryId, EndpointId, EventId, JobId};
use serde::Serialize;
use utoipa::ToSchema;

/// All routes about webhooks.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/webhooks/endpoints", get(endpoints::list).post(endpoints::register))
        .route(
            "/api/v1/webhooks/endpoints/{id}",
            get(endpoints::show).patch(endpoints::change).delete(endpoints::remove),
        )
        .route("/api/v1/webhooks/endpoints/{id}/rotate-secret", post(endpoints::secrets::rotate))
        .route("/api/v1/webhooks/endpoints/{id}/secret", get(endpoints::secrets::show))
        .route("/api/v1/webhooks/endpoints/{id}/test", post(endpoints::ping::test))
        .route("/api/v1/webhooks/endpoints/{id}/replay", post(endpoints::replay::replay))
        .route("/api/v1/webhooks/events", post(events::publish))
        .route("/api/v1/webhooks/events/{id}", get(events::show.layer(from_fn(in_turn))))
        .route("/api/v1/webhooks/event-types", get(events::event_types))
        .route("/api/v1/webhooks/deliveries", get(deliveries::list))
        .route("/api/v1/webhooks/deliveries/{id}", get(deliveries::show.layer(from_fn(in_turn))))
        .route("/api/v1/webhooks/deliveries/{id}/retry", post(deliveries::retry))
        .route("/api/v1/webhooks/deliveries/{id}/cancel", post(deliveries::cancel))
        .route("/api/v1/webhooks/dead-letters", get(dead_letters::list))
        .route("/api/v1/webhooks/dead-letters/requeue", post(dead_letters::requeue_all))
        .route("/api/v1/webhooks/dead-letters/{id}", delete(dead_letters::discard))
        .route("/api/v1/webhooks/dead-letters/{id}/requeue", post(dead_letters::requeue))
        .route("/api/v1/webhooks/jobs/{id}", get(jobs::show))
        .route("/api/v1/webhooks/stats", get(stats::stats))
}

/// An empty object, or no body at all.
// Serialised nowhere: the derive is there for `deny_unknown_fields`, which the OpenAPI document takes over.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoFields {}

impl Body for NoFields {
    const TEXTS: usize = 0;
    const MAY_WAIT: bool = false;
    const MAY_BE_EMPTY: bool = true;

    fn read(_: &mut Fields<'_, '_>, _: Limits<'_>) -> Option<Self> {
        Some(Self {})
    }
}

impl Named for EndpointId {
    const UNKNOWN: &'static str = "There is no endpoint with this id.";
}

impl Named for EventId {
    const UNKNOWN: &'static str = "There is no event with this id, or it is too long ago to be kept.";
}

impl Named for DeliveryId {
    const UNKNOWN: &'static str = "There is no delivery with this id, or it is too long ago to be kept.";
}

impl Named for JobId {
    const UNKNOWN: &'static str = "There is no job with this id, or it is too long ago to be kept.";
}
