//! TLS: whom the transport trusts, and how it shows who it is.

use crate::names::Names;
use crate::receiver::{GENEROUS, Receiver, SHORT, loopback_allowed, read_request, request};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use redundancy_webhook::FailureReason;
use redundancy_webhook::transport::{
    HttpTransport, ReceiverResponse, Transport as _, TransportConfig, TransportConfigError,
};
use std::sync::Arc;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

/// A certificate authority of the test's own.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key, in PEM.
struct Identity {
    certificate: String,
    key: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    fn certify(&self, name: &str) -> Identity {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        Identity { certificate, key: key.serialize_pem() }
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(certificate(&self.pem)).unwrap();
        roots
    }
}

impl Identity {
    fn pem(&self) -> Vec<u8> {
        format!("{}{}", self.certificate, self.key).into_bytes()
    }
}

fn certificate(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

/// A receiver that shows `identity`, and serves only clients certified by `clients` if that is given. Each handshake that
/// succeeds is told with the protocol that was agreed on.
async fn encrypted(
    identity: &Identity,
    clients: Option<&Authority>,
) -> (Receiver, mpsc::UnboundedReceiver<Option<Vec<u8>>>) {
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients {
        Some(authority) => builder.with_client_cert_verifier(
            WebPkiClientVerifier::builder_with_provider(
                Arc::new(authority.roots()),
                Arc::new(ring::default_provider()),
            )
            .build()
            .unwrap(),
        ),
        None => builder.with_no_client_auth(),
    };
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
    let mut config = builder.with_single_cert(vec![certificate(&identity.certificate)], key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let (handshakes, agreed) = mpsc::unbounded_channel();
    let receiver = Receiver::start(move |stream, _| {
        let (acceptor, handshakes) = (acceptor.clone(), handshakes.clone());
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            drop(handshakes.send(stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec)));
            while read_request(&mut stream).await.is_some() {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
            }
        }
    })
    .await;
    (receiver, agreed)
}

fn transport(config: TransportConfig) -> HttpTransport {
    HttpTransport::new(config).unwrap().with_resolver(Arc::new(Names::answering(&["127.0.0.1"])))
}

fn trusting(authority: &Authority) -> TransportConfig {
    TransportConfig { extra_ca_pem: Some(authority.pem.clone().into_bytes()), ..loopback_allowed() }
}

async fn call(
    config: TransportConfig,
    url: &str,
    receiver: &Receiver,
) -> Result<ReceiverResponse, FailureReason> {
    transport(config).send(request(url, receiver.port, GENEROUS)).await
}

#[tokio::test]
async fn a_receiver_certified_by_the_extra_ca_is_called_by_http_1_1_and_its_connection_reused() {
    let authority = Authority::new();
    let (receiver, mut agreed) = encrypted(&authority.certify("receiver.test"), None).await;
    let transport = transport(TransportConfig { https_only: true, ..trusting(&authority) });
    // A final dot belongs to the name in DNS and not to that in the certificate.
    for url in
        ["https://receiver.test:{port}/", "https://receiver.test:{port}/", "https://receiver.test.:{port}/"]
    {
        assert_eq!(transport.send(request(url, receiver.port, GENEROUS)).await.unwrap().body, b"ok");
    }
    assert_eq!(receiver.accepted().await, 2);
    assert_eq!(agreed.recv().await.unwrap().as_deref(), Some(&b"http/1.1"[..]));
}

#[tokio::test]
async fn a_receiver_by_address_shows_a_certificate_for_the_address() {
    let authority = Authority::new();
    let (receiver, _agreed) = encrypted(&authority.certify("127.0.0.1"), None).await;
    assert_eq!(call(trusting(&authority), "https://127.0.0.1:{port}/", &receiver).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_receiver_that_cannot_prove_its_name_gets_no_request() {
    let authority = Authority::new();
    let (receiver, _agreed) = encrypted(&authority.certify("receiver.test"), None).await;
    for (config, url) in [
        (loopback_allowed(), "https://receiver.test:{port}/"),
        (trusting(&Authority::new()), "https://receiver.test:{port}/"),
        (trusting(&authority), "https://other.test:{port}/"),
        (trusting(&authority), "https://127.0.0.1:{port}/"),
    ] {
        assert_eq!(call(config, url, &receiver).await, Err(FailureReason::Tls), "{url}");
    }
}

#[tokio::test]
async fn a_client_shows_its_certificate_to_a_receiver_that_asks_for_it() {
    let authority = Authority::new();
    let (receiver, _agreed) = encrypted(&authority.certify("receiver.test"), Some(&authority)).await;
    let url = "https://receiver.test:{port}/";
    let known = TransportConfig {
        client_identity_pem: Some(authority.certify("sender").pem()),
        ..trusting(&authority)
    };
    assert_eq!(call(known, url, &receiver).await.unwrap().status, 200);
    // Without one, or with one of a stranger, the receiver ends the connection when it has already come about.
    let stranger = Authority::new().certify("sender").pem();
    for identity in [None, Some(stranger)] {
        let config = TransportConfig { client_identity_pem: identity, ..trusting(&authority) };
        assert_eq!(call(config, url, &receiver).await, Err(FailureReason::Tls));
    }
}

#[tokio::test]
async fn a_receiver_without_tls_fails_as_tls_and_one_that_is_silent_as_time_out() {
    let url = "https://receiver.test:{port}/";
    for first_words in ["", "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"] {
        let plain = Receiver::start(move |mut stream, _| async move {
            stream.write_all(first_words.as_bytes()).await.unwrap();
        })
        .await;
        assert_eq!(call(loopback_allowed(), url, &plain).await, Err(FailureReason::Tls));
    }
    let silent = Receiver::start(|stream, _| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let sent = transport(loopback_allowed()).send(request(url, silent.port, SHORT)).await;
    assert_eq!(sent, Err(FailureReason::Timeout));
}

#[test]
fn certificates_and_keys_that_do_not_work_stop_the_start() {
    let authority = Authority::new();
    let refused = |extra_ca: Option<&[u8]>, identity: Option<&[u8]>, user_agent: &str| {
        let config = TransportConfig {
            extra_ca_pem: extra_ca.map(<[u8]>::to_vec),
            client_identity_pem: identity.map(<[u8]>::to_vec),
            user_agent: user_agent.to_owned(),
            ..TransportConfig::default()
        };
        HttpTransport::new(config).unwrap_err()
    };
    let one = authority.certify("one");
    let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert_eq!(refused(Some(b"nothing"), None, "a"), TransportConfigError::ExtraCa);
    assert_eq!(refused(Some(broken), None, "a"), TransportConfigError::ExtraCa);
    assert_eq!(refused(None, Some(one.key.as_bytes()), "a"), TransportConfigError::ClientIdentity);
    assert_eq!(refused(None, Some(one.certificate.as_bytes()), "a"), TransportConfigError::ClientIdentity);
    let mixed = Identity { key: authority.certify("two").key, certificate: one.certificate };
    assert_eq!(refused(None, Some(&mixed.pem()), "a"), TransportConfigError::ClientKey);
    assert_eq!(refused(None, None, "a\r\nb: c"), TransportConfigError::UserAgent);
}

#[test]
fn neither_settings_nor_transport_show_the_clients_key() {
    let identity = Authority::new().certify("sender");
    let config = TransportConfig { client_identity_pem: Some(identity.pem()), ..loopback_allowed() };
    let shown = format!("{config:?}");
    assert!(
        shown.contains("has_client_identity: true")
            && !shown.contains("PRIVATE")
            && !shown.contains("45, 45, 45")
    );
    assert!(!format!("{:?}", HttpTransport::new(config).unwrap()).contains("PRIVATE"));
}
