//! `GET /api/v1/audit`: who changed what.

use crate::app::Here;
use crate::envelope::{Envelope, PageData};
use crate::error::ApiError;
use crate::request::query::{Parameters, Queried, Query};
use crate::routes::paging::{self, PageParameters, Part};
use redundancy_engine::access::{Actor, AuditEntry, AuditId};
use serde::Serialize;
use utoipa::ToSchema;

/// A part of the audit log.
pub(crate) struct AuditPage(Part<u128>);

/// An entry of the audit log.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditData {
    /// Its id.
    #[schema(example = "aud_01kb3yq7w2e5m8f1n4r6t9v0xz")]
    id: String,
    /// When it was done.
    #[schema(example = "2026-01-02T03:04:05.678Z")]
    at: String,
    /// Who did it.
    actor: ActorData,
    /// Whose things were changed.
    tenant: Option<String>,
    /// What was done.
    #[schema(example = "endpoint.deleted")]
    action: String,
    /// To what: an id, or the levels of the log that were set.
    #[schema(example = "main-webhook")]
    target: Option<String>,
    /// Which fields of it were set by the change of an endpoint; what they were set to may be secret, and is not told.
    #[schema(example = json!(["url", "headers"]))]
    fields: Vec<String>,
    /// The request by which it was done.
    request_id: Option<String>,
    /// The address that it came from.
    #[schema(example = "192.0.2.7")]
    address: Option<String>,
}

/// Who did something.
#[derive(Serialize, ToSchema)]
pub(crate) struct ActorData {
    /// `anonymous`, `api_key`, `token`, or `operator` for the command line.
    kind: &'static str,
    /// The id of the key, or the subject of the token.
    id: Option<String>,
}

/// Read the audit log
///
/// The newest entries first. Nothing changes or removes one. A tenant sees what was done to its own things; whoever belongs to none sees
/// all.
#[utoipa::path(
    get,
    path = "/api/v1/audit",
    operation_id = "list_audit",
    tag = "Access",
    params(PageParameters),
    responses((status = 200, description = "A part of the log", body = Envelope<PageData<AuditData>>)),
)]
pub(crate) async fn list(
    Here(app): Here,
    Queried(AuditPage(Part { page, list })): Queried<AuditPage>,
) -> Result<Envelope<PageData<AuditData>>, ApiError> {
    let page = page.map(AuditId::from_number);
    let found = app.access().store.audit(app.tenant(), page).await?;
    Ok(Envelope::ok(paging::answer(list, found.items, found.next.map(AuditId::number).as_ref())))
}

impl Query for AuditPage {
    fn read(parameters: &mut Parameters<'_>) -> Option<Self> {
        paging::part(parameters).map(Self)
    }
}

impl From<AuditEntry> for AuditData {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: entry.id.to_string(),
            at: entry.at.to_string(),
            actor: entry.actor.into(),
            tenant: entry.tenant.map(String::from),
            action: entry.action,
            target: entry.target,
            fields: entry.fields,
            request_id: entry.request_id,
            address: entry.address,
        }
    }
}

impl From<Actor> for ActorData {
    fn from(actor: Actor) -> Self {
        match actor {
            Actor::Anonymous => Self { kind: "anonymous", id: None },
            Actor::ApiKey(id) => Self { kind: "api_key", id: Some(id) },
            Actor::Token(id) => Self { kind: "token", id: Some(id) },
            Actor::Operator => Self { kind: "operator", id: None },
        }
    }
}
