//! A certificate with its key, and the authorities that clients' certificates must come from, read from PEM and checked.

use redundancy_engine::Timestamp;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio_rustls::rustls::client::verify_server_cert_signed_by_trust_anchor;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use tokio_rustls::rustls::server::{ClientCertVerifierBuilder, ParsedCertificate, WebPkiClientVerifier};
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::{self, CertificateError, InconsistentKeys, RootCertStore, ServerConfig};

/// What a server shows its clients, and whom it lets in. Checked: a server can run with it.
#[derive(Clone)]
pub struct Credentials {
    config: ServerConfig,
    validity: Option<Validity>,
    authorities: Vec<Validity>,
}

/// When a certificate may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// Not earlier than this.
    pub not_before: Timestamp,
    /// Not later than this.
    pub not_after: Timestamp,
}

/// A part of [`Credentials`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialsPart {
    /// The certificate of the server, and those that lead from it to an authority.
    Certificate,
    /// The private key of that certificate.
    Key,
    /// The certificates of the authorities that clients' certificates must come from.
    ClientAuthorities,
}

/// Why PEM texts make no [`Credentials`], in words that follow the name of the part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsFault {
    /// The certificate is missing.
    #[error(
        "holds no certificate: it must be a PEM file with the certificate of this service first, and behind it those that \
         signed it"
    )]
    NoCertificate,
    /// The certificate is broken, or older than version 3 of X.509.
    #[error(
        "holds a certificate that cannot be read: it must be a PEM file with X.509 certificates of version 3"
    )]
    BadCertificate,
    /// The key is missing.
    #[error("holds no private key: it must be a PEM file with the private key of the certificate")]
    NoKey,
    /// The key has a password.
    #[error(
        "holds a private key with a password: take it off with `openssl pkey -in KEY -out KEY_WITHOUT_PASSWORD`"
    )]
    EncryptedKey,
    /// The key is broken, or of an unknown kind.
    #[error(
        "holds a private key that cannot be used: it must be RSA of 2048 bits or more, ECDSA P-256 or P-384, or Ed25519"
    )]
    BadKey,
    /// The key is one of another certificate.
    #[error("holds the private key of another certificate: give the one that the certificate was made for")]
    KeyDoesNotFit,
    /// The authorities are missing.
    #[error(
        "holds no certificate: it must be a PEM file with the certificates of those who sign the clients' certificates"
    )]
    NoClientAuthority,
    /// One of the authorities is broken.
    #[error(
        "holds a certificate that cannot be read: it must be a PEM file with X.509 certificates of authorities"
    )]
    BadClientAuthority,
}

impl CredentialsFault {
    /// Which part is at fault.
    #[must_use]
    pub const fn part(self) -> CredentialsPart {
        match self {
            Self::NoCertificate | Self::BadCertificate => CredentialsPart::Certificate,
            Self::NoKey | Self::EncryptedKey | Self::BadKey | Self::KeyDoesNotFit => CredentialsPart::Key,
            Self::NoClientAuthority | Self::BadClientAuthority => CredentialsPart::ClientAuthorities,
        }
    }
}

impl Credentials {
    /// Reads PEM texts. With `client_authorities`, clients must show a certificate that one of these has signed.
    pub fn from_pem(
        certificate: &[u8],
        key: &[u8],
        client_authorities: Option<&[u8]>,
    ) -> Result<Self, CredentialsFault> {
        let provider = Arc::new(ring::default_provider());
        let chain = certificates(certificate).map_err(|_| CredentialsFault::BadCertificate)?;
        let validity = chain.first().ok_or(CredentialsFault::NoCertificate).and_then(|first| {
            let parsed = ParsedCertificate::try_from(first).map_err(|_| CredentialsFault::BadCertificate)?;
            Ok(Validity::of(&parsed, &provider))
        })?;
        let certified = certified(chain, key, &provider)?;
        let (verifier, authorities) =
            client_authorities.map(|pem| verifier(pem, &provider)).transpose()?.unzip();
        let builder = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| CredentialsFault::BadKey)?;
        let builder = match verifier {
            Some(verifier) => builder.with_client_cert_verifier(
                verifier.build().map_err(|_| CredentialsFault::BadClientAuthority)?,
            ),
            None => builder.with_no_client_auth(),
        };
        let config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        Ok(Self { config, validity, authorities: authorities.unwrap_or_default() })
    }

    /// When the certificate may be used; `None` where it contradicts itself.
    #[must_use]
    pub const fn validity(&self) -> Option<Validity> {
        self.validity
    }

    /// When the authorities of clients may be used, as far as it can be read. People should heed it, for TLS does not: to it an authority is a
    /// name and a key (RFC 5280, section 6.1.1), and its clients get in also after its end.
    #[must_use]
    pub fn authorities(&self) -> &[Validity] {
        &self.authorities
    }

    pub(super) fn config(&self) -> ServerConfig {
        self.config.clone()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("validity", &self.validity).finish_non_exhaustive()
    }
}

impl Validity {
    /// What stands in a certificate. No part of rustls shows it, but checking a certificate at the beginning and at the end of
    /// all time tells when it would have been good.
    fn of(certificate: &ParsedCertificate<'_>, provider: &CryptoProvider) -> Option<Self> {
        let check = |seconds| {
            let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
            let algorithms = provider.signature_verification_algorithms.all;
            verify_server_cert_signed_by_trust_anchor(
                certificate,
                &RootCertStore::empty(),
                &[],
                time,
                algorithms,
            )
        };
        let timestamp = |time: UnixTime| Timestamp::from_millis(time.as_secs().saturating_mul(1000));
        let Err(rustls::Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) =
            check(u64::MAX)
        else {
            return None;
        };
        let not_before = match check(0) {
            Err(rustls::Error::InvalidCertificate(CertificateError::NotValidYetContext {
                not_before,
                ..
            })) => timestamp(not_before),
            // It was good before computers counted time.
            Ok(()) | Err(_) => Timestamp::from_millis(0),
        };
        Some(Self { not_before, not_after: timestamp(not_after) })
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, pem::Error> {
    CertificateDer::pem_slice_iter(pem).collect()
}

fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: &[u8],
    provider: &CryptoProvider,
) -> Result<CertifiedKey, CredentialsFault> {
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| {
        if !matches!(error, pem::Error::NoItemsFound) {
            CredentialsFault::BadKey
        } else if is_encrypted(key) {
            CredentialsFault::EncryptedKey
        } else {
            CredentialsFault::NoKey
        }
    })?;
    let key = provider.key_provider.load_private_key(key).map_err(|_| CredentialsFault::BadKey)?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(certified),
        Err(_) => Err(CredentialsFault::KeyDoesNotFit),
    }
}

/// Whether a text without a key that can be used has one with a password.
fn is_encrypted(pem: &[u8]) -> bool {
    let mark = b"-----BEGIN ENCRYPTED PRIVATE KEY-----";
    pem.windows(mark.len()).any(|part| part == mark)
}

fn verifier(
    pem: &[u8],
    provider: &Arc<CryptoProvider>,
) -> Result<(ClientCertVerifierBuilder, Vec<Validity>), CredentialsFault> {
    let authorities = certificates(pem).map_err(|_| CredentialsFault::BadClientAuthority)?;
    if authorities.is_empty() {
        return Err(CredentialsFault::NoClientAuthority);
    }
    let mut roots = RootCertStore::empty();
    // Authorities may be older than version 3 of X.509, and then nothing here reads when they end.
    let parsed = authorities.iter().filter_map(|authority| ParsedCertificate::try_from(authority).ok());
    let validity = parsed.filter_map(|authority| Validity::of(&authority, provider)).collect();
    for authority in authorities {
        roots.add(authority).map_err(|_| CredentialsFault::BadClientAuthority)?;
    }
    Ok((WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)), validity))
}
