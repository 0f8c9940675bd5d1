//! A TCP connection that neither waits forever for a client that does not read, nor resets one that is still sending.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// How long a client that is still sending after its answer is listened to.
const LINGER: Duration = Duration::from_secs(2);

/// Bytes that are looked at ahead at a time. The head of most requests fits, so that looking costs no extra call to the system.
const LOOK_AHEAD_BYTES: usize = 1024;

/// Bytes that are thrown away at a time, and how often in a row before other connections get their turn.
const DISCARD_BYTES: usize = 4096;
const DISCARDS_IN_A_ROW: usize = 64;

/// Bytes that are read in a row before other connections get their turn: with small frames of HTTP/2 that is much work.
const READ_IN_A_ROW_BYTES: usize = 128 * 1024;

/// A connection to a client.
///
/// Closing a socket with unread input makes TCP reset the connection, and a reset can destroy an answer that the client has
/// not read yet, such as the 413 to a body that is too long. So a side that closes first reads on for a while and throws
/// away what comes (RFC 9112, section 9.6).
pub(super) struct Socket {
    stream: TcpStream,
    write_timeout: Duration,
    /// Runs while the client takes nothing of what is there to send.
    stalled: Option<Pin<Box<Sleep>>>,
    /// Runs while the client, told that nothing more comes, goes on sending.
    lingering: Option<Pin<Box<Sleep>>>,
    /// What was looked at ahead and has not been read yet.
    ahead: Vec<u8>,
    /// Bytes read since there was nothing to read, or others had their turn.
    in_a_row: usize,
}

/// What is left to read.
enum Input {
    /// The client has closed its side, or the connection is broken.
    Ended,
    /// Nothing now.
    Waiting,
    /// Something was there and has been thrown away; more may come.
    Flowing,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, write_timeout: Duration) -> Self {
        Self { stream, write_timeout, stalled: None, lingering: None, ahead: Vec::new(), in_a_row: 0 }
    }

    /// Waits for more bytes than were looked at before and gives all that came so far. They stay to be read. Where the client
    /// has closed its side, no more come.
    pub(super) async fn look_ahead(&mut self) -> io::Result<&[u8]> {
        // The buffer lives no longer than one look: a connection on which nothing comes has none.
        let come = poll_fn(|cx| {
            let mut scratch = [0; LOOK_AHEAD_BYTES];
            let mut buffer = ReadBuf::new(&mut scratch);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
            self.ahead.extend_from_slice(buffer.filled());
            Poll::Ready(Ok::<(), io::Error>(()))
        });
        come.await?;
        Ok(&self.ahead)
    }

    /// Passes on the outcome of a write, or the end of the time for it.
    fn watch(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let deadline = self.stalled.get_or_insert_with(|| Box::pin(sleep(self.write_timeout)));
        deadline.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }

    fn discard(&mut self, cx: &mut Context<'_>) -> Input {
        let mut scratch = [0; DISCARD_BYTES];
        for discarded in 0..DISCARDS_IN_A_ROW {
            let mut buffer = ReadBuf::new(&mut scratch);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {}
                Poll::Ready(_) => return Input::Ended,
                Poll::Pending if discarded == 0 => return Input::Waiting,
                Poll::Pending => return Input::Flowing,
            }
        }
        cx.waker().wake_by_ref();
        Input::Flowing
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.ahead.is_empty() {
            if self.in_a_row >= READ_IN_A_ROW_BYTES {
                self.in_a_row = 0;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let before = buffer.filled().len();
            let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
            self.in_a_row = if read.is_ready() { self.in_a_row + buffer.filled().len() - before } else { 0 };
            return read;
        }
        let length = self.ahead.len().min(buffer.remaining());
        buffer.put_slice(self.ahead.get(..length).unwrap_or_default());
        // What is left of it is mostly nothing, and then takes no memory any more.
        self.ahead = self.ahead.split_off(length);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watch(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.watch(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        match (self.discard(cx), &mut self.lingering) {
            // An idle client may keep its side open for long. With nothing unread there is nothing to lose.
            (Input::Ended, _) | (Input::Waiting, None) => Poll::Ready(Ok(())),
            (_, lingering) => {
                let end = lingering.get_or_insert_with(|| Box::pin(sleep(LINGER)));
                end.as_mut().poll(cx).map(Ok)
            }
        }
    }
}
