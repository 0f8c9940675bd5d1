//! `POST /api/v1/webhooks/endpoints/{id}/test`: whether a receiver is there.

use crate::app::Here;
use crate::envelope::Envelope;
use crate::error::ApiError;
use crate::request::Checked;
use crate::request::path::{Id, Named};
use crate::routes::webhooks::NoFields;
use crate::routes::webhooks::deliveries::AttemptData;
use redundancy_engine::webhook::ids::EndpointId;
use redundancy_engine::webhook::webhooks::Ping;
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;

/// What is left of the time of a request for everything but the attempt.
const MARGIN: Duration = Duration::from_secs(1);

/// A test, and what came of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct PingData {
    /// The event that was sent.
    #[schema(example = "evt_06f3k9c2vtx5x8w0h3m1r7q4ze")]
    event_id: String,
    /// How long the attempt could take: the time-out of the endpoint, or less where requests to this service may not take so long.
    #[schema(example = 29_000)]
    timeout_ms: u64,
    #[serde(flatten)]
    attempt: AttemptData,
}

/// Send a test event now
///
/// One `webhook.ping`, whatever the circuit breaker and the limits of the endpoint say. It is neither retried nor kept, and what comes
/// of it changes nothing: a 410 does not disable the endpoint. The answer waits for the attempt to end, which has to be a second
/// before the time for this request is over: `timeout_ms` says when that was.
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
    Here(app): Here,
    Id(id): Id<EndpointId>,
    Checked { origin, .. }: Checked<NoFields>,
) -> Result<Envelope<PingData>, ApiError> {
    let at_most = longest(app.config().request_timeout);
    let Ping { event, attempt, timeout } =
        app.webhooks().ping(&id, at_most, origin.caller(None)).await?.ok_or_else(EndpointId::unknown)?;
    let timeout_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
    Ok(Envelope::ok(PingData { event_id: event.id.to_string(), timeout_ms, attempt: attempt.into() }))
}

/// How long an attempt can take so that the answer about it is there within `request_timeout`.
fn longest(request_timeout: Duration) -> Duration {
    request_timeout.saturating_sub(MARGIN.min(request_timeout / 4))
}
