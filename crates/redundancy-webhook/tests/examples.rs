//! Runs the examples of this crate against each other: what they show works, and they end by themselves.
#![allow(
    clippy::duplicate_mod,
    reason = "each example brings its parts along, as each is a program of its own"
)]
#![allow(dead_code, unreachable_pub, reason = "the main functions of the examples are not called here")]

#[path = "../examples/axum_service.rs"]
mod axum_service;
#[path = "../examples/read_stats.rs"]
mod read_stats;
#[path = "../examples/receiver.rs"]
mod receiver;
#[path = "../examples/send_one.rs"]
mod send_one;

use bytes::Bytes;
use redundancy_webhook::FailureReason;
use redundancy_webhook::delivery::DeliveryState;
use redundancy_webhook::transport::{
    AddressPolicy, HttpTransport, OutgoingRequest, Transport as _, TransportConfig,
};
use std::error::Error;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

type TestResult = Result<(), Box<dyn Error>>;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ANOTHER_SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";
/// How long to wait for what has to come.
const LONG: Duration = Duration::from_mins(1);

/// Does `work` with the address of the example receiver, which is there for as long, and gives what that took for genuine.
async fn with_receiver<T>(
    work: impl AsyncFnOnce(String, &mut mpsc::Receiver<String>) -> Result<T, Box<dyn Error>>,
) -> Result<T, Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/", listener.local_addr()?);
    let (events, mut arriving) = mpsc::channel(16);
    tokio::select! {
        ended = receiver::serve(listener, SECRET.parse()?, events) => Err(format!("the receiver ended: {ended:?}").into()),
        done = tokio::time::timeout(LONG, work(url, &mut arriving)) => done?,
    }
}

#[tokio::test]
async fn the_service_in_axum_tells_the_receiver_what_it_finds_and_stops_when_told_to() -> TestResult {
    with_receiver(async |url, arriving| {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let service = format!("http://{}/analyze", listener.local_addr()?);
        let (stop, stopped) = oneshot::channel::<()>();
        let running = axum_service::run(listener, &url, SECRET, async {
            let _ = stopped.await;
        });
        let asking = async {
            let answer = post(&service, "once more and once more").await?;
            let event = arriving.recv().await.ok_or("the receiver is gone")?;
            // Dropping it as it fails stops the service too.
            let _ = stop.send(());
            Ok::<_, Box<dyn Error>>((answer, event))
        };
        let (ended, asked) = tokio::join!(running, asking);
        let (answer, event) = asked?;
        assert!(answer.starts_with("5 words, 3 distinct, told as evt_"), "{answer}");
        let id = answer.trim_end().rsplit(' ').next().ok_or("no id")?;
        assert_eq!(event, format!("analysis.completed {id} attempt 1"));
        assert_eq!(ended?.broken_off, 0);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn one_event_is_sent_and_waited_for() -> TestResult {
    with_receiver(async |url, arriving| {
        let delivery = send_one::run(&url, SECRET).await?;
        assert_eq!((delivery.state, delivery.last_status), (DeliveryState::Succeeded, Some(204)));
        let event = arriving.recv().await.ok_or("the receiver is gone")?;
        assert_eq!(event, format!("report.ready {} attempt 1", delivery.event_id));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_receiver_refuses_what_was_signed_with_another_secret_and_a_retry_is_due() -> TestResult {
    with_receiver(async |url, arriving| {
        let delivery = send_one::run(&url, ANOTHER_SECRET).await?;
        assert_eq!((delivery.state, delivery.last_status), (DeliveryState::Pending, Some(401)));
        assert_eq!(delivery.last_failure, Some(FailureReason::Status));
        assert!(delivery.due_at.is_some());
        assert!(arriving.try_recv().is_err());
        Ok(())
    })
    .await
}

#[tokio::test]
async fn stats_tell_receivers_that_are_there_from_those_that_are_not() -> TestResult {
    with_receiver(async |url, _| {
        let stats = read_stats::run(&url, SECRET).await?;
        assert_eq!((stats.total.delivered, stats.total.pending), (3, 3));
        let by_endpoint: Vec<_> = stats
            .by_endpoint
            .iter()
            .map(|(id, counts)| (id.as_str(), counts.delivered, counts.pending))
            .collect();
        assert_eq!(by_endpoint, [("away", 0, 3), ("there", 3, 0)]);
        assert!(stats.oldest_pending_at.is_some());
        Ok(())
    })
    .await
}

/// Posts `text` and gives the answer.
async fn post(url: &str, text: &'static str) -> Result<String, Box<dyn Error>> {
    let policy = AddressPolicy::new(vec!["127.0.0.0/8".parse()?]);
    let transport = HttpTransport::new(TransportConfig { policy, ..TransportConfig::default() })?;
    let request = OutgoingRequest {
        url: url.parse()?,
        headers: http::HeaderMap::from_iter([(http::header::CONTENT_TYPE, "text/plain".parse()?)]),
        body: Bytes::from_static(text.as_bytes()),
        timeout: LONG,
    };
    let answer = transport.send(request).await.map_err(FailureReason::as_str)?;
    Ok(String::from_utf8(answer.body)?)
}
