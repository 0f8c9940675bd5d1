//! How requests reach receivers: the port that the dispatcher sends through, and the safe HTTP client behind it.
//!
//! A receiver is a stranger, and so is whoever registered it. [`HttpTransport`] calls only addresses that an
//! [`AddressPolicy`] allows, follows no redirect, reads no more than it needs, and gives up at a deadline. It decides
//! nothing about retries: any complete answer is a [`ReceiverResponse`], whatever its status.

mod address;
mod answer;
mod config;
mod connection;
mod dial;
mod http_transport;
mod pool;
mod resolver;
mod stream;
mod tls;

pub use address::AddressPolicy;
pub use config::{TransportConfig, TransportConfigError};
pub use http_transport::HttpTransport;
pub use resolver::{Resolver, SystemResolver};

use crate::{EndpointUrl, FailureReason};
use async_trait::async_trait;
use bytes::Bytes;
use std::fmt;
use std::time::Duration;

/// Sends requests to receivers.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends one request and waits for the complete answer, at most for the request's time-out. Any status is an answer;
    /// the error tells why there is none.
    async fn send(&self, request: OutgoingRequest) -> Result<ReceiverResponse, FailureReason>;
}

/// A `POST` to a receiver. `Debug` shows neither headers nor body: signatures, tokens and texts are in them.
#[derive(Clone)]
pub struct OutgoingRequest {
    /// Where to. User info in it becomes an `Authorization` header, unless `headers` has one.
    pub url: EndpointUrl,
    /// What the receiver gets. Headers about the connection and the length are the transport's own and left out;
    /// `User-Agent` is added if there is none.
    pub headers: http::HeaderMap,
    /// What the receiver gets, byte for byte.
    pub body: Bytes,
    /// How long everything may take together: look-up, connection, encryption, request, answer. More than
    /// an hour counts as an hour.
    pub timeout: Duration,
}

/// A complete answer of a receiver, or as much of it as is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReceiverResponse {
    /// The status, 100 to 999.
    pub status: u16,
    /// The first headers: at most 64, and 8 KiB of names and values. What is not UTF-8 in a value is replaced.
    pub headers: Vec<(String, String)>,
    /// The first 16 KiB of the body.
    pub body: Vec<u8>,
    /// Whether the body had more.
    pub is_truncated: bool,
}

impl fmt::Debug for OutgoingRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutgoingRequest")
            .field("url", &self.url)
            .field("body_bytes", &self.body.len())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
