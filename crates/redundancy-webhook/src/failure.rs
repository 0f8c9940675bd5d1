//! Why an attempt failed: a closed list, so that people can count by it and nothing of the network's own words leaks.

use serde::{Deserialize, Serialize};

/// Why an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureReason {
    /// The name of the host has no address.
    Dns,
    /// An address of the host may not be called.
    BlockedAddress,
    /// No connection came about.
    Connect,
    /// The connection could not be secured.
    Tls,
    /// The time was over.
    Timeout,
    /// The answer was not 2xx.
    Status,
    /// The answer was announced as absurdly long.
    BodyTooLarge,
    /// What came was no whole HTTP answer.
    Protocol,
}

impl FailureReason {
    /// Its name on the wire, in metrics and in stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::BlockedAddress => "blocked_address",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Status => "status",
            Self::BodyTooLarge => "body_too_large",
            Self::Protocol => "protocol",
        }
    }

    /// The reason of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        use FailureReason::{BlockedAddress, BodyTooLarge, Connect, Dns, Protocol, Status, Timeout, Tls};
        [Dns, BlockedAddress, Connect, Tls, Timeout, Status, BodyTooLarge, Protocol]
            .into_iter()
            .find(|reason| reason.as_str() == name)
    }
}
