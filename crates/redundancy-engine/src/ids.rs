//! The identifiers of analyses and batches, of keys and of entries of the audit log.

use redundancy_webhook::clock::{Clock, IdSource, Timestamp};
use redundancy_webhook::ids::{self, InvalidId};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;

/// Defines an id over 128 bits with a prefix.
macro_rules! timed_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            const PREFIX: &str = $prefix;

            /// Its number. Ids sort as their numbers do.
            #[must_use]
            pub const fn number(self) -> u128 {
                self.0
            }

            /// The id with this number.
            #[must_use]
            pub const fn from_number(number: u128) -> Self {
                Self(number)
            }

            /// A new id.
            #[must_use]
            pub fn new(clock: &dyn Clock, random: &dyn IdSource) -> Self {
                Self(ids::timed(clock, random))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                ids::write(f, Self::PREFIX, self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                ids::read(Self::PREFIX, text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    };
}

/// Adds to ids of what ends with an event where that event goes.
macro_rules! slotted {
    ($($name:ident),*) => {
        $(impl $name {
            /// A number from 0 to 255, random. The event that tells of the end has the same, so that a store which spreads things
            /// over partitions can write both at once.
            #[must_use]
            pub fn slot(self) -> u8 {
                self.0.to_le_bytes()[0]
            }
        })*
    };
}

timed_id! {
    /// The id of an analysis, on the wire `ana_` and 26 letters. Ids sort by the millisecond in which they were made, by the time
    /// of day on the clock; within one millisecond their order is random.
    AnalysisId, "ana_"
}

timed_id! {
    /// The id of a batch, on the wire `bat_` and 26 letters. Ids sort by the millisecond in which they were made, as those of
    /// analyses do.
    BatchId, "bat_"
}

timed_id! {
    /// The id of an API key, on the wire `key_` and 26 letters.
    KeyId, "key_"
}

timed_id! {
    /// The id of an entry of the audit log, on the wire `aud_` and 26 letters.
    AuditId, "aud_"
}

slotted!(AnalysisId, BatchId);

impl BatchId {
    /// The smallest id made at `moment` or later.
    #[must_use]
    pub const fn first_at(moment: Timestamp) -> Self {
        Self(ids::timed_at(moment, 0))
    }
}
