//! Checking signatures on behalf of a receiver.

use super::{Headers, InvalidId, check_id, signed_content};
use crate::public_key::PublicKey;
use crate::secret::SigningSecret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::time::Duration;
use subtle::ConstantTimeEq as _;

/// How far the time of an attempt may lie from the receiver's clock, either way. The scheme's own figure.
const DEFAULT_TOLERANCE: Duration = Duration::from_mins(5);
/// A header with more signatures is not looked at to its end.
const MAX_SIGNATURES: usize = 16;

/// Why a webhook is not to be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// A header that every webhook has is not there, or is empty.
    #[error("the header {0} is missing")]
    MissingHeader(&'static str),
    /// A header stands there more than once.
    #[error("the header {0} stands there more than once")]
    RepeatedHeader(&'static str),
    /// `webhook-id` holds a full stop.
    #[error(transparent)]
    InvalidId(#[from] InvalidId),
    /// `webhook-timestamp` is no whole number of seconds.
    #[error("webhook-timestamp is not a whole number of seconds")]
    InvalidTimestamp,
    /// The attempt was made too long ago: it may be a replay.
    #[error("webhook-timestamp is too old")]
    TooOld,
    /// The attempt was made in the future: one of the clocks is wrong.
    #[error("webhook-timestamp is in the future")]
    TooNew,
    /// No signature was made with a known key over these bytes.
    #[error("no signature matches")]
    NoMatch,
}

/// Checks webhooks on behalf of a receiver. The default one knows no key and believes nobody.
#[derive(Debug, Clone)]
pub struct Verifier {
    secrets: Vec<SigningSecret>,
    public_keys: Vec<PublicKey>,
    tolerance: Duration,
}

impl Verifier {
    /// A verifier that believes `v1` and `v1a` signatures by any of `secrets`: during a rotation there are two. The clocks
    /// may be 5 minutes apart.
    #[must_use]
    pub fn new(secrets: Vec<SigningSecret>) -> Self {
        Self { secrets, ..Self::default() }
    }

    /// The same verifier that also believes `v1a` signatures of which `public_keys` are the public keys.
    #[must_use]
    pub fn with_public_keys(self, public_keys: Vec<PublicKey>) -> Self {
        Self { public_keys, ..self }
    }

    /// The same verifier for clocks that may be `tolerance` apart.
    #[must_use]
    pub fn with_tolerance(self, tolerance: Duration) -> Self {
        Self { tolerance, ..self }
    }

    /// Checks that `body` was sent under `headers` by someone who knows a secret, about now. `now` is in seconds since the
    /// Unix epoch. Codes are compared in constant time; signatures of unknown schemes are passed over.
    ///
    /// Time linear in the body: an HMAC for each secret, and where `v1a` has to decide, one ed25519 check for each
    /// signature and key. No more than 16 signatures are looked at.
    pub fn verify(&self, headers: Headers<'_>, body: &[u8], now: u64) -> Result<(), VerifyError> {
        check_id(headers.id)?;
        let timestamp: u64 = headers.timestamp.parse().map_err(|_| VerifyError::InvalidTimestamp)?;
        if timestamp.saturating_add(self.tolerance.as_secs()) < now {
            return Err(VerifyError::TooOld);
        }
        if now.saturating_add(self.tolerance.as_secs()) < timestamp {
            return Err(VerifyError::TooNew);
        }
        let content = signed_content(headers.id, headers.timestamp, body);
        let is_signed = self.has_code(&content, &decoded(headers.signature, "v1,"))
            || self.has_ed25519(&content, &decoded(headers.signature, "v1a,"));
        if is_signed { Ok(()) } else { Err(VerifyError::NoMatch) }
    }

    /// Whether one of `codes` is the HMAC of `content` by one of the secrets.
    fn has_code(&self, content: &[&[u8]], codes: &[Vec<u8>]) -> bool {
        !codes.is_empty()
            && self.secrets.iter().any(|secret| {
                let tag = secret.hmac(content);
                codes.iter().any(|code| tag.as_ref().ct_eq(code).into())
            })
    }

    /// Whether one of `signatures` was made over `content` with the private key to one of the public keys.
    fn has_ed25519(&self, content: &[&[u8]], signatures: &[Vec<u8>]) -> bool {
        if signatures.is_empty() {
            return false;
        }
        let content = content.concat();
        let has_signed =
            |key: PublicKey| signatures.iter().any(|signature| key.has_signed(&content, signature));
        self.public_keys.iter().copied().any(has_signed)
            || self.secrets.iter().map(SigningSecret::public_key).any(has_signed)
    }
}

impl Default for Verifier {
    fn default() -> Self {
        Self { secrets: Vec::new(), public_keys: Vec::new(), tolerance: DEFAULT_TOLERANCE }
    }
}

/// What the signatures of one scheme in the value of `webhook-signature` decode to.
fn decoded(signatures: &str, mark: &str) -> Vec<Vec<u8>> {
    signatures
        .split(' ')
        .take(MAX_SIGNATURES)
        .filter_map(|signature| STANDARD.decode(signature.strip_prefix(mark)?).ok())
        .collect()
}
