//! The second reading: the whole sets of shingles of the documents that are compared.

use super::first_pass::{Distinct, FirstPass};
use super::lists::{BlockLists, Lists, Overflow};
use super::pass::each_block;
use super::source::{Block, Buffer, Corpus};
use super::{CorpusJobError, DedupOptions, Progress, Stage};
use redundancy_detect::fingerprint::{Overlap, ShingleSet, Shingler};
use std::borrow::Cow;
use std::io;

/// Sets of shingles of some distinct documents.
#[derive(Debug)]
pub(super) struct Sets {
    shingles: Lists,
    overflow: Overflow,
}

impl Sets {
    /// No sets.
    pub(super) fn none() -> Self {
        Self { shingles: Lists::default(), overflow: Overflow::never() }
    }

    /// Reads the `wanted` documents of the corpus, which come in rising order. Sets of `room` bytes stay in memory.
    pub(super) fn read<C: Corpus>(
        corpus: &C,
        options: &DedupOptions,
        found: &FirstPass,
        wanted: &[Distinct],
        room: u64,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Self, CorpusJobError<C::Error>> {
        let mut sets =
            Self { shingles: Lists::of_documents(found.firsts.len()), overflow: options.overflow(room) };
        if wanted.is_empty() {
            return Ok(sets);
        }
        let mut read_bytes = 0;
        each_block(
            corpus,
            options.threads,
            || (Shingler::new(options.shingling), Buffer::default()),
            |(shingler, buffer), block, number| {
                Part::of(corpus, block, found.in_block(wanted, number), shingler, buffer)
            },
            |part: Part| -> Result<(), CorpusJobError<C::Error>> {
                read_bytes += part.bytes;
                sets.add(part).map_err(CorpusJobError::Overflow)?;
                progress(Progress {
                    stage: Stage::Gathering,
                    done: read_bytes,
                    documents: found.documents(),
                });
                Ok(())
            },
        )?;
        Ok(sets)
    }

    /// How many shingles a document that was wanted has; 0 for others.
    pub(super) fn len(&self, document: Distinct) -> usize {
        self.shingles.len(document)
    }

    /// The shingles of a document that was wanted, in rising order; none of others.
    pub(super) fn shingles(&self, document: Distinct) -> Cow<'_, [u64]> {
        self.shingles.get(document, &self.overflow)
    }

    /// What two documents share.
    pub(super) fn overlap(&self, one: Distinct, other: Distinct) -> Overlap {
        let (one, other) = (self.shingles(one), self.shingles(other));
        ShingleSet::from_sorted(&one).overlap(ShingleSet::from_sorted(&other))
    }

    /// What two documents share, if they are as alike as `threshold`.
    pub(super) fn similar(&self, one: Distinct, other: Distinct, threshold: f64) -> Option<Overlap> {
        let (one, other) = (self.shingles(one), self.shingles(other));
        ShingleSet::from_sorted(&one).similar(ShingleSet::from_sorted(&other), threshold)
    }

    /// What two documents share, if at least the share `threshold` of `inner` stands in `outer`.
    pub(super) fn contained(&self, inner: Distinct, outer: Distinct, threshold: f64) -> Option<Overlap> {
        let (inner, outer) = (self.shingles(inner), self.shingles(outer));
        ShingleSet::from_sorted(&inner).contained_in(ShingleSet::from_sorted(&outer), threshold)
    }

    /// What kept a set from being read back, if anything did: then nothing that was found counts.
    pub(super) fn take_failure(&mut self) -> io::Result<()> {
        self.shingles.take_failure()
    }

    fn add(&mut self, part: Part) -> io::Result<()> {
        self.shingles.add(part.sets, &mut self.overflow)
    }
}

/// What comes of one block.
#[derive(Default)]
struct Part {
    bytes: u64,
    sets: BlockLists,
}

impl Part {
    fn of<C: Corpus>(
        corpus: &C,
        block: &Block,
        documents: impl Iterator<Item = (Distinct, usize)>,
        shingler: &mut Shingler,
        buffer: &mut Buffer,
    ) -> Self {
        let mut part = Self { bytes: block.bytes.len() as u64, ..Self::default() };
        let mut one = Vec::new();
        for (document, record) in documents {
            let Ok(read) = corpus.document(block, record, buffer) else { continue };
            if shingler.read(read.compared()).is_err() {
                continue;
            }
            one.clear();
            one.extend_from_slice(shingler.shingles());
            part.sets.add(document, ShingleSet::sort(&mut one).as_slice().iter().copied());
        }
        part
    }
}
