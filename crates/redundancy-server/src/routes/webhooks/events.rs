//! `/api/v1/webhooks/events`: publishing events, and looking at them.

use crate::app::Here;
use crate::envelope::{Envelope, Located, PageData};
use crate::error::{ApiError, Failure};
use crate::request::fields::Fields;
use crate::request::json::Json;
use crate::request::path::{Id, Named};
use crate::request::rules::{self, Refusal};
use crate::request::{Body, Checked, Limits, NoParameters};
use crate::wire::values::{IdempotencyKey, RequestName, UserId};
use redundancy_engine::webhook::event::{Event, EventType, NewEvent, types};
use redundancy_engine::webhook::ids::EventId;
use redundancy_engine::webhook::store::Published;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// An event to be published.
// Serialised nowhere: the derive is there for `deny_unknown_fields`, which the OpenAPI document takes over.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventBody {
    /// What kind of event it is: one of your own, or one of those of the service that do not tell of endpoints and deliveries.
    /// No part of it between full stops may be empty.
    #[schema(value_type = String, min_length = 1, max_length = 64, pattern = r"^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*$", example = "invoice.paid")]
    r#type: EventType,
    /// What happened: any JSON. Receivers get it character by character as it stands here.
    #[schema(value_type = serde_json::Value)]
    data: Box<RawValue>,
    /// The request that led to it; this one when left out. Receivers get it as `request_id` and in `X-Request-Id`.
    #[schema(value_type = Option<RequestName>)]
    request_id: Option<String>,
    /// The user on whose behalf it happened; also taken from the header `X-User-Id`.
    #[schema(value_type = Option<UserId>)]
    user_id: Option<String>,
}

/// An event that was accepted.
#[derive(Serialize, ToSchema)]
pub(crate) struct PublishedData {
    #[schema(example = "evt_06f3k9c2vtx5x8w0h3m1r7q4ze")]
    event_id: String,
    /// How many endpoints get it.
    #[schema(example = 1)]
    deliveries: u32,
}

/// An event.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventData {
    #[schema(example = "evt_06f3k9c2vtx5x8w0h3m1r7q4ze")]
    id: String,
    #[schema(example = "analysis.completed")]
    r#type: String,
    /// When it was published.
    #[schema(example = "2026-01-02T03:04:05.678Z")]
    timestamp: String,
    /// What happened.
    #[schema(value_type = serde_json::Value)]
    data: Box<RawValue>,
    /// The request that led to it.
    request_id: Option<String>,
    /// The user on whose behalf it happened.
    user_id: Option<String>,
    /// How many deliveries it has.
    deliveries: u32,
}

/// A kind of event.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventTypeData {
    #[schema(example = "analysis.completed", value_type = String)]
    r#type: &'static str,
    /// What it tells.
    #[schema(example = "A text was analysed", value_type = String)]
    description: &'static str,
}

/// What only the body of an event knows.
#[derive(Deserialize)]
struct Told {
    data: Box<RawValue>,
    user_id: Option<String>,
}

/// Publish an event
///
/// When this answers, the event and its deliveries are stored. With the header `Idempotency-Key` the same request, sent again
/// within 24 hours, is not done again and gets the same answer.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks/events",
    operation_id = "publish_event",
    tag = "Events",
    params(("Idempotency-Key" = inline(Option<IdempotencyKey>), Header, description = "Makes it harmless to send the request twice: 1 to 255 visible characters of ASCII")),
    request_body(content = EventBody, example = json!({"type": "invoice.paid", "data": {"invoice": 42, "amount": "12.50"}})),
    responses(
        (status = 202, description = "Accepted: it will be delivered", body = Envelope<PublishedData>),
        (status = 409, description = "The key was used for another request", body = Failure),
    ),
)]
pub(crate) async fn publish(
    Here(app): Here,
    Checked { body, mut origin, reserved: _reserved, .. }: Checked<EventBody>,
) -> Result<Located<PublishedData>, ApiError> {
    let idempotency_key = origin.idempotency_key.take();
    let mut caller = origin.caller(body.user_id);
    caller.request_id = body.request_id.or(caller.request_id);
    let new = NewEvent { kind: body.r#type, data: body.data, caller };
    let published = match idempotency_key {
        Some(key) => app.webhooks().publish_once(new, &key).await?,
        None => app.webhooks().publish(new).await?,
    };
    let location = format!("/api/v1/webhooks/events/{}", published.event_id);
    Ok(Envelope::accepted_at(published.into(), &location))
}

/// Show an event
#[utoipa::path(
    get,
    path = "/api/v1/webhooks/events/{id}",
    operation_id = "show_event",
    tag = "Events",
    params(("id" = String, Path, description = "The id of the event")),
    responses((status = 200, description = "The event", body = Envelope<EventData>)),
)]
pub(crate) async fn show(
    Here(app): Here,
    Id(id): Id<EventId>,
    _: NoParameters,
) -> Result<Envelope<EventData>, ApiError> {
    let (event, deliveries) = app.webhooks().event(id).await?.ok_or_else(EventId::unknown)?;
    EventData::new(&event, deliveries).map(Envelope::ok)
}

/// List the kinds of events
///
/// Those that the service publishes itself. Any other name of up to 64 letters, digits, `_` and `.` can be published too.
/// `endpoint.disabled`, `delivery.exhausted` and `webhook.ping` come from the service alone.
#[utoipa::path(
    get,
    path = "/api/v1/webhooks/event-types",
    operation_id = "list_event_types",
    tag = "Events",
    responses((status = 200, description = "All of them", body = Envelope<PageData<EventTypeData>>)),
)]
pub(crate) async fn event_types(_: NoParameters) -> Envelope<PageData<EventTypeData>> {
    let all = types::ALL.map(|(r#type, description)| EventTypeData { r#type, description });
    Envelope::ok(PageData::new(all, None))
}

impl Body for EventBody {
    const TEXTS: usize = 1;
    const MAY_WAIT: bool = false;
    const VERBATIM: Option<&'static str> = Some("data");
    const TAKES_KEY: bool = true;

    fn read(fields: &mut Fields<'_, '_>, limits: Limits<'_>) -> Option<Self> {
        let r#type = fields.required("type", publishable);
        let data = fields.required("data", rules::verbatim(limits.max_content_bytes));
        let request_id = fields.optional("request_id", rules::request_id);
        let user_id = fields.optional("user_id", rules::user_id);
        Some(Self { r#type: r#type?, data: data?, request_id: request_id?, user_id: user_id? })
    }
}

/// A type that callers may publish.
fn publishable(value: Json<'_>) -> Result<EventType, Refusal> {
    let kind: EventType = rules::parsed(value)?;
    kind.check_publishable().map_err(|error| Refusal::of_domain(&error))?;
    Ok(kind)
}

impl From<Published> for PublishedData {
    fn from(published: Published) -> Self {
        Self { event_id: published.event_id.to_string(), deliveries: published.deliveries }
    }
}

impl EventData {
    fn new(event: &Event, deliveries: u32) -> Result<Self, ApiError> {
        let Told { data, user_id } = serde_json::from_slice(&event.body).map_err(|error| {
            tracing::error!(%error, event = %event.id, "the body of an event cannot be read");
            ApiError::internal()
        })?;
        Ok(Self {
            id: event.id.to_string(),
            r#type: event.kind.to_string(),
            timestamp: event.created_at.to_string(),
            data,
            request_id: event.request_id.clone(),
            user_id,
            deliveries,
        })
    }
}
