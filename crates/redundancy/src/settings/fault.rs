//! What is wrong with the settings, all of it at once.

use std::error::Error;
use std::fmt;

use super::keys::Key;
use super::mask::masked;
use super::origin::Given;

/// One thing that is wrong, in a line that names the key, the value and what would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault(String);

/// Everything that is wrong with the settings; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

impl Fault {
    /// The value of `key` will not do; `remedy` says what would.
    pub(super) fn value(key: &Key, given: &Given, remedy: &str) -> Self {
        let value = masked(key, &given.text);
        Self(format!("{} = {value:?} ({}): {remedy}", key.name, given.origin))
    }

    /// Something that is not about the value of one key.
    pub(super) fn other(message: String) -> Self {
        Self(message)
    }
}

impl Faults {
    /// `Ok` where there are no faults.
    pub(super) fn check(faults: Vec<Fault>) -> Result<(), Self> {
        if faults.is_empty() { Ok(()) } else { Err(Self(faults)) }
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self(vec![fault])
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => f.write_str("a setting will not do")?,
            count => write!(f, "{count} settings will not do")?,
        }
        self.0.iter().try_for_each(|fault| write!(f, "\n  {}", fault.0))
    }
}

impl Error for Faults {}
