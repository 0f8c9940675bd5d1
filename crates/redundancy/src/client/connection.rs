//! A connection to the service, in clear or encrypted.

use std::future::{self, Future};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::rt::{Read, Write};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{self, CertificateError, ClientConfig, RootCertStore};

use super::address::ServiceAddress;
use super::error::ClientError;
use crate::certificates::ClientCertificateFiles;

/// A machine that does not answer at all would take minutes to be given up by the system.
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);

/// Does the work of a connection for as long as it is polled; never ends.
pub(super) type Work = Pin<Box<dyn Future<Output = ()>>>;

/// Connects to the service, and shows it `certificate` if it asks for one. Requests go through the first part while the second is polled.
pub(super) async fn open(
    address: &ServiceAddress,
    certificate: Option<&ClientCertificateFiles>,
) -> Result<(SendRequest<Full<Bytes>>, Work), ClientError> {
    let connecting = TcpStream::connect((address.host(), address.port()));
    let stream = tokio::time::timeout(CONNECT_DEADLINE, connecting)
        .await
        .map_err(|_| ClientError::slow(address, CONNECT_DEADLINE))?
        .map_err(|error| ClientError::unreachable(address, &error))?;
    // A request is one small write, which has nothing to wait for. It works without as well.
    let _ = stream.set_nodelay(true);
    if !address.is_encrypted() {
        return speak(address, TokioIo::new(stream)).await;
    }
    let insecure = |why: String| ClientError::Insecure { address: address.to_string(), why };
    let host =
        ServerName::try_from(address.host().to_owned()).map_err(|error| insecure(error.to_string()))?;
    let connector = connector(b"http/1.1", certificate).map_err(insecure)?;
    let stream = connector.connect(host, stream).await.map_err(|error| insecure(explained(&error)))?;
    speak(address, TokioIo::new(stream)).await
}

async fn speak<S: Read + Write + Unpin + 'static>(
    address: &ServiceAddress,
    stream: S,
) -> Result<(SendRequest<Full<Bytes>>, Work), ClientError> {
    let handshake = http1::handshake(stream).await;
    let (sender, connection) = handshake.map_err(|error| ClientError::broken(address, &error))?;
    let work = async {
        // An error reaches whoever waits for the answer.
        let _ = connection.await;
        future::pending::<()>().await;
    };
    Ok((sender, Box::pin(work)))
}

/// What is wrong, and for the certificate of a private authority what to do about it.
fn explained(error: &io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let unknown = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
    if inner == Some(&unknown) {
        return format!(
            "{error}\n  If an authority of your own has signed its certificate, name a PEM file with that of the authority by \
             SSL_CERT_FILE."
        );
    }
    error.to_string()
}

/// Believes the certificates that this machine believes, or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name, and speaks `protocol`.
/// Shows `certificate` to those who ask for one.
pub(crate) fn connector(
    protocol: &[u8],
    certificate: Option<&ClientCertificateFiles>,
) -> Result<TlsConnector, String> {
    let native = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // Platforms carry certificates that rustls does not take, and those that it takes are enough.
    roots.add_parsable_certificates(native.certs);
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots);
    let mut config = match certificate {
        None => config.with_no_client_auth(),
        Some(files) => {
            let (certificates, key) = files.read()?;
            config.with_client_auth_cert(certificates, key).map_err(|error| error.to_string())?
        }
    };
    config.alpn_protocols = vec![protocol.to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}
