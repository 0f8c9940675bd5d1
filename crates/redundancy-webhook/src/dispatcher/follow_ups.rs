//! Events about deliveries themselves.

use super::Ports;
use crate::clock::Timestamp;
use crate::delivery::Attempt;
use crate::endpoint::DisabledReason;
use crate::event::{Caller, Event, EventType, NewEvent, types};
use crate::ids::EventId;
use crate::store::{Audience, ClaimedDelivery, Publication};
use serde::Serialize;

#[derive(Serialize)]
struct ExhaustedData<'d> {
    delivery_id: String,
    event_id: String,
    event_type: &'d str,
    endpoint_id: &'d str,
    attempts: u32,
    last_status: Option<u16>,
    last_failure: Option<&'static str>,
}

#[derive(Serialize)]
struct DisabledData<'d> {
    endpoint_id: &'d str,
    reason: &'static str,
    delivery_id: String,
    failing_since: Option<String>,
}

/// The event that a delivery was given up. `None` for a delivery that itself told of a failure: such news must not breed.
pub(super) fn exhausted(
    ports: &Ports,
    claimed: &ClaimedDelivery,
    attempt: &Attempt,
    now: Timestamp,
) -> Option<Publication> {
    if is_about_failures(&claimed.delivery.event_type) {
        return None;
    }
    let data = ExhaustedData {
        delivery_id: claimed.delivery.id.to_string(),
        event_id: claimed.event.id.to_string(),
        event_type: claimed.event.kind.as_str(),
        endpoint_id: claimed.endpoint.id.as_str(),
        attempts: attempt.number,
        last_status: attempt.status,
        last_failure: attempt.failure.map(crate::failure::FailureReason::as_str),
    };
    publication(ports, claimed, types::DELIVERY_EXHAUSTED, &data, now)
}

/// The event that an endpoint was disabled.
pub(super) fn disabled(
    ports: &Ports,
    claimed: &ClaimedDelivery,
    reason: DisabledReason,
    now: Timestamp,
) -> Option<Publication> {
    let data = DisabledData {
        endpoint_id: claimed.endpoint.id.as_str(),
        reason: reason.as_str(),
        delivery_id: claimed.delivery.id.to_string(),
        failing_since: claimed.failing_since.map(|since| since.to_string()),
    };
    publication(ports, claimed, types::ENDPOINT_DISABLED, &data, now)
}

fn is_about_failures(kind: &EventType) -> bool {
    [types::DELIVERY_EXHAUSTED, types::ENDPOINT_DISABLED].contains(&kind.as_str())
}

/// Goes to everyone but the endpoint it is about, and is kept with the delivery, so that both are written in one step.
fn publication(
    ports: &Ports,
    claimed: &ClaimedDelivery,
    kind: &str,
    data: &impl Serialize,
    now: Timestamp,
) -> Option<Publication> {
    let caller = Caller {
        request_id: claimed.event.request_id.clone(),
        user_id: None,
        traceparent: claimed.event.traceparent.clone(),
    };
    let new = NewEvent { caller, ..NewEvent::new(kind.parse().ok()?, data).ok()? };
    let id = EventId::new_in_slot(claimed.delivery.id.slot(), now, &*ports.ids);
    Some(Publication {
        event: Event::with_id(id, now, new),
        audience: Audience::SubscribersBut(claimed.endpoint.id.clone()),
        idempotency: None,
        keep_unwanted: false,
    })
}
