//! Runs a router on a listener: HTTP/1.1 and HTTP/2, in clear or encrypted, with caps on what a connection may take, and an end
//! that lets requests finish.
//!
//! A client that begins with the preface of HTTP/2, or agrees on it when the encryption is set up, is spoken to in HTTP/2; every
//! other one in HTTP/1.1.

mod connection;
mod encryption;
mod http2;
mod opening;
mod resting;
mod socket;

use crate::app::Readiness;
use crate::middleware::client_address::Peer;
use axum::Router;
use axum::http::header::STRICT_TRANSPORT_SECURITY;
use axum::response::Response;
use socket::Socket;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::util::MapResponseLayer;

pub use encryption::{Credentials, CredentialsFault, CredentialsPart, Encryption, Validity};
pub(crate) use http2::streams::Unplaced;

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
    /// how long a connection may stay idle. Before its first request, and after a pause of a quarter of a second or more, a connection has
    /// that time to send a first byte, and again for the rest. A server whose `request_timeout` is shorter does well to shorten this too: a head should not be given
    /// more time than a whole request.
    pub header_read_timeout: Duration,
    /// How long a client may take nothing of an answer that is ready for it.
    pub write_timeout: Duration,
    /// How long a client may take to set up the encryption.
    pub handshake_timeout: Duration,
    /// How long requests under way may take to finish after the shutdown began.
    pub drain_timeout: Duration,
    /// TLS, and nothing else, on this listener. In clear if it is missing.
    pub encryption: Option<Encryption>,
}

impl ServeOptions {
    /// Longest head of a request, in bytes.
    const MAX_HEAD_BYTES: usize = 32 * 1024;
    /// The same for HTTP/2, which counts 32 bytes more for each header.
    const MAX_HEAD_BYTES_HTTP2: u32 = 32 * 1024;

    /// The defaults, for a server whose readiness is `readiness`: in clear.
    #[must_use]
    pub fn new(readiness: Readiness) -> Self {
        Self {
            readiness,
            max_connections: 16 * 1024,
            header_read_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            handshake_timeout: Duration::from_secs(10),
            drain_timeout: Duration::from_secs(15),
            encryption: None,
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

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// All connections of one server.
struct Connections {
    shared: Arc<Shared>,
    permits: Arc<Semaphore>,
    tasks: TaskTracker,
}

/// What every connection of a server needs.
struct Shared {
    router: Router,
    options: ServeOptions,
    /// Requests of HTTP/2: the tasks of their connections take them, tasks of their own do the work.
    requests: TaskTracker,
    /// Places for them.
    places: Arc<http2::streams::Places>,
    /// Asks every connection to end after the request it is in.
    finish: CancellationToken,
    /// Ends every connection at once.
    cut_off: CancellationToken,
}

impl Connections {
    fn new(router: Router, options: ServeOptions) -> Self {
        let router = match &options.encryption {
            None => router,
            Some(encryption) => {
                let value = encryption.strict_transport_security();
                router.layer(MapResponseLayer::new(move |mut response: Response| {
                    response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, value.clone());
                    response
                }))
            }
        };
        let permits = Arc::new(Semaphore::new(options.max_connections.min(Semaphore::MAX_PERMITS)));
        let (finish, cut_off) = (CancellationToken::new(), CancellationToken::new());
        let places = Arc::new(http2::streams::Places::new());
        let shared = Shared { router, options, requests: TaskTracker::new(), places, finish, cut_off };
        Self { shared: Arc::new(shared), permits, tasks: TaskTracker::new() }
    }

    async fn accept(&self, listener: &TcpListener) -> io::Result<(TcpStream, Peer, OwnedSemaphorePermit)> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(io::Error::other)?;
        let (stream, peer) = listener.accept().await?;
        Ok((stream, Peer { address: peer, is_encrypted: self.shared.options.encryption.is_some() }, permit))
    }

    /// Serves one connection on a task of its own.
    fn start(&self, stream: TcpStream, peer: Peer, permit: OwnedSemaphorePermit) {
        // Without this a small answer can wait for the acknowledgement of the one before. It is no reason not to answer.
        let _ = stream.set_nodelay(true);
        let socket = Socket::new(stream, self.shared.options.write_timeout);
        let shared = Arc::clone(&self.shared);
        // Two kinds of tasks, so that one in clear does not take the memory of an encrypted one.
        match self.shared.options.encryption.clone() {
            None => self.tasks.spawn(async move {
                shared.until_cut_off(connection::in_clear(&shared, peer, socket)).await;
                drop(permit);
            }),
            Some(encryption) => self.tasks.spawn(async move {
                shared.until_cut_off(connection::encrypted(&shared, &encryption, peer, socket)).await;
                drop(permit);
            }),
        };
    }

    async fn drain(self) -> Drained {
        let Shared { options, requests, finish, cut_off, .. } = &*self.shared;
        options.readiness.start_draining();
        self.tasks.close();
        let open = self.tasks.len();
        finish.cancel();
        let in_time = tokio::time::timeout(options.drain_timeout, self.tasks.wait()).await;
        let left = if in_time.is_ok() { 0 } else { self.tasks.len() };
        cut_off.cancel();
        self.tasks.wait().await;
        requests.close();
        requests.wait().await;
        Drained { finished: open.saturating_sub(left), cut_off: left }
    }
}

impl Shared {
    async fn until_cut_off(&self, connection: impl Future<Output = Result<(), connection::Ended>>) {
        tokio::select! {
            ended = connection => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection ended early");
                }
            }
            () = self.cut_off.cancelled() => {}
        }
    }
}

#[cfg(test)]
mod tests;
