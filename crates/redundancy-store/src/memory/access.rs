//! Keys, tenants and the audit log in memory: those of one process, gone with it.

use async_trait::async_trait;
use redundancy_engine::StoreError;
use redundancy_engine::access::{AccessStore, ApiKey, AuditEntry, AuditId, KeyId, Tenant};
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::store::{Page, PageRequest};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Entries of the audit log that are kept; the oldest go first. A log that lasts needs a store that does.
const MOST_ENTRIES: usize = 100_000;

/// Keeps keys, tenants and the audit log in memory.
#[derive(Debug, Default)]
pub struct MemoryAccess(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    keys: BTreeMap<KeyId, ApiKey>,
    audit: BTreeMap<AuditId, AuditEntry>,
    tenants: BTreeSet<Tenant>,
}

impl MemoryAccess {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Nothing under the lock can panic halfway.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl AccessStore for MemoryAccess {
    async fn put_key(&self, key: ApiKey) -> Result<(), StoreError> {
        self.kept().keys.insert(key.id, key);
        Ok(())
    }

    async fn key(&self, id: KeyId) -> Result<Option<ApiKey>, StoreError> {
        Ok(self.kept().keys.get(&id).cloned())
    }

    async fn keys(
        &self,
        tenant: Option<&Tenant>,
        page: PageRequest<KeyId>,
    ) -> Result<Page<ApiKey, KeyId>, StoreError> {
        let kept = self.kept();
        let from = page.after.map_or(Bound::Unbounded, Bound::Excluded);
        let wanted = kept.keys.range((from, Bound::Unbounded)).map(|(_, key)| key);
        let wanted = wanted.filter(|key| tenant.is_none_or(|tenant| key.tenant.as_ref() == Some(tenant)));
        let found = wanted.take(page.limit.saturating_add(1)).cloned().collect();
        Ok(Page::cut(found, page.limit, |key: &ApiKey| key.id))
    }

    async fn revoke_key(&self, id: KeyId, now: Timestamp) -> Result<Option<ApiKey>, StoreError> {
        let mut kept = self.kept();
        let Some(key) = kept.keys.get_mut(&id) else { return Ok(None) };
        key.revoked_at = key.revoked_at.or(Some(now));
        Ok(Some(key.clone()))
    }

    async fn record(&self, entry: AuditEntry) -> Result<(), StoreError> {
        let mut kept = self.kept();
        kept.audit.entry(entry.id).or_insert(entry);
        while kept.audit.len() > MOST_ENTRIES {
            kept.audit.pop_first();
        }
        Ok(())
    }

    async fn audit(
        &self,
        tenant: Option<&Tenant>,
        page: PageRequest<AuditId>,
    ) -> Result<Page<AuditEntry, AuditId>, StoreError> {
        let kept = self.kept();
        let until = page.after.map_or(Bound::Unbounded, Bound::Excluded);
        let wanted = kept.audit.range((Bound::Unbounded, until)).rev().map(|(_, entry)| entry);
        let wanted = wanted.filter(|entry| tenant.is_none_or(|tenant| entry.tenant.as_ref() == Some(tenant)));
        let found = wanted.take(page.limit.saturating_add(1)).cloned().collect();
        Ok(Page::cut(found, page.limit, |entry: &AuditEntry| entry.id))
    }

    async fn add_tenant(&self, tenant: &Tenant) -> Result<(), StoreError> {
        self.kept().tenants.insert(tenant.clone());
        Ok(())
    }

    async fn tenants(&self) -> Result<Vec<Tenant>, StoreError> {
        Ok(self.kept().tenants.iter().cloned().collect())
    }
}
