//! Keys, tenants, the audit log and the counts of requests in Redis: what replicas know of their callers together. The first three lie in one
//! slot, the counts of each caller in a slot of their own.

use super::link::Link;
use super::reply::{self, Items};
use super::script::{self, Call};
use super::{RedisConfig, fault, key};
use crate::rates::LocalRates;
use async_trait::async_trait;
use redis::cmd;
use redundancy_engine::StoreError;
use redundancy_engine::access::{
    AccessStore, ApiKey, AuditEntry, AuditId, Decision, KeyId, Quota, RateLimiter, Tenant,
};
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::store::{Page, PageRequest};
use ring::digest;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// What the keys of keys, tenants and the log begin with.
const ACCESS: &str = "{wh:acc}";
/// The version of the records of keys and of the log.
const VERSION: u32 = 1;
/// Greater than every id in lists, which are hexadecimal digits.
const END: &str = "+";

/// Knows callers in Redis.
pub struct RedisAccess {
    link: Link,
    /// Counts while Redis is away. Each replica then allows the whole quota, which is better than nothing and than nobody.
    local: LocalRates,
}

impl RedisAccess {
    /// Knows callers in the Redis of `config`. It need not be there yet.
    #[must_use]
    pub fn new(config: RedisConfig) -> Self {
        let RedisConfig { address, timeout, clock, .. } = config;
        Self { link: Link::new(address, timeout, None), local: LocalRates::new(clock) }
    }

    /// The records with these ids in the hash `name`, in their order.
    async fn records<T: DeserializeOwned>(&self, name: &str, ids: &[String]) -> Result<Vec<T>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let get = cmd("HMGET").arg(format!("{ACCESS}:{name}")).arg(ids).clone();
        let mut items = Items::of(self.link.send(get).await?)?;
        let mut records = Vec::with_capacity(ids.len());
        while !items.is_empty() {
            records.extend(items.bytes()?.map(|bytes| read(&bytes)).transpose()?);
        }
        Ok(records)
    }

    /// Ids out of a sorted set in their order, or backwards, from behind `after` on.
    async fn ids(
        &self,
        list: &str,
        is_backwards: bool,
        after: Option<u128>,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        let after = after.map(|number| format!("({}", key::hex(number)));
        let (name, from, to) = if is_backwards {
            ("ZREVRANGEBYLEX", after.as_deref().unwrap_or(END), "-")
        } else {
            ("ZRANGEBYLEX", after.as_deref().unwrap_or("-"), END)
        };
        let mut range = cmd(name);
        range.arg(format!("{ACCESS}:{list}")).arg(from).arg(to).arg("LIMIT").arg(0).arg(limit);
        let mut items = Items::of(self.link.send(range).await?)?;
        let mut ids = Vec::new();
        while !items.is_empty() {
            ids.extend(items.text()?);
        }
        Ok(ids)
    }
}

#[async_trait]
impl AccessStore for RedisAccess {
    async fn put_key(&self, key: ApiKey) -> Result<(), StoreError> {
        let call = Call::new(&script::ACCESS_PUT, ACCESS)
            .arg("key")
            .arg(key::hex(key.id.number()))
            .arg(written(&key)?)
            .arg(name(key.tenant.as_ref()));
        self.link.call(call).await.map(drop)
    }

    async fn key(&self, id: KeyId) -> Result<Option<ApiKey>, StoreError> {
        let get = cmd("HGET").arg(format!("{ACCESS}:key")).arg(key::hex(id.number())).clone();
        reply::bytes(self.link.send(get).await?)?.map(|bytes| read(&bytes)).transpose()
    }

    async fn keys(
        &self,
        tenant: Option<&Tenant>,
        page: PageRequest<KeyId>,
    ) -> Result<Page<ApiKey, KeyId>, StoreError> {
        let (after, limit) = (page.after.map(KeyId::number), page.limit.saturating_add(1));
        let ids = self.ids(&list("key", tenant), false, after, limit).await?;
        Ok(Page::cut(self.records("key", &ids).await?, page.limit, |key: &ApiKey| key.id))
    }

    async fn revoke_key(&self, id: KeyId, now: Timestamp) -> Result<Option<ApiKey>, StoreError> {
        let call = Call::new(&script::ACCESS_REVOKE, ACCESS).arg(key::hex(id.number())).arg(key::millis(now));
        reply::bytes(self.link.call(call).await?)?.map(|bytes| read(&bytes)).transpose()
    }

    async fn record(&self, entry: AuditEntry) -> Result<(), StoreError> {
        let call = Call::new(&script::ACCESS_PUT, ACCESS)
            .arg("audit")
            .arg(key::hex(entry.id.number()))
            .arg(written(&entry)?)
            .arg(name(entry.tenant.as_ref()));
        self.link.call(call).await.map(drop)
    }

    async fn audit(
        &self,
        tenant: Option<&Tenant>,
        page: PageRequest<AuditId>,
    ) -> Result<Page<AuditEntry, AuditId>, StoreError> {
        let (after, limit) = (page.after.map(AuditId::number), page.limit.saturating_add(1));
        let ids = self.ids(&list("audit", tenant), true, after, limit).await?;
        Ok(Page::cut(self.records("audit", &ids).await?, page.limit, |entry: &AuditEntry| entry.id))
    }

    async fn add_tenant(&self, tenant: &Tenant) -> Result<(), StoreError> {
        let add = cmd("SADD").arg(format!("{ACCESS}:tenants")).arg(tenant.as_str()).clone();
        self.link.send(add).await.map(drop)
    }

    async fn tenants(&self) -> Result<Vec<Tenant>, StoreError> {
        let members = cmd("SMEMBERS").arg(format!("{ACCESS}:tenants")).clone();
        let mut items = Items::of(self.link.send(members).await?)?;
        let mut tenants = Vec::new();
        while !items.is_empty() {
            tenants.push(items.parse::<Tenant>()?);
        }
        tenants.sort();
        Ok(tenants)
    }
}

#[async_trait]
impl RateLimiter for RedisAccess {
    async fn take(&self, caller: &str, quota: Quota, cost: u64) -> Result<Decision, StoreError> {
        let digest = digest::digest(&digest::SHA256, caller.as_bytes());
        let (short, _) = digest.as_ref().split_first_chunk::<16>().ok_or_else(fault::unexpected)?;
        let call = Call::new(&script::RATE, &format!("wh:rate:{}", key::hex(u128::from_be_bytes(*short))))
            .arg(quota.requests)
            .arg(micros(quota.window))
            .arg(cost);
        let answer = match self.link.call(call).await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::debug!(%error, "requests are counted by this replica alone");
                return Ok(self.local.take_now(caller, quota, cost));
            }
        };
        let mut items = Items::of(answer)?;
        let mut next =
            || items.integer().and_then(|number| u64::try_from(number).map_err(|_| fault::unexpected()));
        Ok(Decision {
            is_allowed: next()? == 1,
            remaining: next()?,
            reset_after: Duration::from_micros(next()?),
            retry_after: Duration::from_micros(next()?),
        })
    }
}

impl fmt::Debug for RedisAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisAccess").finish_non_exhaustive()
    }
}

/// The sorted set of the ids of a kind: of all, or of a tenant.
fn list(kind: &str, tenant: Option<&Tenant>) -> String {
    match tenant {
        None => format!("{kind}:ids"),
        Some(tenant) => format!("{kind}:of:{tenant}"),
    }
}

fn name(tenant: Option<&Tenant>) -> &str {
    tenant.map_or("", Tenant::as_str)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// A record as it is kept.
#[derive(Serialize, Deserialize)]
struct Versioned<T> {
    v: u32,
    record: T,
}

/// What comes first in reading one.
#[derive(Deserialize)]
struct Version {
    #[serde(default)]
    v: u32,
}

fn written(record: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(&Versioned { v: VERSION, record }).map_err(|_| fault::unexpected())
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    let Version { v } = serde_json::from_slice(bytes).map_err(|_| fault::unexpected())?;
    if v != VERSION {
        return Err(StoreError::Unreadable(
            "a key or an entry of the audit log was written by another version".to_owned(),
        ));
    }
    let kept: Versioned<T> = serde_json::from_slice(bytes).map_err(|_| fault::unexpected())?;
    Ok(kept.record)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests stop at the first surprise")]

    use super::{read, written};
    use redundancy_engine::StoreError;

    #[test]
    fn a_record_says_its_version_and_one_of_another_is_not_guessed_at() {
        let record = written(&[1, 2]).unwrap();
        assert_eq!(record, r#"{"v":1,"record":[1,2]}"#);
        assert_eq!(read::<Vec<u8>>(record.as_bytes()).unwrap(), [1, 2]);
        let newer = record.replace("\"v\":1", "\"v\":2");
        for other in [newer.as_bytes(), br#"{"name":"ci"}"#] {
            assert!(matches!(read::<Vec<u8>>(other), Err(StoreError::Unreadable(_))));
        }
    }
}
