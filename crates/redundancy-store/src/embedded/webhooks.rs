//! The webhook port over the writing thread, the reading threads and the schedule.

use super::rows::{attempts, delivery_by_id, event_by_id};
use super::{EmbeddedStore, OrFailed as _, State, queries};
use crate::schedule::show_being_made;
use async_trait::async_trait;
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::delivery::{Attempt, Delivery, DeliveryFilter, DeliveryState};
use redundancy_webhook::endpoint::Endpoint;
use redundancy_webhook::event::{Event, EventType};
use redundancy_webhook::ids::{DeliveryId, EndpointId, EventId, JobId};
use redundancy_webhook::record::{read_job, write_job};
use redundancy_webhook::store::{
    Change, Changed, Claim, Claimed, EndpointRecord, EndpointWriteError, EventSummary, Job, JobState, Lease,
    Page, PageRequest, Publication, PublishError, Published, QueueStats, Settled, Settlement, StoreError,
    StoreHealth, WebhookStore,
};
use rusqlite::{OptionalExtension as _, params};
use std::collections::HashSet;
use std::sync::PoisonError;

/// With more pending deliveries than this the oldest one is looked for among the first of each lane only.
const MAX_SCAN: u64 = 20_000;

impl State {
    /// A delivery as it is now: what the database calls pending, or cancelled with its endpoint, may be under way.
    fn as_it_is(&self, mut delivery: Delivery) -> Delivery {
        if matches!(delivery.state, DeliveryState::Pending | DeliveryState::Cancelled)
            && let Some(since) = self.schedule.made_since(delivery.id)
        {
            show_being_made(&mut delivery, since);
        }
        delivery
    }
}

#[async_trait]
impl WebhookStore for EmbeddedStore {
    async fn create_endpoint(&self, endpoint: Endpoint) -> Result<(), EndpointWriteError> {
        loop {
            let new = endpoint.clone();
            if let Some(created) = self.write(move |writer| writer.create_endpoint(new.clone())).await? {
                return created;
            }
        }
    }

    async fn replace_endpoint(
        &self,
        endpoint: Endpoint,
        forgives: bool,
        now: Timestamp,
    ) -> Result<(), EndpointWriteError> {
        self.write(move |writer| writer.replace_endpoint(endpoint.clone(), forgives, now)).await?
    }

    async fn delete_endpoint(&self, id: &EndpointId, now: Timestamp) -> Result<bool, StoreError> {
        let id = id.clone();
        self.write(move |writer| writer.delete_endpoint(&id, now)).await
    }

    async fn endpoint(&self, id: &EndpointId, _: Timestamp) -> Result<Option<EndpointRecord>, StoreError> {
        Ok(self.shared.state().schedule.record(id))
    }

    async fn endpoints(
        &self,
        page: PageRequest<EndpointId>,
        _: Timestamp,
    ) -> Result<Page<EndpointRecord, EndpointId>, StoreError> {
        Ok(self.shared.state().schedule.records(&page))
    }

    async fn publish(&self, publication: Publication) -> Result<Published, PublishError> {
        self.write(move |writer| writer.publish(publication.clone())).await?
    }

    fn is_wanted(&self, kind: &EventType) -> bool {
        self.shared.state().schedule.is_wanted(kind)
    }

    async fn event(&self, id: EventId) -> Result<Option<(Event, u32)>, StoreError> {
        self.read(move |connection| {
            let Some(event) = event_by_id(connection, id)? else { return Ok(None) };
            Ok(Some((event, queries::deliveries_of(connection, id)?)))
        })
        .await
    }

    async fn events(
        &self,
        since: Timestamp,
        until: Timestamp,
        page: PageRequest<EventId>,
    ) -> Result<Page<EventSummary, EventId>, StoreError> {
        self.read(move |connection| queries::events(connection, since, until, &page)).await
    }

    async fn delivery(&self, id: DeliveryId) -> Result<Option<(Delivery, Vec<Attempt>)>, StoreError> {
        let found = self
            .read(move |connection| {
                let Some(delivery) = delivery_by_id(connection, id)? else { return Ok(None) };
                Ok(Some((delivery, attempts(connection, id)?)))
            })
            .await?;
        Ok(found.map(|(delivery, attempts)| (self.shared.state().as_it_is(delivery), attempts)))
    }

    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        page: PageRequest<DeliveryId>,
    ) -> Result<Page<Delivery, DeliveryId>, StoreError> {
        let filter = filter.clone();
        self.flush().await?;
        let leased = self.shared.state().schedule.being_made().collect();
        self.readers.run(move |connection| queries::deliveries(connection, &filter, &page, &leased)).await
    }

    async fn change_delivery(
        &self,
        id: DeliveryId,
        change: Change,
        from: &[DeliveryState],
        now: Timestamp,
    ) -> Result<Changed, StoreError> {
        loop {
            let from = from.to_vec();
            if let Some(changed) = self.write(move |writer| writer.change(id, change, &from, now)).await? {
                return Ok(changed);
            }
        }
    }

    async fn add_delivery(
        &self,
        event: EventId,
        endpoint: &EndpointId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let endpoint = endpoint.clone();
        self.write(move |writer| writer.add_delivery(event, &endpoint, now)).await
    }

    async fn claim(&self, claim: Claim<'_>) -> Result<Claimed, StoreError> {
        self.claim_due(claim).await
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<Settled>, StoreError> {
        self.settle_all(settlements).await
    }

    async fn extend(&self, leases: &[Lease], now: Timestamp, until: Timestamp) -> Result<(), StoreError> {
        self.shared.state().schedule.extend(leases, now, until);
        Ok(())
    }

    async fn release(&self, leases: Vec<Lease>, now: Timestamp) -> Result<(), StoreError> {
        self.release_all(leases, now)
    }

    async fn work_arrived(&self) {
        self.shared.work.notified().await;
    }

    async fn queue_stats(&self, _: Timestamp) -> Result<QueueStats, StoreError> {
        // Events that follow from outcomes count once they are written; counts are told also while the disk is full.
        let _ = self.flush().await;
        let (total, by_endpoint, first, made) = {
            let state = self.shared.state();
            let lanes = state.schedule.lanes();
            let first = lanes.values().flat_map(|lane| lane.waiting.iter().take(100));
            let first = first.map(|(_, id)| id.made_at()).min();
            let by_endpoint = lanes.iter().map(|(id, lane)| (id.clone(), lane.counts.clone())).collect();
            let made: HashSet<_> = state.schedule.being_made().map(|(id, _)| id).collect();
            (state.schedule.total(), by_endpoint, first, made)
        };
        let oldest_pending_at = if total.pending == 0 || total.pending > MAX_SCAN {
            first
        } else {
            let oldest = self.read(move |connection| queries::oldest_pending(connection, &made)).await;
            oldest.ok().flatten().map(DeliveryId::made_at).or(first)
        };
        Ok(QueueStats { total, by_endpoint, oldest_pending_at })
    }

    async fn put_job(&self, job: Job) -> Result<bool, StoreError> {
        self.write(move |writer| {
            let id = job.id.number().to_be_bytes();
            let query = "SELECT revision FROM jobs WHERE id = ?1";
            let known: Option<i64> =
                writer.connection.query_row(query, [id], |row| row.get(0)).optional().or_failed()?;
            let revision = i64::try_from(job.revision).unwrap_or(i64::MAX);
            if known.map_or(0, |known| known + 1) != revision {
                return Ok(false);
            }
            let insert =
                "INSERT OR REPLACE INTO jobs (id, revision, is_open, record) VALUES (?1, ?2, ?3, ?4)";
            let is_open = job.state == JobState::Running;
            writer.connection.execute(insert, params![id, revision, is_open, write_job(&job)]).or_failed()?;
            Ok(true)
        })
        .await
    }

    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        self.read(move |connection| {
            let query = "SELECT record FROM jobs WHERE id = ?1";
            let record: Option<Vec<u8>> = connection
                .query_row(query, [id.number().to_be_bytes()], |row| row.get(0))
                .optional()
                .or_failed()?;
            Ok(record.map(|record| read_job(&record)).transpose()?)
        })
        .await
    }

    async fn open_jobs(&self) -> Result<Vec<Job>, StoreError> {
        self.read(|connection| {
            let query = "SELECT record FROM jobs INDEXED BY jobs_open WHERE is_open = 1 ORDER BY id";
            let mut statement = connection.prepare_cached(query).or_failed()?;
            let records = statement.query_map([], |row| row.get::<_, Vec<u8>>(0)).or_failed()?;
            records.map(|record| Ok(read_job(&record.or_failed()?)?)).collect()
        })
        .await
    }

    async fn sweep(&self, before: Timestamp, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let mut deleted = 0;
        loop {
            let cursor = *self.sweep_cursor.lock().unwrap_or_else(PoisonError::into_inner);
            let swept = self.write(move |writer| writer.sweep(before, now, limit, cursor)).await?;
            deleted += swept.deleted;
            let is_end = swept.next.is_none();
            *self.sweep_cursor.lock().unwrap_or_else(PoisonError::into_inner) =
                swept.next.unwrap_or_default();
            // A step that found only pending deliveries is no sign that nothing is left behind them.
            if is_end || deleted >= limit {
                return Ok(deleted);
            }
        }
    }

    async fn sync(&self) -> Result<(), StoreError> {
        self.flush().await
    }

    async fn health(&self) -> StoreHealth {
        let began = self.shared.clock.monotonic();
        let answered =
            self.readers.run(|connection| connection.query_row("SELECT 1", [], |_| Ok(())).or_failed()).await;
        let latency = self.shared.clock.monotonic().saturating_sub(began);
        // A disk that is full can still be read; whoever brings something new would be refused.
        let mut fault = answered.err().or_else(|| self.shared.write_fault().clone());
        if !self.writes.is_alive() {
            fault = Some(StoreError::Unavailable(
                "its writing thread has ended because of a defect in the program; nothing is stored until it is restarted"
                    .to_owned(),
            ));
        }
        StoreHealth {
            kind: "embedded",
            is_reachable: fault.is_none(),
            is_durable: true,
            latency,
            warnings: fault.iter().map(ToString::to_string).collect(),
        }
    }
}
