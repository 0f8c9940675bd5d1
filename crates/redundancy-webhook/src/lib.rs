//! Reliable delivery of events to webhooks, for any program on tokio: an accepted event is never lost, every attempt is signed,
//! and a receiver that fails harms neither the others nor the sender.
//!
//! [`Webhooks`](webhooks::Webhooks) is the whole in one place: it registers endpoints, accepts events, makes deliveries in the
//! background, and answers questions about them.
//!
//! ```
//! use redundancy_webhook::dispatcher::{DispatcherEnd, Ports};
//! use redundancy_webhook::event::NewEvent;
//! use redundancy_webhook::webhooks::{NewEndpoint, Webhooks, WebhooksConfig};
//! use serde_json::json;
//!
//! async fn tell(ports: Ports, shutdown: impl Future<Output = ()>) -> Result<DispatcherEnd, Box<dyn std::error::Error>> {
//!     let webhooks = Webhooks::new(ports, WebhooksConfig::default());
//!
//!     // Without a secret of ours one is made. Its receiver verifies with it what it gets.
//!     let hooks = "https://example.org/hooks".parse()?;
//!     let endpoint = webhooks.register(NewEndpoint::new(hooks, vec!["analysis.*".parse()?])).await?;
//!     println!("{}: {}", endpoint.id, endpoint.secret.reveal());
//!
//!     // When this returns, the event and a delivery for each endpoint that wants it are in the store.
//!     let event = NewEvent::new("analysis.completed".parse()?, &json!({"redundancy_score": 0.5}))?;
//!     webhooks.publish(event).await?;
//!
//!     // Delivers until it is told to stop; `deliver_due` is a single step of it, for functions and tests.
//!     Ok(webhooks.run(shutdown).await)
//! }
//! ```
//!
//! # The ports
//!
//! What delivery needs from the world are the six fields of [`Ports`](dispatcher::Ports):
//!
//! | port | what it is for | what there is |
//! |---|---|---|
//! | [`WebhookStore`](store::WebhookStore) | keeps everything, shared by all replicas; each method is a unit of atomicity | memory, `SQLite` and Redis in the crate `redundancy-store` |
//! | [`Transport`](transport::Transport) | sends one request | [`HttpTransport`](transport::HttpTransport): public addresses only, unless allowed |
//! | [`Clock`](clock::Clock) | tells the time | yours: `SystemTime` and `Instant`, as in `examples/parts/clock.rs` |
//! | [`IdSource`](clock::IdSource) | random numbers for ids, secrets and jitter | yours: those of the operating system |
//! | [`Observer`](observer::Observer) | sees every attempt, for metrics | [`NoObserver`](observer::NoObserver) |
//! | [`Tracer`](trace::Tracer) | makes each attempt a span of the trace that its event belongs to | [`NoTracer`](trace::NoTracer) |
//!
//! # The parts
//!
//! Everything that decides is a pure function of what it is given, time and randomness included: [`retry`] (whether and when
//! again), [`breaker`], [`rate_window`] and [`guard`] (whether an endpoint may be called), [`signature`](sign_headers),
//! [`record`] (what is stored). [`dispatcher`] claims, attempts and settles; [`transport`] makes the calls safe.
//!
//! Delivery is at least once, and an event has the same id and the same bytes on every attempt. Order is not kept.
//!
//! # For receivers
//!
//! Signatures follow [Standard Webhooks](https://www.standardwebhooks.com). A [`Verifier`] checks them; it needs neither a store
//! nor tokio.
//!
//! ```
//! use redundancy_webhook::{Headers, Scheme, SigningSecret, Verifier, sign_headers};
//!
//! let secret: SigningSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse()?;
//! let body = br#"{"id":"evt_1","type":"analysis.completed"}"#;
//!
//! // The sender puts three headers beside the body …
//! let signatures = sign_headers(&[&secret], Scheme::V1a, "evt_1", 1_700_000_000, body)?;
//!
//! // … and the receiver checks them against the bytes that arrived. The public key is enough for `v1a`, and the secret for
//! // both schemes.
//! let headers = Headers::from_pairs([
//!     ("Webhook-Id", "evt_1"),
//!     ("Webhook-Timestamp", "1700000000"),
//!     ("Webhook-Signature", &signatures.webhook_signature),
//! ])?;
//! let public_key = secret.public_key();
//! Verifier::new(vec![secret]).verify(headers, body, 1_700_000_010)?;
//! Verifier::default().with_public_keys(vec![public_key]).verify(headers, body, 1_700_000_010)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Examples
//!
//! In `examples/`: `axum_service` (delivery in a service, from its start to its end), `send_one` (one event, waited for),
//! `read_stats`, `receiver` (in axum, with a [`Verifier`]), `sign`. Each runs with `cargo run -p redundancy-webhook --example`.
//!
//! # Not here
//!
//! What events are about, an HTTP API to all this, and a database.

#![forbid(unsafe_code)]

pub mod breaker;
pub mod clock;
pub mod delivery;
pub mod dispatcher;
pub mod endpoint;
pub mod event;
pub mod failure;
pub mod guard;
pub mod ids;
pub mod observer;
mod public_key;
pub mod rate_window;
pub mod record;
pub mod retry;
mod secret;
mod signature;
pub mod store;
pub mod trace;
pub mod transport;
pub mod url;
pub mod webhooks;

pub use failure::FailureReason;
pub use public_key::{InvalidPublicKey, PublicKey};
pub use secret::{InvalidSecret, SigningSecret};
pub use signature::{Headers, InvalidId, Scheme, Signatures, Verifier, VerifyError, sign_headers};
pub use url::EndpointUrl;
