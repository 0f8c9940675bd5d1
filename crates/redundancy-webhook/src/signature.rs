//! Making signatures over `{id}.{timestamp}.{body}`: HMAC-SHA256 (RFC 2104), marked `v1`, and ed25519 (RFC 8032), marked
//! `v1a`, both in base64. Checking them is the business of [`Verifier`].
//!
//! The id must not hold a full stop: `a.1` at time 2 and `a` at time 1 with a body that begins with `2.` would be the same
//! signed bytes, so a signature over one would hold for the other.

mod headers;
mod verifier;

pub use headers::Headers;
pub use verifier::{Verifier, VerifyError};

use crate::secret::SigningSecret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write as _;

/// Bytes of an HMAC-SHA256 and of an ed25519 signature with their marks and the space before them, in base64.
const V1_BYTES: usize = 1 + 3 + 44;
const V1A_BYTES: usize = 1 + 4 + 88;

/// What an endpoint wants to be signed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Scheme {
    /// HMAC-SHA256 with the secret that both sides share.
    #[default]
    V1,
    /// The same and ed25519 beside it, which a receiver verifies with the public key alone.
    V1a,
}

impl Scheme {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V1a => "v1a",
        }
    }

    /// The scheme of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::V1, Self::V1a].into_iter().find(|scheme| scheme.as_str() == name)
    }
}

/// The signatures of one attempt.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signatures {
    /// The value of `webhook-signature`: signatures by all secrets, marked with their scheme, one space between them.
    pub webhook_signature: String,
    /// The value of `X-Webhook-Signature`: `sha256=` and the HMAC by the current secret in hexadecimal digits.
    pub hex: String,
}

/// An id holds a full stop, so that what is signed would not tell where the id ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("webhook-id holds a full stop: use letters, digits, - and _")]
pub struct InvalidId;

/// Signs one attempt with all `secrets`: the current one first, then those before it that still count during a rotation.
/// Without a secret both values stay empty of signatures.
///
/// `timestamp` is when the attempt is made, in seconds since the Unix epoch. An `id` with a full stop is refused. Time linear
/// in the body: for each secret one HMAC, and for [`Scheme::V1a`] one ed25519 signature.
pub fn sign_headers(
    secrets: &[&SigningSecret],
    scheme: Scheme,
    id: &str,
    timestamp: u64,
    body: &[u8],
) -> Result<Signatures, InvalidId> {
    check_id(id)?;
    let timestamp = timestamp.to_string();
    let content = signed_content(id, &timestamp, body);
    let mut hex = String::with_capacity("sha256=".len() + 64);
    let mut webhook_signature = String::with_capacity(secrets.len() * (V1_BYTES + V1A_BYTES));
    for (place, secret) in secrets.iter().enumerate() {
        let tag = secret.hmac(&content);
        if place == 0 {
            write_hex(&mut hex, tag.as_ref());
        }
        push(&mut webhook_signature, "v1,", tag.as_ref());
    }
    if scheme == Scheme::V1a {
        let content = content.concat();
        for secret in secrets {
            push(&mut webhook_signature, "v1a,", secret.ed25519().sign(&content).as_ref());
        }
    }
    Ok(Signatures { webhook_signature, hex })
}

fn check_id(id: &str) -> Result<(), InvalidId> {
    if id.contains('.') { Err(InvalidId) } else { Ok(()) }
}

/// What is signed, in pieces.
fn signed_content<'a>(id: &'a str, timestamp: &'a str, body: &'a [u8]) -> [&'a [u8]; 5] {
    [id.as_bytes(), b".", timestamp.as_bytes(), b".", body]
}

/// Adds one signature to the value of `webhook-signature`.
fn push(header: &mut String, mark: &str, signature: &[u8]) {
    if !header.is_empty() {
        header.push(' ');
    }
    header.push_str(mark);
    STANDARD.encode_string(signature, header);
}

fn write_hex(value: &mut String, tag: &[u8]) {
    value.push_str("sha256=");
    for byte in tag {
        // Writing to a string does not fail.
        let _ = write!(value, "{byte:02x}");
    }
}
