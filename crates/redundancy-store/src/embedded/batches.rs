//! The port of batches over rows.

use super::batch_rows::{self as rows, count, place};
use super::rows::millis;
use super::writer::Writer;
use super::{EmbeddedStore, OrFailed as _, execute};
use crate::batches::{KEEP_UNACCEPTED, forgotten};
use async_trait::async_trait;
use redundancy_engine::batch::{Cancelled, Chunk, ChunkClaim, ChunkLease, ChunkSettlement};
use redundancy_engine::{Batch, BatchId, BatchState, BatchStore, StoreError, Timestamp};
use redundancy_webhook::store::{Page, PageRequest};
use rusqlite::{Connection, params};
use std::sync::Arc;

/// Of a batch whose items are still arriving.
const ARRIVING: &str = "arriving";
/// Of a batch that will not be accepted, and is deleted bit by bit.
const GONE: &str = "gone";
/// The next place in the queue.
const NEXT_TURN: &str = "(SELECT coalesce(max(turn), 0) + 1 FROM batches WHERE turn IS NOT NULL)";

/// Whoever had a lease, or was sending items, is gone with the process that had the file before.
pub(super) fn give_back(connection: &Connection) -> Result<(), StoreError> {
    let leases = "UPDATE batches SET lease = NULL, leased_until = NULL WHERE turn IS NOT NULL";
    connection.execute(leases, []).or_failed()?;
    let arriving = "UPDATE batches SET state = ?1 WHERE state = ?2 AND turn IS NULL AND has_items = 1";
    connection.execute(arriving, [GONE, ARRIVING]).or_failed()?;
    Ok(())
}

impl Writer<'_> {
    fn add_batch_items(&self, id: BatchId, first: u64, items: &[Arc<[u8]>]) -> Result<(), StoreError> {
        if first == 0 {
            let insert =
                "INSERT INTO batches (id, state, total, done, failed, has_items) VALUES (?1, ?2, 0, 0, 0, 1)";
            execute(self.connection, insert, params![id.number().to_be_bytes(), ARRIVING])?;
        }
        let total = count(first + items.len() as u64);
        let update = "UPDATE batches SET total = ?2 WHERE id = ?1 AND state = ?3 AND total = ?4";
        let known = execute(
            self.connection,
            update,
            params![id.number().to_be_bytes(), total, ARRIVING, count(first)],
        )?;
        let found = rows::key(self.connection, id)?.filter(|_| known == 1);
        let (key, _) = found.ok_or_else(forgotten)?;
        for (number, item) in (first..).zip(items) {
            let insert = "INSERT INTO batch_items (place, item) VALUES (?1, ?2)";
            execute(self.connection, insert, params![place(key, number), &item[..]])?;
        }
        Ok(())
    }

    fn accept_batch(&self, batch: &Batch) -> Result<(), StoreError> {
        let update = format!(
            "UPDATE batches SET operation = ?2, state = ?3, created = ?4, request_id = ?5, user_id = ?6, \
             traceparent = ?7, turn = {NEXT_TURN} WHERE id = ?1 AND state = ?8 AND total = ?9"
        );
        let values = params![
            batch.id.number().to_be_bytes(),
            batch.operation.as_str(),
            batch.state.as_str(),
            millis(batch.created_at),
            batch.caller.request_id,
            batch.caller.user_id,
            batch.caller.traceparent,
            ARRIVING,
            count(batch.total)
        ];
        if execute(self.connection, &update, values)? == 1 { Ok(()) } else { Err(forgotten()) }
    }

    fn take_chunk(&self, claim: &ChunkClaim) -> Result<Option<Chunk>, StoreError> {
        let Some(rows::Stored { key, mut batch }) = rows::next(self.connection, claim.now)? else {
            return Ok(None);
        };
        batch.state = BatchState::Running;
        let started = *batch.started_at.get_or_insert(claim.now);
        let update =
            "UPDATE batches SET state = ?2, started = ?3, lease = ?4, leased_until = ?5 WHERE key = ?1";
        let token = claim.token.to_be_bytes();
        let (state, until) = (batch.state.as_str(), millis(claim.until));
        execute(self.connection, update, params![key, state, millis(started), token, until])?;
        let items = rows::items(self.connection, key, batch.done, claim.max_items, claim.max_bytes)?;
        let lease = ChunkLease { batch: batch.id, token: claim.token };
        Ok(Some(Chunk { batch, items, lease }))
    }

    fn settle_chunk(&mut self, settlement: &ChunkSettlement) -> Result<bool, StoreError> {
        let ChunkSettlement { lease, first, results, end, now } = settlement;
        let update = format!(
            "UPDATE batches SET lease = NULL, leased_until = NULL, done = ?3, failed = failed + ?4, turn = {NEXT_TURN} \
             WHERE id = ?1 AND lease = ?2 AND done = ?5 AND turn IS NOT NULL"
        );
        let failed = results.iter().filter(|result| result.is_failed).count() as u64;
        let done = first + results.len() as u64;
        let (id, token) = (lease.batch.number().to_be_bytes(), lease.token.to_be_bytes());
        let changed =
            execute(self.connection, &update, params![id, token, count(done), count(failed), count(*first)])?;
        let Some((key, total)) = rows::key(self.connection, lease.batch)?.filter(|_| changed == 1) else {
            return Ok(false);
        };
        for (number, result) in (*first..).zip(results) {
            let insert = "INSERT INTO batch_results (place, line) VALUES (?1, ?2)";
            execute(self.connection, insert, params![place(key, number), &*result.line])?;
        }
        let delete = "DELETE FROM batch_items WHERE place >= ?1 AND place < ?2";
        execute(self.connection, delete, params![place(key, *first), place(key, done)])?;
        if let Some(end) = end {
            let update = "UPDATE batches SET state = ?2, error = ?3, finished = ?4, has_items = ?5, turn = NULL \
                WHERE key = ?1";
            let has_items = i64::from(done < total);
            execute(
                self.connection,
                update,
                params![key, end.state.as_str(), end.error, millis(*now), has_items],
            )?;
            if let Some(publication) = end.publication.clone() {
                // The only refusal is a reused key, and this has none.
                let _ = self.publish(publication)?;
            }
        }
        Ok(true)
    }

    fn cancel_batch(&self, id: BatchId, now: Timestamp) -> Result<Cancelled, StoreError> {
        let Some(rows::Stored { key, mut batch }) = rows::get(self.connection, id)? else {
            return Ok(Cancelled::NotFound);
        };
        match batch.state {
            BatchState::Completed | BatchState::Failed => return Ok(Cancelled::TooLate(batch)),
            BatchState::Cancelled => return Ok(Cancelled::Done(batch)),
            BatchState::Queued | BatchState::Running => {}
        }
        (batch.state, batch.finished_at) = (BatchState::Cancelled, Some(now));
        let update = "UPDATE batches SET state = ?2, finished = ?3, turn = NULL, lease = NULL, leased_until = NULL \
            WHERE key = ?1";
        execute(self.connection, update, params![key, batch.state.as_str(), millis(now)])?;
        Ok(Cancelled::Done(batch))
    }

    /// Deletes up to `limit` rows of batches that are over: items that will not be done, and all of those made before `before`
    /// that have ended.
    pub(super) fn sweep_batches(
        &self,
        before: Timestamp,
        now: Timestamp,
        limit: usize,
    ) -> Result<usize, StoreError> {
        let late = BatchId::first_at(now.minus(KEEP_UNACCEPTED)).number().to_be_bytes();
        let give_up =
            "UPDATE batches SET state = ?1 WHERE turn IS NULL AND has_items = 1 AND state = ?2 AND id < ?3";
        execute(self.connection, give_up, params![GONE, ARRIVING, late])?;
        let limit = count(limit as u64);
        let unwanted = "SELECT key FROM batches WHERE turn IS NULL AND has_items = 1 AND state <> ?1 LIMIT 1";
        if let Some(key) = self.first_key(unwanted, &[&ARRIVING])? {
            let items = "DELETE FROM batch_items WHERE place IN \
                (SELECT place FROM batch_items WHERE place BETWEEN ?1 AND ?2 LIMIT ?3)";
            let deleted =
                execute(self.connection, items, params![place(key, 0), place(key, u64::MAX), limit])?;
            if count(deleted as u64) < limit {
                execute(self.connection, "UPDATE batches SET has_items = 0 WHERE key = ?1", params![key])?;
            }
            return Ok(deleted + 1);
        }
        let oldest = BatchId::first_at(before).number().to_be_bytes();
        let old = "SELECT key FROM batches WHERE turn IS NULL AND has_items = 0 AND (id < ?1 OR state = ?2) LIMIT 1";
        let Some(key) = self.first_key(old, &[&oldest, &GONE])? else { return Ok(0) };
        let results = "DELETE FROM batch_results WHERE place IN \
            (SELECT place FROM batch_results WHERE place BETWEEN ?1 AND ?2 LIMIT ?3)";
        let deleted = execute(self.connection, results, params![place(key, 0), place(key, u64::MAX), limit])?;
        if count(deleted as u64) < limit {
            execute(self.connection, "DELETE FROM batches WHERE key = ?1", params![key])?;
        }
        Ok(deleted + 1)
    }

    fn first_key(&self, query: &str, values: &[&dyn rusqlite::ToSql]) -> Result<Option<i64>, StoreError> {
        let mut query = self.connection.prepare_cached(query).or_failed()?;
        let mut rows = query.query(values).or_failed()?;
        rows.next().or_failed()?.map(|row| row.get(0).or_failed()).transpose()
    }
}

#[async_trait]
impl BatchStore for EmbeddedStore {
    async fn add_items(&self, id: BatchId, first: u64, items: Vec<Arc<[u8]>>) -> Result<(), StoreError> {
        self.write(move |writer| writer.add_batch_items(id, first, &items)).await
    }

    async fn accept(&self, batch: Batch) -> Result<(), StoreError> {
        self.write(move |writer| writer.accept_batch(&batch)).await?;
        self.shared.batch_work.notify_one();
        Ok(())
    }

    async fn abandon(&self, id: BatchId) -> Result<(), StoreError> {
        let id = id.number().to_be_bytes();
        self.write(move |writer| {
            let update = "UPDATE batches SET state = ?2 WHERE id = ?1 AND state = ?3";
            execute(writer.connection, update, params![id, GONE, ARRIVING]).map(drop)
        })
        .await
    }

    async fn take(&self, claim: ChunkClaim) -> Result<Option<Chunk>, StoreError> {
        // Looked for first: an empty transaction would say that the disk can be written to.
        let next = self.readers.run(move |connection| rows::next(connection, claim.now)).await?;
        if next.is_none() {
            return Ok(None);
        }
        self.write(move |writer| writer.take_chunk(&claim)).await
    }

    async fn extend(&self, lease: ChunkLease, until: Timestamp) -> Result<(), StoreError> {
        let (id, token) = (lease.batch.number().to_be_bytes(), lease.token.to_be_bytes());
        self.write(move |writer| {
            let update = "UPDATE batches SET leased_until = ?3 WHERE id = ?1 AND lease = ?2";
            execute(writer.connection, update, params![id, token, millis(until)]).map(drop)
        })
        .await
    }

    async fn settle(&self, settlement: ChunkSettlement) -> Result<bool, StoreError> {
        self.write(move |writer| writer.settle_chunk(&settlement)).await
    }

    async fn cancel(&self, id: BatchId, now: Timestamp) -> Result<Cancelled, StoreError> {
        self.write(move |writer| writer.cancel_batch(id, now)).await
    }

    async fn batch(&self, id: BatchId) -> Result<Option<Batch>, StoreError> {
        let found = self.readers.run(move |connection| rows::get(connection, id)).await?;
        Ok(found.map(|stored| stored.batch))
    }

    async fn batches(&self, page: PageRequest<BatchId>) -> Result<Page<Batch, BatchId>, StoreError> {
        self.readers.run(move |connection| rows::list(connection, &page)).await
    }

    async fn results(
        &self,
        id: BatchId,
        from: u64,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<Arc<str>>, StoreError> {
        self.readers
            .run(move |connection| match rows::get(connection, id)? {
                Some(stored) => rows::results(connection, stored.key, from, limit, max_bytes),
                None => Ok(Vec::new()),
            })
            .await
    }

    async fn batch_arrived(&self) {
        self.shared.batch_work.notified().await;
    }
}
