//! Which deliveries a caller means, in a query and in a body.

use crate::request::fields::Fields;
use crate::request::query::{Parameters, Query};
use crate::request::rules::{self, Refusal};
use crate::request::{Body, Limits};
use crate::routes::paging::{self, Part};
use crate::wire::values::{EndpointName, EventKind, EventName, Moment};
use redundancy_engine::Timestamp;
use redundancy_engine::webhook::delivery::{DeliveryFilter, DeliveryState};
use redundancy_engine::webhook::ids::DeliveryId;
use serde::Serialize;
use std::fmt::Display;
use std::str::FromStr;
use utoipa::{IntoParams, ToSchema};

/// Deliveries that are asked for.
pub(crate) struct DeliveryQuery {
    pub(super) filter: DeliveryFilter,
    pub(super) part: Part<DeliveryId>,
}

/// Dead letters that are asked for.
pub(crate) struct DeadLetterQuery {
    pub(super) filter: DeliveryFilter,
    pub(super) part: Part<DeliveryId>,
}

/// Dead letters that are meant.
pub(crate) struct DeadLetterFilter(pub(super) DeliveryFilter);

/// The parameters of lists of deliveries, as the `OpenAPI` document shows them; all that are given must hold.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what is read parameter by parameter")]
pub(crate) struct FilterParameters {
    /// Only deliveries to this endpoint. One that is deleted may still have some; one that never was has none.
    #[param(value_type = Option<EndpointName>)]
    endpoint_id: Option<String>,
    /// Only deliveries of this event.
    #[param(value_type = Option<EventName>)]
    event_id: Option<String>,
    /// Only deliveries of events of this type.
    #[param(value_type = Option<EventKind>)]
    event_type: Option<String>,
    /// Only deliveries accepted then or later: a date and time by RFC 3339, or milliseconds since the Unix epoch.
    #[param(value_type = Option<Moment>)]
    since: Option<String>,
    /// Only deliveries accepted before then, which must not be before `since`.
    #[param(value_type = Option<Moment>)]
    until: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u16>,
    /// The `next_cursor` of the answer to go on after, to the same request but for `limit`.
    cursor: Option<String>,
}

/// Which dead letters are meant: those for which all that is given holds. With nothing given, all.
// Serialised nowhere: the derive is there for `deny_unknown_fields`, which the OpenAPI document takes over.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeadLetterFilterBody {
    /// Deliveries to this endpoint.
    #[schema(value_type = Option<EndpointName>)]
    endpoint_id: Option<String>,
    /// Deliveries of this event.
    #[schema(value_type = Option<EventName>)]
    event_id: Option<String>,
    /// Deliveries of events of this type.
    #[schema(value_type = Option<EventKind>)]
    event_type: Option<String>,
    /// Deliveries accepted then or later: a date and time by RFC 3339, or milliseconds since the Unix epoch.
    #[schema(value_type = Option<Moment>)]
    since: Option<String>,
    /// Deliveries accepted before then, which must not be before `since`.
    #[schema(value_type = Option<Moment>)]
    until: Option<String>,
}

impl Query for DeliveryQuery {
    fn read(parameters: &mut Parameters<'_>) -> Option<Self> {
        let filter = filter(parameters);
        let state = parameters.optional("state", state);
        let part = paging::part(parameters);
        Some(Self { filter: DeliveryFilter { state: state?, ..filter? }, part: part? })
    }
}

impl Query for DeadLetterQuery {
    fn read(parameters: &mut Parameters<'_>) -> Option<Self> {
        let filter = filter(parameters);
        let part = paging::part(parameters);
        Some(Self {
            filter: DeliveryFilter { state: Some(DeliveryState::Exhausted), ..filter? },
            part: part?,
        })
    }
}

impl Body for DeadLetterFilter {
    const TEXTS: usize = 0;
    const MAY_WAIT: bool = false;
    const MAY_BE_EMPTY: bool = true;

    fn read(fields: &mut Fields<'_, '_>, _: Limits<'_>) -> Option<Self> {
        let endpoint_id = fields.optional("endpoint_id", rules::parsed);
        let event_id = fields.optional("event_id", rules::parsed);
        let event_type = fields.optional("event_type", rules::parsed);
        let since = fields.optional("since", rules::moment);
        let until = fields.optional("until", rules::moment);
        let (since, until) = (since?, until?);
        if is_backwards(since, until) {
            fields.faults().refuse("/until".to_owned(), rules::before_since());
            return None;
        }
        Some(Self(DeliveryFilter {
            endpoint_id: endpoint_id?,
            event_id: event_id?,
            event_type: event_type?,
            state: None,
            since,
            until,
        }))
    }
}

/// Reads what all lists of deliveries can be asked for.
fn filter(parameters: &mut Parameters<'_>) -> Option<DeliveryFilter> {
    let endpoint_id = parameters.optional("endpoint_id", parsed);
    let event_id = parameters.optional("event_id", parsed);
    let event_type = parameters.optional("event_type", parsed);
    let since = parameters.optional("since", rules::moment_in_query);
    let until = parameters.optional("until", rules::moment_in_query);
    let (since, until) = (since?, until?);
    if is_backwards(since, until) {
        parameters.refuse("until", rules::before_since());
        return None;
    }
    Some(DeliveryFilter {
        endpoint_id: endpoint_id?,
        event_id: event_id?,
        event_type: event_type?,
        state: None,
        since,
        until,
    })
}

/// Whether a time ends before it begins, so that nothing can lie in it.
fn is_backwards(since: Option<Timestamp>, until: Option<Timestamp>) -> bool {
    since.zip(until).is_some_and(|(since, until)| until < since)
}

fn parsed<T: FromStr<Err: Display>>(text: &str) -> Result<T, Refusal> {
    text.parse().map_err(|error: T::Err| Refusal::of_domain(&error))
}

fn state(text: &str) -> Result<DeliveryState, Refusal> {
    let names: Vec<_> = DeliveryState::ALL.map(DeliveryState::as_str).into();
    DeliveryState::named(text).ok_or_else(|| Refusal::new(format!("must be one of {}", names.join(", "))))
}
