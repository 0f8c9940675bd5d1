//! The records of a delivery and of an attempt.

use super::UnreadableRecord;
use crate::clock::Timestamp;
use crate::delivery::{Attempt, Delivery, DeliveryState};
use crate::event::EventType;
use crate::failure::FailureReason;
use crate::ids::{DeliveryId, EndpointId, EventId};
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Serialize, Deserialize)]
pub(super) struct DeliveryRecord {
    id: DeliveryId,
    event_id: EventId,
    event_type: EventType,
    endpoint_id: EndpointId,
    state: String,
    created_at: Timestamp,
    updated_at: Timestamp,
    due_at: Option<Timestamp>,
    attempts: u32,
    spent: u32,
    last_status: Option<u16>,
    last_failure: Option<FailureReason>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct AttemptRecord {
    number: u32,
    started_at: Timestamp,
    duration_us: u64,
    status: Option<u16>,
    failure: Option<FailureReason>,
    response_headers: Vec<(String, String)>,
    response_body: String,
}

impl From<&Delivery> for DeliveryRecord {
    fn from(delivery: &Delivery) -> Self {
        Self {
            id: delivery.id,
            event_id: delivery.event_id,
            event_type: delivery.event_type.clone(),
            endpoint_id: delivery.endpoint_id.clone(),
            state: delivery.state.as_str().to_owned(),
            created_at: delivery.created_at,
            updated_at: delivery.updated_at,
            due_at: delivery.due_at,
            attempts: delivery.attempts,
            spent: delivery.spent,
            last_status: delivery.last_status,
            last_failure: delivery.last_failure,
        }
    }
}

impl DeliveryRecord {
    pub(super) fn into_delivery(self) -> Result<Delivery, UnreadableRecord> {
        Ok(Delivery {
            id: self.id,
            event_id: self.event_id,
            event_type: self.event_type,
            endpoint_id: self.endpoint_id,
            state: DeliveryState::named(&self.state).ok_or(UnreadableRecord::Damaged)?,
            created_at: self.created_at,
            updated_at: self.updated_at,
            due_at: self.due_at,
            attempts: self.attempts,
            spent: self.spent,
            last_status: self.last_status,
            last_failure: self.last_failure,
        })
    }
}

impl From<&Attempt> for AttemptRecord {
    fn from(attempt: &Attempt) -> Self {
        Self {
            number: attempt.number,
            started_at: attempt.started_at,
            duration_us: u64::try_from(attempt.duration.as_micros()).unwrap_or(u64::MAX),
            status: attempt.status,
            failure: attempt.failure,
            response_headers: attempt.response_headers.clone(),
            response_body: attempt.response_body.clone(),
        }
    }
}

impl AttemptRecord {
    #[expect(clippy::unnecessary_wraps, reason = "all records are read alike")]
    pub(super) fn into_attempt(self) -> Result<Attempt, UnreadableRecord> {
        Ok(Attempt {
            number: self.number,
            started_at: self.started_at,
            duration: Duration::from_micros(self.duration_us),
            status: self.status,
            failure: self.failure,
            response_headers: self.response_headers,
            response_body: self.response_body,
        })
    }
}
