//! Documents to put.

use redundancy_engine::catalog::{Addition, Announcement, CandidateQuery, Keys};
use redundancy_engine::detect::fingerprint::CommonFilter;
use redundancy_engine::document::Digest;
use redundancy_engine::{CollectionName, Document, DocumentId, Timestamp};
use redundancy_webhook::event::{Event, NewEvent};
use redundancy_webhook::ids::EventId;
use redundancy_webhook::store::{Audience, Publication};
use std::sync::Arc;

/// Lengths of traces: of two of the longer ones a pack is made at once.
const TRACES: [usize; 5] = [5, 9_000, 700, 20_000, 8_000];

pub(crate) fn id(name: &str) -> DocumentId {
    name.parse().unwrap()
}

pub(crate) fn collection(name: &str) -> CollectionName {
    name.parse().unwrap()
}

pub(crate) fn silent() -> Announcement {
    Arc::new(|_, _| Vec::new())
}

/// Keys that are all derived from small numbers: spread out, as real ones are.
pub(crate) fn key(number: u64) -> u64 {
    (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// A document with these bands and fingerprints.
pub(crate) fn addition(name: &str, of: &str, bands: &[u64], fingerprints: &[u64], at: u64) -> Addition {
    let keys = Keys {
        content: key(1_000_000 + at),
        normalized: key(2_000_000 + at),
        bands: bands.iter().copied().map(key).collect(),
        fingerprints: fingerprints.iter().copied().map(key).collect(),
    };
    let document = Document {
        id: id(name),
        collection: collection(of),
        content_hash: Digest([u8::try_from(at % 251).unwrap(); 32]),
        normalized_hash: Digest([7; 32]),
        characters: at,
        words: 3,
        metadata: format!("{{\"at\":{at}}}").into(),
        is_text_stored: at.is_multiple_of(2),
        created_at: Timestamp::from_millis(at),
        updated_at: Timestamp::from_millis(at),
    };
    Addition {
        content: document.is_text_stored.then(|| format!("text {at} ñ").into()),
        document,
        trace: vec![u8::try_from(at % 256).unwrap(); TRACES[usize::try_from(at).unwrap() % TRACES.len()]]
            .into(),
        keys,
        announcement: silent(),
    }
}

/// Asks for documents with these bands and fingerprints.
pub(crate) fn query(of: &str, bands: &[u64], fingerprints: &[u64]) -> CandidateQuery {
    CandidateQuery {
        collection: collection(of),
        keys: addition("query", of, bands, fingerprints, 900_000).keys,
        common: CommonFilter { min_documents: 3, max_share: 0.0, keep: 1 },
        limit: 100,
    }
}

/// The `number`th event about a document.
pub(crate) fn event_of(document: &DocumentId, number: u128) -> EventId {
    EventId::from_number(number << 8 | u128::from(document.slot()))
}

/// Something to tell of a document.
pub(crate) fn publication(document: &DocumentId, number: u128) -> Publication {
    let new = NewEvent::new("document.indexed".parse().unwrap(), &number).unwrap();
    let event = Event::with_id(event_of(document, number), Timestamp::from_millis(0), new);
    Publication { event, audience: Audience::Subscribers, idempotency: None, keep_unwanted: true }
}
