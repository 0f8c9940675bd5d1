//! API keys: what a caller holds, and what is kept of it.
//!
//! A key is `crd_` and 78 letters and digits: 26 that say which key it is, by which it is looked up, and 52 that are 256 random bits. Only
//! a digest of the whole is kept. With that many random bits nobody finds a key by trying, however fast the digest is; a slow one
//! would only make every request slow. Where the service has a secret that is not in its store, that goes into the digest ([`Pepper`]): who has
//! only a copy of the store cannot tell then whether a key is right.

use super::{Scope, Tenant};
use crate::ids::KeyId;
use redundancy_webhook::clock::{Clock, IdSource, Timestamp};
use redundancy_webhook::ids;
use serde::{Deserialize, Serialize, de};
use std::fmt;
use std::str::FromStr;

/// What a key begins with, so that people and scanners of repositories know what they found.
const PREFIX: &str = "crd_";
/// Longest name of a key, in characters.
pub const MAX_KEY_NAME_CHARS: usize = 100;
/// Letters and digits that hold 128 bits.
const PART: usize = 26;
/// Sets digests of keys apart from all other uses of BLAKE3 (its mode `derive_key`).
const CONTEXT: &str = "content-redundancy-detector 2026-11 digest of an API key";

/// Sets what is made of a secret of the service apart from whatever else is made of it.
const PEPPER_CONTEXT: &str = "content-redundancy-detector 2026-11 secret in digests of API keys";

/// What stands before a digest that a [`Pepper`] went into, and before what tells which.
const KEYED: &str = "keyed:";

/// A secret of the service that goes into the digests of keys in the store, and is not in the store itself.
#[derive(Clone)]
pub struct Pepper {
    key: [u8; blake3::KEY_LEN],
    id: PepperId,
}

/// A key as its holder has it. It is shown once, and not by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct KeySecret(String);

/// A digest of a key. Two are compared in a time that does not depend on where they differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyDigest {
    hash: blake3::Hash,
    /// Which [`Pepper`] went into it.
    pepper: Option<PepperId>,
}

/// Tells peppers apart, as far as is needed to say that one was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PepperId(u32);

/// What is kept of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Which it is.
    pub id: KeyId,
    /// What people call it.
    pub name: String,
    /// By which it is recognised.
    pub digest: KeyDigest,
    /// What its holder may do.
    pub scope: Scope,
    /// Whose things its holder sees; those of no tenant if it is missing.
    pub tenant: Option<Tenant>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is of no use.
    pub expires_at: Option<Timestamp>,
    /// Since when it is of no use.
    pub revoked_at: Option<Timestamp>,
}

/// What a new key is to be like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// What people call it.
    pub name: String,
    /// What its holder may do.
    pub scope: Scope,
    /// Whose things its holder sees.
    pub tenant: Option<Tenant>,
    /// From when on it is of no use.
    pub expires_at: Option<Timestamp>,
}

/// A text is no digest of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the digest of a key: expected 64 hexadecimal digits")]
pub struct InvalidDigest;

impl ApiKey {
    /// A key that nobody had before, and what is to be kept of it.
    #[must_use]
    pub fn new(
        new: NewKey,
        pepper: Option<&Pepper>,
        clock: &dyn Clock,
        random: &dyn IdSource,
    ) -> (KeySecret, Self) {
        let id = KeyId::new(clock, random);
        let mut text = String::with_capacity(PREFIX.len() + 3 * PART);
        // Writing to a string cannot fail.
        let _ = ids::write(&mut text, PREFIX, id.number());
        for _ in 0..2 {
            let _ = ids::write(&mut text, "", random.random_128());
        }
        let NewKey { name, scope, tenant, expires_at } = new;
        let (digest, created_at) = (KeyDigest::of(&text, pepper), clock.now());
        (KeySecret(text), Self { id, name, digest, scope, tenant, created_at, expires_at, revoked_at: None })
    }

    /// Whether it opens anything at `now`.
    #[must_use]
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

impl KeyId {
    /// Which key a caller's `text` says it is; `None` if it is none of ours.
    #[must_use]
    pub fn of_secret(text: &str) -> Option<Self> {
        let letters = text.strip_prefix(PREFIX).filter(|letters| letters.len() == 3 * PART)?;
        ids::read("", letters.get(..PART)?).ok().map(Self::from_number)
    }
}

impl KeySecret {
    /// The key itself, for its holder.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl Pepper {
    /// What is made of a `secret`. It should be random: it is not stretched.
    #[must_use]
    pub fn of(secret: &str) -> Self {
        let key = blake3::derive_key(PEPPER_CONTEXT, secret.as_bytes());
        let [a, b, c, d, ..] = *blake3::keyed_hash(&key, b"id").as_bytes();
        Self { key, id: PepperId(u32::from_be_bytes([a, b, c, d])) }
    }
}

impl KeyDigest {
    /// The digest of a key: with a `pepper` BLAKE3 in its keyed mode, without one in its mode for deriving keys.
    #[must_use]
    pub fn of(key: &str, pepper: Option<&Pepper>) -> Self {
        let hash = match pepper {
            Some(pepper) => blake3::keyed_hash(&pepper.key, key.as_bytes()),
            None => blake3::Hash::from_bytes(blake3::derive_key(CONTEXT, key.as_bytes())),
        };
        Self { hash, pepper: pepper.map(|pepper| pepper.id) }
    }

    /// Whether it is the digest of `key`. Without the pepper that went into it, it is of none.
    #[must_use]
    pub fn is_of(&self, key: &str, pepper: Option<&Pepper>) -> bool {
        *self == Self::of(key, pepper.filter(|_| self.is_keyed()))
    }

    /// Whether a pepper went into it.
    #[must_use]
    pub const fn is_keyed(&self) -> bool {
        self.pepper.is_some()
    }

    /// Whether another pepper than this went into it, so that nobody can tell whose digest it is.
    #[must_use]
    pub fn needs_other(&self, pepper: Option<&Pepper>) -> bool {
        self.is_keyed() && self.pepper != pepper.map(|pepper| pepper.id)
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper(hidden)")
    }
}

impl fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySecret(hidden)")
    }
}

impl Serialize for KeyDigest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeyDigest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl FromStr for KeyDigest {
    type Err = InvalidDigest;

    /// Reads what `Display` writes: 64 hexadecimal digits, and which pepper went into it before them.
    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        let (pepper, digits) = match text.strip_prefix(KEYED) {
            None => (None, text),
            Some(rest) => {
                let (id, digits) = rest.split_once(':').ok_or(InvalidDigest)?;
                (Some(PepperId(u32::from_str_radix(id, 16).map_err(|_| InvalidDigest)?)), digits)
            }
        };
        let hash = blake3::Hash::from_hex(digits).map_err(|_| InvalidDigest)?;
        Ok(Self { hash, pepper })
    }
}

impl fmt::Display for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(PepperId(id)) = self.pepper {
            write!(f, "{KEYED}{id:08x}:")?;
        }
        self.hash.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    struct At(u64);

    impl Clock for At {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(self.0)
        }

        fn monotonic(&self) -> Duration {
            Duration::ZERO
        }
    }

    #[derive(Default)]
    struct Counting(AtomicU64);

    impl IdSource for Counting {
        fn random_128(&self) -> u128 {
            u128::from(self.0.fetch_add(1, Ordering::Relaxed))
        }
    }

    fn key(expires_at: Option<u64>) -> (KeySecret, ApiKey) {
        made_with(None, expires_at)
    }

    fn made_with(pepper: Option<&Pepper>, expires_at: Option<u64>) -> (KeySecret, ApiKey) {
        let expires_at = expires_at.map(Timestamp::from_millis);
        let new = NewKey { name: "ci".to_owned(), scope: Scope::Write, tenant: None, expires_at };
        ApiKey::new(new, pepper, &At(1000), &Counting::default())
    }

    #[test]
    fn a_key_is_found_by_its_beginning_and_known_by_its_digest() {
        let (secret, kept) = key(None);
        assert_eq!(secret.reveal().len(), 4 + 78);
        assert_eq!(KeyId::of_secret(secret.reveal()), Some(kept.id));
        assert!(kept.digest.is_of(secret.reveal(), None));
        // Another secret of the same id is another key.
        let mut other = secret.reveal().to_owned();
        other.replace_range(80.., "zz");
        assert_eq!(KeyId::of_secret(&other), Some(kept.id));
        assert!(!kept.digest.is_of(&other, None));
        for text in ["", "crd_", "key_1", &secret.reveal()[..81], &format!("{}0", secret.reveal())] {
            assert_eq!(KeyId::of_secret(text), None, "{text}");
        }
    }

    #[test]
    fn a_key_that_was_made_with_a_pepper_is_known_with_that_alone_and_one_without_is_always_known() {
        let (pepper, other) = (Pepper::of("of this service"), Pepper::of("of another one"));
        let (secret, kept) = made_with(Some(&pepper), None);
        let is = |pepper| kept.digest.is_of(secret.reveal(), pepper);
        assert_eq!((is(Some(&pepper)), is(Some(&other)), is(None)), (true, false, false));
        assert!(!kept.digest.is_of("another key", Some(&pepper)));
        let needs_other = |pepper| kept.digest.needs_other(pepper);
        assert_eq!(
            (needs_other(Some(&pepper)), needs_other(Some(&other)), needs_other(None)),
            (false, true, true)
        );
        // It is written as what it is, and so read.
        let written = serde_json::to_string(&kept).unwrap();
        assert_eq!(serde_json::from_str::<ApiKey>(&written).unwrap(), kept);
        let (secret, kept) = key(None);
        let is = |pepper| kept.digest.is_of(secret.reveal(), pepper);
        assert!(is(Some(&pepper)) && is(None) && !kept.digest.needs_other(Some(&pepper)));
        assert!(!format!("{pepper:?}").contains(char::is_numeric));
    }

    #[test]
    fn what_is_kept_does_not_hold_the_key() {
        let (secret, kept) = key(None);
        let written = serde_json::to_string(&kept).unwrap();
        assert!(!written.contains(&secret.reveal()[30..]));
        assert!(!format!("{secret:?}").contains(&secret.reveal()[30..]));
        assert_eq!(serde_json::from_str::<ApiKey>(&written).unwrap(), kept);
    }

    #[test]
    fn a_key_ends_when_it_expires_or_is_revoked() {
        let (_, mut kept) = key(Some(5000));
        assert!(kept.is_valid(Timestamp::from_millis(4999)));
        assert!(!kept.is_valid(Timestamp::from_millis(5000)));
        kept.revoked_at = Some(Timestamp::from_millis(2000));
        assert!(!kept.is_valid(Timestamp::from_millis(3000)));
    }
}
