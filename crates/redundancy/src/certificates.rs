//! The files of certificates and their keys, those of the service and those of its commands, read with a cap and checked.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use redundancy_server::{Credentials, CredentialsFault, CredentialsPart};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// No certificate or key comes near this size; a file that does is another one.
const MAX_BYTES: u64 = 1 << 20;

/// Where the certificate of the service is, its key, and the authorities that clients' certificates must come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The certificate, and those that lead from it to an authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Whose signature a client's certificate must carry, if clients must show one.
    pub client_authorities: Option<PathBuf>,
}

/// What stood in the files at one moment. No `Debug`: a private key is among it.
#[derive(Clone, PartialEq, Eq)]
pub struct CertificateContents {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_authorities: Option<Vec<u8>>,
}

/// What is wrong with one of the files, in words that follow its name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateFault {
    /// The file cannot be read.
    #[error("cannot be read: {why}; it must be a PEM file that this program may read")]
    Unreadable {
        /// Which file.
        part: CredentialsPart,
        /// What the system says.
        why: String,
    },
    /// What stands in the file will not do.
    #[error(transparent)]
    Unfit(#[from] CredentialsFault),
}

impl CertificateFault {
    /// Which file is at fault.
    #[must_use]
    pub const fn part(&self) -> CredentialsPart {
        match self {
            Self::Unreadable { part, .. } => *part,
            Self::Unfit(fault) => fault.part(),
        }
    }
}

impl CertificateFiles {
    /// Reads the files.
    pub fn read(&self) -> Result<CertificateContents, CertificateFault> {
        let read = |path: &Path, part| {
            regular(path)
                .and_then(|()| bounded(path))
                .map_err(|error| CertificateFault::Unreadable { part, why: error.to_string() })
        };
        let authorities = self.client_authorities.as_deref();
        Ok(CertificateContents {
            certificate: read(&self.certificate, CredentialsPart::Certificate)?,
            key: read(&self.key, CredentialsPart::Key)?,
            client_authorities: authorities
                .map(|path| read(path, CredentialsPart::ClientAuthorities))
                .transpose()?,
        })
    }
}

impl CertificateContents {
    /// What a server can run with.
    pub fn credentials(&self) -> Result<Credentials, CertificateFault> {
        Ok(Credentials::from_pem(&self.certificate, &self.key, self.client_authorities.as_deref())?)
    }
}

/// Where the certificate is that a command shows to the service, and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificateFiles {
    /// The certificate, and those that lead from it to an authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl ClientCertificateFiles {
    /// The certificates in their order, and the key. The error is for the user, and names the file.
    pub(crate) fn read(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), String> {
        let unfit = |path: &Path, why: String| format!("{}: {why}", path.display());
        let bytes = |path: &Path| bounded(path).map_err(|error| unfit(path, error.to_string()));
        let certificates: Result<Vec<_>, _> =
            CertificateDer::pem_slice_iter(&bytes(&self.certificate)?).collect();
        let certificates = certificates.map_err(|error| unfit(&self.certificate, error.to_string()))?;
        if certificates.is_empty() {
            return Err(unfit(&self.certificate, "holds no certificate in PEM".to_owned()));
        }
        let key = PrivateKeyDer::from_pem_slice(&bytes(&self.key)?);
        Ok((certificates, key.map_err(|_| unfit(&self.key, "holds no private key in PEM".to_owned()))?))
    }
}

/// Refuses what is no file in the end, without opening it: whoever opens a pipe waits until somebody writes to it, and these files are read
/// again and again.
fn regular(path: &Path) -> io::Result<()> {
    if fs::metadata(path)?.is_file() { Ok(()) } else { Err(io::Error::other("it is no regular file")) }
}

fn bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let length = File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if length as u64 > MAX_BYTES {
        return Err(io::Error::other("it has more than 1 MiB"));
    }
    Ok(bytes)
}
