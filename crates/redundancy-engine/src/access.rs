//! Who may do what: tenants, scopes, API keys, the log of what they changed, and how often they may ask. Rules and ports only; how a
//! caller proves who it is, is the business of whoever talks to callers.

mod audit;
mod key;
mod rate;
mod scope;
mod store;
mod tenant;

pub use crate::ids::{AuditId, KeyId};
pub use audit::{Actor, AuditEntry};
pub use key::{ApiKey, InvalidDigest, KeyDigest, KeySecret, MAX_KEY_NAME_CHARS, NewKey, Pepper};
pub use rate::{Decision, Quota, RateLimiter};
pub use scope::{Scope, UnknownScope};
pub use store::AccessStore;
pub use tenant::{InvalidTenant, Tenant};
