//! Encryption of the service's own connections.

use std::path::PathBuf;

use super::keys;
use super::parse;
use super::reader::Reader;

/// Certificate and key of the service, and who signs its callers' certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transport {
    /// The certificate chain.
    pub cert: Option<PathBuf>,
    /// Its private key.
    pub key: Option<PathBuf>,
    /// Whose signature a caller's certificate must carry.
    pub client_ca: Option<PathBuf>,
}

impl Transport {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let [cert, key, client_ca] = [&keys::TLS_CERT, &keys::TLS_KEY, &keys::TLS_CLIENT_CA].map(|key| {
            reader.not_available(key);
            reader.optional(key, parse::text).map(PathBuf::from)
        });
        Self { cert, key, client_ca }
    }
}
