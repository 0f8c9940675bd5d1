//! Receives webhooks, believes those that are genuine, and prints one line for each: its type, its id, and which attempt it was.
//! With `--once` it ends after the first.
//!
//! ```sh
//! cargo run -p redundancy-webhook --example receiver -- 127.0.0.1:9000 whsec_… [--once]
//! ```

#[path = "parts/clock.rs"]
mod clock;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use clock::SystemClock;
use redundancy_webhook::clock::Clock as _;
use redundancy_webhook::{Headers, SigningSecret, Verifier};
use std::error::Error;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// Events that may wait to be worked on. Beyond that the sender is asked to come again.
const MAX_WAITING: usize = 1024;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, secret, rest @ ..] = arguments.as_slice() else {
        return Err("usage: ADDRESS SECRET".into());
    };
    let (events, mut arriving) = mpsc::channel(MAX_WAITING);
    let serving = serve(TcpListener::bind(address).await?, secret.parse()?, events);
    let work = async {
        while let Some(event) = arriving.recv().await {
            println!("{event}");
            if rest.iter().any(|option| option == "--once") {
                break;
            }
        }
    };
    tokio::select! {
        ended = serving => Ok(ended?),
        () = work => Ok(()),
    }
}

/// What a receiver knows.
struct Receiver {
    verifier: Verifier,
    clock: SystemClock,
    events: mpsc::Sender<String>,
}

/// Answers senders, and passes on to `events` what is genuine.
pub async fn serve(
    listener: TcpListener,
    secret: SigningSecret,
    events: mpsc::Sender<String>,
) -> std::io::Result<()> {
    // During a rotation of the secret there are two.
    let verifier = Verifier::new(vec![secret]);
    let receiver = Arc::new(Receiver { verifier, clock: SystemClock::new(), events });
    axum::serve(listener, Router::new().route("/", post(receive)).with_state(receiver)).await
}

/// Takes the body as bytes: what was signed are the bytes as they arrived, not what a parser makes of them.
async fn receive(State(receiver): State<Arc<Receiver>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let pairs = headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let now = receiver.clock.now().as_seconds();
    let verified = Headers::from_pairs(pairs)
        .and_then(|found| receiver.verifier.verify(found, &body, now).map(|()| found.id.to_owned()));
    let Ok(id) = verified else { return StatusCode::UNAUTHORIZED };
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("?");
    let event = format!("{} {id} attempt {}", header("x-webhook-event"), header("x-webhook-attempt"));
    // Answer at once and work later: only what could not be put aside is asked for again.
    match receiver.events.try_send(event) {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}
