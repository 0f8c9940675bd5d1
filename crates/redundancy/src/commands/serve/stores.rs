//! Opens the store of a tenant, or of what belongs to none.

use std::path::PathBuf;
use std::sync::Arc;

use redundancy_engine::access::Tenant;
use redundancy_engine::webhook::store::WebhookStore;
use redundancy_engine::{AnalysisStore, BatchStore, Catalog};
use redundancy_store::{
    EmbeddedConfig, EmbeddedStore, IndexOptions, MemoryStore, RedisAddress, RedisConfig, RedisStore, redis,
};

use super::super::Failure;
use super::parts::{Foundation, cipher};
use crate::clock::SystemClock;
use crate::random::SystemRandom;
use crate::settings::Settings;
use crate::settings::storage::StorageType;

/// The folder in the data folder that has a folder for each tenant.
const TENANTS: &str = "tenants";
/// The part of the memory for the index that each tenant gets beside what belongs to none, and the least that is of use.
const TENANT_SHARE: usize = 16;
const MIN_INDEX_BYTES: usize = 16 << 20;

/// One store behind all ports.
pub(super) struct Store {
    pub(super) analyses: Arc<dyn AnalysisStore>,
    pub(super) webhooks: Arc<dyn WebhookStore>,
    pub(super) documents: Arc<dyn Catalog>,
    pub(super) batches: Arc<dyn BatchStore>,
}

impl Store {
    /// The store of `tenant`.
    pub(super) async fn open(
        settings: &Settings,
        tenant: Option<&Tenant>,
        foundation: &Foundation,
    ) -> Result<Self, Failure> {
        let Foundation { clock, random, opening, .. } = foundation;
        match settings.storage.storage_type {
            StorageType::Memory => Ok(Self::behind_all_ports(Arc::new(MemoryStore::default()))),
            StorageType::Redis => {
                let config = redis_config(settings, tenant.cloned(), clock.clone(), random.clone())?;
                Ok(Self::behind_all_ports(RedisStore::connect(config).await.map_err(told)?))
            }
            StorageType::Auto | StorageType::Embedded => {
                let folder = folder(settings, tenant);
                let (clock, ids) = (clock.clone(), random.clone());
                let config = EmbeddedConfig { folder, cipher: cipher(&settings.delivery), clock, ids };
                let options = IndexOptions::of_memory(index_bytes(settings, tenant));
                // It reads what is there, which can be much.
                let opened = opening.spawn_blocking(move || EmbeddedStore::open_with(config, options));
                let opened = opened.await.map_err(|error| Failure::Other(error.to_string()))?;
                Ok(Self::behind_all_ports(opened.map_err(told)?))
            }
        }
    }

    /// One store behind all ports, so that what belongs together is written together.
    fn behind_all_ports<S: AnalysisStore + WebhookStore + Catalog + BatchStore + 'static>(
        store: Arc<S>,
    ) -> Self {
        Self { analyses: store.clone(), webhooks: store.clone(), documents: store.clone(), batches: store }
    }
}

/// How to reach what `tenant` has in Redis.
pub(in crate::commands) fn redis_config(
    settings: &Settings,
    tenant: Option<Tenant>,
    clock: Arc<SystemClock>,
    ids: Arc<SystemRandom>,
) -> Result<RedisConfig, Failure> {
    // Settings have made sure that there is an address, and that it is one.
    let address = settings.storage.redis_url.as_deref().unwrap_or_default();
    let address =
        address.parse::<RedisAddress>().map_err(|error| Failure::Other(format!("REDIS_URL: {error}")))?;
    let (timeout, cipher) = (redis::DEFAULT_TIMEOUT, cipher(&settings.delivery));
    Ok(RedisConfig { address, timeout, cipher, ids, clock, tenant })
}

fn folder(settings: &Settings, tenant: Option<&Tenant>) -> PathBuf {
    let all = &settings.storage.data_dir;
    tenant.map_or_else(|| all.clone(), |tenant| all.join(TENANTS).join(folder_name(tenant)))
}

/// The name of a tenant's folder: its own, but for capitals, which stand as `^` and the small letter. Some file systems take the two for one, and
/// two tenants must not have one folder.
fn folder_name(tenant: &Tenant) -> String {
    let mut name = String::new();
    for letter in tenant.as_str().chars() {
        if letter.is_ascii_uppercase() {
            name.push('^');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

fn index_bytes(settings: &Settings, tenant: Option<&Tenant>) -> usize {
    let all = settings.storage.index_memory_bytes;
    if tenant.is_none() { all } else { (all / TENANT_SHARE).max(MIN_INDEX_BYTES) }
}

fn told(error: impl std::fmt::Display) -> Failure {
    Failure::Other(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_tenants_have_two_folders_whatever_the_file_system_thinks_of_capitals() {
        let names = ["acme", "Acme", "ACME", "a^cme"].map(|name| name.parse::<Tenant>().ok());
        let names: Vec<_> = names.into_iter().flatten().map(|tenant| folder_name(&tenant)).collect();
        assert_eq!(names, ["acme", "^acme", "^a^c^m^e"]);
    }
}
