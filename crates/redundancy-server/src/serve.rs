//! Runs a router on a listener: caps on what a connection may take, and an end that lets requests finish.
//!
//! Only HTTP/1.1: what needs more (TLS, HTTP/2) belongs in front or comes with its own listener.

mod socket;

use crate::app::Readiness;
use crate::middleware::client_address::Peer;
use axum::Router;
use axum::http::Request;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use socket::Socket;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::util::MapRequest;

/// Longest head of a request, in bytes.
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// Most bytes that are buffered for one connection in each direction. Idle connections have a fraction of it.
const MAX_BUFFER_BYTES: usize = 64 * 1024;
/// How long to wait when the system has no file descriptor left for a new connection: others close meanwhile.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How to run.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// What is told that the server drains.
    pub readiness: Readiness,
    /// Connections at the same time. One more waits in the queue of the operating system.
    pub max_connections: usize,
    /// From the opening of a connection, or the end of an answer on it, to the end of the next request's head. So it is also
    /// how long a connection may stay idle. A server whose `request_timeout` is shorter does well to shorten this too: a head
    /// should not be given more time than a whole request.
    pub header_read_timeout: Duration,
    /// How long a client may take nothing of an answer that is ready for it.
    pub write_timeout: Duration,
    /// How long requests under way may take to finish after the shutdown began.
    pub drain_timeout: Duration,
}

impl ServeOptions {
    /// The defaults, for a server whose readiness is `readiness`.
    #[must_use]
    pub fn new(readiness: Readiness) -> Self {
        Self {
            readiness,
            max_connections: 16 * 1024,
            header_read_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(15),
        }
    }
}

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were open when the shutdown began and ended by themselves.
    pub finished: usize,
    /// Connections that had to be cut off.
    pub cut_off: usize,
}

/// Accepts connections until `shutdown` is done, then stops accepting, closes idle connections, lets requests under way
/// finish for up to `drain_timeout` and cuts off what is left.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    options: ServeOptions,
    shutdown: impl Future<Output = ()>,
) -> Drained {
    let connections = Connections::new(router, options);
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = connections.accept(&listener) => accepted,
        };
        match accepted {
            Ok((stream, peer, permit)) => connections.start(stream, peer, permit),
            // The client gave up before it was accepted.
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    connections.drain().await
}

/// A request with where it comes from.
fn from<B>(peer: Peer, mut request: Request<B>) -> Request<B> {
    request.extensions_mut().insert(peer);
    request
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// All connections of one server.
struct Connections {
    router: Router,
    options: ServeOptions,
    permits: Arc<Semaphore>,
    tasks: TaskTracker,
    /// Asks every connection to end after the request it is in.
    finish: CancellationToken,
    /// Ends every connection at once.
    cut_off: CancellationToken,
}

impl Connections {
    fn new(router: Router, options: ServeOptions) -> Self {
        let permits = Arc::new(Semaphore::new(options.max_connections.min(Semaphore::MAX_PERMITS)));
        let (finish, cut_off) = (CancellationToken::new(), CancellationToken::new());
        Self { router, options, permits, tasks: TaskTracker::new(), finish, cut_off }
    }

    async fn accept(&self, listener: &TcpListener) -> io::Result<(TcpStream, Peer, OwnedSemaphorePermit)> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(io::Error::other)?;
        let (stream, peer) = listener.accept().await?;
        Ok((stream, Peer(peer), permit))
    }

    /// Serves one connection on a task of its own.
    fn start(&self, stream: TcpStream, peer: Peer, permit: OwnedSemaphorePermit) {
        // Without this a small answer can wait for the acknowledgement of the one before. It is no reason not to answer.
        let _ = stream.set_nodelay(true);
        let socket = TokioIo::new(Socket::new(stream, self.options.write_timeout));
        let service = TowerToHyperService::new(MapRequest::new(self.router.clone(), move |request| {
            from(peer, request)
        }));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.options.header_read_timeout)
            .max_header_size(MAX_HEAD_BYTES)
            .max_buf_size(MAX_BUFFER_BYTES)
            .serve_connection(socket, service);
        let (finish, cut_off) = (self.finish.clone(), self.cut_off.clone());
        self.tasks.spawn(async move {
            let mut connection = pin!(connection);
            let serve = async {
                tokio::select! {
                    ended = connection.as_mut() => return ended,
                    () = finish.cancelled() => connection.as_mut().graceful_shutdown(),
                }
                connection.await
            };
            tokio::select! {
                ended = serve => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a connection ended early");
                    }
                }
                () = cut_off.cancelled() => {}
            }
            drop(permit);
        });
    }

    async fn drain(self) -> Drained {
        self.options.readiness.start_draining();
        self.tasks.close();
        let open = self.tasks.len();
        self.finish.cancel();
        let in_time = tokio::time::timeout(self.options.drain_timeout, self.tasks.wait()).await;
        let cut_off = if in_time.is_ok() { 0 } else { self.tasks.len() };
        self.cut_off.cancel();
        self.tasks.wait().await;
        Drained { finished: open.saturating_sub(cut_off), cut_off }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::app;
    use crate::config::ServerConfig;
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
        let (drained, was_ready) =
            while_serving(Router::new(), options, async |_| readiness.is_ready()).await;
        assert_eq!((was_ready, readiness.is_ready()), (true, false));
        assert_eq!(drained, Drained { finished: 0, cut_off: 0 });
    }
}
