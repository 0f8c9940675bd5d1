//! What the service takes from its callers: how much, how long, how many, and from which pages.

use std::time::Duration;

use ipnet::IpNet;
use redundancy_engine::detect::MAX_TEXT_BYTES;
use redundancy_server::Origin as PageOrigin;

use super::keys;
use super::parse;
use super::reader::Reader;

const LONGEST_TIMEOUT_SECONDS: u64 = 3600;
const MOST_REQUESTS: usize = 1_000_000;
/// More than any service answers; with more, times between requests would be too short to be counted.
const MOST_IN_A_WINDOW: u64 = 1_000_000_000;

/// Limits on requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requests {
    /// Longest text, in bytes.
    pub max_content_bytes: usize,
    /// How long a request may take.
    pub timeout: Duration,
    /// How many are served at once.
    pub max_concurrent: usize,
    /// Pages on these origins may call the service from a browser.
    pub cors_origins: Vec<PageOrigin>,
    /// Proxies whose word on the caller's address is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// How many requests one caller may make in a window.
    pub rate_limit_requests: u64,
    /// How long a window is.
    pub rate_limit_window: Duration,
}

impl Requests {
    pub(super) fn read(reader: &mut Reader) -> Option<Self> {
        let cors_origins = reader.value(&keys::CORS_ORIGINS, parse::origins);
        let rate_limit_requests =
            reader.value(&keys::RATE_LIMIT_REQUESTS, parse::number(1..=MOST_IN_A_WINDOW));
        let rate_limit_window = reader.value(&keys::RATE_LIMIT_WINDOW_SECONDS, parse::seconds(1..=86_400));
        let trusted_proxies = reader.optional(&keys::TRUSTED_PROXIES, parse::networks);
        let max_content_bytes = reader.value(&keys::MAX_CONTENT_BYTES, parse::bytes(MAX_TEXT_BYTES));
        let timeout =
            reader.value(&keys::REQUEST_TIMEOUT_SECONDS, parse::seconds(1..=LONGEST_TIMEOUT_SECONDS));
        let max_concurrent = reader.value(&keys::MAX_CONCURRENT_REQUESTS, parse::number(1..=MOST_REQUESTS));
        Some(Self {
            max_content_bytes: max_content_bytes?,
            timeout: timeout?,
            max_concurrent: max_concurrent?,
            cors_origins: cors_origins?,
            trusted_proxies: trusted_proxies.unwrap_or_default(),
            rate_limit_requests: rate_limit_requests?,
            rate_limit_window: rate_limit_window?,
        })
    }
}
