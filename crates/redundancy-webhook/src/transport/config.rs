//! What an HTTP transport is told at the start.

use super::address::AddressPolicy;
use std::fmt;

/// Settings of an [`HttpTransport`](super::HttpTransport). `Debug` does not show the client's key.
#[derive(Clone)]
pub struct TransportConfig {
    /// Which addresses may be called.
    pub policy: AddressPolicy,
    /// Whether URLs without TLS are refused.
    pub https_only: bool,
    /// Certificates in PEM that are trusted beside the platform's.
    pub extra_ca_pem: Option<Vec<u8>>,
    /// A chain of certificates and its key in PEM, shown to receivers that ask who calls.
    pub client_identity_pem: Option<Vec<u8>>,
    /// How many connections to one host stay open without work. They close after half a minute.
    pub max_idle_per_host: usize,
    /// The `User-Agent` of requests that bring none.
    pub user_agent: String,
}

/// Settings with which no transport can work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TransportConfigError {
    /// The extra CA cannot be read.
    #[error("the extra CA holds no certificate in PEM, or a broken one")]
    ExtraCa,
    /// The client's chain or key cannot be read.
    #[error("the client identity must hold its certificates and one private key in PEM")]
    ClientIdentity,
    /// The key does not belong to the certificate, or its kind is unknown.
    #[error("the client identity's private key does not fit its certificate, or is of an unknown kind")]
    ClientKey,
    /// The user agent cannot stand in a header.
    #[error("the user agent must be one line of visible characters")]
    UserAgent,
    /// The cryptography lacks what TLS needs.
    #[error("TLS cannot be set up")]
    Tls,
}

impl Default for TransportConfig {
    /// The public Internet, with and without TLS, by the platform's certificates.
    fn default() -> Self {
        Self {
            policy: AddressPolicy::default(),
            https_only: false,
            extra_ca_pem: None,
            client_identity_pem: None,
            max_idle_per_host: 32,
            user_agent: format!("content-redundancy-detector/{}", env!("CARGO_PKG_VERSION")),
        }
    }
}

impl fmt::Debug for TransportConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransportConfig")
            .field("policy", &self.policy)
            .field("https_only", &self.https_only)
            .field("has_extra_ca", &self.extra_ca_pem.is_some())
            .field("has_client_identity", &self.client_identity_pem.is_some())
            .field("max_idle_per_host", &self.max_idle_per_host)
            .field("user_agent", &self.user_agent)
            .finish()
    }
}
