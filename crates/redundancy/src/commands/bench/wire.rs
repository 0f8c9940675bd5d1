//! HTTP/1.1 over one connection, with as little work as it takes, so that what is measured is the service. It knows bodies of
//! a stated length and connections that stay open; nothing else occurs here.

use std::io;
use std::net::SocketAddr;
use std::ops::Range;

use httparse::{EMPTY_HEADER, Header, Request, Response, Status};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// No message here comes near.
const MAX_MESSAGE_BYTES: usize = 4 << 20;
const MAX_HEADERS: usize = 64;
const BUFFER_BYTES: usize = 4096;

/// A connection and what has been read from it.
pub(super) struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What the head of a message says.
pub(super) struct Head<T> {
    what: T,
    bytes: usize,
    body_bytes: usize,
}

impl Wire {
    /// Speaks over `stream`.
    pub(super) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(BUFFER_BYTES) })
    }

    /// A new connection to `address`.
    pub(super) async fn connect(address: SocketAddr) -> io::Result<Self> {
        Self::new(TcpStream::connect(address).await?)
    }

    /// Sends `message`.
    pub(super) async fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.stream.write_all(message).await
    }

    /// Reads one message: what `parse` finds in its head, and where its body is, for [`Wire::body`]. `None` if the other
    /// side has closed the connection between two messages. What was read before is forgotten.
    pub(super) async fn receive<T>(
        &mut self,
        parse: impl Fn(&[u8]) -> io::Result<Option<Head<T>>>,
    ) -> io::Result<Option<(T, Range<usize>)>> {
        self.buffer.clear();
        let head = loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                let clean = self.buffer.is_empty();
                return if clean { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
            if let Some(head) = parse(&self.buffer)? {
                break head;
            }
            check_length(self.buffer.len())?;
        };
        let end = head.bytes.saturating_add(head.body_bytes);
        check_length(end)?;
        while self.buffer.len() < end {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(Some((head.what, head.bytes..end)))
    }

    /// The body of the message that was received last.
    pub(super) fn body(&self, place: Range<usize>) -> &[u8] {
        self.buffer.get(place).unwrap_or_default()
    }

    /// Waits until the other side closes the connection.
    pub(super) async fn closed(&mut self) {
        loop {
            self.buffer.clear();
            if !matches!(self.stream.read_buf(&mut self.buffer).await, Ok(1..)) {
                return;
            }
        }
    }
}

fn check_length(bytes: usize) -> io::Result<()> {
    if bytes > MAX_MESSAGE_BYTES {
        return Err(io::Error::other("a message is longer than 4 MiB"));
    }
    Ok(())
}

/// Reads the head of a response, and gives its status.
pub(super) fn status(buffer: &[u8]) -> io::Result<Option<Head<u16>>> {
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut response = Response::new(&mut headers);
    let Status::Complete(bytes) = response.parse(buffer).map_err(io::Error::other)? else {
        return Ok(None);
    };
    let what = response.code.unwrap_or_default();
    Ok(Some(Head { what, bytes, body_bytes: body_bytes(response.headers)? }))
}

/// Reads the head of a request, and gives what `by` makes of its target.
pub(super) fn target<T>(buffer: &[u8], by: impl Fn(&str) -> T) -> io::Result<Option<Head<T>>> {
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut request = Request::new(&mut headers);
    let Status::Complete(bytes) = request.parse(buffer).map_err(io::Error::other)? else {
        return Ok(None);
    };
    let what = by(request.path.unwrap_or_default());
    Ok(Some(Head { what, bytes, body_bytes: body_bytes(request.headers)? }))
}

fn body_bytes(headers: &[Header<'_>]) -> io::Result<usize> {
    let Some(header) = headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"))
    else {
        return Ok(0);
    };
    let length = std::str::from_utf8(header.value).ok().and_then(|length| length.trim().parse().ok());
    length.ok_or_else(|| io::Error::other("a message does not say how long it is"))
}
