//! Duplicates across a whole corpus: which documents are the same, which are alike, and which of them to keep.
//!
//! A corpus is read three times, by all threads, and only what is needed is kept of it:
//!
//! 1. `first_pass`: one fingerprint for each document. Documents equal after normalisation are found by it. `bands`: the keys by which
//!    similar ones meet.
//! 2. `buckets`: documents with a band in common are candidates. `sets`: only they are read again, for their whole sets of
//!    shingles. `links`: each candidate is counted exactly; `prefix` keeps boilerplate from making that quadratic.
//! 3. `members`: the documents in clusters are read once more, for their ids and for what decides which one is kept.
//!
//! What memory has no room for goes into files (`scratch`): keys of bands as sorted runs that are merged, sets of shingles as they are
//! (`lists`). Of [`Mode::Contained`], as many documents are looked for at a time as there is room for.
//!
//! No answer rests on a fingerprint alone, and none depends on the number of threads.

mod bands;
mod buckets;
mod capped;
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
mod scratch;
mod sets;
mod source;
mod union_find;

pub use clusters::{Cluster, Deduplicated, Duplicate, DuplicateKind, Pair};
pub use first_pass::Invalid;
pub use members::Member;
pub use source::{Block, Buffer, Corpus, Document, InMemory, InvalidRecord, Record};

use bands::Bands;
use buckets::Buckets;
use clusters::{Clustered, Found};
use contained::{Contained, Wanted};
use first_pass::{Distinct, FirstPass};
use links::Verifier;
use lists::Overflow;
use members::Members;
use redundancy_detect::fingerprint::Shingling;
use sets::Sets;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::{fmt, io};
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

/// How much memory a job may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryLimit {
    /// About how many bytes all that is kept of a corpus may take. What has no room goes to the disk, but for 64 bytes of each document, 112
    /// in [`Mode::Contained`], and some of each that is a duplicate: where those alone are more than this, the job ends with
    /// [`CorpusJobError::Memory`]. The documents that are worked on, one block for each thread, come on top.
    pub bytes: u64,
    /// The folder for files without names with what is beyond.
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
    /// There is no room for what cannot go to the disk.
    #[error("{count} {kept} need {needed_bytes} bytes of memory at least, and may take {limit_bytes}")]
    Memory {
        /// What there are too many of.
        kept: Kept,
        /// How many there are, or were when the room ended.
        count: u64,
        /// What they take, with all that is held beside them.
        needed_bytes: u64,
        /// The limit.
        limit_bytes: u64,
    },
}

/// What is held in memory whatever its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// What is known of each document.
    Documents,
    /// What is told of each document in a cluster.
    Members,
    /// All pairs, if [`DedupOptions::all_pairs`] asks for them.
    Pairs,
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Documents => "documents",
            Self::Members => "documents in clusters",
            Self::Pairs => "pairs",
        })
    }
}

/// Memory for each document in a cluster, at most: its id with what is told of it, its place in the cluster, and what it is a duplicate of.
const EACH_MEMBER_BYTES: u64 = 192;

/// Memory that is there for what can go to the disk, even where the documents alone take all of the limit.
const LEAST_ROOM_BYTES: u64 = 1 << 20;

impl DedupOptions {
    /// Bytes of memory for what can go to the disk, when `taken_bytes` are taken.
    fn room(&self, taken_bytes: u64) -> u64 {
        let room = |limit: &MemoryLimit| limit.bytes.saturating_sub(taken_bytes).max(LEAST_ROOM_BYTES);
        self.memory.as_ref().map_or(u64::MAX, room)
    }

    /// Where sets of shingles go, when there is `room` for them.
    fn overflow(&self, room: u64) -> Overflow {
        self.memory.as_ref().map_or(Overflow::never(), |limit| Overflow::new(room, &limit.folder))
    }

    /// Ends the job if there is no room for `needed_bytes`, which cannot go to the disk; `count` of what is `kept` take the most of it.
    fn require<E>(&self, needed_bytes: u64, kept: Kept, count: u64) -> Result<(), CorpusJobError<E>> {
        match &self.memory {
            Some(limit) if needed_bytes > limit.bytes.max(LEAST_ROOM_BYTES) => {
                Err(CorpusJobError::Memory { kept, count, needed_bytes, limit_bytes: limit.bytes })
            }
            _ => Ok(()),
        }
    }

    /// Bytes of memory for what can go to the disk, if as many documents may turn out to be `members` of clusters.
    fn room_beside(&self, first: &FirstPass, members: usize) -> u64 {
        self.room(first.memory_bytes() + EACH_MEMBER_BYTES * members as u64)
    }

    /// Ends the job if there is no room for what comes out of it. Pairs have a fourth of what the rest leaves: they are held as they are found,
    /// and as they come out.
    fn require_results<E>(
        &self,
        first: &FirstPass,
        members: usize,
        (pairs, left_out): (u64, u64),
    ) -> Result<(), CorpusJobError<E>> {
        let members = members as u64;
        let without_pairs = first.memory_bytes() + EACH_MEMBER_BYTES * members;
        self.require(without_pairs, Kept::Members, members)?;
        // Room was left for more members than there are, perhaps. Those that found none are lost all the same.
        let pairs = pairs.saturating_add(left_out);
        let for_pairs = pairs.saturating_mul(4 * size_of::<Pair>() as u64);
        let needed = without_pairs.saturating_add(for_pairs);
        let limit = self.memory.as_ref().map_or(0, |limit| limit.bytes.max(LEAST_ROOM_BYTES));
        self.require(if left_out > 0 { needed.max(limit + 1) } else { needed }, Kept::Pairs, pairs)
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
/// Time in proportion to the text, but for documents that are nearly alike without being it. Memory as [`MemoryLimit`] says; without one
/// about 200 bytes for each document and 8 for each shingle of a candidate.
///
/// # Errors
/// Those of the corpus, and if memory is limited, of the disk, or when there is not enough of it for that many documents.
pub fn deduplicate<C: Corpus>(
    corpus: &C,
    options: &DedupOptions,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Deduplicated, CorpusJobError<C::Error>> {
    let mut first = FirstPass::read(corpus, options, progress)?;
    if let Mode::Contained { threshold } = options.mode {
        return deduplicate_contained(corpus, options, first, threshold, progress);
    }
    let mut joined = UnionFind::new(first.distinct());
    let mut found = Found::default();
    let mut sets = Sets::none();
    if let Mode::Near { threshold } = options.mode {
        let folder =
            options.memory.as_ref().filter(|_| first.bands.is_spilled()).map(|limit| limit.folder.as_path());
        let buffers = options.room(first.memory_bytes()) / 8;
        let buckets =
            Buckets::of(&first.bands, options.threads, folder, buffers).map_err(CorpusJobError::Overflow)?;
        let candidates = buckets.candidates(first.distinct()).map_err(CorpusJobError::Overflow)?;
        let room = options.room_beside(&first, first.records_of(candidates.iter().copied()).len());
        found = Found::new(options.all_pairs.then_some(room / 4));
        sets = Sets::read(corpus, options, &first, &candidates, room / 2, progress)?;
        let verifier = Verifier {
            found: &first,
            sets: &sets,
            threshold,
            wants_all_pairs: options.all_pairs,
            threads: options.threads,
            frequencies: OnceLock::new(),
            frequencies_room: room / 8,
        };
        let mut compared = 0;
        let documents = first.documents();
        let compared = verifier.links(
            &buckets,
            &mut joined,
            |link, connects| found.add(link, connects),
            |_| {
                compared += 1;
                progress(Progress { stage: Stage::Comparing, done: compared, documents });
            },
        );
        compared.and_then(|()| first.bands.take_failure()).map_err(CorpusJobError::Overflow)?;
        first.bands = Bands::default();
    }
    let clustered = Clustered::of(&first, &mut joined);
    options.require_results(
        &first,
        clustered.records.len(),
        if options.all_pairs { found.pairs(&first) } else { (0, 0) },
    )?;
    let members = Members::read(corpus, options, &first, &clustered.records, progress)?;
    let found = clusters::decide(first, &found, clustered, members, &sets, options);
    sets.take_failure().map_err(CorpusJobError::Overflow)?;
    Ok(found)
}

/// The same for documents that are contained in others. What is held or goes to the disk is 8 bytes for each shingle of each document; of
/// those by which a document is found, 12, as many are held as there is room for.
fn deduplicate_contained<C: Corpus>(
    corpus: &C,
    options: &DedupOptions,
    first: FirstPass,
    threshold: f64,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Deduplicated, CorpusJobError<C::Error>> {
    let room = options.room_beside(&first, first.records.len());
    let all: Vec<Distinct> = (0..first.distinct()).collect();
    let mut sets = Sets::read(corpus, options, &first, &all, room / 2, progress)?;
    drop(all);
    let ranks = members::ranks(corpus, options, &first, progress)?;
    let documents = first.documents();
    let looked_at =
        |done: usize| progress(Progress { stage: Stage::Comparing, done: done as u64, documents });
    let wanted = Wanted { threshold, all: options.all_pairs, room: room / 8 };
    let found = Contained::of(&sets, &ranks, wanted, options.threads, looked_at);
    let records = first.records_of(found.documents());
    options.require_results(
        &first,
        records.len(),
        if options.all_pairs { found.pairs(&first) } else { (0, 0) },
    )?;
    let members = Members::read(corpus, options, &first, &records, progress)?;
    let found = found.decide(first, members, &sets, options);
    sets.take_failure().map_err(CorpusJobError::Overflow)?;
    Ok(found)
}
