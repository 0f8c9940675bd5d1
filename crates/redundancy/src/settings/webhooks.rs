//! How events are delivered.

use std::time::Duration;

use ipnet::IpNet;
use redundancy_engine::access::Pepper;
use redundancy_engine::webhook::record::SecretCipher;

use super::keys;
use super::parse;
use super::platform::Profile;
use super::reader::{Parsed, Reader};

const MOST_WORKERS: usize = 10_000;
const MOST_IN_FLIGHT: usize = 100_000;

/// How events are delivered.
#[derive(Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Workers, each of which may have so many requests open.
    pub workers: usize,
    /// Requests that each worker may have open.
    pub pool_size: usize,
    /// Networks that may be called although they are not globally routable.
    pub allowed_networks: Vec<IpNet>,
    /// Whether endpoints must be `https`.
    pub https_only: bool,
    /// What signing secrets are encrypted with. It also goes into the digests of API keys.
    pub secret_key: Option<String>,
    /// Failures in a row that open the breaker of an endpoint.
    pub breaker_threshold: u32,
    /// How long it stays open.
    pub breaker_timeout: Duration,
    /// How long finished deliveries are kept.
    pub retention: Duration,
}

impl std::fmt::Debug for Delivery {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delivery").field("workers", &self.workers).finish_non_exhaustive()
    }
}

impl Delivery {
    /// What goes into the digests of API keys.
    #[must_use]
    pub fn pepper(&self) -> Option<Pepper> {
        self.secret_key.as_deref().map(Pepper::of)
    }

    /// Requests that may be open at the same time.
    #[must_use]
    pub fn max_in_flight(&self) -> usize {
        self.workers.saturating_mul(self.pool_size).min(MOST_IN_FLIGHT)
    }

    pub(super) fn read(reader: &mut Reader, profile: Profile) -> Option<Self> {
        // A function has little memory, and lives for one request at a time.
        let (workers, pool_size) = match profile {
            Profile::Server => ("10", "100"),
            Profile::Function(_) => ("2", "5"),
        };
        let count = parse::number(1..=MOST_WORKERS);
        let workers = reader.value_or(&keys::WEBHOOK_WORKERS, workers, &count);
        let pool_size = reader.value_or(&keys::WEBHOOK_POOL_SIZE, pool_size, &count);
        let allowed_networks = reader.optional(&keys::WEBHOOK_ALLOWED_NETWORKS, parse::networks);
        let https_only = reader.value(&keys::WEBHOOK_HTTPS_ONLY, parse::flag);
        let secret_key = reader.optional(&keys::WEBHOOK_SECRET_KEY, secret_key);
        let threshold = parse::number(1..=1_000_000_u32);
        let breaker_threshold = reader.value(&keys::CIRCUIT_BREAKER_FAILURE_THRESHOLD, threshold);
        let breaker_timeout =
            reader.value(&keys::CIRCUIT_BREAKER_TIMEOUT_SECONDS, parse::seconds(1..=86_400));
        let days = reader.value(&keys::WEBHOOK_RETENTION_DAYS, parse::number(1..=36_500_u64));
        Some(Self {
            workers: workers?,
            pool_size: pool_size?,
            allowed_networks: allowed_networks.unwrap_or_default(),
            https_only: https_only?,
            secret_key,
            breaker_threshold: breaker_threshold?,
            breaker_timeout: breaker_timeout?,
            retention: Duration::from_hours(24 * days?),
        })
    }
}

/// A key that a cipher can be made of.
fn secret_key(text: &str) -> Parsed<String> {
    SecretCipher::new(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}
