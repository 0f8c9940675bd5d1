//! Events and deliveries that were just written: most are made at once, and need not be read again.

use redundancy_webhook::delivery::Delivery;
use redundancy_webhook::event::Event;
use redundancy_webhook::ids::DeliveryId;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Bytes of events and records that are kept, about.
const CAPACITY_BYTES: usize = 8 << 20;
/// What a record takes beside the event.
const RECORD_BYTES: usize = 400;

/// The newest deliveries with their events, each until it is taken.
#[derive(Debug, Default)]
pub(super) struct Recent {
    kept: HashMap<DeliveryId, (Delivery, Arc<Event>)>,
    order: VecDeque<(DeliveryId, usize)>,
    bytes: usize,
}

impl Recent {
    pub(super) fn put(&mut self, delivery: Delivery, event: Arc<Event>) {
        let bytes = RECORD_BYTES + event.body.len();
        self.order.push_back((delivery.id, bytes));
        self.bytes += bytes;
        self.kept.insert(delivery.id, (delivery, event));
        while self.bytes > CAPACITY_BYTES
            && let Some((oldest, bytes)) = self.order.pop_front()
        {
            self.bytes -= bytes;
            self.kept.remove(&oldest);
        }
    }

    /// Takes a delivery out. Its place in the order goes when it is the oldest.
    pub(super) fn take(&mut self, id: DeliveryId) -> Option<(Delivery, Arc<Event>)> {
        let taken = self.kept.remove(&id);
        while let Some((oldest, bytes)) = self.order.front()
            && !self.kept.contains_key(oldest)
        {
            self.bytes -= bytes;
            self.order.pop_front();
        }
        taken
    }
}
