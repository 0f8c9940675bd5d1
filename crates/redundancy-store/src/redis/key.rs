//! Where things are: partitions, their tags, and how ids are written in keys.

use redundancy_engine::DocumentId;
use redundancy_engine::access::Tenant;
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::ids::EndpointId;
use redundancy_webhook::store::StoreError;

/// How many partitions there are. It can never change without moving everything.
pub(super) const PARTITIONS: u8 = 16;
/// What the keys of the registry of endpoints, and those of jobs, begin with.
pub(super) const REGISTRY: &str = "{wh:reg}";
/// Where the counter is that documents are numbered by.
pub(super) const DOCUMENTS: &str = "{wh:docs}:last";
/// Where replicas tell each other that there is something to do, behind the [`namespace`]. Scripts name it too.
pub(super) const CHANNEL: &str = "wh:wake";
/// Scripts calculate with times as doubles and write them with 14 digits: the year 5138.
const END_OF_TIME_MS: u64 = 99_999_999_999_999;

/// A part of the store that lies on one node of a Cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Partition(u8);

impl Partition {
    /// Where the events of a slot and their deliveries are.
    pub(super) const fn of_slot(slot: u8) -> Self {
        Self(slot % PARTITIONS)
    }

    /// Where documents are. A search asks all of them, so they are few.
    pub(super) fn of_documents() -> impl DoubleEndedIterator<Item = Self> + ExactSizeIterator {
        (0..DocumentId::SLOTS).map(Self::of_slot)
    }

    /// All of them.
    pub(super) fn all() -> impl DoubleEndedIterator<Item = Self> + ExactSizeIterator {
        (0..PARTITIONS).map(Self)
    }

    /// Which one it is, from 0.
    pub(super) fn index(self) -> usize {
        usize::from(self.0)
    }

    /// The same, as a number to calculate with.
    pub(super) fn number(self) -> u64 {
        u64::from(self.0)
    }

    /// What all its keys begin with.
    pub(super) fn tag(self) -> String {
        format!("{{wh:{}}}", self.0)
    }

    /// The partition with this tag.
    pub(super) fn tagged(tag: &str) -> Option<Self> {
        let number: u8 = tag.strip_prefix("{wh:")?.strip_suffix('}')?.parse().ok()?;
        (number < PARTITIONS).then_some(Self(number))
    }
}

/// What stands before the tags in all keys of a tenant's store. Those of no tenant have nothing there, as they had before there were
/// tenants. The names of tenants have no braces, so tags remain what decides about slots.
pub(super) fn namespace(tenant: Option<&Tenant>) -> String {
    tenant.map_or_else(String::new, |tenant| format!("t:{tenant}:"))
}

/// The key of an endpoint's guard. Endpoints are spread by a sum over their letters (FNV-1a).
pub(super) fn guard(endpoint: &EndpointId) -> String {
    let mix = |sum: u32, byte: u8| (sum ^ u32::from(byte)).wrapping_mul(16_777_619);
    let sum = endpoint.as_str().bytes().fold(2_166_136_261, mix);
    let [low, ..] = (sum ^ (sum >> 16)).to_le_bytes();
    format!("{}:g:{endpoint}", Partition::of_slot(low).tag())
}

/// An id as it stands in keys: 32 hexadecimal digits, which sort as numbers do.
pub(super) fn hex(number: u128) -> String {
    format!("{number:032x}")
}

/// Reads an id.
pub(super) fn from_hex(text: &str) -> Result<u128, StoreError> {
    u128::from_str_radix(text, 16).map_err(|_| super::fault::unexpected())
}

/// A time as it stands in keys and scores.
pub(super) fn millis(moment: Timestamp) -> u64 {
    moment.as_millis().min(END_OF_TIME_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_found_by_its_tag() {
        for partition in Partition::all() {
            assert_eq!(Partition::tagged(&partition.tag()), Some(partition));
        }
        for tag in ["{wh:16}", "{wh:reg}", "wh:1", "{wh:-1}", ""] {
            assert_eq!(Partition::tagged(tag), None, "{tag}");
        }
    }

    #[test]
    fn ids_in_keys_sort_as_their_numbers_do() {
        let numbers = [0, 1, 0xff, 0x100, u128::MAX];
        assert!(numbers.map(hex).is_sorted());
        assert_eq!(numbers.map(|number| from_hex(&hex(number)).unwrap()), numbers);
    }
}
