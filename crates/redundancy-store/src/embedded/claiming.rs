//! Hands out deliveries: from memory, and what memory does not hold from the database.

use super::rows::{delivery_by_id, event_by_id};
use super::{EmbeddedStore, Write};
use crate::schedule::{Taken, show_being_made};
use redundancy_webhook::delivery::{Delivery, DeliveryState};
use redundancy_webhook::event::Event;
use redundancy_webhook::ids::DeliveryId;
use redundancy_webhook::store::{Claim, Claimed, ClaimedDelivery, StoreError};
use std::collections::HashMap;
use std::sync::Arc;

/// How often a claim that found nothing waits for what is being read.
const REFILLS: usize = 2;

impl EmbeddedStore {
    /// Hands out what is due. When all of that is still to be read, it waits for it: whoever gets nothing may take it that there
    /// is nothing.
    pub(super) async fn claim_due(&self, claim: Claim<'_>) -> Result<Claimed, StoreError> {
        let mut claimed = self.claim_known(claim).await?;
        for _ in 0..REFILLS {
            if !claimed.deliveries.is_empty() || !self.shared.state().schedule.is_reading() {
                break;
            }
            // What was asked for before this is there when this is done. A disk that cannot be written is told by others.
            if self.write(|_| Ok(())).await.is_err() {
                break;
            }
            claimed = self.claim_known(claim).await?;
        }
        Ok(claimed)
    }

    /// Hands out what is due and known in memory.
    async fn claim_known(&self, claim: Claim<'_>) -> Result<Claimed, StoreError> {
        let (taking, mut found, lost) = {
            let mut state = self.shared.state();
            let mut taking = state.schedule.claim(&claim);
            self.write_cancelled(&mut state, std::mem::take(&mut taking.cancelled), claim.now)?;
            let mut found = HashMap::with_capacity(taking.taken.len());
            for taken in &taking.taken {
                let id = taken.lease.delivery;
                if let Some(pair) = state.recent.take(id) {
                    found.insert(id, pair);
                }
            }
            (taking, found, state.schedule.refills_lost)
        };
        for endpoint in taking.hungry {
            let (write, _) = Write::urgent(move |writer| writer.refill(&endpoint, lost));
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
                    self.shared.state().schedule.put_back(&taking.taken);
                    return Err(error);
                }
            }
        }
        let mut deliveries = Vec::with_capacity(taking.taken.len());
        for Taken { lease, endpoint, failing_since } in taking.taken {
            let Some((mut delivery, event)) = found.remove(&lease.delivery) else {
                // It was finished or deleted at the same moment.
                self.shared.state().schedule.discard(&lease);
                continue;
            };
            show_being_made(&mut delivery, claim.now);
            deliveries.push(ClaimedDelivery { delivery, event, endpoint, failing_since, lease });
        }
        Ok(Claimed { deliveries, next_at: taking.next_at })
    }
}

type Found = HashMap<DeliveryId, (Delivery, Arc<Event>)>;

fn read(connection: &rusqlite::Connection, ids: &[DeliveryId]) -> Result<Found, StoreError> {
    let mut found = HashMap::with_capacity(ids.len());
    for &id in ids {
        match read_one(connection, id) {
            Ok(Some(pair)) => {
                found.insert(id, pair);
            }
            Ok(None) => {}
            // One row that cannot be read must not stop all the others.
            Err(error @ StoreError::Unreadable(_)) => {
                tracing::error!(%error, delivery = %id, "a delivery cannot be read and is left out");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

fn read_one(
    connection: &rusqlite::Connection,
    id: DeliveryId,
) -> Result<Option<(Delivery, Arc<Event>)>, StoreError> {
    let Some(delivery) = delivery_by_id(connection, id)? else { return Ok(None) };
    if delivery.state != DeliveryState::Pending {
        return Ok(None);
    }
    Ok(event_by_id(connection, delivery.event_id)?.map(|event| (delivery, Arc::new(event))))
}
