//! The second reading: the whole sets of shingles of the candidates.

use super::first_pass::{Distinct, FirstPass};
use super::pass::each_block;
use super::source::{Buffer, Corpus};
use super::{DedupOptions, Progress, Stage};
use redundancy_detect::fingerprint::{ShingleSet, Shingler};

/// Sets of shingles of some distinct documents.
#[derive(Debug, Default)]
pub(super) struct Sets {
    /// For each distinct document where its set is; of no length if it is not kept.
    places: Vec<Place>,
    /// The sets of the documents of one block of the corpus, one after the other.
    blocks: Vec<Vec<u64>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Place {
    block: u32,
    start: u32,
    len: u32,
}

impl Sets {
    /// Reads the `wanted` documents of the corpus, which come in rising order.
    pub(super) fn read<C: Corpus>(
        corpus: &C,
        options: &DedupOptions,
        found: &FirstPass,
        wanted: &[Distinct],
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Self, C::Error> {
        let mut sets = Self { places: vec![Place::default(); found.firsts.len()], blocks: Vec::new() };
        if wanted.is_empty() {
            return Ok(sets);
        }
        let mut read_bytes = 0;
        each_block(
            corpus,
            options.threads,
            || (Shingler::new(options.shingling), Buffer::default()),
            |(shingler, buffer), block, number| {
                let mut part = Part { bytes: block.bytes.len() as u64, ..Part::default() };
                let mut one = Vec::new();
                for (document, record) in found.in_block(wanted, number) {
                    let Ok(read) = corpus.document(block, record, buffer) else { continue };
                    if shingler.read(&read.text).is_err() {
                        continue;
                    }
                    one.clear();
                    one.extend_from_slice(shingler.shingles());
                    part.add(document, ShingleSet::sort(&mut one));
                }
                part.shingles.shrink_to_fit();
                part
            },
            |part| {
                read_bytes += part.bytes;
                sets.add(part);
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

    /// The set of a document that was wanted; empty for others.
    pub(super) fn of(&self, document: Distinct) -> ShingleSet<'_> {
        let Place { block, start, len } = self.places.get(document as usize).copied().unwrap_or_default();
        let shingles = self
            .blocks
            .get(block as usize)
            .and_then(|block| block.get(start as usize..(start + len) as usize));
        ShingleSet::from_sorted_unchecked(shingles.unwrap_or_default())
    }

    fn add(&mut self, part: Part) {
        let block = u32::try_from(self.blocks.len()).unwrap_or(u32::MAX);
        for (document, start, len) in part.places {
            if let Some(place) = self.places.get_mut(document as usize) {
                *place = Place { block, start, len };
            }
        }
        self.blocks.push(part.shingles);
    }
}

/// The sets of one block.
#[derive(Default)]
struct Part {
    bytes: u64,
    shingles: Vec<u64>,
    /// Document, start and length.
    places: Vec<(Distinct, u32, u32)>,
}

impl Part {
    fn add(&mut self, document: Distinct, set: ShingleSet<'_>) {
        // A block has at most one text beyond its usual size, and no text has as many shingles as 32 bits can count.
        let [start, len] =
            [self.shingles.len(), set.len()].map(|size| u32::try_from(size).unwrap_or(u32::MAX));
        self.places.push((document, start, len));
        self.shingles.extend_from_slice(set.as_slice());
    }
}
