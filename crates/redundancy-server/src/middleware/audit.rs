//! Writes down who changed what somebody may have to answer for. `access_rules.rs` says which requests those are.

use super::client_address::ClientAddress;
use super::request_id::RequestId;
use crate::access_rules::AccessRule;
use crate::app::App;
use crate::identity::Principal;
use axum::RequestExt as _;
use axum::extract::{Path, Request};
use axum::http::header::LOCATION;
use axum::response::Response;
use redundancy_engine::StoreError;
use redundancy_engine::access::{AuditEntry, AuditId, Tenant};
use std::time::Duration;

/// How long to wait before an entry is offered again to a store that refuses it: the first time, and at most.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(16);

/// Whose things an answer tells of, where that is not the caller's tenant: handlers add it to their answers.
#[derive(Clone)]
pub(crate) struct Concerns(pub(crate) Option<Tenant>);

/// What an answer tells of, where the path does not name it: handlers add it to their answers.
#[derive(Clone)]
pub(crate) struct About(pub(crate) String);

/// Which fields of it were set, where a request sets some: handlers add it to their answers.
#[derive(Clone)]
pub(crate) struct FieldsSet(pub(crate) Vec<&'static str>);

/// An entry that is written if the request succeeds.
pub(super) struct Entry {
    app: App,
    entry: AuditEntry,
}

/// An entry about something that was done.
pub(super) struct Done(Entry);

impl Entry {
    /// The entry for a request, if it is one of those that get one.
    pub(super) async fn begin(
        app: &App,
        rule: AccessRule,
        request: &mut Request,
        principal: &Principal,
        address: ClientAddress,
    ) -> Option<Self> {
        let action = rule.action?;
        // As the handler reads it: with what is escaped in the path unescaped.
        let named = request.extract_parts::<Path<String>>().await;
        let entry = AuditEntry {
            id: AuditId::new(app.clock(), app.ids()),
            at: app.clock().now(),
            actor: principal.actor.clone(),
            tenant: principal.tenant.clone(),
            action: action.to_owned(),
            target: named.ok().map(|Path(id)| id),
            fields: Vec::new(),
            request_id: request.extensions().get::<RequestId>().map(|id| id.as_str().to_owned()),
            address: address.0.map(|address| address.to_string()),
        };
        Some(Self { app: app.clone(), entry })
    }

    /// The entry as it is written, if `response` says that the thing was done.
    pub(super) fn ended(mut self, response: &Response) -> Option<Done> {
        if !response.status().is_success() {
            return None;
        }
        // What was made has its id only now.
        let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
        let made = location.and_then(|location| location.rsplit_once('/'));
        self.entry.target = self.entry.target.or_else(|| made.map(|(_, id)| id.to_owned()));
        if let Some(About(target)) = response.extensions().get() {
            self.entry.target = Some(target.clone());
        }
        if let Some(FieldsSet(names)) = response.extensions().get() {
            self.entry.fields = names.iter().map(|name| (*name).to_owned()).collect();
        }
        if let Some(Concerns(tenant)) = response.extensions().get::<Concerns>() {
            self.entry.tenant.clone_from(tenant);
        }
        Some(Done(self))
    }
}

impl Done {
    /// Writes the entry, or tells the log that it could not be written.
    pub(super) async fn write(&self) -> Result<(), StoreError> {
        let Self(Entry { app, entry }) = self;
        app.access().store.record(entry.clone()).await.inspect_err(|error| {
            let (action, about) = (&*entry.action, entry.target.as_deref());
            tracing::error!(%error, action, about, "an entry of the audit log could not be written");
        })
    }

    /// Tries to write the entry until that is done; once more, and no more, when the service ends.
    pub(super) async fn write_later(self) {
        let draining = self.0.app.draining().clone();
        let mut pause = FIRST_PAUSE;
        loop {
            let _ = tokio::time::timeout(pause, draining.cancelled()).await;
            match self.write().await {
                Err(StoreError::Unavailable(_) | StoreError::Full(_)) if !draining.is_cancelled() => {
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Ok(()) | Err(_) => return,
            }
        }
    }
}
