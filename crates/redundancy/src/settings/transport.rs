//! Encryption of the service's own connections.

use std::path::PathBuf;
use std::time::Duration;

use redundancy_server::CredentialsPart;

use super::Purpose;
use super::keys::{self, Key};
use super::parse;
use super::reader::Reader;
use crate::certificates::CertificateFiles;

/// Browsers need not remember longer than for two years.
const MOST_HSTS_SECONDS: u64 = 63_072_000;

/// Encryption of the service's own connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transport {
    /// Certificate and key, and who signs its callers' certificates. Without them connections are in clear.
    pub certificates: Option<CertificateFiles>,
    /// For how long browsers are told to reach this host over TLS only; zero makes them forget that.
    pub hsts: Duration,
}

impl Transport {
    pub(super) fn read(reader: &mut Reader) -> Option<Self> {
        let [certificate, key, client_authorities] = [&keys::TLS_CERT, &keys::TLS_KEY, &keys::TLS_CLIENT_CA]
            .map(|key| reader.optional(key, parse::text).map(PathBuf::from));
        let hsts = reader.value(&keys::HSTS_MAX_AGE_SECONDS, parse::seconds(0..=MOST_HSTS_SECONDS));
        let certificates = match (certificate, key, client_authorities) {
            (Some(certificate), Some(key), client_authorities) => {
                Some(CertificateFiles { certificate, key, client_authorities })
            }
            (Some(_), None, _) => {
                reader.refuse(&keys::TLS_KEY, "is needed beside TLS_CERT: the file with its private key");
                None
            }
            (None, Some(_), _) => {
                reader.refuse(&keys::TLS_CERT, "is needed beside TLS_KEY: the file with its certificate");
                None
            }
            (None, None, Some(_)) => {
                let remedy = "needs TLS_CERT and TLS_KEY: clients can show certificates over TLS only";
                reader.refuse(&keys::TLS_CLIENT_CA, remedy);
                None
            }
            (None, None, None) => None,
        };
        if let (Purpose::Serve, Some(files)) = (reader.purpose(), &certificates) {
            check(files, reader);
        }
        Some(Self { certificates, hsts: hsts? })
    }
}

/// Refuses to start with files that will not do. They are read again when the service starts.
fn check(files: &CertificateFiles, reader: &mut Reader) {
    if let Err(fault) = files.read().and_then(|contents| contents.credentials()) {
        reader.refuse(key_of(fault.part()), &fault.to_string());
    }
}

/// The setting that names a file.
#[must_use]
pub const fn key_of(part: CredentialsPart) -> &'static Key {
    match part {
        CredentialsPart::Certificate => &keys::TLS_CERT,
        CredentialsPart::Key => &keys::TLS_KEY,
        CredentialsPart::ClientAuthorities => &keys::TLS_CLIENT_CA,
    }
}
