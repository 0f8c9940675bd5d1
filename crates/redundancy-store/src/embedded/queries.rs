//! Lists, each out of the index that has its order.

use super::OrFailed as _;
use super::rows::{
    DELIVERY_COLUMNS, DELIVERY_JOINS, damaged, delivery, delivery_by_id, number, state_number,
};
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::delivery::{Delivery, DeliveryFilter, DeliveryState};
use redundancy_webhook::ids::{DeliveryId, EventId};
use redundancy_webhook::store::{EventSummary, Page, PageRequest, StoreError};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, params_from_iter};
use std::collections::HashSet;

/// Deliveries that `filter` means, newest first. `leased` are those that are being made, which the database calls pending.
pub(super) fn deliveries(
    connection: &Connection,
    filter: &DeliveryFilter,
    page: &PageRequest<DeliveryId>,
    leased: &HashSet<DeliveryId>,
) -> Result<Page<Delivery, DeliveryId>, StoreError> {
    if filter.state == Some(DeliveryState::InFlight) {
        return in_flight(connection, filter, page, leased);
    }
    // One more tells whether there is a next page; those being made may have to be left out.
    let left_out = if filter.state == Some(DeliveryState::Pending) { leased.len() } else { 0 };
    let Some((query, values)) = query(connection, filter, page, page.limit + 1 + left_out)? else {
        return Ok(Page { items: Vec::new(), next: None });
    };
    let mut statement = connection.prepare_cached(&query).or_failed()?;
    let mut rows = statement.query(params_from_iter(values)).or_failed()?;
    let mut items = Vec::new();
    while let Some(row) = rows.next().or_failed()? {
        let delivery = with_lease(delivery(row)?, leased);
        if filter.state.is_none_or(|state| state == delivery.state) {
            items.push(delivery);
        }
    }
    Ok(cut(items, page.limit))
}

/// The delivery as it is with the leases there are.
pub(super) fn with_lease(mut delivery: Delivery, leased: &HashSet<DeliveryId>) -> Delivery {
    if delivery.state == DeliveryState::Pending && leased.contains(&delivery.id) {
        (delivery.state, delivery.due_at) = (DeliveryState::InFlight, None);
    }
    delivery
}

fn cut(mut items: Vec<Delivery>, limit: usize) -> Page<Delivery, DeliveryId> {
    let has_more = items.len() > limit;
    items.truncate(limit);
    let next = if has_more { items.last().map(|last| last.id) } else { None };
    Page { items, next }
}

fn in_flight(
    connection: &Connection,
    filter: &DeliveryFilter,
    page: &PageRequest<DeliveryId>,
    leased: &HashSet<DeliveryId>,
) -> Result<Page<Delivery, DeliveryId>, StoreError> {
    let mut ids: Vec<_> =
        leased.iter().copied().filter(|id| page.after.is_none_or(|after| *id < after)).collect();
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
    Ok(cut(items, page.limit))
}

/// The statement for a filter, with its values; `None` when nothing can match.
fn query(
    connection: &Connection,
    filter: &DeliveryFilter,
    page: &PageRequest<DeliveryId>,
    limit: usize,
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
    if let Some(state) = filter.state {
        // Written out, so that the partial indexes apply.
        conditions.push(format!("d.state = {}", state_number(state)));
    }
    let source = source(filter);
    let conditions = conditions.join(" AND ");
    let query = format!(
        "SELECT {DELIVERY_COLUMNS} FROM deliveries d {source} {DELIVERY_JOINS} WHERE {conditions} \
         ORDER BY d.id DESC LIMIT {limit}"
    );
    Ok(Some((query, values)))
}

/// The index that serves a filter.
fn source(filter: &DeliveryFilter) -> &'static str {
    use DeliveryState::{Cancelled, Exhausted, Pending};
    match (filter.event_id, filter.state, &filter.endpoint_id, &filter.event_type) {
        (Some(_), ..) => "NOT INDEXED",
        (None, Some(Pending), ..) => "INDEXED BY deliveries_lane",
        (None, Some(Exhausted | Cancelled), Some(_), _) => "INDEXED BY deliveries_closed_by_endpoint",
        (None, Some(Exhausted | Cancelled), None, _) => "INDEXED BY deliveries_closed",
        (None, _, Some(_), _) => "INDEXED BY deliveries_by_endpoint",
        (None, _, None, Some(_)) => "INDEXED BY deliveries_by_type",
        (None, _, None, None) => "NOT INDEXED",
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
        items.push(EventSummary {
            id: EventId::from_number(id),
            kind: kind.parse().map_err(|_| damaged())?,
        });
    }
    let has_more = items.len() > page.limit;
    items.truncate(page.limit);
    let next = if has_more { items.last().map(|last| last.id) } else { None };
    Ok(Page { items, next })
}
