//! Signatures of webhooks by the [Standard Webhooks](https://www.standardwebhooks.com) scheme: made by senders, verified by
//! receivers. Pure: the caller brings the time, the randomness and the bytes.
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
pub mod rate_window;
pub mod record;
pub mod retry;
mod public_key;
mod secret;
mod signature;
pub mod store;
pub mod transport;
pub mod url;
pub mod webhooks;

pub use public_key::{InvalidPublicKey, PublicKey};
pub use failure::FailureReason;
pub use secret::{InvalidSecret, SigningSecret};
pub use signature::{Headers, InvalidId, Scheme, Signatures, Verifier, VerifyError, sign_headers};
pub use url::EndpointUrl;
