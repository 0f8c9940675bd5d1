//! Callers with API keys: those of the settings, and those that are kept in the store.

use super::{Principal, Refusal};
use redundancy_engine::access::{AccessStore, Actor, ApiKey, KeyDigest, KeyId, Pepper, Scope, Tenant};
use redundancy_engine::{Clock, StoreError};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// For how long a key that was looked up is believed. A key that another process revokes opens nothing after this time.
const FRESH_FOR: Duration = Duration::from_secs(1);
/// For how long a key is still believed while the store is away.
const STALE_FOR: Duration = Duration::from_mins(5);
/// Keys that are remembered; with more of them all are forgotten.
const MOST_REMEMBERED: usize = 10_000;

const UNKNOWN: &str = "The API key is not known here, has expired, or was revoked. Ask whoever runs this service for another one.";

/// A key that the settings give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixedKey {
    /// What logs and the audit log call it.
    pub name: String,
    /// By which it is recognised: the key itself is not kept.
    pub digest: KeyDigest,
    /// What its holder may do.
    pub scope: Scope,
    /// Whose things its holder sees.
    pub tenant: Option<Tenant>,
}

/// Recognises callers by their keys.
pub struct ApiKeys {
    fixed: Vec<FixedKey>,
    store: Arc<dyn AccessStore>,
    pepper: Option<Pepper>,
    clock: Arc<dyn Clock>,
    remembered: Mutex<HashMap<KeyId, Remembered>>,
}

/// What the store said of a key.
#[derive(Clone)]
struct Remembered {
    /// `None` of one that was revoked here.
    key: Option<Arc<ApiKey>>,
    asked_at: Duration,
}

impl ApiKeys {
    /// Recognises the `fixed` keys, and those in the store that were made with `pepper` or without any.
    #[must_use]
    pub fn new(
        fixed: Vec<FixedKey>,
        store: Arc<dyn AccessStore>,
        pepper: Option<Pepper>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { fixed, store, pepper, clock, remembered: Mutex::default() }
    }

    /// Who holds the key `text`.
    pub(super) async fn identify(&self, text: &str) -> Result<Principal, Refusal> {
        let digest = KeyDigest::of(text, None);
        // Digests are compared in constant time, and what a digest begins with nobody can choose.
        if let Some(key) = self.fixed.iter().find(|key| key.digest == digest) {
            let FixedKey { name, scope, tenant, .. } = key.clone();
            return Ok(Principal { actor: Actor::ApiKey(name), scope, tenant });
        }
        let id = KeyId::of_secret(text).ok_or(Refusal::Unproven(UNKNOWN))?;
        let key = self.look_up(id).await.map_err(Refusal::Unknown)?;
        let key = key.filter(|key| key.is_valid(self.clock.now())).ok_or(Refusal::Unproven(UNKNOWN))?;
        let pepper = self.pepper.as_ref();
        if !key.digest.is_of(text, pepper) {
            return Err(Refusal::Unproven(UNKNOWN));
        }
        let actor = Actor::ApiKey(key.id.to_string());
        Ok(Principal { actor, scope: key.scope, tenant: key.tenant.clone() })
    }

    async fn look_up(&self, id: KeyId) -> Result<Option<Arc<ApiKey>>, StoreError> {
        let now = self.clock.monotonic();
        let remembered = self.remembered().get(&id).cloned();
        let age = |remembered: &Remembered| now.saturating_sub(remembered.asked_at);
        if let Some(known) = &remembered
            && age(known) < FRESH_FOR
        {
            return Ok(known.key.clone());
        }
        match self.store.key(id).await {
            Ok(key) => {
                if remembered.is_none() {
                    self.tell_of(key.as_ref());
                }
                let known = Remembered { key: key.map(Arc::new), asked_at: now };
                // Of ids that are made up nothing is remembered: they would push out those that are known.
                let mut all = self.remembered();
                if known.key.is_none() {
                    all.remove(&id);
                } else if all.get(&id).is_some_and(|known| known.key.is_none()) {
                    // It was revoked while the store was asked.
                    return Ok(None);
                } else {
                    remember(&mut all, id, known.clone());
                }
                Ok(known.key)
            }
            Err(error) => match remembered {
                // Callers who were known a moment ago should not suffer while the store is away.
                Some(known) if known.key.is_some() && age(&known) < STALE_FOR => Ok(known.key),
                _ => Err(error),
            },
        }
    }

    /// Puts into the log, when a key is used for the first time, why nobody can use it.
    fn tell_of(&self, key: Option<&ApiKey>) {
        let needing = key.filter(|key| key.digest.needs_other(self.pepper.as_ref()));
        if let Some(key) = needing.filter(|key| key.is_valid(self.clock.now())) {
            let id = key.id;
            tracing::warn!(%id, "a key was made with another WEBHOOK_SECRET_KEY, and opens nothing without it");
        }
    }

    /// The key was revoked by this process: it opens nothing from now on.
    pub(super) fn forget(&self, id: KeyId) {
        remember(&mut self.remembered(), id, Remembered { key: None, asked_at: self.clock.monotonic() });
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, HashMap<KeyId, Remembered>> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn remember(all: &mut HashMap<KeyId, Remembered>, id: KeyId, known: Remembered) {
    if all.len() >= MOST_REMEMBERED {
        all.clear();
    }
    all.insert(id, known);
}

impl fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeys").field("fixed", &self.fixed.len()).finish_non_exhaustive()
    }
}
