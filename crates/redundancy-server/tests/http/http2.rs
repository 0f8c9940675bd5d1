//! HTTP/2, in clear and encrypted: what it answers, what it bounds, and how a connection ends.

use crate::authority::{Authority, connect, encrypted};
use crate::service::Service;
use crate::socket::Listening;
use axum::body::Bytes;
use axum::http::{Request, Response};
use h2::RecvStream;
use h2::client::{Connection, SendRequest, handshake};
use redundancy_server::{Drained, ServeOptions};
use serde_json::Value;
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_util::task::TaskTracker;

/// A connection whose work is done by a task.
async fn open<S>(stream: S) -> SendRequest<Bytes>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (requests, connection) = handshake(stream).await.unwrap();
    TaskTracker::new().spawn(connection);
    requests
}

async fn in_clear(listening: &Listening) -> (SendRequest<Bytes>, Connection<TcpStream>) {
    handshake(TcpStream::connect(listening.address).await.unwrap()).await.unwrap()
}

fn get(path: &str) -> Request<()> {
    Request::get(format!("http://localhost{path}")).body(()).unwrap()
}

/// Sends a request and gives the head and the body of its answer.
async fn ask(
    requests: &SendRequest<Bytes>,
    request: Request<()>,
    body: Option<Value>,
) -> (Response<()>, Bytes) {
    let mut requests = requests.clone().ready().await.unwrap();
    let (response, mut stream) = requests.send_request(request, body.is_none()).unwrap();
    if let Some(body) = body {
        stream.send_data(body.to_string().into(), true).unwrap();
    }
    let (head, body) = response.await.unwrap().into_parts();
    (Response::from_parts(head, ()), all(body).await.unwrap())
}

async fn all(mut body: RecvStream) -> Result<Bytes, h2::Error> {
    let mut bytes = Vec::new();
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.into())
}

#[tokio::test]
async fn a_client_that_knows_of_http_2_is_served_in_it_and_its_requests_run_beside_each_other() {
    let listening = Listening::new(Service::new()).await;
    let requests = open(TcpStream::connect(listening.address).await.unwrap()).await;
    let analyze = || {
        let request =
            Request::post("http://localhost/api/v1/analyze").header("content-type", "application/json");
        ask(&requests, request.body(()).unwrap(), Some(serde_json::json!({"content": "a text"})))
    };
    let ((health, body), (first, _), (second, _), (wrong, error)) = tokio::join!(
        ask(&requests, get("/health"), None),
        analyze(),
        analyze(),
        ask(&requests, get("/nothing"), None)
    );
    assert_eq!((health.status().as_u16(), &*body), (200, br#"{"status":"ok"}"#.as_slice()));
    assert_eq!(health.headers()["x-content-type-options"], "nosniff");
    assert_eq!((first.status().as_u16(), second.status().as_u16()), (200, 200));
    assert_eq!(wrong.status(), 404);
    assert_eq!(serde_json::from_slice::<Value>(&error).unwrap()["error"]["type"], "NotFound");
    listening.assert_well().await;
}

#[tokio::test]
async fn a_client_that_offers_http_2_when_encryption_is_set_up_gets_it() {
    let authority = Authority::new();
    let service = Service::new();
    let encryption = authority.certify("localhost").encryption(None);
    let options = encrypted(ServeOptions::new(service.app.readiness()), &encryption);
    let listening = Listening::with(service, options).await;
    let stream = connect(&listening, &authority.client(&["h2", "http/1.1"], None)).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (answer, _) = ask(&open(stream).await, get("/health"), None).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["strict-transport-security"], "max-age=60");
}

/// Clients give up an answer when the stream is reset behind it.
#[tokio::test]
async fn a_request_that_is_refused_by_its_head_alone_may_send_its_body_to_the_end() {
    let listening = Listening::new(Service::new()).await;
    let (requests, connection) = in_clear(&listening).await;
    TaskTracker::new().spawn(connection);
    let head = Request::post("http://localhost/api/v1/analyze").header("content-type", "text/plain");
    let mut requests = requests.ready().await.unwrap();
    let (response, mut stream) = requests.send_request(head.body(()).unwrap(), false).unwrap();
    for is_last in [false, false, true] {
        tokio::time::sleep(Duration::from_millis(20)).await;
        stream.send_data(Bytes::from_static(&[b'a'; 10_000]), is_last).unwrap();
    }
    let (head, body) = response.await.unwrap().into_parts();
    let answer: Value = serde_json::from_slice(&all(body).await.unwrap()).unwrap();
    assert_eq!((head.status.as_u16(), &answer["success"]), (415, &Value::Bool(false)));
    let is_reset = std::future::poll_fn(|cx| Poll::Ready(stream.poll_reset(cx).is_ready())).await;
    assert!(!is_reset);
    assert!(!head.headers.contains_key("connection"));
}

#[tokio::test]
async fn a_long_answer_comes_whole() {
    let service = Service::new();
    let whole = service.get("/openapi.json").await.body;
    let listening = Listening::new(service).await;
    let requests = open(TcpStream::connect(listening.address).await.unwrap()).await;
    let (head, body) = ask(&requests, get("/openapi.json"), None).await;
    assert!(body.len() > 64 * 1024, "{}", body.len());
    assert_eq!((head.status().as_u16(), body.to_vec() == whole), (200, true));
}

#[tokio::test]
async fn a_head_that_is_too_long_or_open_to_doubt_is_refused_and_the_connection_goes_on() {
    let listening = Listening::new(Service::new()).await;
    let requests = open(TcpStream::connect(listening.address).await.unwrap()).await;
    let with = |name: &str, value: &str| {
        Request::get("http://localhost/health").header(name, value).body(()).unwrap()
    };
    for (request, status) in [
        (with("x-long", &"x".repeat(40 * 1024)), 431),
        (with("host", "elsewhere"), 400),
        (with("host", "localhost"), 200),
    ] {
        assert_eq!(ask(&requests, request, None).await.0.status(), status);
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_the_time_that_one_of_http_1_has() {
    let service = Service::new();
    let options = ServeOptions {
        header_read_timeout: Duration::from_millis(100),
        ..ServeOptions::new(service.app.readiness())
    };
    let listening = Listening::with(service, options).await;
    let (requests, connection) = in_clear(&listening).await;
    // The end comes from the service, in good order: the client keeps its side open.
    connection.await.unwrap();
    drop(requests);
    // The same for a client that does not begin to speak.
    let mut silent = listening.connect().await;
    silent.send("PRI * HTTP/2.0\r\n").await;
    assert_eq!(silent.rest().await, "");
}

#[tokio::test]
async fn idle_connections_do_not_hold_up_the_end() {
    let listening = Listening::new(Service::new()).await;
    let requests = open(TcpStream::connect(listening.address).await.unwrap()).await;
    assert_eq!(ask(&requests, get("/health"), None).await.0.status(), 200);
    listening.begin_shutdown();
    assert_eq!(listening.ended().await, Drained { finished: 1, cut_off: 0 });
    drop(requests);
}

#[tokio::test]
async fn no_more_requests_at_once_than_are_allowed_are_taken_on_a_connection() {
    let listening = Listening::new(Service::new()).await;
    let (requests, connection) = in_clear(&listening).await;
    let mut connection = std::pin::pin!(connection);
    let answered = ask(&requests, get("/health"), None);
    tokio::select! {
        (head, _) = answered => assert_eq!(head.status(), 200),
        ended = &mut connection => panic!("{ended:?}"),
    }
    assert_eq!(connection.max_concurrent_send_streams(), 128);
}
