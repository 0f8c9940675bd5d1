//! Duplicates across a whole corpus: which documents are the same, which are alike, and which of them to keep.
//!
//! A corpus is read three times, by all threads, and only what is needed is kept of it:
//!
//! 1. `first_pass`: one fingerprint for each document. Documents equal after normalisation are found by it.
//! 2. `buckets`: documents with a band in common are candidates. `sets`: only they are read again, for their whole sets of
//!    shingles. `links`: each candidate is counted exactly; `prefix` keeps boilerplate from making that quadratic.
//! 3. `members`: the documents in clusters are read once more, for their ids and for what decides which one is kept.
//!
//! No answer rests on a fingerprint alone, and none depends on the number of threads.

mod buckets;
mod clusters;
mod contained;
mod first_pass;
mod links;
mod lists;
mod members;
mod parallel;
mod pass;
mod postings;
mod prefix;
mod sets;
mod source;
mod union_find;

pub use clusters::{Cluster, Deduplicated, Duplicate, DuplicateKind, Pair};
pub use first_pass::Invalid;
pub use members::Member;
pub use source::{Block, Buffer, Corpus, Document, InMemory, InvalidRecord, Record};

use buckets::Buckets;
use clusters::{Clustered, Found};
use contained::Contained;
use first_pass::{Distinct, FirstPass};
use links::Verifier;
use lists::Overflow;
use members::Members;
use redundancy_detect::fingerprint::{Banding, Shingling};
use sets::Sets;
use std::io;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::OnceLock;
use union_find::UnionFind;

/// What counts as a duplicate, and what is done about it.
#[derive(Debug, Clone, PartialEq)]
pub struct DedupOptions {
    /// What counts as a duplicate.
    pub mode: Mode,
    /// What texts are cut into.
    pub shingling: Shingling,
    /// Which document of a cluster is kept.
    pub keep: Keep,
    /// Whether every pair at or above the threshold is wanted, and not only what connects them.
    pub all_pairs: bool,
    /// How many threads work.
    pub threads: NonZeroUsize,
    /// When to use the disk; without it, everything is held in memory.
    pub memory: Option<MemoryLimit>,
}

/// How much memory a job may take before it uses the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryLimit {
    /// About how many bytes all that is kept of a corpus may take. What is kept of each document whatever happens, about 160 bytes, is
    /// taken off first.
    pub bytes: u64,
    /// The folder for a file without a name with what is beyond.
    pub folder: PathBuf,
}

/// Why a job could not be done.
#[derive(Debug, thiserror::Error)]
pub enum CorpusJobError<E> {
    /// The corpus cannot be read.
    #[error(transparent)]
    Corpus(#[from] E),
    /// What memory has no room for cannot be written or read back.
    #[error("the disk cannot take what memory has no room for: {0}")]
    Overflow(#[source] io::Error),
}

/// Memory that is left for sets of shingles even where the documents alone take more than the limit.
const LEAST_ROOM_BYTES: u64 = 1 << 20;

impl DedupOptions {
    /// Where sets of shingles go, when `taken_bytes` are taken.
    fn overflow(&self, taken_bytes: u64) -> Overflow {
        self.memory.as_ref().map_or(Overflow::never(), |limit| {
            Overflow::new(limit.bytes.saturating_sub(taken_bytes).max(LEAST_ROOM_BYTES), &limit.folder)
        })
    }
}

/// What counts as a duplicate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mode {
    /// Documents that are equal after normalisation.
    Exact,
    /// Those, and documents whose sets of shingles have a Jaccard similarity of at least `threshold`, above 0 and at most 1.
    Near {
        /// The least similarity.
        threshold: f64,
    },
    /// Those, and documents that are contained in larger ones: at least `threshold` of their shingles stand there, above 0 and at most 1.
    /// A document is dropped only if one that is kept contains it. Which one is kept is decided by size first.
    Contained {
        /// The least share.
        threshold: f64,
    },
}

/// Which document of a cluster is kept. Of several that are equally good, the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keep {
    /// The first in the corpus.
    #[default]
    First,
    /// The last in the corpus.
    Last,
    /// The one with most characters.
    Longest,
    /// The one with fewest characters.
    Shortest,
    /// The one that reads best, by the readability score of [`redundancy_detect::quality`].
    BestQuality,
    /// The one with the largest [`Document::rank`]; one without a rank is kept last.
    Rank,
}

/// How far a job got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub stage: Stage,
    /// Bytes of the corpus read in this stage; while comparing, bands, or in [`Mode::Contained`] documents.
    pub done: u64,
    /// Documents known so far.
    pub documents: u64,
}

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// All documents are read.
    Reading,
    /// Candidates are read again.
    Gathering,
    /// Candidates are compared.
    Comparing,
    /// The documents in clusters are read again.
    Deciding,
}

/// Finds the duplicates in `corpus`. `progress` is called often, from any thread.
///
/// Time in proportion to the text, but for documents that are nearly alike without being it; memory about 160 bytes for each
/// document and 8 for each shingle of a candidate.
///
/// # Errors
/// Those of the corpus, and of the disk if memory is limited.
pub fn deduplicate<C: Corpus>(
    corpus: &C,
    options: &DedupOptions,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Deduplicated, CorpusJobError<C::Error>> {
    let first = FirstPass::read(corpus, options, progress)?;
    if let Mode::Contained { threshold } = options.mode {
        return deduplicate_contained(corpus, options, first, threshold, progress);
    }
    let mut joined = UnionFind::new(first.distinct());
    let mut found = Found::default();
    let mut sets = Sets::none();
    if let Mode::Near { threshold } = options.mode {
        let bands = Banding::for_threshold(threshold).bands;
        let buckets = Buckets::of(&first, bands, options.threads);
        let candidates = buckets.candidates(first.distinct());
        sets = Sets::read(corpus, options, &first, &candidates, progress)?;
        let verifier = Verifier {
            found: &first,
            sets: &sets,
            threshold,
            bands,
            wants_all_pairs: options.all_pairs,
            threads: options.threads,
            frequencies: OnceLock::new(),
        };
        let mut compared = 0;
        let documents = first.documents();
        verifier.links(
            &buckets,
            &mut joined,
            |link, connects| found.add(link, connects, options.all_pairs),
            |_| {
                compared += 1;
                progress(Progress { stage: Stage::Comparing, done: compared, documents });
            },
        );
    }
    let clustered = Clustered::of(&first, &mut joined);
    let members = Members::read(corpus, options, &first, &clustered.records, progress)?;
    let found = clusters::decide(first, &found, clustered, members, &sets, options);
    sets.take_failure().map_err(CorpusJobError::Overflow)?;
    Ok(found)
}

/// The same for documents that are contained in others. Takes 8 bytes for each shingle of each document, 2 or more for counting
/// them, and 16 for those by which a document is found.
fn deduplicate_contained<C: Corpus>(
    corpus: &C,
    options: &DedupOptions,
    first: FirstPass,
    threshold: f64,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Deduplicated, CorpusJobError<C::Error>> {
    let all: Vec<Distinct> = (0..first.distinct()).collect();
    let mut sets = Sets::read(corpus, options, &first, &all, progress)?;
    let ranks = members::ranks(corpus, options, &first, progress)?;
    let documents = first.documents();
    let looked_at =
        |done: usize| progress(Progress { stage: Stage::Comparing, done: done as u64, documents });
    let wanted = (threshold, options.all_pairs);
    let found = Contained::of(&sets, &ranks, wanted, options.threads, looked_at);
    let records = first.records_of(found.documents());
    let members = Members::read(corpus, options, &first, &records, progress)?;
    let found = found.decide(first, members, &sets, options);
    sets.take_failure().map_err(CorpusJobError::Overflow)?;
    Ok(found)
}
