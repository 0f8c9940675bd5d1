//! Documents of the index: their names, and what is known of each beside what it is found by.

use crate::ids::BatchId;
use redundancy_webhook::clock::{Clock, IdSource, Timestamp};
use redundancy_webhook::ids;
use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Longest id of a document, in bytes.
const MAX_ID_BYTES: usize = 128;
/// Longest name of a collection, in bytes.
const MAX_COLLECTION_BYTES: usize = 64;
/// What ids begin with that were not chosen by the user.
const ID_PREFIX: &str = "doc_";
/// Ids that cannot be chosen: the path that would end in one leads elsewhere, by the route or by the rules for relative paths.
const UNREACHABLE: [&str; 3] = ["bulk", ".", ".."];

/// The id of a document, `[A-Za-z0-9._:-]{1,128}`: chosen by the user, or `doc_` and 26 letters that sort by time. It names one
/// document, whatever the collection. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocumentId(Arc<str>);

/// The name of a collection, `[A-Za-z0-9._-]{1,64}`. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CollectionName(Arc<str>);

/// A text is no name of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// No id of a document.
    #[error("must have 1 to {MAX_ID_BYTES} characters, each a letter, a digit or one of . _ : -")]
    Document,
    /// The id of a document that its path would not lead to.
    #[error("must not be bulk, . or .. because its path would lead elsewhere: choose another id")]
    Unreachable,
    /// No name of a collection.
    #[error("must have 1 to {MAX_COLLECTION_BYTES} characters, each a letter, a digit or one of . _ -")]
    Collection,
}

impl DocumentId {
    /// A new id.
    pub(crate) fn new(clock: &dyn Clock, random: &dyn IdSource) -> Self {
        let mut id = String::new();
        // Writing to a string cannot fail.
        let _ = ids::write(&mut id, ID_PREFIX, ids::timed(clock, random));
        Self(id.into())
    }

    /// The id that a user chooses for a document. Not every id that can be read can be chosen: documents may be stored under some that
    /// could be once.
    ///
    /// # Errors
    /// [`InvalidName`] when it is no id, or one that no path leads to.
    pub fn chosen(text: &str) -> Result<Self, InvalidName> {
        let id = text.parse()?;
        if UNREACHABLE.contains(&text) { Err(InvalidName::Unreachable) } else { Ok(id) }
    }

    /// The id of a text that is item `index` of a batch and has none of its own: the same whenever it is put.
    pub(crate) fn of_item(batch: BatchId, index: u64) -> Option<Self> {
        format!("{batch}:{index}").parse().ok()
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How many slots there are. Few: whoever looks for documents has to look into all of them.
    pub const SLOTS: u8 = 4;

    /// A number from 0 to 3 that depends on its letters only (a sum over them, FNV-1a). The events that tell of the document
    /// have the same [slot](redundancy_webhook::ids::EventId::slot), so that a store which spreads things over partitions can
    /// write all of it at once. What is stored lies by it: it can never change.
    #[must_use]
    pub fn slot(&self) -> u8 {
        let mix = |sum: u32, byte: u8| (sum ^ u32::from(byte)).wrapping_mul(16_777_619);
        let sum = self.0.bytes().fold(2_166_136_261, mix);
        let [low, ..] = (sum ^ (sum >> 16)).to_le_bytes();
        low % Self::SLOTS
    }
}

impl CollectionName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for CollectionName {
    /// `default`, where documents go that name no collection.
    fn default() -> Self {
        Self("default".into())
    }
}

fn is_name(text: &str, max_bytes: usize, marks: &[u8]) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || marks.contains(&byte);
    (1..=max_bytes).contains(&text.len()) && text.bytes().all(is_allowed)
}

impl FromStr for DocumentId {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let fits = is_name(text, MAX_ID_BYTES, b"._:-");
        fits.then(|| Self(text.into())).ok_or(InvalidName::Document)
    }
}

impl FromStr for CollectionName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let fits = is_name(text, MAX_COLLECTION_BYTES, b"._-");
        fits.then(|| Self(text.into())).ok_or(InvalidName::Collection)
    }
}

impl fmt::Display for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for CollectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for DocumentId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl Serialize for CollectionName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// A BLAKE3 hash, shown as `blake3:` and 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Eight bytes of it, as a key to find it by.
    #[must_use]
    pub(crate) fn key(&self) -> u64 {
        self.0.first_chunk().copied().map(u64::from_le_bytes).unwrap_or_default()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "blake3:{}", blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What is known of a document, apart from its text.
#[derive(Clone, PartialEq, Eq)]
pub struct Document {
    /// Its id.
    pub id: DocumentId,
    /// Where it belongs.
    pub collection: CollectionName,
    /// Of its exact bytes.
    pub content_hash: Digest,
    /// Of its normalised words.
    pub normalized_hash: Digest,
    /// Unicode scalar values in its text.
    pub characters: u64,
    /// Words in its text.
    pub words: u64,
    /// A JSON object that the user gave with it.
    pub metadata: Arc<str>,
    /// Whether its text is kept.
    pub is_text_stored: bool,
    /// When a document of its id was first put, unless it was removed since.
    pub created_at: Timestamp,
    /// When it was last put.
    pub updated_at: Timestamp,
}

impl fmt::Debug for Document {
    /// Without the metadata: it may quote the text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("id", &self.id)
            .field("collection", &self.collection)
            .field("content_hash", &self.content_hash)
            .field("updated_at", &self.updated_at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_their_letters_and_their_length() {
        for id in ["a", "doc:1", "A-b_c.d:9", &"x".repeat(128)] {
            assert_eq!(id.parse::<DocumentId>().unwrap().as_str(), id);
        }
        for id in ["", "a b", "a/b", "ñ", &"x".repeat(129)] {
            assert_eq!(id.parse::<DocumentId>(), Err(InvalidName::Document), "{id}");
        }
        for id in ["bulk", ".", ".."] {
            assert_eq!(DocumentId::chosen(id), Err(InvalidName::Unreachable), "{id}");
            // What is stored under one is still read.
            assert_eq!(id.parse::<DocumentId>().unwrap().as_str(), id);
        }
        for id in ["Bulk", "bulk.", "...", "bulk:1"] {
            assert_eq!(DocumentId::chosen(id).unwrap().as_str(), id);
        }
        assert_eq!(DocumentId::chosen("a b"), Err(InvalidName::Document));
        for name in ["a:b", "", "a b", &"x".repeat(65)] {
            assert_eq!(name.parse::<CollectionName>(), Err(InvalidName::Collection), "{name}");
        }
        assert_eq!("default".parse(), Ok(CollectionName::default()));
    }

    #[test]
    fn slots_stay_what_they_are_and_spread_over_all() {
        let slot = |id: &str| id.parse::<DocumentId>().unwrap().slot();
        assert_eq!(["a", "doc:1", "A-b_c.d:9"].map(slot), [0, 0, 3]);
        for wanted in 0..DocumentId::SLOTS {
            let count = (0..4000).filter(|number| slot(&format!("doc-{number}")) == wanted).count();
            assert!((900..1100).contains(&count), "{count}");
        }
    }
}
