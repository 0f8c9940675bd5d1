//! `/api/v1/webhooks/jobs`: replays and bulk requeues, and how far they got.

use crate::app::Here;
use crate::envelope::{Envelope, Located};
use crate::error::ApiError;
use crate::request::NoParameters;
use crate::request::path::{Id, Named};
use redundancy_engine::webhook::ids::JobId;
use redundancy_engine::webhook::store::{self, Job};
use serde::Serialize;
use utoipa::ToSchema;

/// Work on many deliveries.
#[derive(Serialize, ToSchema)]
pub(crate) struct JobData {
    #[schema(example = "job_06f3k9c2vtx5x8w0h3m1r7q4ze")]
    id: String,
    kind: JobKind,
    state: JobState,
    /// Whose events are replayed; only of a replay.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "main-webhook")]
    endpoint_id: Option<String>,
    /// Events or dead letters that it has looked at.
    examined: u64,
    /// Deliveries that it has queued.
    queued: u64,
    /// When it was accepted.
    #[schema(example = "2026-01-02T03:04:05.678Z")]
    created_at: String,
    /// When it last went on.
    #[schema(example = "2026-01-02T03:04:06.178Z")]
    updated_at: String,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = WebhookJobKind)]
enum JobKind {
    /// Events of the past are delivered to an endpoint again.
    Replay,
    /// Dead letters are queued again.
    Requeue,
}

/// How far a job got.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = WebhookJobState)]
enum JobState {
    /// It goes on.
    Running,
    /// It is done.
    Completed,
    /// It cannot be done: its endpoint is gone.
    Failed,
}

/// Ask how far a replay or a requeue got
#[utoipa::path(
    get,
    path = "/api/v1/webhooks/jobs/{id}",
    operation_id = "show_webhook_job",
    tag = "Deliveries",
    params(("id" = String, Path, description = "The id of the job")),
    responses((status = 200, description = "How far it got", body = Envelope<JobData>)),
)]
pub(crate) async fn show(
    Here(app): Here,
    Id(id): Id<JobId>,
    _: NoParameters,
) -> Result<Envelope<JobData>, ApiError> {
    let job = app.webhooks().job(id).await?.ok_or_else(JobId::unknown)?;
    Ok(Envelope::ok(job.into()))
}

/// The answer to a request that a job was made of.
pub(super) fn accepted(job: Job) -> Located<JobData> {
    let location = format!("/api/v1/webhooks/jobs/{}", job.id);
    Envelope::accepted_at(job.into(), &location)
}

impl From<Job> for JobData {
    fn from(job: Job) -> Self {
        let (kind, endpoint_id) = match job.kind {
            store::JobKind::Replay { endpoint_id, .. } => (JobKind::Replay, Some(endpoint_id.to_string())),
            store::JobKind::Requeue { .. } => (JobKind::Requeue, None),
        };
        Self {
            id: job.id.to_string(),
            kind,
            state: job.state.into(),
            endpoint_id,
            examined: job.examined,
            queued: job.queued,
            created_at: job.created_at.to_string(),
            updated_at: job.updated_at.max(job.created_at).to_string(),
        }
    }
}

impl From<store::JobState> for JobState {
    fn from(state: store::JobState) -> Self {
        match state {
            store::JobState::Running => Self::Running,
            store::JobState::Completed => Self::Completed,
            store::JobState::Failed => Self::Failed,
        }
    }
}
