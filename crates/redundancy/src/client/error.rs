//! What can go wrong between the program and a service, in words for the user.

use std::error::Error as _;
use std::fmt::{self, Write as _};
use std::io;
use std::time::Duration;

use hyper::StatusCode;
use serde_json::Value;

use super::address::ServiceAddress;

/// Why there is no answer, or not the one that was wanted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// The key cannot be sent.
    #[error("REDUNDANCY_API_KEY holds characters that no key has: give it as it was made")]
    Key,
    /// The idempotency key cannot be sent.
    #[error("--idempotency-key must be visible ASCII characters")]
    IdempotencyKey,
    /// This machine gives nothing to work with.
    #[error("cannot prepare a connection: {0}")]
    Runtime(String),
    /// Nobody is there.
    #[error(
        "cannot connect to {address}: {why}\n  Is the service running there? `redundancy serve` starts it, --url says where it is."
    )]
    Unreachable {
        /// Where.
        address: String,
        /// What the system says.
        why: String,
    },
    /// Somebody is there and cannot prove to be the service.
    #[error("no secure connection to {address}: {why}")]
    Insecure {
        /// Where.
        address: String,
        /// What is wrong.
        why: String,
    },
    /// The time was over.
    #[error("{address} does not answer: nothing came within {} s", .deadline.as_secs())]
    Slow {
        /// Who.
        address: String,
        /// How long it was waited for.
        deadline: Duration,
    },
    /// The exchange ended before its end.
    #[error("{address} does not answer: {why}")]
    Broken {
        /// Who.
        address: String,
        /// What happened.
        why: String,
    },
    /// There is no end of what comes.
    #[error("the answer of {address} is longer than {} MiB: it is given up", .most >> 20)]
    TooLong {
        /// Whose.
        address: String,
        /// How many bytes are read at most.
        most: usize,
    },
    /// It is some other program.
    #[error("what answers at {0} is not this service: --url says where it is")]
    Foreign(String),
    /// The service will not or cannot do it.
    #[error("{}", .0)]
    Refused(Refusal),
}

/// What the service says in place of doing something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// Why, in its words.
    pub message: String,
    /// Which fields are at fault.
    pub details: Vec<Fault>,
    /// What the request is called in the log of the service.
    pub request_id: Option<String>,
}

/// A field at fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// As a JSON pointer.
    pub field: String,
    /// What would do.
    pub message: String,
}

impl ClientError {
    /// The status that the service refused with, if it did.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        if let Self::Refused(refusal) = self { Some(refusal.status) } else { None }
    }

    /// Whether the user gave something that cannot be sent.
    #[must_use]
    pub const fn is_misuse(&self) -> bool {
        matches!(self, Self::Key | Self::IdempotencyKey)
    }

    pub(super) fn unreachable(address: &ServiceAddress, error: &io::Error) -> Self {
        Self::Unreachable { address: address.to_string(), why: error.to_string() }
    }

    pub(super) fn slow(address: &ServiceAddress, deadline: Duration) -> Self {
        Self::Slow { address: address.to_string(), deadline }
    }

    pub(super) fn broken(address: &ServiceAddress, error: &hyper::Error) -> Self {
        let address = address.to_string();
        if error.is_parse() {
            return Self::Foreign(address);
        }
        let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
        let ended = cause.is_some_and(|cause| cause.kind() == io::ErrorKind::UnexpectedEof);
        let why = if error.is_incomplete_message() || ended {
            "it closed the connection before the answer was whole".to_owned()
        } else {
            error.source().map_or_else(|| error.to_string(), ToString::to_string)
        };
        Self::Broken { address, why }
    }

    /// The same of a service that may have wanted a certificate and got none: with TLS 1.3 it says so only after the handshake, if what it
    /// says comes through at all.
    pub(super) fn without_certificate(mut self) -> Self {
        if let Self::Broken { why, .. } = &mut self {
            why.push_str(
                "\n  If it wants a certificate of its clients, name one and its key by REDUNDANCY_CLIENT_CERT and \
                 REDUNDANCY_CLIENT_KEY.",
            );
        }
        self
    }

    /// What an answer with an error says, or that it says nothing that this service would say.
    pub(super) fn refused(address: &ServiceAddress, status: StatusCode, envelope: Option<&Value>) -> Self {
        let error = envelope.and_then(|envelope| envelope.get("error"));
        let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let Some((error, message)) = error.and_then(|error| Some((error, text(error, "message")?))) else {
            let reason = status.canonical_reason().unwrap_or("no known status");
            let why = format!("{} ({reason}), not in the way of this service", status.as_u16());
            return Self::Broken { address: address.to_string(), why: format!("it says {why}") };
        };
        let details = error.get("details").and_then(Value::as_array).into_iter().flatten();
        let details = details.filter_map(|fault| {
            Some(Fault { field: text(fault, "field")?, message: text(fault, "message").unwrap_or_default() })
        });
        Self::Refused(Refusal {
            status: status.as_u16(),
            message,
            details: details.collect(),
            request_id: text(error, "request_id"),
        })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.status)?;
        for Fault { field, message } in &self.details {
            // The whole body has no name.
            let field = if field.is_empty() { "the request" } else { field };
            write!(f, "\n  {field}: {message}")?;
        }
        if self.status == StatusCode::UNAUTHORIZED.as_u16() {
            f.write_str("\n  Give the key of the service by REDUNDANCY_API_KEY.")?;
        }
        if self.status >= 500
            && let Some(id) = &self.request_id
        {
            f.write_char('\n')?;
            write!(f, "  In the log of the service this is request {id}.")?;
        }
        Ok(())
    }
}
