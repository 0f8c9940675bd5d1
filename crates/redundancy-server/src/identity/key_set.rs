//! The public keys of an issuer of tokens (JSON Web Key Set, RFC 7517): fetched when they are needed, kept while the issuer is away.

use jsonwebtoken::jwk::{Jwk, JwkSet};
use redundancy_engine::Clock;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How old a set may be before it is fetched anew: so soon a key that was withdrawn opens nothing.
const FRESH_FOR: Duration = Duration::from_mins(10);
/// How long a set is used while the issuer does not answer.
const STALE_FOR: Duration = Duration::from_hours(24);
/// How soon after an attempt the next one is made, whatever ids of keys callers make up.
const PAUSE: Duration = Duration::from_secs(10);
/// Keys of a set that are looked at.
const MOST_KEYS: usize = 100;

/// Fetches the key set of an issuer. An implementation has a deadline and a cap on what it reads.
#[async_trait::async_trait]
pub trait KeySetSource: Send + Sync {
    /// The JSON of the set, or why there is none, for the log.
    async fn fetch(&self) -> Result<Vec<u8>, String>;
}

/// The keys of an issuer, as they were last seen.
pub(super) struct KeySet {
    source: Arc<dyn KeySetSource>,
    clock: Arc<dyn Clock>,
    known: Mutex<Known>,
    /// Held while the set is fetched: others wait for the same answer.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Known {
    keys: Vec<Arc<Jwk>>,
    fetched_at: Option<Duration>,
    tried_at: Option<Duration>,
}

/// What is known of a key.
pub(super) enum Found {
    /// The issuer has it.
    Key(Arc<Jwk>),
    /// The issuer has no such key.
    None,
    /// The issuer does not say.
    Unknown,
}

impl KeySet {
    pub(super) fn new(source: Arc<dyn KeySetSource>, clock: Arc<dyn Clock>) -> Self {
        Self { source, clock, known: Mutex::default(), fetching: tokio::sync::Mutex::default() }
    }

    /// The key called `id`; without an id the only one that there is.
    pub(super) async fn key(&self, id: Option<&str>) -> Found {
        let known = self.find(id);
        if known.is_some() && !self.is_due(FRESH_FOR) {
            return known.map_or(Found::None, Found::Key);
        }
        if self.may_try() {
            self.refresh().await;
        }
        match self.find(id) {
            Some(key) => Found::Key(key),
            None if self.is_due(STALE_FOR) => Found::Unknown,
            None => Found::None,
        }
    }

    fn find(&self, id: Option<&str>) -> Option<Arc<Jwk>> {
        if self.is_due(STALE_FOR) {
            return None;
        }
        let known = self.known();
        match id {
            Some(id) => known.keys.iter().find(|key| key.common.key_id.as_deref() == Some(id)).cloned(),
            None => known.keys.first().filter(|_| known.keys.len() == 1).cloned(),
        }
    }

    fn is_due(&self, age: Duration) -> bool {
        let fetched_at = self.known().fetched_at;
        fetched_at.is_none_or(|at| self.clock.monotonic().saturating_sub(at) >= age)
    }

    fn may_try(&self) -> bool {
        let tried_at = self.known().tried_at;
        tried_at.is_none_or(|at| self.clock.monotonic().saturating_sub(at) >= PAUSE)
    }

    async fn refresh(&self) {
        let _alone = self.fetching.lock().await;
        // Somebody else may have done it meanwhile.
        if !self.may_try() {
            return;
        }
        let now = self.clock.monotonic();
        self.known().tried_at = Some(now);
        let fetched = self.source.fetch().await;
        let read = fetched.and_then(|bytes| {
            serde_json::from_slice::<JwkSet>(&bytes).map_err(|error| format!("no key set: {error}"))
        });
        match read {
            Ok(set) => {
                let mut known = self.known();
                known.keys = set.keys.into_iter().take(MOST_KEYS).map(Arc::new).collect();
                known.fetched_at = Some(now);
            }
            Err(reason) => tracing::warn!(%reason, "the keys of the issuer of tokens could not be fetched"),
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySet").field("keys", &self.known().keys.len()).finish_non_exhaustive()
    }
}
