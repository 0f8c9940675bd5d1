//! Documents, and what they have in common with others, as answers and events show them.

use crate::wire::Span;
use redundancy_engine::Document;
use redundancy_engine::index::{Added, Match, MatchKind, SharedPassage};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// A document of the index.
#[derive(Serialize, ToSchema)]
pub(crate) struct DocumentData {
    #[schema(example = "policy-7")]
    id: String,
    #[schema(example = "policies")]
    collection: String,
    /// BLAKE3 of the exact bytes.
    #[schema(example = "blake3:9c22ff5f21f0b81b113e63f7db6da94fedef11b2119b4088b89664fb9a3cb658")]
    content_hash: String,
    /// BLAKE3 of the normalised words: equal for texts that differ in case, punctuation and white space only.
    #[schema(example = "blake3:5e1f2e5b2b6a5b8d4b6f3d0f8e6ad6f9a2f7b1f5e7c3a1f0d9b8c7e6f5a4b3c2")]
    normalized_hash: String,
    /// Unicode scalar values.
    characters: u64,
    words: u64,
    /// What was given with it.
    #[schema(value_type = Object)]
    metadata: Box<RawValue>,
    /// Whether its text is stored.
    text_stored: bool,
    /// When a document of this id was first put, unless it was removed since.
    #[schema(example = "2026-01-02T03:04:05.678Z")]
    created_at: String,
    /// When it was last put.
    #[schema(example = "2026-01-02T03:04:05.678Z")]
    updated_at: String,
    /// Its text. Only where one document is asked for, and only if it is stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
}

/// A document that was put.
#[derive(Serialize, ToSchema)]
pub(crate) struct AddedData {
    document: DocumentData,
    /// Documents of its collection that it duplicates, as they were before: the best ten, best first.
    duplicates: Vec<MatchData>,
}

/// A document that has something in common with a text.
#[derive(Serialize, ToSchema)]
#[schema(as = DocumentMatch)]
pub(crate) struct MatchData {
    #[schema(example = "policy-7")]
    document_id: String,
    #[schema(example = "policies")]
    collection: String,
    /// How they belong together: `exact` (the same bytes), `normalized_exact` (the same words), `near_duplicate` (a Jaccard
    /// similarity as high as asked for), `contained` (the text, or part of it, is in the document) or `contains` (the document, or
    /// a greater share of it than of the text, is in the text).
    #[schema(example = "near_duplicate", value_type = String)]
    kind: &'static str,
    /// Jaccard index of the sets of word 5-grams, counted exactly.
    #[schema(example = 0.83, minimum = 0.0, maximum = 1.0)]
    similarity: f64,
    containment: Containment,
    /// What they share, in the order of the text.
    passages: Vec<PassageData>,
}

/// Share of the word 5-grams of one that stand in the other.
#[derive(Serialize, ToSchema)]
#[schema(as = DocumentContainment)]
struct Containment {
    /// Of the text in the document.
    #[schema(minimum = 0.0, maximum = 1.0)]
    query_in_document: f64,
    /// Of the document in the text.
    #[schema(minimum = 0.0, maximum = 1.0)]
    document_in_query: f64,
}

/// A passage that a text and a document share.
#[derive(Serialize, ToSchema)]
#[schema(as = DocumentPassage)]
struct PassageData {
    /// How many words are equal.
    words: usize,
    /// As it stands in the text that was asked about.
    text: String,
    /// Where that is.
    query: Span,
    /// Where it stands in the document.
    document: Span,
}

impl DocumentData {
    pub(crate) fn new(document: &Document, content: Option<&str>) -> Self {
        Self {
            id: document.id.to_string(),
            collection: document.collection.to_string(),
            content_hash: document.content_hash.to_string(),
            normalized_hash: document.normalized_hash.to_string(),
            characters: document.characters,
            words: document.words,
            // It was checked to be JSON when it came.
            metadata: RawValue::from_string(document.metadata.to_string()).unwrap_or_default(),
            text_stored: document.is_text_stored,
            created_at: document.created_at.to_string(),
            updated_at: document.updated_at.to_string(),
            content: content.map(str::to_owned),
        }
    }
}

impl From<Added> for AddedData {
    fn from(added: Added) -> Self {
        let duplicates = added.duplicates.into_iter().map(MatchData::from).collect();
        Self { document: DocumentData::new(&added.document, None), duplicates }
    }
}

/// The name of a kind of match.
pub(crate) const fn kind_name(kind: MatchKind) -> &'static str {
    match kind {
        MatchKind::Exact => "exact",
        MatchKind::NormalizedExact => "normalized_exact",
        MatchKind::NearDuplicate => "near_duplicate",
        MatchKind::Contained => "contained",
        MatchKind::Contains => "contains",
    }
}

impl MatchData {
    /// Leaves out what grows with the text, for receivers that would get too much.
    pub(super) fn leave_out_passages(&mut self) {
        self.passages.clear();
    }
}

impl From<Match> for MatchData {
    fn from(found: Match) -> Self {
        Self {
            document_id: found.document_id.to_string(),
            collection: found.collection.to_string(),
            kind: kind_name(found.kind),
            similarity: found.similarity,
            containment: Containment {
                query_in_document: found.query_in_document,
                document_in_query: found.document_in_query,
            },
            passages: found.passages.into_iter().map(PassageData::from).collect(),
        }
    }
}

impl From<SharedPassage> for PassageData {
    fn from(passage: SharedPassage) -> Self {
        let SharedPassage { words, text, query, document } = passage;
        Self { words, text, query: query.into(), document: document.into() }
    }
}
