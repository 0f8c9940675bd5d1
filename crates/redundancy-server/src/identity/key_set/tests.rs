//! How keys are found, fetched and waited for.

use super::*;
use redundancy_engine::Timestamp;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
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
    waits: AtomicBool,
}

#[async_trait::async_trait]
impl KeySetSource for Issuer {
    async fn fetch(&self) -> Result<Vec<u8>, String> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.waits.load(Ordering::SeqCst) {
            self.may_answer.notified().await;
        }
        let keys = self.keys.lock().unwrap().clone().ok_or("away")?;
        let key = |id: &&str| format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"11","kid":"{id}"}}"#);
        // A kind of key that nobody here knows stands first.
        let odd = r#"{"kty":"EC","crv":"secp256k1","kid":"odd"}"#.to_owned();
        let keys: Vec<String> = std::iter::once(odd).chain(keys.iter().map(key)).collect();
        Ok(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).into_bytes())
    }
}

fn set(issuer: Issuer) -> (Arc<Issuer>, Arc<Hand>, Arc<KeySet>) {
    let (issuer, hand) = (Arc::new(issuer), Arc::<Hand>::default());
    hand.0.store(1000, Ordering::SeqCst);
    let set = Arc::new(KeySet::new(issuer.clone(), hand.clone()));
    (issuer, hand, set)
}

/// An issuer with the key `a`.
fn of_a(waits: bool) -> Issuer {
    Issuer { keys: Mutex::new(Some(vec!["a"])), waits: waits.into(), ..Issuer::default() }
}

/// What is known at once.
fn found(set: &KeySet, id: &str) -> &'static str {
    match set.find(Some(id)) {
        Found::Keys(_) => "key",
        Found::None => "none",
        Found::New => "new",
        Found::Unknown => "unknown",
    }
}

/// What is known after the issuer was asked, if that is worth it.
async fn said(set: &KeySet, id: &str) -> &'static str {
    let said = found(set, id);
    if said != "new" {
        return said;
    }
    if set.learn().await.is_ok() { found(set, id) } else { "too many" }
}

/// Lets everything go on that can.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_new_key_is_looked_for_but_not_more_often_than_is_decent() {
    let (issuer, hand, set) = set(of_a(false));
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
    let (issuer, hand, set) = set(of_a(false));
    assert_eq!(said(&set, "a").await, "key");
    *issuer.keys.lock().unwrap() = None;
    hand.0.fetch_add(23 * 3600, Ordering::SeqCst);
    assert_eq!(said(&set, "a").await, "key");
    // Whether it has another by now nobody can tell.
    assert_eq!(said(&set, "b").await, "unknown");
    hand.0.fetch_add(2 * 3600, Ordering::SeqCst);
    assert_eq!(said(&set, "a").await, "unknown");
    *issuer.keys.lock().unwrap() = Some(vec!["a"]);
    hand.0.fetch_add(10, Ordering::SeqCst);
    assert_eq!(said(&set, "a").await, "key");
}

#[tokio::test]
async fn a_set_without_keys_withdraws_those_of_before_and_whoever_looks_has_it_asked_for_again() {
    let (issuer, hand, set) = set(of_a(false));
    assert_eq!(said(&set, "a").await, "key");
    *issuer.keys.lock().unwrap() = Some(Vec::new());
    hand.0.fetch_add(600, Ordering::SeqCst);
    assert_eq!(found(&set, "a"), "key");
    settle().await;
    let contact = set.contact();
    assert_eq!((contact.is_failing, contact.keys, found(&set, "a")), (true, 0, "unknown"));
    *issuer.keys.lock().unwrap() = Some(vec!["a"]);
    for (seconds, is_failing, asked) in [(9, true, 2), (10, false, 3), (600, false, 3)] {
        hand.0.store(1600 + seconds, Ordering::SeqCst);
        set.contact();
        settle().await;
        assert_eq!(set.contact().is_failing, is_failing, "after {seconds} s");
        assert_eq!(issuer.asked.load(Ordering::SeqCst), asked, "after {seconds} s");
    }
}

#[tokio::test]
async fn who_comes_while_keys_are_fetched_waits_for_them_also_when_the_first_has_gone() {
    let (issuer, _, set) = set(of_a(true));
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

#[tokio::test]
async fn a_key_that_is_known_is_used_while_the_issuer_hangs() {
    let (issuer, hand, set) = set(of_a(false));
    assert_eq!(said(&set, "a").await, "key");
    issuer.waits.store(true, Ordering::SeqCst);
    *issuer.keys.lock().unwrap() = Some(vec!["b"]);
    hand.0.fetch_add(600, Ordering::SeqCst);
    for _ in 0..10 {
        assert_eq!(found(&set, "a"), "key");
        settle().await;
    }
    // All that was asked beside them is one question, and its answer is taken when it comes.
    assert_eq!(issuer.asked.load(Ordering::SeqCst), 2);
    issuer.may_answer.notify_one();
    settle().await;
    assert_eq!((found(&set, "a"), found(&set, "b")), ("none", "key"));
}

#[tokio::test]
async fn few_wait_for_a_key_that_is_not_known() {
    let (issuer, hand, set) = set(of_a(false));
    assert_eq!(said(&set, "a").await, "key");
    issuer.waits.store(true, Ordering::SeqCst);
    hand.0.fetch_add(10, Ordering::SeqCst);
    let tasks = TaskTracker::new();
    let callers: Vec<_> = (0..100)
        .map(|number| {
            let set = Arc::clone(&set);
            tasks.spawn(async move { said(&set, &format!("made up {number}")).await })
        })
        .collect();
    settle().await;
    assert_eq!(callers.iter().filter(|caller| !caller.is_finished()).count(), MOST_WAITING);
    assert_eq!((found(&set, "a"), issuer.asked.load(Ordering::SeqCst)), ("key", 2));
    issuer.may_answer.notify_one();
    let mut answers = Vec::new();
    for caller in callers {
        answers.push(caller.await.unwrap());
    }
    let count = |wanted| answers.iter().filter(|answer| **answer == wanted).count();
    assert_eq!((count("none"), count("too many")), (MOST_WAITING, 100 - MOST_WAITING));
    assert_eq!(issuer.asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn after_a_start_more_may_wait_for_the_first_keys() {
    let (issuer, _, set) = set(of_a(true));
    let tasks = TaskTracker::new();
    let callers: Vec<_> = (0..100)
        .map(|_| {
            let set = Arc::clone(&set);
            tasks.spawn(async move { said(&set, "a").await })
        })
        .collect();
    settle().await;
    issuer.may_answer.notify_one();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), "key");
    }
    assert_eq!(issuer.asked.load(Ordering::SeqCst), 1);
}

#[test]
fn keys_that_are_not_for_signatures_are_left_out() {
    let key =
        |id: &str, more: &str| format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"11","kid":"{id}"{more}}}"#);
    let keys = [
        key("same", r#","use":"enc""#),
        key("same", r#","use":"sig","alg":"Ed25519""#),
        key("both", r#","use":"sig","key_ops":["verify"]"#),
        key("odd", r#","use":"tls""#),
        key("sealed", r#","key_ops":["encrypt","wrapKey"]"#),
        key("plain", r#","alg":"EdDSA""#),
    ];
    let keys = keys_in(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).as_bytes()).unwrap();
    let names: Vec<_> = keys.iter().map(|key| key.common.key_id.as_deref().unwrap()).collect();
    assert_eq!(names, ["same", "both", "plain"]);
}
