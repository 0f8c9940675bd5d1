//! Sends one event, waits for what comes of it, and ends: for a command, a job of cron, or a serverless function.
//!
//! ```sh
//! cargo run -p redundancy-webhook --example send_one -- http://127.0.0.1:9000/ whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
//! ```

#[path = "parts/delivery.rs"]
mod delivery;

use redundancy_webhook::delivery::{Delivery, DeliveryFilter};
use redundancy_webhook::dispatcher::Budget;
use redundancy_webhook::event::NewEvent;
use redundancy_webhook::store::PageRequest;
use redundancy_webhook::webhooks::NewEndpoint;
use serde_json::json;
use std::error::Error;
use std::time::Duration;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [receiver, secret] = arguments.as_slice() else { return Err("usage: RECEIVER SECRET".into()) };
    let delivery = run(receiver, secret).await?;
    println!("{} is {} after {} attempts", delivery.id, delivery.state.as_str(), delivery.attempts);
    if let (Some(reason), Some(due_at)) = (delivery.last_failure, delivery.due_at) {
        println!("the last one failed ({reason}); the next is due at {due_at}");
    }
    Ok(())
}

/// Publishes one event to one endpoint, and gives its delivery as it is after one step.
pub async fn run(receiver: &str, secret: &str) -> Result<Delivery, Box<dyn Error>> {
    let webhooks = delivery::webhooks()?;
    let endpoint = NewEndpoint {
        secret: Some(secret.parse()?),
        ..NewEndpoint::new(receiver.parse()?, vec!["report.*".parse()?])
    };
    webhooks.register(endpoint).await?;
    let event = NewEvent::new("report.ready".parse()?, &json!({"report": 7}))?;
    let published = webhooks.publish(event).await?;

    // One step: what is due now, and what comes of it. A retry is due later, and would be made by a later step.
    webhooks.deliver_due(Budget { attempts: 1, time: Duration::from_secs(30) }).await?;

    let filter = DeliveryFilter { event_id: Some(published.event_id), ..DeliveryFilter::default() };
    let page = webhooks.deliveries(&filter, PageRequest { after: None, limit: 1 }).await?;
    Ok(page.items.into_iter().next().ok_or("nobody wants the event")?)
}
