//! How a document is written down: pure, and the same for all who share a Redis. The scripts know its beginning
//! (`script/documents.lua`).

use super::key::Partition;
use redundancy_engine::catalog::{DocumentNumber, Keys};
use redundancy_engine::document::Digest;
use redundancy_engine::{CollectionName, Document, DocumentId, StoreError};
use redundancy_webhook::clock::Timestamp;
use std::sync::Arc;

/// How many partitions have documents.
const PARTITIONS: u64 = DocumentId::SLOTS as u64;
/// The version of the format.
const VERSION: u8 = 1;
/// Bytes of a key.
pub(super) const KEY_BYTES: usize = 5;
/// Bytes of a counter.
pub(super) const COUNTER_BYTES: usize = 4;
/// Bytes from the beginning of a document to its collection, where its times are known.
pub(super) const TO_COLLECTION: usize = 122;

/// The place of a document in the order of its partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Counter(pub(super) u32);

impl Counter {
    /// As it is stored.
    pub(super) const fn bytes(self) -> [u8; COUNTER_BYTES] {
        self.0.to_be_bytes()
    }

    /// Counters that are stored one behind the other.
    pub(super) fn all(bytes: &[u8]) -> impl Iterator<Item = Self> {
        bytes.chunks_exact(COUNTER_BYTES).filter_map(|bytes| bytes.first_chunk()).copied().map(Self::stored)
    }

    /// The number of the document: partitions come in turn, so that numbers are told apart, and counters decide.
    pub(super) fn number(self, partition: Partition) -> DocumentNumber {
        DocumentNumber(u64::from(self.0) * PARTITIONS + partition.number())
    }

    /// Where the document with a number is, if a document can have it.
    pub(super) fn of(number: DocumentNumber) -> Option<(Partition, Self)> {
        let [partition, ..] = (number.0 % PARTITIONS).to_le_bytes();
        let counter = u32::try_from(number.0 / PARTITIONS).ok()?;
        Some((Partition::of_slot(partition), Self(counter)))
    }

    /// The highest counter in a partition whose number is `after` or lower.
    pub(super) fn up_to(after: Option<DocumentNumber>, partition: Partition) -> u64 {
        let below = after.and_then(|after| after.0.checked_sub(partition.number()));
        below.map_or(0, |below| below / PARTITIONS)
    }

    const fn stored(bytes: [u8; COUNTER_BYTES]) -> Self {
        Self(u32::from_be_bytes(bytes))
    }
}

/// A key as it is kept: 40 bits that depend on the collection too. Two keys that are the same by chance make a candidate that
/// is none.
pub(super) fn stored_key(collection: &CollectionName, key: u64) -> [u8; KEY_BYTES] {
    const ONE: u64 = 0x9E37_79B9_7F4A_7C15;
    const OTHER: u64 = 0xD6E8_FEB8_6659_FD93;
    let mix = |sum: u64, byte: u8| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
    let of = collection.as_str().bytes().fold(0xCBF2_9CE4_8422_2325, mix);
    // The collection comes in behind the first multiplication, so that no pattern in keys can make up for it.
    let mixed = (key ^ (key >> 32)).wrapping_mul(OTHER) ^ of.wrapping_mul(ONE);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(ONE);
    mixed.to_be_bytes().first_chunk().copied().unwrap_or_default()
}

/// The keys of a document as they are kept, each once.
fn stored_keys(collection: &CollectionName, keys: &Keys) -> Vec<u8> {
    let mut stored: Vec<_> = keys.distinct().into_iter().map(|key| stored_key(collection, key)).collect();
    stored.sort_unstable();
    stored.dedup();
    stored.concat()
}

/// A document as it is stored, without its counter. `token` tells the call that puts it from others.
pub(super) fn write(
    document: &Document,
    text: Option<&str>,
    trace: &[u8],
    keys: &Keys,
    token: u64,
) -> Vec<u8> {
    let keys = stored_keys(&document.collection, keys);
    let length = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes();
    let collection = document.collection.as_str();
    let text = text.unwrap_or_default();
    let mut record = Vec::with_capacity(TO_COLLECTION + collection.len() + document.metadata.len());
    for number in [
        document.created_at.as_millis(),
        document.updated_at.as_millis(),
        document.characters,
        document.words,
    ] {
        record.extend(number.to_be_bytes());
    }
    record.extend(document.content_hash.0);
    record.extend(document.normalized_hash.0);
    // A name has 64 bytes at most.
    record.push(u8::try_from(collection.len()).unwrap_or(u8::MAX));
    record.extend(collection.as_bytes());
    record.extend(document.metadata.as_bytes());
    let mut written = Vec::with_capacity(22 + record.len() + trace.len() + keys.len() + text.len());
    written.extend(token.to_be_bytes());
    written.extend([VERSION, u8::from(document.is_text_stored)]);
    for part in [record.len(), trace.len(), keys.len()] {
        written.extend(length(part));
    }
    for part in [&record, trace, &keys, text.as_bytes()] {
        written.extend(part);
    }
    written
}

/// The beginning of a document: which one it is, and since when there is one.
pub(super) fn read_beginning(mut bytes: &[u8]) -> Result<(Counter, Timestamp), StoreError> {
    let head = Head::take(&mut bytes)?;
    Ok((head.counter, Timestamp::from_millis(u64::from_be_bytes(take(&mut bytes)?))))
}

/// A document with as much of what belongs to it as was read.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) counter: Counter,
    pub(super) document: Document,
    /// Empty if it was not asked for.
    pub(super) trace: Arc<[u8]>,
    /// If it is kept, and was asked for.
    pub(super) text: Option<Arc<str>>,
}

/// Reads a document that has this id.
pub(super) fn read(id: DocumentId, mut bytes: &[u8]) -> Result<Record, StoreError> {
    let head = Head::take(&mut bytes)?;
    let mut record = bytes.split_off(..head.record).ok_or_else(damaged)?;
    let mut number = || Ok::<_, StoreError>(u64::from_be_bytes(take(&mut record)?));
    let (created_at, updated_at) = (Timestamp::from_millis(number()?), Timestamp::from_millis(number()?));
    let (characters, words) = (number()?, number()?);
    let (content_hash, normalized_hash) = (Digest(take(&mut record)?), Digest(take(&mut record)?));
    let [length] = take(&mut record)?;
    let collection = record.split_off(..usize::from(length)).ok_or_else(damaged)?;
    let document = Document {
        id,
        collection: utf8(collection)?.parse().map_err(|_| damaged())?,
        content_hash,
        normalized_hash,
        characters,
        words,
        metadata: utf8(record)?.into(),
        is_text_stored: head.has_text,
        created_at,
        updated_at,
    };
    let trace = bytes.split_off(..head.trace).unwrap_or_default();
    let text = bytes.split_off(head.keys..).filter(|_| head.has_text);
    let text = text.map(|text| utf8(text).map(Arc::from)).transpose()?;
    Ok(Record { counter: head.counter, document, trace: trace.into(), text })
}

/// What stands in front of a document.
struct Head {
    counter: Counter,
    has_text: bool,
    record: usize,
    trace: usize,
    keys: usize,
}

impl Head {
    fn take(bytes: &mut &[u8]) -> Result<Self, StoreError> {
        let counter = Counter::stored(take(bytes)?);
        let [.., version, has_text] = take::<10>(bytes)?;
        if version != VERSION {
            return Err(other_version());
        }
        let mut length = || Ok::<_, StoreError>(u32::from_be_bytes(take(bytes)?) as usize);
        let (record, trace, keys) = (length()?, length()?, length()?);
        Ok(Self { counter, has_text: has_text != 0, record, trace, keys })
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], StoreError> {
    let (taken, rest) = bytes.split_first_chunk().ok_or_else(damaged)?;
    *bytes = rest;
    Ok(*taken)
}

fn utf8(bytes: &[u8]) -> Result<&str, StoreError> {
    std::str::from_utf8(bytes).map_err(|_| damaged())
}

fn damaged() -> StoreError {
    StoreError::Unreadable("a document is damaged".to_owned())
}

/// What cannot be read because a newer program wrote it.
pub(super) fn other_version() -> StoreError {
    StoreError::Unreadable("a document was written by another version".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn document(text: bool) -> Document {
        Document {
            id: "a".parse().unwrap(),
            collection: "letters".parse().unwrap(),
            content_hash: Digest([1; 32]),
            normalized_hash: Digest([2; 32]),
            characters: 3,
            words: 1 << 40,
            metadata: r#"{"señal":1}"#.into(),
            is_text_stored: text,
            created_at: Timestamp::from_millis(5),
            updated_at: Timestamp::from_millis(6),
        }
    }

    fn stored(text: Option<&str>) -> Vec<u8> {
        let keys = Keys { content: 1, normalized: 2, bands: vec![3, 3], fingerprints: vec![] };
        let written = write(&document(text.is_some()), text, b"trace", &keys, 9);
        [&Counter(7).bytes()[..], &written].concat()
    }

    #[test]
    fn a_document_reads_back_whole_and_in_part() {
        for text in [None, Some(""), Some("ñandú")] {
            let bytes = stored(text);
            let whole = read("a".parse().unwrap(), &bytes).unwrap();
            assert_eq!((whole.counter, whole.document), (Counter(7), document(text.is_some())));
            assert_eq!((&*whole.trace, whole.text.as_deref()), (&b"trace"[..], text));
            let end = bytes.len() - text.unwrap_or_default().len() - 3 * KEY_BYTES - 5;
            let part = read("a".parse().unwrap(), &bytes[..end]).unwrap();
            assert_eq!((part.document, part.trace.len()), (document(text.is_some()), 0));
            assert_eq!(bytes[TO_COLLECTION..][..8], *b"\x07letters");
            let beginning = read_beginning(&bytes[..TO_COLLECTION]).unwrap();
            assert_eq!(beginning, (Counter(7), Timestamp::from_millis(5)));
        }
    }

    #[test]
    fn what_a_newer_program_wrote_is_not_read() {
        let mut bytes = stored(None);
        bytes[12] += 1;
        assert_eq!(read("a".parse().unwrap(), &bytes).unwrap_err(), other_version());
        assert_eq!(read_beginning(&bytes).unwrap_err(), other_version());
    }

    #[test]
    fn a_key_is_another_one_in_another_collection_and_stays_what_it_is() {
        let (one, two) = ("one".parse().unwrap(), "two".parse().unwrap());
        assert_ne!(stored_key(&one, 1), stored_key(&two, 1));
        assert_ne!(stored_key(&one, 1), stored_key(&one, 2));
        assert_eq!(stored_key(&one, 1), [105, 156, 52, 74, 12]);
    }

    proptest! {
        #[test]
        fn numbers_sort_by_counters_first_and_lead_back(
            counters in any::<[u32; 2]>(), slots in prop::array::uniform2(0..DocumentId::SLOTS),
        ) {
            let places = slots.map(Partition::of_slot);
            let numbers = [0, 1].map(|at| Counter(counters[at]).number(places[at]));
            for at in [0, 1] {
                prop_assert_eq!(Counter::of(numbers[at]), Some((places[at], Counter(counters[at]))));
            }
            if counters[0] < counters[1] {
                prop_assert!(numbers[0] < numbers[1]);
            }
            // What is behind a number is behind the counter up to it.
            let is_behind = u64::from(counters[1]) > Counter::up_to(Some(numbers[0]), places[1]);
            prop_assert_eq!(is_behind, numbers[1] > numbers[0]);
        }

        #[test]
        fn nothing_panics_on_damaged_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300), cut in 0_usize..400) {
            let _ = read("a".parse().unwrap(), &bytes);
            let whole = stored(Some("text"));
            let _ = read("a".parse().unwrap(), whole.get(..cut).unwrap_or(&whole));
        }
    }
}
