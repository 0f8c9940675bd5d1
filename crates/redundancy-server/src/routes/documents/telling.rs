//! Documents as the events about them show them.

use super::shown::{DocumentData, MatchData};
use crate::routes::analyses::FindingsAsJson;
use redundancy_engine::index::Match;
use redundancy_engine::{Document, DocumentFormat};
use serde::Serialize;

/// Data of an event that takes more are sent without passages.
const MAX_EVENT_DATA_BYTES: usize = 256 * 1024;

/// A document was put.
#[derive(Serialize)]
struct Indexed {
    document: DocumentData,
    /// Whether there was none with its id.
    created: bool,
}

/// A document was removed.
#[derive(Serialize)]
struct Deleted {
    document_id: String,
    collection: String,
}

/// A document was put that duplicates others.
#[derive(Serialize)]
struct Detected {
    /// Whether the passages were left out, because they are too long.
    is_truncated: bool,
    document: DocumentData,
    duplicates: Vec<MatchData>,
}

impl DocumentFormat for FindingsAsJson {
    fn indexed(&self, document: &Document, is_new: bool) -> String {
        write(&Indexed { document: DocumentData::new(document, None), created: is_new })
    }

    fn deleted(&self, document: &Document) -> String {
        let (document_id, collection) = (document.id.to_string(), document.collection.to_string());
        write(&Deleted { document_id, collection })
    }

    fn duplicates(&self, document: &Document, duplicates: &[Match]) -> String {
        let mut data = Detected {
            is_truncated: false,
            document: DocumentData::new(document, None),
            duplicates: duplicates.iter().cloned().map(MatchData::from).collect(),
        };
        let whole = write(&data);
        if whole.len() <= MAX_EVENT_DATA_BYTES {
            return whole;
        }
        data.is_truncated = true;
        data.duplicates.iter_mut().for_each(MatchData::leave_out_passages);
        write(&data)
    }
}

fn write(data: &impl Serialize) -> String {
    // Strings, numbers and lists of them: that cannot fail.
    serde_json::to_string(data).unwrap_or_default()
}
