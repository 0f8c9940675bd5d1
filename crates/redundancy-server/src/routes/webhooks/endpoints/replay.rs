//! `POST /api/v1/webhooks/endpoints/{id}/replay`: events of the past, delivered again.

use crate::app::Here;
use crate::envelope::{Envelope, Located};
use crate::error::{ApiError, Failure};
use crate::request::fields::Fields;
use crate::request::json::Json;
use crate::request::path::Id;
use crate::request::rules::{self, Refusal};
use crate::request::{Body, Checked, Limits};
use crate::routes::webhooks::jobs::{JobData, accepted};
use crate::wire::values::{EventChoice, Moment};
use redundancy_engine::webhook::delivery::DeliveryState;
use redundancy_engine::webhook::event::EventPattern;
use redundancy_engine::webhook::ids::EndpointId;
use redundancy_engine::webhook::webhooks::Replay;
use serde::Serialize;
use utoipa::ToSchema;

/// States that a delivery can be attempted again from.
const FINAL: [DeliveryState; 3] =
    [DeliveryState::Succeeded, DeliveryState::Exhausted, DeliveryState::Cancelled];

/// Which events are to be delivered again.
// Serialised nowhere: the derive is there for `deny_unknown_fields`, which the OpenAPI document takes over.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplayBody {
    /// Events published then or later: a date and time by RFC 3339, or milliseconds since the Unix epoch.
    #[schema(value_type = Moment)]
    since: String,
    /// Events published before then, which must not be before `since`; up to now when left out.
    #[schema(value_type = Option<Moment>)]
    until: Option<String>,
    /// Only those whose delivery to this endpoint is `succeeded`, `exhausted` or `cancelled`; any of them when left out. Events
    /// that the endpoint never had a delivery of are always meant.
    #[schema(value_type = Option<Vec<FinalState>>, min_items = 1)]
    states: Option<Vec<String>>,
    /// Only events of these types: names or patterns; those that the endpoint wants when left out.
    #[schema(value_type = Option<Vec<EventChoice>>, min_items = 1)]
    events: Option<Vec<String>>,
}

/// A state in which nothing more becomes of a delivery by itself.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = FinalDeliveryState)]
#[expect(dead_code, reason = "describes what is read by name")]
pub(crate) enum FinalState {
    /// The receiver took it.
    Succeeded,
    /// It was given up: a dead letter.
    Exhausted,
    /// Somebody did not want it any more, or its endpoint was deleted.
    Cancelled,
}

/// A request to replay.
pub(crate) struct ReplayRequest(Replay);

/// Deliver events of the past again
///
/// Bit by bit and not too fast. The answer names a job that tells how far it got.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks/endpoints/{id}/replay",
    operation_id = "replay",
    tag = "Endpoints",
    params(("id" = String, Path, description = "The id of the endpoint")),
    request_body(content = ReplayBody, example = json!({"since": "2026-01-02T03:04:05Z", "states": ["exhausted"]})),
    responses(
        (status = 202, description = "Accepted: the path in `Location` tells how far it got", body = Envelope<JobData>),
        (status = 409, description = "The endpoint is not active", body = Failure),
    ),
)]
pub(crate) async fn replay(
    Here(app): Here,
    Id(id): Id<EndpointId>,
    Checked { body: ReplayRequest(replay), .. }: Checked<ReplayRequest>,
) -> Result<Located<JobData>, ApiError> {
    Ok(accepted(app.webhooks().replay(&id, replay).await?))
}

impl Body for ReplayRequest {
    const TEXTS: usize = 0;
    const MAY_WAIT: bool = false;

    fn read(fields: &mut Fields<'_, '_>, _: Limits<'_>) -> Option<Self> {
        let since = fields.required("since", rules::moment);
        let until = fields.optional("until", rules::moment);
        let names = FINAL.map(|state| (state.as_str(), state));
        let states = fields.given_list("states", rules::one_of(&names));
        let events = fields.given_list("events", pattern);
        fields.demand_items("states", &states);
        fields.demand_items("events", &events);
        let (since, until) = (since?, until?);
        if until.is_some_and(|until| until < since) {
            fields.faults().refuse("/until".to_owned(), rules::before_since());
            return None;
        }
        let states = states.value().unwrap_or_else(|| FINAL.into());
        Some(Self(Replay { since, until, states, events: events.value() }))
    }
}

/// A pattern that there can be events of.
fn pattern(value: Json<'_>) -> Result<EventPattern, Refusal> {
    let pattern: EventPattern = rules::parsed(value)?;
    pattern.check_matchable().map_err(|error| Refusal::of_domain(&error))?;
    Ok(pattern)
}
