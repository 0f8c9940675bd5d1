//! Replays and bulk requeues: accepted at once, done bit by bit at a bounded rate, gone on with after a restart.

use super::{Inner, Obstacle, Webhooks};
use crate::clock::Timestamp;
use crate::delivery::{DeliveryFilter, DeliveryState};
use crate::event::EventPattern;
use crate::ids::{DeliveryId, EndpointId, EventId, JobId};
use crate::store::{Change, Changed, EndpointRecord, Job, JobKind, JobState, PageRequest, StoreError};
use std::collections::HashMap;
use std::time::Duration;

/// Events or deliveries that a job looks at in one step.
const STEP: usize = 100;
/// How often jobs are looked for that this process did not accept itself, as those of one that died.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Another replica that has gone on with a job within this time is left alone.
const ABANDONED_AFTER: Duration = Duration::from_secs(10);
/// How often whoever has to wait for the rate of a job says that it is still there.
const BEAT: Duration = Duration::from_secs(3);

/// Events of the past to be delivered to an endpoint again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// Events made then or later.
    pub since: Timestamp,
    /// Events made before then; up to now when left out.
    pub until: Option<Timestamp>,
    /// Deliveries in these states, of [`DeliveryState::Succeeded`], [`DeliveryState::Exhausted`] and
    /// [`DeliveryState::Cancelled`]. Events that the endpoint never had a delivery of are always meant.
    pub states: Vec<DeliveryState>,
    /// Which types of events; those that the endpoint wants when left out.
    pub events: Option<Vec<EventPattern>>,
}

/// Why a replay was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// There is no such endpoint.
    #[error("there is no endpoint with this id")]
    NotFound,
    /// The endpoint gets nothing at present.
    #[error("the endpoint is not active")]
    Inactive,
    /// It is to begin after it ends, as one does that begins in the future.
    #[error("the time to replay ends before it begins")]
    Backwards,
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a bulk requeue was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequeueError {
    /// It was to be for an endpoint that is not there.
    #[error("there is no endpoint with this id")]
    NotFound,
    /// It was to be for an endpoint that gets nothing at present.
    #[error("the endpoint is not active")]
    Inactive,
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How a step ended.
enum Step {
    /// So many deliveries were queued, and the job goes on.
    More(u64),
    /// The job is finished, or another replica works on it.
    End,
}

impl Webhooks {
    /// Accepts a replay: it is done bit by bit in the background.
    pub async fn replay(&self, id: &EndpointId, replay: Replay) -> Result<Job, ReplayError> {
        let record = self.endpoint(id).await?.ok_or(ReplayError::NotFound)?;
        if !record.endpoint.is_active {
            return Err(ReplayError::Inactive);
        }
        let until = replay.until.unwrap_or_else(|| self.clock().now());
        if until < replay.since {
            return Err(ReplayError::Backwards);
        }
        let kind = JobKind::Replay {
            endpoint_id: id.clone(),
            since: replay.since,
            until,
            states: replay.states,
            events: replay.events.unwrap_or(record.endpoint.events),
        };
        Ok(self.accept(kind).await?)
    }

    /// Accepts to queue all dead letters again that `filter` means and that are there now. Those with an [`Obstacle`] stay dead
    /// letters.
    pub async fn requeue_all(&self, filter: DeliveryFilter) -> Result<Job, RequeueError> {
        if let Some(id) = &filter.endpoint_id {
            let record = self.endpoint(id).await?.ok_or(RequeueError::NotFound)?;
            if !record.endpoint.is_active {
                return Err(RequeueError::Inactive);
            }
        }
        let until = self.clock().now().plus(Duration::from_millis(1));
        Ok(self.accept(JobKind::Requeue { filter, until }).await?)
    }

    async fn accept(&self, kind: JobKind) -> Result<Job, StoreError> {
        let now = self.clock().now();
        let job = Job {
            id: JobId::new(self.clock(), &*self.0.ports.ids),
            kind,
            state: JobState::Running,
            queued: 0,
            examined: 0,
            cursor: None,
            created_at: now,
            updated_at: Timestamp::default(),
            revision: 0,
        };
        self.store().put_job(job.clone()).await?;
        self.0.job_arrived.notify_one();
        Ok(job)
    }
}

impl Inner {
    /// Goes on with jobs, one after the other, for ever.
    pub(super) async fn work_on_jobs(&self) {
        loop {
            match self.ports.store.open_jobs().await {
                Ok(jobs) => {
                    for job in jobs {
                        self.work_on(job).await;
                    }
                }
                Err(error) => tracing::debug!(%error, "cannot look for jobs"),
            }
            tokio::select! {
                () = self.job_arrived.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Works on a job to its end, unless another replica does.
    async fn work_on(&self, mut job: Job) {
        if self.ports.clock.now().since(job.updated_at) < ABANDONED_AFTER {
            return;
        }
        loop {
            let step = match &job.kind {
                JobKind::Replay { .. } => self.replay_step(&mut job).await,
                JobKind::Requeue { .. } => self.requeue_step(&mut job).await,
            };
            let step = match step {
                Ok(Step::More(queued)) => self.pause(&mut job, queued).await,
                other => other,
            };
            match step {
                Ok(Step::More(_)) => {}
                Ok(Step::End) => return,
                Err(error) => {
                    tracing::warn!(%error, job = %job.id, "cannot go on with a job yet");
                    return;
                }
            }
        }
    }

    /// Waits as long as the rate demands after so many deliveries, and says meanwhile that the job is not abandoned.
    async fn pause(&self, job: &mut Job, queued: u64) -> Result<Step, StoreError> {
        let per_second = f64::from(self.config.replay_per_second.max(1));
        let mut left = Duration::from_secs_f64(queued as f64 / per_second);
        while left > BEAT {
            tokio::time::sleep(BEAT).await;
            left -= BEAT;
            if matches!(self.save(job, JobState::Running, 0).await?, Step::End) {
                return Ok(Step::End);
            }
        }
        tokio::time::sleep(left).await;
        Ok(Step::More(0))
    }

    async fn replay_step(&self, job: &mut Job) -> Result<Step, StoreError> {
        let JobKind::Replay { endpoint_id, since, until, states, events } = job.kind.clone() else {
            return Ok(Step::End);
        };
        let store = &*self.ports.store;
        let now = self.ports.clock.now();
        // Another one that has its name by now was not meant, and one that is switched off was not expected.
        let is_meant = |record: &EndpointRecord| {
            record.endpoint.is_active && record.endpoint.created_at <= job.created_at
        };
        if !store.endpoint(&endpoint_id, now).await?.as_ref().is_some_and(is_meant) {
            return self.save(job, JobState::Failed, 0).await;
        }
        let page = PageRequest { after: job.cursor.map(EventId::from_number), limit: STEP };
        let page = store.events(since, until, page).await?;
        let mut queued = 0;
        for event in &page.items {
            if !events.iter().any(|pattern| pattern.matches(&event.kind)) {
                continue;
            }
            if store.add_delivery(event.id, &endpoint_id, now).await? {
                queued += 1;
            } else {
                let delivery = DeliveryId::of(event.id, &endpoint_id);
                let changed = store.change_delivery(delivery, Change::Requeue, &states, now).await?;
                queued += u64::from(matches!(changed, Changed::Done(_)));
            }
        }
        job.examined += page.items.len() as u64;
        job.cursor = page.next.map(EventId::number);
        let state = if page.next.is_some() { JobState::Running } else { JobState::Completed };
        self.save(job, state, queued).await
    }

    async fn requeue_step(&self, job: &mut Job) -> Result<Step, StoreError> {
        let JobKind::Requeue { filter, until } = job.kind.clone() else { return Ok(Step::End) };
        let store = &*self.ports.store;
        let now = self.ports.clock.now();
        let dead = DeliveryFilter { state: Some(DeliveryState::Exhausted), ..filter };
        let page = PageRequest { after: job.cursor.map(DeliveryId::from_number), limit: STEP };
        let page = store.deliveries(&dead, page).await?;
        let mut queued = 0;
        let mut endpoints = HashMap::new();
        for delivery in page.items.iter().filter(|delivery| delivery.updated_at < until) {
            let id = &delivery.endpoint_id;
            if !endpoints.contains_key(id) {
                endpoints.insert(id, store.endpoint(id, now).await?.map(|record| record.endpoint));
            }
            let endpoint = endpoints.get(id).and_then(Option::as_ref);
            // Dead letters end with an attempt: one under way when its endpoint was deleted is cancelled.
            if Obstacle::between(delivery, &[], endpoint).is_some() {
                continue;
            }
            let dead = [DeliveryState::Exhausted];
            let changed = store.change_delivery(delivery.id, Change::Requeue, &dead, now).await?;
            queued += u64::from(matches!(changed, Changed::Done(_)));
        }
        job.examined += page.items.len() as u64;
        job.cursor = page.next.map(DeliveryId::number);
        let state = if page.next.is_some() { JobState::Running } else { JobState::Completed };
        self.save(job, state, queued).await
    }

    /// Writes how far a job got. Ends the work when another replica has gone on with it meanwhile.
    async fn save(&self, job: &mut Job, state: JobState, queued: u64) -> Result<Step, StoreError> {
        job.queued += queued;
        job.state = state;
        job.updated_at = self.ports.clock.now();
        job.revision += 1;
        let is_ours = self.ports.store.put_job(job.clone()).await?;
        Ok(if is_ours && state == JobState::Running { Step::More(queued) } else { Step::End })
    }
}
