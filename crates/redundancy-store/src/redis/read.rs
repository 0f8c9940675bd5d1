//! Reading single events and deliveries, and lists of them, newest first, over all partitions.

use super::RedisStore;
use super::decode::{self, letter};
use super::key::{self, Partition, hex};
use super::link::Link;
use super::reply::{self, Items};
use super::script::{self, Call};
use redis::{Value, cmd};
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::delivery::{Attempt, Delivery, DeliveryFilter};
use redundancy_webhook::event::Event;
use redundancy_webhook::ids::{DeliveryId, EventId};
use redundancy_webhook::record;
use redundancy_webhook::store::{EventSummary, Page, PageRequest, StoreError};
use std::collections::VecDeque;

/// Ids that one call of a script looks at.
const STEPS: usize = 500;
/// From this time on ids cannot tell when they were made.
const END_OF_IDS_MS: u64 = 1 << 48;

/// A part of a list, from one partition.
struct Part<T> {
    partition: Partition,
    /// What was read and not yet taken, newest first.
    items: VecDeque<(u128, T)>,
    /// Where to go on; `None` when nothing is left.
    top: Option<String>,
}

impl RedisStore {
    pub(super) async fn read_event(&self, id: EventId) -> Result<Option<(Event, u32)>, StoreError> {
        let key = format!("{}:e:{}", Partition::of_slot(id.slot()).tag(), hex(id.number()));
        let get = cmd("HMGET").arg(key).arg(&["n", "t", "c", "b", "r", "p"]).clone();
        let mut items = Items::of(self.link.send(get).await?)?;
        let Some(deliveries) = items.parse_optional()? else { return Ok(None) };
        Ok(Some((decode::event(id, &mut items)?, deliveries)))
    }

    pub(super) async fn read_delivery(
        &self,
        id: DeliveryId,
    ) -> Result<Option<(Delivery, Vec<Attempt>)>, StoreError> {
        let call = Call::new(&script::ONE, &Partition::of_slot(id.slot()).tag()).arg(hex(id.number()));
        let mut items = Items::of(self.link.call(call).await?)?;
        if items.is_empty() {
            return Ok(None);
        }
        let delivery = decode::delivery(&mut items.items()?)?;
        let mut records = items.items()?;
        let mut attempts = Vec::new();
        while !records.is_empty() {
            attempts.push(record::read_attempt(&records.bytes()?.unwrap_or_default())?);
        }
        Ok(Some((delivery, attempts)))
    }

    pub(super) async fn list_events(
        &self,
        since: Timestamp,
        until: Timestamp,
        page: &PageRequest<EventId>,
    ) -> Result<Page<EventSummary, EventId>, StoreError> {
        let top = bound(page.after.map(EventId::number), Some(until));
        let bottom = lowest(Some(since));
        let most = chunk(page.limit);
        let call = |partition: Partition, top: &str| {
            Call::new(&script::EVENTS, &partition.tag()).arg(&[top, &bottom]).arg(most)
        };
        let read = |part: &mut Part<EventSummary>, reply: Value| {
            let mut items = Items::of(reply)?;
            let mut read = 0;
            while !items.is_empty() {
                let id = EventId::from_number(decode::number(&mut items)?);
                read += 1;
                part.top = Some(format!("({}", hex(id.number())));
                // One whose record was lost has no type.
                if let Some(kind) = items.parse_optional()? {
                    part.items.push_back((id.number(), EventSummary { id, kind }));
                }
            }
            if read < most {
                part.top = None;
            }
            Ok(())
        };
        let (items, last) = merge(&self.link, Partition::all(), &top, page.limit, call, read).await?;
        Ok(Page { items, next: last.map(EventId::from_number) })
    }

    pub(super) async fn list_deliveries(
        &self,
        filter: &DeliveryFilter,
        page: &PageRequest<DeliveryId>,
    ) -> Result<Page<Delivery, DeliveryId>, StoreError> {
        // A delivery has the time of its event, to the millisecond.
        let moment = filter.event_id.map(EventId::made_at);
        let until = moment
            .map(|moment| Timestamp::from_millis(moment.as_millis() + 1))
            .into_iter()
            .chain(filter.until)
            .min();
        let since = moment.into_iter().chain(filter.since).max();
        let top = bound(page.after.map(DeliveryId::number), until);
        let bottom = lowest(since);
        let most = chunk(page.limit);
        let endpoint = filter.endpoint_id.as_ref().map_or("", |id| id.as_str());
        let event = filter.event_id.map(|id| hex(id.number())).unwrap_or_default();
        let kind = filter.event_type.as_ref().map_or("", |kind| kind.as_str());
        let state = filter.state.map_or("", letter);
        let call = |partition: Partition, top: &str| {
            Call::new(&script::LIST, &partition.tag())
                .arg(&[top, &bottom])
                .arg(&[most, STEPS])
                .arg(&[endpoint, &event, kind, state])
        };
        let read = |part: &mut Part<Delivery>, reply: Value| {
            let mut items = Items::of(reply)?;
            part.top = items.text()?.filter(|last| !last.is_empty()).map(|last| format!("({last}"));
            let mut found = items.items()?;
            while !found.is_empty() {
                let delivery = decode::delivery(&mut found.items()?)?;
                part.items.push_back((delivery.id.number(), delivery));
            }
            Ok(())
        };
        let only = filter.event_id.map(|id| Partition::of_slot(id.slot()));
        let partitions = Partition::all().filter(|partition| only.is_none_or(|only| only == *partition));
        let (items, last) = merge(&self.link, partitions, &top, page.limit, call, read).await?;
        Ok(Page { items, next: last.map(DeliveryId::from_number) })
    }

    pub(super) async fn oldest_pending(&self) -> Result<Option<Timestamp>, StoreError> {
        let call = |partition: Partition| Call::new(&script::OLDEST, &partition.tag());
        let replies = self.link.call_all(Partition::all().map(call).collect()).await?;
        let mut oldest: Option<u128> = None;
        for reply in replies {
            let text = reply::bytes(reply?)?.unwrap_or_default();
            if let Ok(text) = std::str::from_utf8(&text)
                && !text.is_empty()
            {
                oldest = oldest.into_iter().chain([key::from_hex(text)?]).min();
            }
        }
        Ok(oldest.map(|number| DeliveryId::from_number(number).made_at()))
    }
}

/// Merges the lists of partitions, newest first: up to `limit` items, and the number of the last one if there are more.
async fn merge<T>(
    link: &Link,
    partitions: impl Iterator<Item = Partition>,
    top: &str,
    limit: usize,
    call: impl Fn(Partition, &str) -> Call,
    read: impl Fn(&mut Part<T>, Value) -> Result<(), StoreError>,
) -> Result<(Vec<T>, Option<u128>), StoreError> {
    let part = |partition| Part { partition, items: VecDeque::new(), top: Some(top.to_owned()) };
    let mut parts: Vec<Part<T>> = partitions.map(part).collect();
    let (mut items, mut last) = (Vec::new(), None);
    loop {
        // None may be empty unless it is at its end: its next item could be the newest.
        let hungry = parts.iter_mut().filter(|part| part.items.is_empty());
        let (hungry, calls): (Vec<_>, Vec<_>) = hungry
            .filter_map(|part| part.top.take().map(|top| (call(part.partition, &top), part)))
            .map(|(call, part)| (part, call))
            .unzip();
        if !calls.is_empty() {
            for (part, reply) in hungry.into_iter().zip(link.call_all(calls).await?) {
                read(part, reply?)?;
            }
            continue;
        }
        let newest = parts.iter_mut().filter(|part| !part.items.is_empty());
        let newest = newest.max_by_key(|part| part.items.front().map(|(number, _)| *number));
        let Some(part) = newest else { return Ok((items, None)) };
        if items.len() >= limit {
            return Ok((items, last));
        }
        if let Some((number, item)) = part.items.pop_front() {
            last = Some(number);
            items.push(item);
        }
    }
}

/// The upper bound of a range: below the cursor, and below every id made at `until` or later.
fn bound(after: Option<u128>, until: Option<Timestamp>) -> String {
    // Later than ids can tell is no bound.
    let until = until
        .filter(|until| until.as_millis() < END_OF_IDS_MS)
        .map(|until| DeliveryId::first_at(until).number());
    after.into_iter().chain(until).min().map_or("+".to_owned(), |number| format!("({}", hex(number)))
}

/// The lower bound of a range: ids made at `since` or later.
fn lowest(since: Option<Timestamp>) -> String {
    match since {
        None => "-".to_owned(),
        Some(since) if since.as_millis() >= END_OF_IDS_MS => "+".to_owned(),
        Some(since) => format!("[{}", hex(DeliveryId::first_at(since).number())),
    }
}

/// How many items of a page are read from a partition at once: about its share, and then some.
fn chunk(limit: usize) -> usize {
    limit.min(limit / usize::from(key::PARTITIONS) + 8)
}
