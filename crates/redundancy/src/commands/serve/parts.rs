//! Puts the service together from its parts.

use std::sync::Arc;

use redundancy_engine::webhook::breaker::BreakerConfig;
use redundancy_engine::webhook::dispatcher::{DispatcherConfig, Ports};
use redundancy_engine::webhook::record::SecretCipher;
use redundancy_engine::webhook::store::WebhookStore;
use redundancy_engine::webhook::transport::{AddressPolicy, HttpTransport, TransportConfig};
use redundancy_engine::webhook::webhooks::{Webhooks, WebhooksConfig};
use redundancy_engine::{
    AnalysisStore, BatchStore, Catalog, CpuPoolConfig, Engine, EngineConfig, EnginePorts,
};
use redundancy_server::{App, FindingsAsJson, ServerConfig, WebhookMetrics};
use redundancy_store::{
    EmbeddedConfig, EmbeddedStore, IndexOptions, MemoryStore, RedisAddress, RedisConfig, RedisStore, redis,
};

use super::super::Failure;
use crate::clock::SystemClock;
use crate::random::SystemRandom;
use crate::settings::storage::StorageType;
use crate::settings::{Delivery, Settings};

/// Analyses that wait for a core at most. They hold their texts; with more of them, the last would wait longer than a
/// request may take.
const MAX_WAITING_ANALYSES: usize = 1024;

/// The service, ready to run.
pub(super) struct Parts {
    pub(super) app: App,
    pub(super) engine: Arc<Engine>,
    pub(super) webhooks: Webhooks,
}

/// One store behind all ports.
struct Store {
    analyses: Arc<dyn AnalysisStore>,
    webhooks: Arc<dyn WebhookStore>,
    documents: Arc<dyn Catalog>,
    batches: Arc<dyn BatchStore>,
}

/// The service over its ports. Must be called inside the runtime.
pub(super) async fn build(settings: &Settings, cores: usize) -> Result<Parts, Failure> {
    let requests = &settings.requests;
    let clock = Arc::new(SystemClock::new());
    let random =
        SystemRandom::new().map_err(|error| Failure::Other(format!("no random numbers: {error}")))?;
    let random = Arc::new(random);
    let store = store(settings, &clock, &random).await?;
    let metrics = WebhookMetrics::default();
    let ports = Ports {
        store: store.webhooks,
        transport: Arc::new(transport(&settings.delivery)?),
        clock: clock.clone(),
        ids: random.clone(),
        observer: Arc::new(metrics.clone()),
    };
    let webhooks = Webhooks::new(ports, webhooks(&settings.delivery));
    let cpu = CpuPoolConfig { workers: cores, queue: requests.max_concurrent.min(MAX_WAITING_ANALYSES) };
    let ports = EnginePorts {
        clock: clock.clone(),
        ids: random.clone(),
        store: store.analyses,
        format: Arc::new(FindingsAsJson),
        catalog: store.documents,
        documents: Arc::new(FindingsAsJson),
        batches: store.batches,
    };
    let engine = Arc::new(Engine::new(EngineConfig { cpu }, ports));
    let config = ServerConfig {
        max_content_bytes: requests.max_content_bytes,
        request_timeout: requests.timeout,
        max_concurrent_requests: requests.max_concurrent,
        cors_origins: requests.cors_origins.clone(),
        enable_metrics: settings.telemetry.metrics,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        profile: settings.profile.name().to_owned(),
        ..ServerConfig::default()
    };
    let app = App::new(config, engine.clone(), webhooks.clone(), metrics, clock, random);
    Ok(Parts { app, engine, webhooks })
}

impl Store {
    /// One store behind all ports, so that what belongs together is written together.
    fn behind_all_ports<S: AnalysisStore + WebhookStore + Catalog + BatchStore + 'static>(
        store: Arc<S>,
    ) -> Self {
        Self { analyses: store.clone(), webhooks: store.clone(), documents: store.clone(), batches: store }
    }
}

async fn store(
    settings: &Settings,
    clock: &Arc<SystemClock>,
    random: &Arc<SystemRandom>,
) -> Result<Store, Failure> {
    // Settings have made sure that the key will do.
    let cipher = settings.delivery.secret_key.as_deref().and_then(|key| SecretCipher::new(key).ok());
    match settings.storage.storage_type {
        StorageType::Memory => Ok(Store::behind_all_ports(Arc::new(MemoryStore::default()))),
        StorageType::Redis => {
            // Settings have made sure that there is an address, and that it is one.
            let address = settings.storage.redis_url.as_deref().unwrap_or_default();
            let address = address
                .parse::<RedisAddress>()
                .map_err(|error| Failure::Other(format!("REDIS_URL: {error}")))?;
            let config = RedisConfig {
                address,
                timeout: redis::DEFAULT_TIMEOUT,
                cipher,
                ids: random.clone(),
                clock: clock.clone(),
            };
            let store =
                RedisStore::connect(config).await.map_err(|error| Failure::Other(error.to_string()))?;
            Ok(Store::behind_all_ports(store))
        }
        StorageType::Auto | StorageType::Embedded => {
            let config = EmbeddedConfig {
                folder: settings.storage.data_dir.clone(),
                cipher,
                clock: clock.clone(),
                ids: random.clone(),
            };
            let options = IndexOptions::of_memory(settings.storage.index_memory_bytes);
            let store = EmbeddedStore::open_with(config, options)
                .map_err(|error| Failure::Other(error.to_string()))?;
            Ok(Store::behind_all_ports(store))
        }
    }
}

fn transport(delivery: &Delivery) -> Result<HttpTransport, Failure> {
    let config = TransportConfig {
        policy: AddressPolicy::new(delivery.allowed_networks.clone()),
        https_only: delivery.https_only,
        ..TransportConfig::default()
    };
    HttpTransport::new(config).map_err(|error| Failure::Other(error.to_string()))
}

fn webhooks(delivery: &Delivery) -> WebhooksConfig {
    let breaker = BreakerConfig {
        failure_threshold: delivery.breaker_threshold,
        open_for: delivery.breaker_timeout,
        ..BreakerConfig::default()
    };
    WebhooksConfig {
        dispatcher: DispatcherConfig {
            max_in_flight: delivery.max_in_flight(),
            breaker,
            ..DispatcherConfig::default()
        },
        addresses: AddressPolicy::new(delivery.allowed_networks.clone()),
        https_only: delivery.https_only,
        retention: delivery.retention,
        ..WebhooksConfig::default()
    }
}
