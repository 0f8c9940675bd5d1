//! What the commands that talk to a running service need, beside where it is.

use std::fmt;

use super::keys;
use super::parse;
use super::reader::Reader;

/// A key that a service lets its callers in by. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

/// How to talk to a running service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// What to show the service, if it asks.
    pub api_key: Option<ApiKey>,
}

impl ApiKey {
    /// The key itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

impl Client {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self { api_key: reader.optional(&keys::REDUNDANCY_API_KEY, parse::text).map(ApiKey) }
    }
}
