//! The second reading: the whole sets of shingles of the documents that are compared.

use super::first_pass::{Distinct, FirstPass};
use super::pass::each_block;
use super::source::{Buffer, Corpus};
use super::{DedupOptions, Progress, Stage};
use redundancy_detect::fingerprint::{ShingleSet, Shingler, WINDOW, winnow};

/// Sets of shingles of some distinct documents.
#[derive(Debug, Default)]
pub(super) struct Sets {
    /// For each distinct document where its set is; of no length if it is not kept.
    places: Vec<Place>,
    /// The sets of the documents of one block of the corpus, one after the other.
    blocks: Vec<Vec<u64>>,
    /// The same for their fingerprints, if they were asked for.
    fingerprint_places: Vec<Place>,
    fingerprints: Vec<Vec<u64>>,
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
        with_fingerprints: bool,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Self, C::Error> {
        let nowhere = vec![Place::default(); found.firsts.len()];
        let mut sets = Self { places: nowhere.clone(), ..Self::default() };
        if with_fingerprints {
            sets.fingerprint_places = nowhere;
        }
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
                    if with_fingerprints {
                        let picks = winnow(shingler.shingles(), WINDOW);
                        part.fingerprints.add(document, picks.into_iter().map(|pick| pick.hash));
                    }
                    one.clear();
                    one.extend_from_slice(shingler.shingles());
                    let set = ShingleSet::sort(&mut one);
                    part.sets.add(document, set.as_slice().iter().copied());
                }
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
        ShingleSet::from_sorted_unchecked(numbers(&self.places, &self.blocks, document))
    }

    /// The fingerprints of a document that was wanted, in the order of the text.
    pub(super) fn fingerprints(&self, document: Distinct) -> &[u64] {
        numbers(&self.fingerprint_places, &self.fingerprints, document)
    }

    fn add(&mut self, part: Part) {
        part.sets.join(&mut self.places, &mut self.blocks);
        part.fingerprints.join(&mut self.fingerprint_places, &mut self.fingerprints);
    }
}

fn numbers<'s>(places: &[Place], blocks: &'s [Vec<u64>], document: Distinct) -> &'s [u64] {
    let Place { block, start, len } = places.get(document as usize).copied().unwrap_or_default();
    let block = blocks.get(block as usize).map(Vec::as_slice).unwrap_or_default();
    block.get(start as usize..(start + len) as usize).unwrap_or_default()
}

/// What comes of one block.
#[derive(Default)]
struct Part {
    bytes: u64,
    sets: Lists,
    fingerprints: Lists,
}

/// Lists of numbers, one for each of some documents.
#[derive(Default)]
struct Lists {
    numbers: Vec<u64>,
    /// Document, start and length.
    places: Vec<(Distinct, u32, u32)>,
}

impl Lists {
    fn add(&mut self, document: Distinct, list: impl Iterator<Item = u64>) {
        let start = self.numbers.len();
        self.numbers.extend(list);
        // A block has at most one text beyond its usual size, and no text has as many shingles as 32 bits can count.
        let [start, len] =
            [start, self.numbers.len() - start].map(|size| u32::try_from(size).unwrap_or(u32::MAX));
        self.places.push((document, start, len));
    }

    fn join(mut self, places: &mut [Place], blocks: &mut Vec<Vec<u64>>) {
        let block = u32::try_from(blocks.len()).unwrap_or(u32::MAX);
        for (document, start, len) in self.places {
            if let Some(place) = places.get_mut(document as usize) {
                *place = Place { block, start, len };
            }
        }
        self.numbers.shrink_to_fit();
        blocks.push(self.numbers);
    }
}
