//! A GET over plain HTTP to a service that is near: small, blocking, with a cap and a deadline. Not for the open internet.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

/// How long the whole exchange may take. A service that does not answer within is not well.
const DEADLINE: Duration = Duration::from_secs(5);
/// A report on health is far smaller; what is longer comes from something else.
const MAX_ANSWER_BYTES: usize = 1 << 20;
const MAX_HEADERS: usize = 64;
const DEFAULT_PORT: u16 = 80;

/// An answer.
pub(super) struct Answer {
    /// The HTTP status.
    pub(super) status: u16,
    /// The body.
    pub(super) body: Vec<u8>,
}

/// Gets `path` from the service at `url`, which is `http://`, a host, and perhaps a port and a path.
pub(super) fn get(url: &str, path: &str) -> io::Result<Answer> {
    let end = Instant::now() + DEADLINE;
    let rest = url.strip_prefix("http://").unwrap_or(url);
    let (authority, base) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
    let mut stream = connect(authority, end)?;
    stream.set_write_timeout(Some(remaining(end)?))?;
    // To a request of HTTP/1.0 the answer comes in one piece and ends with the connection.
    write!(stream, "GET {base}{path} HTTP/1.0\r\nHost: {authority}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    let mut buffer = [0; 8192];
    loop {
        stream.set_read_timeout(Some(remaining(end)?))?;
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return parse(&answer);
        }
        answer.extend_from_slice(buffer.get(..length).unwrap_or_default());
        if answer.len() > MAX_ANSWER_BYTES {
            return Err(io::Error::other("the answer is too long"));
        }
    }
}

fn connect(authority: &str, end: Instant) -> io::Result<TcpStream> {
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let addresses = if has_port {
        authority.to_socket_addrs()?
    } else {
        format!("{authority}:{DEFAULT_PORT}").to_socket_addrs()?
    };
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name stands for no address");
    for address in addresses {
        match TcpStream::connect_timeout(&address, remaining(end)?) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The time that is left; an error if none is.
fn remaining(end: Instant) -> io::Result<Duration> {
    let left = end.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

fn parse(answer: &[u8]) -> io::Result<Answer> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut head = httparse::Response::new(&mut headers);
    let foreign = || io::Error::other("the answer is not HTTP");
    match head.parse(answer).map_err(|_| foreign())? {
        httparse::Status::Complete(length) => Ok(Answer {
            status: head.code.ok_or_else(foreign)?,
            body: answer.get(length..).unwrap_or_default().to_vec(),
        }),
        httparse::Status::Partial => Err(foreign()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_a_status_and_a_body() {
        let answer = parse(b"HTTP/1.0 503 Service Unavailable\r\nA: b\r\n\r\nbody").unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (503, &b"body"[..]));
    }

    #[test]
    fn what_is_not_http_is_an_error() {
        for answer in [&b""[..], b"SSH-2.0\r\n", b"HTTP/1.0 200 OK\r\n"] {
            assert!(parse(answer).is_err());
        }
    }
}
