//! A service in axum that tells others what it finds. Delivery starts with it and stops with it; the endpoint `main-webhook` gets
//! every `analysis.completed`; a handler publishes.
//!
//! ```sh
//! cargo run -p redundancy-webhook --example receiver -- 127.0.0.1:9000 whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw &
//! cargo run -p redundancy-webhook --example axum_service -- 127.0.0.1:8080 http://127.0.0.1:9000/ \
//!     whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw &
//! curl --data 'once more and once more' http://127.0.0.1:8080/analyze
//! ```

#[path = "parts/delivery.rs"]
mod delivery;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use redundancy_webhook::dispatcher::DispatcherEnd;
use redundancy_webhook::event::{NewEvent, types};
use redundancy_webhook::webhooks::{NewEndpoint, RegisterError, Webhooks};
use serde_json::json;
use std::collections::HashSet;
use std::error::Error;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, receiver, secret] = arguments.as_slice() else {
        return Err("usage: ADDRESS RECEIVER SECRET".into());
    };
    let interrupted = async {
        // Without signals there is no reason to end.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    let ended = run(TcpListener::bind(address).await?, receiver, secret, interrupted).await?;
    println!("ended, with {} deliveries given back", ended.broken_off);
    Ok(())
}

/// The whole life of the service.
pub async fn run(
    listener: TcpListener,
    receiver: &str,
    secret: &str,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<DispatcherEnd, Box<dyn Error>> {
    // Start: delivery works in the background from here on.
    let webhooks = delivery::webhooks()?;
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let delivering = tasks.spawn({
        let (webhooks, stop) = (webhooks.clone(), stop.clone());
        async move { webhooks.run(stop.cancelled()).await }
    });
    register(&webhooks, receiver, secret).await?;

    let router = Router::new().route("/analyze", post(analyze)).with_state(webhooks);
    axum::serve(listener, router).with_graceful_shutdown(shutdown).await?;

    // Stop, after the last request has published: attempts under way may end, what is left is given back to the store.
    stop.cancel();
    Ok(delivering.await?)
}

/// Registers the endpoint, unless a store that outlives the process has it from last time.
async fn register(webhooks: &Webhooks, receiver: &str, secret: &str) -> Result<(), Box<dyn Error>> {
    let endpoint = NewEndpoint {
        id: Some("main-webhook".parse()?),
        secret: Some(secret.parse()?),
        ..NewEndpoint::new(receiver.parse()?, vec![types::ANALYSIS_COMPLETED.parse()?])
    };
    match webhooks.register(endpoint).await {
        Ok(_) | Err(RegisterError::Exists) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Analyses a text, in a manner of speaking, and publishes what was found.
async fn analyze(State(webhooks): State<Webhooks>, text: String) -> Result<String, StatusCode> {
    let words = text.split_whitespace().count();
    let distinct = text.split_whitespace().collect::<HashSet<_>>().len();
    let kind = types::ANALYSIS_COMPLETED.parse().map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let event = NewEvent::new(kind, &json!({"words": words, "distinct": distinct}))
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    // When this has returned, the event and its deliveries are in the store. Nobody waits for receivers.
    let published = webhooks.publish(event).await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    Ok(format!("{words} words, {distinct} distinct, told as {}\n", published.event_id))
}
