//! Deliveries and events as the scripts give them.

use super::fault::unexpected;
use super::key::from_hex;
use super::reply::Items;
use bytes::Bytes;
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::delivery::{Delivery, DeliveryState};
use redundancy_webhook::event::{Event, EventType};
use redundancy_webhook::failure::FailureReason;
use redundancy_webhook::ids::{DeliveryId, EventId};
use redundancy_webhook::store::StoreError;

/// A delivery, as the script function `whole` gives it. What is missing is as with a new one.
pub(super) fn delivery(items: &mut Items) -> Result<Delivery, StoreError> {
    let id = DeliveryId::from_number(number(items)?);
    let event_type = items.parse()?;
    let event_id = EventId::from_number(number(items)?);
    let endpoint_id = items.parse()?;
    let state =
        items.text()?.map_or(Some(DeliveryState::Pending), |letter| state(&letter)).ok_or_else(unexpected)?;
    let mut moment = || -> Result<Timestamp, StoreError> {
        Ok(items.parse_optional()?.map_or_else(|| id.made_at(), Timestamp::from_millis))
    };
    let (updated_at, due_at) = (moment()?, moment()?);
    let (attempts, spent) = (items.parse_optional()?.unwrap_or(0), items.parse_optional()?.unwrap_or(0));
    let last_status = items.parse_optional()?;
    let last_failure = items.text()?.and_then(|name| name.parse::<FailureReason>().ok());
    Ok(Delivery {
        id,
        event_id,
        event_type,
        endpoint_id,
        state,
        created_at: event_id.made_at(),
        updated_at,
        due_at: (state == DeliveryState::Pending).then_some(due_at),
        attempts,
        spent,
        last_status,
        last_failure,
    })
}

/// The event with this id: type, made at, body, request id, traceparent.
pub(super) fn event(id: EventId, items: &mut Items) -> Result<Event, StoreError> {
    let kind: EventType = items.parse()?;
    let created_at = Timestamp::from_millis(items.parse()?);
    let body = Bytes::from(items.bytes()?.ok_or_else(unexpected)?);
    // A sign stands in front of what is there.
    let present = |text: Option<String>| text.and_then(|text| text.strip_prefix('=').map(str::to_owned));
    let request_id = present(items.text()?);
    let traceparent = present(items.text()?);
    Ok(Event { id, kind, created_at, body, request_id, traceparent })
}

/// The number of an id.
pub(super) fn number(items: &mut Items) -> Result<u128, StoreError> {
    from_hex(&items.text()?.ok_or_else(unexpected)?)
}

/// The letter of a state.
pub(super) const fn letter(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Pending => "p",
        DeliveryState::InFlight => "f",
        DeliveryState::Succeeded => "s",
        DeliveryState::Exhausted => "x",
        DeliveryState::Cancelled => "c",
    }
}

fn state(letter_of: &str) -> Option<DeliveryState> {
    DeliveryState::ALL.into_iter().find(|&state| letter(state) == letter_of)
}
