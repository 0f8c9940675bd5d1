//! The last reading: the documents that stand in clusters, for their ids and for what decides which of them is kept.

use super::first_pass::{FirstPass, INVALID};
use super::pass::each_block;
use super::source::{Block, Buffer, Corpus, Document};
use super::{DedupOptions, Keep, Progress, Stage};
use redundancy_detect::analyze::normalized;
use redundancy_detect::quality::{QualityOptions, quality};
use redundancy_detect::{MAX_TEXT_BYTES, Text};

/// A document that stands in a cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// The number of its record in the corpus, 0 for the first.
    pub record: u32,
    /// Which file of the corpus it is in, by its number there.
    pub file: u32,
    /// Its line in that file, 1 for the first.
    pub line: u64,
    /// Its id; `None` if it has none, or an earlier record has the same.
    pub id: Option<Box<str>>,
    /// The first half of the hash of its text, byte for byte: nobody finds two texts with the same.
    pub(super) content: HalfHash,
    /// The same of its normalised words, for a document of which the fingerprint says that another equals it.
    pub(super) normalized: Option<HalfHash>,
    /// The document with the largest is kept.
    pub(super) rank: f64,
}

/// 128 bits of BLAKE3: half of what a whole hash takes, for there may be as many members as documents.
type HalfHash = [u8; 16];

/// The members of all clusters, in the order of the corpus.
#[derive(Debug, Default)]
pub(super) struct Members(pub(super) Vec<Member>);

impl Members {
    /// Reads the `wanted` records, which come in rising order.
    pub(super) fn read<C: Corpus>(
        corpus: &C,
        options: &DedupOptions,
        first: &FirstPass,
        wanted: &[u32],
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Self, C::Error> {
        let mut members = Vec::with_capacity(wanted.len());
        if wanted.is_empty() {
            return Ok(Self::default());
        }
        let unusable = first.unusable_ids();
        let repeated = first.repeated();
        let mut read_bytes = 0;
        each_block(
            corpus,
            options.threads,
            || (Buffer::default(), None),
            |(buffer, last), block, number| {
                let mut found = Vec::new();
                for (record, place) in first.records_in_block(wanted, number) {
                    if let Ok(document) = corpus.document(block, place, buffer) {
                        let known = Known {
                            is_id_usable: unusable.get(record as usize) == Some(&false),
                            is_repeated: repeated.get(record as usize) == Some(&true),
                        };
                        found.push(member(record, block, place, &document, known, options.keep, last));
                    }
                }
                (found, block.bytes.len() as u64)
            },
            |(found, bytes)| {
                read_bytes += bytes;
                members.extend(found);
                progress(Progress { stage: Stage::Deciding, done: read_bytes, documents: first.documents() });
                Ok(())
            },
        )?;
        Ok(Self(members))
    }

    /// The member with this record.
    pub(super) fn of(&self, record: u32) -> Option<&Member> {
        self.0.binary_search_by_key(&record, |member| member.record).ok().and_then(|place| self.0.get(place))
    }
}

/// The highest rank among the records of each distinct document. Reads the corpus again if the rank depends on more than the order.
pub(super) fn ranks<C: Corpus>(
    corpus: &C,
    options: &DedupOptions,
    first: &FirstPass,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Vec<f64>, C::Error> {
    if options.keep == Keep::First {
        return Ok(first.firsts.iter().map(|record| -f64::from(*record)).collect());
    }
    let mut ranks = vec![f64::NEG_INFINITY; first.firsts.len()];
    let mut read_bytes = 0;
    each_block(
        corpus,
        options.threads,
        Buffer::default,
        |buffer, block, number| {
            let mut found = Vec::new();
            for (record, place) in (first.start_of(number)..).zip(0..block.records.len()) {
                if let Ok(document) = corpus.document(block, place, buffer) {
                    found.push((record, rank(record, &document, options.keep)));
                }
            }
            (found, block.bytes.len() as u64)
        },
        |(found, bytes)| {
            for (record, rank) in found {
                let distinct = first.records.get(record as usize).copied().unwrap_or(INVALID);
                if let Some(highest) = ranks.get_mut(distinct as usize) {
                    *highest = highest.max(rank);
                }
            }
            read_bytes += bytes;
            progress(Progress { stage: Stage::Deciding, done: read_bytes, documents: first.documents() });
            Ok(())
        },
    )?;
    Ok(ranks)
}

/// What is known of a member before it is read again.
#[derive(Clone, Copy)]
struct Known {
    /// Whether its id is there, and its own.
    is_id_usable: bool,
    /// Whether the fingerprint of another document is the same.
    is_repeated: bool,
}

/// The text hashed last, by its bytes and by its words: copies often stand behind each other, and need no second look.
type Last = Option<(blake3::Hash, Option<blake3::Hash>)>;

fn member(
    record: u32,
    block: &Block,
    place: usize,
    document: &Document<'_>,
    known: Known,
    keep: Keep,
    last: &mut Last,
) -> Member {
    let at = block.records.get(place);
    let content = blake3::hash(document.text.as_bytes());
    Member {
        record,
        file: at.map_or(0, |record| u32::try_from(record.file).unwrap_or(u32::MAX)),
        line: at.map_or(0, |record| record.line),
        id: document.id.as_deref().filter(|_| known.is_id_usable).map(Box::from),
        content: half(content),
        normalized: known
            .is_repeated
            .then(|| hash_words(document.compared(), content, last))
            .flatten()
            .map(half),
        rank: rank(record, document, keep),
    }
}

fn half(hash: blake3::Hash) -> HalfHash {
    hash.as_bytes().first_chunk().copied().unwrap_or_default()
}

fn hash_words(text: &str, content: blake3::Hash, last: &mut Last) -> Option<blake3::Hash> {
    if let Some((_, normalized)) = last.filter(|(last, _)| *last == content) {
        return normalized;
    }
    let normalized = (text.len() <= MAX_TEXT_BYTES).then(|| normalized(text).hash);
    *last = Some((content, normalized));
    normalized
}

fn rank(record: u32, document: &Document<'_>, keep: Keep) -> f64 {
    let characters = || document.text.chars().count() as f64;
    let readability = |text: Text<'_>| quality(&text, &QualityOptions::default()).readability_score;
    match keep {
        Keep::First => -f64::from(record),
        Keep::Last => f64::from(record),
        Keep::Longest => characters(),
        Keep::Shortest => -characters(),
        Keep::BestQuality => Text::new(&document.text).map_or(f64::NEG_INFINITY, readability),
        Keep::Rank => document.rank.unwrap_or(f64::NEG_INFINITY),
    }
}
