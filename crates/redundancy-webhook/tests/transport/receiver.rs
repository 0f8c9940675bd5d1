//! Receivers on the loopback address that do to each connection what the test says, and transports that may call them.

use crate::names::Names;
use bytes::Bytes;
use redundancy_webhook::FailureReason;
use redundancy_webhook::transport::{
    AddressPolicy, HttpTransport, OutgoingRequest, ReceiverResponse, Transport as _, TransportConfig,
};
use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;

/// Long enough for any answer on a busy machine; where it is used, no time-out is expected.
pub(crate) const GENEROUS: Duration = Duration::from_mins(1);
/// Where a time-out is expected.
pub(crate) const SHORT: Duration = Duration::from_millis(300);

/// A listener that counts who comes.
pub(crate) struct Receiver {
    pub(crate) port: u16,
    peers: Arc<Mutex<Vec<SocketAddr>>>,
}

impl Receiver {
    /// Listens, and does `serve` to each connection. It gets the number of the connection, from 0.
    pub(crate) async fn start<F, S>(serve: S) -> Self
    where
        S: Fn(TcpStream, usize) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let peers = Arc::new(Mutex::new(Vec::new()));
        let accepted = Arc::clone(&peers);
        TaskTracker::new().spawn(async move {
            let connections = TaskTracker::new();
            loop {
                let (stream, peer) = listener.accept().await.unwrap();
                let number = accepted.lock().unwrap().len();
                accepted.lock().unwrap().push(peer);
                connections.spawn(serve(stream, number));
            }
        });
        Self { port, peers }
    }

    /// Gives each request on any connection the same answer.
    pub(crate) async fn answering(answer: &'static str) -> Self {
        Self::start(move |mut stream, _| async move {
            while read_request(&mut stream).await.is_some() {
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
        })
        .await
    }

    /// Reads one request, writes `bytes`, and closes.
    pub(crate) async fn closing_after(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self::start(move |mut stream, _| {
            let bytes = bytes.clone();
            async move {
                read_request(&mut stream).await;
                // Whoever has read enough may be gone.
                drop(stream.write_all(&bytes).await);
            }
        })
        .await
    }

    /// How many connections have been accepted. Connections are accepted in order, so when one that is made here has been,
    /// all before it have been counted.
    pub(crate) async fn accepted(&self) -> usize {
        let own = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let address = own.local_addr().unwrap();
        loop {
            let before = self.peers.lock().unwrap().iter().position(|&peer| peer == address);
            if let Some(before) = before {
                // The test's own connection is not counted, now or later.
                self.peers.lock().unwrap().remove(before);
                return before;
            }
            tokio::task::yield_now().await;
        }
    }
}

/// Reads a request with its body as text. `None` if the other side closes before its end.
pub(crate) async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some(text);
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// Settings under which receivers on `127.0.0.1` may be called.
pub(crate) fn loopback_allowed() -> TransportConfig {
    TransportConfig {
        policy: AddressPolicy::new(vec!["127.0.0.1/32".parse().unwrap()]),
        ..TransportConfig::default()
    }
}

/// A transport that may call receivers on `127.0.0.1`, where every name leads.
pub(crate) fn transport() -> HttpTransport {
    HttpTransport::new(loopback_allowed()).unwrap().with_resolver(Arc::new(Names::answering(&["127.0.0.1"])))
}

/// A request with a small body to `url`, in which `{port}` stands for the receiver's.
pub(crate) fn request(url: &str, port: u16, timeout: Duration) -> OutgoingRequest {
    OutgoingRequest {
        url: url.replace("{port}", &port.to_string()).parse().unwrap(),
        headers: http::HeaderMap::new(),
        body: Bytes::from_static(b"{}"),
        timeout,
    }
}

/// Sends one request to `receiver` over a new transport.
pub(crate) async fn call(receiver: &Receiver, timeout: Duration) -> Result<ReceiverResponse, FailureReason> {
    transport().send(request("http://receiver.test:{port}/hook", receiver.port, timeout)).await
}
