//! A connection to the collector that is used again and again, in clear or encrypted, over HTTP/1.1 or HTTP/2.

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::rt::{Executor, Read, Write};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_util::task::TaskTracker;

use super::otlp::{Answer, Refusal};
use crate::client::address::ServiceAddress;
use crate::client::connection::connector;
use crate::settings::OtlpProtocol;

/// More of an answer is not read: a collector says in a few bytes that it took a batch.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Requests go through this.
enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

/// The way to a collector.
pub(super) struct Connection {
    address: ServiceAddress,
    protocol: OtlpProtocol,
    sender: Option<Sender>,
    /// What moves bytes.
    tasks: TaskTracker,
}

/// Lets HTTP/2 do its work beside that of its connection.
#[derive(Clone)]
struct OnTracker(TaskTracker);

impl<F> Executor<F> for OnTracker
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, work: F) {
        self.0.spawn(work);
    }
}

impl Connection {
    pub(super) fn new(address: ServiceAddress, protocol: OtlpProtocol) -> Self {
        Self { address, protocol, sender: None, tasks: TaskTracker::new() }
    }

    /// Sends a request and reads the answer. The caller sets the deadline; dropped half-way, this leaves a connection that is not
    /// used again.
    pub(super) async fn ask(&mut self, request: Request<Full<Bytes>>) -> Result<Answer, Refusal> {
        // Taken out, so that it is lost unless the answer is complete.
        let mut sender = match self.sender.take() {
            Some(sender) => match sender.usable().await {
                Some(sender) => sender,
                None => self.open().await?,
            },
            None => self.open().await?,
        };
        let response = sender.send(request).await.map_err(broken)?;
        let answer = read(response).await?;
        self.sender = Some(sender);
        Ok(answer)
    }

    async fn open(&self) -> Result<Sender, Refusal> {
        let stream = TcpStream::connect((self.address.host(), self.address.port()))
            .await
            .map_err(|error| Refusal::passing(format!("no connection: {}", error.kind())))?;
        // A batch is one write, which has nothing to wait for. It works without as well.
        let _ = stream.set_nodelay(true);
        if !self.address.is_encrypted() {
            return self.speak(TokioIo::new(stream)).await;
        }
        let insecure = |why: String| Refusal::passing(format!("no encrypted connection: {why}"));
        let host = ServerName::try_from(self.address.host().to_owned())
            .map_err(|error| insecure(error.to_string()))?;
        let spoken: &[u8] = match self.protocol {
            OtlpProtocol::Http => b"http/1.1",
            OtlpProtocol::Grpc => b"h2",
        };
        let connector = connector(spoken, None).map_err(insecure)?;
        let stream = connector.connect(host, stream).await.map_err(|error| insecure(error.to_string()))?;
        self.speak(TokioIo::new(stream)).await
    }

    async fn speak<S: Read + Write + Unpin + Send + 'static>(&self, stream: S) -> Result<Sender, Refusal> {
        match self.protocol {
            OtlpProtocol::Http => {
                let (sender, connection) = http1::handshake(stream).await.map_err(broken)?;
                self.tasks.spawn(async move {
                    // An error reaches whoever waits for the answer.
                    let _ = connection.await;
                });
                Ok(Sender::Http1(sender))
            }
            OtlpProtocol::Grpc => {
                let executor = OnTracker(self.tasks.clone());
                let (sender, connection) = http2::handshake(executor, stream).await.map_err(broken)?;
                self.tasks.spawn(async move {
                    let _ = connection.await;
                });
                Ok(Sender::Http2(sender))
            }
        }
    }
}

impl Sender {
    /// Waits until a request can be sent; `None` when the connection has ended.
    async fn usable(mut self) -> Option<Self> {
        let ready = match &mut self {
            Self::Http1(sender) => sender.ready().await,
            Self::Http2(sender) => sender.ready().await,
        };
        ready.ok().map(|()| self)
    }

    async fn send(&mut self, request: Request<Full<Bytes>>) -> hyper::Result<Response<Incoming>> {
        match self {
            Self::Http1(sender) => sender.send_request(request).await,
            Self::Http2(sender) => sender.send_request(request).await,
        }
    }
}

async fn read(response: Response<Incoming>) -> Result<Answer, Refusal> {
    let (head, body) = response.into_parts();
    let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await;
    let body =
        body.map_err(|_| Refusal::passing("the answer of the collector is not complete, or too long"))?;
    let mut headers = head.headers;
    if let Some(trailers) = body.trailers() {
        headers.extend(trailers.clone());
    }
    Ok(Answer { status: head.status, headers, body: body.to_bytes() })
}

#[expect(clippy::needless_pass_by_value, reason = "it stands where an error is mapped")]
fn broken(error: hyper::Error) -> Refusal {
    Refusal::passing(format!("the connection broke: {error}"))
}
