//! Hands out deliveries: from memory, and what memory does not hold from the database.

use super::rows::{delivery_by_id, event_by_id};
use super::{EmbeddedStore, Write};
use crate::schedule::Taken;
use redundancy_webhook::delivery::{Delivery, DeliveryState};
use redundancy_webhook::event::Event;
use redundancy_webhook::ids::DeliveryId;
use redundancy_webhook::store::{Claim, Claimed, ClaimedDelivery, StoreError};
use std::collections::HashMap;
use std::sync::Arc;

impl EmbeddedStore {
    pub(super) async fn claim_due(&self, claim: Claim<'_>) -> Result<Claimed, StoreError> {
        let (taking, mut found) = {
            let mut state = self.shared.state();
            let taking = state.schedule.claim(&claim);
            let mut found = HashMap::with_capacity(taking.taken.len());
            for taken in &taking.taken {
                let id = taken.lease.delivery;
                if let Some(pair) = state.recent.take(id) {
                    found.insert(id, pair);
                }
            }
            (taking, found)
        };
        for endpoint in taking.hungry {
            let (write, _) = Write::urgent(move |writer| writer.refill(&endpoint));
            self.writes.send(write)?;
        }
        let missing: Vec<DeliveryId> = taking
            .taken
            .iter()
            .map(|taken| taken.lease.delivery)
            .filter(|id| !found.contains_key(id))
            .collect();
        if !missing.is_empty() {
            match self.read(move |connection| read(connection, &missing)).await {
                Ok(read) => found.extend(read),
                Err(error) => {
                    self.give_back(&taking.taken, claim);
                    return Err(error);
                }
            }
        }
        let deliveries = taking
            .taken
            .into_iter()
            .filter_map(|taken| {
                let (mut delivery, event) = found.remove(&taken.lease.delivery)?;
                (delivery.state, delivery.due_at) = (DeliveryState::InFlight, None);
                let Taken { lease, endpoint, failing_since } = taken;
                Some(ClaimedDelivery { delivery, event, endpoint, failing_since, lease })
            })
            .collect();
        Ok(Claimed { deliveries, next_at: taking.next_at })
    }

    fn give_back(&self, taken: &[Taken], claim: Claim<'_>) {
        let mut state = self.shared.state();
        for taken in taken {
            state.schedule.release(&taken.lease, claim.now);
        }
    }
}

type Found = HashMap<DeliveryId, (Delivery, Arc<Event>)>;

fn read(connection: &rusqlite::Connection, ids: &[DeliveryId]) -> Result<Found, StoreError> {
    let mut found = HashMap::with_capacity(ids.len());
    for &id in ids {
        if let Some(delivery) = delivery_by_id(connection, id)?
            && let Some(event) = event_by_id(connection, delivery.event_id)?
        {
            found.insert(id, (delivery, Arc::new(event)));
        }
    }
    Ok(found)
}
