//! What an endpoint may be like.

use crate::endpoint::Endpoint;
use http::header::{HeaderName, HeaderValue};
use std::collections::HashSet;
use std::time::Duration;

use super::WebhooksConfig;

const TIMEOUT: std::ops::RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_mins(1);
const MAX_EVENTS: usize = 100;
const MAX_DESCRIPTION_CHARS: usize = 1000;
const MAX_HEADERS: usize = 32;
const MAX_HEADER_BYTES: usize = 1024;
const MAX_METADATA_BYTES: usize = 16 * 1024;
const MAX_ATTEMPTS: u32 = 100;
const MAX_MULTIPLIER: f64 = 100.0;
const MAX_DELAY_MS: u64 = 7 * 24 * 3_600_000;
const MAX_SCHEDULE: usize = 100;
const MAX_RATE: u32 = 1_000_000;
const MAX_RATE_SECONDS: u32 = 86_400;
const MAX_IN_FLIGHT: u32 = 1000;
/// Headers that are ours to set, or that would change where a message ends.
const RESERVED: [&str; 17] = [
    "host",
    "content-length",
    "content-type",
    "content-encoding",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "user-agent",
    "x-request-id",
    "traceparent",
    "tracestate",
];

/// One thing that is wrong with an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The field at fault as a JSON pointer (RFC 6901) into the body of the contract, such as `/retry/jitter`.
    pub field: String,
    /// What would do.
    pub message: String,
}

/// Everything that is wrong with `endpoint`.
pub(super) fn faults(endpoint: &Endpoint, config: &WebhooksConfig) -> Vec<Fault> {
    let mut faults = Faults(Vec::new());
    if let Err(error) = endpoint.url.check(&config.addresses, config.https_only) {
        faults.add("/url", error.to_string());
    }
    faults.check((1..=MAX_EVENTS).contains(&endpoint.events.len()), "/events", "must have 1 to 100 items");
    for (index, pattern) in endpoint.events.iter().take(MAX_EVENTS).enumerate() {
        if let Err(error) = pattern.check_matchable() {
            faults.add(&format!("/events/{index}"), error.to_string());
        }
    }
    faults.check(TIMEOUT.contains(&endpoint.timeout), "/timeout_ms", "must be from 100 to 60000");
    faults.check(
        (1..=MAX_IN_FLIGHT).contains(&endpoint.max_in_flight),
        "/max_in_flight",
        "must be from 1 to 1000",
    );
    let is_line =
        |text: &String| text.chars().count() <= MAX_DESCRIPTION_CHARS && !text.chars().any(char::is_control);
    faults.check(
        endpoint.description.as_ref().is_none_or(is_line),
        "/description",
        "must have at most 1000 characters, none of them a control character such as a line end",
    );
    let metadata_bytes = serde_json::to_vec(&endpoint.metadata).map_or(usize::MAX, |bytes| bytes.len());
    faults.check(metadata_bytes <= MAX_METADATA_BYTES, "/metadata", "must take at most 16 KiB as JSON");
    faults.check_rate(endpoint);
    faults.check_retry(endpoint);
    faults.check_headers(endpoint);
    faults.0
}

struct Faults(Vec<Fault>);

impl Faults {
    fn add(&mut self, field: &str, message: impl Into<String>) {
        self.0.push(Fault { field: field.to_owned(), message: message.into() });
    }

    fn check(&mut self, holds: bool, field: &str, message: &str) {
        if !holds {
            self.add(field, message);
        }
    }

    fn check_rate(&mut self, endpoint: &Endpoint) {
        let Some(rate) = endpoint.rate_limit else { return };
        self.check(
            (1..=MAX_RATE).contains(&rate.requests),
            "/rate_limit/requests",
            "must be from 1 to 1000000",
        );
        self.check(
            (1..=MAX_RATE_SECONDS).contains(&rate.per_seconds),
            "/rate_limit/per_seconds",
            "must be from 1 to 86400",
        );
    }

    fn check_retry(&mut self, endpoint: &Endpoint) {
        let retry = &endpoint.retry;
        let week = "must be from 0 to 604800000, which is a week";
        self.check(
            (1..=MAX_ATTEMPTS).contains(&retry.max_attempts),
            "/retry/max_attempts",
            "must be from 1 to 100",
        );
        self.check(retry.initial_delay_ms <= MAX_DELAY_MS, "/retry/initial_delay_ms", week);
        self.check(retry.max_delay_ms <= MAX_DELAY_MS, "/retry/max_delay_ms", week);
        let multiplier = (1.0..=MAX_MULTIPLIER).contains(&retry.multiplier);
        self.check(multiplier, "/retry/multiplier", "must be from 1 to 100");
        self.check((0.0..=1.0).contains(&retry.jitter), "/retry/jitter", "must be from 0 to 1");
        if let Some(schedule) = &retry.schedule_ms {
            let holds = (1..=MAX_SCHEDULE).contains(&schedule.len())
                && schedule.iter().all(|delay| *delay <= MAX_DELAY_MS);
            self.check(
                holds,
                "/retry/schedule_ms",
                "must have 1 to 100 items, each from 0 to 604800000, which is a week",
            );
        }
    }

    fn check_headers(&mut self, endpoint: &Endpoint) {
        self.check(endpoint.headers.len() <= MAX_HEADERS, "/headers", "must have at most 32 members");
        let mut seen = HashSet::new();
        for (name, value) in endpoint.headers.iter().take(MAX_HEADERS) {
            let short: String = name.chars().take(64).collect();
            let field = format!("/headers/{}", short.replace('~', "~0").replace('/', "~1"));
            let lower = name.to_ascii_lowercase();
            let is_ours = RESERVED.contains(&lower.as_str())
                || lower.starts_with("webhook-")
                || lower.starts_with("x-webhook-");
            if is_ours {
                self.add(&field, "is set by the service: leave it out");
            } else if name.len() > MAX_HEADER_BYTES || name.parse::<HeaderName>().is_err() {
                self.add(&field, "is no name of a header: use letters, digits and -");
            } else if !seen.insert(lower) {
                self.add(
                    &field,
                    "is given in another spelling too: capitals make no difference, so keep one",
                );
            } else if value.len() > MAX_HEADER_BYTES
                || value.chars().any(char::is_control)
                || HeaderValue::from_str(value).is_err()
            {
                self.add(&field, "must have at most 1024 bytes, none of them a control character");
            }
        }
    }
}
