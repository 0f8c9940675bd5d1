//! The endpoints. Every replica knows all of them; each partition knows by which version of them events are accepted, so that
//! accepting one takes one round trip and still nobody accepts by what is out of date.
//!
//! A change is written, gets a version that is higher than any before, and raises every partition to it before it is confirmed; but a
//! deletion stands once it is written, and whoever comes too late for it finds out when the registry is read anew.
//! A replica that comes with another version than the partition's is refused, reads the endpoints anew, and tries again.

use super::fault;
use super::key::{self, Partition, REGISTRY};
use super::link::Link;
use super::publish::unsettled;
use super::reply::{Items, integer};
use super::script::{self, Call};
use redundancy_webhook::clock::{IdSource, Timestamp};
use redundancy_webhook::endpoint::Endpoint;
use redundancy_webhook::event::EventType;
use redundancy_webhook::ids::EndpointId;
use redundancy_webhook::record::{self, SecretCipher};
use redundancy_webhook::store::{Audience, EndpointWriteError, StoreError};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::Notify;

/// What a partition answers that accepts events by another version of the endpoints.
pub(super) const OUTDATED: i64 = -1;
/// How often others may change the endpoints while what is left of one is cancelled. Each time one of them got on, so up to so
/// many who change at once all come to an end.
const MOST_REFUSALS: usize = 64;
/// Deliveries that are cancelled in one step.
const DROP_STEP: usize = 500;

/// The endpoints, as far as this replica knows.
pub(super) struct Registry {
    link: Arc<Link>,
    cipher: Option<SecretCipher>,
    ids: Arc<dyn IdSource>,
    known: RwLock<Arc<Endpoints>>,
    /// Held while they are read, so that an older answer never replaces a newer one.
    reading: tokio::sync::Mutex<()>,
    changed: Notify,
}

/// All endpoints at some moment.
#[derive(Debug, Default)]
pub(super) struct Endpoints {
    /// Which version of the registry it is; 0 for one in which nothing was ever written. `None` before they were read.
    version: Option<u64>,
    by_id: BTreeMap<EndpointId, Arc<Endpoint>>,
}

/// What became of deliveries of an endpoint that there is not.
pub(super) struct Dropped {
    /// The partition knows another version of the endpoints, and did nothing.
    pub(super) is_refused: bool,
    /// Some may be left.
    has_more: bool,
}

impl Registry {
    pub(super) fn new(link: Arc<Link>, cipher: Option<SecretCipher>, ids: Arc<dyn IdSource>) -> Self {
        let (known, reading, changed) = Default::default();
        Self { link, cipher, ids, known, reading, changed }
    }

    /// What is known, without asking.
    pub(super) fn known(&self) -> Arc<Endpoints> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What is known, asking only if nothing is.
    pub(super) async fn endpoints(&self) -> Result<Arc<Endpoints>, StoreError> {
        let known = self.known();
        if known.version.is_some() { Ok(known) } else { self.refresh().await }
    }

    /// The endpoints as they are now.
    pub(super) async fn refresh(&self) -> Result<Arc<Endpoints>, StoreError> {
        self.refresh_and_say("").await
    }

    /// The same, and sends `sign` to all replicas.
    pub(super) async fn refresh_and_say(&self, sign: &str) -> Result<Arc<Endpoints>, StoreError> {
        let _turn = self.reading.lock().await;
        let known = self.known();
        let version = known.version.map(|version| version.to_string()).unwrap_or_default();
        let call = Call::new(&script::LOAD, REGISTRY).arg(version).arg(sign);
        let mut items = Items::of(self.link.call(call).await?)?;
        let version = items.parse()?;
        if items.is_empty() {
            return Ok(known);
        }
        let mut records = items.items()?;
        let mut by_id = BTreeMap::new();
        while !records.is_empty() {
            let id: EndpointId = records.parse()?;
            let record = records.bytes()?.unwrap_or_default();
            by_id.insert(id, Arc::new(record::read_endpoint(&record, self.cipher.as_ref())?));
        }
        let fresh = Arc::new(Endpoints { version: Some(version), by_id });
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&fresh);
        Ok(fresh)
    }

    /// The endpoints by versions that partitions have: nobody hands out by an endpoint what was accepted, or let go, by a
    /// later one.
    pub(super) async fn at_least(
        &self,
        versions: &BTreeMap<Partition, u64>,
    ) -> Result<Arc<Endpoints>, StoreError> {
        let mut known = self.endpoints().await?;
        if versions.values().any(|&version| version > known.version()) {
            known = self.refresh().await?;
        }
        let mut ahead = versions.iter().filter(|(_, version)| **version > known.version());
        if let Some((&partition, &version)) = ahead.next() {
            self.agree(partition, version).await?;
            known = self.known();
        }
        Ok(known)
    }

    /// They are not as they were.
    pub(super) fn changed(&self) {
        self.changed.notify_one();
    }

    /// Waits for [`Self::changed`].
    pub(super) async fn until_changed(&self) {
        self.changed.notified().await;
    }

    /// A partition accepts events by `theirs`, which is not the version that is known here: brings both to the same.
    pub(super) async fn agree(&self, partition: Partition, theirs: u64) -> Result<(), StoreError> {
        let mut version = self.refresh().await?.version();
        if version < theirs {
            // The registry lost its last change, and partitions did not: it gets a version that none of them has seen.
            let call = Call::new(&script::REGISTRY, REGISTRY).arg(&["", "", "", ""]).arg(theirs + 1);
            self.link.call(call).await?;
            version = self.refresh().await?.version();
        }
        if version > theirs {
            let call = Call::new(&script::RAISE, &partition.tag()).arg(version).arg("").arg(0);
            self.link.call(call).await?;
        }
        Ok(())
    }

    /// Writes a new endpoint.
    pub(super) async fn create(&self, endpoint: &Endpoint, now: Timestamp) -> Result<(), EndpointWriteError> {
        // Whoever deleted one with its id may have died halfway, or not be done.
        self.clear(&endpoint.id, now).await?;
        let version = self.write("create", endpoint, endpoint.revision).await?;
        self.spread(version.ok_or(EndpointWriteError::Exists)?, &endpoint.id, now).await?;
        Ok(())
    }

    /// Writes an endpoint in place of the one before.
    ///
    /// What is done `in_between` is done before the lanes of its deliveries are let go.
    pub(super) async fn replace(
        &self,
        endpoint: &Endpoint,
        now: Timestamp,
        in_between: impl Future<Output = Result<(), StoreError>>,
    ) -> Result<(), EndpointWriteError> {
        let before = endpoint.revision.checked_sub(1).ok_or(EndpointWriteError::Changed)?;
        let version = self.write("replace", endpoint, before).await?;
        let version = version.ok_or(EndpointWriteError::Changed)?;
        let done = in_between.await;
        self.spread(version, &endpoint.id, now).await?;
        Ok(done?)
    }

    /// Deletes an endpoint and cancels what is pending for it; says whether it was there.
    pub(super) async fn delete(&self, id: &EndpointId, now: Timestamp) -> Result<bool, StoreError> {
        let call = Call::new(&script::REGISTRY, REGISTRY).arg(&["delete", id.as_str(), "", ""]).arg(0);
        let Some(version) = written(self.link.call(call).await?)? else {
            // It may be that an earlier call got no further than this.
            self.clear(id, now).await?;
            return Ok(false);
        };
        let cleared = async {
            self.spread(version, id, now).await?;
            self.clear(id, now).await
        };
        // It is gone, and cannot come back. What is left of it is cancelled where it is claimed.
        if let Err(error) = cleared.await {
            tracing::warn!(%error, endpoint = %id, "what is pending for a deleted endpoint is cancelled later");
        }
        Ok(true)
    }

    /// Cancels what is left of an endpoint that there is not, and forgets its guard, so that nothing of it comes to another one
    /// with its id. Ends when there is one.
    async fn clear(&self, id: &EndpointId, now: Timestamp) -> Result<(), StoreError> {
        let mut left: Vec<Partition> = Partition::all().collect();
        let mut refused = 0;
        while !left.is_empty() && refused < MOST_REFUSALS {
            let endpoints = self.refresh().await?;
            if endpoints.get(id).is_some() {
                return Ok(());
            }
            if left.len() == Partition::all().count() {
                self.link.send(redis::cmd("DEL").arg(key::guard(id)).clone()).await?;
            }
            self.raise(endpoints.version(), id, now).await?;
            let calls = left.iter().map(|partition| Self::drop_orphans(&endpoints, *partition, id, now));
            let dropped = self.link.call_all(calls.collect()).await?;
            let (mut still, mut is_refused) = (Vec::new(), false);
            for (partition, dropped) in left.into_iter().zip(dropped) {
                let dropped = Dropped::of(dropped?)?;
                is_refused |= dropped.is_refused;
                if dropped.is_refused || dropped.has_more {
                    still.push(partition);
                }
            }
            refused += usize::from(is_refused);
            left = still;
        }
        if left.is_empty() { Ok(()) } else { Err(unsettled()) }
    }

    /// Cancels a part of what is pending in a partition for an endpoint that `endpoints` does not hold.
    pub(super) fn drop_orphans(
        endpoints: &Endpoints,
        partition: Partition,
        id: &EndpointId,
        now: Timestamp,
    ) -> Call {
        Call::new(&script::DROP, &partition.tag())
            .arg(id.as_str())
            .arg(key::millis(now))
            .arg(DROP_STEP)
            .arg(endpoints.version())
    }

    /// Writes an endpoint; gives the version after that, if it could be written.
    async fn write(&self, what: &str, endpoint: &Endpoint, before: u64) -> Result<Option<u64>, StoreError> {
        let record = record::write_endpoint(endpoint, self.cipher.as_ref(), self.ids.random_128());
        let call = Call::new(&script::REGISTRY, REGISTRY).arg(what).arg(endpoint.id.as_str()).arg(record);
        written(self.link.call(call.arg(before).arg(0)).await?)
    }

    /// Raises all partitions to a version, lets the lanes of `id` go that are parked, and knows of it here.
    async fn spread(&self, version: u64, id: &EndpointId, now: Timestamp) -> Result<(), StoreError> {
        self.raise(version, id, now).await?;
        self.refresh().await.map(drop)
    }

    async fn raise(&self, version: u64, id: &EndpointId, now: Timestamp) -> Result<(), StoreError> {
        let raise = |partition: Partition| {
            Call::new(&script::RAISE, &partition.tag()).arg(version).arg(id.as_str()).arg(key::millis(now))
        };
        for raised in self.link.call_all(Partition::all().map(raise).collect()).await? {
            integer(raised?)?;
        }
        Ok(())
    }

    /// Whether a stored endpoint holds a secret that is not encrypted.
    pub(super) const fn keeps_plain_secrets(&self) -> bool {
        self.cipher.is_none()
    }
}

impl Dropped {
    /// Reads what the script gives.
    pub(super) fn of(reply: redis::Value) -> Result<Self, StoreError> {
        let mut items = Items::of(reply)?;
        Ok(Self { is_refused: items.integer()? == OUTDATED, has_more: items.integer()? != 0 })
    }
}

impl Endpoints {
    /// Which version of the registry this is.
    pub(super) fn version(&self) -> u64 {
        self.version.unwrap_or(0)
    }

    /// The endpoint with this id.
    pub(super) fn get(&self, id: &EndpointId) -> Option<&Arc<Endpoint>> {
        self.by_id.get(id)
    }

    /// The endpoints that come behind one, by id.
    pub(super) fn after(&self, after: Option<&EndpointId>) -> impl Iterator<Item = &Arc<Endpoint>> {
        let first = after.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        self.by_id.range::<EndpointId, _>((first, std::ops::Bound::Unbounded)).map(|(_, endpoint)| endpoint)
    }

    /// Who gets an event.
    pub(super) fn recipients<'e>(
        &'e self,
        kind: &'e EventType,
        audience: &'e Audience,
    ) -> impl Iterator<Item = &'e EndpointId> {
        let is_meant = |endpoint: &Endpoint| match audience {
            Audience::Subscribers => true,
            Audience::SubscribersBut(id) => endpoint.id != *id,
        };
        let wants = move |endpoint: &&Arc<Endpoint>| is_meant(endpoint) && endpoint.wants(kind);
        self.by_id.values().filter(wants).map(|endpoint| &endpoint.id)
    }
}

/// The version after a change, if there was one.
fn written(value: redis::Value) -> Result<Option<u64>, StoreError> {
    let mut items = Items::of(value)?;
    match items.integer()? {
        0 => Ok(None),
        1 => items.parse().map(Some),
        _ => Err(fault::unexpected()),
    }
}
