//! What becomes of deliveries that were handed out.

use super::RedisStore;
use super::claim::limits;
use super::fault;
use super::guards::{Change, Changes};
use super::key::{self, Partition, hex};
use super::publish::{TRIES, push_publication, unsettled};
use super::registry::Endpoints;
use super::reply::{self, Items};
use super::script::{self, Call};
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::endpoint::DisabledReason;
use redundancy_webhook::ids::EndpointId;
use redundancy_webhook::record;
use redundancy_webhook::store::{
    EndpointWriteError, LatencyHistogram, Lease, Settlement, StoreError, Transition,
};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// No events may follow before both sides agree on the endpoints.
const OUTDATED: i64 = -1;

impl RedisStore {
    pub(super) async fn settle_all(&self, settlements: &[Settlement]) -> Result<Vec<bool>, StoreError> {
        let mut taken: Vec<Option<bool>> = vec![None; settlements.len()];
        let number = self.ids.random_128();
        for attempt in 0..TRIES {
            let endpoints = self.registry.endpoints().await?;
            // Those of a partition together, each with its place.
            let mut calls: BTreeMap<Partition, (Vec<usize>, Call)> = BTreeMap::new();
            for (at, settlement) in
                settlements.iter().enumerate().filter(|(at, _)| taken.get(*at) == Some(&None))
            {
                let partition = Partition::of_slot(settlement.lease.delivery.slot());
                let (places, call) = calls.entry(partition).or_insert_with(|| {
                    (Vec::new(), Call::new(&script::SETTLE, &partition.tag()).arg(endpoints.version()))
                });
                places.push(at);
                push_settlement(call, &endpoints, settlement, number.wrapping_add(at as u128));
            }
            if calls.is_empty() {
                break;
            }
            let (places, calls): (Vec<_>, Vec<_>) =
                calls.into_iter().map(|(partition, (places, call))| ((partition, places), call)).unzip();
            let mut outdated = None;
            for ((partition, places), reply) in places.into_iter().zip(self.link.call_all(calls).await?) {
                let mut items = Items::of(reply?)?;
                for at in places {
                    match (items.integer()?, taken.get_mut(at)) {
                        (OUTDATED, _) => outdated = Some(partition),
                        (is_taken, Some(place)) => *place = Some(is_taken == 1),
                        (_, None) => return Err(fault::unexpected()),
                    }
                }
            }
            if let Some(partition) = outdated {
                if attempt + 1 == TRIES {
                    return Err(unsettled());
                }
                self.agree_with(partition).await?;
            }
        }
        let taken: Vec<bool> = taken.into_iter().map(Option::unwrap_or_default).collect();
        self.after_settling(settlements, &taken).await;
        Ok(taken)
    }

    pub(super) async fn extend_all(
        &self,
        leases: &[Lease],
        now: Timestamp,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        let mut calls: BTreeMap<Partition, Call> = BTreeMap::new();
        let mut guards: HashMap<EndpointId, Vec<Change>> = HashMap::new();
        for lease in leases {
            let partition = Partition::of_slot(lease.delivery.slot());
            let call = calls.entry(partition).or_insert_with(|| {
                Call::new(&script::EXTEND, &partition.tag()).arg(&[key::millis(now), key::millis(until)])
            });
            call.push(hex(lease.delivery.number()));
            call.push(lease.token);
            let extend = Change::Extend { replica: lease.replica, until };
            // One of many is enough.
            guards.entry(lease.endpoint.clone()).or_insert_with(|| vec![extend]);
        }
        for reply in self.link.call_all(calls.into_values().collect()).await? {
            reply?;
        }
        self.change_guards(guards, now).await
    }

    pub(super) async fn release_all(&self, leases: &[Lease], now: Timestamp) -> Result<(), StoreError> {
        let mut calls: BTreeMap<Partition, Call> = BTreeMap::new();
        let mut guards: HashMap<EndpointId, Vec<Change>> = HashMap::new();
        for lease in leases {
            let partition = Partition::of_slot(lease.delivery.slot());
            let call = calls
                .entry(partition)
                .or_insert_with(|| Call::new(&script::RELEASE, &partition.tag()).arg(key::millis(now)));
            call.push(hex(lease.delivery.number()));
            call.push(lease.token);
            let back = Change::GiveBack { replica: lease.replica, unused: 1 };
            guards.entry(lease.endpoint.clone()).or_default().push(back);
        }
        let (partitions, calls): (Vec<Partition>, Vec<Call>) = calls.into_iter().unzip();
        let replies = self.link.call_all(calls).await?;
        self.change_guards(guards, now).await?;
        for partition in partitions {
            self.wake.arrive(partition, now);
        }
        replies.into_iter().try_for_each(|reply| reply.map(drop))
    }

    /// What follows from settlements beside the deliveries: guards, disabled endpoints, and that others may go out.
    async fn after_settling(&self, settlements: &[Settlement], taken: &[bool]) {
        let endpoints = self.registry.known();
        let mut guards: HashMap<EndpointId, Vec<Change>> = HashMap::new();
        let mut now = Timestamp::default();
        for (settlement, &is_taken) in settlements.iter().zip(taken) {
            let Settlement { lease, attempt, transition, follow_ups, .. } = settlement;
            now = now.max(settlement.now);
            if let Some(endpoint) = endpoints.get(&lease.endpoint) {
                let (replica, is_success) = (lease.replica, attempt.is_success());
                let (limits, now) = (limits(endpoint, settlement.breaker), settlement.now);
                let settle =
                    Change::Settle { replica, is_success: is_taken.then_some(is_success), limits, now };
                guards.entry(lease.endpoint.clone()).or_default().push(settle);
            }
            let partition = Partition::of_slot(lease.delivery.slot());
            // Its lease is no reason any more to look there.
            self.wake.look_into(partition);
            if is_taken && let Transition::RetryAt(due) = transition {
                self.wake.arrive(partition, *due);
            }
            if is_taken && !follow_ups.is_empty() {
                self.wake.arrive(partition, settlement.now);
            }
        }
        // The deliveries are settled whatever becomes of the rest. A guard that cannot be written is owed its change, and an
        // endpoint that deserves it is disabled by its next delivery.
        let _ = self.change_guards(guards, now).await;
        for (settlement, _) in settlements.iter().zip(taken).filter(|(_, is_taken)| **is_taken) {
            if let Some(reason) = settlement.disables
                && let Err(error) = self.disable(&settlement.lease.endpoint, reason, settlement.now).await
            {
                tracing::warn!(endpoint = %settlement.lease.endpoint, %error, "the endpoint could not be disabled");
            }
        }
    }

    async fn change_guards(
        &self,
        guards: HashMap<EndpointId, Vec<Change>>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut changes: Vec<Changes> =
            guards.into_iter().map(|(id, changes)| Changes::new(id, changes)).collect();
        self.guards.change(&mut changes, now).await
    }

    async fn disable(
        &self,
        id: &EndpointId,
        reason: DisabledReason,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for _ in 0..TRIES {
            let endpoints = self.registry.refresh().await?;
            let Some(endpoint) = endpoints.get(id).filter(|endpoint| endpoint.is_active) else {
                return Ok(());
            };
            let mut disabled = Arc::unwrap_or_clone(Arc::clone(endpoint));
            (disabled.is_active, disabled.disabled_reason) = (false, Some(reason));
            (disabled.updated_at, disabled.revision) = (now, disabled.revision + 1);
            match self.registry.replace(&disabled, now, async { Ok(()) }).await {
                Ok(()) => return Ok(()),
                Err(EndpointWriteError::Store(error)) => return Err(error),
                Err(EndpointWriteError::Exists | EndpointWriteError::Changed) => {}
            }
        }
        Err(unsettled())
    }

    /// Brings this replica and a partition to the same version of the endpoints.
    pub(super) async fn agree_with(&self, partition: Partition) -> Result<(), StoreError> {
        let get = redis::cmd("GET").arg(format!("{}:regver", partition.tag())).clone();
        let theirs = reply::bytes(self.link.send(get).await?)?;
        let theirs = theirs.and_then(|version| std::str::from_utf8(&version).ok()?.parse().ok());
        self.registry.agree(partition, theirs.unwrap_or(0)).await
    }
}

/// Appends a settlement, as the script reads it.
fn push_settlement(call: &mut Call, endpoints: &Endpoints, settlement: &Settlement, number: u128) {
    let Settlement { lease, attempt, transition, follow_ups, now, .. } = settlement;
    let (becomes, due) = match transition {
        Transition::Succeed => ("s", *now),
        Transition::RetryAt(due) => ("p", *due),
        Transition::Exhaust => ("x", *now),
    };
    let bucket = (*transition == Transition::Succeed).then(|| LatencyHistogram::bucket(attempt.duration));
    call.push(key::millis(*now));
    call.push(hex(lease.delivery.number()));
    call.push(lease.token);
    call.push(becomes);
    call.push(key::millis(due));
    call.push(record::write_attempt(attempt));
    call.push(attempt.number);
    call.push(attempt.status.map(|status| status.to_string()).unwrap_or_default());
    call.push(attempt.failure.map_or("", |failure| failure.as_str()));
    call.push(bucket.map(|bucket| bucket.to_string()).unwrap_or_default());
    call.push(hex(number));
    call.push(follow_ups.len());
    for publication in follow_ups {
        push_publication(call, endpoints, publication);
    }
}
