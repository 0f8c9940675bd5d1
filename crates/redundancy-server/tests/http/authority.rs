//! A certificate authority for tests, and a client that believes it.

use crate::socket::Listening;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use redundancy_server::{Credentials, CredentialsFault, Encryption, ServeOptions};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// A certificate authority.
pub(crate) struct Authority {
    pub(crate) pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key, in PEM.
pub(crate) struct Identity {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    pub(crate) fn certify(&self, name: &str) -> Identity {
        self.certify_with(&CertificateParams::new(vec![name.to_owned()]).unwrap())
    }

    pub(crate) fn certify_with(&self, params: &CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        Identity { certificate, key: key.serialize_pem() }
    }

    /// A client that believes this authority, offers these protocols and shows a certificate if it has one.
    pub(crate) fn client(&self, alpn: &[&str], shown: Option<&Identity>) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.pem.as_bytes()).unwrap()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match shown {
            None => builder.with_no_client_auth(),
            Some(Identity { certificate, key }) => {
                let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        };
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        TlsConnector::from(Arc::new(config))
    }
}

impl Identity {
    pub(crate) fn credentials(&self, clients: Option<&Authority>) -> Result<Credentials, CredentialsFault> {
        let clients = clients.map(|authority| authority.pem.as_bytes());
        Credentials::from_pem(self.certificate.as_bytes(), self.key.as_bytes(), clients)
    }

    /// Encryption with this certificate.
    pub(crate) fn encryption(&self, clients: Option<&Authority>) -> Encryption {
        Encryption::new(&self.credentials(clients).unwrap(), Duration::from_mins(1))
    }
}

/// `options` with `encryption`.
pub(crate) fn encrypted(options: ServeOptions, encryption: &Encryption) -> ServeOptions {
    ServeOptions { encryption: Some(encryption.clone()), ..options }
}

/// An encrypted connection to a service that is called `localhost`.
pub(crate) async fn connect(
    listening: &Listening,
    client: &TlsConnector,
) -> io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(listening.address).await?;
    client.connect("localhost".try_into().unwrap(), stream).await
}
