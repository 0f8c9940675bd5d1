//! The whole of delivery in one place: [`Webhooks`] registers endpoints, accepts events, makes deliveries in the background,
//! and answers questions about them. What it is built from can also be used apart.

mod endpoints;
mod jobs;
mod queries;
mod rules;
mod upkeep;

use crate::breaker::BreakerConfig;
use crate::clock::Timestamp;
use crate::dispatcher::{Budget, Dispatcher, DispatcherConfig, DispatcherEnd, Ports, Progress};
use crate::event::{Event, NewEvent};
use crate::ids::EventId;
use crate::store::{
    Audience, Idempotency, Publication, PublishError, Published, StoreError, idempotency_slot,
};
use crate::trace::Tracer;
use crate::transport::AddressPolicy;
use ring::digest;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub use endpoints::{NewEndpoint, Ping, RegisterError, UpdateError};
pub use jobs::{Replay, ReplayError, RequeueError};
pub use queries::Obstacle;
pub use rules::Fault;

/// How long an idempotency key is remembered.
const IDEMPOTENCY_TTL: Duration = Duration::from_hours(24);

/// How long new events go into one slot, in milliseconds.
const SLOT_MS: u64 = 16;

/// How delivery works.
#[derive(Debug, Clone)]
pub struct WebhooksConfig {
    /// How deliveries are made.
    pub dispatcher: DispatcherConfig,
    /// Which addresses may be called; endpoints with a literal address that may not are refused.
    pub addresses: AddressPolicy,
    /// Whether endpoints must be `https`.
    pub https_only: bool,
    /// How long finished deliveries and their events are kept.
    pub retention: Duration,
    /// Deliveries that a replay or a bulk requeue queues in a second, at least 1.
    pub replay_per_second: u32,
}

impl Default for WebhooksConfig {
    /// Keeps everything for 30 days, replays 500 deliveries a second.
    fn default() -> Self {
        Self {
            dispatcher: DispatcherConfig::default(),
            addresses: AddressPolicy::default(),
            https_only: false,
            retention: Duration::from_hours(30 * 24),
            replay_per_second: 500,
        }
    }
}

/// Reliable delivery of events. Cheap to clone: clones share one state.
#[derive(Clone)]
pub struct Webhooks(Arc<Inner>);

struct Inner {
    ports: Ports,
    config: WebhooksConfig,
    dispatcher: Dispatcher,
    /// A job was accepted.
    job_arrived: Notify,
}

impl Webhooks {
    /// Delivery over `ports`. Nothing is delivered until [`Webhooks::run`] or [`Webhooks::deliver_due`] is called. Must be used
    /// inside a tokio runtime.
    #[must_use]
    pub fn new(ports: Ports, config: WebhooksConfig) -> Self {
        let dispatcher = Dispatcher::new(ports.clone(), config.dispatcher.clone());
        Self(Arc::new(Inner { ports, config, dispatcher, job_arrived: Notify::new() }))
    }

    /// Accepts an event: when this returns, it and one delivery for each endpoint that wants it are in the store, or neither is.
    ///
    /// The event is also kept when nobody wants it, so that it can be looked up and replayed to endpoints to come.
    pub async fn publish(&self, new: NewEvent) -> Result<Published, StoreError> {
        let now = self.clock().now();
        let id = EventId::new_in_slot(self.slot(now), now, &*self.0.ports.ids);
        let event = Event::with_id(id, now, new);
        let publication =
            Publication { event, audience: Audience::Subscribers, idempotency: None, keep_unwanted: true };
        match self.0.ports.store.publish(publication).await {
            Ok(published) => Ok(published),
            Err(PublishError::Store(error)) => Err(error),
            Err(PublishError::KeyReused) => {
                Err(StoreError::Unreadable("it remembers a key that was not given".to_owned()))
            }
        }
    }

    /// The slot of an event that could be in any. Those of a moment share one, so that a store with partitions hands out and
    /// settles many at a time in one of them; replicas begin with different ones.
    fn slot(&self, now: Timestamp) -> u8 {
        let [turn, ..] = (now.as_millis() / SLOT_MS).to_le_bytes();
        let [first, ..] = self.0.dispatcher.replica().0.to_le_bytes();
        first.wrapping_add(turn)
    }

    /// As [`Webhooks::publish`], but a request that is repeated under the same `key` within 24 hours is not done again: it gets
    /// the answer of the first. The same key with another type, data or user is refused.
    pub async fn publish_once(&self, new: NewEvent, key: &str) -> Result<Published, PublishError> {
        let fingerprint = fingerprint(&new);
        let now = self.clock().now();
        // In the slot of the key, so that stores can keep the two together.
        let id = EventId::new_in_slot(idempotency_slot(key), now, &*self.0.ports.ids);
        let idempotency =
            Idempotency { key: key.to_owned(), fingerprint, expires_at: now.plus(IDEMPOTENCY_TTL) };
        let event = Event::with_id(id, now, new);
        let publication = Publication {
            event,
            audience: Audience::Subscribers,
            idempotency: Some(idempotency),
            keep_unwanted: true,
        };
        self.0.ports.store.publish(publication).await
    }

    /// Makes what is due now, within `budget`: one step, for functions and tests.
    pub async fn deliver_due(&self, budget: Budget) -> Result<Progress, StoreError> {
        self.0.dispatcher.deliver_due(budget).await
    }

    /// Delivers, replays and cleans up until `shutdown` is done; then lets attempts under way end for a while and gives back
    /// what is left.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) -> DispatcherEnd {
        let stop = CancellationToken::new();
        let deliver = async {
            let ended = self.0.dispatcher.run(shutdown).await;
            stop.cancel();
            ended
        };
        let keep_up = async {
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.0.sweep_again_and_again() => {}
                () = self.0.work_on_jobs() => {}
            }
        };
        let (ended, ()) = tokio::join!(deliver, keep_up);
        ended
    }

    /// Attempts under way in this process.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.0.dispatcher.in_flight()
    }

    /// When breakers open and close.
    #[must_use]
    pub fn breaker(&self) -> BreakerConfig {
        self.0.config.dispatcher.breaker
    }

    /// What ties spans to the traces of others.
    #[must_use]
    pub fn tracer(&self) -> &dyn Tracer {
        &*self.0.ports.tracer
    }

    fn clock(&self) -> &dyn crate::clock::Clock {
        &*self.0.ports.clock
    }

    fn store(&self) -> &dyn crate::store::WebhookStore {
        &*self.0.ports.store
    }
}

/// A digest of what was asked: without the id of the request, which differs when it is repeated.
fn fingerprint(new: &NewEvent) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in [new.kind.as_str(), new.data.get(), new.caller.user_id.as_deref().unwrap_or_default()] {
        context.update(&part.len().to_be_bytes());
        context.update(part.as_bytes());
    }
    let mut fingerprint = [0; 32];
    for (to, from) in fingerprint.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    fingerprint
}
