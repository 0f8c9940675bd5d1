//! The public keys of an issuer of tokens (JSON Web Key Set, RFC 7517): fetched when they are needed, kept while the issuer is away.

use jsonwebtoken::jwk::Jwk;
use redundancy_engine::Clock;
use serde::Deserialize;
use serde_json::Value;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_util::task::TaskTracker;

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
    known: Arc<Mutex<Known>>,
    /// Held while the set is fetched: others wait for the same answer.
    fetching: Arc<tokio::sync::Mutex<()>>,
    /// A fetch goes on when the request ends that began it: others need it too.
    tasks: TaskTracker,
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
        Self { source, clock, known: Arc::default(), fetching: Arc::default(), tasks: TaskTracker::new() }
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

    /// Fetches the set, or waits for whoever does.
    async fn refresh(&self) {
        let alone = Arc::clone(&self.fetching).lock_owned().await;
        // Somebody else may have done it meanwhile.
        if !self.may_try() {
            return;
        }
        let (source, clock, known) =
            (Arc::clone(&self.source), Arc::clone(&self.clock), Arc::clone(&self.known));
        let fetching = self.tasks.spawn(async move {
            let read = source.fetch().await.and_then(|bytes| keys_in(&bytes));
            let now = clock.monotonic();
            let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
            known.tried_at = Some(now);
            match read {
                Ok(keys) => (known.keys, known.fetched_at) = (keys, Some(now)),
                Err(reason) => {
                    tracing::warn!(%reason, "the keys of the issuer of tokens could not be fetched");
                }
            }
            drop(alone);
        });
        // It ends by itself; a panic in it has changed nothing.
        let _ = fetching.await;
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The keys of a set. Those of a kind that is not known here are left out, as RFC 7517, section 5, asks.
fn keys_in(bytes: &[u8]) -> Result<Vec<Arc<Jwk>>, String> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<Value>,
    }
    let set: Set = serde_json::from_slice(bytes).map_err(|error| format!("no key set: {error}"))?;
    let known = set.keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
    Ok(known.take(MOST_KEYS).map(Arc::new).collect())
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySet").field("keys", &self.known().keys.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use redundancy_engine::Timestamp;
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
    use tokio::sync::Notify;

    /// Stands still until it is told how late it is.
    #[derive(Default)]
    struct Hand(AtomicU64);

    impl Clock for Hand {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(0)
        }

        fn monotonic(&self) -> Duration {
            Duration::from_secs(self.0.load(Ordering::SeqCst))
        }
    }

    /// An issuer that answers when it is told to.
    #[derive(Default)]
    struct Issuer {
        /// The ids of its keys; none while it is away.
        keys: Mutex<Option<Vec<&'static str>>>,
        asked: AtomicUsize,
        may_answer: Notify,
        waits: bool,
    }

    #[async_trait::async_trait]
    impl KeySetSource for Issuer {
        async fn fetch(&self) -> Result<Vec<u8>, String> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            if self.waits {
                self.may_answer.notified().await;
            }
            let keys = self.keys.lock().unwrap().clone().ok_or("away")?;
            let key = |id: &&str| format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"11","kid":"{id}"}}"#);
            let keys: Vec<String> = keys.iter().map(key).collect();
            // A kind of key that nobody here knows stands first.
            Ok(format!(r#"{{"keys":[{{"kty":"EC","crv":"secp256k1","kid":"odd"}},{}]}}"#, keys.join(","))
                .into_bytes())
        }
    }

    fn set(issuer: Issuer) -> (Arc<Issuer>, Arc<Hand>, Arc<KeySet>) {
        let (issuer, hand) = (Arc::new(issuer), Arc::<Hand>::default());
        hand.0.store(1000, Ordering::SeqCst);
        let set = Arc::new(KeySet::new(issuer.clone(), hand.clone()));
        (issuer, hand, set)
    }

    async fn said(set: &KeySet, id: &str) -> &'static str {
        match set.key(Some(id)).await {
            Found::Key(_) => "key",
            Found::None => "none",
            Found::Unknown => "unknown",
        }
    }

    #[tokio::test]
    async fn a_new_key_is_looked_for_but_not_more_often_than_is_decent() {
        let (issuer, hand, set) = set(Issuer { keys: Mutex::new(Some(vec!["a"])), ..Issuer::default() });
        assert_eq!(
            (said(&set, "a").await, said(&set, "b").await, said(&set, "odd").await),
            ("key", "none", "none")
        );
        *issuer.keys.lock().unwrap() = Some(vec!["b"]);
        assert_eq!((said(&set, "b").await, issuer.asked.load(Ordering::SeqCst)), ("none", 1));
        hand.0.fetch_add(10, Ordering::SeqCst);
        assert_eq!((said(&set, "b").await, said(&set, "a").await), ("key", "none"));
        assert_eq!(issuer.asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn while_the_issuer_is_away_its_keys_are_used_for_a_day() {
        let (issuer, hand, set) = set(Issuer { keys: Mutex::new(Some(vec!["a"])), ..Issuer::default() });
        assert_eq!(said(&set, "a").await, "key");
        *issuer.keys.lock().unwrap() = None;
        hand.0.fetch_add(23 * 3600, Ordering::SeqCst);
        assert_eq!(said(&set, "a").await, "key");
        hand.0.fetch_add(2 * 3600, Ordering::SeqCst);
        assert_eq!(said(&set, "a").await, "unknown");
        *issuer.keys.lock().unwrap() = Some(vec!["a"]);
        hand.0.fetch_add(10, Ordering::SeqCst);
        assert_eq!(said(&set, "a").await, "key");
    }

    #[tokio::test]
    async fn who_comes_while_keys_are_fetched_waits_for_them_also_when_the_first_has_gone() {
        let (issuer, _, set) =
            set(Issuer { keys: Mutex::new(Some(vec!["a"])), waits: true, ..Issuer::default() });
        let ask = |set: &Arc<KeySet>| {
            let set = Arc::clone(set);
            async move { said(&set, "a").await }
        };
        let first = tokio::time::timeout(Duration::from_millis(10), ask(&set)).await;
        assert!(first.is_err());
        let second = TaskTracker::new().spawn(ask(&set));
        tokio::task::yield_now().await;
        issuer.may_answer.notify_one();
        assert_eq!(second.await.unwrap(), "key");
        assert_eq!(issuer.asked.load(Ordering::SeqCst), 1);
    }
}
