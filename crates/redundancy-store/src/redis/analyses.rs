//! Analyses that were accepted for later, each in the partition of its id.

use super::RedisStore;
use super::fault;
use super::key::{Partition, hex};
use async_trait::async_trait;
use redis::{Cmd, Value};
use redundancy_engine::{
    AnalysisId, AnalysisState, AnalysisStore, Operation, StoreError, StoreKind, StoredAnalysis,
};
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::event::EventType;
use redundancy_webhook::store::{Publication, PublishError, WebhookStore};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long a result is kept.
const KEEP_RESULT: Duration = Duration::from_hours(24);
/// How long a pending analysis is kept from when it was last said that the work on it goes on. Less than a result is, so that what is said
/// too late does not shorten the life of one.
const KEEP_PENDING: Duration = Duration::from_hours(1);
/// After so long a silence the replica that did it has died: many times as long as between two times that it is said, so that it has lost
/// nothing while the store was away for a moment.
const SILENCE: Duration = Duration::from_mins(2);
/// What is told of such an analysis.
const UNFINISHED: &str = "the service ended before the analysis was done: ask for it again";
/// The version of the record.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Record {
    v: u32,
    operation: String,
    created_at: Timestamp,
    bytes: usize,
    state: StateRecord,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StateRecord {
    Pending,
    Completed(String),
    Failed(String),
}

/// What is written of an analysis: where, what, and for how many milliseconds.
pub(super) struct Written {
    pub(super) partition: Partition,
    pub(super) name: String,
    pub(super) record: Vec<u8>,
    pub(super) keep_ms: u64,
}

impl Written {
    pub(super) fn new(analysis: &StoredAnalysis) -> Self {
        let (state, keep) = match &analysis.state {
            AnalysisState::Pending => (StateRecord::Pending, KEEP_PENDING),
            AnalysisState::Completed(result) => (StateRecord::Completed(result.to_string()), KEEP_RESULT),
            AnalysisState::Failed(reason) => (StateRecord::Failed(reason.clone()), KEEP_RESULT),
        };
        let record = Record {
            v: VERSION,
            operation: analysis.operation.as_str().to_owned(),
            created_at: analysis.created_at,
            bytes: analysis.bytes,
            state,
        };
        Self {
            partition: Partition::of_slot(analysis.id.slot()),
            name: hex(analysis.id.number()),
            // Strings and numbers: that cannot fail.
            record: serde_json::to_vec(&record).unwrap_or_default(),
            keep_ms: milliseconds(keep),
        }
    }
}

fn key_of(id: AnalysisId) -> String {
    key(Partition::of_slot(id.slot()), &hex(id.number()))
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn key(partition: Partition, name: &str) -> String {
    format!("{}:a:{name}", partition.tag())
}

fn read(id: AnalysisId, bytes: &[u8]) -> Result<StoredAnalysis, StoreError> {
    let unreadable = || StoreError::Unreadable("an analysis was written by another version".to_owned());
    let record: Record = serde_json::from_slice(bytes).map_err(|_| unreadable())?;
    let operation = Operation::ALL.into_iter().find(|known| known.as_str() == record.operation);
    let state = match record.state {
        StateRecord::Pending => AnalysisState::Pending,
        StateRecord::Completed(result) => AnalysisState::Completed(result.into()),
        StateRecord::Failed(reason) => AnalysisState::Failed(reason),
    };
    Ok(StoredAnalysis {
        id,
        operation: operation.filter(|_| record.v == VERSION).ok_or_else(unreadable)?,
        created_at: record.created_at,
        bytes: record.bytes,
        state,
    })
}

#[async_trait]
impl AnalysisStore for RedisStore {
    async fn put(&self, analysis: StoredAnalysis) -> Result<(), StoreError> {
        let Written { partition, name, record, keep_ms } = Written::new(&analysis);
        let mut set: Cmd = redis::cmd("SET");
        set.arg(key(partition, &name)).arg(record).arg("PX").arg(keep_ms);
        self.link.send(set).await?;
        Ok(())
    }

    async fn finish(
        &self,
        analysis: Option<StoredAnalysis>,
        publication: Option<Publication>,
    ) -> Result<(), StoreError> {
        let Some(publication) = publication else {
            return match analysis {
                Some(analysis) => self.put(analysis).await,
                None => Ok(()),
            };
        };
        match self.accept(&publication, analysis.as_ref()).await {
            // A key is the only thing that could be reused, and there is none.
            Ok(_) | Err(PublishError::KeyReused) => Ok(()),
            Err(PublishError::Store(error)) => Err(error),
        }
    }

    fn is_wanted(&self, kind: &EventType) -> bool {
        WebhookStore::is_wanted(self, kind)
    }

    fn kind(&self) -> StoreKind {
        StoreKind { name: "redis", is_durable: true }
    }

    async fn get(&self, id: AnalysisId) -> Result<Option<StoredAnalysis>, StoreError> {
        let mut get: Cmd = redis::cmd("GET");
        get.arg(key_of(id));
        let reply = self.link.send(get).await?;
        if reply == Value::Nil {
            return Ok(None);
        }
        let Value::BulkString(bytes) = reply else { return Err(fault::unexpected()) };
        let analysis = read(id, &bytes)?;
        if matches!(analysis.state, AnalysisState::Pending) && self.is_silent(id).await? {
            return Ok(Some(StoredAnalysis {
                state: AnalysisState::Failed(UNFINISHED.to_owned()),
                ..analysis
            }));
        }
        Ok(Some(analysis))
    }

    async fn goes_on(&self, id: AnalysisId) -> Result<(), StoreError> {
        let mut renew: Cmd = redis::cmd("PEXPIRE");
        // Greater than before: a result that has come meanwhile is kept for longer anyway.
        renew.arg(key_of(id)).arg(milliseconds(KEEP_PENDING)).arg("GT");
        self.link.send(renew).await?;
        Ok(())
    }
}

impl RedisStore {
    /// Whether nobody has said for a while that the work on a pending analysis goes on.
    async fn is_silent(&self, id: AnalysisId) -> Result<bool, StoreError> {
        let mut ask: Cmd = redis::cmd("PTTL");
        ask.arg(key_of(id));
        let Value::Int(left) = self.link.send(ask).await? else { return Err(fault::unexpected()) };
        // Negative if it has gone since.
        let least = milliseconds(KEEP_PENDING.saturating_sub(SILENCE));
        Ok(u64::try_from(left).is_ok_and(|left| left < least))
    }
}
