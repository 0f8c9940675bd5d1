//! The port behind which documents are kept and found: units of atomicity, not tables. It finds candidates by equal keys and
//! hands out what is needed to compare them. Whether two documents are duplicates is decided by the engine.

mod absent;
mod tally;

use crate::document::{CollectionName, Document, DocumentId};
use redundancy_detect::fingerprint::CommonFilter;
use redundancy_webhook::store::{Page, PageRequest, Publication, StoreError};
use std::fmt;
use std::sync::Arc;

pub use absent::NoCatalog;
pub use tally::tally;

/// The place of a document in the order in which documents were put. A document that is put again gets another one, higher than
/// all before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocumentNumber(pub u64);

/// What a document is found by. Equal texts have equal keys; keys of different kinds are unrelated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys {
    /// Of the exact bytes.
    pub content: u64,
    /// Of the normalised words.
    pub normalized: u64,
    /// One for each band of the signature: texts that are alike have one in common. None of a text without words.
    pub bands: Vec<u64>,
    /// The distinct winnowed fingerprints of a document: texts that share a passage have one in common. A query may ask for all
    /// shingles, which the fingerprints are some of.
    pub fingerprints: Vec<u64>,
}

impl Keys {
    /// All of them, each once, in rising order.
    #[must_use]
    pub fn distinct(&self) -> Vec<u64> {
        let whole = [self.content, self.normalized];
        let mut all: Vec<u64> = [&whole[..], &self.bands, &self.fingerprints].concat();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// Makes what there is to tell about a document that is being put: given the document as it will be, and whether there was
/// none with its id. Called for the step that puts it, again when the step has to be done again. Its events have the
/// [slot](DocumentId::slot) of the document, and no keys.
pub type Announcement = Arc<dyn Fn(&Document, bool) -> Vec<Publication> + Send + Sync>;

/// A document, and its text if that is kept.
pub type Stored = (Document, Option<Arc<str>>);

/// Makes what there is to tell about a document that is being removed; the same holds for its events.
pub type Farewell = Arc<dyn Fn(&Document) -> Vec<Publication> + Send + Sync>;

/// A document on its way into the store.
#[derive(Clone)]
pub struct Addition {
    /// The document as it is when there is none with its id.
    pub document: Document,
    /// Its text, if it is to be kept.
    pub content: Option<Arc<str>>,
    /// What it is compared by: see [`Kept::trace`].
    pub trace: Arc<[u8]>,
    /// What it is found by.
    pub keys: Keys,
    /// What is told of it.
    pub announcement: Announcement,
}

impl fmt::Debug for Addition {
    /// Without the text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Addition").field("document", &self.document).finish_non_exhaustive()
    }
}

/// A document that was put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The document as it is now.
    pub document: Document,
    /// Whether there was none with its id.
    pub is_new: bool,
}

/// Asks for documents of one collection that have keys in common with a text.
#[derive(Debug, Clone, PartialEq)]
pub struct CandidateQuery {
    /// Where to look. Others are not looked at.
    pub collection: CollectionName,
    /// The keys. A list that is empty is not looked for.
    pub keys: Keys,
    /// Which fingerprints are boilerplate and lead to nothing.
    pub common: CommonFilter,
    /// Candidates in the answer at most.
    pub limit: usize,
}

/// A document that has a key in common with the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Which one.
    pub number: DocumentNumber,
    /// Whether the key of the content is one of them.
    pub is_exact: bool,
    /// Whether that, or the key of the normalised words, is one of them.
    pub is_equal: bool,
    /// How many bands.
    pub bands: u32,
    /// How many fingerprints.
    pub fingerprints: u32,
}

/// The answer to a [`CandidateQuery`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Candidates {
    /// The best ones: those with the same content first, then other equal ones, then those that share most keys, the older before the younger.
    pub found: Vec<Candidate>,
    /// How many fingerprints of the query were left out because they stand in too many documents. None of them is looked for when
    /// as many documents as the query wants are equal.
    pub common: usize,
}

/// A document with what it is compared by.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Which one.
    pub number: DocumentNumber,
    /// The document.
    pub document: Document,
    /// The bytes that were put with it.
    pub trace: Arc<[u8]>,
}

/// A document in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its place in the list.
    pub number: DocumentNumber,
    /// The document.
    pub document: Document,
}

/// Entries that one key may have looked at: a document that was put a hundred thousand times has as many. The oldest count.
pub const MAX_ENTRIES_PER_KEY: usize = 1024;

/// Keeps documents, and finds them by their keys.
#[async_trait::async_trait]
pub trait Catalog: Send + Sync {
    /// Puts documents, in their order, each in place of the one with its id, whatever collection that is in. Each is put together
    /// with its keys and all that is told of it, or not at all; when its answer is `Ok` that is durable, and later queries find
    /// it. The cost does not grow with the number of documents. As many answers as additions.
    async fn put(&self, additions: Vec<Addition>) -> Vec<Result<Placed, StoreError>>;

    /// Removes a document with its text and its keys, together with what is told of it. Gives it back; `None` when there is none.
    async fn remove(&self, id: &DocumentId, farewell: Farewell) -> Result<Option<Document>, StoreError>;

    /// A document, and its text if that is kept.
    async fn get(&self, id: &DocumentId) -> Result<Option<Stored>, StoreError>;

    /// Documents of a collection, or of all, in the order in which they were last put.
    async fn list(
        &self,
        collection: Option<&CollectionName>,
        page: PageRequest<DocumentNumber>,
    ) -> Result<Page<Listed, DocumentNumber>, StoreError>;

    /// Documents that have keys in common with the query, but for those that have been removed or replaced. The cost depends on the
    /// keys and on how often they stand in the collection, at most [`MAX_ENTRIES_PER_KEY`] times each, not on other collections.
    /// A candidate need not really have the key: keys may be shortened.
    async fn candidates(&self, query: CandidateQuery) -> Result<Candidates, StoreError>;

    /// What candidates are compared by, in the order asked for. Those that are gone meanwhile are left out.
    async fn fetch(&self, numbers: Vec<DocumentNumber>) -> Result<Vec<Kept>, StoreError>;

    /// How many documents each collection has, by name; collections without any are left out.
    async fn counts(&self) -> Result<Vec<(CollectionName, u64)>, StoreError>;
}
