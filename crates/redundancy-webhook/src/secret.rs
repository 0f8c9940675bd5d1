//! The key that sender and receiver share.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::str::FromStr;

/// Marks a secret whose rest is the key in base64.
const PREFIX: &str = "whsec_";
/// Fewer bytes could be guessed; the scheme asks for 24 to 64 and this crate for no less than 16.
const MIN_BYTES: usize = 16;
/// More than the block of the hash would be hashed down anyway.
const MAX_BYTES: usize = 256;

/// The block of SHA-256, in bytes.
const BLOCK_BYTES: usize = 64;

/// A signing secret. `Debug` does not show it, and it cannot be compared: equality would leak time.
#[derive(Clone)]
pub struct SigningSecret(Vec<u8>);

/// A text is no signing secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecret {
    /// What stands behind `whsec_` is no base64.
    #[error("the secret begins with whsec_, but what follows is not base64")]
    NotBase64,
    /// The key has too few or too many bytes.
    #[error("the secret has {0} bytes: it needs {MIN_BYTES} to {MAX_BYTES}")]
    WrongLength(usize),
}

impl SigningSecret {
    /// The key as HMAC wants it: filled with zeros to one block, or hashed first when it is longer (RFC 2104, section 2).
    pub(crate) fn key_block(&self) -> [u8; BLOCK_BYTES] {
        let hashed = Sha256::digest(&self.0);
        let key: &[u8] = if self.0.len() > BLOCK_BYTES { &hashed } else { &self.0 };
        let mut block = [0; BLOCK_BYTES];
        for (to, &from) in block.iter_mut().zip(key) {
            *to = from;
        }
        block
    }

    /// A secret with the given key of 16 to 256 bytes.
    pub fn from_bytes(key: Vec<u8>) -> Result<Self, InvalidSecret> {
        if (MIN_BYTES..=MAX_BYTES).contains(&key.len()) {
            Ok(Self(key))
        } else {
            Err(InvalidSecret::WrongLength(key.len()))
        }
    }

    /// The secret as text: `whsec_` and the key in base64. This is the one way to see it.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(&self.0))
    }
}

impl FromStr for SigningSecret {
    type Err = InvalidSecret;

    /// Reads `whsec_` and base64; a text without that prefix is the key itself, byte for byte.
    fn from_str(text: &str) -> Result<Self, InvalidSecret> {
        let key = match text.strip_prefix(PREFIX) {
            Some(encoded) => STANDARD.decode(encoded).map_err(|_| InvalidSecret::NotBase64)?,
            None => text.as_bytes().to_vec(),
        };
        Self::from_bytes(key)
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_reads_back_from_what_it_reveals_and_shows_nothing_else() {
        let secret: SigningSecret = "a raw secret of some length".parse().unwrap();
        let again: SigningSecret = secret.reveal().parse().unwrap();
        assert_eq!(again.reveal(), secret.reveal());
        assert_eq!(format!("{secret:?}"), "SigningSecret(…)");
    }

    #[test]
    fn what_is_no_secret_is_refused_with_a_reason() {
        let refused = |text: &str| text.parse::<SigningSecret>().unwrap_err();
        assert_eq!(refused("whsec_!!!"), InvalidSecret::NotBase64);
        assert_eq!(refused("short"), InvalidSecret::WrongLength(5));
        assert_eq!(refused(&"x".repeat(257)), InvalidSecret::WrongLength(257));
    }
}
