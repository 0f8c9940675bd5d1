//! Handing out deliveries: look where something is due, ask the guards, take it, and give back what was let through and not
//! found. Three round trips as a rule, whatever the number.

use super::RedisStore;
use super::decode;
use super::guards::{Change, Changes};
use super::key::{self, Partition};
use super::registry::{Dropped, Endpoints, Registry};
use super::reply::{Items, integer};
use super::script::{self, Call};
use super::share::{self, Place};
use super::wake::Looked;
use redis::Value;
use redundancy_webhook::breaker::BreakerConfig;
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::delivery::DeliveryState;
use redundancy_webhook::endpoint::Endpoint;
use redundancy_webhook::event::Event;
use redundancy_webhook::guard::Limits;
use redundancy_webhook::ids::{EndpointId, EventId};
use redundancy_webhook::store::{Claim, Claimed, ClaimedDelivery, Lease, StoreError};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Lanes of a partition that are looked at, as a rule.
const LANES: usize = 64;
/// The same when so many wait for places that others are not seen behind them.
const MOST_LANES: usize = 4096;
/// Deliveries of a lane of which it is looked up since when they are due.
const FIRST: usize = 8;
/// Bytes of bodies after which a partition hands out no more.
const BODY_BYTES: usize = 4 << 20;
/// How long the lanes of an inactive endpoint are not looked at, unless it is changed.
const INACTIVE: Duration = Duration::from_mins(1);
/// How often what is left is shared out again among endpoints that got all they wanted.
const ROUNDS: usize = 3;

/// How many lanes of a partition are looked at.
pub(super) struct Width(AtomicUsize);

/// What is due for one endpoint.
struct Wish {
    endpoint: Arc<Endpoint>,
    /// Since when it waits for its turn.
    since: u64,
    lanes: Vec<(Partition, Place)>,
    /// How many are due.
    due: usize,
    /// How many more the dispatcher wants of it.
    room: usize,
    /// How many its guard let through.
    granted: usize,
    taken: usize,
    failing_since: Option<Timestamp>,
    /// Its guard does not let all through that is due.
    held: Option<Held>,
    /// Until when its lanes need not be looked at.
    parked: Option<Timestamp>,
}

/// An endpoint that gets no more.
#[derive(Clone, Copy)]
struct Held {
    /// Until then, if that is known.
    until: Option<Timestamp>,
}

/// What was found.
struct Found {
    wishes: Vec<Wish>,
    /// Lanes of endpoints that there are not.
    orphans: Vec<(Partition, EndpointId)>,
    /// Lanes of endpoints that are not active.
    inactive: Vec<(Partition, EndpointId)>,
    /// Of each partition that was looked at.
    versions: BTreeMap<Partition, u64>,
    /// When there is next something to do.
    next: Option<Timestamp>,
    has_more: bool,
}

impl Width {
    pub(super) const fn new() -> Self {
        Self(AtomicUsize::new(LANES))
    }
}

impl RedisStore {
    pub(super) async fn hand_out(&self, claim: &Claim<'_>) -> Result<Claimed, StoreError> {
        let turn = self.claiming.turn().await;
        let looked = self.wake.look(claim.now);
        let result = self.look_and_take(claim, looked).await;
        self.wake.claimed(result.is_ok());
        turn.end(result.as_ref().is_ok_and(|(_, is_busy)| *is_busy));
        result.map(|(claimed, _)| claimed)
    }

    /// Gives what it took, and whether more of the same will go out as soon as there are places.
    async fn look_and_take(
        &self,
        claim: &Claim<'_>,
        mut looked: Looked<'_>,
    ) -> Result<(Claimed, bool), StoreError> {
        let mut found = self.look(claim, &mut looked).await?;
        self.admit(claim, &mut found.wishes).await?;
        let mut claimed = self.take(claim, &mut found, &mut looked).await?;
        self.give_back(claim, &found.wishes).await;
        let left_over = found.wishes.iter().filter_map(|wish| wish.next_at(claim.now)).min();
        let hidden = found.has_more.then_some(claim.now);
        let elsewhere = self.wake.next_after(claim.now);
        claimed.next_at = [found.next, left_over, hidden, elsewhere].into_iter().flatten().min();
        // The places of those that wait are taken by deliveries under way, so they are no more than these; but others
        // must not be hidden behind them.
        let width = if found.has_more && claimed.deliveries.is_empty() {
            self.width.0.load(Ordering::Relaxed) * 2
        } else {
            LANES
        };
        self.width.0.store(width.min(MOST_LANES), Ordering::Relaxed);
        Ok((claimed, found.wishes.iter().any(|wish| (1..wish.due).contains(&wish.taken))))
    }

    /// Looks what is due.
    async fn look(&self, claim: &Claim<'_>, looked: &mut Looked<'_>) -> Result<Found, StoreError> {
        let partitions: Vec<Partition> = looked.partitions().collect();
        let width = self.width.0.load(Ordering::Relaxed);
        let peek = |partition: &Partition| {
            Call::new(&script::PEEK, &partition.tag()).arg(key::millis(claim.now)).arg(width).arg(FIRST)
        };
        let replies = self.link.call_all(partitions.iter().map(peek).collect()).await?;
        let mut found = Found {
            wishes: Vec::new(),
            orphans: Vec::new(),
            inactive: Vec::new(),
            versions: BTreeMap::new(),
            next: None,
            has_more: false,
        };
        let mut seen = Vec::with_capacity(partitions.len());
        for (partition, reply) in partitions.into_iter().zip(replies) {
            let mut items = Items::of(reply?)?;
            let next = moment(items.integer()?);
            found.next = found.next.into_iter().chain(next).min();
            found.has_more |= items.integer()? != 0;
            found.versions.insert(partition, items.parse()?);
            seen.push((partition, next, items.items()?));
        }
        let endpoints = self.registry.at_least(&found.versions).await?;
        let mut wishes: BTreeMap<EndpointId, Wish> = BTreeMap::new();
        for (partition, next, mut lanes) in seen {
            if lanes.is_empty() {
                looked.nothing_before(partition, next);
            }
            while !lanes.is_empty() {
                let (id, since, count): (EndpointId, i64, i64) =
                    (lanes.parse()?, lanes.integer()?, lanes.integer()?);
                let mut dues = lanes.items()?;
                let mut first = Vec::new();
                while !dues.is_empty() {
                    first.push(u64::try_from(dues.integer()?).unwrap_or(0));
                }
                match endpoints.get(&id) {
                    None => found.orphans.push((partition, id)),
                    Some(endpoint) if !endpoint.is_active => found.inactive.push((partition, id)),
                    Some(endpoint) => {
                        let wish = wishes.entry(id).or_insert_with(|| Wish::new(endpoint, claim));
                        let place = Place { count: usize::try_from(count).unwrap_or(0), first };
                        wish.since = wish.since.min(u64::try_from(since).unwrap_or(0));
                        wish.due += place.count;
                        wish.lanes.push((partition, place));
                    }
                }
            }
        }
        self.drop_orphans(&endpoints, &found, claim.now).await?;
        found.wishes = wishes.into_values().collect();
        found.wishes.sort_by_key(|wish| wish.since);
        Ok(found)
    }

    /// Cancels a part of what waits for endpoints that there are not.
    async fn drop_orphans(
        &self,
        endpoints: &Endpoints,
        found: &Found,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let orphans = &found.orphans;
        let drops =
            orphans.iter().map(|(partition, id)| Registry::drop_orphans(endpoints, *partition, id, now));
        for ((partition, _), dropped) in orphans.iter().zip(self.link.call_all(drops.collect()).await?) {
            // Else it is seen when these lanes are looked at again.
            if Dropped::of(dropped?)?.is_refused {
                self.registry.agree(*partition, found.version(*partition)).await?;
            }
        }
        Ok(())
    }

    /// Asks the guards how many of what is due may go out.
    async fn admit(&self, claim: &Claim<'_>, wishes: &mut [Wish]) -> Result<(), StoreError> {
        let (mut left, mut rounds, mut ask) = (claim.limit, 0, claim.limit);
        while left > 0 && rounds < ROUNDS {
            let wanted: Vec<usize> = wishes.iter().map(Wish::wanted).collect();
            let shares = share::in_turn(ask, &wanted);
            let mut asked: Vec<(&mut Wish, usize)> =
                wishes.iter_mut().zip(shares).filter(|(_, share)| *share > 0).collect();
            if asked.is_empty() {
                return Ok(());
            }
            let mut changes: Vec<Changes> =
                asked.iter().map(|(wish, share)| wish.admit(claim, *share)).collect();
            if let Err(error) = self.guards.change(&mut changes, claim.now).await {
                self.owe(claim, wishes);
                return Err(error);
            }
            let mut granted = 0;
            for ((wish, share), change) in asked.iter_mut().zip(changes) {
                granted += wish.admitted(*share, change, claim);
            }
            left = left.saturating_sub(granted);
            // Those that are held must not hide the others: as long as nothing is let through, twice as many are asked each time.
            // What is let through beyond the limit is not taken, and given back.
            (rounds, ask) = if granted > 0 { (rounds + 1, left) } else { (rounds, ask.saturating_mul(2)) };
        }
        Ok(())
    }

    /// Takes what was let through.
    async fn take(
        &self,
        claim: &Claim<'_>,
        found: &mut Found,
        looked: &mut Looked<'_>,
    ) -> Result<Claimed, StoreError> {
        let [token, ..] = split(self.ids.random_128());
        let (partitions, mut calls): (Vec<Partition>, Vec<Call>) =
            found.claims(claim, token).into_iter().unzip();
        let (parks, count) = (found.parks(claim.now), calls.len());
        calls.extend(parks);
        let mut results = match self.link.call_all(calls).await {
            Ok(results) => results,
            Err(error) => vec![Err(error); count],
        };
        let parked = results.split_off(count);
        if parked.into_iter().any(|parked| parked.and_then(integer).is_ok_and(|is_parked| is_parked == 0)) {
            // What was known of these lanes holds no more.
            found.next = Some(claim.now);
        }
        let mut put = Taken { claim, token, found: Vec::new(), wishes: &mut found.wishes };
        let mut failure = None;
        for (partition, result) in partitions.into_iter().zip(results) {
            match result.and_then(|reply| put.read(reply)) {
                Ok((next, is_empty)) => {
                    found.next = found.next.into_iter().chain(next).min();
                    if is_empty {
                        looked.nothing_before(partition, next);
                    }
                }
                Err(error) => failure = Some(error),
            }
        }
        let mut got = put.found;
        if let Some(error) = failure.filter(|_| got.is_empty()) {
            self.owe(claim, &found.wishes);
            return Err(error);
        }
        got.sort_by_key(|(due, _)| *due);
        let deliveries = got.into_iter().map(|(_, delivery)| delivery).collect();
        Ok(Claimed { deliveries, next_at: None })
    }

    /// Gives back what was let through and not found.
    async fn give_back(&self, claim: &Claim<'_>, wishes: &[Wish]) {
        let mut changes: Vec<Changes> = wishes.iter().filter_map(|wish| wish.unused(claim)).collect();
        if !changes.is_empty() {
            // What cannot be given back now is owed.
            let _ = self.guards.change(&mut changes, claim.now).await;
        }
    }

    fn owe(&self, claim: &Claim<'_>, wishes: &[Wish]) {
        self.guards.owe(wishes.iter().filter_map(|wish| wish.unused(claim)));
    }
}

/// What the claim scripts gave, put together.
struct Taken<'t, 'c> {
    claim: &'t Claim<'c>,
    token: u64,
    /// With when they were due.
    found: Vec<(Timestamp, ClaimedDelivery)>,
    wishes: &'t mut [Wish],
}

impl Taken<'_, '_> {
    /// Reads one reply: gives when there is next something to do, and whether nothing is left that is due.
    fn read(&mut self, reply: Value) -> Result<(Option<Timestamp>, bool), StoreError> {
        let mut items = Items::of(reply)?;
        let (next, left) = (moment(items.integer()?), items.integer()?);
        let (mut deliveries, mut bodies) = (items.items()?, items.items()?);
        let mut events: HashMap<EventId, Arc<Event>> = HashMap::new();
        while !bodies.is_empty() {
            let mut event = bodies.items()?;
            let id = EventId::from_number(decode::number(&mut event)?);
            if let Some(event) = readable("event", &id, decode::event(id, &mut event))? {
                events.insert(id, Arc::new(event));
            }
        }
        while !deliveries.is_empty() {
            let mut items = deliveries.items()?;
            let id = items.first()?;
            let Some(mut delivery) = readable("delivery", &id, decode::delivery(&mut items))? else {
                continue;
            };
            let wish = self.wishes.iter_mut().find(|wish| wish.endpoint.id == delivery.endpoint_id);
            let (Some(wish), Some(event)) = (wish, events.get(&delivery.event_id)) else { continue };
            wish.taken += 1;
            let due = delivery.due_at.take().unwrap_or_default();
            (delivery.state, delivery.updated_at) = (DeliveryState::InFlight, self.claim.now);
            let lease = Lease {
                delivery: delivery.id,
                endpoint: delivery.endpoint_id.clone(),
                replica: self.claim.replica,
                token: self.token,
            };
            let (event, endpoint) = (Arc::clone(event), Arc::clone(&wish.endpoint));
            let failing_since = wish.failing_since;
            self.found.push((due, ClaimedDelivery { delivery, event, endpoint, failing_since, lease }));
        }
        Ok((next, left == 0))
    }
}

impl Found {
    /// By which version of the endpoints `partition` accepted events when it was looked at.
    fn version(&self, partition: Partition) -> u64 {
        self.versions.get(&partition).copied().unwrap_or_default()
    }

    /// What is taken of each partition.
    fn claims(&self, claim: &Claim<'_>, token: u64) -> BTreeMap<Partition, Call> {
        let times = [key::millis(claim.now), key::millis(claim.until)];
        let mut calls: BTreeMap<Partition, Call> = BTreeMap::new();
        let mut left = claim.limit;
        for wish in self.wishes.iter().filter(|wish| wish.granted > 0) {
            let places: Vec<Place> = wish.lanes.iter().map(|(_, place)| place.clone()).collect();
            let granted = wish.granted.min(left);
            left -= granted;
            let counts = share::longest_due(granted, &places);
            for ((partition, _), count) in wish.lanes.iter().zip(counts).filter(|(_, count)| *count > 0) {
                let call = calls.entry(*partition).or_insert_with(|| {
                    let call = Call::new(&script::CLAIM, &partition.tag()).arg(self.version(*partition));
                    call.arg(&times).arg(token).arg(BODY_BYTES)
                });
                call.push(wish.endpoint.id.as_str());
                call.push(count);
            }
        }
        calls
    }

    /// Lanes that need not be looked at for a while.
    fn parks(&self, now: Timestamp) -> Vec<Call> {
        let inactive = self.inactive.iter().map(|(partition, id)| (*partition, id, now.plus(INACTIVE)));
        let blocked = self.wishes.iter().filter_map(|wish| wish.parked.map(|until| (wish, until)));
        let blocked = blocked.flat_map(|(wish, until)| {
            wish.lanes.iter().map(move |(partition, _)| (*partition, &wish.endpoint.id, until))
        });
        let mut calls: BTreeMap<Partition, Call> = BTreeMap::new();
        for (partition, id, until) in inactive.chain(blocked) {
            let park = || Call::new(&script::PARK, &partition.tag()).arg(self.version(partition));
            let call = calls.entry(partition).or_insert_with(park);
            call.push(id.as_str());
            call.push(key::millis(until));
        }
        calls.into_values().collect()
    }
}

impl Wish {
    fn new(endpoint: &Arc<Endpoint>, claim: &Claim<'_>) -> Self {
        Self {
            room: usize::try_from(claim.room.of(&endpoint.id)).unwrap_or(usize::MAX),
            endpoint: Arc::clone(endpoint),
            since: u64::MAX,
            lanes: Vec::new(),
            due: 0,
            granted: 0,
            taken: 0,
            failing_since: None,
            held: None,
            parked: None,
        }
    }

    /// How many more are wanted.
    fn wanted(&self) -> usize {
        if self.held.is_some() { 0 } else { self.due.min(self.room).saturating_sub(self.granted) }
    }

    fn limits(&self, claim: &Claim<'_>) -> Limits {
        limits(&self.endpoint, claim.breaker)
    }

    fn admit(&self, claim: &Claim<'_>, wanted: usize) -> Changes {
        let wanted = u32::try_from(wanted).unwrap_or(u32::MAX);
        let (replica, limits, until) = (claim.replica, self.limits(claim), claim.until);
        Changes::new(self.endpoint.id.clone(), vec![Change::Admit { replica, limits, wanted, until }])
    }

    /// Takes notice of what the guard said; gives how many it let through.
    fn admitted(&mut self, share: usize, changes: Changes, claim: &Claim<'_>) -> usize {
        let Some((guard, admission)) =
            changes.outcome.and_then(|outcome| Some((outcome.guard, outcome.admission?)))
        else {
            // Others were quicker, again and again.
            self.held = Some(Held { until: Some(claim.now) });
            return 0;
        };
        let granted = usize::try_from(admission.granted).unwrap_or(0);
        self.failing_since = guard.failing_since;
        self.granted += granted;
        if granted < share {
            self.held = Some(Held { until: admission.retry_at });
            if self.granted == 0 && guard.breaker.open_until().is_some() {
                // Nothing but time helps. A place, or one in the rate, may become free at any time.
                self.parked = admission.retry_at;
            }
        }
        granted
    }

    fn unused(&self, claim: &Claim<'_>) -> Option<Changes> {
        let unused = u32::try_from(self.granted.saturating_sub(self.taken)).unwrap_or(0);
        let change = Change::GiveBack { replica: claim.replica, unused };
        (unused > 0).then(|| Changes::new(self.endpoint.id.clone(), vec![change]))
    }

    /// When what was not taken may go out.
    fn next_at(&self, now: Timestamp) -> Option<Timestamp> {
        if self.taken >= self.due {
            return None;
        }
        match &self.held {
            Some(held) => held.until,
            None if self.taken >= self.room => None,
            None => Some(now),
        }
    }
}

/// One record that cannot be read must not stop the others that came with it.
fn readable<T>(
    what: &str,
    id: &impl fmt::Display,
    read: Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    match read {
        Err(error @ StoreError::Unreadable(_)) => {
            tracing::error!(%error, %id, "the record of a {what} cannot be read and is left out");
            Ok(None)
        }
        other => other.map(Some),
    }
}

/// What an endpoint may be sent.
pub(super) fn limits(endpoint: &Endpoint, breaker: BreakerConfig) -> Limits {
    Limits { breaker, rate: endpoint.rate_limit, max_in_flight: endpoint.max_in_flight }
}

/// A time, or never.
fn moment(millis: i64) -> Option<Timestamp> {
    u64::try_from(millis).ok().map(Timestamp::from_millis)
}

/// The halves of a number.
fn split(number: u128) -> [u64; 2] {
    let low = u64::try_from(number & u128::from(u64::MAX)).unwrap_or(0);
    [low, u64::try_from(number >> 64).unwrap_or(0)]
}
