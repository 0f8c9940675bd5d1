//! Why an attempt failed: a closed list, so that it can be counted, stored and filtered by.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What kept an attempt from success. As text, in stores and in JSON, it is the name in `snake_case`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureReason {
    /// The name has no address, or the look-up failed.
    Dns,
    /// The settings forbid calling where the URL leads: an address that is not on the public Internet and in none of the
    /// allowed networks, or a URL without TLS where TLS is demanded.
    BlockedAddress,
    /// No address accepted a TCP connection.
    Connect,
    /// No encrypted connection came about: a certificate that is not trusted, another protocol, a refused client.
    Tls,
    /// The deadline passed before the answer was complete.
    Timeout,
    /// The answer was complete, and its status was no success.
    Status,
    /// The answer announced a body beyond all measure.
    BodyTooLarge,
    /// What came back was not HTTP, or ended before the answer was complete.
    Protocol,
}

/// A text names no [`FailureReason`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no failure reason")]
pub struct UnknownFailureReason;

impl FailureReason {
    /// All reasons, in the order in which an attempt can meet them.
    pub const ALL: [Self; 8] = [
        Self::Dns,
        Self::BlockedAddress,
        Self::Connect,
        Self::Tls,
        Self::Timeout,
        Self::Status,
        Self::BodyTooLarge,
        Self::Protocol,
    ];

    /// The name by which it is stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
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
}

impl fmt::Display for FailureReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for FailureReason {
    type Err = UnknownFailureReason;

    fn from_str(text: &str) -> Result<Self, UnknownFailureReason> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text).ok_or(UnknownFailureReason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_has_one_name_in_text_and_in_json_and_reads_back_from_it() {
        for reason in FailureReason::ALL {
            assert_eq!(reason.as_str().parse(), Ok(reason));
            assert_eq!(serde_json::to_string(&reason).unwrap(), format!("\"{reason}\""));
            assert_eq!(serde_json::from_str::<FailureReason>(&format!("\"{reason}\"")).unwrap(), reason);
        }
        assert_eq!("DNS".parse::<FailureReason>(), Err(UnknownFailureReason));
    }
}
