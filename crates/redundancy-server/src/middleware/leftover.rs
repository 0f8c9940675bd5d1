//! What is left of the body of a request that was answered without it. HTTP/1.1 reads it before the next request on the connection; where it
//! is much, the connection ends instead, and the answer has to say so, or the client would send the next request into nothing. HTTP/2 would
//! reset the stream behind the answer (RFC 9113, section 8.1), on which common clients throw away the answer too: curl 7.88 tells of a "stream
//! error in the HTTP/2 framing layer" in place of what was wrong.

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::header::{CONNECTION, EXPECT};
use axum::http::{HeaderValue, Version};
use axum::response::Response;
use http_body_util::BodyExt as _;
use hyper::body::{Frame, SizeHint};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::timeout;

/// So many bytes are read to keep a connection: mostly they have come already.
const MOST_BYTES: u64 = 64 * 1024;
/// So many to keep an answer of HTTP/2 from being thrown away: as many as the longest text has by default.
const MOST_BYTES_OF_STREAM: u64 = 1024 * 1024;
/// How long they are waited for.
const PATIENCE: Duration = Duration::from_millis(500);

/// The body of a request, kept when the handler drops it.
pub(super) struct Leftover {
    body: Option<Shared>,
    /// Whether the connection is of no use any more while some of it is left.
    is_in_the_way: bool,
}

/// A body in two hands.
#[derive(Clone)]
struct Shared {
    kept: Arc<Mutex<Kept>>,
    /// Whether the client waits to be invited to send it, and would be by reading it.
    waits: bool,
}

struct Kept {
    body: Body,
    /// Whether it was read to its end.
    is_over: bool,
    is_broken: bool,
}

impl Leftover {
    /// Keeps hold of the body of `request`.
    pub(super) fn of(request: &mut Request) -> Self {
        let is_in_the_way = request.version() <= Version::HTTP_11;
        if request.body().is_end_stream() {
            return Self { body: None, is_in_the_way };
        }
        let kept = Kept { body: std::mem::take(request.body_mut()), is_over: false, is_broken: false };
        let waits = request.headers().contains_key(EXPECT);
        let shared = Shared { kept: Arc::new(Mutex::new(kept)), waits };
        *request.body_mut() = Body::new(shared.clone());
        Self { body: Some(shared), is_in_the_way }
    }

    /// Reads what is left if nobody else does, or has `response` say that the connection ends.
    pub(super) async fn settle(self, response: &mut Response) {
        let Self { body: Some(mut body), is_in_the_way } = self else { return };
        // A handler that answers while it reads has the body still.
        let is_left = Arc::strong_count(&body.kept) == 1;
        if is_left
            && !response.headers().contains_key(CONNECTION)
            && !body.is_read_to_its_end(is_in_the_way).await
            && is_in_the_way
        {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads what is not too much. In HTTP/1.1 it has to be known beforehand that it is not: bodies in chunks may be cut so small that to read
    /// them is much work, which the frames of HTTP/2 may not.
    async fn is_read_to_its_end(&mut self, is_in_the_way: bool) -> bool {
        if self.is_end_stream() {
            return true;
        }
        let size = self.size_hint();
        let (most, is_too_much) = if is_in_the_way {
            (MOST_BYTES, size.upper().is_none_or(|bytes| bytes > MOST_BYTES))
        } else {
            (MOST_BYTES_OF_STREAM, size.lower() > MOST_BYTES_OF_STREAM)
        };
        if self.lock().is_broken || self.waits || is_too_much {
            return false;
        }
        let reading = async {
            let mut left = most;
            while let Some(frame) = self.frame().await {
                let Ok(frame) = frame else { return false };
                let bytes = frame.data_ref().map_or(0, Bytes::len) as u64;
                match left.checked_sub(bytes) {
                    Some(less) => left = less,
                    None => return false,
                }
            }
            true
        };
        timeout(PATIENCE, reading).await.unwrap_or(false)
    }
}

impl HttpBody for Shared {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut kept = self.lock();
        let frame = Pin::new(&mut kept.body).poll_frame(cx);
        kept.is_over |= matches!(frame, Poll::Ready(None));
        kept.is_broken |= matches!(frame, Poll::Ready(Some(Err(_))));
        frame
    }

    fn is_end_stream(&self) -> bool {
        let kept = self.lock();
        kept.is_over || kept.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.lock().body.size_hint()
    }
}
