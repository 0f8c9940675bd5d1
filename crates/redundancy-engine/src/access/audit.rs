//! The log of changes that somebody may have to answer for.

use super::Tenant;
use redundancy_webhook::clock::{Clock, IdSource, Timestamp};
use redundancy_webhook::ids;
use serde::{Deserialize, Serialize, de};
use std::fmt;
use std::str::FromStr;

/// Which entry: `aud_` and 26 letters and digits, which sort by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuditId(u128);

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "id")]
pub enum Actor {
    /// Anybody: the service does not ask.
    Anonymous,
    /// The holder of an API key: its id, or what the settings call it.
    ApiKey(String),
    /// The subject of a token.
    Token(String),
    /// Somebody with access to the machine, by the command line.
    Operator,
}

/// Who did what, when and from where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Which entry.
    pub id: AuditId,
    /// When it was done.
    pub at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// Whose things were changed.
    pub tenant: Option<Tenant>,
    /// What was done, such as `endpoint.deleted`.
    pub action: String,
    /// To what: an id.
    pub target: Option<String>,
    /// The request by which it was done.
    pub request_id: Option<String>,
    /// The address that it came from.
    pub address: Option<String>,
}

/// A text is no id of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the id of an entry: expected `aud_` and 26 letters and digits")]
pub struct InvalidAuditId;

impl AuditId {
    const PREFIX: &str = "aud_";

    /// A new id.
    #[must_use]
    pub fn new(clock: &dyn Clock, random: &dyn IdSource) -> Self {
        Self(ids::timed(clock, random))
    }

    /// The number in it: it sorts as the id does.
    #[must_use]
    pub const fn number(self) -> u128 {
        self.0
    }

    /// The id with this number.
    #[must_use]
    pub const fn from_number(number: u128) -> Self {
        Self(number)
    }
}

impl fmt::Display for AuditId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ids::write(f, Self::PREFIX, self.0)
    }
}

impl FromStr for AuditId {
    type Err = InvalidAuditId;

    fn from_str(text: &str) -> Result<Self, InvalidAuditId> {
        ids::read(Self::PREFIX, text).map(Self).map_err(|_| InvalidAuditId)
    }
}

impl Serialize for AuditId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AuditId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
