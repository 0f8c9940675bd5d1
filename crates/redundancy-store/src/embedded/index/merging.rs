//! Entries of several segments in one order.

use super::StoredKey;
use super::segment::{Extent, block_number, entries};
use crate::embedded::OrFailed as _;
use redundancy_webhook::store::StoreError;
use rusqlite::Connection;
use std::cmp::Reverse;
use std::collections::binary_heap::{BinaryHeap, PeekMut};

/// The entries of several segments in their order.
pub(super) struct Merging<'c> {
    sources: Vec<Source<'c>>,
    heads: BinaryHeap<Reverse<(StoredKey, u32, usize)>>,
    failed: Option<StoreError>,
}

/// The entries of one segment in their order.
struct Source<'c> {
    connection: &'c Connection,
    /// The next block, and the first number behind the last one.
    next: i64,
    end: i64,
    /// What was read, and how much of that was taken.
    read: Vec<(StoredKey, u32)>,
    taken: usize,
}

impl<'c> Merging<'c> {
    pub(super) fn new(connection: &'c Connection, segments: &[Extent]) -> Result<Self, StoreError> {
        let source = |segment: &Extent| Source {
            connection,
            next: block_number(segment.key, 0),
            end: block_number(segment.key + 1, 0),
            read: Vec::new(),
            taken: 0,
        };
        let mut merging =
            Self { sources: segments.iter().map(source).collect(), heads: BinaryHeap::new(), failed: None };
        for (place, source) in merging.sources.iter_mut().enumerate() {
            if let Some((key, number)) = source.take()? {
                merging.heads.push(Reverse((key, number, place)));
            }
        }
        Ok(merging)
    }
}

impl Iterator for Merging<'_> {
    type Item = Result<(StoredKey, u32), StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.failed.take() {
            return Some(Err(error));
        }
        let mut head = self.heads.peek_mut()?;
        let Reverse((key, number, place)) = *head;
        match self.sources.get_mut(place).map_or(Ok(None), Source::take) {
            // In place of the old one, which costs half as much as taking that out and putting this in.
            Ok(Some((key, number))) => *head = Reverse((key, number, place)),
            Ok(None) => drop(PeekMut::pop(head)),
            Err(error) => {
                drop(head);
                self.failed = Some(error);
            }
        }
        Some(Ok((key, number)))
    }
}

impl Source<'_> {
    fn take(&mut self) -> Result<Option<(StoredKey, u32)>, StoreError> {
        if self.taken == self.read.len() && self.next < self.end {
            self.read.clear();
            self.taken = 0;
            let query = "SELECT number, entries FROM blocks WHERE number >= ?1 AND number < ?2 ORDER BY number LIMIT 16";
            let mut query = self.connection.prepare_cached(query).or_failed()?;
            let mut rows = query.query([self.next, self.end]).or_failed()?;
            self.next = self.end;
            while let Some(row) = rows.next().or_failed()? {
                self.next = row.get::<_, i64>(0).or_failed()? + 1;
                let bytes = row.get_ref(1).or_failed()?.as_blob();
                self.read.extend(entries(bytes.map_err(|_| crate::embedded::rows::damaged())?));
            }
        }
        let taken = self.read.get(self.taken).copied();
        self.taken += usize::from(taken.is_some());
        Ok(taken)
    }
}
