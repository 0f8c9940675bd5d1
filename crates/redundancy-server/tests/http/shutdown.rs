//! The end of a service: nothing that was begun is lost, and nothing holds it up for long.

use crate::service::Service;
use crate::socket::{Listening, announce};
use redundancy_server::{Drained, ServeOptions};
use std::time::Duration;
use tokio::net::TcpStream;

const BODY: &[u8] = br#"{"content": "a text"}"#;
const GET_READY: &str = "GET /health/ready HTTP/1.1\r\nhost: test\r\n\r\n";

#[tokio::test]
async fn requests_under_way_finish_and_idle_connections_close() {
    let listening = Listening::new(Service::new()).await;
    let mut idle = listening.connect().await;
    idle.send(GET_READY).await;
    assert_eq!(idle.reply().await.status, 200);
    let mut busy = listening.connect().await;
    busy.send(announce("/api/v1/analyze", BODY.len())).await;
    busy.invited().await;

    listening.begin_shutdown();
    assert_eq!(idle.rest().await, "");
    // The drain has begun, so nobody listens any more.
    assert!(TcpStream::connect(listening.address).await.is_err());
    let router = listening.service.router.clone();
    busy.send(BODY).await;
    let reply = busy.reply().await;
    reply.data();
    assert_eq!(reply.header("connection"), Some("close"));
    assert_eq!(busy.rest().await, "");

    let app = listening.service.app.clone();
    assert_eq!(listening.ended().await, Drained { finished: 2, cut_off: 0 });
    assert!(!app.readiness().is_ready());
    drop(router);
}

#[tokio::test]
async fn what_does_not_finish_in_time_is_cut_off_and_counted() {
    let service = Service::new();
    let options = ServeOptions {
        drain_timeout: Duration::from_millis(100),
        ..ServeOptions::new(service.app.readiness())
    };
    let listening = Listening::with(service, options).await;
    let mut busy = listening.connect().await;
    busy.send(announce("/api/v1/analyze", BODY.len())).await;
    busy.invited().await;

    listening.begin_shutdown();
    assert_eq!(listening.ended().await, Drained { finished: 0, cut_off: 1 });
    assert_eq!(busy.rest().await, "");
}

#[tokio::test]
async fn a_connection_on_which_nothing_has_come_does_not_hold_up_the_end() {
    let listening = Listening::new(Service::new()).await;
    let _silent = listening.connect().await;
    // A second connection shows that the first has been accepted.
    listening.assert_well().await;
    listening.begin_shutdown();
    assert_eq!(listening.ended().await.cut_off, 0);
}

#[tokio::test]
async fn one_of_two_services_in_a_process_ends_alone() {
    let (first, second) = (Listening::new(Service::new()).await, Listening::new(Service::new()).await);
    first.assert_well().await;
    first.begin_shutdown();
    first.ended().await;
    second.assert_well().await;
    assert!(second.service.app.readiness().is_ready());
}
