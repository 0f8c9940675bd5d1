//! Tokens with names of keys that nobody knows, while the issuer does not answer.

use crate::service::{Hand, Service, request};
use axum::Router;
use axum::body::Body;
use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use redundancy_server::{Access, Authentication, KeySetSource, TokenRules, Tokens, Verification};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

/// Failed attempts that an address has.
const FAILURES: usize = 60;
/// Callers that wait for a new key.
const WAITING: usize = 16;

/// An issuer with one key, called `a`.
#[derive(Default)]
struct Issuer {
    asked: AtomicUsize,
    hangs: AtomicBool,
    goes_on: Notify,
}

#[async_trait::async_trait]
impl KeySetSource for Issuer {
    async fn fetch(&self) -> Result<Vec<u8>, String> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.hangs.load(Ordering::SeqCst) {
            self.goes_on.notified().await;
        }
        Ok(br#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11","kid":"a"}]}"#.to_vec())
    }
}

/// A service that takes tokens of the issuer, its clock, and the issuer.
fn service() -> (Router, Arc<Hand>, Arc<Issuer>) {
    let (hand, issuer) = (Arc::<Hand>::default(), Arc::<Issuer>::default());
    let rules = TokenRules { issuer: None, audience: None, tenant_claim: "tenant".to_owned() };
    let tokens = Tokens::new(rules, Verification::KeySet(issuer.clone()), hand.clone());
    let access = |open| Access { authentication: Authentication::Jwt(tokens), ..open };
    (Service::at(hand.clone(), access).router, hand, issuer)
}

fn token(key: &str) -> String {
    let header = format!(r#"{{"alg":"EdDSA","kid":"{key}"}}"#);
    format!("{}.e30.AAAA", URL_SAFE_NO_PAD.encode(header))
}

/// The status that a request with `credential` gets, and whether it is told when to come again.
async fn asked(router: Router, credential: String) -> (u16, bool) {
    let headers = [("authorization", format!("Bearer {credential}"))];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    let request = request(Method::GET, "/api/v1/stats", &headers, Body::empty());
    let Ok(response) = router.oneshot(request).await;
    (response.status().as_u16(), response.headers().contains_key("retry-after"))
}

#[tokio::test]
async fn whoever_failed_too_often_cannot_have_the_issuer_asked() {
    let (router, hand, issuer) = service();
    for _ in 0..FAILURES {
        assert_eq!(asked(router.clone(), "none".to_owned()).await.0, 401);
    }
    assert_eq!(asked(router.clone(), token("made-up")).await, (429, true));
    assert_eq!(issuer.asked.load(Ordering::SeqCst), 0);
    // Failures are forgiven one by one.
    hand.0.fetch_add(1, Ordering::SeqCst);
    assert_eq!(asked(router, token("made-up")).await.0, 401);
    assert_eq!(issuer.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn names_of_keys_that_are_made_up_do_not_fill_the_service_while_the_issuer_hangs() {
    let (router, hand, issuer) = service();
    // The signature is none, and whose key is known learns that at once.
    assert_eq!(asked(router.clone(), token("a")).await.0, 401);
    issuer.hangs.store(true, Ordering::SeqCst);
    hand.0.fetch_add(3600, Ordering::SeqCst);
    let tasks = TaskTracker::new();
    let callers: Vec<_> = (0..WAITING + FAILURES + 20)
        .map(|number| tasks.spawn(asked(router.clone(), token(&format!("made-up-{number}")))))
        .collect();
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(callers.iter().filter(|caller| !caller.is_finished()).count(), WAITING);
    assert_eq!(asked(router, token("a")).await.0, 429);
    issuer.goes_on.notify_one();
    let mut answers = Vec::new();
    for caller in callers {
        answers.push(caller.await.unwrap());
    }
    let count = |wanted| answers.iter().filter(|answer| **answer == wanted).count();
    assert_eq!((count((503, true)), count((429, true))), (FAILURES, WAITING + 20));
    assert_eq!(issuer.asked.load(Ordering::SeqCst), 2);
}
