//! Whatever call of the store goes wrong, and however: what was accepted is delivered, and the end is the same.

use crate::faulty_store::{Fault, FaultyStore};
use crate::{Counting, TokioClock};
use async_trait::async_trait;
use redundancy_webhook::FailureReason;
use redundancy_webhook::dispatcher::Ports;
use redundancy_webhook::event::NewEvent;
use redundancy_webhook::observer::NoObserver;
use redundancy_webhook::store::PublishError;
use redundancy_webhook::trace::NoTracer;
use redundancy_webhook::transport::{OutgoingRequest, ReceiverResponse, Transport};
use redundancy_webhook::webhooks::{NewEndpoint, Webhooks, WebhooksConfig};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

const ENDPOINTS: [&str; 3] = ["quick", "slow", "flaky"];
const EVENTS: u64 = 4;
/// Longer than all retries and leases together, and a frozen call besides.
const LONG: Duration = Duration::from_mins(10);

/// By event and endpoint, how often it was asked and how often it took the event. `slow` takes longer than a third of a lease,
/// `flaky` refuses every event once.
#[derive(Default)]
struct Seen(Mutex<BTreeMap<(String, String), (u32, u32)>>);

#[async_trait]
impl Transport for Seen {
    async fn send(&self, request: OutgoingRequest) -> Result<ReceiverResponse, FailureReason> {
        let event = request.headers["webhook-id"].to_str().unwrap().to_owned();
        let name = request.url.as_str().rsplit('/').next().unwrap().to_owned();
        if name == "slow" {
            sleep(Duration::from_secs(3)).await;
        }
        let mut seen = self.0.lock().unwrap();
        let (asked, taken) = seen.entry((event, name.clone())).or_default();
        *asked += 1;
        let status = if name == "flaky" && *asked == 1 { 503 } else { 204 };
        *taken += u32::from(status == 204);
        Ok(ReceiverResponse { status, ..ReceiverResponse::default() })
    }
}

/// Accepts and delivers some events, and ends in an orderly way. Gives how many calls of the store that took.
async fn accept_and_deliver(store: FaultyStore, case: &str) -> usize {
    let (store, seen) = (Arc::new(store), Arc::<Seen>::default());
    let ports = Ports {
        store: Arc::clone(&store) as _,
        transport: Arc::clone(&seen) as _,
        clock: Arc::new(TokioClock(Instant::now())),
        ids: Arc::new(Counting),
        observer: Arc::new(NoObserver),
        tracer: Arc::new(NoTracer),
    };
    let webhooks = Webhooks::new(ports, WebhooksConfig::default());
    for name in ENDPOINTS {
        let url = format!("https://receiver.example/{name}").parse().unwrap();
        let new = NewEndpoint {
            id: Some(name.parse().unwrap()),
            ..NewEndpoint::new(url, vec!["a".parse().unwrap()])
        };
        webhooks.register(new).await.unwrap();
    }
    let (stop, stopped) = oneshot::channel::<()>();
    let work = async {
        let mut accepted = Vec::new();
        for number in 0..EVENTS {
            accepted.push(publish(&webhooks, number, case).await);
        }
        let wanted = EVENTS * ENDPOINTS.len() as u64;
        let began = Instant::now();
        while webhooks.stats().await.unwrap().total.delivered < wanted {
            assert!(began.elapsed() < LONG, "{case}: not all was delivered");
            sleep(Duration::from_millis(100)).await;
        }
        stop.send(()).unwrap();
        accepted
    };
    let ending = async { drop(stopped.await) };
    let (ended, accepted) = tokio::join!(webhooks.run(ending), work);
    assert_eq!(ended.broken_off, 0, "{case}");
    let total = webhooks.stats().await.unwrap().total;
    assert_eq!((total.pending, total.in_flight, total.dead_letters), (0, 0, 0), "{case}");
    let seen = seen.0.lock().unwrap();
    for event in accepted {
        for name in ENDPOINTS {
            let (_, taken) = seen[&(event.clone(), name.to_owned())];
            // Once more at most: one call went wrong.
            assert!((1..=2).contains(&taken), "{case}: {name} took it {taken} times");
        }
    }
    store.calls()
}

/// As a caller does who wants to be sure.
async fn publish(webhooks: &Webhooks, number: u64, case: &str) -> String {
    let began = Instant::now();
    loop {
        let new = NewEvent::new("a".parse().unwrap(), &number).unwrap();
        match webhooks.publish_once(new, &format!("key-{number}")).await {
            Ok(published) => return published.event_id.to_string(),
            Err(PublishError::Store(_)) => assert!(began.elapsed() < LONG, "{case}"),
            Err(error) => unreachable!("{case}: {error}"),
        }
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn whichever_call_of_the_store_goes_wrong_what_was_accepted_is_delivered() {
    let calls = accept_and_deliver(FaultyStore::default(), "without fault").await;
    assert!(calls > 10, "{calls} calls are not worth it");
    for fault in Fault::ALL {
        // A fault makes further calls, so some come behind the last one of the run without.
        for at in 0..calls + 5 {
            accept_and_deliver(FaultyStore::with(at, fault), &format!("{fault:?} at call {at}")).await;
        }
    }
}
