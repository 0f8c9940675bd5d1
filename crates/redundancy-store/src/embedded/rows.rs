//! Rows as what they stand for, and back.

use super::OrFailed as _;
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::delivery::{Attempt, Delivery, DeliveryState};
use redundancy_webhook::event::Event;
use redundancy_webhook::ids::{DeliveryId, EventId};
use redundancy_webhook::store::StoreError;
use rusqlite::types::FromSql;
use rusqlite::{Connection, OptionalExtension as _, Row};
use std::time::Duration;

/// The columns that [`delivery`] reads. What waits for an endpoint that was deleted is cancelled, also while that is not yet
/// written into its row.
pub(super) const DELIVERY_COLUMNS: &str = "d.id, d.event_id, t.name, e.id, \
    CASE WHEN d.state = 0 AND e.deleted IS NOT NULL THEN 4 ELSE d.state END, \
    CASE WHEN d.state = 0 AND e.deleted IS NOT NULL THEN e.deleted ELSE d.updated END, \
    CASE WHEN e.deleted IS NULL THEN d.due END, d.attempts, d.spent, d.last_status, d.last_failure";
/// The tables that they are in.
pub(super) const DELIVERY_JOINS: &str =
    "JOIN event_types t ON t.key = d.type JOIN endpoints e ON e.key = d.endpoint";

/// The number of a state in the database. Those from 3 on are in the index of what did not succeed.
pub(super) const fn state_number(state: DeliveryState) -> i64 {
    match state {
        // What is being made is known in memory only.
        DeliveryState::Pending | DeliveryState::InFlight => 0,
        DeliveryState::Succeeded => 2,
        DeliveryState::Exhausted => 3,
        DeliveryState::Cancelled => 4,
    }
}

fn state(number: i64) -> Result<DeliveryState, StoreError> {
    match number {
        0 => Ok(DeliveryState::Pending),
        2 => Ok(DeliveryState::Succeeded),
        3 => Ok(DeliveryState::Exhausted),
        4 => Ok(DeliveryState::Cancelled),
        _ => Err(damaged()),
    }
}

pub(super) fn damaged() -> StoreError {
    StoreError::Unreadable("a row was not written by this program".to_owned())
}

/// A time as a number of the database.
pub(super) fn millis(moment: Timestamp) -> i64 {
    i64::try_from(moment.as_millis()).unwrap_or(i64::MAX)
}

pub(super) fn moment(millis: i64) -> Timestamp {
    Timestamp::from_millis(u64::try_from(millis).unwrap_or_default())
}

pub(super) fn number(bytes: &[u8]) -> Result<u128, StoreError> {
    <[u8; 16]>::try_from(bytes).map(u128::from_be_bytes).map_err(|_| damaged())
}

fn column<T: FromSql>(row: &Row<'_>, index: usize) -> Result<T, StoreError> {
    row.get(index).or_failed()
}

fn id(row: &Row<'_>, index: usize) -> Result<u128, StoreError> {
    number(row.get_ref(index).or_failed()?.as_blob().map_err(|_| damaged())?)
}

/// A delivery from [`DELIVERY_COLUMNS`].
pub(super) fn delivery(row: &Row<'_>) -> Result<Delivery, StoreError> {
    let event_id = EventId::from_number(id(row, 1)?);
    let text = |index| -> Result<&str, StoreError> {
        row.get_ref(index).or_failed()?.as_str().map_err(|_| damaged())
    };
    let failure: Option<String> = column(row, 10)?;
    Ok(Delivery {
        id: DeliveryId::from_number(id(row, 0)?),
        event_id,
        event_type: text(2)?.parse().map_err(|_| damaged())?,
        endpoint_id: text(3)?.parse().map_err(|_| damaged())?,
        state: state(column(row, 4)?)?,
        created_at: event_id.made_at(),
        updated_at: moment(column(row, 5)?),
        due_at: column::<Option<i64>>(row, 6)?.map(moment),
        attempts: column(row, 7)?,
        spent: column(row, 8)?,
        last_status: column(row, 9)?,
        last_failure: failure.map(|name| name.parse().map_err(|_| damaged())).transpose()?,
    })
}

/// One delivery.
pub(super) fn delivery_by_id(
    connection: &Connection,
    id: DeliveryId,
) -> Result<Option<Delivery>, StoreError> {
    let query = format!("SELECT {DELIVERY_COLUMNS} FROM deliveries d {DELIVERY_JOINS} WHERE d.id = ?1");
    let mut statement = connection.prepare_cached(&query).or_failed()?;
    let mut rows = statement.query([id.number().to_be_bytes()]).or_failed()?;
    rows.next().or_failed()?.map(delivery).transpose()
}

/// One event.
pub(super) fn event_by_id(connection: &Connection, id: EventId) -> Result<Option<Event>, StoreError> {
    let query = "SELECT t.name, v.created, v.body, v.request_id, v.traceparent FROM events v \
        JOIN event_types t ON t.key = v.type WHERE v.id = ?1";
    let mut statement = connection.prepare_cached(query).or_failed()?;
    let read = |row: &Row<'_>| {
        let (kind, created): (String, i64) = (row.get(0)?, row.get(1)?);
        let (body, request_id, traceparent): (Vec<u8>, _, _) = (row.get(2)?, row.get(3)?, row.get(4)?);
        Ok((kind, created, body, request_id, traceparent))
    };
    let found = statement.query_row([id.number().to_be_bytes()], read).optional().or_failed()?;
    let Some((kind, created, body, request_id, traceparent)) = found else { return Ok(None) };
    let kind = kind.parse().map_err(|_| damaged())?;
    Ok(Some(Event { id, kind, created_at: moment(created), body: body.into(), request_id, traceparent }))
}

/// The attempts of a delivery, in their order.
pub(super) fn attempts(connection: &Connection, id: DeliveryId) -> Result<Vec<Attempt>, StoreError> {
    let query = "SELECT number, started, duration_us, status, failure, headers, body FROM attempts \
        WHERE delivery = ?1 ORDER BY place";
    let mut statement = connection.prepare_cached(query).or_failed()?;
    let mut rows = statement.query([id.number().to_be_bytes()]).or_failed()?;
    let mut attempts = Vec::new();
    while let Some(row) = rows.next().or_failed()? {
        let failure: Option<String> = column(row, 4)?;
        let headers: String = column(row, 5)?;
        attempts.push(Attempt {
            number: column(row, 0)?,
            started_at: moment(column(row, 1)?),
            duration: Duration::from_micros(u64::try_from(column::<i64>(row, 2)?).unwrap_or_default()),
            status: column(row, 3)?,
            failure: failure.map(|name| name.parse().map_err(|_| damaged())).transpose()?,
            response_headers: serde_json::from_str(&headers).map_err(|_| damaged())?,
            response_body: column(row, 6)?,
        });
    }
    Ok(attempts)
}
