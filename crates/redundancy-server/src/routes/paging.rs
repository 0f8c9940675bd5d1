//! Which part of a list is wanted.

use crate::envelope::PageData;
use crate::request::cursor::{Key, List};
use crate::request::query::{Parameters, Query};
use crate::request::rules::Refusal;
use redundancy_engine::webhook::ids::{self, DeliveryId, EndpointId};
use redundancy_engine::webhook::store::PageRequest;

/// Items in an answer unless the caller says otherwise.
const DEFAULT_LIMIT: usize = 50;
/// Most items in an answer.
const MAX_LIMIT: usize = 200;

/// The parameters of lists that nothing can be chosen from.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what is read parameter by parameter")]
pub(crate) struct PageParameters {
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u16>,
    /// The `next_cursor` of the answer to go on after, to the same request but for `limit`.
    cursor: Option<String>,
}

/// A part of a list.
pub(crate) struct Part<K> {
    /// Where it begins, and how much of it is wanted.
    pub(crate) page: PageRequest<K>,
    /// Of which list.
    pub(crate) list: List,
}

/// A part of a list of endpoints.
pub(crate) struct EndpointPage(pub(crate) Part<EndpointId>);

/// Reads `limit` and `cursor`.
pub(crate) fn part<K: Key>(parameters: &mut Parameters<'_>) -> Option<Part<K>> {
    let list = parameters.list();
    let limit = parameters.optional("limit", |text| {
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        let limit = text.parse().ok().filter(|limit| is_number && (1..=MAX_LIMIT).contains(limit));
        limit.ok_or_else(|| Refusal::new(format!("must be a whole number from 1 to {MAX_LIMIT}")))
    });
    let after = parameters.optional("cursor", |text| list.key_in(text));
    Some(Part { page: PageRequest { limit: limit?.unwrap_or(DEFAULT_LIMIT), after: after? }, list })
}

/// What is answered: the items, and where `list` goes on if it does.
pub(crate) fn answer<T, K: Key>(
    list: List,
    items: impl IntoIterator<Item = impl Into<T>>,
    next: Option<&K>,
) -> PageData<T> {
    PageData::new(items, next.map(|key| list.cursor_behind(key)))
}

impl Query for EndpointPage {
    fn read(parameters: &mut Parameters<'_>) -> Option<Self> {
        part(parameters).map(Self)
    }
}

impl Key for EndpointId {
    fn to_text(&self) -> String {
        self.to_string()
    }

    fn of_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

/// As ids have it, without their prefix.
impl Key for u128 {
    fn to_text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = ids::write(&mut text, "", *self);
        text
    }

    fn of_text(text: &str) -> Option<Self> {
        ids::read("", text).ok()
    }
}

impl Key for DeliveryId {
    fn to_text(&self) -> String {
        self.number().to_text()
    }

    fn of_text(text: &str) -> Option<Self> {
        u128::of_text(text).map(Self::from_number)
    }
}
