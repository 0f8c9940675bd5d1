//! Endpoints as requests describe them, and every fault of such a description at once: those of single fields, and those that
//! only the rules for endpoints know.

use super::shown::MASK;
use crate::request::fields::{Fields, Given};
use crate::request::json::Json;
use crate::request::rules::{self, Refusal};
use crate::request::{Body, Limits};
use redundancy_engine::webhook::Scheme;
use redundancy_engine::webhook::endpoint::{DEFAULT_MAX_IN_FLIGHT, DEFAULT_TIMEOUT, Endpoint};
use redundancy_engine::webhook::event::EventPattern;
use redundancy_engine::webhook::rate_window::RateLimit;
use redundancy_engine::webhook::retry::RetryPolicy;
use redundancy_engine::webhook::url::EndpointUrl;
use redundancy_engine::webhook::webhooks::{NewEndpoint, Webhooks};
use std::collections::BTreeMap;
use std::time::Duration;

/// Why a field that comes with an endpoint cannot be given.
const FIXED: &str = "cannot be changed: leave it out";
/// Faultless, and so in the place of what is at fault while the rest is checked.
const SOUND_URL: &str = "https://example.com/";
const SOUND_PATTERN: &str = "*";

/// A request to register an endpoint.
pub(crate) struct EndpointBody(pub(super) NewEndpoint);

/// A request to change an endpoint.
pub(crate) struct Patch {
    url: Given<EndpointUrl>,
    events: Given<Vec<EventPattern>>,
    description: Given<String>,
    headers: Given<BTreeMap<String, String>>,
    timeout: Given<Duration>,
    retry: Given<RetryChange>,
    rate_limit: Given<RateLimit>,
    max_in_flight: Given<u32>,
    is_active: Given<bool>,
    scheme: Given<Scheme>,
    metadata: Given<serde_json::Map<String, serde_json::Value>>,
}

/// What is said of each member of `retry`.
struct RetryChange {
    max_attempts: Given<u32>,
    initial_delay_ms: Given<u64>,
    multiplier: Given<f64>,
    max_delay_ms: Given<u64>,
    jitter: Given<f64>,
    schedule_ms: Given<Vec<u64>>,
}

impl Body for EndpointBody {
    const TEXTS: usize = 0;
    const MAY_WAIT: bool = false;

    fn read(fields: &mut Fields<'_, '_>, limits: Limits<'_>) -> Option<Self> {
        let id = fields.optional("id", rules::parsed).flatten();
        let secret = fields.optional("secret", rules::parsed).flatten();
        let patch = Patch::take(fields);
        fields.demand("url", &patch.url);
        fields.demand("events", &patch.events);
        let new = NewEndpoint { id, secret, ..patch.sound()? };
        report(fields, limits.webhooks, new.clone());
        Some(Self(new))
    }
}

impl Body for Patch {
    const TEXTS: usize = 0;
    const MAY_WAIT: bool = false;

    fn read(fields: &mut Fields<'_, '_>, limits: Limits<'_>) -> Option<Self> {
        for name in ["id", "created_at", "updated_at"] {
            fields.refuse(name, FIXED);
        }
        fields.refuse(
            "secret",
            "cannot be changed here: use rotate-secret, so that receivers have time to follow",
        );
        let patch = Self::take(fields);
        refuse_null(fields, "url", &patch.url);
        refuse_null(fields, "events", &patch.events);
        refuse_null(fields, "is_active", &patch.is_active);
        refuse_null(fields, "signature", &patch.scheme);
        // What is not given is sound as it is, so what is given can be checked without it.
        report(fields, limits.webhooks, patch.sound()?);
        Some(patch)
    }
}

impl Patch {
    /// Takes out the fields that can be both given and changed.
    fn take(fields: &mut Fields<'_, '_>) -> Self {
        let headers = fields.given_map("headers", header_value);
        Self {
            url: fields.given("url", url),
            events: fields.given_list("events", rules::parsed),
            description: fields.given("description", rules::string),
            headers: headers.map(|headers| headers.into_iter().collect()),
            timeout: fields.given("timeout_ms", rules::natural).map(Duration::from_millis),
            retry: fields.given_object("retry", RetryChange::take),
            rate_limit: rate_limit(fields),
            max_in_flight: fields.given("max_in_flight", rules::natural).map(narrow),
            is_active: fields.given("is_active", rules::boolean),
            scheme: fields.given("signature", rules::one_of(&[("v1", Scheme::V1), ("v1a", Scheme::V1a)])),
            metadata: fields.given("metadata", rules::open_object),
        }
    }

    /// An endpoint with what is given, and with something sound in the place of the rest.
    fn sound(&self) -> Option<NewEndpoint> {
        let url = self.url.clone().value().or_else(|| SOUND_URL.parse().ok())?;
        let events = self.events.clone().value().or_else(|| Some(vec![SOUND_PATTERN.parse().ok()?]))?;
        let mut new = NewEndpoint::new(url, events);
        new.scheme = self.scheme.clone().value().unwrap_or(new.scheme);
        new.is_active = self.is_active.clone().value().unwrap_or(new.is_active);
        new.description = self.description.clone().value();
        new.headers = self.headers.clone().value().unwrap_or_default();
        new.timeout = self.timeout.clone().value().unwrap_or(new.timeout);
        new.rate_limit = self.rate_limit.clone().value();
        new.max_in_flight = self.max_in_flight.clone().value().unwrap_or(new.max_in_flight);
        new.metadata = self.metadata.clone().value().unwrap_or_default();
        if let Given::Value(retry) = &self.retry {
            retry.apply(&mut new.retry);
        }
        Some(new)
    }

    /// The names of the fields that it sets.
    pub(super) fn fields_set(&self) -> Vec<&'static str> {
        // Without `..`, so that none is forgotten that comes to them.
        let Self {
            url,
            events,
            description,
            headers,
            timeout,
            retry,
            rate_limit,
            max_in_flight,
            is_active,
            scheme,
            metadata,
        } = self;
        let all = [
            ("url", url.is_set()),
            ("events", events.is_set()),
            ("description", description.is_set()),
            ("headers", headers.is_set()),
            ("timeout_ms", timeout.is_set()),
            ("retry", retry.is_set()),
            ("rate_limit", rate_limit.is_set()),
            ("max_in_flight", max_in_flight.is_set()),
            ("is_active", is_active.is_set()),
            ("signature", scheme.is_set()),
            ("metadata", metadata.is_set()),
        ];
        all.into_iter().filter_map(|(name, is_set)| is_set.then_some(name)).collect()
    }

    /// Makes the change.
    pub(super) fn apply(&self, endpoint: &mut Endpoint) {
        if let Given::Value(url) = &self.url {
            endpoint.url = url.clone();
        }
        if let Given::Value(events) = &self.events {
            endpoint.events.clone_from(events);
        }
        if let Given::Value(scheme) = self.scheme {
            endpoint.scheme = scheme;
        }
        if let Given::Value(is_active) = self.is_active {
            endpoint.is_active = is_active;
        }
        set(&mut endpoint.headers, &self.headers, BTreeMap::new);
        set(&mut endpoint.timeout, &self.timeout, || DEFAULT_TIMEOUT);
        set(&mut endpoint.max_in_flight, &self.max_in_flight, || DEFAULT_MAX_IN_FLIGHT);
        set(&mut endpoint.metadata, &self.metadata, serde_json::Map::new);
        let description = self.description.clone().map(Some);
        set(&mut endpoint.description, &description, || None);
        set(&mut endpoint.rate_limit, &self.rate_limit.clone().map(Some), || None);
        match &self.retry {
            Given::Value(retry) => retry.apply(&mut endpoint.retry),
            Given::Null => endpoint.retry = RetryPolicy::default(),
            Given::Absent | Given::AtFault => {}
        }
    }
}

impl RetryChange {
    fn take(fields: &mut Fields<'_, '_>) -> Self {
        Self {
            max_attempts: fields.given("max_attempts", rules::natural).map(narrow),
            initial_delay_ms: fields.given("initial_delay_ms", rules::natural),
            multiplier: fields.given("multiplier", rules::number),
            max_delay_ms: fields.given("max_delay_ms", rules::natural),
            jitter: fields.given("jitter", rules::number),
            schedule_ms: fields.given_list("schedule_ms", rules::natural),
        }
    }

    fn apply(&self, retry: &mut RetryPolicy) {
        let usual = RetryPolicy::default();
        set(&mut retry.max_attempts, &self.max_attempts, || usual.max_attempts);
        set(&mut retry.initial_delay_ms, &self.initial_delay_ms, || usual.initial_delay_ms);
        set(&mut retry.multiplier, &self.multiplier, || usual.multiplier);
        set(&mut retry.max_delay_ms, &self.max_delay_ms, || usual.max_delay_ms);
        set(&mut retry.jitter, &self.jitter, || usual.jitter);
        set(&mut retry.schedule_ms, &self.schedule_ms.clone().map(Some), || None);
    }
}

/// Changes `field` as `given` says; `null` stands for the default.
fn set<T: Clone>(field: &mut T, given: &Given<T>, default: impl FnOnce() -> T) {
    match given {
        Given::Value(value) => field.clone_from(value),
        Given::Null => *field = default(),
        Given::Absent | Given::AtFault => {}
    }
}

/// Reports what the rules for endpoints say of `new`.
fn report(fields: &mut Fields<'_, '_>, webhooks: &Webhooks, new: NewEndpoint) {
    for fault in webhooks.faults(new) {
        fields.faults().add_new(fault.field, Refusal::of_domain(&fault.message).message);
    }
}

fn refuse_null<T>(fields: &mut Fields<'_, '_>, name: &str, given: &Given<T>) {
    if matches!(given, Given::Null) {
        fields.demand(name, given);
    }
}

fn rate_limit(fields: &mut Fields<'_, '_>) -> Given<RateLimit> {
    let read = fields.given_object("rate_limit", |fields| {
        let requests = fields.required("requests", rules::natural);
        let per_seconds = fields.required("per_seconds", rules::natural);
        Some(RateLimit { requests: narrow(requests?), per_seconds: narrow(per_seconds?) })
    });
    match read {
        Given::Value(Some(limit)) => Given::Value(limit),
        Given::Value(None) | Given::AtFault => Given::AtFault,
        Given::Null => Given::Null,
        Given::Absent => Given::Absent,
    }
}

/// A URL as an endpoint may have it, and none as answers show it.
fn url(value: Json<'_>) -> Result<EndpointUrl, Refusal> {
    if matches!(&value, Json::String(text) if text.contains(":***@") || text.contains("://***@")) {
        return Err(Refusal::new("has its password masked: give it in full, or leave the field out"));
    }
    rules::parsed(value)
}

/// The value of a header, and none as answers show it.
fn header_value(value: Json<'_>) -> Result<String, Refusal> {
    let text = rules::string(value)?;
    if text == MASK {
        return Err(Refusal::new("is masked: give it in full, or leave out the headers"));
    }
    Ok(text)
}

/// What does not fit counts as the most that does, which is beyond every limit.
fn narrow(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
