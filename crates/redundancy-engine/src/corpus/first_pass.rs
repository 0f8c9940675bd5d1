//! The first reading of a corpus: which documents are equal after normalisation, and the bands of one of each.

use super::bands::Bands;
use super::pass::each_block;
use super::source::{Block, Buffer, Corpus};
use super::{CorpusJobError, DedupOptions, Kept, Mode, Progress, Stage};
use hashbrown::HashTable;
use redundancy_detect::fingerprint::{Banding, Shingler, Sketcher};

/// A document among those of which no two are equal after normalisation: 0 for the first in the corpus.
pub(super) type Distinct = u32;

/// The place of a record that holds no document among the distinct ones.
pub(super) const INVALID: Distinct = Distinct::MAX;

/// What the first reading finds out.
#[derive(Debug, Default)]
pub(super) struct FirstPass {
    /// For each record in order, which distinct document it is; [`INVALID`] if it is none.
    pub(super) records: Vec<Distinct>,
    /// For each block of the corpus the number of its first record.
    blocks: Vec<u32>,
    /// For each distinct document the first record that holds it.
    pub(super) firsts: Vec<u32>,
    /// The bands of each distinct document.
    pub(super) bands: Bands,
    /// Hash of the id of each record, 0 without one.
    ids: Vec<u64>,
    /// Records without a document: number, line, reason. No more than [`MOST_INVALID`] of them.
    pub(super) invalid: Vec<Invalid>,
    /// How many there are.
    pub(super) invalid_count: u64,
    /// Bytes of text in all documents.
    pub(super) text_bytes: u64,
}

/// The distinct documents by their normalised words; needed only while documents are read.
#[derive(Debug, Default)]
struct Known {
    /// Hash of the normalised words, for each distinct document.
    normalized: Vec<u128>,
    /// Finds a distinct document by its hash.
    by_hash: HashTable<Distinct>,
}

/// A record that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// Which file of the corpus it is in, by its number there.
    pub file: usize,
    /// Its line in that file, 1 for the first.
    pub line: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// How many records that could not be read are remembered with their reasons; beyond, they are only counted.
const MOST_INVALID: usize = 1_000;

/// Memory for each record, at most, while something is done with all of them: its document, its id, its place, what it is equal to, and what
/// sorting takes.
const EACH_RECORD_BYTES: u64 = 64;

/// What a thread makes of a block.
#[derive(Default)]
struct Fingerprints {
    documents: Vec<Option<Fingerprint>>,
    /// Bands of the documents, one after the other.
    bands: Vec<u32>,
    invalid: Vec<Invalid>,
    text_bytes: u64,
    bytes: u64,
}

struct Fingerprint {
    normalized: u128,
    has_shingles: bool,
    id: u64,
}

/// What a thread keeps from block to block.
struct Worker {
    shingler: Shingler,
    sketcher: Sketcher,
    buffer: Buffer,
}

impl FirstPass {
    /// Reads the corpus.
    pub(super) fn read<C: Corpus>(
        corpus: &C,
        options: &DedupOptions,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Self, CorpusJobError<C::Error>> {
        let banding = match options.mode {
            Mode::Near { threshold } => Some(Banding::for_threshold(threshold)),
            Mode::Exact | Mode::Contained { .. } => None,
        };
        let worker = || Worker {
            shingler: Shingler::new(options.shingling),
            sketcher: Sketcher::new(banding.map_or(1, Banding::places)),
            buffer: Buffer::default(),
        };
        let bands = banding.map_or(0, |banding| banding.bands);
        let mut found = Self { bands: Bands::new(bands), ..Self::default() };
        let mut known = Known::default();
        let mut read_bytes = 0;
        each_block(
            corpus,
            options.threads,
            worker,
            |worker, block, _| worker.fingerprint(corpus, block, banding),
            |fingerprints: Fingerprints| -> Result<(), CorpusJobError<C::Error>> {
                read_bytes += fingerprints.bytes;
                found.add(fingerprints, &mut known);
                found.fit_into_memory(options)?;
                progress(Progress { stage: Stage::Reading, done: read_bytes, documents: found.documents() });
                Ok(())
            },
        )?;
        if let Some(limit) = options.memory.as_ref().filter(|_| found.bands.is_spilled()) {
            found.bands.spill(&limit.folder, options.threads).map_err(CorpusJobError::Overflow)?;
        }
        Ok(found)
    }

    /// How many documents there are.
    pub(super) fn documents(&self) -> u64 {
        self.records.len() as u64 - self.invalid_count
    }

    /// How many bytes of memory are taken, or will be taken later, for what is known of all documents.
    pub(super) fn memory_bytes(&self) -> u64 {
        EACH_RECORD_BYTES * self.records.len() as u64 + self.bands.memory_bytes()
    }

    /// Writes the bands into files when they take half of what is left of the memory.
    fn fit_into_memory<E>(&mut self, options: &DedupOptions) -> Result<(), CorpusJobError<E>> {
        let Some(limit) = &options.memory else { return Ok(()) };
        let for_records = EACH_RECORD_BYTES * self.records.len() as u64;
        options.require(for_records, Kept::Documents, self.records.len() as u64)?;
        if self.bands.memory_bytes() > options.room(for_records) / 2 {
            self.bands.spill(&limit.folder, options.threads).map_err(CorpusJobError::Overflow)?;
        }
        Ok(())
    }

    /// How many distinct documents there are.
    pub(super) fn distinct(&self) -> u32 {
        u32::try_from(self.firsts.len()).unwrap_or(u32::MAX)
    }

    /// The records of `documents` and of all that have an equal one, in order.
    pub(super) fn records_of(&self, documents: impl Iterator<Item = Distinct>) -> Vec<u32> {
        let mut is_wanted = vec![false; self.firsts.len()];
        for document in documents {
            if let Some(flag) = is_wanted.get_mut(document as usize) {
                *flag = true;
            }
        }
        let wanted = |distinct: Distinct| is_wanted.get(distinct as usize) == Some(&true);
        let repeated = self.repeated();
        let records = (0..).zip(&self.records).zip(repeated);
        records
            .filter(|((_, distinct), repeated)| *repeated || wanted(**distinct))
            .map(|((record, _), _)| record)
            .collect()
    }

    /// How many records hold each distinct document.
    pub(super) fn counts(&self) -> Vec<u32> {
        let mut counts = vec![0; self.firsts.len()];
        for distinct in &self.records {
            if let Some(count) = counts.get_mut(*distinct as usize) {
                *count += 1;
            }
        }
        counts
    }

    /// For each record, whether another is equal after normalisation, as far as the fingerprint tells.
    pub(super) fn repeated(&self) -> Vec<bool> {
        let counts = self.counts();
        let is_repeated =
            |distinct: &Distinct| counts.get(*distinct as usize).is_some_and(|count| *count > 1);
        self.records.iter().map(is_repeated).collect()
    }

    /// For each record, whether its id is missing or was that of an earlier record.
    pub(super) fn unusable_ids(&self) -> Vec<bool> {
        let mut order: Vec<(u64, u32)> = self.ids.iter().copied().zip(0..).collect();
        order.sort_unstable();
        let mut unusable = vec![false; self.ids.len()];
        for same in order.chunk_by(|one, next| one.0 == next.0) {
            let usable = usize::from(same.first().is_some_and(|(id, _)| *id != 0));
            for (_, record) in same.iter().skip(usable) {
                if let Some(flag) = unusable.get_mut(*record as usize) {
                    *flag = true;
                }
            }
        }
        unusable
    }

    /// Of the `wanted` distinct documents, which come in rising order, those whose first record is in a block of the corpus, each
    /// with the number of that record in the block.
    pub(super) fn in_block(
        &self,
        wanted: &[Distinct],
        block: usize,
    ) -> impl Iterator<Item = (Distinct, usize)> {
        let first = |document: &Distinct| self.firsts.get(*document as usize).copied().unwrap_or(u32::MAX);
        self.within(wanted, first, block)
    }

    /// Of the `wanted` records, which come in rising order, those that are in a block of the corpus, each with its number in the block.
    pub(super) fn records_in_block(
        &self,
        wanted: &[u32],
        block: usize,
    ) -> impl Iterator<Item = (u32, usize)> {
        self.within(wanted, |record| *record, block)
    }

    /// The number of the first record of a block; of one behind the last, more than any record has.
    pub(super) fn start_of(&self, block: usize) -> u32 {
        self.blocks.get(block).copied().unwrap_or(u32::MAX)
    }

    /// Of `wanted`, which come in the order of their records, those whose record is in a block.
    fn within(
        &self,
        wanted: &[u32],
        record: impl Fn(&u32) -> u32,
        block: usize,
    ) -> impl Iterator<Item = (u32, usize)> {
        let (start, end) = (self.start_of(block), self.start_of(block + 1));
        let from = wanted.partition_point(|one| record(one) < start);
        let to = wanted.partition_point(|one| record(one) < end);
        let within = wanted.get(from..to).unwrap_or_default();
        within.iter().map(move |one| (*one, (record(one) - start) as usize))
    }

    fn add(&mut self, fingerprints: Fingerprints, known: &mut Known) {
        self.blocks.push(u32::try_from(self.records.len()).unwrap_or(u32::MAX));
        self.text_bytes += fingerprints.text_bytes;
        let room = MOST_INVALID - self.invalid.len();
        self.invalid_count += fingerprints.invalid.len() as u64;
        self.invalid.extend(fingerprints.invalid.into_iter().take(room));
        let mut keys = fingerprints.bands.chunks_exact(self.bands.each().max(1));
        for document in fingerprints.documents {
            let Some(document) = document else {
                self.records.push(INVALID);
                self.ids.push(0);
                continue;
            };
            let keys = keys.next().unwrap_or_default();
            let distinct = self.distinct_of(&document, keys, known);
            self.records.push(distinct);
            self.ids.push(document.id);
        }
    }

    fn distinct_of(&mut self, document: &Fingerprint, keys: &[u32], known: &mut Known) -> Distinct {
        let number = self.distinct();
        let found = known.find_or_add(document.normalized, number);
        if found == number {
            self.firsts.push(u32::try_from(self.records.len()).unwrap_or(u32::MAX));
            self.bands.push(keys, document.has_shingles);
        }
        found
    }
}

impl Known {
    /// The document with this hash: the `next` one, if there is none.
    fn find_or_add(&mut self, document: u128, next: Distinct) -> Distinct {
        let Self { normalized, by_hash } = self;
        let hash = |number: &Distinct| normalized.get(*number as usize).map_or(0, |hash| low_half(*hash));
        let same = |number: &Distinct| normalized.get(*number as usize) == Some(&document);
        if let Some(distinct) = by_hash.find(low_half(document), same) {
            return *distinct;
        }
        by_hash.insert_unique(low_half(document), next, hash);
        normalized.push(document);
        next
    }
}

impl Worker {
    fn fingerprint<C: Corpus>(
        &mut self,
        corpus: &C,
        block: &Block,
        banding: Option<Banding>,
    ) -> Fingerprints {
        let mut found = Fingerprints { bytes: block.bytes.len() as u64, ..Fingerprints::default() };
        for (number, record) in block.records.iter().enumerate() {
            let read = corpus.document(block, number, &mut self.buffer);
            let document = read.map_err(|invalid| invalid.reason).and_then(|document| {
                self.shingler.read(document.compared()).map_err(|error| error.to_string())?;
                Ok(document)
            });
            let document = match document {
                Ok(document) => document,
                Err(reason) => {
                    found.documents.push(None);
                    found.invalid.push(Invalid { file: record.file, line: record.line, reason });
                    continue;
                }
            };
            found.text_bytes += document.text.len() as u64;
            let shingles = self.shingler.shingles();
            if let Some(banding) = banding {
                let signature = self.sketcher.sketch(shingles);
                let before = found.bands.len();
                found.bands.extend(
                    signature.into_iter().flat_map(|signature| banding.keys(signature)).map(short_key),
                );
                found.bands.resize(before + banding.bands, 0);
            }
            found.documents.push(Some(Fingerprint {
                normalized: if shingles.is_empty() {
                    hash_wordless(document.compared())
                } else {
                    self.shingler.normalized()
                },
                has_shingles: !shingles.is_empty(),
                id: document.id.map_or(0, |id| hash_id(&id)),
            }));
        }
        found
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is a hash as good as the whole")]
const fn low_half(hash: u128) -> u64 {
    hash as u64
}

/// Half of a band's key. Two of a million documents have the same half by chance once in a hundred bands; they are compared, and that
/// is all.
#[expect(clippy::cast_possible_truncation, reason = "half of a hash is a hash")]
const fn short_key(key: u64) -> u32 {
    key as u32
}

/// For texts of symbols only: they are the same if they are, but for the white space around them.
fn hash_wordless(text: &str) -> u128 {
    let hash = blake3::hash(text.trim().as_bytes());
    u128::from_le_bytes(hash.as_bytes().first_chunk().copied().unwrap_or_default())
}

/// Never 0, which stands for no id.
fn hash_id(id: &str) -> u64 {
    let hash = blake3::hash(id.as_bytes());
    u64::from_le_bytes(hash.as_bytes().first_chunk().copied().unwrap_or_default()).max(1)
}
