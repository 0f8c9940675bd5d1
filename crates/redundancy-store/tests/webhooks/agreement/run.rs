//! A store and the reference side by side, and one operation after another on both.

use super::Operation;
use crate::fixture::{
    Store, at, attempt, deliveries, disabling, endpoint, event_in_slot, numbers, publication, settlement,
    sweep_all,
};
use crate::model::Model;
use redundancy_webhook::breaker::BreakerConfig;
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::delivery::{Attempt, DeliveryFilter, DeliveryState};
use redundancy_webhook::endpoint::Endpoint;
use redundancy_webhook::failure::FailureReason;
use redundancy_webhook::guard::ReplicaId;
use redundancy_webhook::ids::{DeliveryId, EndpointId};
use redundancy_webhook::rate_window::RateLimit;
use redundancy_webhook::store::{
    Audience, Change, Claim, ClaimedDelivery, Idempotency, Lease, Publication, Room, Settlement, Transition,
    WebhookStore, idempotency_slot,
};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

const KINDS: [&str; 3] = ["a.b", "a.c", "d"];
const PATTERNS: [&[&str]; 4] = [&["*"], &["a.*"], &["a.b", "d"], &["d"]];
/// Longer than all that happens meanwhile, unless the replica is lost. An odd number of milliseconds, while all operations
/// happen at even ones, so that none happens at the very moment.
const LEASE: Duration = Duration::from_millis(1_000 * 3_600_000 + 1);

/// A store and the reference.
pub(super) struct Run {
    pub(super) store: Store,
    pub(super) model: Arc<Model>,
    pub(super) now: Timestamp,
    replica: ReplicaId,
    /// Ids are given once.
    names: Vec<EndpointId>,
    /// What the replica has: as the store gave it out, and the right that the reference gave for it.
    handed: Vec<(ClaimedDelivery, Lease)>,
    /// What lost replicas had.
    abandoned: Vec<(ClaimedDelivery, Lease)>,
    /// What is known to be lost and not handed out again. When a store notices is up to it.
    pub(super) lost: BTreeSet<DeliveryId>,
}

impl Run {
    pub(super) async fn new(store: Store) -> Self {
        assert!(deliveries(&store, &DeliveryFilter::default(), 5).await.is_empty(), "the store is not empty");
        let mut run = Self {
            store,
            model: Arc::new(Model::default()),
            now: at(0),
            replica: ReplicaId(1),
            names: Vec::new(),
            handed: Vec::new(),
            abandoned: Vec::new(),
            lost: BTreeSet::new(),
        };
        // Without endpoints little happens: one with no limits and one with all.
        run.create(0, 0).await;
        run.create(1, 3).await;
        run
    }

    /// Does `operation` on both.
    pub(super) async fn step(&mut self, operation: Operation) {
        self.now = self.now.plus(Duration::from_millis(2));
        match operation {
            Operation::Create { pattern, limits } => self.create(pattern, limits).await,
            Operation::Replace { which, is_active, forgives, is_stale } => {
                self.replace(which, is_active, forgives, is_stale).await;
            }
            Operation::Delete { which } => self.delete(which).await,
            Operation::Publish { kind, key, keep_unwanted, but } => {
                self.publish(KINDS[kind], key, keep_unwanted, but).await;
            }
            Operation::Claim { limit, room, without } => self.claim(limit, room, without).await,
            Operation::Settle { which, how } => self.settle(which, how).await,
            Operation::SettleLost { which, is_success } => self.settle_lost(which, is_success).await,
            Operation::Extend { which } => {
                if let Some((claimed, lease)) = pick(&self.handed, which) {
                    let until = self.now.plus(LEASE);
                    self.store.extend(std::slice::from_ref(&claimed.lease), self.now, until).await.unwrap();
                    self.model.extend(std::slice::from_ref(lease), self.now, until).await.unwrap();
                }
            }
            Operation::Release { which } => {
                if !self.handed.is_empty() {
                    let (claimed, lease) = self.handed.swap_remove(which % self.handed.len());
                    self.store.release(vec![claimed.lease], self.now).await.unwrap();
                    self.model.release(vec![lease], self.now).await.unwrap();
                }
            }
            Operation::Change { which, is_requeue, from } => self.change(which, is_requeue, from).await,
            Operation::Add { event, endpoint } => self.add(event, endpoint).await,
            Operation::Sweep { age_seconds } => {
                let before = self.now.minus(Duration::from_secs(age_seconds));
                self.sweep(before).await;
            }
            Operation::Pass { seconds } => self.now = self.now.plus(Duration::from_secs(seconds)),
            Operation::LoseReplica => {
                self.now = self.now.plus(LEASE * 2);
                self.replica.0 += 1;
                self.lost.extend(self.handed.iter().map(|(claimed, _)| claimed.delivery.id));
                self.abandoned.append(&mut self.handed);
            }
            Operation::Compare => self.compare().await,
        }
        self.compare_counts().await;
    }

    async fn create(&mut self, pattern: usize, limits: usize) {
        let name = format!("ep-{}", self.names.len());
        let usual = endpoint(&name, PATTERNS[pattern]);
        let rate_limit = (limits & 1 == 1).then_some(RateLimit { requests: 4, per_seconds: 40 });
        let max_in_flight = if limits & 2 == 2 { 3 } else { 1_000 };
        let new = Endpoint { rate_limit, max_in_flight, created_at: self.now, ..usual };
        self.names.push(new.id.clone());
        self.store.create_endpoint(new.clone()).await.unwrap();
        self.model.create_endpoint(new).await.unwrap();
    }

    async fn replace(&mut self, which: usize, is_active: bool, forgives: bool, is_stale: bool) {
        let Some(id) = pick(&self.names, which) else { return };
        let known = self.model.state().endpoints.get(id).map(|record| record.endpoint.clone());
        let known = known.unwrap_or_else(|| endpoint(id.as_str(), &["*"]));
        let revision = known.revision + u64::from(!is_stale);
        let new = Endpoint { is_active, revision, disabled_reason: None, updated_at: self.now, ..known };
        let expected = self.model.replace_endpoint(new.clone(), forgives, self.now).await;
        assert_eq!(self.store.replace_endpoint(new, forgives, self.now).await, expected);
    }

    async fn delete(&mut self, which: usize) {
        let Some(id) = pick(&self.names, which) else { return };
        let is_lost =
            |delivery: &DeliveryId| self.model.state().deliveries[delivery].delivery.endpoint_id == *id;
        // Whether what is lost is pending or under way is up to the store.
        if !self.lost.iter().any(is_lost) {
            let expected = self.model.delete_endpoint(id, self.now).await.unwrap();
            assert_eq!(self.store.delete_endpoint(id, self.now).await.unwrap(), expected);
        }
    }

    async fn publish(&mut self, kind: &str, key: Option<(u8, u8)>, keep_unwanted: bool, but: Option<usize>) {
        let idempotency = key.map(|(key, fingerprint)| Idempotency {
            key: format!("key-{key}"),
            fingerprint: [fingerprint; 32],
            expires_at: self.now.plus(Duration::from_hours(24)),
        });
        if idempotency.is_some() {
            // Whether an expired key still counts before it is deleted is up to the store.
            self.sweep(at(0)).await;
        }
        let slot = idempotency.as_ref().map(|idempotency| idempotency_slot(&idempotency.key));
        let audience = but.and_then(|but| pick(&self.names, but).cloned());
        let publication = Publication {
            event: event_in_slot(kind, self.now, slot),
            audience: audience.map_or(Audience::Subscribers, Audience::SubscribersBut),
            keep_unwanted: keep_unwanted || idempotency.is_some(),
            idempotency,
        };
        let expected = self.model.publish(publication.clone()).await;
        match (self.store.publish(publication).await, expected) {
            (Ok(found), Ok(expected)) if expected.is_repeat => {
                assert_eq!((found.event_id, found.is_repeat), (expected.event_id, true));
            }
            (found, expected) => assert_eq!(found, expected),
        }
    }

    async fn claim(&mut self, limit: usize, room: Option<u32>, without: Option<usize>) {
        let without = without.and_then(|without| pick(&self.names, without).cloned());
        let is_bounded = room.is_some() || without.is_some();
        let room = Room {
            usual: room.unwrap_or(u32::MAX),
            exceptions: without.into_iter().map(|id| (id, 0)).collect::<HashMap<_, _>>(),
        };
        let (breaker, until) = (BreakerConfig::default(), self.now.plus(LEASE));
        let claim = Claim { replica: self.replica, limit, room: &room, breaker, now: self.now, until };
        let found = self.store.claim(claim).await.unwrap();
        let mut state = self.model.state();
        state.take_back_lost(self.now);
        // What was lost on its way to a deleted endpoint is cancelled now.
        self.lost.retain(|id| !state.deliveries[id].delivery.state.is_final());
        let allowed: HashMap<EndpointId, u32> = state.allowed(&claim).into_iter().collect();
        self.check_choice(&state, &allowed, &found, &claim);
        let chosen = crate::fixture::ids(&found.deliveries);
        let expected = state.hand_out(&chosen, &claim);
        let next_at = state.next_at(&claim);
        drop(state);
        if found.deliveries.is_empty() {
            assert!(
                found.next_at.is_none_or(|next_at| next_at > self.now),
                "claims nothing, and again at once"
            );
        }
        if found.deliveries.len() < limit
            && !is_bounded
            && let Some(next_at) = next_at
        {
            assert!(found.next_at.is_some_and(|found| found <= next_at), "{:?} > {next_at:?}", found.next_at);
        }
        for (found, expected) in found.deliveries.into_iter().zip(expected) {
            self.lost.remove(&found.delivery.id);
            assert_eq!(found.event, expected.event);
            assert_eq!(found.endpoint.revision, expected.endpoint.revision);
            assert_eq!(found.failing_since, expected.failing_since);
            let counts = |claimed: &ClaimedDelivery| (claimed.delivery.attempts, claimed.delivery.spent);
            assert_eq!(counts(&found), counts(&expected));
            self.handed.push((found, expected.lease));
        }
    }

    async fn settle(&mut self, which: usize, how: usize) {
        if self.handed.is_empty() {
            return;
        }
        let (claimed, lease) = self.handed.swap_remove(which % self.handed.len());
        let transition = match how {
            0..=3 => Transition::Succeed,
            4..=6 => Transition::RetryAt(self.now.plus(Duration::from_secs(how as u64 * 10))),
            _ => Transition::Exhaust,
        };
        let follow_up = Publication {
            audience: Audience::SubscribersBut(lease.endpoint.clone()),
            keep_unwanted: false,
            ..publication(event_in_slot("d", self.now, Some(lease.delivery.slot())))
        };
        let settlement = Settlement {
            disables: (how == 8).then(|| disabling(&claimed, None)),
            follow_ups: if how == 7 { vec![follow_up] } else { Vec::new() },
            ..settlement(&claimed, transition, self.now)
        };
        self.settle_both(settlement, lease, claimed.delivery.updated_at).await;
    }

    async fn settle_lost(&mut self, which: usize, is_success: bool) {
        if self.abandoned.is_empty() {
            return;
        }
        let (claimed, lease) = self.abandoned.swap_remove(which % self.abandoned.len());
        let is_under_way = self.handed.iter().any(|(handed, _)| handed.delivery.id == lease.delivery);
        if is_success && is_under_way {
            // What that does to the place of the other is tested elsewhere.
            return;
        }
        let transition = if is_success { Transition::Succeed } else { Transition::Exhaust };
        let settlement = settlement(&claimed, transition, self.now);
        self.settle_both(settlement, lease, claimed.delivery.updated_at).await;
    }

    async fn settle_both(&mut self, settlement: Settlement, lease: Lease, began_at: Timestamp) {
        let number = settlement.attempt.number;
        let failure = settlement.attempt.failure.map(|_| FailureReason::Timeout);
        let attempt = Attempt {
            duration: Duration::from_millis(u64::from(number) * 30),
            ..attempt(number, failure, began_at)
        };
        let settlement = Settlement { attempt, ..settlement };
        let id = lease.delivery;
        let expected = self.model.settle(vec![Settlement { lease, ..settlement.clone() }]).await.unwrap();
        assert_eq!(self.store.settle(vec![settlement]).await.unwrap(), expected);
        if expected[0].is_taken() {
            self.lost.remove(&id);
        }
    }

    async fn change(&mut self, which: usize, is_requeue: bool, from: usize) {
        let ids: Vec<DeliveryId> = self.model.state().deliveries.keys().copied().collect();
        let Some(&id) = pick(&ids, which) else { return };
        // Whether that is pending or under way is up to the store.
        if self.lost.contains(&id) {
            return;
        }
        let states = [
            DeliveryState::Pending,
            DeliveryState::Succeeded,
            DeliveryState::Exhausted,
            DeliveryState::Cancelled,
        ];
        let from: Vec<_> = (0..4).filter(|place| from >> place & 1 == 1).map(|place| states[place]).collect();
        let change = if is_requeue { Change::Requeue } else { Change::Cancel };
        let expected = self.model.change_delivery(id, change, &from, self.now).await.unwrap();
        assert_eq!(self.store.change_delivery(id, change, &from, self.now).await.unwrap(), expected);
    }

    async fn add(&mut self, event: usize, endpoint: usize) {
        let events: Vec<_> = self.model.state().events.keys().copied().collect();
        if let (Some(event), Some(endpoint)) = (pick(&events, event), pick(&self.names, endpoint)) {
            let expected = self.model.add_delivery(*event, endpoint, self.now).await.unwrap();
            assert_eq!(self.store.add_delivery(*event, endpoint, self.now).await.unwrap(), expected);
        }
    }

    async fn sweep(&self, before: Timestamp) {
        let model: Store = self.model.clone();
        let expected = sweep_all(&model, before, self.now).await;
        assert_eq!(sweep_all(&self.store, before, self.now).await, expected, "swept");
    }

    async fn compare_counts(&self) {
        let [found, expected] = [
            self.store.queue_stats(self.now).await.unwrap(),
            self.model.queue_stats(self.now).await.unwrap(),
        ];
        if self.lost.is_empty() {
            assert_eq!(found, expected);
        } else {
            // What is lost counts as pending or as under way.
            let ended = |counts| numbers(counts)[2..].to_vec();
            assert_eq!(ended(&found.total), ended(&expected.total));
            assert_eq!(found.total.latency, expected.total.latency);
        }
    }
}

/// The one that `number` means, if there is any.
fn pick<T>(items: &[T], number: usize) -> Option<&T> {
    items.get(number.checked_rem(items.len())?)
}
