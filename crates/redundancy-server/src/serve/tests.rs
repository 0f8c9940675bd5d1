//! A server with a router of its own: what handlers and clients do to it.

use super::*;
use crate::app::tests::app;
use crate::config::ServerConfig;
use axum::body::Bytes;
use axum::http::Request;
use axum::routing::get;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const LONG: Duration = Duration::from_hours(1);

/// Serves `router` until `client` is done, and gives what both gave.
async fn while_serving<T>(
    router: Router,
    options: ServeOptions,
    client: impl AsyncFnOnce(SocketAddr) -> T,
) -> (Drained, T) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let done = CancellationToken::new();
    let client = async {
        let result = client(address).await;
        done.cancel();
        result
    };
    tokio::join!(serve(listener, router, options, done.cancelled()), client)
}

async fn get_path(stream: &mut TcpStream, path: &str) -> String {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n").as_bytes()).await.unwrap();
    let mut buffer = [0; 4096];
    let read = stream.read(&mut buffer).await.unwrap();
    String::from_utf8_lossy(&buffer[..read]).into_owned()
}

#[tokio::test]
async fn a_panic_leaves_the_server_and_even_the_connection_running() {
    let app = app(ServerConfig::default());
    let panicking = Router::new()
        .route("/panics", get(async || -> &str { panic!("on purpose") }))
        .route("/works", get(async || "works"));
    let options = ServeOptions::new(app.readiness());
    let router = crate::middleware::around_everything(panicking, &app).with_state(app);
    let (drained, ()) = while_serving(router, options, async |address| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        for _ in 0..2 {
            assert!(get_path(&mut stream, "/panics").await.starts_with("HTTP/1.1 500"));
            assert!(get_path(&mut stream, "/works").await.ends_with("works"));
        }
    })
    .await;
    assert_eq!(drained.cut_off, 0);
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answer_is_given_up() {
    // More than the system buffers for one connection.
    let body = vec![b'x'; 64 * 1024 * 1024];
    let router = Router::new().route("/", get(async move || body));
    let write_timeout = Duration::from_millis(50);
    let options =
        ServeOptions { write_timeout, drain_timeout: LONG, ..ServeOptions::new(Readiness::default()) };
    let (drained, stream) = while_serving(router, options, async |address| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        assert!(get_path(&mut stream, "/").await.starts_with("HTTP/1.1 200"));
        stream
    })
    .await;
    // The end did not wait for the client, which is still there.
    assert_eq!(drained.cut_off, 0);
    drop(stream);
}

#[tokio::test]
async fn readiness_ends_when_the_shutdown_begins() {
    let readiness = Readiness::default();
    let options = ServeOptions::new(readiness.clone());
    let (drained, was_ready) = while_serving(Router::new(), options, async |_| readiness.is_ready()).await;
    assert_eq!((was_ready, readiness.is_ready()), (true, false));
    assert_eq!(drained, Drained { finished: 0, cut_off: 0 });
}

/// A connection in HTTP/2 whose work is done by a task, and that task.
async fn http2(
    address: SocketAddr,
) -> (h2::client::SendRequest<Bytes>, tokio::task::JoinHandle<Result<(), h2::Error>>) {
    let stream = TcpStream::connect(address).await.unwrap();
    let mut builder = h2::client::Builder::new();
    builder.initial_connection_window_size(16 * 1024 * 1024);
    let (requests, connection) = builder.handshake(stream).await.unwrap();
    (requests, TaskTracker::new().spawn(connection))
}

async fn send(
    requests: &h2::client::SendRequest<Bytes>,
    path: &str,
) -> Result<h2::client::ResponseFuture, h2::Error> {
    let request = Request::get(format!("http://test{path}")).body(()).unwrap();
    Ok(requests.clone().ready().await?.send_request(request, true)?.0)
}

#[tokio::test]
async fn an_answer_that_a_client_of_http_2_does_not_take_is_given_up_and_its_connection_goes_on() {
    let body = vec![b'x'; 8 * 1024 * 1024];
    let router = Router::new().route("/long", get(async move || body)).route("/works", get(async || "works"));
    let write_timeout = Duration::from_millis(50);
    let options = ServeOptions { write_timeout, ..ServeOptions::new(Readiness::default()) };
    let (drained, ()) = while_serving(router, options, async |address| {
        let (requests, _connection) = http2(address).await;
        let mut long = send(&requests, "/long").await.unwrap().await.unwrap().into_body();
        // What was taken is not given back, so that the window of the stream ends.
        let ended = loop {
            match long.data().await.unwrap() {
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        assert!(ended.is_reset() && ended.is_remote(), "{ended}");
        let works = send(&requests, "/works").await.unwrap().await.unwrap();
        assert_eq!(works.status(), 200);
    })
    .await;
    assert_eq!(drained.cut_off, 0);
}

#[tokio::test]
async fn a_client_that_gives_up_one_request_after_another_loses_its_connection_and_others_do_not() {
    let begun = Arc::new(Semaphore::new(0));
    let of_handler = Arc::clone(&begun);
    let hangs = async move || {
        of_handler.add_permits(1);
        std::future::pending::<()>().await;
    };
    let router = Router::new().route("/hangs", get(hangs)).route("/works", get(async || "works"));
    let options = ServeOptions::new(Readiness::default());
    let (drained, ()) = while_serving(router, options, async |address| {
        let (requests, connection) = http2(address).await;
        let (other, _other) = http2(address).await;
        while let Ok(answer) = send(&requests, "/hangs").await {
            tokio::select! {
                // Dropping what waits for the answer resets the stream.
                begun = begun.acquire() => begun.unwrap().forget(),
                ended = answer => {
                    assert!(ended.is_err());
                    break;
                }
            }
        }
        let _ = connection.await.unwrap();
        assert_eq!(send(&other, "/works").await.unwrap().await.unwrap().status(), 200);
    })
    .await;
    assert_eq!(drained.cut_off, 0);
}

#[tokio::test]
async fn a_request_of_http_2_that_is_under_way_is_finished_before_the_end() {
    let (begun, goes_on) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let of_handler = (Arc::clone(&begun), Arc::clone(&goes_on));
    let router = Router::new().route(
        "/waits",
        get(async move || {
            of_handler.0.add_permits(1);
            of_handler.1.acquire().await.unwrap().forget();
            "done"
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let readiness = Readiness::default();
    let serving = serve(listener, router, ServeOptions::new(readiness.clone()), stop.cancelled());
    let client = async {
        let (requests, _connection) = http2(address).await;
        let waiting = send(&requests, "/waits").await.unwrap();
        begun.acquire().await.unwrap().forget();
        stop.cancel();
        // Nobody is taken any more once the drain has begun.
        while TcpStream::connect(address).await.is_ok() {}
        goes_on.add_permits(1);
        assert_eq!(waiting.await.unwrap().status(), 200);
        drop(requests);
    };
    let (drained, ()) = tokio::join!(serving, client);
    assert_eq!(drained.cut_off, 0);
}
