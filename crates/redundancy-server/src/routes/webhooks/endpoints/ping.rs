//! `POST /api/v1/webhooks/endpoints/{id}/test`: whether a receiver is there.

use crate::app::App;
use crate::envelope::Envelope;
use crate::error::ApiError;
use crate::request::Checked;
use crate::request::path::{Id, Named};
use crate::routes::webhooks::NoFields;
use crate::routes::webhooks::deliveries::AttemptData;
use axum::extract::State;
use redundancy_engine::webhook::ids::EndpointId;
use serde::Serialize;
use utoipa::ToSchema;

/// A test, and what came of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct PingData {
    /// The event that was sent.
    #[schema(example = "evt_06f3k9c2vtx5x8w0h3m1r7q4ze")]
    event_id: String,
    #[serde(flatten)]
    attempt: AttemptData,
}

/// Send a test event now
///
/// One `webhook.ping`, whatever the circuit breaker and the limits of the endpoint say. It is neither retried nor kept, and the
/// answer waits for the attempt to end.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks/endpoints/{id}/test",
    operation_id = "test_endpoint",
    tag = "Endpoints",
    params(("id" = String, Path, description = "The id of the endpoint")),
    request_body(content = NoFields, example = json!({})),
    responses((status = 200, description = "What came of it", body = Envelope<PingData>)),
)]
pub(crate) async fn test(
    State(app): State<App>,
    Id(id): Id<EndpointId>,
    _: Checked<NoFields>,
) -> Result<Envelope<PingData>, ApiError> {
    let (event, attempt) = app.webhooks().ping(&id).await?.ok_or_else(EndpointId::unknown)?;
    Ok(Envelope::ok(PingData { event_id: event.id.to_string(), attempt: attempt.into() }))
}
