//! Reads what delivery counts: how much waits, how much was delivered or given up, in all and for each endpoint, and how quickly
//! receivers answer. Three events go to a receiver that is there, and to one that is not.
//!
//! ```sh
//! cargo run -p redundancy-webhook --example read_stats -- http://127.0.0.1:9000/ whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
//! ```

#[path = "parts/delivery.rs"]
mod delivery;

use redundancy_webhook::dispatcher::Budget;
use redundancy_webhook::event::NewEvent;
use redundancy_webhook::store::{EndpointCounts, QueueStats};
use redundancy_webhook::webhooks::NewEndpoint;
use serde_json::json;
use std::error::Error;
use std::time::Duration;

/// Port 9, "discard" (RFC 863), at which hardly any machine listens today.
const NOBODY: &str = "http://127.0.0.1:9/";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [receiver, secret] = arguments.as_slice() else { return Err("usage: RECEIVER SECRET".into()) };
    let stats = run(receiver, secret).await?;
    println!("{}", line("all", &stats.total));
    for (endpoint, counts) in &stats.by_endpoint {
        println!("{}", line(endpoint.as_str(), counts));
    }
    if let Some(since) = stats.oldest_pending_at {
        println!("the oldest that waits was accepted at {since}");
    }
    Ok(())
}

/// Publishes three events, attempts what is due, and reads the counts.
pub async fn run(receiver: &str, secret: &str) -> Result<QueueStats, Box<dyn Error>> {
    let webhooks = delivery::webhooks()?;
    for (id, url) in [("there", receiver), ("away", NOBODY)] {
        let endpoint = NewEndpoint {
            id: Some(id.parse()?),
            secret: Some(secret.parse()?),
            ..NewEndpoint::new(url.parse()?, vec!["*".parse()?])
        };
        webhooks.register(endpoint).await?;
    }
    for report in 1..=3 {
        webhooks.publish(NewEvent::new("report.ready".parse()?, &json!({"report": report}))?).await?;
    }
    webhooks.deliver_due(Budget { attempts: 6, time: Duration::from_secs(30) }).await?;
    Ok(webhooks.stats().await?)
}

fn line(name: &str, counts: &EndpointCounts) -> String {
    let EndpointCounts { pending, delivered, failed, dead_letters, .. } = counts;
    let rate = counts.success_rate().map_or_else(|| "-".to_owned(), |rate| format!("{:.0} %", 100.0 * rate));
    format!(
        "{name}: {delivered} delivered, {pending} pending, {failed} given up ({dead_letters} dead letters), {rate}"
    )
}
