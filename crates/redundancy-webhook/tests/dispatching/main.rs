//! The dispatcher and the jobs over a store in memory, on a clock that goes as fast as nobody has anything to do.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests stop at the first surprise")]

mod faults;
mod faulty_store;
mod names_taken_over;

use async_trait::async_trait;
use redundancy_store::MemoryStore;
use redundancy_webhook::FailureReason;
use redundancy_webhook::breaker::BreakerConfig;
use redundancy_webhook::clock::{Clock, IdSource, Timestamp};
use redundancy_webhook::delivery::{DeliveryFilter, DeliveryState};
use redundancy_webhook::dispatcher::{Budget, DispatcherConfig, Ports, Progress};
use redundancy_webhook::endpoint::DisabledReason;
use redundancy_webhook::event::{NewEvent, types};
use redundancy_webhook::ids::EndpointId;
use redundancy_webhook::observer::{Attempted, NoObserver, Observer};
use redundancy_webhook::retry::RetryPolicy;
use redundancy_webhook::store::{JobState, PageRequest};
use redundancy_webhook::trace::NoTracer;
use redundancy_webhook::transport::{OutgoingRequest, ReceiverResponse, Transport};
use redundancy_webhook::webhooks::{NewEndpoint, Webhooks, WebhooksConfig};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// Follows the time of tokio.
struct TokioClock(Instant);

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_767_323_040_000).plus(self.0.elapsed())
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Makes random numbers differ.
static NEXT: AtomicU64 = AtomicU64::new(1);

struct Counting;

impl IdSource for Counting {
    fn random_128(&self) -> u128 {
        u128::from(NEXT.fetch_add(1, Ordering::Relaxed))
            .wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
    }
}

/// Answers by the path: `/hang` when it is let go, `/gone` with 410 when it is let go, `/fail` with 500, all else with 204.
#[derive(Default)]
struct Receivers {
    calls: AtomicUsize,
    hanging: Option<Arc<Semaphore>>,
}

#[async_trait]
impl Transport for Receivers {
    async fn send(&self, request: OutgoingRequest) -> Result<ReceiverResponse, FailureReason> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let url = request.url.as_str();
        if (url.ends_with("/hang") || url.ends_with("/gone"))
            && let Some(hanging) = &self.hanging
        {
            hanging.acquire().await.expect("it is never closed").forget();
        }
        let status = match url.rsplit('/').next() {
            Some("gone") => 410,
            Some("fail") => 500,
            _ => 204,
        };
        Ok(ReceiverResponse { status, ..ReceiverResponse::default() })
    }
}

#[derive(Default)]
struct Told(Mutex<Vec<(String, DisabledReason)>>);

impl Observer for Told {
    fn attempted(&self, _: &Attempted<'_>) {}

    fn disabled(&self, endpoint: &EndpointId, reason: DisabledReason) {
        self.0.lock().unwrap().push((endpoint.as_str().to_owned(), reason));
    }
}

fn ports(store: &Arc<MemoryStore>, receivers: Receivers, observer: Arc<dyn Observer>) -> Ports {
    Ports {
        store: Arc::clone(store) as _,
        transport: Arc::new(receivers),
        clock: Arc::new(TokioClock(Instant::now())),
        ids: Arc::new(Counting),
        observer,
        tracer: Arc::new(NoTracer),
    }
}

fn webhooks(receivers: Receivers) -> Webhooks {
    webhooks_with(receivers, WebhooksConfig::default())
}

fn webhooks_with(receivers: Receivers, config: WebhooksConfig) -> Webhooks {
    Webhooks::new(ports(&Arc::default(), receivers, Arc::new(NoObserver)), config)
}

async fn register(webhooks: &Webhooks, path: &str, kind: &str) -> EndpointId {
    let url = format!("https://receiver.example/{path}").parse().unwrap();
    let retry = RetryPolicy { max_attempts: 1, ..RetryPolicy::default() };
    let new = NewEndpoint {
        id: Some(path.parse().unwrap()),
        retry,
        ..NewEndpoint::new(url, vec![kind.parse().unwrap()])
    };
    webhooks.register(new).await.unwrap().id
}

async fn publish(webhooks: &Webhooks, kind: &str) {
    let new = NewEvent::new(kind.parse().unwrap(), &"data").unwrap();
    webhooks.publish(new).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_step_that_runs_out_of_time_tells_how_many_attempts_it_began() {
    let hanging = Some(Arc::new(Semaphore::new(0)));
    let webhooks = webhooks(Receivers { hanging, ..Receivers::default() });
    register(&webhooks, "hang", "a").await;
    register(&webhooks, "quick", "a").await;
    register(&webhooks, "other", "a").await;
    publish(&webhooks, "a").await;
    let budget = Budget { attempts: 10, time: Duration::from_secs(1) };
    let progress = webhooks.deliver_due(budget).await.unwrap();
    assert_eq!(progress, Progress { attempted: 3, is_settled: false, next_at: None });
    assert_eq!(webhooks.in_flight(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_arrives_in_a_step_does_not_wait_for_an_attempt_that_hangs() {
    let hanging = Arc::new(Semaphore::new(0));
    let webhooks = webhooks(Receivers { hanging: Some(Arc::clone(&hanging)), ..Receivers::default() });
    register(&webhooks, "hang", "a").await;
    register(&webhooks, "quick", "b").await;
    publish(&webhooks, "a").await;
    let budget = Budget { attempts: 10, time: Duration::from_secs(20) };
    let later = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        publish(&webhooks, "b").await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let done = DeliveryFilter { state: Some(DeliveryState::Succeeded), ..DeliveryFilter::default() };
        let done = webhooks.deliveries(&done, PageRequest { after: None, limit: 9 }).await.unwrap();
        hanging.add_permits(1);
        done.items.len()
    };
    let (progress, done) = tokio::join!(webhooks.deliver_due(budget), later);
    let progress = progress.unwrap();
    assert_eq!((done, progress.attempted, progress.is_settled), (1, 2, true));
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_is_gone_is_told_of_once_however_many_attempts_were_under_way() {
    let (store, told) = (Arc::<MemoryStore>::default(), Arc::<Told>::default());
    let hanging = Arc::new(Semaphore::new(0));
    let receivers = Receivers { hanging: Some(Arc::clone(&hanging)), ..Receivers::default() };
    let webhooks = Webhooks::new(ports(&store, receivers, Arc::clone(&told) as _), WebhooksConfig::default());
    let gone = register(&webhooks, "gone", "a").await;
    register(&webhooks, "quick", types::ENDPOINT_DISABLED).await;
    for _ in 0..4 {
        publish(&webhooks, "a").await;
    }
    let budget = Budget { attempts: 50, time: Duration::from_mins(1) };
    let let_go = async {
        while webhooks.in_flight() < 4 {
            tokio::task::yield_now().await;
        }
        for _ in 0..4 {
            hanging.add_permits(1);
            tokio::task::yield_now().await;
        }
    };
    let (progress, ()) = tokio::join!(webhooks.deliver_due(budget), let_go);
    assert!(progress.unwrap().is_settled);
    assert!(!webhooks.endpoint(&gone).await.unwrap().unwrap().endpoint.is_active);
    assert_eq!(*told.0.lock().unwrap(), [("gone".to_owned(), DisabledReason::Gone)]);
    let news = DeliveryFilter {
        event_type: Some(types::ENDPOINT_DISABLED.parse().unwrap()),
        ..DeliveryFilter::default()
    };
    let news = webhooks.deliveries(&news, PageRequest { after: None, limit: 9 }).await.unwrap();
    assert_eq!(news.items.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_410_to_an_endpoint_that_was_changed_meanwhile_does_not_disable_it() {
    let hanging = Arc::new(Semaphore::new(0));
    let webhooks = webhooks(Receivers { hanging: Some(Arc::clone(&hanging)), ..Receivers::default() });
    let gone = register(&webhooks, "gone", "a").await;
    publish(&webhooks, "a").await;
    let budget = Budget { attempts: 1, time: Duration::from_mins(1) };
    let mended = async {
        while webhooks.in_flight() < 1 {
            tokio::task::yield_now().await;
        }
        let url: redundancy_webhook::EndpointUrl = "https://receiver.example/moved".parse().unwrap();
        webhooks.update(&gone, |endpoint| endpoint.url = url.clone()).await.unwrap();
        hanging.add_permits(1);
    };
    let (progress, ()) = tokio::join!(webhooks.deliver_due(budget), mended);
    assert!(progress.unwrap().is_settled);
    assert!(webhooks.endpoint(&gone).await.unwrap().unwrap().endpoint.is_active);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_its_own_rate_makes_slow_is_not_taken_for_abandoned() {
    const DEAD: u64 = 150;
    let store = Arc::<MemoryStore>::default();
    // The breaker would let nothing out.
    let breaker = BreakerConfig { failure_threshold: u32::MAX, ..BreakerConfig::default() };
    let dispatcher = DispatcherConfig { breaker, ..DispatcherConfig::default() };
    let config = WebhooksConfig { replay_per_second: 1, dispatcher, ..WebhooksConfig::default() };
    let replica = || Webhooks::new(ports(&store, Receivers::default(), Arc::new(NoObserver)), config.clone());
    let (one, other) = (replica(), replica());
    register(&one, "fail", "a").await;
    for _ in 0..DEAD {
        publish(&one, "a").await;
    }
    let budget = Budget { attempts: 1_000, time: Duration::from_mins(1) };
    assert_eq!(one.deliver_due(budget).await.unwrap().attempted, 150);
    let job = one.requeue_all(DeliveryFilter::default()).await.unwrap().id;
    let watch = async {
        tokio::time::sleep(Duration::from_mins(1)).await;
        let halfway = one.job(job).await.unwrap().unwrap();
        tokio::time::sleep(Duration::from_mins(2)).await;
        (halfway, one.job(job).await.unwrap().unwrap())
    };
    let stop = tokio_util::sync::CancellationToken::new();
    let (_, _, (halfway, end)) =
        tokio::join!(one.run(stop.cancelled()), other.run(stop.cancelled()), async {
            let seen = watch.await;
            stop.cancel();
            seen
        });
    assert_eq!((halfway.state, halfway.queued), (JobState::Running, 100));
    assert_eq!((end.state, end.queued, end.examined), (JobState::Completed, DEAD, DEAD));
}
