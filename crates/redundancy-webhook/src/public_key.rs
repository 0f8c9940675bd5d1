//! The key with which a receiver verifies `v1a` signatures and makes none.

use crate::secret::{LENIENT, PREFIX as SECRET_PREFIX, PRIVATE_PREFIX};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, UnparsedPublicKey};
use std::fmt;
use std::str::FromStr;

/// Marks a public key whose rest is its 32 bytes in base64.
pub(crate) const PREFIX: &str = "whpk_";
/// An ed25519 public key, in bytes (RFC 8032, section 5.1.5).
const PUBLIC_KEY_BYTES: usize = 32;

/// An ed25519 public key. Its text is `whpk_` and the key in base64. Nothing about it is secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey([u8; PUBLIC_KEY_BYTES]);

/// A text is no public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPublicKey {
    /// It does not begin as a public key does.
    #[error("a public key begins with {PREFIX}")]
    NoPrefix,
    /// It is a secret or a private key.
    #[error("this is a secret, where a public key ({PREFIX}…) is wanted")]
    Secret,
    /// What stands behind `whpk_` is no base64.
    #[error("the public key begins with {PREFIX}, but what follows is not base64")]
    NotBase64,
    /// The key has too few or too many bytes.
    #[error("the public key has {0} bytes: it needs {PUBLIC_KEY_BYTES}")]
    WrongLength(usize),
}

impl PublicKey {
    /// The key with these bytes. Whether they are a point of the curve shows when a signature is verified.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; PUBLIC_KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes of the key, as RFC 8032 encodes it.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; PUBLIC_KEY_BYTES] {
        &self.0
    }

    /// Whether `signature` was made over `message` with the private key to this one.
    pub(crate) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0).verify(message, signature).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", STANDARD.encode(self.0))
    }
}

impl FromStr for PublicKey {
    type Err = InvalidPublicKey;

    /// Reads `whpk_` and base64, padded with `=` or not.
    fn from_str(text: &str) -> Result<Self, InvalidPublicKey> {
        let Some(encoded) = text.strip_prefix(PREFIX) else {
            let is_secret = [SECRET_PREFIX, PRIVATE_PREFIX].iter().any(|prefix| text.starts_with(prefix));
            return Err(if is_secret { InvalidPublicKey::Secret } else { InvalidPublicKey::NoPrefix });
        };
        let bytes = LENIENT.decode(encoded).map_err(|_| InvalidPublicKey::NotBase64)?;
        bytes.try_into().map(Self).map_err(|bytes: Vec<u8>| InvalidPublicKey::WrongLength(bytes.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the published example of the scheme.
    const TEXT: &str = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";

    #[test]
    fn a_public_key_reads_back_from_its_text_padded_or_not() {
        for text in [TEXT, TEXT.trim_end_matches('=')] {
            assert_eq!(text.parse::<PublicKey>().unwrap().to_string(), TEXT);
        }
    }

    #[test]
    fn what_is_no_public_key_is_refused_with_a_reason() {
        let refused = |text: &str| text.parse::<PublicKey>().unwrap_err();
        assert_eq!(refused(""), InvalidPublicKey::NoPrefix);
        assert_eq!(refused("1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="), InvalidPublicKey::NoPrefix);
        assert_eq!(refused("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), InvalidPublicKey::Secret);
        assert_eq!(refused("whsk_AAAA"), InvalidPublicKey::Secret);
        assert_eq!(refused("whpk_%"), InvalidPublicKey::NotBase64);
        assert_eq!(refused("whpk_AAAA"), InvalidPublicKey::WrongLength(3));
    }
}
