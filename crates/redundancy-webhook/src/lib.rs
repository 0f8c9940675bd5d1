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

mod failure;
mod secret;
mod signature;
pub mod transport;
mod url;

pub use failure::{FailureReason, UnknownFailureReason};
pub use secret::{InvalidSecret, SigningSecret};
pub use signature::{Headers, InvalidId, Verifier, VerifyError, sign};
pub use url::{EndpointUrl, InvalidUrl, RefusedUrl};
