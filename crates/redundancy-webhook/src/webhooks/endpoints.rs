//! Registering, changing and trying endpoints.

use super::rules::{Fault, faults};
use super::{Inner, Webhooks};
use crate::clock::Timestamp;
use crate::delivery::Attempt;
use crate::dispatcher::call;
use crate::endpoint::{DEFAULT_MAX_IN_FLIGHT, DEFAULT_TIMEOUT, Endpoint, PreviousSecret, header_names};
use crate::event::{Caller, Event, EventPattern, NewEvent, types};
use crate::ids::EndpointId;
use crate::rate_window::RateLimit;
use crate::retry::RetryPolicy;
use crate::secret::SigningSecret;
use crate::signature::Scheme;
use crate::store::{EndpointRecord, EndpointWriteError, Page, PageRequest, StoreError};
use crate::url::EndpointUrl;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;
use tracing::Span;

/// How often a change is tried when others change the endpoint at the same time.
const CHANGE_TRIES: usize = 8;
/// Secrets that sign beside the current one at most: more would make every request long.
const MAX_PREVIOUS_SECRETS: usize = 4;

/// An endpoint to be registered. [`NewEndpoint::new`] has the defaults. `Debug` shows none of its secrets; every header of its own
/// counts as one.
#[derive(Clone)]
pub struct NewEndpoint {
    /// Its id; made when left out.
    pub id: Option<EndpointId>,
    /// Where it is.
    pub url: EndpointUrl,
    /// Which events it gets; at least one pattern.
    pub events: Vec<EventPattern>,
    /// What its deliveries are signed with; made when left out.
    pub secret: Option<SigningSecret>,
    /// How they are signed.
    pub scheme: Scheme,
    /// What people call it.
    pub description: Option<String>,
    /// Headers that its requests carry beside those of the contract. Any of them may hold a credential.
    pub headers: BTreeMap<String, String>,
    /// Time for one attempt, 100 ms to 60 s.
    pub timeout: Duration,
    /// When failed deliveries are tried again.
    pub retry: RetryPolicy,
    /// How many deliveries it gets in which time.
    pub rate_limit: Option<RateLimit>,
    /// Deliveries under way at the same time, 1 to 1000.
    pub max_in_flight: u32,
    /// Whether it gets anything.
    pub is_active: bool,
    /// Whatever its owner wants to keep with it.
    pub metadata: serde_json::Map<String, serde_json::Value>,
}

/// A test of an endpoint, and what came of it.
#[derive(Debug, Clone)]
pub struct Ping {
    /// What was sent.
    pub event: Event,
    /// What came of it.
    pub attempt: Attempt,
    /// How long it could take at most.
    pub timeout: Duration,
}

/// Why an endpoint was not registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegisterError {
    /// There is one with this id.
    #[error("there is an endpoint with this id")]
    Exists,
    /// Something about it will not do: everything that is wrong.
    #[error("{}", list(.0))]
    Invalid(Vec<Fault>),
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why an endpoint was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpdateError {
    /// There is none with this id.
    #[error("there is no endpoint with this id")]
    NotFound,
    /// Something about it would not do: everything that is wrong.
    #[error("{}", list(.0))]
    Invalid(Vec<Fault>),
    /// Others changed it again and again.
    #[error("the endpoint was changed by others at the same time")]
    Contended,
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// All faults in one line.
fn list(faults: &[Fault]) -> String {
    let lines: Vec<_> = faults.iter().map(|fault| format!("{} {}", fault.field, fault.message)).collect();
    lines.join("; ")
}

impl NewEndpoint {
    /// An endpoint at `url` for `events`, with the defaults for everything else.
    #[must_use]
    pub fn new(url: EndpointUrl, events: Vec<EventPattern>) -> Self {
        Self {
            id: None,
            url,
            events,
            secret: None,
            scheme: Scheme::V1,
            description: None,
            headers: BTreeMap::new(),
            timeout: DEFAULT_TIMEOUT,
            retry: RetryPolicy::default(),
            rate_limit: None,
            max_in_flight: DEFAULT_MAX_IN_FLIGHT,
            is_active: true,
            metadata: serde_json::Map::new(),
        }
    }
}

impl fmt::Debug for NewEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            id,
            url,
            events,
            secret: _,
            scheme,
            description,
            headers,
            timeout,
            retry,
            rate_limit,
            max_in_flight,
            is_active,
            metadata,
        } = self;
        f.debug_struct("NewEndpoint")
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
            .field("metadata", metadata)
            .finish_non_exhaustive()
    }
}

impl Webhooks {
    /// Registers an endpoint. From when this returns it gets every event that it wants.
    pub async fn register(&self, new: NewEndpoint) -> Result<Endpoint, RegisterError> {
        let endpoint = self.0.endpoint(new);
        let faults = faults(&endpoint, &self.0.config);
        if !faults.is_empty() {
            return Err(RegisterError::Invalid(faults));
        }
        match self.store().create_endpoint(endpoint.clone()).await {
            Ok(()) => Ok(endpoint),
            Err(EndpointWriteError::Exists | EndpointWriteError::Changed) => Err(RegisterError::Exists),
            Err(EndpointWriteError::Store(error)) => Err(error.into()),
        }
    }

    /// What would be wrong with `new`, without registering it.
    #[must_use]
    pub fn faults(&self, new: NewEndpoint) -> Vec<Fault> {
        faults(&self.0.endpoint(new), &self.0.config)
    }

    /// Changes an endpoint. `change` may be called more than once, each time with the endpoint as it is then. An endpoint that
    /// is made active is forgiven its failures.
    pub async fn update(
        &self,
        id: &EndpointId,
        change: impl Fn(&mut Endpoint) + Send + Sync,
    ) -> Result<EndpointRecord, UpdateError> {
        for _ in 0..CHANGE_TRIES {
            let now = self.clock().now();
            let record = self.store().endpoint(id, now).await?.ok_or(UpdateError::NotFound)?;
            let was_active = record.endpoint.is_active;
            let mut endpoint = record.endpoint;
            change(&mut endpoint);
            let forgives = endpoint.is_active && !was_active;
            if endpoint.is_active {
                endpoint.disabled_reason = None;
            }
            endpoint.updated_at = now;
            endpoint.revision += 1;
            let faults = faults(&endpoint, &self.0.config);
            if !faults.is_empty() {
                return Err(UpdateError::Invalid(faults));
            }
            match self.store().replace_endpoint(endpoint, forgives, now).await {
                Ok(()) => return self.endpoint(id).await?.ok_or(UpdateError::NotFound),
                Err(EndpointWriteError::Changed | EndpointWriteError::Exists) => {}
                Err(EndpointWriteError::Store(error)) => return Err(error.into()),
            }
        }
        Err(UpdateError::Contended)
    }

    /// Gives an endpoint a new secret, made when left out. The one before signs too for `overlap`. Gives the new secret and
    /// when the other one expires.
    pub async fn rotate_secret(
        &self,
        id: &EndpointId,
        secret: Option<SigningSecret>,
        overlap: Duration,
    ) -> Result<(SigningSecret, Timestamp), UpdateError> {
        let new = secret.unwrap_or_else(|| self.0.new_secret());
        let now = self.clock().now();
        let expires_at = now.plus(overlap);
        self.update(id, |endpoint| {
            let previous = std::mem::replace(&mut endpoint.secret, new.clone());
            endpoint.previous_secrets.retain(|previous| previous.expires_at > now);
            // None that is older outlives the one that is replaced: without an overlap only the new one is left.
            for older in &mut endpoint.previous_secrets {
                older.expires_at = older.expires_at.min(expires_at);
            }
            endpoint.previous_secrets.insert(0, PreviousSecret { secret: previous, expires_at });
            endpoint.previous_secrets.truncate(MAX_PREVIOUS_SECRETS);
        })
        .await?;
        Ok((new, expires_at))
    }

    /// Deletes an endpoint and cancels what is pending for it; says whether it was there.
    pub async fn remove(&self, id: &EndpointId) -> Result<bool, StoreError> {
        self.store().delete_endpoint(id, self.clock().now()).await
    }

    /// An endpoint, and how its deliveries go.
    pub async fn endpoint(&self, id: &EndpointId) -> Result<Option<EndpointRecord>, StoreError> {
        let now = self.clock().now();
        Ok(self.store().endpoint(id, now).await?.map(|record| record.at(now)))
    }

    /// Endpoints, by id.
    pub async fn endpoints(
        &self,
        page: PageRequest<EndpointId>,
    ) -> Result<Page<EndpointRecord, EndpointId>, StoreError> {
        let now = self.clock().now();
        let Page { items, next } = self.store().endpoints(page, now).await?;
        Ok(Page { items: items.into_iter().map(|record| record.at(now)).collect(), next })
    }

    /// Sends `webhook.ping` to an endpoint at once, whatever its breaker and its limits say, and tells what came of it. It is
    /// neither queued nor retried nor kept, and what comes of it changes nothing: a 410 does not disable the endpoint. It takes no
    /// longer than the endpoint's own time-out and `at_most`. `None` when there is no such endpoint.
    pub async fn ping(
        &self,
        id: &EndpointId,
        at_most: Duration,
        caller: Caller,
    ) -> Result<Option<Ping>, StoreError> {
        let Some(EndpointRecord { mut endpoint, .. }) = self.endpoint(id).await? else { return Ok(None) };
        endpoint.timeout = endpoint.timeout.min(at_most);
        let ports = &self.0.ports;
        let Ok(kind) = types::WEBHOOK_PING.parse() else { return Ok(None) };
        let data = serde_json::json!({ "endpoint_id": id.as_str() });
        let Ok(new) = NewEvent::new(kind, &data) else { return Ok(None) };
        let event = Event::new(self.clock(), &*ports.ids, NewEvent { caller, ..new });
        let user_agent = &self.0.config.dispatcher.user_agent;
        let attempt = call(ports, &endpoint, &event, 1, user_agent, &Span::none()).await;
        Ok(Some(Ping { event, attempt, timeout: endpoint.timeout }))
    }
}

impl Inner {
    fn new_secret(&self) -> SigningSecret {
        let random = [self.ports.ids.random_128().to_be_bytes(), self.ports.ids.random_128().to_be_bytes()];
        let mut key = [0; 24];
        for (to, from) in key.iter_mut().zip(random.as_flattened()) {
            *to = *from;
        }
        SigningSecret::generate(key)
    }

    fn endpoint(&self, new: NewEndpoint) -> Endpoint {
        let now = self.ports.clock.now();
        Endpoint {
            id: new.id.unwrap_or_else(|| EndpointId::new(&*self.ports.clock, &*self.ports.ids)),
            url: new.url,
            events: new.events,
            secret: new.secret.unwrap_or_else(|| self.new_secret()),
            previous_secrets: Vec::new(),
            scheme: new.scheme,
            description: new.description,
            headers: new.headers,
            timeout: new.timeout,
            retry: new.retry,
            rate_limit: new.rate_limit,
            max_in_flight: new.max_in_flight,
            is_active: new.is_active,
            disabled_reason: None,
            metadata: new.metadata,
            created_at: now,
            updated_at: now,
            revision: 1,
        }
    }
}
