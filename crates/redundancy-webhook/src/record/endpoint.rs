//! The record of an endpoint.

use super::UnreadableRecord;
use super::cipher::SecretCipher;
use crate::clock::Timestamp;
use crate::endpoint::{DisabledReason, Endpoint, PreviousSecret};
use crate::event::EventPattern;
use crate::ids::EndpointId;
use crate::rate_window::RateLimit;
use crate::retry::RetryPolicy;
use crate::secret::SigningSecret;
use crate::signature::Scheme;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Serialize, Deserialize)]
pub(super) struct EndpointRecord {
    id: EndpointId,
    url: StoredSecret,
    events: Vec<EventPattern>,
    secret: StoredSecret,
    previous_secrets: Vec<StoredPreviousSecret>,
    scheme: String,
    description: Option<String>,
    headers: StoredHeaders,
    timeout_ms: u64,
    retry: RetryPolicy,
    rate_limit: Option<RateLimit>,
    max_in_flight: u32,
    is_active: bool,
    disabled_reason: Option<DisabledReason>,
    metadata: serde_json::Map<String, serde_json::Value>,
    created_at: Timestamp,
    updated_at: Timestamp,
    revision: u64,
}

/// A secret, encrypted or not. The URL is one too: it may hold a password.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredSecret {
    Plain(String),
    Encrypted(String),
}

/// Headers with their values, or all of it encrypted as one: any of them may be a credential.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum StoredHeaders {
    Sealed { sealed_headers: StoredSecret },
    Plain(BTreeMap<String, String>),
}

#[derive(Serialize, Deserialize)]
struct StoredPreviousSecret {
    secret: StoredSecret,
    expires_at: Timestamp,
}

impl StoredSecret {
    fn new(text: String, owner: &EndpointId, cipher: Option<&SecretCipher>, nonce: u128) -> Self {
        match cipher {
            Some(cipher) => Self::Encrypted(cipher.encrypt(&text, owner.as_str(), nonce)),
            None => Self::Plain(text),
        }
    }

    fn reveal(self, owner: &EndpointId, cipher: Option<&SecretCipher>) -> Result<String, UnreadableRecord> {
        match self {
            Self::Plain(text) => Ok(text),
            Self::Encrypted(text) => cipher.ok_or(UnreadableRecord::Key)?.decrypt(&text, owner.as_str()),
        }
    }
}

impl StoredHeaders {
    fn reveal(
        self,
        owner: &EndpointId,
        cipher: Option<&SecretCipher>,
    ) -> Result<BTreeMap<String, String>, UnreadableRecord> {
        match self {
            Self::Plain(headers) => Ok(headers),
            Self::Sealed { sealed_headers } => serde_json::from_str(&sealed_headers.reveal(owner, cipher)?)
                .map_err(|_| UnreadableRecord::Damaged),
        }
    }
}

impl EndpointRecord {
    pub(super) fn new(endpoint: &Endpoint, cipher: Option<&SecretCipher>, nonce: u128) -> Self {
        let id = &endpoint.id;
        // One nonce for each secret, all from one random number: they differ in their last bits of use.
        let mut nonces = (0u128..).map(|number| nonce ^ (number << 32));
        let mut stored = |text: String| StoredSecret::new(text, id, cipher, nonces.next().unwrap_or(nonce));
        let headers = if cipher.is_some() && !endpoint.headers.is_empty() {
            // Strings alone: that cannot fail.
            let text = serde_json::to_string(&endpoint.headers).unwrap_or_default();
            StoredHeaders::Sealed { sealed_headers: stored(text) }
        } else {
            StoredHeaders::Plain(endpoint.headers.clone())
        };
        Self {
            id: id.clone(),
            url: stored(endpoint.url.as_str().to_owned()),
            events: endpoint.events.clone(),
            secret: stored(endpoint.secret.reveal()),
            previous_secrets: endpoint
                .previous_secrets
                .iter()
                .map(|previous| StoredPreviousSecret {
                    secret: stored(previous.secret.reveal()),
                    expires_at: previous.expires_at,
                })
                .collect(),
            scheme: endpoint.scheme.as_str().to_owned(),
            description: endpoint.description.clone(),
            headers,
            timeout_ms: u64::try_from(endpoint.timeout.as_millis()).unwrap_or(u64::MAX),
            retry: endpoint.retry.clone(),
            rate_limit: endpoint.rate_limit,
            max_in_flight: endpoint.max_in_flight,
            is_active: endpoint.is_active,
            disabled_reason: endpoint.disabled_reason,
            metadata: endpoint.metadata.clone(),
            created_at: endpoint.created_at,
            updated_at: endpoint.updated_at,
            revision: endpoint.revision,
        }
    }

    pub(super) fn has_plain_secret(&self) -> bool {
        matches!(self.secret, StoredSecret::Plain(_))
            || matches!(self.url, StoredSecret::Plain(_))
            || matches!(&self.headers, StoredHeaders::Plain(headers) if !headers.is_empty())
    }

    pub(super) fn into_endpoint(self, cipher: Option<&SecretCipher>) -> Result<Endpoint, UnreadableRecord> {
        let id = &self.id;
        let secret = |stored: StoredSecret| -> Result<SigningSecret, UnreadableRecord> {
            stored.reveal(id, cipher)?.parse().map_err(|_| UnreadableRecord::Damaged)
        };
        let previous = |stored: StoredPreviousSecret| -> Result<PreviousSecret, UnreadableRecord> {
            Ok(PreviousSecret { secret: secret(stored.secret)?, expires_at: stored.expires_at })
        };
        Ok(Endpoint {
            url: self.url.reveal(id, cipher)?.parse().map_err(|_| UnreadableRecord::Damaged)?,
            events: self.events,
            secret: secret(self.secret)?,
            previous_secrets: self.previous_secrets.into_iter().map(previous).collect::<Result<_, _>>()?,
            scheme: Scheme::named(&self.scheme).ok_or(UnreadableRecord::Damaged)?,
            description: self.description,
            headers: self.headers.reveal(id, cipher)?,
            timeout: Duration::from_millis(self.timeout_ms),
            retry: self.retry,
            rate_limit: self.rate_limit,
            max_in_flight: self.max_in_flight,
            is_active: self.is_active,
            disabled_reason: self.disabled_reason,
            metadata: self.metadata,
            created_at: self.created_at,
            updated_at: self.updated_at,
            revision: self.revision,
            id: self.id,
        })
    }
}
