//! Candidates: the distinct documents that have a band in common.

use super::bands::Bands;
use super::first_pass::Distinct;
use super::parallel::map_in_order;
use super::scratch::Scratch;
use std::borrow::Cow;
use std::io;
use std::num::NonZeroUsize;
use std::path::Path;

/// Documents with the same key in one band: two at least, in rising order.
pub(super) type Bucket<'b> = &'b [Distinct];

/// All buckets, band after band.
#[derive(Debug)]
pub(super) struct Buckets {
    bands: Vec<Stored>,
    file: Option<Scratch>,
}

/// The buckets of one band.
#[derive(Debug, Default, Clone)]
pub(super) struct Band {
    members: Vec<Distinct>,
    /// Where each bucket ends in `members`.
    ends: Vec<u32>,
}

/// Where the buckets of a band are.
#[derive(Debug)]
enum Stored {
    Memory(Band),
    /// At this byte of the file: so many members, and behind them so many ends.
    File(u64, usize, usize),
}

impl Buckets {
    /// Sorts the keys of each band: n·log n for each. As many bands as there are `threads` are in memory at once; all stay there unless there
    /// is a `folder` for a file. About `buffer_bytes` are taken for reading keys from files.
    pub(super) fn of(
        bands: &Bands,
        threads: NonZeroUsize,
        folder: Option<&Path>,
        buffer_bytes: u64,
    ) -> io::Result<Self> {
        let mut buckets = Self { bands: Vec::with_capacity(bands.each()), file: folder.map(Scratch::new) };
        let buffer_bytes = buffer_bytes / threads.get() as u64;
        for first in (0..bands.each()).step_by(threads.get()) {
            let count = threads.get().min(bands.each() - first);
            for band in map_in_order(threads, count, |band| Band::of(bands, first + band, buffer_bytes)) {
                buckets.add(band?)?;
            }
        }
        Ok(buckets)
    }

    /// How many bands there are.
    pub(super) const fn len(&self) -> usize {
        self.bands.len()
    }

    /// The buckets of a band, in an order that the documents alone decide.
    pub(super) fn band(&self, band: usize) -> io::Result<Cow<'_, Band>> {
        match (self.bands.get(band), &self.file) {
            (Some(Stored::Memory(band)), _) => Ok(Cow::Borrowed(band)),
            (Some(Stored::File(at, members, ends)), Some(file)) => {
                let numbers = file.read(*at, members + ends)?;
                let mut numbers = numbers.into_iter().map(u32::from_le_bytes);
                Ok(Cow::Owned(Band {
                    members: numbers.by_ref().take(*members).collect(),
                    ends: numbers.collect(),
                }))
            }
            _ => Ok(Cow::default()),
        }
    }

    /// The documents that stand in any bucket, in order.
    pub(super) fn candidates(&self, distinct: u32) -> io::Result<Vec<Distinct>> {
        let mut is_candidate = vec![false; distinct as usize];
        for band in 0..self.len() {
            for member in &self.band(band)?.members {
                if let Some(flag) = is_candidate.get_mut(*member as usize) {
                    *flag = true;
                }
            }
        }
        Ok((0..distinct).zip(is_candidate).filter_map(|(document, flag)| flag.then_some(document)).collect())
    }

    fn add(&mut self, band: Band) -> io::Result<()> {
        let stored = match &mut self.file {
            None => Stored::Memory(band),
            Some(file) => {
                let numbers = band.members.iter().chain(&band.ends);
                let at = file.append(numbers.map(|number| number.to_le_bytes()))?;
                Stored::File(at, band.members.len(), band.ends.len())
            }
        };
        self.bands.push(stored);
        Ok(())
    }
}

impl Band {
    #[expect(clippy::cast_possible_truncation, reason = "the low half of an entry is the document")]
    fn of(bands: &Bands, band: usize, buffer_bytes: u64) -> io::Result<Self> {
        let mut found = Self::default();
        let mut begin = 0;
        let mut last_key = None;
        bands.each_sorted(band, buffer_bytes, |entry| {
            let key = entry >> 32;
            if last_key != Some(key) {
                found.end_bucket(&mut begin);
                last_key = Some(key);
            }
            found.members.push(entry as u32);
        })?;
        found.end_bucket(&mut begin);
        Ok(found)
    }

    /// Ends the bucket that began at `begin`. One member alone makes none.
    fn end_bucket(&mut self, begin: &mut usize) {
        if self.members.len() - *begin < 2 {
            self.members.truncate(*begin);
            return;
        }
        *begin = self.members.len();
        self.ends.push(u32::try_from(*begin).unwrap_or(u32::MAX));
    }

    /// The buckets.
    pub(super) fn buckets(&self) -> impl Iterator<Item = Bucket<'_>> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).filter_map(|(start, end)| self.members.get(start as usize..*end as usize))
    }
}
