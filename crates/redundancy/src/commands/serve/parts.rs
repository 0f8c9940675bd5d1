//! Puts the service together from its parts.

use std::sync::Arc;

use redundancy_engine::access::{AccessStore, Pepper, Quota, RateLimiter};
use redundancy_engine::webhook::breaker::BreakerConfig;
use redundancy_engine::webhook::dispatcher::{DispatcherConfig, Ports};
use redundancy_engine::webhook::record::SecretCipher;
use redundancy_engine::webhook::trace::{NoTracer, Tracer};
use redundancy_engine::webhook::transport::{AddressPolicy, HttpTransport, TransportConfig};
use redundancy_engine::webhook::webhooks::{Webhooks, WebhooksConfig};
use redundancy_engine::{CpuPool, CpuPoolConfig, Engine, EnginePorts};
use redundancy_server::{
    Access, ApiKeys, App, Authentication, Encryption, FindingsAsJson, LogLevels, ServerConfig, SpanExport,
    Tokens, Verification, WebhookMetrics, Workspace, Workspaces,
};
use redundancy_store::{EmbeddedAccess, LocalRates, MemoryAccess, RedisAccess};

use tokio_util::task::TaskTracker;

use super::super::Failure;
use super::issuer::Issuer;
use super::stores::{Store, redis_config};
use super::tenants::Tenants;
use crate::clock::SystemClock;
use crate::random::SystemRandom;
use crate::settings::access::AuthMode;
use crate::settings::storage::StorageType;
use crate::settings::{Delivery, Settings};
use crate::traces::SpanTracer;

/// Analyses that wait for a core at most: they hold their texts. Those that a caller waits for are turned away long before.
const MAX_WAITING_ANALYSES: usize = 1024;

/// The service, ready to run.
pub(super) struct Parts {
    pub(super) app: App,
    pub(super) engine: Arc<Engine>,
    pub(super) webhooks: Webhooks,
    pub(super) tenants: Arc<Tenants>,
}

/// What the service shows of its log, its certificates and its traces.
pub(super) struct Shown {
    pub(super) log_levels: Arc<dyn LogLevels>,
    pub(super) encryption: Option<Encryption>,
    pub(super) span_export: Option<SpanExport>,
}

/// What all workspaces share.
#[derive(Clone)]
pub(super) struct Foundation {
    pub(super) clock: Arc<SystemClock>,
    pub(super) random: Arc<SystemRandom>,
    /// Stores are opened on threads that may wait for the disk.
    pub(super) opening: TaskTracker,
    pool: Arc<CpuPool>,
    metrics: WebhookMetrics,
    transport: Arc<HttpTransport>,
    webhooks: WebhooksConfig,
    tracer: Arc<dyn Tracer>,
}

/// The service over its ports. Must be called inside the runtime.
pub(super) async fn build(
    settings: &Settings,
    cores: usize,
    Shown { log_levels, encryption, span_export }: Shown,
) -> Result<Parts, Failure> {
    let requests = &settings.requests;
    let foundation = Foundation::new(settings, cores)?;
    let (clock, random) = (Arc::clone(&foundation.clock), Arc::clone(&foundation.random));
    let home = foundation.workspace(None, Store::open(settings, None, &foundation).await?);
    let (engine, webhooks) = (Arc::clone(&home.engine), home.webhooks.clone());
    let callers = callers(settings, &foundation)?;
    let tenants = Tenants::new(settings.clone(), foundation.clone(), Arc::clone(&callers.store));
    let access = access(settings, callers, tenants.clone(), Arc::clone(&clock));
    let config = ServerConfig {
        max_content_bytes: requests.max_content_bytes,
        request_timeout: requests.timeout,
        max_concurrent_requests: requests.max_concurrent,
        cors_origins: requests.cors_origins.clone(),
        enable_metrics: settings.telemetry.metrics,
        metrics_apart: settings.listen.monitoring.is_some(),
        encryption,
        log_levels: Some(log_levels),
        span_export,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        profile: settings.profile.name().to_owned(),
        ..ServerConfig::default()
    };
    let app = App::new(config, access, home, foundation.metrics, clock, random);
    tenants.serve_in(app.clone());
    Ok(Parts { app, engine, webhooks, tenants })
}

impl Foundation {
    fn new(settings: &Settings, cores: usize) -> Result<Self, Failure> {
        let random =
            SystemRandom::new().map_err(|error| Failure::Other(format!("no random numbers: {error}")))?;
        let queue = settings.requests.max_concurrent.min(MAX_WAITING_ANALYSES);
        let clock = Arc::new(SystemClock::new());
        Ok(Self {
            clock: Arc::clone(&clock),
            random: Arc::new(random),
            opening: TaskTracker::new(),
            pool: Arc::new(CpuPool::new(CpuPoolConfig { workers: cores, queue }, clock)),
            metrics: WebhookMetrics::default(),
            transport: Arc::new(transport(&settings.delivery)?),
            webhooks: webhooks(&settings.delivery),
            tracer: tracer(settings),
        })
    }

    /// What a tenant has, or what belongs to none, in `store`.
    pub(super) fn workspace(
        &self,
        tenant: Option<redundancy_engine::access::Tenant>,
        store: Store,
    ) -> Workspace {
        let ports = Ports {
            store: store.webhooks,
            transport: self.transport.clone(),
            clock: self.clock.clone(),
            ids: self.random.clone(),
            observer: Arc::new(self.metrics.clone()),
            tracer: Arc::clone(&self.tracer),
        };
        let webhooks = Webhooks::new(ports, self.webhooks.clone());
        let ports = EnginePorts {
            clock: self.clock.clone(),
            ids: self.random.clone(),
            store: store.analyses,
            format: Arc::new(FindingsAsJson),
            catalog: store.documents,
            documents: Arc::new(FindingsAsJson),
            batches: store.batches,
            tracer: Arc::clone(&self.tracer),
        };
        Workspace { tenant, engine: Arc::new(Engine::sharing(Arc::clone(&self.pool), ports)), webhooks }
    }
}

/// Where keys and the audit log are, and who counts requests.
struct Callers {
    store: Arc<dyn AccessStore>,
    rates: Arc<dyn RateLimiter>,
}

fn callers(settings: &Settings, foundation: &Foundation) -> Result<Callers, Failure> {
    let local = || Arc::new(LocalRates::new(foundation.clock.clone()));
    Ok(match settings.storage.storage_type {
        StorageType::Memory => Callers { store: Arc::new(MemoryAccess::default()), rates: local() },
        StorageType::Redis => {
            let access = Arc::new(RedisAccess::new(redis_config(
                settings,
                None,
                foundation.clock.clone(),
                foundation.random.clone(),
            )?));
            Callers { store: access.clone(), rates: access }
        }
        StorageType::Auto | StorageType::Embedded => {
            let access = EmbeddedAccess::open(&settings.storage.data_dir);
            let access = access.map_err(|error| Failure::Other(error.to_string()))?;
            Callers { store: Arc::new(access), rates: local() }
        }
    })
}

fn access(
    settings: &Settings,
    Callers { store, rates }: Callers,
    workspaces: Arc<dyn Workspaces>,
    clock: Arc<SystemClock>,
) -> Access {
    let (requests, pepper) = (&settings.requests, settings.delivery.pepper());
    Access {
        authentication: authentication(settings, Arc::clone(&store), pepper.clone(), clock),
        store,
        pepper,
        rates,
        quota: Quota { requests: requests.rate_limit_requests, window: requests.rate_limit_window },
        trusted_proxies: requests.trusted_proxies.clone(),
        workspaces,
    }
}

fn authentication(
    settings: &Settings,
    store: Arc<dyn AccessStore>,
    pepper: Option<Pepper>,
    clock: Arc<SystemClock>,
) -> Authentication {
    let access = &settings.access;
    match access.auth_mode {
        AuthMode::None => Authentication::None,
        AuthMode::ApiKey => {
            Authentication::ApiKey(ApiKeys::new(access.fixed_keys.clone(), store, pepper, clock))
        }
        AuthMode::Jwt => {
            if access.token_rules.audience.is_none() {
                tracing::warn!(
                    setting = "JWT_AUDIENCE",
                    "not set: tokens that the issuer made for other services are taken too"
                );
            }
            let verification = match &access.token_secret {
                Some(secret) => Verification::Secret(secret.clone()),
                None => Verification::KeySet(Arc::new(Issuer::new(access))),
            };
            Authentication::Jwt(Tokens::new(access.token_rules.clone(), verification, clock))
        }
    }
}

/// Encrypts signing secrets, if there is a key.
pub(super) fn cipher(delivery: &Delivery) -> Option<SecretCipher> {
    // Settings have made sure that the key will do.
    delivery.secret_key.as_deref().and_then(|key| SecretCipher::new(key).ok())
}

fn tracer(settings: &Settings) -> Arc<dyn Tracer> {
    if settings.telemetry.traces.is_some() { Arc::new(SpanTracer) } else { Arc::new(NoTracer) }
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
