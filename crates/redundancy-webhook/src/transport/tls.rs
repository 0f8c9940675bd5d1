//! Encryption by rustls, with the platform's roots loaded when they are first needed.

use super::config::{TransportConfig, TransportConfigError};
use crate::FailureReason;
use std::fmt;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::ResolvesClientCert;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_util::task::TaskTracker;

/// Makes encrypted connections.
pub(super) struct Tls {
    provider: Arc<CryptoProvider>,
    extra_roots: RootCertStore,
    identity: Option<Arc<SingleCertAndKey>>,
    /// Made at the first call: reading some hundred certificates takes longer than the rest of the start.
    connector: OnceCell<TlsConnector>,
    tasks: TaskTracker,
}

impl Tls {
    /// Reads what `config` brings, so that a mistake in it stops the program at the start and not at the first call.
    pub(super) fn new(config: &TransportConfig) -> Result<Self, TransportConfigError> {
        let provider = Arc::new(ring::default_provider());
        ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|_| TransportConfigError::Tls)?;
        let mut extra_roots = RootCertStore::empty();
        if let Some(pem) = &config.extra_ca_pem {
            for certificate in certificates(pem).ok_or(TransportConfigError::ExtraCa)? {
                extra_roots.add(certificate).map_err(|_| TransportConfigError::ExtraCa)?;
            }
        }
        let identity = match &config.client_identity_pem {
            Some(pem) => Some(Arc::new(identity(pem, &provider)?)),
            None => None,
        };
        Ok(Self { provider, extra_roots, identity, connector: OnceCell::new(), tasks: TaskTracker::new() })
    }

    /// Encrypts a connection to `host`, which must prove that it is `host`.
    pub(super) async fn connect(
        &self,
        host: ServerName<'static>,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, FailureReason> {
        let connector = self.connector.get_or_try_init(|| self.connector()).await?;
        connector.connect(host, stream).await.map_err(|_| FailureReason::Tls)
    }

    async fn connector(&self) -> Result<TlsConnector, FailureReason> {
        let native = self
            .tasks
            .spawn_blocking(rustls_native_certs::load_native_certs)
            .await
            .map_err(|_| FailureReason::Tls)?;
        let mut roots = self.extra_roots.clone();
        // Platforms carry certificates that rustls does not take, and those that it takes are enough.
        roots.add_parsable_certificates(native.certs);
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(|_| FailureReason::Tls)?
            .with_root_certificates(roots);
        let mut config = match &self.identity {
            Some(identity) => builder.with_client_cert_resolver(
                Arc::<SingleCertAndKey>::clone(identity) as Arc<dyn ResolvesClientCert>
            ),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsConnector::from(Arc::new(config)))
    }
}

/// All certificates of a PEM text, if there is at least one and none is broken.
fn certificates(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let all: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().ok()?;
    (!all.is_empty()).then_some(all)
}

fn identity(pem: &[u8], provider: &CryptoProvider) -> Result<SingleCertAndKey, TransportConfigError> {
    let chain = certificates(pem).ok_or(TransportConfigError::ClientIdentity)?;
    let key = PrivateKeyDer::from_pem_slice(pem).map_err(|_| TransportConfigError::ClientIdentity)?;
    let certified =
        CertifiedKey::from_der(chain, key, provider).map_err(|_| TransportConfigError::ClientKey)?;
    Ok(SingleCertAndKey::from(certified))
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("extra_roots", &self.extra_roots.len())
            .field("has_identity", &self.identity.is_some())
            .finish_non_exhaustive()
    }
}
