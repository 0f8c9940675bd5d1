//! Analyses that were accepted for later.

use super::rows::{damaged, millis, moment};
use super::{EmbeddedStore, OrFailed as _, execute};
use async_trait::async_trait;
use redundancy_engine::{
    AnalysisId, AnalysisState, AnalysisStore, Operation, StoreError, StoreKind, StoredAnalysis,
};
use redundancy_webhook::event::EventType;
use redundancy_webhook::store::Publication;
use rusqlite::{Connection, OptionalExtension as _, params};

const PENDING: &str = "pending";
const COMPLETED: &str = "completed";
const FAILED: &str = "failed";

fn put(connection: &Connection, analysis: &StoredAnalysis) -> Result<(), StoreError> {
    let (state, result) = match &analysis.state {
        AnalysisState::Pending => (PENDING, None),
        AnalysisState::Completed(result) => (COMPLETED, Some(&**result)),
        AnalysisState::Failed(reason) => (FAILED, Some(reason.as_str())),
    };
    let insert = "INSERT OR REPLACE INTO analyses (id, operation, created, bytes, state, result) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let values = params![
        analysis.id.number().to_be_bytes(),
        analysis.operation.as_str(),
        millis(analysis.created_at),
        i64::try_from(analysis.bytes).unwrap_or(i64::MAX),
        state,
        result
    ];
    execute(connection, insert, values)?;
    Ok(())
}

fn get(connection: &Connection, id: AnalysisId) -> Result<Option<StoredAnalysis>, StoreError> {
    let query = "SELECT operation, created, bytes, state, result FROM analyses WHERE id = ?1";
    let read = |row: &rusqlite::Row<'_>| {
        let (operation, created): (String, i64) = (row.get(0)?, row.get(1)?);
        let (bytes, state): (i64, String) = (row.get(2)?, row.get(3)?);
        Ok((operation, created, bytes, state, row.get::<_, Option<String>>(4)?))
    };
    let found = connection.query_row(query, [id.number().to_be_bytes()], read).optional().or_failed()?;
    let Some((operation, created, bytes, state, result)) = found else { return Ok(None) };
    let operation =
        Operation::ALL.into_iter().find(|known| known.as_str() == operation).ok_or_else(damaged)?;
    let state = match (state.as_str(), result) {
        (PENDING, _) => AnalysisState::Pending,
        (COMPLETED, Some(result)) => AnalysisState::Completed(result.into()),
        (FAILED, Some(reason)) => AnalysisState::Failed(reason),
        _ => return Err(damaged()),
    };
    let bytes = usize::try_from(bytes).unwrap_or_default();
    Ok(Some(StoredAnalysis { id, operation, created_at: moment(created), bytes, state }))
}

/// Analyses that a process accepted and did not finish: nobody works on them any more.
pub(super) fn fail_abandoned(connection: &Connection) -> Result<(), StoreError> {
    let update = "UPDATE analyses SET state = 'failed', result = \
        'the service ended before the analysis was done: ask for it again' WHERE state = 'pending'";
    connection.execute(update, []).or_failed()?;
    Ok(())
}

#[async_trait]
impl AnalysisStore for EmbeddedStore {
    async fn put(&self, analysis: StoredAnalysis) -> Result<(), StoreError> {
        self.write(move |writer| put(writer.connection, &analysis)).await
    }

    async fn finish(
        &self,
        analysis: Option<StoredAnalysis>,
        publication: Option<Publication>,
    ) -> Result<(), StoreError> {
        self.write(move |writer| {
            if let Some(analysis) = &analysis {
                put(writer.connection, analysis)?;
            }
            if let Some(publication) = publication.clone() {
                // The only refusal is a reused key, and this has none.
                let _ = writer.publish(publication)?;
            }
            Ok(())
        })
        .await
    }

    fn is_wanted(&self, kind: &EventType) -> bool {
        redundancy_webhook::store::WebhookStore::is_wanted(self, kind)
    }

    fn kind(&self) -> StoreKind {
        StoreKind { name: "embedded", is_durable: true }
    }

    async fn get(&self, id: AnalysisId) -> Result<Option<StoredAnalysis>, StoreError> {
        self.read(move |connection| get(connection, id)).await
    }
}
