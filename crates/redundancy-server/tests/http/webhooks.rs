//! Webhooks from outside: real deliveries over the loopback address to real receivers.

mod deliveries;
mod edges;
mod endpoints;
mod events;
mod failing_store;
mod monitoring;
mod receiver;
mod recovery;
mod secrecy;

use crate::service::Service;
use serde_json::{Value, json};
use std::time::Duration;

pub(crate) use receiver::Receiver;

pub(crate) const ENDPOINTS: &str = "/api/v1/webhooks/endpoints";
pub(crate) const EVENTS: &str = "/api/v1/webhooks/events";
pub(crate) const DELIVERIES: &str = "/api/v1/webhooks/deliveries";
pub(crate) const DEAD_LETTERS: &str = "/api/v1/webhooks/dead-letters";
/// Longer than anything here takes on the slowest machine.
pub(crate) const DEADLINE: Duration = Duration::from_mins(1);

/// Registers an endpoint for `url` with these fields beside it, and gives what the answer shows.
pub(crate) async fn register(service: &Service, url: &str, fields: Value) -> Value {
    let mut body = json!({"url": url, "events": ["*"]});
    let fields = fields.as_object().cloned().unwrap_or_default();
    body.as_object_mut().unwrap().extend(fields);
    service.post(ENDPOINTS, &body).await.data_with(201)
}

/// Publishes an event and gives its id.
pub(crate) async fn publish(service: &Service, kind: &str) -> String {
    let data = service.post(EVENTS, &json!({"type": kind, "data": {"n": 1}})).await.data_with(202);
    data["event_id"].as_str().unwrap().to_owned()
}

/// Waits until what stands at `path` is as wanted, and gives it.
pub(crate) async fn until(service: &Service, path: &str, is_wanted: impl Fn(&Value) -> bool) -> Value {
    let look = async {
        loop {
            let data = service.get(path).await.data();
            if is_wanted(&data) {
                return data;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let Ok(data) = tokio::time::timeout(DEADLINE, look).await else {
        panic!("{path} stays {}", service.get(path).await.text())
    };
    data
}

/// Waits until the only delivery that `query` finds is in `state`, and gives it.
pub(crate) async fn delivery_in(service: &Service, query: &str, state: &str) -> Value {
    let path = format!("{DELIVERIES}?{query}");
    let data = until(service, &path, |data| {
        let items = data["items"].as_array().unwrap();
        assert!(items.len() <= 1, "{data}");
        items.first().is_some_and(|item| item["state"] == state)
    })
    .await;
    data["items"][0].clone()
}

/// Waits for the job at `location` to end, and gives it.
pub(crate) async fn ended_job(service: &Service, location: &str) -> Value {
    until(service, location, |job| job["state"] != "running").await
}

pub(crate) fn id_of(data: &Value) -> &str {
    data["id"].as_str().unwrap()
}
