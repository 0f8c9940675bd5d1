//! Signatures of webhooks by the [Standard Webhooks](https://www.standardwebhooks.com) scheme: made by senders, verified by
//! receivers. Pure: the caller brings the time and the bytes.
//!
//! ```
//! use redundancy_webhook::{Headers, SigningSecret, Verifier, sign};
//!
//! let secret: SigningSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse()?;
//! let body = br#"{"id":"evt_1","type":"analysis.completed"}"#;
//!
//! // The sender puts three headers beside the body …
//! let signature = sign(&secret, "evt_1", 1_700_000_000, body)?;
//!
//! // … and the receiver checks them against the bytes that arrived.
//! let headers = Headers { id: "evt_1", timestamp: "1700000000", signature: &signature };
//! Verifier::new(vec![secret]).verify(headers, body, 1_700_000_010)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

pub mod breaker;
pub mod clock;
pub mod delivery;
pub mod endpoint;
pub mod event;
pub mod failure;
pub mod guard;
pub mod ids;
pub mod rate_window;
pub mod record;
pub mod retry;
mod secret;
mod signature;
pub mod store;
pub mod transport;
pub mod url;

pub use secret::{InvalidSecret, SigningSecret};
pub use signature::{Headers, InvalidId, Scheme, Verifier, VerifyError, sign};
