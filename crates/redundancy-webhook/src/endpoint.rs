//! Endpoints: who wants to be told of what, where, and how.

use crate::clock::Timestamp;
use crate::event::{EventPattern, EventType};
use crate::ids::EndpointId;
use crate::rate_window::RateLimit;
use crate::retry::RetryPolicy;
use crate::secret::SigningSecret;
use crate::signature::Scheme;
use crate::url::EndpointUrl;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// Time for one attempt unless the endpoint says otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
/// Deliveries under way to one endpoint at the same time unless it says otherwise.
pub const DEFAULT_MAX_IN_FLIGHT: u32 = 32;

/// An endpoint: a receiver of events. `Debug` shows none of its secrets; every header of its own counts as one.
#[derive(Clone)]
pub struct Endpoint {
    /// Its id.
    pub id: EndpointId,
    /// Where it is.
    pub url: EndpointUrl,
    /// Which events it gets.
    pub events: Vec<EventPattern>,
    /// What its deliveries are signed with.
    pub secret: SigningSecret,
    /// Earlier secrets that sign too until they expire, newest first.
    pub previous_secrets: Vec<PreviousSecret>,
    /// How its deliveries are signed.
    pub scheme: Scheme,
    /// What people call it.
    pub description: Option<String>,
    /// Headers that its requests carry beside those of the contract. Any of them may hold a credential.
    pub headers: BTreeMap<String, String>,
    /// Time for one attempt, from the look-up of its name to the end of its answer.
    pub timeout: Duration,
    /// When failed deliveries are tried again.
    pub retry: RetryPolicy,
    /// How many deliveries it gets in which time.
    pub rate_limit: Option<RateLimit>,
    /// Deliveries under way at the same time; at least 1.
    pub max_in_flight: u32,
    /// Whether it gets anything. While it does not, events are not queued for it, and what was queued before waits.
    pub is_active: bool,
    /// Why the system made it inactive, if it did.
    pub disabled_reason: Option<DisabledReason>,
    /// Whatever its owner wants to keep with it.
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Grows by 1 with each change.
    pub revision: u64,
}

/// A secret that was replaced and is still believed.
#[derive(Debug, Clone)]
pub struct PreviousSecret {
    /// The secret.
    pub secret: SigningSecret,
    /// When it signs no more.
    pub expires_at: Timestamp,
}

/// Why the system made an endpoint inactive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisabledReason {
    /// It answered 410 Gone.
    Gone,
    /// It has done nothing but fail for days.
    Failing,
}

impl Endpoint {
    /// Whether it gets events of type `kind` now.
    #[must_use]
    pub fn wants(&self, kind: &EventType) -> bool {
        self.is_active && self.events.iter().any(|pattern| pattern.matches(kind))
    }

    /// The secrets that sign at `now`: the current one first.
    pub fn signing_secrets(&self, now: Timestamp) -> impl Iterator<Item = &SigningSecret> {
        let previous = self.previous_secrets.iter().filter(move |previous| previous.expires_at > now);
        std::iter::once(&self.secret).chain(previous.map(|previous| &previous.secret))
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            id,
            url,
            events,
            secret: _,
            previous_secrets: _,
            scheme,
            description,
            headers,
            timeout,
            retry,
            rate_limit,
            max_in_flight,
            is_active,
            disabled_reason,
            metadata,
            created_at,
            updated_at,
            revision,
        } = self;
        f.debug_struct("Endpoint")
            .field("id", id)
            .field("url", url)
            .field("events", events)
            .field("scheme", scheme)
            .field("description", description)
            .field("headers", &header_names(headers))
            .field("timeout", timeout)
            .field("retry", retry)
            .field("rate_limit", rate_limit)
            .field("max_in_flight", max_in_flight)
            .field("is_active", is_active)
            .field("disabled_reason", disabled_reason)
            .field("metadata", metadata)
            .field("created_at", created_at)
            .field("updated_at", updated_at)
            .field("revision", revision)
            .finish_non_exhaustive()
    }
}

/// What may be shown of headers: their names. Which values are credentials cannot be told from these.
pub(crate) fn header_names(headers: &BTreeMap<String, String>) -> Vec<&str> {
    headers.keys().map(String::as_str).collect()
}

impl DisabledReason {
    /// Its name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Failing => "failing",
        }
    }
}
