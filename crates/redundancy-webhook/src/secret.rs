//! The key that sender and receiver share.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::str::FromStr;

/// Marks a secret whose rest is the key in base64.
const PREFIX: &str = "whsec_";
/// 128 bits: with less, trying all keys comes into reach. The scheme recommends 24 to 64 bytes.
const MIN_BYTES: usize = 16;
/// Four times what the scheme recommends at most. What is longer is rather a file or a certificate put in by mistake, and
/// makes no better key: HMAC hashes every key above 64 bytes down to 32.
const MAX_BYTES: usize = 256;
/// Reads base64 with and without `=` at its end: secrets are handed out in both forms.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

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

    /// Reads `whsec_` and base64, padded with `=` or not; a text without that prefix is the key itself, byte for byte.
    ///
    /// The key must have 16 to 256 bytes: fewer can be tried one after the other, and more are rather a mistake than a key.
    /// How hard it is to guess within these bounds is up to whoever makes it: 16 random bytes are enough, 16 letters of a
    /// sentence are not.
    fn from_str(text: &str) -> Result<Self, InvalidSecret> {
        let key = match text.strip_prefix(PREFIX) {
            Some(encoded) => LENIENT.decode(encoded).map_err(|_| InvalidSecret::NotBase64)?,
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
    fn base64_is_read_with_and_without_padding() {
        for (with, without) in [
            ("whsec_AAECAwQFBgcICQoLDA0ODw==", "whsec_AAECAwQFBgcICQoLDA0ODw"),
            ("whsec_AAECAwQFBgcICQoLDA0ODxA=", "whsec_AAECAwQFBgcICQoLDA0ODxA"),
        ] {
            for text in [with, without] {
                assert_eq!(text.parse::<SigningSecret>().unwrap().reveal(), with);
            }
        }
    }

    #[test]
    fn what_is_no_secret_is_refused_with_a_reason() {
        let refused = |text: &str| text.parse::<SigningSecret>().unwrap_err();
        assert_eq!(refused("whsec_!!!"), InvalidSecret::NotBase64);
        assert_eq!(refused("short"), InvalidSecret::WrongLength(5));
        assert_eq!(refused(&"x".repeat(257)), InvalidSecret::WrongLength(257));
    }
}
