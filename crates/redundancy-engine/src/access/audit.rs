//! The log of changes that somebody may have to answer for.

use super::Tenant;
use crate::ids::AuditId;
use redundancy_webhook::clock::Timestamp;
use serde::{Deserialize, Serialize};

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
    /// Which fields of it were set, where only some are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// The request by which it was done.
    pub request_id: Option<String>,
    /// The address that it came from.
    pub address: Option<String>,
}
