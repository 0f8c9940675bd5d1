//! Making and verifying signatures: HMAC-SHA256 (RFC 2104) over `{id}.{timestamp}.{body}`, in base64, marked `v1`.
//!
//! The id must not hold a full stop: `a.1` at time 2 and `a` at time 1 with a body that begins with `2.` would be the same
//! signed bytes, so a signature over one would hold for the other.

use crate::secret::SigningSecret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use std::time::Duration;

/// How far the time of an attempt may lie from the receiver's clock, either way. The scheme's own figure.
const DEFAULT_TOLERANCE: Duration = Duration::from_mins(5);
/// A header with more signatures is not looked at to its end.
const MAX_SIGNATURES: usize = 16;

/// How requests are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// HMAC-SHA256.
    V1,
    /// The same, and ed25519 beside it.
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

/// The three headers of a webhook, as they arrived.
#[derive(Debug, Clone, Copy)]
pub struct Headers<'h> {
    /// `webhook-id`: the event's id, the same on every attempt.
    pub id: &'h str,
    /// `webhook-timestamp`: seconds since the Unix epoch when the attempt was made.
    pub timestamp: &'h str,
    /// `webhook-signature`: signatures with their version, one space between them.
    pub signature: &'h str,
}

/// An id holds a full stop, so that what is signed would not tell where the id ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("webhook-id holds a full stop: use letters, digits, - and _")]
pub struct InvalidId;

/// Why a webhook is not to be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
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
    /// No signature was made with a known secret over these bytes.
    #[error("no signature matches")]
    NoMatch,
}

/// The signature of one attempt, as it stands in `webhook-signature`: `v1,` and base64.
///
/// `timestamp` is in seconds since the Unix epoch. An `id` with a full stop is refused. Time linear in the body.
pub fn sign(secret: &SigningSecret, id: &str, timestamp: u64, body: &[u8]) -> Result<String, InvalidId> {
    check_id(id)?;
    let code = mac(secret, id, &timestamp.to_string(), body).finalize().into_bytes();
    Ok(format!("v1,{}", STANDARD.encode(code)))
}

/// Checks webhooks on behalf of a receiver.
#[derive(Debug, Clone)]
pub struct Verifier {
    secrets: Vec<SigningSecret>,
    tolerance: Duration,
}

impl Verifier {
    /// A verifier that believes any of `secrets`: during a rotation there are two. The clocks may be 5 minutes apart.
    #[must_use]
    pub fn new(secrets: Vec<SigningSecret>) -> Self {
        Self { secrets, tolerance: DEFAULT_TOLERANCE }
    }

    /// The same verifier for clocks that may be `tolerance` apart.
    #[must_use]
    pub fn with_tolerance(self, tolerance: Duration) -> Self {
        Self { tolerance, ..self }
    }

    /// Checks that `body` was sent under `headers` by someone who knows a secret, about now. `now` is in seconds since the
    /// Unix epoch. Signatures are compared in constant time; those of unknown versions are passed over.
    pub fn verify(&self, headers: Headers<'_>, body: &[u8], now: u64) -> Result<(), VerifyError> {
        check_id(headers.id)?;
        let timestamp: u64 = headers.timestamp.parse().map_err(|_| VerifyError::InvalidTimestamp)?;
        if timestamp.saturating_add(self.tolerance.as_secs()) < now {
            return Err(VerifyError::TooOld);
        }
        if now.saturating_add(self.tolerance.as_secs()) < timestamp {
            return Err(VerifyError::TooNew);
        }
        let codes = headers
            .signature
            .split(' ')
            .take(MAX_SIGNATURES)
            .filter_map(|signature| signature.strip_prefix("v1,"));
        let matches = |code: &[u8]| {
            let made_with =
                |secret| mac(secret, headers.id, headers.timestamp, body).verify_slice(code).is_ok();
            self.secrets.iter().any(made_with)
        };
        let is_signed = codes.filter_map(|code| STANDARD.decode(code).ok()).any(|code| matches(&code));
        if is_signed { Ok(()) } else { Err(VerifyError::NoMatch) }
    }
}

fn check_id(id: &str) -> Result<(), InvalidId> {
    if id.contains('.') { Err(InvalidId) } else { Ok(()) }
}

fn mac(secret: &SigningSecret, id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new(&secret.key_block().into());
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    mac
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The example that the scheme's reference libraries publish.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIMESTAMP: u64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn verify(timestamp: &str, signature: &str, body: &[u8], now: u64) -> Result<(), VerifyError> {
        let verifier =
            Verifier::new(vec!["another secret altogether".parse().unwrap(), SECRET.parse().unwrap()]);
        verifier.verify(Headers { id: ID, timestamp, signature }, body, now)
    }

    #[test]
    fn signatures_are_those_of_the_published_example() {
        assert_eq!(sign(&SECRET.parse().unwrap(), ID, TIMESTAMP, BODY).unwrap(), SIGNATURE);
        assert_eq!(verify("1614265330", SIGNATURE, BODY, TIMESTAMP), Ok(()));
    }

    #[test]
    fn one_right_signature_among_others_is_enough() {
        let several = format!("v1a,abc v2,x v1,AAAA v1,%% {SIGNATURE}");
        assert_eq!(verify("1614265330", &several, BODY, TIMESTAMP), Ok(()));
    }

    #[test]
    fn a_changed_body_time_or_signature_is_refused() {
        assert_eq!(verify("1614265330", SIGNATURE, b"{}", TIMESTAMP), Err(VerifyError::NoMatch));
        assert_eq!(verify("1614265331", SIGNATURE, BODY, TIMESTAMP), Err(VerifyError::NoMatch));
        assert_eq!(verify("1614265330", "", BODY, TIMESTAMP), Err(VerifyError::NoMatch));
        assert_eq!(verify("soon", SIGNATURE, BODY, TIMESTAMP), Err(VerifyError::InvalidTimestamp));
    }

    #[test]
    fn clocks_may_be_five_minutes_apart_and_no_more() {
        for (now, expected) in [
            (TIMESTAMP + 300, Ok(())),
            (TIMESTAMP + 301, Err(VerifyError::TooOld)),
            (TIMESTAMP - 300, Ok(())),
            (TIMESTAMP - 301, Err(VerifyError::TooNew)),
        ] {
            assert_eq!(verify("1614265330", SIGNATURE, BODY, now), expected);
        }
    }

    #[test]
    fn a_key_longer_than_a_block_is_hashed_first() {
        let key = vec![0xaa; 131];
        let mut by_library = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        by_library.update(b"id.1.body");
        let expected = format!("v1,{}", STANDARD.encode(by_library.finalize().into_bytes()));
        assert_eq!(sign(&SigningSecret::from_bytes(key).unwrap(), "id", 1, b"body"), Ok(expected));
    }

    #[test]
    fn an_id_with_a_full_stop_is_neither_signed_nor_believed() {
        let secret: SigningSecret = SECRET.parse().unwrap();
        assert_eq!(sign(&secret, "a.1", 2, b"body"), Err(InvalidId));
        // What stands signed here is also what `a.1` at time 2 with the body `body` would have to be.
        let signature = sign(&secret, "a", 1, b"2.body").unwrap();
        let verifier = Verifier::new(vec![secret]);
        let genuine = Headers { id: "a", timestamp: "1", signature: &signature };
        assert_eq!(verifier.verify(genuine, b"2.body", 1), Ok(()));
        let shifted = Headers { id: "a.1", timestamp: "2", signature: &signature };
        assert_eq!(verifier.verify(shifted, b"body", 2), Err(VerifyError::InvalidId(InvalidId)));
    }

    proptest! {
        #[test]
        fn whatever_is_signed_verifies_and_nothing_else_panics(
            key in prop::collection::vec(any::<u8>(), 16..64), id in "[^\\p{C}.]{0,20}", timestamp in any::<u64>(),
            body in prop::collection::vec(any::<u8>(), 0..64), header in "\\PC{0,40}",
        ) {
            let secret = SigningSecret::from_bytes(key).unwrap();
            let signature = sign(&secret, &id, timestamp, &body).unwrap();
            let verifier = Verifier::new(vec![secret]);
            let headers = Headers { id: &id, timestamp: &timestamp.to_string(), signature: &signature };
            prop_assert_eq!(verifier.verify(headers, &body, timestamp), Ok(()));
            let forged = Headers { signature: &header, ..headers };
            prop_assert_eq!(verifier.verify(forged, &body, timestamp), Err(VerifyError::NoMatch));
        }
    }
}
