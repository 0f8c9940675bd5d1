//! The thread that writes entries into segments and merges segments, so that neither memory nor the number of segments grows
//! without end. What it does changes no answer: when it is interrupted, the next one begins anew.

use super::building::Builder;
use super::merging::Merging;
use super::segment::{BLOCK_ENTRIES, Extent, Segment, block_number};
use super::{Index, IndexChange, StoredKey};
use crate::embedded::writer::{Effect, Write, Writer, Writes};
use crate::embedded::{OrFailed as _, Shared, connect, packs};
use redundancy_webhook::store::StoreError;
use rusqlite::{Connection, OpenFlags, params};
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// So many parts may wait to be written before new documents have to.
pub(in super::super) const MAX_WAITING: usize = 2;
/// So many neighbouring segments of one level, or as many as there are by then, become one of the next.
const FAN_IN: usize = 8;
/// With so many segments of the lowest level, new documents wait until some are merged: every search asks them all.
const MOST_YOUNG: usize = 4 * FAN_IN;
/// Blocks that are written in one step, so that others do not wait long for the writing thread: 1 MB.
const STEP: usize = 256;
/// Entries after which a merge looks for what waits in memory.
const ENTRIES_AT_ONCE: u64 = (STEP * BLOCK_ENTRIES) as u64;
/// How often there is a look at what there is to do without being told.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The thread. It ends when this is dropped.
pub(in super::super) struct Indexer {
    wake: Option<SyncSender<()>>,
    is_ending: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Indexer {
    pub(in super::super) fn start(
        path: &Path,
        shared: Arc<Shared>,
        writes: Arc<Writes>,
        next_key: i64,
    ) -> Result<Self, StoreError> {
        let connection = connect(path, OpenFlags::default())?;
        connection.busy_timeout(Duration::from_secs(2)).or_failed()?;
        let (wake, woken) = sync_channel(1);
        let is_ending = Arc::new(AtomicBool::new(false));
        let work = Work { connection, shared, writes, next_key, is_ending: Arc::clone(&is_ending) };
        let thread = thread::Builder::new()
            .name("store-index".to_owned())
            .spawn(move || work.run(&woken))
            .map_err(|error| StoreError::Unavailable(format!("no thread could be started: {error}")))?;
        Ok(Self { wake: Some(wake), is_ending, thread: Some(thread) })
    }

    /// There may be something to do.
    pub(in super::super) fn wake(&self) {
        if let Some(wake) = &self.wake {
            // One word is enough.
            let _ = wake.try_send(());
        }
    }
}

impl Drop for Indexer {
    fn drop(&mut self) {
        self.is_ending.store(true, Ordering::Relaxed);
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Work {
    connection: Connection,
    shared: Arc<Shared>,
    writes: Arc<Writes>,
    next_key: i64,
    is_ending: Arc<AtomicBool>,
}

impl Work {
    fn run(mut self, woken: &Receiver<()>) {
        // What an earlier process left behind.
        let _ = self.clean_up();
        loop {
            match woken.recv_timeout(LOOK_EVERY) {
                Ok(()) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if let Err(error) = self.work() {
                if self.is_ending.load(Ordering::Relaxed) {
                    return;
                }
                tracing::warn!(%error, "the index could not be put in order: it is tried again");
                // What there is of a segment that was not finished takes room that the next try may need.
                let _ = self.clean_up();
            }
        }
    }

    fn work(&mut self) -> Result<(), StoreError> {
        loop {
            let (is_due, neighbours) = {
                let parts = self.shared.index.read();
                let is_due = parts.waiting() > 0 || parts.recent_entries() >= self.shared.index.flush_from();
                (is_due && has_room(&parts.segments), mergeable(&parts.segments))
            };
            if is_due {
                self.flush()?;
            } else if let Some(neighbours) = neighbours {
                self.merge(&neighbours)?;
            } else {
                return Ok(());
            }
        }
    }

    /// Writes the oldest part that is in memory into a segment.
    fn flush(&mut self) -> Result<(), StoreError> {
        let frozen = {
            let mut parts = self.shared.index.write();
            let waiting = parts.frozen.first().cloned();
            match waiting.or_else(|| parts.freeze()) {
                Some(frozen) => frozen,
                None => return Ok(()),
            }
        };
        let (first, last) = frozen.range();
        let dead = self.dead_in(first, last);
        let sorted = frozen.sorted();
        let alive = sorted.iter().copied().filter(|(_, number)| !dead.contains(number)).map(Ok);
        let segment = self.build(0, (first, last), sorted.len() as u64, alive)?;
        let left_out: Arc<[u32]> = dead.into_iter().collect();
        self.write(move |writer| {
            insert_segment(writer.connection, &segment)?;
            let forget = "DELETE FROM fresh_keys WHERE number <= ?1";
            writer.connection.execute(forget, [last]).or_failed()?;
            forget_dead(writer.connection, &left_out)?;
            let (segment, left_out) = (Arc::clone(&segment), Arc::clone(&left_out));
            writer.effects.push(Effect::Index(IndexChange::Flushed { segment, left_out }));
            Ok(())
        })?;
        while self.write(move |writer| packs::pack(writer.connection, last))? {}
        Ok(())
    }

    /// Makes one segment of some that follow one another.
    fn merge(&mut self, old: &[Extent]) -> Result<(), StoreError> {
        let (Some(first), Some(last)) = (old.first(), old.last()) else { return Ok(()) };
        let range = (first.range.0, last.range.1);
        let level = old.iter().map(|segment| segment.level).max().unwrap_or_default() + 1;
        let most = old.iter().map(|segment| segment.entries).sum();
        let dead = self.dead_in(range.0, range.1);
        let merged = {
            // A connection of its own, because the segment is built while this is read.
            let path = self.connection.path().unwrap_or_default();
            let reading = connect(Path::new(path), OpenFlags::default())?;
            let merging = Merging::new(&reading, old)?;
            let alive =
                merging.filter(|entry| !entry.as_ref().is_ok_and(|(_, number)| dead.contains(number)));
            self.build(level, range, most, alive)?
        };
        let left_out: Arc<[u32]> = dead.into_iter().collect();
        let old: Arc<[i64]> = old.iter().map(|segment| segment.key).collect();
        self.write(move |writer| {
            insert_segment(writer.connection, &merged)?;
            for key in &*old {
                let connection = writer.connection;
                connection.execute("DELETE FROM segments WHERE key = ?1", [key]).or_failed()?;
                connection.execute("INSERT INTO dropped_segments (key) VALUES (?1)", [key]).or_failed()?;
            }
            forget_dead(writer.connection, &left_out)?;
            let (old, segment, left_out) = (Arc::clone(&old), Arc::clone(&merged), Arc::clone(&left_out));
            writer.effects.push(Effect::Index(IndexChange::Merged { old, segment, left_out }));
            Ok(())
        })?;
        self.clean_up()
    }

    /// Documents with numbers in a range that are gone.
    fn dead_in(&self, first: u32, last: u32) -> HashSet<u32> {
        let parts = self.shared.index.read();
        parts.dead.iter().copied().filter(|number| (first..=last).contains(number)).collect()
    }

    /// Writes entries into the blocks of a new segment. Nobody looks there before the segment itself is written; until then it
    /// counts as dropped, so that nothing is left of it should it never come to that. A long merge stops for what waits in
    /// memory: new documents must not have to wait for it.
    fn build(
        &mut self,
        level: u32,
        range: (u32, u32),
        most: u64,
        entries: impl Iterator<Item = Result<(StoredKey, u32), StoreError>>,
    ) -> Result<Arc<Segment>, StoreError> {
        let filter_bytes = self.shared.index.set_aside(most, range);
        let built = self.build_with(filter_bytes, level, range, most, entries);
        self.shared.index.give_back(filter_bytes);
        built
    }

    fn build_with(
        &mut self,
        filter_bytes: usize,
        level: u32,
        range: (u32, u32),
        most: u64,
        entries: impl Iterator<Item = Result<(StoredKey, u32), StoreError>>,
    ) -> Result<Arc<Segment>, StoreError> {
        let key = self.next_key;
        self.next_key += 1;
        self.write(move |writer| {
            let insert = "INSERT INTO dropped_segments (key) VALUES (?1)";
            writer.connection.execute(insert, [key]).map(drop).or_failed()
        })?;
        let mut builder = Builder::new(key, level, range, most, filter_bytes);
        let (mut blocks, mut written) = (Vec::new(), 0);
        for (place, entry) in (1_u64..).zip(entries) {
            blocks.extend(builder.push(entry?));
            if blocks.len() >= STEP {
                self.write_blocks("blocks", key, &mut written, std::mem::take(&mut blocks))?;
            }
            if level > 0 && place.is_multiple_of(ENTRIES_AT_ONCE) {
                self.flush_what_waits()?;
            }
        }
        let (segment, last) = builder.finish();
        blocks.extend(last);
        self.write_blocks("blocks", key, &mut written, blocks)?;
        let mut written = 0;
        // Part by part, because the whole of it is as large as the filter.
        for part in segment.summary() {
            self.write_blocks("summaries", key, &mut written, vec![part])?;
            if level > 0 {
                self.flush_what_waits()?;
            }
        }
        Ok(Arc::new(segment))
    }

    /// Writes parts that are full, in the middle of something that takes long.
    fn flush_what_waits(&mut self) -> Result<(), StoreError> {
        let waits = |index: &Index| {
            let parts = index.read();
            parts.waiting() > 0 && has_room(&parts.segments)
        };
        while waits(&self.shared.index) {
            self.flush()?;
        }
        Ok(())
    }

    fn write_blocks(
        &self,
        table: &'static str,
        segment: i64,
        written: &mut i64,
        blocks: Vec<Vec<u8>>,
    ) -> Result<(), StoreError> {
        let from = *written;
        *written += i64::try_from(blocks.len()).unwrap_or_default();
        self.write(move |writer| {
            let insert = format!("INSERT OR REPLACE INTO {table} (number, entries) VALUES (?1, ?2)");
            let mut insert = writer.connection.prepare_cached(&insert).or_failed()?;
            for (block, bytes) in (from..).zip(&blocks) {
                insert.execute(params![block_number(segment, block), bytes]).or_failed()?;
            }
            Ok(())
        })
    }

    /// Deletes, bit by bit, what belongs to segments that are no more.
    fn clean_up(&mut self) -> Result<(), StoreError> {
        // Segments that are begun meanwhile are not among these.
        for key in self.dropped()? {
            for table in ["blocks", "summaries"] {
                loop {
                    let delete = format!(
                        "DELETE FROM {table} WHERE number IN \
                         (SELECT number FROM {table} WHERE number >= ?1 AND number < ?2 LIMIT {STEP})"
                    );
                    let range = [block_number(key, 0), block_number(key + 1, 0)];
                    let deleted = self.write(move |writer| {
                        let mut delete = writer.connection.prepare_cached(&delete).or_failed()?;
                        delete.execute(range).or_failed()
                    })?;
                    if deleted == 0 {
                        break;
                    }
                    self.flush_what_waits()?;
                }
            }
            self.write(move |writer| {
                let delete = "DELETE FROM dropped_segments WHERE key = ?1";
                writer.connection.execute(delete, [key]).map(drop).or_failed()
            })?;
        }
        Ok(())
    }

    fn dropped(&self) -> Result<Vec<i64>, StoreError> {
        let mut query = self.connection.prepare("SELECT key FROM dropped_segments").or_failed()?;
        let keys = query.query_map([], |row| row.get(0)).or_failed()?;
        keys.collect::<Result<_, _>>().or_failed()
    }

    /// Has the writing thread do something, and waits for it.
    fn write<T: Send + 'static>(
        &self,
        apply: impl FnMut(&mut Writer<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let closed = || StoreError::Unavailable("the store is closed".to_owned());
        if self.is_ending.load(Ordering::Relaxed) {
            return Err(closed());
        }
        let (write, answer) = Write::urgent(apply);
        self.writes.send(write)?;
        answer.blocking_recv().unwrap_or_else(|_| Err(closed()))
    }
}

/// Whether there may be one more segment of the lowest level.
fn has_room(segments: &[Arc<Segment>]) -> bool {
    segments.iter().filter(|segment| segment.level == 0).count() < MOST_YOUNG
}

/// Neighbouring segments of the lowest level that has enough of them.
fn mergeable(segments: &[Arc<Segment>]) -> Option<Vec<Extent>> {
    // Levels fall from the oldest to the youngest.
    let youngest = segments.last()?.level;
    let highest = segments.iter().map(|segment| segment.level).max()?;
    (youngest..=highest).find_map(|level| {
        let of_level = segments.iter().filter(|segment| segment.level == level);
        let of_level: Vec<_> = of_level.map(|segment| segment.extent()).collect();
        (of_level.len() >= FAN_IN).then_some(of_level)
    })
}

fn insert_segment(connection: &Connection, segment: &Segment) -> Result<(), StoreError> {
    let insert = "INSERT INTO segments (key, level, first, last, entries) VALUES (?1, ?2, ?3, ?4, ?5)";
    let (first, last) = segment.range;
    let entries = i64::try_from(segment.entries).unwrap_or(i64::MAX);
    connection.execute(insert, params![segment.key, segment.level, first, last, entries]).or_failed()?;
    let keep = "DELETE FROM dropped_segments WHERE key = ?1";
    connection.execute(keep, [segment.key]).map(drop).or_failed()
}

fn forget_dead(connection: &Connection, left_out: &[u32]) -> Result<(), StoreError> {
    let mut delete = connection.prepare_cached("DELETE FROM tombstones WHERE number = ?1").or_failed()?;
    left_out.iter().try_for_each(|number| delete.execute([number]).map(drop).or_failed())
}

impl Index {
    /// Whether a new document has to wait until memory has room for its entries.
    pub(in super::super) fn is_full(&self) -> bool {
        self.read().waiting() >= MAX_WAITING
    }

    /// Begins a new part when the one for new documents is full; says whether there is something to write.
    pub(in super::super) fn turn_over(&self) -> bool {
        if self.read().recent_entries() < self.flush_from() {
            return false;
        }
        let mut parts = self.write();
        parts.recent_entries() >= self.flush_from() && parts.freeze().is_some()
    }
}
