//! Encrypts signing secrets at rest: ChaCha20-Poly1305 (RFC 8439) under a key derived with HKDF-SHA256 (RFC 5869).

use super::UnreadableRecord;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf;
use std::fmt;

/// Shortest key setting, in bytes.
const MIN_KEY_BYTES: usize = 16;
/// Tells these keys from others that somebody may derive from the same setting.
const PURPOSE: &[u8] = b"redundancy-webhook/secrets/1";

/// Encrypts and decrypts the secrets of endpoints.
pub struct SecretCipher(LessSafeKey);

/// A text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must have at least {MIN_KEY_BYTES} bytes, better 32 random ones such as `openssl rand -base64 32` prints"
)]
pub struct InvalidKey;

impl SecretCipher {
    /// A cipher with a key made of `setting`. The setting should be random: it is not stretched.
    pub fn new(setting: &str) -> Result<Self, InvalidKey> {
        if setting.len() < MIN_KEY_BYTES {
            return Err(InvalidKey);
        }
        let derived = hkdf::Salt::new(hkdf::HKDF_SHA256, PURPOSE).extract(setting.as_bytes());
        let key = derived.expand(&[PURPOSE], &CHACHA20_POLY1305).map(UnboundKey::from);
        key.map(|key| Self(LessSafeKey::new(key))).map_err(|_| InvalidKey)
    }

    /// Encrypts `secret` for the endpoint called `owner`: it decrypts for no other one. No two calls may get the same `nonce`, so
    /// it is random.
    pub(super) fn encrypt(&self, secret: &str, owner: &str, nonce: u128) -> String {
        let [nonce @ .., _, _, _, _] = nonce.to_be_bytes();
        let mut bytes = secret.as_bytes().to_vec();
        let aad = Aad::from(owner.as_bytes());
        // Fails only for more than 256 GiB.
        let _ = self.0.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut bytes);
        STANDARD.encode([nonce.as_slice(), &bytes].concat())
    }

    /// Decrypts what [`Self::encrypt`] made.
    pub(super) fn decrypt(&self, encrypted: &str, owner: &str) -> Result<String, UnreadableRecord> {
        let mut bytes = STANDARD.decode(encrypted).map_err(|_| UnreadableRecord::Damaged)?;
        let (nonce, sealed) = bytes.split_at_mut_checked(NONCE_LEN).ok_or(UnreadableRecord::Damaged)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| UnreadableRecord::Damaged)?;
        let aad = Aad::from(owner.as_bytes());
        let opened = self.0.open_in_place(nonce, aad, sealed).map_err(|_| UnreadableRecord::Key)?;
        String::from_utf8(opened.to_vec()).map_err(|_| UnreadableRecord::Damaged)
    }
}

impl fmt::Debug for SecretCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretCipher(…)")
    }
}
