//! Which part of a list is wanted, and the cursor that goes on with it.

use crate::request::query::{Parameters, Query};
use crate::request::rules::Refusal;
use redundancy_engine::webhook::ids::{self, DeliveryId, EndpointId};
use redundancy_engine::webhook::store::PageRequest;

/// Items in an answer unless the caller says otherwise.
const DEFAULT_LIMIT: usize = 50;
/// Most items in an answer.
const MAX_LIMIT: usize = 200;

/// What a list goes by. A cursor is the key of the last item under a prefix of its own, so that one of another list is refused.
pub(crate) trait Key: Sized {
    /// The cursor that goes on behind this item.
    fn to_cursor(&self) -> String;

    /// The key in a cursor.
    fn of_cursor(cursor: &str) -> Option<Self>;
}

impl Key for EndpointId {
    fn to_cursor(&self) -> String {
        format!("after.{self}")
    }

    fn of_cursor(cursor: &str) -> Option<Self> {
        cursor.strip_prefix("after.")?.parse().ok()
    }
}

impl Key for DeliveryId {
    fn to_cursor(&self) -> String {
        let mut cursor = String::new();
        // Writing to a string cannot fail.
        let _ = ids::write(&mut cursor, "before.", self.number());
        cursor
    }

    fn of_cursor(cursor: &str) -> Option<Self> {
        ids::read("before.", cursor).ok().map(Self::from_number)
    }
}

/// Reads `limit` and `cursor`.
pub(crate) fn page<K: Key>(parameters: &mut Parameters<'_>) -> Option<PageRequest<K>> {
    let limit = parameters.optional("limit", |text| {
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        let limit = text.parse().ok().filter(|limit| is_number && (1..=MAX_LIMIT).contains(limit));
        limit.ok_or_else(|| Refusal::new(format!("must be a whole number from 1 to {MAX_LIMIT}")))
    });
    let after = parameters.optional("cursor", |text| {
        K::of_cursor(text)
            .ok_or_else(|| Refusal::new("must be the next_cursor of an answer to the same request"))
    });
    Some(PageRequest { limit: limit?.unwrap_or(DEFAULT_LIMIT), after: after? })
}

/// A part of a list of endpoints.
pub(crate) struct EndpointPage(pub(crate) PageRequest<EndpointId>);

impl Query for EndpointPage {
    fn read(parameters: &mut Parameters<'_>) -> Option<Self> {
        page(parameters).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_to_its_key_and_into_no_other_list() {
        let (endpoint, delivery) =
            ("main".parse::<EndpointId>().unwrap(), DeliveryId::from_number(u128::MAX));
        assert_eq!(EndpointId::of_cursor(&endpoint.to_cursor()), Some(endpoint.clone()));
        assert_eq!(DeliveryId::of_cursor(&delivery.to_cursor()), Some(delivery));
        assert_eq!(DeliveryId::of_cursor(&endpoint.to_cursor()), None);
        assert_eq!(EndpointId::of_cursor(&delivery.to_cursor()), None);
        for text in ["", "after.", "main", "before.x", "after.a b"] {
            assert!(EndpointId::of_cursor(text).is_none() && DeliveryId::of_cursor(text).is_none(), "{text}");
        }
    }
}
