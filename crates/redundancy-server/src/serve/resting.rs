//! Connections of HTTP/1.1 that rest between requests. What reads and writes requests holds 16 KiB of buffers and more; a connection on which
//! nothing happens gives that back and waits for the next byte with next to nothing.

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use hyper::Request;
use hyper::body::{Frame, Incoming, SizeHint};
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::sleep;

/// How long nothing must happen, at least; twice as long at most. Most clients that go on do so sooner.
const REST_AFTER: Duration = Duration::from_millis(250);

/// What happens on a connection.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    /// Requests that were not read to their ends, and answers that are not made whole yet. The body of a request that nobody reads counts for
    /// ever: such a connection ends.
    under_way: AtomicUsize,
    /// Whether something of an answer was given to the connection that may not be on its way.
    is_unflushed: AtomicBool,
    /// Whether bytes came that belong to no request so far.
    is_in_head: AtomicBool,
    /// Whether this side has nothing more to say. What still comes is no request.
    is_ending: AtomicBool,
    /// How many requests there were.
    count: AtomicU64,
}

/// A stream that tells [`Traffic`] what happens on it, and from which a byte can be waited for.
pub(super) struct Watched<S> {
    stream: S,
    traffic: Arc<Traffic>,
    /// What has come already and is to be read first.
    ahead: Bytes,
}

/// The body of a request, which is under way until that has been read to its end.
struct Asked<B> {
    body: B,
    traffic: Option<Arc<Traffic>>,
}

/// The body of an answer, which is under way until it is dropped.
struct Answer {
    body: Body,
    _under_way: UnderWay,
}

struct UnderWay(Arc<Traffic>);

impl Traffic {
    /// A request whose head is whole, and what its answer is to be passed through.
    pub(super) fn begin(
        self: &Arc<Self>,
        request: Request<Incoming>,
    ) -> (Request<Body>, impl FnOnce(Response) -> Response + Send + use<>) {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
        self.is_in_head.store(false, Ordering::Relaxed);
        let request = request.map(|body| {
            if body.is_end_stream() {
                return Body::empty();
            }
            self.under_way.fetch_add(1, Ordering::Relaxed);
            Body::new(Asked { body, traffic: Some(Arc::clone(self)) })
        });
        let under_way = UnderWay(Arc::clone(self));
        (request, move |response: Response| {
            response.map(|body| Body::new(Answer { body, _under_way: under_way }))
        })
    }

    /// Waits until nothing has happened for a while and nothing is under way.
    pub(super) async fn rested(&self) {
        let mut still_at = None;
        loop {
            let now = self.is_still().then(|| self.count.load(Ordering::Relaxed));
            if now.is_some() && now == still_at {
                return;
            }
            still_at = now;
            sleep(REST_AFTER).await;
        }
    }

    fn is_still(&self) -> bool {
        let flags = [&self.is_unflushed, &self.is_in_head, &self.is_ending];
        // Before the first request its head is waited for, and has its own deadline.
        self.count.load(Ordering::Relaxed) > 0
            && self.under_way.load(Ordering::Relaxed) == 0
            && flags.iter().all(|flag| !flag.load(Ordering::Relaxed))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, traffic: Arc::default(), ahead: Bytes::new() }
    }

    pub(super) fn traffic(&self) -> Arc<Traffic> {
        Arc::clone(&self.traffic)
    }

    /// The stream again, with what was read of it and has not been used.
    pub(super) fn again(self, unused: &[u8]) -> Self {
        // Copied, mostly nothing: a part of a buffer, also an empty one, keeps the 8 KiB of the whole.
        Self { stream: self.stream, traffic: Arc::default(), ahead: Bytes::copy_from_slice(unused) }
    }
}

impl<S: AsyncRead + Unpin> Watched<S> {
    /// Waits for a byte, which stays to be read. `false` where the client has closed its side.
    pub(super) async fn has_more(&mut self) -> io::Result<bool> {
        if !self.ahead.is_empty() {
            return Ok(true);
        }
        let mut scratch = [0; 1];
        let mut byte = ReadBuf::new(&mut scratch);
        poll_fn(|cx| Pin::new(&mut self.stream).poll_read(cx, &mut byte)).await?;
        self.ahead = Bytes::copy_from_slice(byte.filled());
        Ok(!self.ahead.is_empty())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        if self.ahead.is_empty() {
            ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        } else {
            let length = self.ahead.len().min(buffer.remaining());
            buffer.put_slice(&self.ahead.split_to(length));
        }
        if buffer.filled().len() > before {
            self.traffic.is_in_head.store(true, Ordering::Relaxed);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.traffic.is_unflushed.store(true, Ordering::Relaxed);
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.traffic.is_unflushed.store(true, Ordering::Relaxed);
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Called when all that there was to write has been given to the stream, and then this is all of it.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.traffic.is_unflushed.store(false, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.traffic.is_ending.store(true, Ordering::Relaxed);
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<B: HttpBody + Unpin> HttpBody for Asked<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if (frame.is_none() || self.body.is_end_stream())
            && let Some(traffic) = self.traffic.take()
        {
            // What came with the end of the body and does not belong to it is kept when the connection rests.
            traffic.is_in_head.store(false, Ordering::Relaxed);
            traffic.under_way.fetch_sub(1, Ordering::Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
