//! The table of all settings: their names, defaults, and how far they may be shown. What a value means and which ones
//! will do is said by the module of its concern, not here.

/// Most edits between a misspelt key and the known one that is suggested for it.
const MAX_EDITS: usize = 4;

/// One setting.
#[derive(Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name in the environment; in `redundancy.toml` the same, or in lower case.
    pub name: &'static str,
    /// What holds where nothing is given, if that does not depend on where the program runs.
    pub default: Option<&'static str>,
    /// How far its value may be shown.
    pub secrecy: Secrecy,
}

/// How far a value may be shown to whoever reads the terminal or the logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrecy {
    /// As it is.
    Open,
    /// An address that may carry a user and a password, which are hidden.
    Credentials,
    /// A name that may be such an address.
    Name,
    /// Not at all.
    Secret,
}

impl Key {
    const fn new(name: &'static str, default: &'static str) -> Self {
        Self { name, default: Some(default), secrecy: Secrecy::Open }
    }

    const fn unset(name: &'static str) -> Self {
        Self { name, default: None, secrecy: Secrecy::Open }
    }

    const fn address(name: &'static str) -> Self {
        Self { name, default: None, secrecy: Secrecy::Credentials }
    }

    const fn name(name: &'static str) -> Self {
        Self { name, default: None, secrecy: Secrecy::Name }
    }

    const fn secret(name: &'static str) -> Self {
        Self { name, default: None, secrecy: Secrecy::Secret }
    }
}

pub(super) const HOST: Key = Key::new("HOST", "127.0.0.1");
pub(super) const PORT: Key = Key::new("PORT", "8000");
pub(super) const METRICS_LISTEN: Key = Key::unset("METRICS_LISTEN");
pub(super) const WEBHOOK_STORAGE_TYPE: Key = Key::new("WEBHOOK_STORAGE_TYPE", "auto");
pub(super) const REDIS_URL: Key = Key::address("REDIS_URL");
pub(super) const DATA_DIR: Key = Key::new("DATA_DIR", "./data");
pub(super) const INDEX_MEMORY_BYTES: Key = Key::new("INDEX_MEMORY_BYTES", "512 MiB");
pub(super) const ENABLE_TRACING: Key = Key::new("ENABLE_TRACING", "false");
pub(super) const OTLP_ENDPOINT: Key = Key::address("OTLP_ENDPOINT");
pub(super) const OTEL_SDK_DISABLED: Key = Key::new("OTEL_SDK_DISABLED", "false");
pub(super) const OTEL_SERVICE_NAME: Key = Key::unset("OTEL_SERVICE_NAME");
pub(super) const OTEL_RESOURCE_ATTRIBUTES: Key = Key::unset("OTEL_RESOURCE_ATTRIBUTES");
pub(super) const OTEL_EXPORTER_OTLP_ENDPOINT: Key = Key::address("OTEL_EXPORTER_OTLP_ENDPOINT");
pub(super) const OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: Key = Key::address("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
pub(super) const OTEL_EXPORTER_OTLP_PROTOCOL: Key = Key::unset("OTEL_EXPORTER_OTLP_PROTOCOL");
pub(super) const OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: Key = Key::unset("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL");
pub(super) const OTEL_EXPORTER_OTLP_HEADERS: Key = Key::secret("OTEL_EXPORTER_OTLP_HEADERS");
pub(super) const OTEL_EXPORTER_OTLP_TRACES_HEADERS: Key = Key::secret("OTEL_EXPORTER_OTLP_TRACES_HEADERS");
pub(super) const OTEL_EXPORTER_OTLP_TIMEOUT: Key = Key::new("OTEL_EXPORTER_OTLP_TIMEOUT", "10000");
pub(super) const OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: Key = Key::unset("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT");
pub(super) const OTEL_TRACES_SAMPLER: Key = Key::new("OTEL_TRACES_SAMPLER", "parentbased_always_on");
pub(super) const OTEL_TRACES_SAMPLER_ARG: Key = Key::new("OTEL_TRACES_SAMPLER_ARG", "1");
pub(super) const OTEL_BSP_SCHEDULE_DELAY: Key = Key::new("OTEL_BSP_SCHEDULE_DELAY", "5000");
pub(super) const OTEL_BSP_EXPORT_TIMEOUT: Key = Key::new("OTEL_BSP_EXPORT_TIMEOUT", "30000");
pub(super) const OTEL_BSP_MAX_QUEUE_SIZE: Key = Key::new("OTEL_BSP_MAX_QUEUE_SIZE", "2048");
pub(super) const OTEL_BSP_MAX_EXPORT_BATCH_SIZE: Key = Key::new("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "512");
pub(super) const ENABLE_METRICS: Key = Key::new("ENABLE_METRICS", "true");
pub(super) const LOG_LEVEL: Key = Key::new("LOG_LEVEL", "info");
pub(super) const LOG_FORMAT: Key = Key::unset("LOG_FORMAT");
pub(super) const AUTH_MODE: Key = Key::new("AUTH_MODE", "none");
pub(super) const ALLOW_ANONYMOUS: Key = Key::new("ALLOW_ANONYMOUS", "false");
pub(super) const API_KEYS: Key = Key::secret("API_KEYS");
pub(super) const API_KEYS_FILE: Key = Key::unset("API_KEYS_FILE");
pub(super) const JWT_ISSUER: Key = Key::name("JWT_ISSUER");
pub(super) const JWT_AUDIENCE: Key = Key::unset("JWT_AUDIENCE");
pub(super) const JWKS_URL: Key = Key::address("JWKS_URL");
pub(super) const JWT_SECRET: Key = Key::secret("JWT_SECRET");
pub(super) const JWT_TENANT_CLAIM: Key = Key::new("JWT_TENANT_CLAIM", "tenant");
pub(super) const CORS_ORIGINS: Key = Key::new(
    "CORS_ORIGINS",
    "http://localhost:3000,http://localhost:5173,http://localhost:4200,http://localhost:8080,http://localhost:5000",
);
pub(super) const RATE_LIMIT_REQUESTS: Key = Key::new("RATE_LIMIT_REQUESTS", "1000");
pub(super) const RATE_LIMIT_WINDOW_SECONDS: Key = Key::new("RATE_LIMIT_WINDOW_SECONDS", "60");
pub(super) const TRUSTED_PROXIES: Key = Key::unset("TRUSTED_PROXIES");
pub(super) const MAX_CONTENT_BYTES: Key = Key::new("MAX_CONTENT_BYTES", "1 MiB");
pub(super) const REQUEST_TIMEOUT_SECONDS: Key = Key::new("REQUEST_TIMEOUT_SECONDS", "30");
pub(super) const MAX_CONCURRENT_REQUESTS: Key = Key::new("MAX_CONCURRENT_REQUESTS", "4096");
pub(super) const TLS_CERT: Key = Key::unset("TLS_CERT");
pub(super) const TLS_KEY: Key = Key::unset("TLS_KEY");
pub(super) const TLS_CLIENT_CA: Key = Key::unset("TLS_CLIENT_CA");
pub(super) const HSTS_MAX_AGE_SECONDS: Key = Key::new("HSTS_MAX_AGE_SECONDS", "31536000");
pub(super) const WEBHOOK_WORKERS: Key = Key::unset("WEBHOOK_WORKERS");
pub(super) const WEBHOOK_POOL_SIZE: Key = Key::unset("WEBHOOK_POOL_SIZE");
pub(super) const WEBHOOK_ALLOWED_NETWORKS: Key = Key::unset("WEBHOOK_ALLOWED_NETWORKS");
pub(super) const WEBHOOK_HTTPS_ONLY: Key = Key::new("WEBHOOK_HTTPS_ONLY", "false");
pub(super) const WEBHOOK_SECRET_KEY: Key = Key::secret("WEBHOOK_SECRET_KEY");
pub(super) const CIRCUIT_BREAKER_FAILURE_THRESHOLD: Key = Key::new("CIRCUIT_BREAKER_FAILURE_THRESHOLD", "5");
pub(super) const CIRCUIT_BREAKER_TIMEOUT_SECONDS: Key = Key::new("CIRCUIT_BREAKER_TIMEOUT_SECONDS", "60");
pub(super) const WEBHOOK_RETENTION_DAYS: Key = Key::new("WEBHOOK_RETENTION_DAYS", "30");
pub(super) const REDUNDANCY_API_KEY: Key = Key::secret("REDUNDANCY_API_KEY");
pub(super) const REDUNDANCY_CLIENT_CERT: Key = Key::unset("REDUNDANCY_CLIENT_CERT");
pub(super) const REDUNDANCY_CLIENT_KEY: Key = Key::unset("REDUNDANCY_CLIENT_KEY");

/// Every setting, in the order in which they are shown.
pub const ALL: [&Key; 60] = [
    &HOST,
    &PORT,
    &METRICS_LISTEN,
    &WEBHOOK_STORAGE_TYPE,
    &REDIS_URL,
    &DATA_DIR,
    &INDEX_MEMORY_BYTES,
    &ENABLE_TRACING,
    &OTLP_ENDPOINT,
    &OTEL_SDK_DISABLED,
    &OTEL_SERVICE_NAME,
    &OTEL_RESOURCE_ATTRIBUTES,
    &OTEL_EXPORTER_OTLP_ENDPOINT,
    &OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
    &OTEL_EXPORTER_OTLP_PROTOCOL,
    &OTEL_EXPORTER_OTLP_TRACES_PROTOCOL,
    &OTEL_EXPORTER_OTLP_HEADERS,
    &OTEL_EXPORTER_OTLP_TRACES_HEADERS,
    &OTEL_EXPORTER_OTLP_TIMEOUT,
    &OTEL_EXPORTER_OTLP_TRACES_TIMEOUT,
    &OTEL_TRACES_SAMPLER,
    &OTEL_TRACES_SAMPLER_ARG,
    &OTEL_BSP_SCHEDULE_DELAY,
    &OTEL_BSP_EXPORT_TIMEOUT,
    &OTEL_BSP_MAX_QUEUE_SIZE,
    &OTEL_BSP_MAX_EXPORT_BATCH_SIZE,
    &ENABLE_METRICS,
    &LOG_LEVEL,
    &LOG_FORMAT,
    &AUTH_MODE,
    &ALLOW_ANONYMOUS,
    &API_KEYS,
    &API_KEYS_FILE,
    &JWT_ISSUER,
    &JWT_AUDIENCE,
    &JWKS_URL,
    &JWT_SECRET,
    &JWT_TENANT_CLAIM,
    &CORS_ORIGINS,
    &RATE_LIMIT_REQUESTS,
    &RATE_LIMIT_WINDOW_SECONDS,
    &TRUSTED_PROXIES,
    &MAX_CONTENT_BYTES,
    &REQUEST_TIMEOUT_SECONDS,
    &MAX_CONCURRENT_REQUESTS,
    &TLS_CERT,
    &TLS_KEY,
    &TLS_CLIENT_CA,
    &HSTS_MAX_AGE_SECONDS,
    &WEBHOOK_WORKERS,
    &WEBHOOK_POOL_SIZE,
    &WEBHOOK_ALLOWED_NETWORKS,
    &WEBHOOK_HTTPS_ONLY,
    &WEBHOOK_SECRET_KEY,
    &CIRCUIT_BREAKER_FAILURE_THRESHOLD,
    &CIRCUIT_BREAKER_TIMEOUT_SECONDS,
    &WEBHOOK_RETENTION_DAYS,
    &REDUNDANCY_API_KEY,
    &REDUNDANCY_CLIENT_CERT,
    &REDUNDANCY_CLIENT_KEY,
];

/// The setting of that name, in whatever case it is written.
pub(super) fn named(name: &str) -> Option<&'static Key> {
    ALL.into_iter().find(|key| key.name.eq_ignore_ascii_case(name))
}

/// The setting that was probably meant by `name`, if one comes near.
pub(super) fn nearest(name: &str) -> Option<&'static Key> {
    let name = name.to_ascii_uppercase();
    ALL.into_iter()
        .map(|key| (strsim::damerau_levenshtein(key.name, &name), key))
        // In a short name the same number of edits makes another word.
        .filter(|(edits, key)| *edits <= MAX_EDITS.min(key.name.len() / 3))
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, key)| key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_is_told_from_a_foreign_one() {
        for (written, meant) in [
            ("prot", Some("PORT")),
            ("log_levle", Some("LOG_LEVEL")),
            ("webhook_worker", Some("WEBHOOK_WORKERS")),
            ("max_content", None),
            ("colour", None),
        ] {
            assert_eq!(nearest(written).map(|key| key.name), meant, "{written}");
        }
    }

    #[test]
    fn no_name_stands_twice() {
        for key in ALL {
            assert_eq!(ALL.iter().filter(|other| other.name == key.name).count(), 1, "{}", key.name);
        }
    }
}
