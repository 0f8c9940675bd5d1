//! The port behind which keys, tenants and the audit log are kept.

use super::{ApiKey, AuditEntry, AuditId, KeyId, Tenant};
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::store::{Page, PageRequest, StoreError};

/// Keeps API keys, the names of tenants and the audit log. Several processes may use one at the same time.
#[async_trait::async_trait]
pub trait AccessStore: Send + Sync {
    /// Writes a new key. When this returns `Ok`, it is durable.
    async fn put_key(&self, key: ApiKey) -> Result<(), StoreError>;

    /// A key, also one that is of no use any more.
    async fn key(&self, id: KeyId) -> Result<Option<ApiKey>, StoreError>;

    /// The keys in the order of their ids: those of `tenant` alone if there is one, else all.
    async fn keys(
        &self,
        tenant: Option<&Tenant>,
        page: PageRequest<KeyId>,
    ) -> Result<Page<ApiKey, KeyId>, StoreError>;

    /// Ends a key, which stays to be looked at. One that was ended before keeps its time. `None` if there is no such key.
    async fn revoke_key(&self, id: KeyId, now: Timestamp) -> Result<Option<ApiKey>, StoreError>;

    /// Adds an entry to the audit log. Nothing changes or removes one; added again it changes nothing.
    async fn record(&self, entry: AuditEntry) -> Result<(), StoreError>;

    /// Entries of the audit log, the newest first: those of `tenant` alone if there is one, else all.
    async fn audit(
        &self,
        tenant: Option<&Tenant>,
        page: PageRequest<AuditId>,
    ) -> Result<Page<AuditEntry, AuditId>, StoreError>;

    /// Remembers that a tenant has things here. Done again it changes nothing.
    async fn add_tenant(&self, tenant: &Tenant) -> Result<(), StoreError>;

    /// The tenants that have things here, in the order of their names.
    async fn tenants(&self) -> Result<Vec<Tenant>, StoreError>;
}
