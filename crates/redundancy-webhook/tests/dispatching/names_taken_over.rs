//! An endpoint that is registered under the id of one that was deleted is another receiver.

use crate::{Receivers, publish, register, webhooks, webhooks_with};
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::delivery::{DeliveryFilter, DeliveryState};
use redundancy_webhook::dispatcher::Budget;
use redundancy_webhook::store::{JobState, PageRequest};
use redundancy_webhook::webhooks::{Obstacle, Replay, WebhooksConfig};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::sleep;

const MOMENT: Duration = Duration::from_millis(100);

#[tokio::test(start_paused = true)]
async fn what_was_under_way_to_the_one_before_cannot_be_sent_to_it() {
    let hanging = Arc::new(Semaphore::new(0));
    let webhooks = webhooks(Receivers { hanging: Some(Arc::clone(&hanging)), ..Receivers::default() });
    let id = register(&webhooks, "gone", "a").await;
    publish(&webhooks, "a").await;
    let budget = Budget { attempts: 1, time: Duration::from_secs(1) };
    assert!(!webhooks.deliver_due(budget).await.unwrap().is_settled);
    assert!(webhooks.remove(&id).await.unwrap());
    sleep(MOMENT).await;
    register(&webhooks, "gone", "a").await;
    sleep(MOMENT).await;
    hanging.add_permits(1);
    sleep(MOMENT).await;
    let page = PageRequest { after: None, limit: 9 };
    let delivery = webhooks.deliveries(&DeliveryFilter::default(), page).await.unwrap().items.remove(0);
    assert_eq!(delivery.state, DeliveryState::Cancelled);
    assert_eq!(webhooks.obstacle(delivery.id).await.unwrap(), Some(Obstacle::EndpointGone));
}

#[tokio::test(start_paused = true)]
async fn a_replay_to_the_one_before_does_not_go_on_into_it() {
    const EVENTS: u64 = 150;
    let config = WebhooksConfig { replay_per_second: 1, ..WebhooksConfig::default() };
    let webhooks = webhooks_with(Receivers::default(), config);
    for _ in 0..EVENTS {
        publish(&webhooks, "a").await;
    }
    sleep(MOMENT).await;
    let id = register(&webhooks, "quick", "a").await;
    let replay = Replay { since: Timestamp::from_millis(0), until: None, states: Vec::new(), events: None };
    let job = webhooks.replay(&id, replay).await.unwrap().id;
    let stop = tokio_util::sync::CancellationToken::new();
    let watch = async {
        sleep(Duration::from_secs(10)).await;
        assert!(webhooks.remove(&id).await.unwrap());
        register(&webhooks, "quick", "a").await;
        sleep(Duration::from_mins(5)).await;
        stop.cancel();
        webhooks.job(job).await.unwrap().unwrap()
    };
    let (_, end) = tokio::join!(webhooks.run(stop.cancelled()), watch);
    assert_eq!(end.state, JobState::Failed);
    assert!(end.queued < EVENTS, "{} of {EVENTS}", end.queued);
}
