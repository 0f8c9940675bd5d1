//! Lists, each out of the index that has its order.

use super::OrFailed as _;
use super::rows::{
    DELIVERY_COLUMNS, DELIVERY_JOINS, damaged, delivery, delivery_by_id, number, state_number,
};
use crate::schedule::show_being_made;
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::delivery::{Delivery, DeliveryFilter, DeliveryState};
use redundancy_webhook::ids::{DeliveryId, EventId};
use redundancy_webhook::store::{EventSummary, Page, PageRequest, StoreError};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, params_from_iter};
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

/// Deliveries that are being made, and since when.
pub(super) type Leased = HashMap<DeliveryId, Timestamp>;

/// Deliveries that wait for endpoints that were deleted: they are cancelled, and not yet written as that.
const DELETED: &str = "endpoints e CROSS JOIN deliveries d INDEXED BY deliveries_lane ON d.endpoint = e.key \
    JOIN event_types t ON t.key = d.type";

/// Which rows a query reads.
#[derive(Debug, Clone, Copy)]
enum Source {
    /// Those whose state is written as it is.
    Usual,
    /// Those that wait for endpoints that were deleted.
    Deleted,
}

/// Deliveries that `filter` means, newest first. `leased` are those that are being made, which the database calls pending.
pub(super) fn deliveries(
    connection: &Connection,
    filter: &DeliveryFilter,
    page: &PageRequest<DeliveryId>,
    leased: &Leased,
) -> Result<Page<Delivery, DeliveryId>, StoreError> {
    let sources: &[Source] = match filter.state {
        Some(DeliveryState::InFlight) => return in_flight(connection, filter, page, leased),
        Some(DeliveryState::Cancelled) => &[Source::Usual, Source::Deleted],
        _ => &[Source::Usual],
    };
    // One more tells whether there is a next page; those being made may have to be left out.
    let is_waiting = matches!(filter.state, Some(DeliveryState::Pending | DeliveryState::Cancelled));
    let limit = page.limit + 1 + if is_waiting { leased.len() } else { 0 };
    let mut items = Vec::new();
    for source in sources {
        let Some((query, values)) = query(connection, filter, page, limit, *source)? else { continue };
        let mut statement = connection.prepare_cached(&query).or_failed()?;
        let mut rows = statement.query(params_from_iter(values)).or_failed()?;
        while let Some(row) = rows.next().or_failed()? {
            let delivery = with_lease(delivery(row)?, leased);
            if filter.state.is_none_or(|state| state == delivery.state) {
                items.push(delivery);
            }
        }
    }
    if sources.len() > 1 {
        items.sort_unstable_by_key(|delivery| Reverse(delivery.id));
    }
    Ok(Page::cut(items, page.limit, |last| last.id))
}

/// The delivery as it is with the leases there are.
fn with_lease(mut delivery: Delivery, leased: &Leased) -> Delivery {
    if let Some(since) = leased.get(&delivery.id)
        && matches!(delivery.state, DeliveryState::Pending | DeliveryState::Cancelled)
    {
        show_being_made(&mut delivery, *since);
    }
    delivery
}

fn in_flight(
    connection: &Connection,
    filter: &DeliveryFilter,
    page: &PageRequest<DeliveryId>,
    leased: &Leased,
) -> Result<Page<Delivery, DeliveryId>, StoreError> {
    let mut ids: Vec<_> =
        leased.keys().copied().filter(|id| page.after.is_none_or(|after| *id < after)).collect();
    ids.sort_unstable_by(|a, b| b.cmp(a));
    let mut items = Vec::new();
    for id in ids {
        if items.len() > page.limit {
            break;
        }
        if let Some(found) = delivery_by_id(connection, id)? {
            let found = with_lease(found, leased);
            if filter.matches(&found) {
                items.push(found);
            }
        }
    }
    Ok(Page::cut(items, page.limit, |last| last.id))
}

/// The statement for a filter, with its values; `None` when nothing can match.
fn query(
    connection: &Connection,
    filter: &DeliveryFilter,
    page: &PageRequest<DeliveryId>,
    limit: usize,
    source: Source,
) -> Result<Option<(String, Vec<Value>)>, StoreError> {
    let mut conditions = vec!["d.id < ?1".to_owned(), "d.id >= ?2".to_owned()];
    let mut until = page.after.map_or(u128::MAX, DeliveryId::number);
    let mut since = 0;
    if let Some(moment) = filter.until {
        until = until.min(DeliveryId::first_at(moment).number());
    }
    if let Some(moment) = filter.since {
        since = DeliveryId::first_at(moment).number();
    }
    if let Some(event) = filter.event_id {
        // Its deliveries begin with the same millisecond.
        let next = Timestamp::from_millis(event.made_at().as_millis().saturating_add(1));
        since = since.max(DeliveryId::first_at(event.made_at()).number());
        until = until.min(DeliveryId::first_at(next).number());
    }
    let blob = |number: u128| Value::Blob(number.to_be_bytes().to_vec());
    let mut values = vec![blob(until), blob(since)];
    let mut equal = |column: &str, value: Value| {
        values.push(value);
        conditions.push(format!("d.{column} = ?{}", values.len()));
    };
    let key = |table: &str, column: &str, name: &str| -> Result<Option<i64>, StoreError> {
        let query = format!("SELECT key FROM {table} WHERE {column} = ?1");
        connection.query_row(&query, [name], |row| row.get(0)).optional().or_failed()
    };
    if let Some(event) = filter.event_id {
        equal("event_id", blob(event.number()));
    }
    if let Some(endpoint) = &filter.endpoint_id {
        let Some(key) = key("endpoints", "id", endpoint.as_str())? else { return Ok(None) };
        equal("endpoint", Value::Integer(key));
    }
    if let Some(kind) = &filter.event_type {
        let Some(key) = key("event_types", "name", kind.as_str())? else { return Ok(None) };
        equal("type", Value::Integer(key));
    }
    let from = match source {
        Source::Usual => format!("deliveries d {} {DELIVERY_JOINS}", index(filter)),
        Source::Deleted => DELETED.to_owned(),
    };
    // Written out, so that the partial indexes apply: an equation does not tell SQLite that an inequality holds.
    match (source, filter.state) {
        (Source::Deleted, _) => conditions.push("d.state = 0 AND e.deleted IS NOT NULL".to_owned()),
        (Source::Usual, Some(DeliveryState::Pending)) => {
            conditions.push("d.state = 0 AND e.deleted IS NULL".to_owned());
        }
        (Source::Usual, Some(state @ (DeliveryState::Exhausted | DeliveryState::Cancelled))) => {
            conditions.push(format!("d.state = {} AND d.state >= 3", state_number(state)));
        }
        (Source::Usual, Some(state)) => conditions.push(format!("d.state = {}", state_number(state))),
        (Source::Usual, None) => {}
    }
    let conditions = conditions.join(" AND ");
    let query =
        format!("SELECT {DELIVERY_COLUMNS} FROM {from} WHERE {conditions} ORDER BY d.id DESC LIMIT {limit}");
    Ok(Some((query, values)))
}

/// The index that serves a filter.
fn index(filter: &DeliveryFilter) -> &'static str {
    use DeliveryState::{Cancelled, Exhausted, InFlight, Pending, Succeeded};
    match (filter.event_id, filter.state, &filter.endpoint_id, &filter.event_type) {
        (Some(_), ..) | (None, None | Some(InFlight | Succeeded), None, None) => "NOT INDEXED",
        (None, Some(Pending), ..) => "INDEXED BY deliveries_lane",
        (None, Some(Exhausted | Cancelled), Some(_), _) => "INDEXED BY deliveries_closed_by_endpoint",
        (None, Some(Exhausted | Cancelled), None, _) => "INDEXED BY deliveries_closed",
        (None, None | Some(InFlight | Succeeded), Some(_), _) => "INDEXED BY deliveries_by_endpoint",
        (None, None | Some(InFlight | Succeeded), None, Some(_)) => "INDEXED BY deliveries_by_type",
    }
}

/// How many deliveries an event has.
pub(super) fn deliveries_of(connection: &Connection, event: EventId) -> Result<u32, StoreError> {
    let next = Timestamp::from_millis(event.made_at().as_millis().saturating_add(1));
    let query = "SELECT count(*) FROM deliveries NOT INDEXED WHERE id >= ?1 AND id < ?2 AND event_id = ?3";
    let range = [DeliveryId::first_at(event.made_at()).number(), DeliveryId::first_at(next).number()];
    let [from, until] = range.map(u128::to_be_bytes);
    let mut statement = connection.prepare_cached(query).or_failed()?;
    statement.query_row([from, until, event.number().to_be_bytes()], |row| row.get(0)).or_failed()
}

/// Events in a time, newest first.
pub(super) fn events(
    connection: &Connection,
    since: Timestamp,
    until: Timestamp,
    page: &PageRequest<EventId>,
) -> Result<Page<EventSummary, EventId>, StoreError> {
    let end = EventId::first_at(until);
    let end = page.after.map_or(end, |after| after.min(end));
    let query = "SELECT v.id, t.name FROM events v INDEXED BY events_by_id JOIN event_types t ON t.key = v.type \
        WHERE v.id < ?1 AND v.id >= ?2 ORDER BY v.id DESC LIMIT ?3";
    let limit = i64::try_from(page.limit + 1).unwrap_or(i64::MAX);
    let [end, from] = [end, EventId::first_at(since)].map(|id| id.number().to_be_bytes());
    let mut statement = connection.prepare_cached(query).or_failed()?;
    let mut rows = statement.query(rusqlite::params![end, from, limit]).or_failed()?;
    let mut items = Vec::new();
    while let Some(row) = rows.next().or_failed()? {
        let id = number(row.get_ref(0).or_failed()?.as_blob().map_err(|_| damaged())?)?;
        let kind: String = row.get(1).or_failed()?;
        items.push(EventSummary { id: EventId::from_number(id), kind: kind.parse().map_err(|_| damaged())? });
    }
    Ok(Page::cut(items, page.limit, |last| last.id))
}

/// The pending delivery that was accepted first, without those that are being made.
pub(super) fn oldest_pending(
    connection: &Connection,
    made: &HashSet<DeliveryId>,
) -> Result<Option<DeliveryId>, StoreError> {
    let query = "SELECT d.id FROM deliveries d INDEXED BY deliveries_lane JOIN endpoints e ON e.key = d.endpoint \
        WHERE d.state = 0 AND e.deleted IS NULL ORDER BY d.id LIMIT ?1";
    let mut statement = connection.prepare_cached(query).or_failed()?;
    let limit = i64::try_from(made.len() + 1).unwrap_or(i64::MAX);
    let mut rows = statement.query([limit]).or_failed()?;
    while let Some(row) = rows.next().or_failed()? {
        let id = number(row.get_ref(0).or_failed()?.as_blob().map_err(|_| damaged())?)?;
        let id = DeliveryId::from_number(id);
        if !made.contains(&id) {
            return Ok(Some(id));
        }
    }
    Ok(None)
}
