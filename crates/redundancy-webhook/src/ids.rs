//! Identifiers with a readable prefix, sorted by the millisecond of their creation.

use crate::clock::{Clock, IdSource, Timestamp};
use ring::digest;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Crockford's base 32: no letter that could be taken for another one.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Letters that hold 128 bits, 5 bits each.
const LETTERS: usize = 26;
/// Random bits behind the 48 bits of time in milliseconds.
const RANDOM_BITS: u32 = 80;
/// Bits at the end of an id that tell its [`slot`](EventId::slot).
const SLOT_BITS: u32 = 8;
/// Longest id that a user may choose for an endpoint.
const MAX_ENDPOINT_ID_BYTES: usize = 64;

/// 128 bits that begin with the time in milliseconds, so that they sort by it.
#[must_use]
pub fn timed(clock: &dyn Clock, ids: &dyn IdSource) -> u128 {
    timed_at(clock.now(), ids.random_128())
}

/// As [`timed`], from a time and a random number.
#[must_use]
pub const fn timed_at(now: Timestamp, random: u128) -> u128 {
    (now.as_millis() as u128) << RANDOM_BITS | (random & ((1 << RANDOM_BITS) - 1))
}

/// Writes `prefix` and 26 letters that hold `number`; they sort as the numbers do.
pub fn write(f: &mut impl fmt::Write, prefix: &str, number: u128) -> fmt::Result {
    f.write_str(prefix)?;
    (0..LETTERS).rev().try_for_each(|place| {
        let letter = (number >> (5 * place)) & 31;
        f.write_char(char::from(ALPHABET[usize::from(letter.to_le_bytes()[0])]))
    })
}

/// Reads what [`fn@write`] wrote with this prefix.
pub fn read(prefix: &'static str, text: &str) -> Result<u128, InvalidId> {
    let invalid = InvalidId { prefix };
    let letters = text.strip_prefix(prefix).filter(|letters| letters.len() == LETTERS).ok_or(invalid)?;
    letters
        .bytes()
        .try_fold(0u128, |number, letter| {
            let value = ALPHABET.iter().position(|&known| known == letter)?;
            // The first letter holds 3 bits only.
            number.checked_mul(32)?.checked_add(value as u128)
        })
        .ok_or(invalid)
}

/// A text is no id of the expected kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id of this kind: expected `{prefix}` and 26 letters or digits")]
pub struct InvalidId {
    /// What an id of the kind begins with.
    pub prefix: &'static str,
}

/// Defines an id over 128 bits with a prefix.
macro_rules! timed_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            const PREFIX: &str = $prefix;

            /// The id with this number.
            #[must_use]
            pub const fn from_number(number: u128) -> Self {
                Self(number)
            }

            /// Its number. Ids sort as their numbers do.
            #[must_use]
            pub const fn number(self) -> u128 {
                self.0
            }

            /// When it was made, to the millisecond.
            #[must_use]
            pub fn made_at(self) -> Timestamp {
                // 48 bits are left.
                Timestamp::from_millis(u64::try_from(self.0 >> RANDOM_BITS).unwrap_or(u64::MAX))
            }

            /// The smallest id made at `moment` or later.
            #[must_use]
            pub const fn first_at(moment: Timestamp) -> Self {
                Self(timed_at(moment, 0))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write(f, Self::PREFIX, self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                read(Self::PREFIX, text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    };
}

timed_id!(
    /// The id of an event, on the wire `evt_` and 26 letters. It never changes between attempts.
    EventId,
    "evt_"
);
timed_id!(
    /// The id of a delivery, on the wire `dlv_` and 26 letters.
    DeliveryId,
    "dlv_"
);
timed_id!(
    /// The id of a job, on the wire `job_` and 26 letters.
    JobId,
    "job_"
);

impl EventId {
    /// A new id.
    #[must_use]
    pub fn new(clock: &dyn Clock, ids: &dyn IdSource) -> Self {
        Self(timed(clock, ids))
    }

    /// A new id, made at `now`, in a certain [slot](EventId::slot).
    #[must_use]
    pub fn new_in_slot(slot: u8, now: Timestamp, ids: &dyn IdSource) -> Self {
        Self(timed_at(now, ids.random_128() << SLOT_BITS | u128::from(slot)))
    }

    /// A number from 0 to 255, the same for an event and its deliveries: stores that spread events over
    /// partitions keep together what has one slot.
    #[must_use]
    pub fn slot(self) -> u8 {
        self.0.to_le_bytes()[0]
    }
}

impl DeliveryId {
    /// The id of the delivery of an event to an endpoint. There is one for each pair: it is a digest of the two (SHA-256, 72
    /// bits of it, between the time and the slot of the event), so that whoever derives it again gets the same.
    #[must_use]
    pub fn of(event: EventId, endpoint: &EndpointId) -> Self {
        let mut pair = digest::Context::new(&digest::SHA256);
        pair.update(&event.0.to_be_bytes());
        pair.update(endpoint.as_str().as_bytes());
        let random =
            pair.finish().as_ref().iter().take(9).fold(0, |number, byte| number << 8 | u128::from(*byte));
        Self(timed_at(event.made_at(), random << SLOT_BITS | u128::from(event.slot())))
    }

    /// The [slot](EventId::slot) of its event.
    #[must_use]
    pub fn slot(self) -> u8 {
        self.0.to_le_bytes()[0]
    }
}

impl JobId {
    /// A new id.
    #[must_use]
    pub fn new(clock: &dyn Clock, ids: &dyn IdSource) -> Self {
        Self(timed(clock, ids))
    }
}

/// The id of an endpoint: chosen by its owner (`[A-Za-z0-9._-]{1,64}`), or made: `ep_` and 26 letters. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct EndpointId(Arc<str>);

/// A text is no id of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to 64 characters, each a letter, a digit or one of . _ -, and not be . or ..")]
pub struct InvalidEndpointId;

impl EndpointId {
    /// A new id.
    #[must_use]
    pub fn new(clock: &dyn Clock, ids: &dyn IdSource) -> Self {
        let mut text = String::with_capacity(3 + LETTERS);
        // Writing to a string cannot fail.
        let _ = write(&mut text, "ep_", timed(clock, ids));
        Self(text.into())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EndpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for EndpointId {
    type Err = InvalidEndpointId;

    fn from_str(text: &str) -> Result<Self, InvalidEndpointId> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let is_id = (1..=MAX_ENDPOINT_ID_BYTES).contains(&text.len()) && text.bytes().all(is_allowed);
        // Two that path segments cannot be.
        if is_id && text != "." && text != ".." { Ok(Self(text.into())) } else { Err(InvalidEndpointId) }
    }
}

impl<'de> Deserialize<'de> for EndpointId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_from_what_it_shows() {
        for number in [0, 1, u128::MAX, 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef] {
            let id = EventId(number);
            assert_eq!(id.to_string().parse(), Ok(id));
        }
    }

    #[test]
    fn what_is_no_id_is_refused() {
        let too_large = format!("evt_{}", "z".repeat(26));
        for text in [
            "",
            "evt_",
            "doc_00000000000000000000000000",
            "evt_0000000000000000000000000U",
            "evt_é",
            &too_large,
        ] {
            assert!(text.parse::<EventId>().is_err(), "{text}");
        }
        for text in ["", ".", "..", "a b", "ñ", "a/b", &"x".repeat(65)] {
            assert!(text.parse::<EndpointId>().is_err(), "{text}");
        }
        assert!("main-webhook_1.2".parse::<EndpointId>().is_ok());
    }

    #[test]
    fn a_delivery_shares_the_time_and_the_slot_of_its_event_and_differs_by_endpoint() {
        let event = EventId(timed_at(Timestamp::from_millis(77), 0x00ab_cd2a));
        let [one, two] = ["one", "two"].map(|id| DeliveryId::of(event, &id.parse().unwrap()));
        assert_eq!((one.made_at(), one.slot(), event.slot()), (Timestamp::from_millis(77), 42, 42));
        assert_eq!(one, DeliveryId::of(event, &"one".parse().unwrap()));
        assert_ne!(one, two);
    }
}
