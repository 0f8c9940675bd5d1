//! Jobs, and the deletion of what is old.

use super::RedisStore;
use super::key::{self, Partition, REGISTRY, hex};
use super::reply::{self, Items};
use super::script::{self, Call};
use redis::cmd;
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::ids::{EventId, JobId};
use redundancy_webhook::record;
use redundancy_webhook::store::{Job, JobState, StoreError};

/// What is deleted in one step.
const STEP: usize = 200;

impl RedisStore {
    pub(super) async fn write_job(&self, job: &Job) -> Result<bool, StoreError> {
        let call = Call::new(&script::JOB, REGISTRY)
            .arg(hex(job.id.number()))
            .arg(job.revision)
            .arg(record::write_job(job))
            .arg(u8::from(job.state != JobState::Running));
        Ok(reply::integer(self.link.call(call).await?)? == 1)
    }

    pub(super) async fn read_job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        let get = cmd("HGET").arg(format!("{REGISTRY}:jobs")).arg(hex(id.number())).clone();
        let bytes = reply::bytes(self.link.send(get).await?)?;
        Ok(bytes.map(|bytes| record::read_job(&bytes)).transpose()?)
    }

    pub(super) async fn read_open_jobs(&self) -> Result<Vec<Job>, StoreError> {
        let mut items = Items::of(self.link.call(Call::new(&script::OPEN_JOBS, REGISTRY)).await?)?;
        let mut jobs = Vec::new();
        while !items.is_empty() {
            jobs.push(record::read_job(&items.bytes()?.unwrap_or_default())?);
        }
        Ok(jobs)
    }

    pub(super) async fn delete_old(
        &self,
        before: Timestamp,
        now: Timestamp,
        limit: usize,
    ) -> Result<usize, StoreError> {
        let kept = hex(EventId::first_at(before).number());
        let mut deleted = 0;
        for partition in Partition::all() {
            while deleted < limit {
                let step = STEP.min(limit - deleted);
                let call =
                    Call::new(&script::SWEEP, &partition.tag()).arg(&kept).arg(key::millis(now)).arg(step);
                let count = usize::try_from(reply::integer(self.link.call(call).await?)?).unwrap_or(0);
                deleted += count;
                if count < step {
                    break;
                }
            }
        }
        for partition in Partition::all() {
            if deleted < limit {
                let step = STEP.min(limit - deleted);
                deleted += self.delete_old_batches(partition, before, step).await?;
            }
        }
        if deleted < limit {
            let call = Call::new(&script::SWEEP_JOBS, REGISTRY).arg(&kept).arg(STEP.min(limit - deleted));
            deleted += usize::try_from(reply::integer(self.link.call(call).await?)?).unwrap_or(0);
        }
        Ok(deleted)
    }
}
