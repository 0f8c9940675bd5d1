//! How much a caller may do.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How much a caller may do. Each scope includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Look at things, and have texts analysed and compared, which changes nothing.
    Read,
    /// Change documents, batches, endpoints and deliveries, and publish events.
    Write,
    /// See signing secrets and the audit log, and manage keys.
    Admin,
}

/// A text is no [`Scope`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a scope is read, write or admin")]
pub struct UnknownScope;

impl Scope {
    /// All of them, the least first.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Admin];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }

    /// The largest of the scopes that are named in `text`, between blanks, commas or plus signs.
    ///
    /// # Errors
    /// [`UnknownScope`] when one of them is none, or when there is none.
    pub fn largest_of(text: &str) -> Result<Self, UnknownScope> {
        let names = text.split([' ', ',', '+']).filter(|name| !name.is_empty());
        let scopes = names.map(str::parse).collect::<Result<Vec<Self>, _>>()?;
        scopes.into_iter().max().ok_or(UnknownScope)
    }

    /// The names of this scope and of those that it includes.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        Self::ALL.into_iter().filter(|scope| *scope <= self).map(Self::as_str).collect()
    }
}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text).ok_or(UnknownScope)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_larger_scope_includes_the_smaller_ones() {
        assert!(Scope::Admin > Scope::Write && Scope::Write > Scope::Read);
        assert_eq!(Scope::largest_of("read,write"), Ok(Scope::Write));
        assert_eq!(Scope::largest_of("admin read"), Ok(Scope::Admin));
        assert_eq!(Scope::Write.names(), ["read", "write"]);
        for text in ["", " ", "reed", "read,all"] {
            assert_eq!(Scope::largest_of(text), Err(UnknownScope), "{text}");
        }
    }
}
