//! What the commands that talk to a running service need, beside where it is.

use std::fmt;
use std::path::PathBuf;

use super::keys;
use super::parse;
use super::reader::Reader;
use crate::certificates::ClientCertificateFiles;

/// A key that a service lets its callers in by. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

/// How to talk to a running service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// What to show the service, if it asks.
    pub api_key: Option<ApiKey>,
    /// The certificate to show over TLS, if the service wants one.
    pub certificate: Option<ClientCertificateFiles>,
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
        let [certificate, key] = [&keys::REDUNDANCY_CLIENT_CERT, &keys::REDUNDANCY_CLIENT_KEY]
            .map(|key| reader.optional(key, parse::text).map(PathBuf::from));
        let certificate = match (certificate, key) {
            (Some(certificate), Some(key)) => Some(ClientCertificateFiles { certificate, key }),
            (Some(_), None) => {
                let remedy = "is needed beside REDUNDANCY_CLIENT_CERT: the file with its private key";
                reader.refuse(&keys::REDUNDANCY_CLIENT_KEY, remedy);
                None
            }
            (None, Some(_)) => {
                let remedy = "is needed beside REDUNDANCY_CLIENT_KEY: the file with its certificate";
                reader.refuse(&keys::REDUNDANCY_CLIENT_CERT, remedy);
                None
            }
            (None, None) => None,
        };
        Self { api_key: reader.optional(&keys::REDUNDANCY_API_KEY, parse::text).map(ApiKey), certificate }
    }
}
