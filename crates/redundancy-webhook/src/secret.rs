//! The one key of an endpoint, which sender and receiver share: HMAC is made with it, and the ed25519 key pair of the
//! endpoint is derived from it.

use crate::public_key::{PREFIX as PUBLIC_PREFIX, PublicKey};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use ring::hmac;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

/// Marks a secret whose rest is the key in base64.
pub(crate) const PREFIX: &str = "whsec_";
/// Marks a private ed25519 key in the scheme. Here a private key is derived and never written down.
pub(crate) const PRIVATE_PREFIX: &str = "whsk_";
/// 128 bits: with less, trying all keys comes into reach. The scheme recommends 24 to 64 bytes.
const MIN_BYTES: usize = 16;
/// Four times what the scheme recommends at most. What is longer is rather a file or a certificate put in by mistake, and
/// makes no better key: HMAC hashes every key above 64 bytes down to 32.
const MAX_BYTES: usize = 256;
/// How many bytes a new secret has: as many as the scheme's own libraries make.
const NEW_BYTES: usize = 24;
/// What the seed of the ed25519 key pair is the HMAC of. It holds no full stop, so it is no content that is ever signed
/// with the same key: a `v1` signature can not give the seed away.
const ED25519_LABEL: &[u8] = b"redundancy-webhook/ed25519/1";
/// Reads base64 with and without `=` at its end: keys are handed out in both forms.
pub(crate) const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A signing secret. `Debug` does not show it, and it cannot be compared: equality would leak time. A clone is cheap and
/// shares what was prepared for signing.
#[derive(Clone)]
pub struct SigningSecret(Arc<Prepared>);

/// A text is no signing secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecret {
    /// What stands behind `whsec_` is no base64.
    #[error("the secret begins with whsec_, but what follows is not base64")]
    NotBase64,
    /// The key has too few or too many bytes.
    #[error("the secret has {0} bytes: it needs {MIN_BYTES} to {MAX_BYTES}")]
    WrongLength(usize),
    /// It is the key itself and has control characters, which get lost where secrets are copied.
    #[error(
        "the secret has control characters, such as a line end: leave them out, or give the bytes as whsec_ and base64"
    )]
    Control,
    /// Taken byte for byte it would be another key than the one that is meant.
    #[error("the secret must begin with whsec_ exactly, in small letters and without a blank before it")]
    AlmostPrefixed,
    /// It is a private ed25519 key.
    #[error("this is a private key (whsk_…): give a secret (whsec_…), the ed25519 key is derived from it")]
    PrivateKey,
    /// It is a public ed25519 key.
    #[error("this is a public key (whpk_…), which verifies and does not sign: give a secret (whsec_…)")]
    PublicKey,
}

/// A key, and what is computed from it once.
struct Prepared {
    key: Box<[u8]>,
    /// The state of SHA-256 after the two blocks of the key.
    hmac: hmac::Key,
    /// Made at the first use: most endpoints take `v1` alone.
    ed25519: OnceLock<Ed25519KeyPair>,
}

impl SigningSecret {
    /// A secret with the given key of 16 to 256 bytes.
    pub fn from_bytes(key: Vec<u8>) -> Result<Self, InvalidSecret> {
        if (MIN_BYTES..=MAX_BYTES).contains(&key.len()) {
            Ok(Self::with_key(key.into()))
        } else {
            Err(InvalidSecret::WrongLength(key.len()))
        }
    }

    /// A new secret. `random` has to come from a source that nobody can guess, and is the key as it is.
    #[must_use]
    pub fn generate(random: [u8; NEW_BYTES]) -> Self {
        Self::with_key(Box::new(random))
    }

    /// The secret as text: `whsec_` and the key in base64. This is the one way to see it.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(&self.0.key))
    }

    /// The key with which receivers verify what this secret signs by `v1a`. The first call derives the key pair.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        let mut bytes = [0; 32];
        for (to, &from) in bytes.iter_mut().zip(self.ed25519().public_key().as_ref()) {
            *to = from;
        }
        PublicKey::from_bytes(bytes)
    }

    /// HMAC-SHA256 over `parts`, one after the other.
    pub(crate) fn hmac(&self, parts: &[&[u8]]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.0.hmac);
        for part in parts {
            context.update(part);
        }
        context.sign()
    }

    /// The key pair that is derived from the secret.
    pub(crate) fn ed25519(&self) -> &Ed25519KeyPair {
        self.0.ed25519.get_or_init(|| key_pair(self.hmac(&[ED25519_LABEL]).as_ref()))
    }

    fn with_key(key: Box<[u8]>) -> Self {
        let hmac = hmac::Key::new(hmac::HMAC_SHA256, &key);
        Self(Arc::new(Prepared { key, hmac, ed25519: OnceLock::new() }))
    }
}

/// Whether somebody meant the prefix, to judge by what is there.
fn is_almost_prefixed(text: &str) -> bool {
    text.trim_start().get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}

impl FromStr for SigningSecret {
    type Err = InvalidSecret;

    /// Reads `whsec_` and base64, padded with `=` or not; a text without that prefix is the key itself, byte for byte. What
    /// begins as another kind of key (`whsk_`, `whpk_`) is refused.
    ///
    /// The key must have 16 to 256 bytes: fewer can be tried one after the other, and more are rather a mistake than a key.
    /// How hard it is to guess within these bounds is up to whoever makes it: 16 random bytes are enough, 16 letters of a
    /// sentence are not.
    fn from_str(text: &str) -> Result<Self, InvalidSecret> {
        if text.starts_with(PRIVATE_PREFIX) {
            return Err(InvalidSecret::PrivateKey);
        }
        if text.starts_with(PUBLIC_PREFIX) {
            return Err(InvalidSecret::PublicKey);
        }
        let key = match text.strip_prefix(PREFIX) {
            Some(encoded) => LENIENT.decode(encoded).map_err(|_| InvalidSecret::NotBase64)?,
            None if is_almost_prefixed(text) => return Err(InvalidSecret::AlmostPrefixed),
            None if text.chars().any(char::is_control) => return Err(InvalidSecret::Control),
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

/// The ed25519 key pair with this seed of 32 bytes (RFC 8032, section 5.1.5).
fn key_pair(seed: &[u8]) -> Ed25519KeyPair {
    match Ed25519KeyPair::from_seed_unchecked(seed) {
        Ok(pair) => pair,
        Err(_) => unreachable!("every 32 bytes are a seed, and SHA-256 gives 32"),
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
    fn a_new_secret_is_the_randomness_it_was_given() {
        let secret = SigningSecret::generate(*b"abcdefghijklmnopqrstuvwx");
        assert_eq!(secret.reveal(), "whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4");
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
        assert_eq!(refused("sixteen bytes or more\n"), InvalidSecret::Control);
        assert_eq!(refused(" whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), InvalidSecret::AlmostPrefixed);
        assert_eq!(refused("Whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), InvalidSecret::AlmostPrefixed);
        assert_eq!(refused(&"x".repeat(257)), InvalidSecret::WrongLength(257));
    }

    #[test]
    fn a_private_or_public_key_is_not_taken_for_a_secret_in_raw_bytes() {
        let refused = |text: &str| text.parse::<SigningSecret>().unwrap_err();
        assert_eq!(refused("whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), InvalidSecret::PrivateKey);
        assert_eq!(refused("whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="), InvalidSecret::PublicKey);
    }

    #[test]
    fn ed25519_is_that_of_rfc_8032() {
        // Section 7.1, test 3.
        let hex = |text: &str| -> Vec<u8> {
            (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
        };
        let pair = key_pair(&hex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7"));
        let public_key = hex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025");
        let signature = hex("6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
                             18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a");
        assert_eq!(pair.public_key().as_ref(), public_key);
        assert_eq!(pair.sign(&[0xaf, 0x82]).as_ref(), signature);
        let public_key = PublicKey::from_bytes(public_key.try_into().unwrap());
        assert!(public_key.has_signed(&[0xaf, 0x82], &signature));
        assert!(!public_key.has_signed(&[0xaf, 0x83], &signature));
    }

    #[test]
    fn the_public_key_is_derived_from_the_secret_as_another_library_derives_it() {
        // Python: HMAC by `hmac`, the key pair by `cryptography`.
        let secret: SigningSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().unwrap();
        assert_eq!(secret.public_key().to_string(), "whpk_fuEUQQdYayjozZiVnFkwCA8vzgvqseaCRThmtEt5fuE=");
    }
}
