//! The record of a job.

use super::UnreadableRecord;
use crate::clock::Timestamp;
use crate::delivery::{DeliveryFilter, DeliveryState};
use crate::event::{EventPattern, EventType};
use crate::ids::{EndpointId, EventId, JobId};
use crate::store::{Job, JobKind, JobState};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub(super) struct JobRecord {
    id: JobId,
    kind: KindRecord,
    state: String,
    queued: u64,
    examined: u64,
    /// Hexadecimal: JSON has no numbers of this size.
    cursor: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
    revision: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KindRecord {
    Replay {
        endpoint_id: EndpointId,
        since: Timestamp,
        until: Timestamp,
        states: Vec<String>,
        events: Vec<EventPattern>,
    },
    Requeue {
        endpoint_id: Option<EndpointId>,
        event_id: Option<EventId>,
        event_type: Option<EventType>,
        state: Option<String>,
        since: Option<Timestamp>,
        filter_until: Option<Timestamp>,
        until: Timestamp,
    },
}

impl From<&Job> for JobRecord {
    fn from(job: &Job) -> Self {
        Self {
            id: job.id,
            kind: KindRecord::from(&job.kind),
            state: job.state.as_str().to_owned(),
            queued: job.queued,
            examined: job.examined,
            cursor: job.cursor.map(|cursor| format!("{cursor:x}")),
            created_at: job.created_at,
            updated_at: job.updated_at,
            revision: job.revision,
        }
    }
}

impl From<&JobKind> for KindRecord {
    fn from(kind: &JobKind) -> Self {
        match kind.clone() {
            JobKind::Replay { endpoint_id, since, until, states, events } => {
                let states = states.into_iter().map(|state| state.as_str().to_owned()).collect();
                Self::Replay { endpoint_id, since, until, states, events }
            }
            JobKind::Requeue { filter, until } => Self::Requeue {
                endpoint_id: filter.endpoint_id,
                event_id: filter.event_id,
                event_type: filter.event_type,
                state: filter.state.map(|state| state.as_str().to_owned()),
                since: filter.since,
                filter_until: filter.until,
                until,
            },
        }
    }
}

impl JobRecord {
    pub(super) fn into_job(self) -> Result<Job, UnreadableRecord> {
        let cursor = self.cursor.map(|cursor| u128::from_str_radix(&cursor, 16)).transpose();
        Ok(Job {
            id: self.id,
            kind: self.kind.into_kind()?,
            state: JobState::named(&self.state).ok_or(UnreadableRecord::Damaged)?,
            queued: self.queued,
            examined: self.examined,
            cursor: cursor.map_err(|_| UnreadableRecord::Damaged)?,
            created_at: self.created_at,
            updated_at: self.updated_at,
            revision: self.revision,
        })
    }
}

impl KindRecord {
    fn into_kind(self) -> Result<JobKind, UnreadableRecord> {
        let state = |name: String| DeliveryState::named(&name).ok_or(UnreadableRecord::Damaged);
        Ok(match self {
            Self::Replay { endpoint_id, since, until, states, events } => {
                let states = states.into_iter().map(state).collect::<Result<_, _>>()?;
                JobKind::Replay { endpoint_id, since, until, states, events }
            }
            Self::Requeue { endpoint_id, event_id, event_type, state: name, since, filter_until, until } => {
                let state = name.map(state).transpose()?;
                let filter =
                    DeliveryFilter { endpoint_id, event_id, event_type, state, since, until: filter_until };
                JobKind::Requeue { filter, until }
            }
        })
    }
}
