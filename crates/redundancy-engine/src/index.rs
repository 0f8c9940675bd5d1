//! The use cases about documents: putting them into the index, and finding what they have in common with others.
//!
//! The way of a text: it is boiled down to keys and a trace on the CPU pool ([`print`]), the catalog is asked which documents
//! have keys in common with it, and each of those is compared with it exactly (`comparing`). Nothing is said of two texts that
//! rests on keys alone.

mod adding;
mod clusters;
mod comparing;
mod print;
mod searching;

use crate::catalog::{DocumentNumber, Farewell, Listed, Stored};
use crate::document::{CollectionName, Document, DocumentId};
use crate::engine::Engine;
use crate::error::EngineError;
use crate::requests::Caller;
use redundancy_detect::span::{OffsetUnit, Span};
use redundancy_webhook::event::types;
use redundancy_webhook::store::{Page, PageRequest};
use std::sync::Arc;

pub use clusters::{Cluster, ClusterMember, ClusterPage};

/// How alike texts are that count as duplicates, unless the caller says otherwise.
pub const DEFAULT_THRESHOLD: f64 = 0.8;
/// Matches in an answer, unless the caller says otherwise.
pub const DEFAULT_MATCHES: usize = 10;

/// A text to be put into the index.
#[derive(Debug, Clone)]
pub struct NewText {
    /// Its id; without one it gets a new one.
    pub id: Option<DocumentId>,
    /// Where it belongs.
    pub collection: CollectionName,
    /// The text.
    pub content: String,
    /// A JSON object that belongs to it.
    pub metadata: Arc<str>,
    /// Whether the text itself is kept. It is found either way.
    pub store_text: bool,
    /// Who puts it, for those who hear of it.
    pub caller: Caller,
}

/// A document that was put into the index.
#[derive(Debug, Clone, PartialEq)]
pub struct Added {
    /// The document.
    pub document: Document,
    /// Whether there was none with its id.
    pub is_new: bool,
    /// Documents of its collection that it duplicates, as they were before: the best ones.
    pub duplicates: Vec<Match>,
}

/// What to look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchMode {
    /// Documents that are like the text as a whole.
    Near,
    /// Documents that share passages with the text as well.
    Contained,
}

/// A text whose duplicates are looked for.
#[derive(Debug, Clone)]
pub struct SearchRequest {
    /// The text.
    pub content: String,
    /// Where to look.
    pub collection: CollectionName,
    /// What to look for.
    pub mode: SearchMode,
    /// How much a document must have in common with the text, 0 to 1. In mode near this is about the Jaccard similarity, and
    /// [`DEFAULT_THRESHOLD`] without it. In mode contained it is about the share of either that is in the other, and without it
    /// any passage is enough.
    pub threshold: Option<f64>,
    /// Matches at most.
    pub limit: usize,
    /// What the spans of passages count.
    pub offset_unit: OffsetUnit,
}

/// How a document and a text belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MatchKind {
    /// They have the same bytes.
    Exact,
    /// They have the same words, after normalisation.
    NormalizedExact,
    /// Their Jaccard similarity is high enough.
    NearDuplicate,
    /// The text, or part of it, is in the document.
    Contained,
    /// The document, or a greater part of it than of the text, is in the text.
    Contains,
}

/// A document that has something in common with a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// The document.
    pub document_id: DocumentId,
    /// Where it belongs.
    pub collection: CollectionName,
    /// How they belong together.
    pub kind: MatchKind,
    /// Jaccard similarity of their sets of shingles, 0 to 1.
    pub similarity: f64,
    /// Share of the text's shingles that are in the document, 0 to 1.
    pub query_in_document: f64,
    /// Share of the document's shingles that are in the text, 0 to 1.
    pub document_in_query: f64,
    /// What they share, in the order of the text.
    pub passages: Vec<SharedPassage>,
}

/// A passage that a text and a document share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedPassage {
    /// How many words are equal.
    pub words: usize,
    /// As it stands in the text that was asked about.
    pub text: String,
    /// Where that is.
    pub query: Span,
    /// Where it stands in the document.
    pub document: Span,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchResult {
    /// The matches, best first.
    pub matches: Vec<Match>,
    /// How many fingerprints of the text stand in so many documents that they led to none: boilerplate.
    pub common_fingerprints: usize,
}

impl Engine {
    /// A document, and its text if that is kept.
    pub async fn document(&self, id: &DocumentId) -> Result<Option<Stored>, EngineError> {
        Ok(self.ports.catalog.get(id).await?)
    }

    /// Documents of a collection, or of all, in the order in which they were last put.
    pub async fn documents(
        &self,
        collection: Option<&CollectionName>,
        page: PageRequest<DocumentNumber>,
    ) -> Result<Page<Listed, DocumentNumber>, EngineError> {
        Ok(self.ports.catalog.list(collection, page).await?)
    }

    /// How many documents each collection has.
    pub async fn document_counts(&self) -> Result<Vec<(CollectionName, u64)>, EngineError> {
        Ok(self.ports.catalog.counts().await?)
    }

    /// Takes a document out of the index; says whether it was there.
    pub async fn remove_document(&self, id: &DocumentId, caller: &Caller) -> Result<bool, EngineError> {
        let teller = self.teller(caller, &[types::DOCUMENT_DELETED]);
        let format = Arc::clone(&self.ports.documents);
        let farewell: Farewell = Arc::new(move |document| {
            let told = teller.tell(types::DOCUMENT_DELETED, &document.id, || format.deleted(document));
            told.into_iter().collect()
        });
        Ok(self.ports.catalog.remove(id, farewell).await?.is_some())
    }
}
