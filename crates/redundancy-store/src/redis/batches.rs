//! Batches, each in the partition of its id. A replica that works on one has a lease of it; when that is killed, another one
//! takes it once the lease is over.

use super::batch_record::{self as record, FIELDS, present};
use super::fault;
use super::key::{self, Partition, hex};
use super::publish::{TRIES, push_publication, unsettled};
use super::reply::{self, Items};
use super::script::{self, Call};
use super::{RedisStore, key::from_hex};
use crate::batches::{KEEP_UNACCEPTED, Room, forgotten};
use async_trait::async_trait;
use futures_util::future::try_join_all;
use redis::cmd;
use redundancy_engine::batch::{Cancelled, Chunk, ChunkClaim, ChunkLease, ChunkSettlement};
use redundancy_engine::{Batch, BatchId, BatchState, BatchStore, StoreError, Timestamp};
use redundancy_webhook::store::{Page, PageRequest};
use std::sync::Arc;

/// Results that are read at once.
const MAX_RESULTS: usize = 64;

fn partition(id: BatchId) -> Partition {
    Partition::of_slot(id.slot())
}

impl RedisStore {
    /// The batch that has waited longest, of those that nobody has a lease of.
    async fn next_batch(&self, now: Timestamp) -> Result<Option<BatchId>, StoreError> {
        let fronts = Partition::all().map(|partition| async move {
            let call = Call::new(&script::BATCH_NEXT, &partition.tag()).arg(key::millis(now));
            let mut front = Items::of(self.link.call(call).await?)?;
            if front.is_empty() {
                return Ok::<_, StoreError>(None);
            }
            let turn: u64 = front.parse()?;
            Ok(Some((turn, from_hex(&front.text()?.unwrap_or_default())?)))
        });
        let next = try_join_all(fronts).await?.into_iter().flatten().min();
        Ok(next.map(|(_, number)| BatchId::from_number(number)))
    }

    /// Takes items of `id`, if nobody else has.
    async fn take_of(&self, id: BatchId, claim: &ChunkClaim) -> Result<Option<Chunk>, StoreError> {
        let call = Call::new(&script::BATCH_TAKE, &partition(id).tag())
            .arg(hex(id.number()))
            .arg(key::millis(claim.now))
            .arg(hex(claim.token))
            .arg(key::millis(claim.until))
            .arg(claim.max_items)
            .arg(claim.max_bytes);
        let mut reply = Items::of(self.link.call(call).await?)?;
        if reply.is_empty() {
            return Ok(None);
        }
        let batch = record::read(id, reply.next()?)?.ok_or_else(fault::unexpected)?;
        let mut found = reply.items()?;
        let mut items = Vec::new();
        while !found.is_empty() {
            items.push(found.bytes()?.unwrap_or_default().into());
        }
        Ok(Some(Chunk { batch, items, lease: ChunkLease { batch: id, token: claim.token } }))
    }

    async fn read_batch(&self, id: BatchId) -> Result<Option<Batch>, StoreError> {
        let key = format!("{}:b:{}", partition(id).tag(), hex(id.number()));
        let get = cmd("HMGET").arg(key).arg(&FIELDS).clone();
        record::read(id, self.link.send(get).await?)
    }

    /// Deletes up to `limit` batches that have ended and were made before `before`.
    pub(super) async fn delete_old_batches(
        &self,
        partition: Partition,
        before: Timestamp,
        limit: usize,
    ) -> Result<usize, StoreError> {
        let kept = hex(BatchId::first_at(before).number());
        let call = Call::new(&script::BATCH_SWEEP, &partition.tag()).arg(kept).arg(limit);
        Ok(usize::try_from(reply::integer(self.link.call(call).await?)?).unwrap_or(0))
    }
}

#[async_trait]
impl BatchStore for RedisStore {
    async fn add_items(&self, id: BatchId, first: u64, items: Vec<Arc<[u8]>>) -> Result<(), StoreError> {
        let mut call = Call::new(&script::BATCH_ADD, &partition(id).tag())
            .arg(hex(id.number()))
            .arg(first)
            .arg(u64::try_from(KEEP_UNACCEPTED.as_millis()).unwrap_or(u64::MAX));
        for item in &items {
            call.push(&item[..]);
        }
        let is_added = reply::integer(self.link.call(call).await?)? == 1;
        if is_added { Ok(()) } else { Err(forgotten()) }
    }

    async fn accept(&self, batch: Batch) -> Result<(), StoreError> {
        let call = Call::new(&script::BATCH_ACCEPT, &partition(batch.id).tag())
            .arg(hex(batch.id.number()))
            .arg(batch.total)
            .arg(key::millis(batch.created_at))
            .arg(record::write(&batch));
        if reply::integer(self.link.call(call).await?)? != 1 {
            return Err(forgotten());
        }
        self.batch_work.notify_one();
        Ok(())
    }

    async fn abandon(&self, id: BatchId) -> Result<(), StoreError> {
        let call = Call::new(&script::BATCH_ABANDON, &partition(id).tag()).arg(hex(id.number()));
        self.link.call(call).await.map(drop)
    }

    async fn take(&self, claim: ChunkClaim) -> Result<Option<Chunk>, StoreError> {
        for _ in 0..TRIES {
            let Some(id) = self.next_batch(claim.now).await? else { return Ok(None) };
            // Else another replica was faster.
            if let Some(chunk) = self.take_of(id, &claim).await? {
                return Ok(Some(chunk));
            }
        }
        Ok(None)
    }

    async fn extend(&self, lease: ChunkLease, until: Timestamp) -> Result<(), StoreError> {
        let call = Call::new(&script::BATCH_EXTEND, &partition(lease.batch).tag())
            .arg(hex(lease.batch.number()))
            .arg(hex(lease.token))
            .arg(key::millis(until));
        self.link.call(call).await.map(drop)
    }

    async fn settle(&self, settlement: ChunkSettlement) -> Result<bool, StoreError> {
        let ChunkSettlement { lease, first, results, end, now } = settlement;
        let partition = partition(lease.batch);
        let failed = results.iter().filter(|result| result.is_failed).count();
        let (this, publication) =
            (hex(self.ids.random_128()), end.as_ref().and_then(|end| end.publication.as_ref()));
        let ending = end.as_ref().map_or("", |end| end.state.as_str());
        let error = end.as_ref().and_then(|end| end.error.as_deref()).map(present).unwrap_or_default();
        for _ in 0..TRIES {
            let endpoints = self.registry.endpoints().await?;
            let mut call = Call::new(&script::BATCH_SETTLE, &partition.tag())
                .arg(endpoints.version())
                .arg(hex(lease.batch.number()))
                .arg(hex(lease.token))
                .arg(first)
                .arg(failed)
                .arg(key::millis(now))
                .arg(ending)
                .arg(&error)
                .arg(&this)
                .arg(u8::from(publication.is_some()))
                .arg(results.len());
            for result in &results {
                call.push(&*result.line);
            }
            if let Some(publication) = publication {
                push_publication(&mut call, &endpoints, publication);
            }
            let mut reply = Items::of(self.link.call(call).await?)?;
            match reply.integer()? {
                0 => self.registry.agree(partition, reply.parse()?).await?,
                1 => {
                    if publication.is_some() {
                        self.wake.arrive(partition, now);
                    }
                    return Ok(true);
                }
                _ => return Ok(false),
            }
        }
        Err(unsettled())
    }

    async fn cancel(&self, id: BatchId, now: Timestamp) -> Result<Cancelled, StoreError> {
        let call = Call::new(&script::BATCH_CANCEL, &partition(id).tag())
            .arg(hex(id.number()))
            .arg(key::millis(now));
        Ok(match record::read(id, self.link.call(call).await?)? {
            None => Cancelled::NotFound,
            Some(batch) if batch.state == BatchState::Cancelled => Cancelled::Done(batch),
            Some(batch) => Cancelled::TooLate(batch),
        })
    }

    async fn batch(&self, id: BatchId) -> Result<Option<Batch>, StoreError> {
        self.read_batch(id).await
    }

    async fn batches(&self, page: PageRequest<BatchId>) -> Result<Page<Batch, BatchId>, StoreError> {
        let from = page.after.map_or("+".to_owned(), |after| format!("({}", hex(after.number())));
        let limit = page.limit.saturating_add(1);
        let parts = Partition::all().map(|partition| {
            let mut list = cmd("ZREVRANGEBYLEX");
            list.arg(format!("{}:ba", partition.tag())).arg(&from).arg("-").arg("LIMIT").arg(0).arg(limit);
            async move {
                let mut found = Items::of(self.link.send(list).await?)?;
                let mut ids = Vec::new();
                while !found.is_empty() {
                    ids.push(BatchId::from_number(from_hex(&found.text()?.unwrap_or_default())?));
                }
                Ok::<_, StoreError>(ids)
            }
        });
        let mut ids: Vec<BatchId> = try_join_all(parts).await?.into_iter().flatten().collect();
        ids.sort_unstable_by(|one, other| other.cmp(one));
        let Page { items: ids, next } = Page::cut(ids, page.limit, |last| *last);
        let found = try_join_all(ids.into_iter().map(|id| self.read_batch(id))).await?;
        Ok(Page { items: found.into_iter().flatten().collect(), next })
    }

    async fn results(
        &self,
        id: BatchId,
        from: u64,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<Arc<str>>, StoreError> {
        let Ok(first) = u32::try_from(from) else { return Ok(Vec::new()) };
        let last = u64::from(first) + limit.clamp(1, MAX_RESULTS) as u64 - 1;
        let mut range = cmd("LRANGE");
        range.arg(format!("{}:br:{}", partition(id).tag(), hex(id.number()))).arg(first).arg(last);
        let mut found = Items::of(self.link.send(range).await?)?;
        let (mut lines, mut room) = (Vec::new(), Room::of(max_bytes));
        while !found.is_empty() {
            let line: Arc<str> = found.text()?.unwrap_or_default().into();
            if !room.takes(line.len()) {
                break;
            }
            lines.push(line);
        }
        Ok(lines)
    }

    async fn batch_arrived(&self) {
        self.batch_work.notified().await;
    }
}
