//! Placeholder until the transport lands.
use std::fmt;
use std::str::FromStr;
/// URL.
#[derive(Clone, PartialEq, Eq)]
pub struct EndpointUrl(String);
impl EndpointUrl {
    /// text
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
impl fmt::Debug for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("url")
    }
}
impl FromStr for EndpointUrl {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        Ok(Self(s.to_owned()))
    }
}
impl EndpointUrl {
    /// r
    pub fn check(&self, _: &crate::transport::AddressPolicy, _: bool) -> Result<(), String> {
        Ok(())
    }
}
