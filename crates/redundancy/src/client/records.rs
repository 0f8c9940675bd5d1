//! What the service says of endpoints, deliveries and documents, as far as people are shown it. Fields that are missing count as
//! empty: an older or a newer service is shown as far as it is understood.

use std::collections::BTreeMap;

use redundancy_engine::detect::Span;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::error::ClientError;
use super::{Client, ServiceAddress};

/// An endpoint.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Endpoint {
    /// Its id.
    pub id: String,
    /// Where it is.
    pub url: String,
    /// Which events it gets.
    pub events: Vec<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Headers of its requests beside the usual ones; values are masked.
    pub headers: BTreeMap<String, String>,
    /// Time for one attempt in milliseconds.
    pub timeout_ms: u64,
    /// When failed deliveries are tried again.
    pub retry: Retry,
    /// How many deliveries in which time at most.
    pub rate_limit: Option<RateLimit>,
    /// Deliveries under way at the same time at most.
    pub max_in_flight: Option<u64>,
    /// Whether it gets anything.
    pub is_active: bool,
    /// How its deliveries are signed.
    pub signature: String,
    /// The key with which `v1a` signatures are verified.
    pub public_key: Option<String>,
    /// Why the service made it inactive, if it did.
    pub disabled_reason: Option<String>,
    /// Whether it is spared for its failures.
    pub circuit: Circuit,
    /// Counts of its deliveries.
    pub counts: Counts,
    /// When it was registered.
    pub created_at: Option<String>,
    /// What its deliveries are signed with; only when it was just made.
    pub secret: Option<String>,
}

/// When failed deliveries are tried again.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Retry {
    /// Attempts in all.
    pub max_attempts: u64,
    /// Between the first failure and the second attempt.
    pub initial_delay_ms: u64,
    /// What each further delay is multiplied with.
    pub multiplier: f64,
    /// No delay is longer.
    pub max_delay_ms: u64,
    /// By which share of itself a delay varies.
    pub jitter: f64,
    /// The delays themselves, if they were given.
    pub schedule_ms: Option<Vec<u64>>,
}

/// So many deliveries in a time.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RateLimit {
    /// How many.
    pub requests: u64,
    /// In how many seconds.
    pub per_seconds: u64,
}

/// Whether an endpoint is spared for its failures.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Circuit {
    /// `closed`, `open` or `half_open`.
    pub state: String,
    /// Since when.
    pub since: Option<String>,
    /// Failures in a row.
    pub failures: u64,
}

/// Counts of deliveries.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// They wait for their time, or for the endpoint.
    pub pending: u64,
    /// Being attempted now.
    pub in_flight: u64,
    /// Given up and not requeued.
    pub dead_letters: u64,
    /// The receiver took them.
    pub delivered: u64,
    /// Given up, ever.
    pub failed: u64,
}

/// A delivery.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Delivery {
    /// Its id.
    pub id: String,
    /// What is delivered.
    pub event_id: String,
    /// What kind of event that is.
    pub event_type: String,
    /// To whom.
    pub endpoint_id: String,
    /// How far it got.
    pub state: String,
    /// When it was accepted.
    pub created_at: Option<String>,
    /// When it is attempted next.
    pub due_at: Option<String>,
    /// How many attempts were made.
    pub attempt_count: u64,
    /// The attempts, where one delivery is shown; lists leave them out.
    pub attempts: Vec<Attempt>,
    /// The status of the last answer.
    pub last_status: Option<u16>,
    /// Why the last attempt failed.
    pub last_failure: Option<String>,
}

/// An attempt.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Attempt {
    /// 1 for the first one.
    pub number: u64,
    /// When it began.
    pub started_at: Option<String>,
    /// How long it took.
    pub duration_ms: f64,
    /// The status of the answer, if there was one.
    pub status: Option<u16>,
    /// Why it failed, if it did.
    pub failure: Option<String>,
    /// The beginning of the answer's body.
    pub response_body: Option<String>,
}

/// Work on many deliveries.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// `running`, or how it ended.
    pub state: String,
    /// Deliveries that it has queued.
    pub queued: u64,
    /// Deliveries that it has looked at.
    pub examined: u64,
}

/// What a search found.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Found {
    /// The best first.
    pub matches: Vec<FoundMatch>,
    /// How many fingerprints of the text stand in too many documents to be looked for.
    pub common_fingerprints: usize,
}

/// A document that has something in common with a text.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct FoundMatch {
    /// Its id.
    pub document_id: String,
    /// Where it is.
    pub collection: String,
    /// How it and the text belong together.
    pub kind: String,
    /// Jaccard similarity, 0 to 1.
    pub similarity: f64,
    /// How much of each stands in the other.
    pub containment: FoundContainment,
    /// What they share.
    pub passages: Vec<FoundPassage>,
}

/// Shares, 0 to 1.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct FoundContainment {
    /// Of the text in the document.
    pub query_in_document: f64,
    /// Of the document in the text.
    pub document_in_query: f64,
}

/// A passage that a text and a document share.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct FoundPassage {
    /// How many words are equal.
    pub words: usize,
    /// Where it stands in the text, in the unit that was asked for.
    #[serde(deserialize_with = "span")]
    pub query: Span,
}

fn span<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Span, D::Error> {
    #[derive(Deserialize)]
    struct Ends {
        start: usize,
        end: usize,
    }
    let Ends { start, end } = Ends::deserialize(deserializer)?;
    Ok(Span { start, end })
}

impl Delivery {
    /// Whether nothing more happens to it by itself.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(self.state.as_str(), "succeeded" | "exhausted" | "cancelled")
    }
}

impl Job {
    /// Whether it goes on.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.state == "running"
    }

    /// Whether it ended before it was done.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.state == "failed"
    }
}

impl Client {
    /// `data` as a record.
    pub fn record<T: DeserializeOwned>(&self, data: &Value) -> Result<T, ClientError> {
        record(self.address(), data)
    }
}

fn record<T: DeserializeOwned>(address: &ServiceAddress, data: &Value) -> Result<T, ClientError> {
    T::deserialize(data).map_err(|_| ClientError::Foreign(address.to_string()))
}
