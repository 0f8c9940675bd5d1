//! What becomes of deliveries that were handed out.

use super::RedisStore;
use super::claim::limits;
use super::fault;
use super::guards::{Change, Changes};
use super::key::{self, Partition, hex};
use super::publish::{TRIES, push_publication, unsettled};
use super::registry::{Endpoints, OUTDATED};
use super::reply::{self, Items};
use super::script::{self, Call};
use crate::schedule::disabled;
use redis::Value;
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::ids::{DeliveryId, EndpointId};
use redundancy_webhook::record;
use redundancy_webhook::store::{
    Disabling, EndpointWriteError, LatencyHistogram, Lease, Settled, Settlement, StoreError, Transition,
};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// So many deliveries that end at once are not the last ones.
const MANY: usize = 4;
/// Settlements that are remembered at most because it is not known what became of them, or of others that came with them. More
/// than deliveries can be under way.
const MOST_UNSURE: usize = 16_384;

/// How far a settlement got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// Its partition may know it, under this number.
    Sent(u128),
    /// Its partition knows it.
    Told { is_taken: bool, is_orphan: bool },
    /// All that follows is done, or owed.
    Done(Settled),
}

/// How far settlements got that came together with one that failed: they come again.
#[derive(Debug, Default)]
pub(super) struct Unsure(Mutex<HashMap<(DeliveryId, u64), Progress>>);

impl Progress {
    const fn settled(self) -> Settled {
        match self {
            Self::Done(settled) => settled,
            Self::Told { .. } | Self::Sent(_) => Settled::Refused,
        }
    }
}

impl Unsure {
    /// How far each settlement got before. New ones have numbers from `number` on.
    fn resume(&self, settlements: &[Settlement], number: u128) -> Vec<Progress> {
        let mut known = self.known();
        let resumed = settlements.iter().zip(0_u128..).map(|(settlement, place)| {
            let kept = known.remove(&key_of(settlement));
            kept.unwrap_or(Progress::Sent(number.wrapping_add(place)))
        });
        resumed.collect()
    }

    fn keep(&self, settlements: &[Settlement], progress: &[Progress]) {
        let mut known = self.known();
        if known.len() > MOST_UNSURE {
            known.clear();
        }
        known.extend(settlements.iter().map(key_of).zip(progress.iter().copied()));
    }

    fn known(&self) -> MutexGuard<'_, HashMap<(DeliveryId, u64), Progress>> {
        // Nothing under the lock can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key_of(settlement: &Settlement) -> (DeliveryId, u64) {
    (settlement.lease.delivery, settlement.lease.token)
}

impl RedisStore {
    /// Settles; what it cannot do for some it does for the others all the same. After an error the same settlements are meant to
    /// come again: then those that were done are not done again, and the rest is known to the partitions by its numbers.
    pub(super) async fn settle_all(&self, settlements: &[Settlement]) -> Result<Vec<Settled>, StoreError> {
        let turn = self.settling.turn().await;
        let mut progress = self.unsure.resume(settlements, self.ids.random_128());
        let result = self.tell_partitions(settlements, &mut progress).await;
        self.after_settling(settlements, &mut progress).await;
        if result.is_err() {
            self.unsure.keep(settlements, &progress);
        }
        turn.end(settlements.len() >= MANY);
        result.map(|()| progress.into_iter().map(Progress::settled).collect())
    }

    /// Tells the partitions what they have not been heard to know.
    async fn tell_partitions(
        &self,
        settlements: &[Settlement],
        progress: &mut [Progress],
    ) -> Result<(), StoreError> {
        for attempt in 0..TRIES {
            let endpoints = self.registry.endpoints().await?;
            // Those of a partition together, each with its place.
            let mut calls: BTreeMap<Partition, (Vec<usize>, Call)> = BTreeMap::new();
            for (at, (settlement, progress)) in settlements.iter().zip(&*progress).enumerate() {
                let Progress::Sent(number) = progress else { continue };
                let partition = Partition::of_slot(settlement.lease.delivery.slot());
                let (places, call) = calls.entry(partition).or_insert_with(|| {
                    (Vec::new(), Call::new(&script::SETTLE, &partition.tag()).arg(endpoints.version()))
                });
                places.push(at);
                push_settlement(call, &endpoints, settlement, *number);
            }
            if calls.is_empty() {
                break;
            }
            let (places, calls): (Vec<_>, Vec<_>) =
                calls.into_iter().map(|(partition, (places, call))| ((partition, places), call)).unzip();
            let (mut outdated, mut failure) = (None, None);
            for ((partition, places), reply) in places.into_iter().zip(self.link.call_all(calls).await?) {
                match reply.and_then(|reply| read_told(reply, &places, progress)) {
                    Ok(is_outdated) => outdated = is_outdated.then_some(partition).or(outdated),
                    Err(error) => failure = Some(error),
                }
            }
            if let Some(error) = failure {
                return Err(error);
            }
            if let Some(partition) = outdated {
                if attempt + 1 == TRIES {
                    return Err(unsettled());
                }
                self.agree_with(partition).await?;
            }
        }
        Ok(())
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
    async fn after_settling(&self, settlements: &[Settlement], progress: &mut [Progress]) {
        let endpoints = self.registry.known();
        let mut guards: HashMap<EndpointId, Vec<Change>> = HashMap::new();
        let mut now = Timestamp::default();
        for (settlement, progress) in settlements.iter().zip(&*progress) {
            let Progress::Told { is_taken, is_orphan } = *progress else { continue };
            let Settlement { lease, attempt, transition, follow_ups, .. } = settlement;
            now = now.max(settlement.now);
            // The guard of a deleted endpoint is gone, and another one of its name has nothing to do with it.
            if let Some(endpoint) = endpoints.get(&lease.endpoint).filter(|_| !is_orphan) {
                let (limits, now) = (limits(endpoint, settlement.breaker), settlement.now);
                let end = is_taken.then(|| attempt.into());
                let settle = Change::Settle { replica: lease.replica, end, limits, now };
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
        for (settlement, progress) in settlements.iter().zip(progress) {
            let Progress::Told { is_taken, is_orphan } = *progress else { continue };
            let disables = settlement.disables.as_ref().filter(|_| is_taken && !is_orphan);
            let has_disabled = match disables {
                Some(disables) => self.disable(&settlement.lease.endpoint, disables, settlement.now).await,
                None => Ok(false),
            };
            if let Err(error) = &has_disabled {
                tracing::warn!(endpoint = %settlement.lease.endpoint, %error, "the endpoint could not be disabled");
            }
            *progress = Progress::Done(match (is_taken, has_disabled) {
                (_, Ok(true)) => Settled::Disabled,
                (true, _) => Settled::Taken,
                (false, _) => Settled::Refused,
            });
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

    /// Disables an endpoint if it is still the one that is meant, and tells of it; says whether it did. The registry lies
    /// elsewhere than events: when the connection is lost in between, nobody is told.
    async fn disable(
        &self,
        id: &EndpointId,
        disables: &Disabling,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        for _ in 0..TRIES {
            let endpoints = self.registry.refresh().await?;
            let Some(endpoint) = endpoints.get(id).filter(|endpoint| disables.is_meant(endpoint)) else {
                return Ok(false);
            };
            let after = disabled(endpoint, disables.reason, now);
            match self.registry.replace(&after, now, async { Ok(()) }).await {
                Ok(()) => {
                    if let Some(news) = &disables.news
                        && let Err(error) = self.accept(news, None).await
                    {
                        tracing::warn!(endpoint = %id, %error, "nobody is told that the endpoint was disabled");
                    }
                    return Ok(true);
                }
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

/// Reads what a partition says of the settlements at `places`; says whether it knows another version of the endpoints.
fn read_told(reply: Value, places: &[usize], progress: &mut [Progress]) -> Result<bool, StoreError> {
    let mut items = Items::of(reply)?;
    let mut is_outdated = false;
    for &at in places {
        let (is_taken, is_orphan) = match items.integer()? {
            OUTDATED => {
                is_outdated = true;
                continue;
            }
            0 => (false, false),
            1 => (true, false),
            2 => (true, true),
            3 => (false, true),
            _ => return Err(fault::unexpected()),
        };
        *progress.get_mut(at).ok_or_else(fault::unexpected)? = Progress::Told { is_taken, is_orphan };
    }
    Ok(is_outdated)
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
