//! The keys of the bands of each document: in memory while there is room, then in files, as sorted runs.

use super::first_pass::Distinct;
use super::parallel::map_in_order;
use super::scratch::Scratch;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::io;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::OnceLock;

/// Keys of the bands of the distinct documents, in the order of the documents.
#[derive(Debug, Default)]
pub(super) struct Bands {
    /// How many bands a document has.
    each: usize,
    /// Keys of the documents that are in no run, one document after the other.
    rows: Vec<u32>,
    /// Documents without shingles, in order. They have no keys; in their rows stands 0.
    wordless: Vec<Distinct>,
    spilled: Option<Spilled>,
    /// What kept keys from being read back. Whoever asks for them goes on, and asks for this at the end.
    failure: OnceLock<io::Error>,
}

/// What is in files.
#[derive(Debug)]
struct Spilled {
    /// The rows as they were.
    rows: Scratch,
    /// The entries of all runs: those of the first band of a run, then those of its second, and so on.
    entries: Scratch,
    runs: Vec<Run>,
    /// How many documents are in runs.
    documents: u32,
}

/// The keys of some documents that stand behind each other, sorted in each band.
#[derive(Debug, Clone, Copy)]
struct Run {
    /// The byte at which it begins.
    begin: u64,
    /// How many entries each of its bands has.
    len: usize,
}

/// A key with the document it belongs to in the low half: in order, documents with equal keys stand beside each other.
type Entry = u64;

impl Bands {
    /// No documents yet, of `each` bands.
    pub(super) fn new(each: usize) -> Self {
        Self { each, ..Self::default() }
    }

    /// How many bands a document has.
    pub(super) const fn each(&self) -> usize {
        self.each
    }

    /// Adds the keys of the next document. One without shingles has none.
    pub(super) fn push(&mut self, keys: &[u32], has_shingles: bool) {
        if !has_shingles {
            self.wordless.push(self.documents());
        }
        self.rows.extend_from_slice(keys);
    }

    /// About how many bytes this takes in memory.
    pub(super) fn memory_bytes(&self) -> u64 {
        4 * (self.rows.capacity() + self.wordless.capacity()) as u64
    }

    /// Whether anything is in files.
    pub(super) const fn is_spilled(&self) -> bool {
        self.spilled.is_some()
    }

    /// Writes what is in memory to a file in `folder`: a sorted run of each band. n·log n for each. Takes 8 bytes more for each document and
    /// thread while it sorts.
    pub(super) fn spill(&mut self, folder: &Path, threads: NonZeroUsize) -> io::Result<()> {
        let mut spilled = self.spilled.take().unwrap_or_else(|| Spilled {
            rows: Scratch::new(folder),
            entries: Scratch::new(folder),
            runs: Vec::new(),
            documents: 0,
        });
        spilled.rows.append(self.rows.iter().map(|key| key.to_le_bytes()))?;
        let mut run: Option<Run> = None;
        for begin in (0..self.each).step_by(threads.get()) {
            let bands = threads.get().min(self.each - begin);
            let sorted =
                map_in_order(threads, bands, |band| self.sorted_rows(begin + band, spilled.documents));
            for entries in sorted {
                let begin = spilled.entries.append(entries.iter().map(|entry| entry.to_le_bytes()))?;
                run.get_or_insert(Run { begin, len: entries.len() });
            }
        }
        spilled.runs.extend(run);
        spilled.documents += self.documents_in_rows();
        self.rows = Vec::new();
        self.spilled = Some(spilled);
        Ok(())
    }

    /// Calls `each` for the entries of a band in rising order. About `buffer_bytes` are taken for reading them.
    pub(super) fn each_sorted(
        &self,
        band: usize,
        buffer_bytes: u64,
        mut each: impl FnMut(Entry),
    ) -> io::Result<()> {
        match &self.spilled {
            None => {
                self.sorted_rows(band, 0).into_iter().for_each(each);
                Ok(())
            }
            Some(spilled) => spilled.merge(band, buffer_bytes, &mut each),
        }
    }

    /// Whether two documents have the same key in one of the bands before `band`.
    pub(super) fn meet_before(&self, band: usize, one: Distinct, other: Distinct) -> bool {
        let start = |document: Distinct| document as usize * self.each;
        if let Some(spilled) = &self.spilled {
            let keys = |document| spilled.rows.read::<4>(4 * start(document) as u64, band);
            let meet = keys(one).and_then(|one| Ok(meet(&one, &keys(other)?)));
            meet.unwrap_or_else(|error| {
                self.failure.get_or_init(|| error);
                false
            })
        } else {
            let keys = |document| self.rows.get(start(document)..start(document) + band).unwrap_or_default();
            meet(keys(one), keys(other))
        }
    }

    /// What kept keys from being read back, if anything did: then nothing that was found counts.
    pub(super) fn take_failure(&mut self) -> io::Result<()> {
        self.failure.take().map_or(Ok(()), Err)
    }

    /// The entries of a band of the documents in memory, of which the first has the number `first`, in rising order.
    fn sorted_rows(&self, band: usize, first: Distinct) -> Vec<Entry> {
        let keys = self.rows.iter().skip(band).step_by(self.each.max(1));
        let mut wordless =
            self.wordless.get(self.wordless.partition_point(|one| *one < first)..).unwrap_or_default();
        let mut entries: Vec<Entry> = keys
            .zip(first..)
            .filter(|(_, document)| {
                let is_wordless = wordless.first() == Some(document);
                wordless = wordless.get(usize::from(is_wordless)..).unwrap_or_default();
                !is_wordless
            })
            .map(|(key, document)| u64::from(*key) << 32 | u64::from(document))
            .collect();
        entries.sort_unstable();
        entries
    }

    fn documents(&self) -> Distinct {
        self.spilled.as_ref().map_or(0, |spilled| spilled.documents) + self.documents_in_rows()
    }

    fn documents_in_rows(&self) -> Distinct {
        Distinct::try_from(self.rows.len() / self.each.max(1)).unwrap_or(Distinct::MAX)
    }
}

/// Whether two documents have the same key in a band.
fn meet<K: PartialEq>(one: &[K], other: &[K]) -> bool {
    one.iter().zip(other).any(|(key, other)| key == other)
}

/// Entries that are read from a run at a time: enough that a disk has something to do, and so few that many runs have room.
const READ_AT_ONCE: std::ops::RangeInclusive<u64> = 512..=32_768;

impl Spilled {
    /// Calls `each` for the entries of a band of all runs, in rising order: n·log of the number of runs.
    fn merge(&self, band: usize, buffer_bytes: u64, each: &mut impl FnMut(Entry)) -> io::Result<()> {
        let room = buffer_bytes / (self.runs.len().max(1) * size_of::<Entry>()) as u64;
        let at_once = room.clamp(*READ_AT_ONCE.start(), *READ_AT_ONCE.end());
        let mut cursors = Vec::with_capacity(self.runs.len());
        for run in &self.runs {
            cursors.push(Cursor::new(self, run, band, usize::try_from(at_once).unwrap_or(usize::MAX)));
        }
        let mut next = BinaryHeap::with_capacity(cursors.len());
        for (number, cursor) in cursors.iter_mut().enumerate() {
            next.extend(cursor.next()?.map(|entry| Reverse((entry, number))));
        }
        while let Some(mut first) = next.peek_mut() {
            let Reverse((entry, number)) = *first;
            each(entry);
            match cursors.get_mut(number).map(Cursor::next).transpose()?.flatten() {
                Some(entry) => *first = Reverse((entry, number)),
                None => drop(PeekMut::pop(first)),
            }
        }
        Ok(())
    }
}

/// Where the reading of a band of a run stands.
struct Cursor<'s> {
    entries: &'s Scratch,
    /// The byte of the next entry that is not read.
    at: u64,
    /// How many are not read.
    left: usize,
    at_once: usize,
    /// Those that are read and not given out, the last first.
    read: Vec<[u8; 8]>,
}

impl<'s> Cursor<'s> {
    fn new(spilled: &'s Spilled, run: &Run, band: usize, at_once: usize) -> Self {
        let at = run.begin + (band * run.len * size_of::<Entry>()) as u64;
        Self { entries: &spilled.entries, at, left: run.len, at_once, read: Vec::new() }
    }

    fn next(&mut self) -> io::Result<Option<Entry>> {
        if self.read.is_empty() {
            let count = self.left.min(self.at_once);
            self.read = self.entries.read(self.at, count)?;
            self.read.reverse();
            self.at += (count * size_of::<Entry>()) as u64;
            self.left -= count;
        }
        Ok(self.read.pop().map(u64::from_le_bytes))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests stop at the first surprise")]

    use super::Bands;
    use proptest::prelude::*;
    use std::num::NonZeroUsize;

    const EACH: usize = 3;

    fn entries(bands: &Bands, band: usize) -> Vec<u64> {
        let mut entries = Vec::new();
        bands.each_sorted(band, 0, |entry| entries.push(entry)).unwrap();
        entries
    }

    proptest! {
        #[test]
        fn runs_in_files_tell_the_same_as_keys_in_memory(
            documents in prop::collection::vec((prop::array::uniform3(0_u32..6), prop::bool::weighted(0.9), prop::bool::weighted(0.2)), 0..60),
            threads in 1_usize..4,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let threads = NonZeroUsize::new(threads).unwrap();
            let [mut held, mut spilled] = [(); 2].map(|()| Bands::new(EACH));
            for (keys, has_shingles, is_full) in &documents {
                let keys = if *has_shingles { *keys } else { [0; 3] };
                held.push(&keys, *has_shingles);
                spilled.push(&keys, *has_shingles);
                if *is_full {
                    spilled.spill(folder.path(), threads).unwrap();
                }
            }
            spilled.spill(folder.path(), threads).unwrap();
            prop_assert!(spilled.memory_bytes() <= 4 * 64, "only documents without shingles are held");
            for band in 0..EACH {
                prop_assert_eq!(entries(&held, band), entries(&spilled, band));
            }
            let count = u32::try_from(documents.len()).unwrap();
            for (one, other) in (0..count).flat_map(|one| (0..count).map(move |other| (one, other))) {
                for band in 0..EACH {
                    let meet = held.meet_before(band, one, other);
                    prop_assert_eq!(meet, spilled.meet_before(band, one, other));
                    let keys = |document: u32| documents[document as usize].0;
                    let has_shingles = documents[one as usize].1 && documents[other as usize].1;
                    if has_shingles {
                        prop_assert_eq!(meet, (0..band).any(|band| keys(one)[band] == keys(other)[band]));
                    }
                }
            }
            prop_assert_eq!(folder.path().read_dir().unwrap().count(), 0);
        }

        #[test]
        fn a_run_longer_than_what_is_read_at_once_comes_whole(count in 1_000_u32..3_000) {
            let folder = tempfile::tempdir().unwrap();
            let mut spilled = Bands::new(1);
            for document in 0..count {
                spilled.push(&[document.wrapping_mul(0x9e37_79b9)], true);
                if document == 700 {
                    spilled.spill(folder.path(), NonZeroUsize::MIN).unwrap();
                }
            }
            spilled.spill(folder.path(), NonZeroUsize::MIN).unwrap();
            let entries = entries(&spilled, 0);
            prop_assert_eq!(entries.len(), count as usize);
            prop_assert!(entries.is_sorted());
        }
    }
}
