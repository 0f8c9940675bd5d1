//! Accepting events, and deliveries of events that were accepted before.

use super::RedisStore;
use super::analyses::Written;
use super::fault;
use super::key::{self, Partition, hex};
use super::registry::Endpoints;
use super::reply::Items;
use super::script::{self, Call};
use redundancy_engine::StoredAnalysis;
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::ids::{DeliveryId, EndpointId, EventId};
use redundancy_webhook::store::{Publication, PublishError, Published, StoreError};
use ring::digest::{SHA256, digest};

/// How often something is tried again because the endpoints changed meanwhile.
pub(super) const TRIES: usize = 8;

impl RedisStore {
    /// Accepts an event, and with it the result of the analysis that it tells of: the two are in one slot.
    pub(super) async fn accept(
        &self,
        publication: &Publication,
        analysis: Option<&StoredAnalysis>,
    ) -> Result<Published, PublishError> {
        let event = &publication.event;
        let partition = Partition::of_slot(event.id.slot());
        for _ in 0..TRIES {
            let endpoints = self.registry.endpoints().await?;
            let mut call = Call::new(&script::PUBLISH, &partition.tag()).arg(endpoints.version());
            push_publication(&mut call, &endpoints, publication);
            if let Some(Written { name, record, keep_ms, .. }) = analysis.map(Written::new) {
                call = call.arg(name).arg(record).arg(keep_ms);
            }
            let mut reply = Items::of(self.link.call(call).await?)?;
            let (event_id, deliveries) = match reply.integer()? {
                0 => {
                    self.registry.agree(partition, reply.parse()?).await?;
                    continue;
                }
                1 => (event.id, reply.integer()?),
                2 => {
                    let text = reply.text()?.unwrap_or_default();
                    (EventId::from_number(key::from_hex(&text)?), reply.integer()?)
                }
                3 => return Err(PublishError::KeyReused),
                _ => return Err(fault::unexpected().into()),
            };
            let deliveries = u32::try_from(deliveries).unwrap_or(0);
            if deliveries > 0 {
                self.wake.arrive(partition, event.created_at);
            }
            return Ok(Published { event_id, deliveries, is_repeat: event_id != event.id });
        }
        Err(unsettled().into())
    }

    pub(super) async fn add(
        &self,
        event: EventId,
        endpoint: &EndpointId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let partition = Partition::of_slot(event.slot());
        for _ in 0..TRIES {
            let endpoints = self.registry.endpoints().await?;
            let exists = endpoints.get(endpoint).is_some();
            if !exists && self.registry.refresh().await?.get(endpoint).is_none() {
                return Ok(false);
            }
            let call = Call::new(&script::ADD, &partition.tag())
                .arg(endpoints.version())
                .arg(hex(event.number()))
                .arg(endpoint.as_str())
                .arg(hex(DeliveryId::of(event, endpoint).number()))
                .arg(key::millis(now));
            let mut reply = Items::of(self.link.call(call).await?)?;
            match reply.integer()? {
                0 => self.registry.agree(partition, reply.parse()?).await?,
                1 => {
                    self.wake.arrive(partition, now);
                    return Ok(true);
                }
                _ => return Ok(false),
            }
        }
        Err(unsettled())
    }
}

/// The endpoints change faster than they can be read.
pub(super) fn unsettled() -> StoreError {
    StoreError::Unavailable("the endpoints are being changed".to_owned())
}

/// Appends an event, as the script `publish` reads it.
pub(super) fn push_publication(call: &mut Call, endpoints: &Endpoints, publication: &Publication) {
    let Publication { event, audience, idempotency, keep_unwanted } = publication;
    // What is there begins with a sign, so that an empty text is told from none.
    let present = |text: &Option<String>| text.as_ref().map(|text| format!("={text}")).unwrap_or_default();
    call.push(hex(event.id.number()));
    call.push(event.kind.as_str());
    call.push(key::millis(event.created_at));
    call.push(event.body.as_ref());
    call.push(present(&event.request_id));
    call.push(present(&event.traceparent));
    call.push(u8::from(*keep_unwanted));
    match idempotency {
        Some(idempotency) => {
            call.push(digest(&SHA256, idempotency.key.as_bytes()).as_ref());
            call.push(idempotency.fingerprint.as_slice());
            call.push(key::millis(idempotency.expires_at));
        }
        None => call.push(&["", "", ""]),
    }
    let recipients: Vec<&EndpointId> = endpoints.recipients(&event.kind, audience).collect();
    call.push(recipients.len());
    for endpoint in recipients {
        call.push(endpoint.as_str());
        call.push(hex(DeliveryId::of(event.id, endpoint).number()));
    }
}
