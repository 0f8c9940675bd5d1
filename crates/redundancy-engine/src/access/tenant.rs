//! Tenants: those who share a service and see nothing of each other.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Longest name, in bytes.
const MAX_BYTES: usize = 64;

/// The name of a tenant, `[A-Za-z0-9_-]{1,64}`: it becomes part of paths and of keys in stores. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tenant(Arc<str>);

/// A text is no name of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the name of a tenant has 1 to {MAX_BYTES} characters, each a letter, a digit, _ or -")]
pub struct InvalidTenant;

impl Tenant {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Tenant {
    type Err = InvalidTenant;

    fn from_str(text: &str) -> Result<Self, InvalidTenant> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let fits = (1..=MAX_BYTES).contains(&text.len()) && text.bytes().all(is_allowed);
        fits.then(|| Self(text.into())).ok_or(InvalidTenant)
    }
}

impl TryFrom<String> for Tenant {
    type Error = InvalidTenant;

    fn try_from(text: String) -> Result<Self, InvalidTenant> {
        text.parse()
    }
}

impl From<Tenant> for String {
    fn from(tenant: Tenant) -> Self {
        tenant.as_str().to_owned()
    }
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_stand_in_a_path_and_in_a_key() {
        for name in ["a", "org_2cX", "acme-es", &"x".repeat(64)] {
            assert!(name.parse::<Tenant>().is_ok(), "{name}");
        }
        for name in ["", ".", "..", "a/b", "a b", "ñ", "a.b", "{a}", &"x".repeat(65)] {
            assert_eq!(name.parse::<Tenant>(), Err(InvalidTenant), "{name}");
        }
    }
}
