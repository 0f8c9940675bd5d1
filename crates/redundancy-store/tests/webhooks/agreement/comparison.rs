//! What must be the same in a store and in the reference.

use super::run::Run;
use crate::fixture::{Store, at, attempts, deliveries, record};
use crate::model::State;
use redundancy_webhook::breaker::{BreakerConfig, BreakerState};
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::delivery::{Delivery, DeliveryFilter, DeliveryState};
use redundancy_webhook::ids::EndpointId;
use redundancy_webhook::store::{Claim, Claimed, EndpointRecord, EventSummary, PageRequest};
use std::collections::HashMap;

impl Run {
    /// Checks that what the store gave out is what it may give out: of each endpoint the longest due, not more than its guard
    /// and its room allow, and as much as there is.
    pub(super) fn check_choice(
        &self,
        state: &State,
        allowed: &HashMap<EndpointId, u32>,
        found: &Claimed,
        claim: &Claim<'_>,
    ) {
        let count = found.deliveries.len();
        let most: usize = allowed.values().map(|allowed| *allowed as usize).sum();
        assert!(count <= claim.limit, "{count} with a limit of {}", claim.limit);
        let is_more_at_once = found.next_at.is_some_and(|next_at| next_at <= claim.now);
        assert!(
            count == claim.limit.min(most) || is_more_at_once,
            "{count} of {most}, with a limit of {}",
            claim.limit
        );
        for (endpoint, allowed) in allowed {
            let given = found.deliveries.iter().map(|claimed| claimed.delivery.id);
            let given: Vec<_> = given.filter(|id| is_to(state, *id, endpoint)).collect();
            assert!(given.len() <= *allowed as usize, "{} of {allowed} to {endpoint}", given.len());
            let due = state.due(endpoint, claim.now);
            let due_at = |id| due.iter().find(|delivery| delivery.id == id).expect("it is not due").due_at;
            let order: Vec<_> =
                given.iter().filter(|id| !self.lost.contains(id)).map(|id| due_at(*id)).collect();
            let longest = due.iter().filter(|delivery| !self.lost.contains(&delivery.id));
            let longest: Vec<_> = longest.map(|delivery| delivery.due_at).take(order.len()).collect();
            assert_eq!(order, longest, "the longest due come first");
        }
        let strangers =
            found.deliveries.iter().find(|claimed| !allowed.contains_key(&claimed.lease.endpoint));
        assert!(strangers.is_none(), "an inactive or unknown endpoint gets something");
    }

    /// Compares all that can be read.
    pub(super) async fn compare(&self) {
        let model: Store = self.model.clone();
        for name in ["ep-0", "ep-1", "ep-2"] {
            let endpoint_id = Some(name.parse().unwrap());
            self.compare_deliveries(&model, &DeliveryFilter { endpoint_id, ..DeliveryFilter::default() })
                .await;
        }
        if self.lost.is_empty() {
            for state in DeliveryState::ALL {
                let filter = DeliveryFilter {
                    state: Some(state),
                    since: Some(at(1)),
                    event_type: Some("d".parse().unwrap()),
                    ..DeliveryFilter::default()
                };
                self.compare_deliveries(&model, &filter).await;
            }
        }
        for delivery in self.compare_deliveries(&model, &DeliveryFilter::default()).await {
            assert!(attempts(&self.store, delivery.id).await == attempts(&model, delivery.id).await);
        }
        let [found, expected] = [events(&self.store, self.now).await, events(&model, self.now).await];
        assert_eq!(found, expected);
        for summary in found {
            assert_eq!(self.store.event(summary.id).await.unwrap(), model.event(summary.id).await.unwrap());
        }
        let [found, expected] = [endpoints(&self.store, self.now).await, endpoints(&model, self.now).await];
        assert_eq!(found, expected);
        for id in found {
            let [found, expected] =
                [record(&self.store, &id, self.now).await, record(&model, &id, self.now).await];
            self.compare_endpoint(&found, &expected);
        }
    }

    fn compare_endpoint(&self, found: &EndpointRecord, expected: &EndpointRecord) {
        let shown = |record: &EndpointRecord| format!("{:?}", record.endpoint);
        assert_eq!(shown(found), shown(expected));
        let guard = |record: &EndpointRecord| {
            let mut guard = record.guard.clone();
            // An open breaker half-opens at the latest when it is asked.
            guard.breaker.admit(&BreakerConfig::default(), self.now);
            let state: BreakerState = guard.breaker.state;
            (state, guard.breaker.failures, guard.failing_since, guard.in_flight(self.now))
        };
        assert_eq!(guard(found), guard(expected), "{}", found.endpoint.id);
        if self.lost.is_empty() {
            assert_eq!(found.counts, expected.counts);
        }
    }

    /// Compares what `filter` means; gives it.
    async fn compare_deliveries(&self, model: &Store, filter: &DeliveryFilter) -> Vec<Delivery> {
        let normal = |mut delivery: Delivery| {
            if self.lost.contains(&delivery.id) {
                assert!(!matches!(delivery.state, DeliveryState::Succeeded | DeliveryState::Exhausted));
                delivery.state = DeliveryState::Pending;
                (delivery.due_at, delivery.updated_at) = (None, at(0));
            }
            delivery
        };
        let [found, expected] =
            [deliveries(&self.store, filter, 7).await, deliveries(model, filter, 1_000).await]
                .map(|found| found.into_iter().map(normal).collect::<Vec<_>>());
        assert_eq!(found, expected, "{filter:?}");
        found
    }
}

/// Whether a delivery goes to `endpoint`. One that there is not goes nowhere.
fn is_to(state: &State, id: redundancy_webhook::ids::DeliveryId, endpoint: &EndpointId) -> bool {
    state.deliveries.get(&id).is_some_and(|kept| kept.delivery.endpoint_id == *endpoint)
}

async fn events(store: &Store, now: Timestamp) -> Vec<EventSummary> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.events(at(1), now, PageRequest { after, limit: 9 }).await.unwrap();
        found.extend(page.items);
        after = page.next;
        if after.is_none() {
            return found;
        }
    }
}

async fn endpoints(store: &Store, now: Timestamp) -> Vec<EndpointId> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.endpoints(PageRequest { after, limit: 2 }, now).await.unwrap();
        found.extend(page.items.into_iter().map(|record| record.endpoint.id));
        after = page.next;
        if after.is_none() {
            return found;
        }
    }
}
