//! A receiver of webhooks on a free port of the loopback address.

use super::DEADLINE;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use redundancy_engine::webhook::{Headers, SigningSecret, Verifier};
use redundancy_server::{Readiness, ServeOptions, serve};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// Takes requests and hands them to the test.
pub(crate) struct Receiver {
    pub(crate) url: String,
    arrived: UnboundedReceiver<Arrived>,
    _running: DropGuard,
}

/// A request that arrived.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

#[derive(Clone)]
struct Shared {
    arrived: UnboundedSender<Arrived>,
    count: Arc<AtomicUsize>,
    answer: Arc<dyn Fn(usize) -> u16 + Send + Sync>,
}

impl Receiver {
    /// A receiver that takes everything.
    pub(crate) async fn new() -> Self {
        Self::answering(|_| 200).await
    }

    /// A receiver that answers its requests, counted from 1, with the status that `answer` says.
    pub(crate) async fn answering(answer: impl Fn(usize) -> u16 + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let (sender, arrived) = unbounded_channel();
        let shared = Shared { arrived: sender, count: Arc::default(), answer: Arc::new(answer) };
        let router = Router::new().fallback(take).with_state(shared);
        let stop = CancellationToken::new();
        let options = ServeOptions::new(Readiness::default());
        TaskTracker::new().spawn(serve(listener, router, options, stop.clone().cancelled_owned()));
        Self { url, arrived, _running: stop.drop_guard() }
    }

    /// The next request.
    pub(crate) async fn next(&mut self) -> Arrived {
        tokio::time::timeout(DEADLINE, self.arrived.recv()).await.unwrap().unwrap()
    }
}

async fn take(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> impl IntoResponse {
    let number = shared.count.fetch_add(1, Ordering::SeqCst) + 1;
    let status = (shared.answer)(number);
    let _ = shared.arrived.send(Arrived { headers, body });
    (StatusCode::from_u16(status).unwrap(), [("x-receiver", "test")], format!("answer {number}"))
}

impl Arrived {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Whether it is signed with `secret`.
    pub(crate) fn is_signed_with(&self, secret: &str) -> bool {
        let secret: SigningSecret = secret.parse().unwrap();
        let pairs = self.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
        let headers = Headers::from_pairs(pairs).unwrap();
        let sent_at = self.header("webhook-timestamp").parse().unwrap();
        Verifier::new(vec![secret]).verify(headers, &self.body, sent_at).is_ok()
    }
}
