//! The public keys of an issuer of tokens (JSON Web Key Set, RFC 7517): fetched when they are needed, kept while the issuer is away.
//!
//! Whoever has a token of a key that is known never waits for the issuer: an old set is fetched anew beside the requests. Only those whose
//! key is not known wait, and of these only a few, so that made-up names of keys cannot fill the service with callers that wait.

#[cfg(test)]
mod tests;

use jsonwebtoken::jwk::{Jwk, KeyOperations, PublicKeyUse};
use redundancy_engine::Clock;
use serde::Deserialize;
use serde_json::Value;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedMutexGuard, Semaphore};
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

/// How old a set may be before it is fetched anew.
const FRESH_FOR: Duration = Duration::from_mins(10);
/// How long a set is used while the issuer does not answer.
const STALE_FOR: Duration = Duration::from_hours(24);
/// How soon after an attempt the next one is made, whatever ids of keys callers make up.
const PAUSE: Duration = Duration::from_secs(10);
/// Keys of a set that are looked at.
const MOST_KEYS: usize = 100;
/// Callers that wait at the same time for a key that is new.
const MOST_WAITING: usize = 16;
/// The same while no key is known at all, as after a start: then there is nobody whom they could keep out.
const MOST_WAITING_FIRST: usize = 256;

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
    known: Arc<Mutex<Known>>,
    /// Held while the set is fetched: others wait for the same answer.
    fetching: Arc<tokio::sync::Mutex<()>>,
    /// Places for those who wait for a new key.
    waiting: Semaphore,
    /// Places for those who wait for the first keys.
    waiting_first: Semaphore,
    /// A fetch goes on when the request ends that began it: others need it too.
    tasks: TaskTracker,
}

#[derive(Default)]
struct Known {
    keys: Vec<Arc<Jwk>>,
    fetched_at: Option<Duration>,
    tried_at: Option<Duration>,
    /// Whether the last attempt brought no key.
    has_failed: bool,
    /// How long the last attempt took.
    latency: Option<Duration>,
}

/// How an issuer answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IssuerContact {
    /// Whether it gave no key when it was asked last.
    pub(crate) is_failing: bool,
    /// How long it took then.
    pub(crate) latency: Option<Duration>,
    /// How many keys of it are known.
    pub(crate) keys: usize,
    /// How old they are.
    pub(crate) age: Option<Duration>,
}

/// What is known of a key.
pub(super) enum Found {
    /// The issuer has it; several where it has keys of different kinds with one name.
    Keys(Vec<Arc<Jwk>>),
    /// The issuer has no such key.
    None,
    /// The issuer may have it by now: [`KeySet::learn`] asks.
    New,
    /// The issuer may have it, and does not say.
    Unknown,
}

/// So many wait for the issuer that one more would be too many.
pub(super) struct TooManyWait;

impl KeySet {
    pub(super) fn new(source: Arc<dyn KeySetSource>, clock: Arc<dyn Clock>) -> Self {
        Self {
            source,
            clock,
            known: Arc::default(),
            fetching: Arc::default(),
            waiting: Semaphore::new(MOST_WAITING),
            waiting_first: Semaphore::new(MOST_WAITING_FIRST),
            tasks: TaskTracker::new(),
        }
    }

    /// The keys called `id`; without an id the only one that there is. It waits for nobody.
    pub(super) fn find(&self, id: Option<&str>) -> Found {
        let keys = self.named(id);
        if !keys.is_empty() {
            if self.is_due(FRESH_FOR) {
                self.renew();
            }
            return Found::Keys(keys);
        }
        if self.may_try() {
            Found::New
        } else if self.is_due(STALE_FOR) || self.known().has_failed {
            Found::Unknown
        } else {
            Found::None
        }
    }

    /// How the issuer answers. One that did not is asked again beside this, so that whoever looks sees soon that it does; for that it must be
    /// called inside the runtime.
    pub(super) fn contact(&self) -> IssuerContact {
        if self.known().has_failed {
            self.renew();
        }
        let now = self.clock.monotonic();
        let known = self.known();
        let age = known.fetched_at.map(|at| now.saturating_sub(at)).filter(|age| *age < STALE_FOR);
        let keys = age.map_or(0, |_| known.keys.len());
        IssuerContact { is_failing: known.has_failed, latency: known.latency, keys, age }
    }

    /// Fetches the set, or waits for whoever does, if not too many wait already.
    pub(super) async fn learn(&self) -> Result<(), TooManyWait> {
        let places = if self.is_due(STALE_FOR) { &self.waiting_first } else { &self.waiting };
        let _place = places.try_acquire().map_err(|_| TooManyWait)?;
        let alone = Arc::clone(&self.fetching).lock_owned().await;
        // Somebody else may have done it meanwhile.
        if self.may_try() {
            // It ends by itself; a panic in it has changed nothing.
            let _ = self.fetch(alone).await;
        }
        Ok(())
    }

    /// Fetches the set beside the request, if nobody does.
    fn renew(&self) {
        if let Ok(alone) = Arc::clone(&self.fetching).try_lock_owned()
            && self.may_try()
        {
            // Nobody waits for it.
            drop(self.fetch(alone));
        }
    }

    fn named(&self, id: Option<&str>) -> Vec<Arc<Jwk>> {
        if self.is_due(STALE_FOR) {
            return Vec::new();
        }
        let known = self.known();
        match id {
            Some(id) => {
                let is_it = |key: &&Arc<Jwk>| key.common.key_id.as_deref() == Some(id);
                known.keys.iter().filter(is_it).cloned().collect()
            }
            None if known.keys.len() == 1 => known.keys.clone(),
            None => Vec::new(),
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

    /// Begins to fetch the set.
    fn fetch(&self, alone: OwnedMutexGuard<()>) -> JoinHandle<()> {
        let (source, clock, known) =
            (Arc::clone(&self.source), Arc::clone(&self.clock), Arc::clone(&self.known));
        self.tasks.spawn(async move {
            let began = clock.monotonic();
            let read = source.fetch().await.and_then(|bytes| keys_in(&bytes));
            let now = clock.monotonic();
            // A set without a key withdraws those that are known, and is told of like no answer.
            let fault = match &read {
                Ok(keys) if keys.is_empty() => Some("there is no key for signatures in the set"),
                Ok(_) => None,
                Err(reason) => Some(&**reason),
            };
            let had_failed = known.lock().unwrap_or_else(PoisonError::into_inner).has_failed;
            tell(had_failed, fault);
            let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
            (known.tried_at, known.has_failed) = (Some(now), fault.is_some());
            known.latency = Some(now.saturating_sub(began));
            if let Ok(keys) = read {
                (known.keys, known.fetched_at) = (keys, Some(now));
            }
            drop(alone);
        })
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts into the log that the keys could not be had, or can be had again: once, however often they are asked for meanwhile.
fn tell(had_failed: bool, fault: Option<&str>) {
    match fault {
        Some(reason) if !had_failed => {
            tracing::warn!(%reason, "the keys of the issuer of tokens could not be fetched");
        }
        Some(reason) => tracing::debug!(%reason, "the keys of the issuer of tokens can still not be fetched"),
        None if had_failed => tracing::info!("the keys of the issuer of tokens are fetched again"),
        None => {}
    }
}

/// The keys of a set with which signatures are verified. Those of a kind that is not known here are left out, as RFC 7517, section 5,
/// asks.
fn keys_in(bytes: &[u8]) -> Result<Vec<Arc<Jwk>>, String> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<Value>,
    }
    let set: Set = serde_json::from_slice(bytes).map_err(|error| format!("no key set: {error}"))?;
    let known = set.keys.into_iter().filter_map(key_in).filter(is_for_signatures);
    Ok(known.take(MOST_KEYS).map(Arc::new).collect())
}

fn key_in(mut key: Value) -> Option<Jwk> {
    // The name of RFC 9864 for what `EdDSA` means with keys of this curve.
    if let Some(algorithm) = key.get_mut("alg").filter(|algorithm| **algorithm == "Ed25519") {
        *algorithm = Value::from("EdDSA");
    }
    serde_json::from_value(key).ok()
}

fn is_for_signatures(key: &Jwk) -> bool {
    let purpose = key.common.public_key_use.as_ref();
    let operations = key.common.key_operations.as_ref();
    purpose.is_none_or(|purpose| *purpose == PublicKeyUse::Signature)
        && operations.is_none_or(|operations| operations.contains(&KeyOperations::Verify))
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySet").field("keys", &self.known().keys.len()).finish_non_exhaustive()
    }
}
