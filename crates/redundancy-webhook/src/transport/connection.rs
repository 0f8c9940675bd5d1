//! HTTP/1.1 over one connection, driven by whoever waits for the answer.
//!
//! hyper splits a connection into one half that sends requests and one that moves bytes, and expects the second to run
//! as a task. Here both run inside the request's own future: no task to wake on each request, and a request that is given
//! up takes its connection with it at once.

use super::stream::{Heard, Stream};
use crate::FailureReason;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::error::Error;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use tokio::time::Instant;
use tokio_rustls::rustls;

/// The longest head of an answer, in bytes. Usual ones have less than one KiB.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// How much of an answer lies in memory at once, in bytes.
const MAX_BUFFER_BYTES: usize = 32 * 1024;

/// An open connection.
pub(super) struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    driver: http1::Connection<TokioIo<Stream>, Full<Bytes>>,
    is_finished: bool,
    heard: Heard,
    opened: Instant,
}

/// Why an exchange failed.
pub(super) struct ExchangeError {
    pub(super) reason: FailureReason,
    /// Whether the receiver had said nothing yet.
    pub(super) is_unanswered: bool,
}

impl Connection {
    /// Speaks HTTP/1.1 over `stream`. Nothing is sent yet.
    pub(super) async fn new(stream: Stream) -> Result<Self, FailureReason> {
        let heard = stream.heard();
        let (sender, driver) = http1::Builder::new()
            .max_buf_size(MAX_BUFFER_BYTES)
            .max_header_size(MAX_HEAD_BYTES)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| reason_of(&error))?;
        Ok(Self { sender, driver, is_finished: false, heard, opened: Instant::now() })
    }

    /// When it was opened.
    pub(super) fn opened(&self) -> Instant {
        self.opened
    }

    /// Sends `request` and waits for the head of the answer.
    pub(super) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, ExchangeError> {
        self.heard.clear();
        let answer = self.sender.send_request(request);
        let result = self.drive(pin!(answer)).await;
        result.map_err(|error| ExchangeError { reason: reason_of(&error), is_unanswered: !self.heard.get() })
    }

    /// The next piece of an answer's body; `None` at its end.
    pub(super) async fn next_piece(&mut self, body: &mut Incoming) -> Result<Option<Bytes>, FailureReason> {
        loop {
            match self.drive(body.frame()).await {
                None => return Ok(None),
                // What is not data is trailers, which nobody asked for.
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
                Some(Err(error)) => return Err(reason_of(&error)),
            }
        }
    }

    /// Whether another request can be sent: the last answer was read to its end, and the receiver keeps the connection
    /// open. Costs one attempt to read, and never waits.
    pub(super) async fn is_ready(&mut self) -> bool {
        poll_fn(|cx| {
            if !self.is_finished {
                self.is_finished = Pin::new(&mut self.driver).poll(cx).is_ready();
            }
            Poll::Ready(!self.is_finished && self.sender.is_ready())
        })
        .await
    }

    /// Waits for `awaited` and moves bytes meanwhile.
    async fn drive<F: Future + Unpin>(&mut self, mut awaited: F) -> F::Output {
        poll_fn(|cx| {
            if let Poll::Ready(output) = Pin::new(&mut awaited).poll(cx) {
                return Poll::Ready(output);
            }
            if self.is_finished {
                return Poll::Pending;
            }
            // An error that ends the driver also reaches whoever waits.
            self.is_finished = Pin::new(&mut self.driver).poll(cx).is_ready();
            Pin::new(&mut awaited).poll(cx)
        })
        .await
    }
}

/// TLS fails late when a receiver refuses the client's certificate; everything else is not the HTTP that was expected.
fn reason_of(error: &hyper::Error) -> FailureReason {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(inner) = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref)
            && inner.is::<rustls::Error>()
        {
            return FailureReason::Tls;
        }
        source = cause.source();
    }
    FailureReason::Protocol
}
