//! TLS for a listener: what it shows its clients, whom it lets in, and how both change while it runs.
//!
//! Not for files: where the PEM texts come from, and when they are read again, is the business of whoever starts the server.

mod credentials;

use axum::http::HeaderValue;
use redundancy_engine::Timestamp;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

pub use credentials::{Credentials, CredentialsFault, CredentialsPart, Validity};

/// The name of HTTP/2 when a connection is opened (RFC 9113, section 3.1).
pub(super) const ALPN_HTTP2: &[u8] = b"h2";
const ALPN_HTTP1: &[u8] = b"http/1.1";

/// TLS for a listener. Clones share what it shows, so that one of them can replace it while the listener runs.
#[derive(Clone)]
pub struct Encryption {
    /// What connections that begin from now on get. The lock is held for no longer than it takes to copy a pointer.
    current: Arc<Mutex<Current>>,
    remembered_for: Duration,
}

/// What connections get, and until when it is good.
struct Current {
    config: Arc<ServerConfig>,
    not_after: Option<Timestamp>,
}

impl Encryption {
    /// TLS with these credentials. Browsers are told to speak nothing but TLS to this host for `remembered_for`, on every
    /// port of it; with zero they are told to forget that.
    #[must_use]
    pub fn new(credentials: &Credentials, remembered_for: Duration) -> Self {
        Self { current: Arc::new(Mutex::new(Current::of(credentials))), remembered_for }
    }

    /// Connections that begin from now on get these credentials. Sessions of before are not resumed, so that nobody gets in
    /// on a certificate that is not believed any more.
    pub fn replace(&self, credentials: &Credentials) {
        let next = Current::of(credentials);
        *self.current() = next;
    }

    /// The last moment at which the certificate is good, if it says so.
    pub(crate) fn not_after(&self) -> Option<Timestamp> {
        self.current().not_after
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.current().config))
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The value of `Strict-Transport-Security` (RFC 6797). It speaks for this host alone: what its subdomains do is not known
    /// here.
    pub(super) fn strict_transport_security(&self) -> HeaderValue {
        let value = format!("max-age={}", self.remembered_for.as_secs());
        // Digits can stand in a header. Without the time the header would mean nothing.
        HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static("max-age=0"))
    }
}

impl fmt::Debug for Encryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encryption").field("remembered_for", &self.remembered_for).finish_non_exhaustive()
    }
}

impl Current {
    fn of(credentials: &Credentials) -> Self {
        let mut config = credentials.config();
        config.alpn_protocols = vec![ALPN_HTTP2.to_vec(), ALPN_HTTP1.to_vec()];
        Self {
            config: Arc::new(config),
            not_after: credentials.validity().map(|validity| validity.not_after),
        }
    }
}
